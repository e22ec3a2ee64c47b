//! Both transactions of a turn.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::act::Act;
use crate::credit::{MilliCredits, Reservation};
use crate::id::{TenantId, TurnId};
use crate::turn::{Lease, TurnClosing, TurnFinish, TurnOpening, TurnStart};

/// Both transactions of a turn, with every row in them.
#[async_trait]
pub trait TurnStore: fmt::Debug + Send + Sync {
    /// Opens a turn: dedupes by idempotency key, finds or begins the conversation, checks its owner, reserves credits,
    /// stores the visitor's message and returns the recent history.
    ///
    /// At most one turn of a conversation is open. An open turn whose lease has run out is given up first, as
    /// [`sweep_turns`](Self::sweep_turns) would. If the answer is lost, the call may be repeated under the same
    /// idempotency key. When nothing came of it, the repetition goes on in the same conversation and takes over the
    /// question where it stands; none is stored again.
    ///
    /// A secret session continues no conversation of a visitor who is verified or has ended.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant.
    async fn begin_turn(&self, act: &Act, tenant: &TenantId, start: TurnStart) -> Result<TurnOpening>;

    /// Makes a lease last from the act's time on again; `None` when it is lost: run out, taken over, or the owner changed.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such turn.
    async fn renew_turn(
        &self,
        act: &Act,
        tenant: &TenantId,
        turn: &TurnId,
        lease: &Lease,
    ) -> Result<Option<Lease>>;

    /// Reserves `more` for an open turn, by the same rules as [`begin_turn`](Self::begin_turn), and answers all that it
    /// now holds; `None` when credits or budgets do not reach for it, or the lease is lost. Whoever calls a model or a tool
    /// again needs this first.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such turn.
    async fn extend_turn(
        &self,
        act: &Act,
        tenant: &TenantId,
        turn: &TurnId,
        lease: &Lease,
        more: MilliCredits,
    ) -> Result<Option<Reservation>>;

    /// Closes a turn: stores the answer with its versions, settles the reservation exactly once.
    ///
    /// A finish with a stale lease or epoch never adds an answer; it keeps it as superseded, settles and closes.
    /// Repeating a finish that was stored answers the same and settles nothing again.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such turn.
    async fn finish_turn(&self, act: &Act, tenant: &TenantId, finish: TurnFinish) -> Result<TurnClosing>;

    /// Gives up open turns whose lease has run out: frees their conversations, releases their reservations in full.
    ///
    /// Works over all tenants, at most `limit` turns at a time, and answers how many it gave up.
    async fn sweep_turns(&self, act: &Act, limit: u32) -> Result<u32>;
}
