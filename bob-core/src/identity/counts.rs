//! How many identities held and how many did not, by business, in this process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::InvalidIdentity;
use crate::id::TenantId;

/// The most businesses that are counted for; beyond that all are forgotten and counting begins anew.
pub const MOST_TENANTS: usize = 10_000;

/// What this process saw of one business's identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityCounts {
    /// Since when it counts.
    pub since: Timestamp,
    /// Calls with one that held.
    pub valid: u64,
    /// Calls without one.
    pub missing: u64,
    /// Calls with one that did not hold, by why.
    pub invalid: BTreeMap<InvalidIdentity, u64>,
}

impl IdentityCounts {
    fn new(since: Timestamp) -> Self {
        Self { since, valid: 0, missing: 0, invalid: BTreeMap::new() }
    }
}

/// The counts of all businesses.
#[derive(Debug, Default)]
pub(super) struct Counter {
    counts: Mutex<HashMap<TenantId, IdentityCounts>>,
}

impl Counter {
    pub(super) fn count(&self, tenant: TenantId, now: Timestamp, count: impl FnOnce(&mut IdentityCounts)) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MOST_TENANTS && !counts.contains_key(&tenant) {
            counts.clear();
        }
        count(counts.entry(tenant).or_insert_with(|| IdentityCounts::new(now)));
    }

    pub(super) fn of(&self, tenant: TenantId) -> Option<IdentityCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(&tenant).cloned()
    }
}
