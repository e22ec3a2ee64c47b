//! Visitors: how one proves to be the visitor of an earlier message.

mod token;

pub use token::{InvalidVisitorToken, LIFETIME as VISITOR_TOKEN_LIFETIME, VisitorTokens};

use crate::id::VisitorId;

/// What is known of who sends a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitorProof {
    /// A valid token named them.
    Proven(VisitorId),
    /// Nothing did: they get this new identity, unless the session id is a secret that continues a conversation.
    New(VisitorId),
}

impl VisitorProof {
    /// The visitor, as far as the door knows.
    #[must_use]
    pub fn visitor(self) -> VisitorId {
        match self {
            Self::Proven(visitor) | Self::New(visitor) => visitor,
        }
    }
}
