//! Credits that a person grants or takes back, and what becomes of that.

use uuid::Uuid;

use super::{CreditUsage, LedgerEntry, LedgerKind, MilliCredits, threshold};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 500;

/// Credits that a person grants or takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditChange {
    id: Uuid,
    kind: LedgerKind,
    amount: MilliCredits,
    reason: String,
}

/// What cannot be granted or taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CreditChangeError {
    /// The amount is zero, or further from it than [`CreditChange::MOST`].
    #[error("an amount is 1 to {} thousandths, above zero or below", CreditChange::MOST.0)]
    Amount,
    /// The kind is none of those made by hand, or a grant is below zero.
    #[error("a change is a grant, which is above zero, or a correction")]
    Kind,
    /// The reason is empty or too long.
    #[error("a reason has 1 to {LONGEST_REASON} characters")]
    Reason,
}

/// What became of a [`CreditChange`]; only what is [`Entered`](Self::Entered) has changed anything.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "the change may not have been entered"]
#[non_exhaustive]
pub enum CreditChanged {
    /// This is its entry, which is new.
    Entered(LedgerEntry),
    /// It was entered before, as this entry.
    Repeated(LedgerEntry),
    /// Less is left than it would take back; what open turns hold is not left.
    Insufficient,
    /// All that was granted would be more than [`CreditChange::MOST_GRANTED`].
    Excessive,
    /// Its identifier was used for another change.
    Mismatch,
}

impl CreditChange {
    /// The most that one change grants or takes back, in thousandths: 10^15.
    pub const MOST: MilliCredits = MilliCredits(1_000_000_000_000_000);

    /// The most that a tenant's grants may add up to by a change, in thousandths: 10^18. It leaves room for any plan's
    /// credits below what can be counted.
    pub const MOST_GRANTED: MilliCredits = MilliCredits(1_000_000_000_000_000_000);

    /// A change that was never sent before, under an identifier of its own.
    ///
    /// # Errors
    ///
    /// [`CreditChangeError`] unless the amount is not zero and at most [`MOST`](Self::MOST) from it, the kind a
    /// [`Grant`](LedgerKind::Grant) of more than zero or a [`Correction`](LedgerKind::Correction), and the reason 1 to
    /// 500 characters.
    pub fn new(
        kind: LedgerKind,
        amount: MilliCredits,
        reason: impl Into<String>,
    ) -> Result<Self, CreditChangeError> {
        let reason = reason.into();
        if amount == MilliCredits::ZERO || !(MilliCredits(-Self::MOST.0)..=Self::MOST).contains(&amount) {
            return Err(CreditChangeError::Amount);
        }
        match kind {
            LedgerKind::Grant if amount > MilliCredits::ZERO => {}
            LedgerKind::Correction => {}
            _ => return Err(CreditChangeError::Kind),
        }
        if !(1..=LONGEST_REASON).contains(&reason.chars().count()) {
            return Err(CreditChangeError::Reason);
        }
        Ok(Self { id: Uuid::now_v7(), kind, amount, reason })
    }

    /// The same under an identifier of the caller's, by which a repetition is known.
    #[must_use]
    pub fn under(self, id: Uuid) -> Self {
        Self { id, ..self }
    }

    /// What tells this change from any other of its tenant: a repetition changes nothing again.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// [`Grant`](LedgerKind::Grant) or [`Correction`](LedgerKind::Correction).
    #[must_use]
    pub fn kind(&self) -> LedgerKind {
        self.kind
    }

    /// How many come in or, below zero, go out; never zero.
    #[must_use]
    pub fn amount(&self) -> MilliCredits {
        self.amount
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// What becomes of the change when its identifier has this entry already, whatever is left by now.
    pub fn known_as(&self, entry: LedgerEntry) -> CreditChanged {
        let is_same = entry.kind == self.kind
            && entry.amount == self.amount
            && entry.reason.as_deref() == Some(self.reason.as_str());
        if is_same { CreditChanged::Repeated(entry) } else { CreditChanged::Mismatch }
    }

    /// How the tenant stands after the change, under an identifier that was not used before.
    ///
    /// # Errors
    ///
    /// [`Insufficient`](CreditChanged::Insufficient) or [`Excessive`](CreditChanged::Excessive), which is then the
    /// answer.
    pub fn applied_to(&self, usage: &CreditUsage) -> Result<CreditUsage, CreditChanged> {
        let plus = |credits: MilliCredits| credits.0.checked_add(self.amount.0).map(MilliCredits);
        let is_grant = self.amount > MilliCredits::ZERO;
        if !is_grant && usage.balance.available().0 < -self.amount.0 {
            return Err(CreditChanged::Insufficient);
        }
        let granted = plus(usage.balance.granted).filter(|sum| !is_grant || *sum <= Self::MOST_GRANTED);
        let (granted, allowance) = granted.zip(plus(usage.allowance)).ok_or(CreditChanged::Excessive)?;
        let mut after = usage.clone();
        after.balance.granted = granted;
        after.allowance = allowance;
        // More to use may bring the tenant below a threshold, to be told of it again.
        after.threshold = usage.threshold.min(threshold(usage.used, allowance));
        Ok(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_makes_no_sense_cannot_be_made() {
        use CreditChangeError::{Amount, Kind, Reason};
        use LedgerKind::{Correction, Expiry, Grant, Renewal, Settlement};
        let most = CreditChange::MOST.0;
        let long = "ä".repeat(LONGEST_REASON);
        for (kind, amount, reason, expected) in [
            (Grant, 1, "because", None),
            (Grant, most, &*long, None),
            (Correction, 1, "b", None),
            (Correction, -most, "because", None),
            (Grant, 0, "because", Some(Amount)),
            (Correction, 0, "because", Some(Amount)),
            (Grant, most + 1, "because", Some(Amount)),
            (Correction, -most - 1, "because", Some(Amount)),
            (Grant, i64::MAX, "because", Some(Amount)),
            (Correction, i64::MIN, "because", Some(Amount)),
            (Grant, -1, "because", Some(Kind)),
            (Renewal, 1, "because", Some(Kind)),
            (Expiry, -1, "because", Some(Kind)),
            (Settlement, -1, "because", Some(Kind)),
            (Grant, 1, "", Some(Reason)),
            (Grant, 1, &*format!("{long}."), Some(Reason)),
        ] {
            let made = CreditChange::new(kind, MilliCredits(amount), reason);
            assert_eq!(made.err(), expected, "{kind:?} of {amount} for {} bytes", reason.len());
        }
    }
}
