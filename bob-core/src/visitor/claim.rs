//! Claiming: a visitor who signs in takes the conversation along that they had before.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::conversation::{Door, SessionId};
use crate::id::{ConversationId, TurnId, VisitorId};

/// Conversations in which nothing was said for longer are not claimed.
pub const CLAIM_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);

/// The most conversations that are claimed at once.
pub const CLAIM_CONVERSATIONS: u64 = 50;

/// The most messages in them, all together.
pub const CLAIM_MESSAGES: u64 = 2_000;

/// What can be claimed of a visitor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claimable {
    /// How many messages there are, theirs and the answers.
    pub messages: u64,
    /// When the first of the conversations began.
    pub since: Option<Timestamp>,
    /// The visitor's names for the conversations, the latest first.
    pub sessions: Vec<SessionId>,
    /// Whether this person said before that it is not theirs; then nothing is told.
    pub declined: bool,
}

/// A person who proved who they are answers whether an anonymous visitor's conversations are theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The visitor that the old token names.
    pub anonymous: VisitorId,
    /// The visitor they are now.
    pub identified: VisitorId,
    /// The name of the proof, `jti`, which counts once a tenant,
    pub proof: String,
    /// and until when it must be remembered that it did.
    pub proof_until: Timestamp,
    /// Whether they are theirs.
    pub accept: bool,
    /// Only conversations in which something was said since then are claimed.
    pub since: Timestamp,
}

/// What came of a claim. Only the first two wrote anything.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claimed {
    /// The conversations belong to the identified visitor now, and the anonymous one is no more.
    Merged {
        /// How many messages moved.
        messages: u64,
        /// The names of the conversations that moved; one whose name was taken has a new one.
        sessions: Vec<SessionId>,
    },
    /// They said no: nothing moved, and they are not asked again.
    Declined,
    /// The proof was used before.
    ProofUsed,
    /// Somebody claimed the anonymous visitor before.
    AlreadyClaimed,
    /// The visitor of the token is not anonymous; people are never merged with each other.
    AlreadyIdentified,
    /// A turn of one of the conversations is open.
    Busy(TurnId),
    /// There are more conversations or messages than are claimed at once.
    TooLarge,
}

/// A conversation in the list that a visitor sees of their own, the one that began last first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnConversation {
    /// Its identifier.
    pub id: ConversationId,
    /// The door it is held through.
    pub door: Door,
    /// The visitor's name for it.
    pub session: SessionId,
    /// How many messages it has.
    pub messages: u64,
    /// When it began.
    pub started_at: Timestamp,
    /// When the last message was stored.
    pub last_message_at: Option<Timestamp>,
}

impl OwnConversation {
    /// What the next page of the list continues behind.
    #[must_use]
    pub fn cursor(&self) -> Uuid {
        self.id.as_uuid()
    }
}

/// What a claim is recorded with.
#[must_use]
pub fn reason_of_claim(conversations: usize, messages: u64) -> String {
    format!("{conversations} conversations, {messages} messages")
}
