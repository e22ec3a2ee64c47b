//! Credits: what answers cost, in thousandths, reserved before they are used.

use std::fmt;

use crate::id::TurnId;

/// An amount of credits in thousandths; never negative where it is a price, signed where it is a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MilliCredits(pub i64);

impl MilliCredits {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Whole credits.
    #[must_use]
    pub const fn credits(credits: i64) -> Self {
        Self(credits * 1_000)
    }
}

impl fmt::Display for MilliCredits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000, (self.0 % 1_000).abs())
    }
}

/// What a turn may spend. Only storage makes one, in the transaction that took the amount from the balance; a model call
/// cannot be made without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation {
    /// The turn it is for.
    pub turn: TurnId,
    /// The most it may spend.
    pub amount: MilliCredits,
}

/// What a tenant has, holds and has used; `settled + reserved ≤ granted` at every moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CreditBalance {
    /// All that was ever granted.
    pub granted: MilliCredits,
    /// What open turns hold.
    pub reserved: MilliCredits,
    /// What finished turns used.
    pub settled: MilliCredits,
}

impl CreditBalance {
    /// What is left to reserve.
    #[must_use]
    pub fn available(&self) -> MilliCredits {
        MilliCredits(self.granted.0 - self.reserved.0 - self.settled.0)
    }
}
