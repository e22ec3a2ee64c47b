//! Who does something, when and why: what every change is recorded with.

use std::net::IpAddr;

use jiff::Timestamp;
use uuid::Uuid;

use crate::conversation::Door;
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

/// Through what a deed came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Via {
    /// A worker of a node, or the host's own code.
    System,
    /// A command of the operator's shell.
    Shell,
    /// A chat door: public, widget or signed-in.
    Door(Door),
    /// Sign-in, and what somebody does about their own account.
    Account,
    /// What a business's people manage.
    Portal,
    /// What platform people manage.
    Control,
}

impl Via {
    /// The name used on the wire and in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Shell => "shell",
            Self::Door(Door::Public) => "public_door",
            Self::Door(Door::Widget) => "widget_door",
            Self::Door(Door::SignedIn) => "signed_in_door",
            Self::Account => "account",
            Self::Portal => "portal",
            Self::Control => "control",
        }
    }

    /// Reads a name that [`as_str`](Self::as_str) gave.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let doors = [Door::Public, Door::Widget, Door::SignedIn].map(Self::Door);
        let others = [Self::System, Self::Shell, Self::Account, Self::Portal, Self::Control];
        doors.into_iter().chain(others).find(|via| via.as_str() == name)
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
    /// Through what it came in; [`Via::System`] unless said otherwise.
    pub via: Via,
    /// From which address a person did it, where that is known. Visitors' addresses are not kept.
    pub address: Option<IpAddr>,
    /// When.
    pub at: Timestamp,
}

impl Act {
    /// A deed of `principal` at `at`, for the request `request_id`.
    pub fn new(principal: Principal, request_id: impl Into<String>, at: Timestamp) -> Self {
        let request_id = request_id.into();
        Self { principal, request_id, reason: None, via: Via::System, address: None, at }
    }

    /// Says through what it came in, and from which address.
    #[must_use]
    pub fn through(mut self, via: Via, address: Option<IpAddr>) -> Self {
        self.via = via;
        self.address = address;
        self
    }

    /// Adds why it is done.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_in_reads_back_its_own_name() {
        for via in [Via::System, Via::Shell, Via::Door(Door::Widget), Via::Account, Via::Portal, Via::Control]
        {
            assert_eq!(Via::from_name(via.as_str()), Some(via));
        }
        assert_eq!(Via::from_name("window"), None);
    }
}
