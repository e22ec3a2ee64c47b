//! The ledger: every credit that came in or went out, with its cause, append-only.

use jiff::Timestamp;

use super::MilliCredits;
use crate::id::TurnId;

/// The reason of a ledger's first entry when whoever onboards a tenant gives none.
pub const FIRST_GRANT: &str = "onboarding";

/// Why credits moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LedgerKind {
    /// Granted by hand, or to begin with.
    Grant,
    /// Taken back, or given back, by hand.
    Correction,
    /// The plan's credits for a new period.
    Renewal,
    /// The plan's credits of the period before that were not used.
    Expiry,
    /// What a turn used.
    Settlement,
}

impl LedgerKind {
    const ALL: [Self; 5] = [Self::Grant, Self::Correction, Self::Renewal, Self::Expiry, Self::Settlement];

    /// The name used in storage and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Correction => "correction",
            Self::Renewal => "renewal",
            Self::Expiry => "expiry",
            Self::Settlement => "settlement",
        }
    }

    /// Reads a name that [`as_str`](Self::as_str) gave.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// One movement of credits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Its number in the tenant's ledger: 1 for the first, without gaps.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub kind: LedgerKind,
    /// How many came in, or, below zero, went out; never zero.
    pub amount: MilliCredits,
    /// The sum of all entries up to this one.
    pub balance: MilliCredits,
    /// The turn that used them, of a settlement.
    pub turn: Option<TurnId>,
    /// A person's reason, or the plan and the period.
    pub reason: Option<String>,
}

/// A part of a ledger, the latest entry first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerPage {
    /// The entries.
    pub entries: Vec<LedgerEntry>,
    /// The number before which older ones are found; none at the end.
    pub next: Option<u64>,
}

/// The beginning of a tenant's next period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The end of the period that is over, as storage has it; under another one nothing happens.
    pub due: Timestamp,
    /// The end of the period that begins.
    pub next: Timestamp,
    /// What the plan includes.
    pub credits: MilliCredits,
    /// The plan and the period, for the ledger.
    pub reason: String,
}
