//! Sign-ins: one row each, from the first password to the last request.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::AccountKind;
use crate::id::{AccountId, LoginId, TenantId};

/// How long a sign-in lasts at most.
pub const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

/// How long a sign-in lasts without being used.
pub const IDLE: Duration = Duration::from_secs(30 * 60);

/// The realm of platform people's sign-ins, which belong to no tenant.
pub const PLATFORM_REALM: TenantId = TenantId::from_uuid(Uuid::nil());

/// One sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Login {
    /// Its identifier, the `sid` of its tokens.
    pub id: LoginId,
    /// The tenant it is for; [`PLATFORM_REALM`] for platform people.
    pub realm: TenantId,
    /// Who signed in.
    pub account: AccountId,
    /// As whom.
    pub kind: AccountKind,
    /// The generation of the account's sign-ins that it belongs to.
    pub generation: u64,
    /// The SHA-256 of the session cookie's secret.
    pub cookie_hash: [u8; 32],
    /// When it began.
    pub started_at: Timestamp,
    /// When it ends unless it is used before.
    pub idle_until: Timestamp,
    /// When it ends in any case.
    pub ends_at: Timestamp,
    /// When somebody ended it.
    pub ended_at: Option<Timestamp>,
}

impl Login {
    /// Whether it holds at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.idle_until && now < self.ends_at
    }
}

/// What came of using a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshOutcome {
    /// It was used up, and the next one holds.
    Rotated,
    /// It had been used before: the sign-in is ended.
    Reused,
    /// Not one of this sign-in's, or the sign-in is over.
    Unknown,
}
