//! The inbox: a business's people read what visitors and Bob say, and speak in the place of Bob.
//!
//! Exactly one speaks in a conversation at a time. [`Standing`](crate::conversation::Standing) decides who may change
//! that, storage holds it, and [`Inbox`] tells those who listen: visitors and people, on this node at once and on others
//! within a second.

mod events;
mod feed;
mod hub;
mod list;
mod reply;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::account::PLATFORM_REALM;
use crate::act::Act;
use crate::conversation::{ConversationKey, History, Message, SpeakerChange, SpeakerChanged};
use crate::id::{AccountId, ConversationId, TenantId};
use crate::life::Life;
use crate::storage::{Result, SharedStorage, Storage, StorageError, StorageErrorKind};

pub use events::{
    ConversationEvent, ConversationEvents, HeardUpTo, InboxEvent, InboxEvents, ParseHeardError,
};
pub use hub::Stir;
pub(crate) use hub::{Hub, Listening};
pub use list::{InboxEntry, InboxFilter, InboxPage, InboxPlace, InboxState};
pub use reply::{PersonReply, Replied};

/// What a person without a name is called.
const NAMELESS: &str = "Support";

/// The inbox of one Bob; cheap to clone.
#[derive(Debug, Clone)]
pub struct Inbox {
    storage: SharedStorage,
    hub: Arc<Hub>,
    life: Arc<Life>,
}

impl Inbox {
    pub(crate) fn new(storage: SharedStorage, hub: Arc<Hub>, life: Arc<Life>) -> Self {
        Self { storage, hub, life }
    }

    /// A page of a tenant's conversations behind `after`.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is no such tenant.
    pub async fn list(
        &self,
        tenant: &TenantId,
        filter: &InboxFilter,
        after: Option<InboxPlace>,
        limit: u32,
    ) -> Result<InboxPage> {
        // One more than wanted tells whether there are more.
        let mut entries = self.storage.inbox(tenant, filter, after, limit.saturating_add(1)).await?;
        let more = entries.len() > limit as usize;
        entries.truncate(limit as usize);
        let next = entries.last().filter(|_| more).and_then(|last| last.place(filter.state));
        Ok(InboxPage { entries, next })
    }

    /// One conversation as it stands.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when the tenant has no such conversation.
    pub async fn entry(&self, tenant: &TenantId, conversation: &ConversationId) -> Result<InboxEntry> {
        self.storage.inbox_entry(tenant, conversation).await
    }

    /// What was said in it: the latest messages before number `before`, oldest first.
    ///
    /// # Errors
    ///
    /// As for [`entry`](Self::entry).
    pub async fn history(
        &self,
        tenant: &TenantId,
        conversation: &ConversationId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<History> {
        self.storage.history(tenant, conversation, before, limit).await
    }

    /// Lets a person take a conversation, hand it back or close it; all who listen hear of it.
    ///
    /// # Errors
    ///
    /// As for [`change_speaker`](crate::storage::InboxStore::change_speaker).
    pub async fn change_speaker(
        &self,
        act: &Act,
        tenant: &TenantId,
        conversation: &ConversationId,
        change: SpeakerChange,
    ) -> Result<SpeakerChanged> {
        let changed = self.storage.change_speaker(act, tenant, conversation, change).await?;
        if let SpeakerChanged::Done(_) = changed {
            self.hub.stir(Stir { tenant: *tenant, conversation: *conversation, typing: None });
        }
        Ok(changed)
    }

    /// Stores what a person writes to the visitor; all who listen hear it.
    ///
    /// # Errors
    ///
    /// As for [`reply`](crate::storage::InboxStore::reply).
    pub async fn reply(
        &self,
        act: &Act,
        tenant: &TenantId,
        conversation: &ConversationId,
        reply: PersonReply,
    ) -> Result<Replied> {
        let replied = self.storage.reply(act, tenant, conversation, reply).await?;
        if let Replied::Stored(_) = replied {
            self.hub.stir(Stir { tenant: *tenant, conversation: *conversation, typing: None });
        }
        Ok(replied)
    }

    /// Shows those who listen that a person is writing, if it is they who speak. Nothing is stored.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when the tenant has no such conversation.
    pub async fn typing(
        &self,
        tenant: &TenantId,
        conversation: &ConversationId,
        person: AccountId,
    ) -> Result<()> {
        self.storage.inbox_entry(tenant, conversation).await?;
        let stir = Stir { tenant: *tenant, conversation: *conversation, typing: Some(person) };
        self.hub.stir(stir);
        self.storage.tell_stir(stir).await
    }

    /// The events of a conversation behind what was `heard`; from its latest messages on when nothing was.
    #[must_use]
    pub fn follow(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        heard: Option<HeardUpTo>,
    ) -> ConversationEvents {
        ConversationEvents::new(self.clone(), tenant, conversation, heard)
    }

    /// The same for the visitor whose conversation it is.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when the visitor has no such conversation.
    pub async fn follow_own(
        &self,
        tenant: TenantId,
        key: &ConversationKey,
        heard: Option<HeardUpTo>,
    ) -> Result<ConversationEvents> {
        let found = self.storage.conversation(&tenant, key).await?;
        let found = found.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, "follow"))?;
        Ok(self.follow(tenant, found.id, heard))
    }

    /// The events of all of a tenant's conversations behind an event; from now on when none.
    #[must_use]
    pub fn follow_all(&self, tenant: TenantId, after: Option<Uuid>) -> InboxEvents {
        InboxEvents::new(self.clone(), tenant, after)
    }

    /// What a visitor may call a person: their first name.
    ///
    /// # Errors
    ///
    /// When storage does not answer.
    pub async fn name(&self, tenant: &TenantId, person: &AccountId) -> Result<String> {
        // What another business calls them is not said here.
        for realm in [tenant, &PLATFORM_REALM] {
            match self.storage.member(realm, person).await {
                Ok(member) => return Ok(first_name(&member.name).unwrap_or(NAMELESS).to_owned()),
                Err(error) if error.kind() == StorageErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(NAMELESS.to_owned())
    }

    /// What a visitor may call each of the people who speak in these messages.
    ///
    /// # Errors
    ///
    /// When storage does not answer.
    pub async fn names(&self, tenant: &TenantId, messages: &[Message]) -> Result<HashMap<AccountId, String>> {
        let mut names = HashMap::new();
        for person in messages.iter().filter_map(|message| message.author) {
            if let Entry::Vacant(place) = names.entry(person) {
                place.insert(self.name(tenant, &person).await?);
            }
        }
        Ok(names)
    }

    fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    fn draining(&self) -> CancellationToken {
        self.life.draining()
    }
}

/// The first word of a name; an e-mail address is none.
fn first_name(name: &str) -> Option<&str> {
    name.split_whitespace().next().filter(|first| !first.contains('@'))
}
