//! Visitors: how one proves to be the visitor of an earlier message, how much is known of them, and how one who signs in
//! takes along what they said before.

mod claim;
mod profile;
mod token;
mod trust;

pub use claim::{
    CLAIM_CONVERSATIONS, CLAIM_MESSAGES, CLAIM_WITHIN, Claim, Claimable, Claimed, OwnConversation,
    reason_of_claim,
};
pub(crate) use profile::is_name;
pub use profile::{KnownVisitor, MAX_VISITOR_NAME, VisitorProfile};
pub use token::{InvalidVisitorToken, LIFETIME as VISITOR_TOKEN_LIFETIME, VisitorTokens};
pub use trust::TrustLevel;

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
