//! What a person writes to a visitor.

use crate::conversation::{Hindrance, Message, MessageText, Standing};
use crate::id::{AccountId, MessageId};

/// A person's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonReply {
    /// Its identifier, minted by the caller: the same one is stored once, however often it is sent.
    pub message: MessageId,
    /// Who writes.
    pub person: AccountId,
    /// What they write.
    pub text: MessageText,
    /// The epoch they believe to speak in; whichever it is when none.
    pub expected: Option<u64>,
}

/// What came of a person's message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replied {
    /// It is stored.
    Stored(Box<Message>),
    /// It was stored before.
    Repeated(Box<Message>),
    /// Another message was stored under its identifier.
    Mismatch,
    /// The person does not speak in this conversation; nothing was written.
    Refused {
        /// Why.
        why: Hindrance,
        /// How it stands.
        standing: Standing,
    },
}
