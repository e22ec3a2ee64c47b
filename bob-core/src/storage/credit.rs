//! Credits.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Result;
use crate::act::Act;
use crate::credit::{CreditBalance, CreditChange, CreditChanged, CreditUsage, LedgerPage, Renewal};
use crate::id::TenantId;

/// What tenants have to spend, and how it came and went.
#[async_trait]
pub trait CreditStore: fmt::Debug + Send + Sync {
    /// What the tenant has, holds and has used.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant.
    async fn credit_balance(&self, tenant: &TenantId) -> Result<CreditBalance>;

    /// How the tenant stands in its current period.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant.
    async fn credit_usage(&self, tenant: &TenantId) -> Result<CreditUsage>;

    /// The latest entries before number `before` (`None`: before the end), at most `limit`, the latest first.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant.
    async fn ledger(&self, tenant: &TenantId, before: Option<u64>, limit: u32) -> Result<LedgerPage>;

    /// Grants credits or takes some back, with a reason, and answers what became of it.
    ///
    /// The identifier is looked at first: one that has an entry is [`Repeated`](CreditChanged::Repeated) or a
    /// [`Mismatch`](CreditChanged::Mismatch) whatever is left, and one that has none is neither, however many changes are
    /// made at once. A change that was not entered leaves its identifier free. Audit and outbox tell only what was
    /// [`Entered`](CreditChanged::Entered).
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant.
    async fn change_credits(
        &self,
        act: &Act,
        tenant: &TenantId,
        change: CreditChange,
    ) -> Result<CreditChanged>;

    /// The tenants whose period has ended at `now`, and when it did; at most `limit`, the longest ended first.
    async fn due_renewals(&self, now: Timestamp, limit: u32) -> Result<Vec<(TenantId, Timestamp)>>;

    /// Begins a tenant's next period: what the plan included and was not used expires, as far as no open turn holds it,
    /// and the plan's credits are granted. `false` when it was begun already; nothing happens then.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant.
    async fn renew_credits(&self, act: &Act, tenant: &TenantId, renewal: Renewal) -> Result<bool>;
}
