//! An auditor: reads a tenant's ledger from end to end and holds it against the balance.

use crate::credit::{CreditUsage, LedgerEntry, LedgerKind, MilliCredits};
use crate::id::TenantId;
use crate::storage::Storage;

/// A tenant's books, found in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Books {
    /// How the tenant stands.
    pub usage: CreditUsage,
    /// All entries, the first first.
    pub entries: Vec<LedgerEntry>,
}

impl Books {
    /// The kind and the thousandths of each entry, the first first.
    #[must_use]
    pub fn movements(&self) -> Vec<(LedgerKind, i64)> {
        self.entries.iter().map(|entry| (entry.kind, entry.amount.0)).collect()
    }

    /// What is left to reserve, in thousandths.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.usage.balance.available().0
    }
}

/// Reads the books and holds what is true of them at every moment.
///
/// # Panics
///
/// When they do not add up.
pub async fn audited(store: &dyn Storage, tenant: &TenantId) -> Books {
    let usage = store.credit_usage(tenant).await.unwrap();
    let balance = usage.balance;
    assert_eq!(store.credit_balance(tenant).await.unwrap(), balance, "both reads tell the same");
    assert!(balance.settled.0 >= 0 && balance.reserved.0 >= 0, "nothing is negative: {balance:?}");
    assert!(balance.available().0 >= 0, "settled + reserved ≤ granted: {balance:?}");

    let mut entries = store.ledger(tenant, None, 10_000).await.unwrap().entries;
    entries.reverse();
    let mut sum = 0;
    for (number, entry) in (1..).zip(&entries) {
        sum += entry.amount.0;
        assert_eq!(entry.number, number, "numbers have no gaps");
        assert_eq!(entry.balance, MilliCredits(sum), "each entry carries the sum up to it: {entry:?}");
        assert_ne!(entry.amount, MilliCredits::ZERO, "an entry moves something: {entry:?}");
        let settles = entry.kind == LedgerKind::Settlement;
        assert_eq!(
            entry.turn.is_some(),
            settles,
            "a settlement names its turn, no other entry one: {entry:?}"
        );
        assert_eq!(entry.reason.is_none(), settles, "every other entry has a reason: {entry:?}");
    }
    assert_eq!(sum, balance.granted.0 - balance.settled.0, "the ledger adds up to the balance");
    let settled: i64 = entries.iter().filter(|e| e.turn.is_some()).map(|e| -e.amount.0).sum();
    assert_eq!(settled, balance.settled.0, "all that was settled stands in the ledger");
    let mut turns: Vec<_> = entries.iter().filter_map(|entry| entry.turn).collect();
    turns.sort();
    assert!(turns.windows(2).all(|pair| pair[0] != pair[1]), "a turn is settled once");
    Books { usage, entries }
}
