//! Credits: what answers cost, in thousandths, reserved before they are used.
//!
//! A tenant's credits come in by entries of a [ledger](LedgerEntry) and go out by settlements of turns. An open turn
//! holds a [`Reservation`], which is no entry yet: it is settled exactly once, or released. At every moment
//! `settled + reserved ≤ granted`, and the sum of all entries is `granted − settled`.

mod billing;
mod change;
mod ladder;
mod ledger;
pub(crate) mod renewals;

use std::fmt;

use jiff::Timestamp;

use crate::id::TurnId;

pub use billing::{Billing, BillingDay, BillingDayError};
pub use change::{CreditChange, CreditChangeError, CreditChanged};
pub use ladder::{Budgets, Ladder};
pub use ledger::{FIRST_GRANT, LedgerEntry, LedgerKind, LedgerPage, Renewal};

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
        let sign = if self.0 < 0 { "-" } else { "" };
        let amount = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:03}", amount / 1_000, amount % 1_000)
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
    /// All that ever came in, less what was taken back or expired.
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

/// How a tenant stands in its current period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditUsage {
    /// What it has, holds and has used, over all time.
    pub balance: CreditBalance,
    /// When the period began.
    pub from: Timestamp,
    /// When it ends and the plan's credits are granted anew.
    pub to: Timestamp,
    /// What could be used in the period: what was there at its start, and what came in or was taken back since.
    pub allowance: MilliCredits,
    /// What was used in the period.
    pub used: MilliCredits,
    /// The part of the allowance that the plan included, and that expires with the period as far as it is not used.
    pub included: MilliCredits,
    /// The highest threshold that the period has passed, in per cent of the allowance: 0, 80 or 100.
    pub threshold: u8,
}

/// The share of the allowance, in per cent, at which the tenant is told first.
pub const FIRST_THRESHOLD: u8 = 80;
/// The share at which it is told that all is used.
pub const LAST_THRESHOLD: u8 = 100;

/// The highest threshold passed by `used` of `allowance`: 0, 80 or 100.
///
/// Nothing used passes nothing, even of an allowance of nothing.
#[must_use]
pub fn threshold(used: MilliCredits, allowance: MilliCredits) -> u8 {
    let (used, allowance) = (i128::from(used.0), i128::from(allowance.0));
    let passed = |percent: u8| used > 0 && used * 100 >= allowance * i128::from(percent);
    [LAST_THRESHOLD, FIRST_THRESHOLD].into_iter().find(|percent| passed(*percent)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_told_in_credits() {
        for (amount, told) in
            [(0, "0.000"), (1, "0.001"), (1_500, "1.500"), (-1, "-0.001"), (-2_050, "-2.050")]
        {
            assert_eq!(MilliCredits(amount).to_string(), told);
        }
    }

    #[test]
    fn thresholds_are_passed_at_80_and_at_100_per_cent() {
        for (used, allowance, passed) in [
            (0, 100, 0),
            (79, 100, 0),
            (80, 100, 80),
            (99, 100, 80),
            (100, 100, 100),
            (120, 100, 100),
            (0, 0, 0),
            (1, 0, 100),
            (i64::MAX, i64::MAX, 100),
        ] {
            assert_eq!(
                threshold(MilliCredits(used), MilliCredits(allowance)),
                passed,
                "{used} of {allowance}"
            );
        }
    }
}
