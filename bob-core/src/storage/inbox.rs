//! Conversations as a business's people see and answer them.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::act::Act;
use crate::conversation::{SpeakerChange, SpeakerChanged};
use crate::id::{ConversationId, TenantId};
use crate::inbox::{InboxEntry, InboxFilter, InboxPlace, PersonReply, Replied};

/// Listing conversations, and speaking in them in the place of Bob.
///
/// Exactly one speaks in a conversation: whoever writes under another epoch than the current one adds nothing to it, Bob
/// by [`finish_turn`](super::TurnStore::finish_turn), a person by [`reply`](Self::reply).
#[async_trait]
pub trait InboxStore: fmt::Debug + Send + Sync {
    /// The conversations of a filter behind `after`, at most `limit`: who waits longest first, otherwise those with the
    /// latest activity.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant.
    async fn inbox(
        &self,
        tenant: &TenantId,
        filter: &InboxFilter,
        after: Option<InboxPlace>,
        limit: u32,
    ) -> Result<Vec<InboxEntry>>;

    /// One conversation as it stands.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such conversation.
    async fn inbox_entry(&self, tenant: &TenantId, conversation: &ConversationId) -> Result<InboxEntry>;

    /// Lets a person take a conversation, hand it back or close it, as [`Standing::after`] decides.
    ///
    /// [`Standing::after`]: crate::conversation::Standing::after
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such conversation,
    /// [`Stale`](super::StorageErrorKind::Stale) when who speaks has changed since the person looked.
    async fn change_speaker(
        &self,
        act: &Act,
        tenant: &TenantId,
        conversation: &ConversationId,
        change: SpeakerChange,
    ) -> Result<SpeakerChanged>;

    /// Stores what a person writes to the visitor, sealed as what the visitor wrote.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such conversation,
    /// [`Stale`](super::StorageErrorKind::Stale) when the person speaks, but under another epoch than they believe.
    async fn reply(
        &self,
        act: &Act,
        tenant: &TenantId,
        conversation: &ConversationId,
        reply: PersonReply,
    ) -> Result<Replied>;

    /// Notes in the audit that a conversation was read: by somebody whose reading is to be seen.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such conversation.
    async fn note_reading(&self, act: &Act, tenant: &TenantId, conversation: &ConversationId) -> Result<()>;
}
