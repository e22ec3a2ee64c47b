//! Conversations: who talks with whom, through which door, and who speaks for the business.

mod message;
mod session;
mod standing;

use jiff::Timestamp;

use crate::id::{AccountId, ConversationId, VisitorId};
use crate::language::Language;

pub use message::{History, Message, MessageText, MessageTextError, Role, TextPart};
pub use session::{ParseSessionError, SessionId};
pub use standing::{Hindrance, SpeakerChange, SpeakerChanged, SpeakerStep, Standing};

/// Through which door a conversation is held; the same session id behind two doors is two conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Door {
    /// Anonymous visitors on the host's own pages.
    Public,
    /// Visitors on a customer's site.
    Widget,
    /// People who signed in.
    SignedIn,
}

impl Door {
    /// The name used in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Widget => "widget",
            Self::SignedIn => "signed_in",
        }
    }

    /// Reads a name that [`as_str`](Self::as_str) gave.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Public, Self::Widget, Self::SignedIn].into_iter().find(|door| door.as_str() == name)
    }
}

/// Who speaks for the business. There is exactly one owner at a time, and it does not expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Owner {
    /// Bob.
    Bot,
    /// A person of the business.
    Person(AccountId),
}

/// The owner and how often it changed: whoever writes names the epoch it believes in, and storage refuses a stale one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ownership {
    /// Who speaks.
    pub owner: Owner,
    /// 0 at the start, one more with each change.
    pub epoch: u64,
}

/// What a conversation is found by: with the tenant, these three are unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConversationKey {
    /// The door it is held through.
    pub door: Door,
    /// Whose it is.
    pub visitor: VisitorId,
    /// The visitor's name for it.
    pub session: SessionId,
}

/// One conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its identifier.
    pub id: ConversationId,
    /// What it is found by.
    pub key: ConversationKey,
    /// Who speaks for the business.
    pub ownership: Ownership,
    /// The language of its latest answer.
    pub language: Option<Language>,
    /// Since when a person was asked for who has not taken over yet.
    pub person_wanted_at: Option<Timestamp>,
    /// When it began.
    pub started_at: Timestamp,
}
