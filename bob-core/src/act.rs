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
    /// A person whom the embedding host signed in, by the host's own identifier.
    Host(Uuid),
}

impl Principal {
    /// The name of its kind, as used in storage.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::System(_) => "system",
            Self::Visitor(_) => "visitor",
            Self::Account(_) => "account",
            Self::Host(_) => "host",
        }
    }

    /// Puts together again what [`kind`](Self::kind) and [`id`](Self::id) gave.
    #[must_use]
    pub fn from_parts(kind: &str, id: Uuid) -> Option<Self> {
        let all = [
            Self::System(NodeId::from_uuid(id)),
            Self::Visitor(VisitorId::from_uuid(id)),
            Self::Account(AccountId::from_uuid(id)),
            Self::Host(id),
        ];
        all.into_iter().find(|principal| principal.kind() == kind)
    }

    /// Its identifier, whatever its kind.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        match self {
            Self::System(node) => node.as_uuid(),
            Self::Visitor(visitor) => visitor.as_uuid(),
            Self::Account(account) => account.as_uuid(),
            Self::Host(id) => *id,
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
    /// Whether it is a platform person's, so that a business can tell what the platform did to it.
    pub by_platform: bool,
    /// When.
    pub at: Timestamp,
}

impl Act {
    /// A deed of `principal` at `at`, for the request `request_id`.
    pub fn new(principal: Principal, request_id: impl Into<String>, at: Timestamp) -> Self {
        let request_id = request_id.into();
        Self { principal, request_id, reason: None, via: Via::System, address: None, by_platform: false, at }
    }

    /// Says through what it came in, and from which address.
    #[must_use]
    pub fn through(mut self, via: Via, address: Option<IpAddr>) -> Self {
        self.via = via;
        self.address = address;
        self
    }

    /// Says that a platform person does it.
    #[must_use]
    pub fn by_platform(mut self) -> Self {
        self.by_platform = true;
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

    #[test]
    fn a_principal_is_put_together_from_its_parts_again() {
        let id = Uuid::from_u128(7);
        let all = [
            Principal::System(NodeId::from_uuid(id)),
            Principal::Visitor(VisitorId::from_uuid(id)),
            Principal::Account(AccountId::from_uuid(id)),
            Principal::Host(id),
        ];
        for principal in all {
            assert_eq!(Principal::from_parts(principal.kind(), principal.id()), Some(principal));
        }
        assert_eq!(Principal::from_parts("ghost", id), None);
    }
}
