//! The lease under which a node answers a turn.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;
use crate::id::NodeId;

/// How long a lease holds without being renewed.
pub const LEASE: Duration = Duration::from_secs(15);

/// How often the holder renews it.
pub const RENEW_EVERY: Duration = Duration::from_secs(5);

/// A node's right to answer one turn, fenced by a token: whoever writes with another token is too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it.
    pub node: NodeId,
    /// What tells this holding from any other.
    pub token: u64,
    /// Until when it holds; at this moment it is over.
    pub until: Timestamp,
}

impl Lease {
    /// A lease from `now` on.
    #[must_use]
    pub fn new(node: NodeId, token: u64, now: Timestamp) -> Self {
        Self { node, token, until: later(now, LEASE) }
    }

    /// The same lease, from `now` on again.
    #[must_use]
    pub fn renewed(self, now: Timestamp) -> Self {
        Self::new(self.node, self.token, now)
    }

    /// Whether it still holds.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.until
    }

    /// Whether `other` is the same holding, however often it was renewed.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.node == other.node && self.token == other.token
    }
}
