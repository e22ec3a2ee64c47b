//! What a turn tries to reserve, and the budgets it must fit.

use super::MilliCredits;
use crate::id::WidgetKeyId;

/// What a turn would like to reserve, best answer first: a model's price, a cheaper model's, the grounded answerer's.
///
/// The first amount that credits and budgets reach for is reserved. At most [`MOST`](Self::MOST) steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder(Vec<MilliCredits>);

impl Ladder {
    /// How many steps there may be; further ones are left out, from the dear end.
    pub const MOST: usize = 3;

    /// A ladder of these amounts, each at least 0.
    #[must_use]
    pub fn of(steps: impl IntoIterator<Item = MilliCredits>) -> Self {
        let mut steps: Vec<_> = steps.into_iter().map(|step| step.max(MilliCredits::ZERO)).collect();
        let spare = steps.len().saturating_sub(Self::MOST);
        steps.drain(..spare);
        Self(steps)
    }

    /// The amounts, in the order in which they are tried.
    #[must_use]
    pub fn steps(&self) -> &[MilliCredits] {
        &self.0
    }

    /// The first step that `left` reaches for.
    #[must_use]
    pub fn within(&self, left: MilliCredits) -> Option<MilliCredits> {
        self.0.iter().copied().find(|step| *step <= left)
    }
}

/// What one visitor, and all visitors of one widget key, may use up in a day; open reservations count as used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budgets {
    /// The day, as the number of days since 1970-01-01 in the tenant's time zone.
    pub day: i32,
    /// The visitor's, if there is one.
    pub visitor: Option<MilliCredits>,
    /// The widget key's, if it has one.
    pub key: Option<(WidgetKeyId, MilliCredits)>,
}

impl Budgets {
    /// No budgets at all.
    pub const NONE: Self = Self { day: 0, visitor: None, key: None };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder(steps: &[i64]) -> Ladder {
        Ladder::of(steps.iter().copied().map(MilliCredits))
    }

    #[test]
    fn the_first_step_within_reach_is_taken() {
        let ladder = ladder(&[5_000, 2_000, 1_000]);
        for (left, step) in
            [(9_000, Some(5_000)), (4_999, Some(2_000)), (1_000, Some(1_000)), (999, None), (-1, None)]
        {
            assert_eq!(ladder.within(MilliCredits(left)), step.map(MilliCredits), "{left}");
        }
    }

    #[test]
    fn of_too_many_steps_the_cheapest_stay() {
        assert_eq!(ladder(&[4, 3, 2, 1]).steps(), ladder(&[3, 2, 1]).steps());
        assert_eq!(ladder(&[]).within(MilliCredits(1)), None);
        assert_eq!(ladder(&[-3]).steps(), [MilliCredits::ZERO]);
    }
}
