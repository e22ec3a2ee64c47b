//! Who does something, when and why: what every change is recorded with.

use jiff::Timestamp;
use uuid::Uuid;

use crate::id::{AccountId, NodeId, VisitorId};

/// Who stands behind a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Principal {
    /// Bob itself: seeding, sweeping, workers of a node.
    System(NodeId),
    /// A visitor on an anonymous door.
    Visitor(VisitorId),
    /// A person who signed in.
    Account(AccountId),
}

impl Principal {
    /// The name of its kind, as used in storage.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::System(_) => "system",
            Self::Visitor(_) => "visitor",
            Self::Account(_) => "account",
        }
    }

    /// Its identifier, whatever its kind.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        match self {
            Self::System(node) => node.as_uuid(),
            Self::Visitor(visitor) => visitor.as_uuid(),
            Self::Account(account) => account.as_uuid(),
        }
    }
}

/// One deed: every mutating call of a port carries one and records it with what it changed.
#[derive(Debug, Clone)]
pub struct Act {
    /// Who does it.
    pub principal: Principal,
    /// The request it belongs to, as answered in `X-Request-Id`; at most 128 characters.
    pub request_id: String,
    /// Why, in a person's words or a fixed one of ours; at most 500 characters.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Act {
    /// A deed of `principal` at `at`, for the request `request_id`.
    pub fn new(principal: Principal, request_id: impl Into<String>, at: Timestamp) -> Self {
        Self { principal, request_id: request_id.into(), reason: None, at }
    }

    /// Adds why it is done.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}
