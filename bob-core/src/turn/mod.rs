//! Turns: a visitor's message and what Bob did about it, entered once and stored twice.
//!
//! [`TurnStart`] opens a turn in one transaction, [`TurnFinish`] closes it in another. Between them the turn is held by
//! a [`Lease`]; who holds it may be gone, so each write names the lease and the owner's epoch it believes in.

mod event;
mod idempotency;
mod lease;

use jiff::Timestamp;

use crate::answer::Answer;
use crate::conversation::{ConversationKey, Message, MessageText, SessionId};
use crate::credit::{Budgets, Ladder, MilliCredits, Reservation};
use crate::id::{ConversationId, MessageId, PersonaId, TurnId, VisitorId};
use crate::language::Language;
use crate::visitor::VisitorProof;

pub(crate) use event::Cited;
pub use event::{TurnEvent, TurnFailure, events_of};
pub use idempotency::{
    BodyHash, IdempotencyClaim, IdempotencyKey, IdempotencyScope, KEPT as IDEMPOTENCY_KEPT,
    ParseIdempotencyKeyError,
};
pub use lease::{LEASE, Lease, RENEW_EVERY};

/// What opening a turn needs.
#[derive(Debug, Clone)]
pub struct TurnStart {
    /// The turn's identifier, minted by the caller.
    pub turn: TurnId,
    /// The message's identifier, minted by the caller; a call that is taken up again keeps its first one.
    pub message: MessageId,
    /// The identifier of the conversation, should a new one begin.
    pub conversation: ConversationId,
    /// The door, session and visitor.
    pub door: crate::conversation::Door,
    /// The visitor's name for the conversation.
    pub session: SessionId,
    /// Whether that name was minted just now, because the visitor gave none: it continues nothing, and a store need not
    /// look for what it would.
    pub session_is_new: bool,
    /// Who writes.
    pub visitor: VisitorProof,
    /// What they wrote.
    pub text: MessageText,
    /// How a repetition of this call is known.
    pub idempotency: Option<IdempotencyClaim>,
    /// Who holds the turn while it is open. A store that several nodes share counts its time by its own clock.
    pub lease: Lease,
    /// The most the turn may cost, and what it may cost if that is too much.
    pub reserve: Ladder,
    /// The budgets it must fit besides.
    pub budgets: Budgets,
    /// How many of the latest messages the answerer wants to see.
    pub history: u32,
}

/// What came of opening a turn. Every case is one committed transaction or none.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TurnOpening {
    /// The message is stored and the turn is open.
    Opened(Box<OpenTurn>),
    /// A person owns the conversation: the message is stored, and the turn is closed as delivered.
    Delivered(Box<FinishedTurn>),
    /// The same call was answered before; nothing was stored again.
    Replayed(Box<FinishedTurn>),
    /// The same call is being answered.
    Running(TurnId),
    /// The idempotency key was used with another body.
    Mismatch,
    /// The visitor was claimed by somebody who signed in: their token proves nothing any more, and nothing was stored.
    Ended,
    /// Another turn of this conversation is open, until `until` at most if its node is gone.
    Busy {
        /// The open turn.
        turn: TurnId,
        /// When its lease ends.
        until: Timestamp,
    },
}

/// An open turn.
#[derive(Debug, Clone)]
pub struct OpenTurn {
    /// The turn.
    pub turn: TurnId,
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// What the conversation is found by; an unproven visitor may have turned out to be an earlier one.
    pub key: ConversationKey,
    /// Whether the visitor is the one the caller named; `false` when only a secret session id continued the
    /// conversation, and then no token may be handed out for it.
    pub proven: bool,
    /// The owner's epoch; a finish under another one is stale.
    pub epoch: u64,
    /// Who holds the turn.
    pub lease: Lease,
    /// The messages beside this one, oldest first.
    pub history: Vec<Message>,
    /// The language of the conversation so far.
    pub language: Option<Language>,
    /// What was reserved, the first step of the ladder within reach; `None` when credits or budgets reach for none.
    pub reservation: Option<Reservation>,
    /// Whether the visitor is to be told that they talk to a machine: until an answer has said so since the speaker
    /// changed.
    pub disclose: bool,
}

/// The versions an answer was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// The persona and its version.
    pub persona: (PersonaId, u32),
    /// The knowledge release.
    pub knowledge: u64,
    /// The pricebook version.
    pub pricebook: u32,
}

/// What closing a turn needs.
#[derive(Debug, Clone)]
pub struct TurnFinish {
    /// The turn.
    pub turn: TurnId,
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// The lease the caller believes to hold.
    pub lease: Lease,
    /// The owner's epoch the caller believes in.
    pub epoch: u64,
    /// What the conversation is found by, as the turn was opened.
    pub key: ConversationKey,
    /// Whether the visitor may be given a token, as the turn was opened.
    pub proven: bool,
    /// Whether the answer says that a machine gives it, as the turn was opened.
    pub disclose: bool,
    /// The identifier of Bob's message, minted by the caller.
    pub message: MessageId,
    /// What Bob says.
    pub answer: Answer,
    /// The persona's name.
    pub persona: String,
    /// What it was made with.
    pub versions: Versions,
    /// What it costs; never more than was reserved.
    pub cost: MilliCredits,
}

/// What came of closing a turn.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TurnClosing {
    /// The answer is stored and settled.
    Stored(Box<FinishedTurn>),
    /// Lease or epoch were stale: the answer is kept as superseded and is no part of the conversation; what was used is
    /// settled and the reservation closed.
    Superseded,
}

/// A turn that was answered and stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedTurn {
    /// The turn.
    pub turn: TurnId,
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// Whose it is.
    pub visitor: VisitorId,
    /// Whether a token for that visitor may be handed out with the answer.
    pub proven: bool,
    /// The visitor's name for the conversation.
    pub session: SessionId,
    /// What was answered.
    pub answer: Answer,
    /// The persona's name.
    pub persona: String,
    /// Whether the answer says that a machine gives it.
    pub disclose: bool,
}

/// What is known of a turn.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TurnState {
    /// Being answered, by the node of this lease.
    Open(Lease),
    /// Answered.
    Finished(Box<FinishedTurn>),
    /// Given up: its node was gone, or it lost the conversation. What came too late is kept, for the record only.
    Abandoned {
        /// The answer that was superseded, if there was one.
        superseded: Option<Box<Answer>>,
    },
}
