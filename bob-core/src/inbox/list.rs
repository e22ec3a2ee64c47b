//! The list of conversations, as people see it.

use jiff::Timestamp;

use crate::conversation::{Door, Owner, Standing};
use crate::id::{AccountId, ConversationId, VisitorId};
use crate::language::Language;

/// One conversation in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxEntry {
    /// The conversation.
    pub id: ConversationId,
    /// The door it is held through.
    pub door: Door,
    /// Whose it is.
    pub visitor: VisitorId,
    /// The language of its latest answer.
    pub language: Option<Language>,
    /// Who speaks, and whether anybody waits.
    pub standing: Standing,
    /// How many messages there are, and the number of the latest.
    pub messages: u64,
    /// When its visitor, or a person, last wrote.
    pub active_at: Timestamp,
    /// When it began.
    pub started_at: Timestamp,
}

/// Which conversations are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InboxState {
    /// All that are not closed.
    Open,
    /// Whose visitor waits for a person; the one who waits longest comes first.
    Waiting,
    /// Those that this person speaks in.
    Of(AccountId),
    /// Those that Bob speaks in and that are not closed.
    Bot,
    /// Closed ones.
    Closed,
}

/// A list's filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InboxFilter {
    /// By how they stand.
    pub state: InboxState,
    /// By the door they are held through; all doors when none.
    pub door: Option<Door>,
}

/// A place in a list: conversations that move meanwhile neither hide nor repeat others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InboxPlace {
    /// The moment that the list is ordered by.
    pub at: Timestamp,
    /// Tells conversations of the same moment apart.
    pub id: ConversationId,
}

/// A page of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InboxPage {
    /// The conversations: who waits longest first, otherwise those with the latest activity.
    pub entries: Vec<InboxEntry>,
    /// Behind which to continue, when there are more.
    pub next: Option<InboxPlace>,
}

impl InboxEntry {
    /// Its place in a list; `None` where that list does not show it.
    #[must_use]
    pub fn place(&self, state: InboxState) -> Option<InboxPlace> {
        let Standing { ownership, wanted_at, closed_at, .. } = self.standing;
        let at = match state {
            InboxState::Waiting => wanted_at,
            InboxState::Open => closed_at.is_none().then_some(self.active_at),
            InboxState::Of(person) => (ownership.owner == Owner::Person(person)).then_some(self.active_at),
            InboxState::Bot => {
                (closed_at.is_none() && ownership.owner == Owner::Bot).then_some(self.active_at)
            }
            InboxState::Closed => closed_at.map(|_| self.active_at),
        };
        at.map(|at| InboxPlace { at, id: self.id })
    }
}
