//! What those who listen hear: of one conversation, or of all of a tenant.
//!
//! Both read storage when they are woken, from where they left off, and keep nothing else. A listener who does not ask
//! for the next event costs nothing but its place; one who comes back says what it heard last and misses nothing.

use std::collections::VecDeque;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::feed::Feed;
use super::hub::Listening;
use super::{Inbox, InboxEntry};
use crate::conversation::{Message, Owner, Ownership, Role};
use crate::id::{ConversationId, MessageId, TenantId};
use crate::outbox::{EventKind, OutboxEvent};
use crate::storage::Result;

/// How long a listener trusts that it would have been woken.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// How many messages are read at a time, and how many of the latest a new listener begins with: what it has read before
/// may be a little older than its listening.
const PAGE: u64 = 20;

/// How far somebody heard a conversation: the number of a message, and an epoch of its speakers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeardUpTo {
    /// The latest message.
    pub message: u64,
    /// The latest change of who speaks.
    pub epoch: u64,
}

/// The text is not a place in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place in a conversation")]
pub struct ParseHeardError;

impl FromStr for HeardUpTo {
    type Err = ParseHeardError;

    fn from_str(text: &str) -> std::result::Result<Self, ParseHeardError> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten().ok_or(ParseHeardError)
        };
        let (message, epoch) = text.split_once('.').ok_or(ParseHeardError)?;
        Ok(Self { message: number(message)?, epoch: number(epoch)? })
    }
}

impl std::fmt::Display for HeardUpTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.message, self.epoch)
    }
}

/// Something that happened in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConversationEvent {
    /// Somebody said something.
    Said {
        /// The message.
        message: Box<Message>,
        /// What the visitor may call the person who said it.
        name: Option<String>,
    },
    /// Who speaks changed; a new listener hears first who does.
    SpeakerChanged {
        /// Who speaks now.
        ownership: Ownership,
        /// What the visitor may call them, when it is a person.
        name: Option<String>,
    },
    /// A person is writing.
    Typing {
        /// What the visitor may call them.
        name: String,
    },
    /// The conversation was closed; nothing follows.
    Closed,
}

/// The events of one conversation, as they happen.
#[derive(Debug)]
pub struct ConversationEvents {
    inbox: Inbox,
    tenant: TenantId,
    conversation: ConversationId,
    listening: Listening,
    draining: CancellationToken,
    /// None before the first look of a listener who heard nothing yet.
    heard: Option<HeardUpTo>,
    ready: VecDeque<(Option<HeardUpTo>, ConversationEvent)>,
    /// Whether everything that is stored was read.
    caught_up: bool,
    over: bool,
}

impl ConversationEvents {
    pub(super) fn new(
        inbox: Inbox,
        tenant: TenantId,
        conversation: ConversationId,
        heard: Option<HeardUpTo>,
    ) -> Self {
        let listening = inbox.hub().listen(tenant, Some(conversation));
        let draining = inbox.draining();
        let ready = VecDeque::new();
        let (caught_up, over) = (false, false);
        Self { inbox, tenant, conversation, listening, draining, heard, ready, caught_up, over }
    }

    /// The next event, with the place behind it unless it is one that passes; `None` when the conversation was closed,
    /// Bob is being stopped or storage does not answer. Whoever still wants to listen comes back then.
    pub async fn next(&mut self) -> Option<(Option<HeardUpTo>, ConversationEvent)> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            if self.caught_up {
                tokio::select! {
                    () = self.draining.cancelled() => return None,
                    () = self.listening.stirred() => {}
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                }
            }
            if let Err(error) = self.look().await {
                tracing::warn!(error = ?error, "a conversation could not be followed");
                return None;
            }
        }
    }

    /// Reads what happened since the last time.
    async fn look(&mut self) -> Result<()> {
        let entry = self.inbox.entry(&self.tenant, &self.conversation).await?;
        let first = self.heard.is_none();
        let heard =
            self.heard.unwrap_or(HeardUpTo { message: entry.messages.saturating_sub(PAGE), epoch: 0 });
        let upto = entry.messages.min(heard.message.saturating_add(PAGE));
        let mut said = Vec::new();
        if upto > heard.message {
            let (before, count) = (Some(upto + 1), u32::try_from(upto - heard.message).unwrap_or(u32::MAX));
            said = self.inbox.history(&self.tenant, &self.conversation, before, count).await?.messages;
        }
        self.caught_up = upto == entry.messages;
        let changed = self.caught_up && (first || entry.standing.ownership.epoch != heard.epoch);
        self.heard = Some(heard);
        if first && changed {
            self.change_speaker(&entry).await?;
        }
        for message in said {
            let speaks = match entry.standing.ownership.owner {
                Owner::Bot => Role::Bot,
                Owner::Person(_) => Role::Person,
            };
            // Who speaks is told before they say something.
            let epoch = self.heard.map_or(0, |heard| heard.epoch);
            if changed && message.said.role == speaks && epoch != entry.standing.ownership.epoch {
                self.change_speaker(&entry).await?;
            }
            self.say(message).await?;
        }
        let epoch = self.heard.map_or(0, |heard| heard.epoch);
        if changed && !first && epoch != entry.standing.ownership.epoch {
            self.change_speaker(&entry).await?;
        }
        if self.caught_up && entry.standing.closed_at.is_some() {
            self.ready.push_back((self.heard, ConversationEvent::Closed));
            self.over = true;
        }
        if let Some(person) = self.listening.typist() {
            // Only who speaks is seen writing.
            if entry.standing.ownership.owner == Owner::Person(person) {
                let name = self.inbox.name(&self.tenant, &person).await?;
                self.ready.push_back((None, ConversationEvent::Typing { name }));
            }
        }
        Ok(())
    }

    async fn change_speaker(&mut self, entry: &InboxEntry) -> Result<()> {
        let ownership = entry.standing.ownership;
        let name = match ownership.owner {
            Owner::Person(person) => Some(self.inbox.name(&self.tenant, &person).await?),
            Owner::Bot => None,
        };
        if let Some(heard) = &mut self.heard {
            heard.epoch = ownership.epoch;
        }
        // A closed conversation has nobody who speaks; that it is closed is told instead.
        if entry.standing.closed_at.is_none() {
            self.ready.push_back((self.heard, ConversationEvent::SpeakerChanged { ownership, name }));
        }
        Ok(())
    }

    async fn say(&mut self, message: Message) -> Result<()> {
        let name = match &message.author {
            Some(person) => Some(self.inbox.name(&self.tenant, person).await?),
            None => None,
        };
        if let Some(heard) = &mut self.heard {
            heard.message = message.number;
        }
        self.ready.push_back((self.heard, ConversationEvent::Said { message: Box::new(message), name }));
        Ok(())
    }
}

/// Something that happened in a tenant's conversations; each names what it is about and quotes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InboxEvent {
    /// A visitor waits for a person.
    Waiting {
        /// Their conversation.
        conversation: ConversationId,
        /// Since when.
        at: Timestamp,
    },
    /// A conversation began, changed its speaker or was closed.
    Updated {
        /// The conversation.
        conversation: ConversationId,
        /// When.
        at: Timestamp,
    },
    /// Somebody said something.
    Said {
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        message: Option<MessageId>,
        /// When.
        at: Timestamp,
    },
}

impl InboxEvent {
    fn of(event: &OutboxEvent) -> Option<Self> {
        let (conversation, at) = (event.subject.conversation?, event.at);
        match event.kind {
            EventKind::ConversationEscalated => Some(Self::Waiting { conversation, at }),
            EventKind::ConversationStarted
            | EventKind::ConversationAssigned
            | EventKind::ConversationResolved => Some(Self::Updated { conversation, at }),
            EventKind::MessageCreated => {
                Some(Self::Said { conversation, message: event.subject.message, at })
            }
            _ => None,
        }
    }
}

/// The events of all of a tenant's conversations, as they happen.
///
/// Who comes back hears everything behind what they name, and perhaps a little again.
#[derive(Debug)]
pub struct InboxEvents {
    inbox: Inbox,
    tenant: TenantId,
    listening: Listening,
    draining: CancellationToken,
    feed: Feed,
    ready: VecDeque<(Uuid, InboxEvent)>,
    looked: bool,
}

impl InboxEvents {
    pub(super) fn new(inbox: Inbox, tenant: TenantId, after: Option<Uuid>) -> Self {
        let listening = inbox.hub().listen(tenant, None);
        let draining = inbox.draining();
        let feed = after.map_or_else(Feed::from_now, Feed::behind);
        Self { inbox, tenant, listening, draining, feed, ready: VecDeque::new(), looked: false }
    }

    /// The next event with its identifier; `None` when Bob is being stopped or storage does not answer.
    pub async fn next(&mut self) -> Option<(Uuid, InboxEvent)> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if std::mem::replace(&mut self.looked, true) {
                tokio::select! {
                    () = self.draining.cancelled() => return None,
                    () = self.listening.stirred() => {}
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                }
            }
            match self.feed.read(self.inbox.storage(), &self.tenant).await {
                Ok(events) => {
                    let told = events.iter().filter_map(|event| Some((event.id, InboxEvent::of(event)?)));
                    self.ready.extend(told);
                }
                Err(error) => {
                    tracing::warn!(error = ?error, "an inbox could not be followed");
                    return None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_and_nothing_else_is_one() {
        let heard = HeardUpTo { message: 12, epoch: 3 };
        assert_eq!(heard.to_string().parse(), Ok(heard));
        for text in
            ["", ".", "1", "1.", ".1", "+1.2", "1.-2", "1.2.3", "a.b", "1 .2", "99999999999999999999.1"]
        {
            assert_eq!(text.parse::<HeardUpTo>(), Err(ParseHeardError), "{text:?}");
        }
    }
}
