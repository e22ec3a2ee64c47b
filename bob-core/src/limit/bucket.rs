//! Buckets by the generic cell rate algorithm (ITU-T I.371): one moment is all a bucket remembers.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::{Counted, Quota, Rate};
use crate::clock::{later, until};

/// How many buckets are remembered; beyond that, the ones that are nearest to full again are forgotten.
const MOST_BUCKETS: usize = 100_000;

/// A call was within its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// The limit with the fewest calls left.
    pub policy: &'static str,
    /// How many it allows in all, and within which time.
    pub rate: Rate,
    /// How many are left of it.
    pub remaining: u32,
}

/// A limit is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many calls")]
pub struct Limited {
    /// Which limit.
    pub policy: &'static str,
    /// What it allows.
    pub quota: Quota,
    /// When to try again.
    pub retry_after: Duration,
}

/// Every bucket's theoretical arrival time: the moment at which it is full again.
#[derive(Debug, Default)]
pub struct Buckets(Mutex<HashMap<Counted, Timestamp>>);

impl Buckets {
    /// Takes one from each bucket, or from none.
    ///
    /// # Errors
    ///
    /// [`Limited`] names the first bucket that is empty.
    pub fn take(
        &self,
        counted: impl Iterator<Item = (Counted, Rate)>,
        now: Timestamp,
    ) -> Result<Option<Allowed>, Limited> {
        let mut full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (taken, tightest) = fill(&full_at, counted, now)?;
        full_at.extend(taken);
        if full_at.len() > MOST_BUCKETS {
            forget(&mut full_at, now);
        }
        Ok(tightest)
    }

    /// Whether [`take`](Self::take) would be allowed.
    ///
    /// # Errors
    ///
    /// [`Limited`] names the first bucket that is empty.
    pub fn peek(
        &self,
        counted: impl Iterator<Item = (Counted, Rate)>,
        now: Timestamp,
    ) -> Result<(), Limited> {
        fill(&self.0.lock().unwrap_or_else(PoisonError::into_inner), counted, now).map(drop)
    }
}

/// What one more call would make of its buckets: when each would be full again, and the limit with the fewest left.
type Filled = (Vec<(Counted, Timestamp)>, Option<Allowed>);

/// Fills the buckets of one more call, if all of them have room.
fn fill(
    full_at: &HashMap<Counted, Timestamp>,
    counted: impl Iterator<Item = (Counted, Rate)>,
    now: Timestamp,
) -> Result<Filled, Limited> {
    let mut taken = Vec::with_capacity(4);
    let mut tightest: Option<Allowed> = None;
    for (bucket, rate) in counted {
        let step = rate.per / rate.count.max(1);
        // A bucket that refills faster than moments can tell is always full.
        if step.is_zero() {
            continue;
        }
        let full = full_at.get(&bucket).copied().unwrap_or(now).max(now);
        let next = later(full, step);
        let over = until(now, next).saturating_sub(step * rate.count.max(1));
        if !over.is_zero() {
            return Err(Limited { policy: bucket.policy(), quota: Quota::Within(rate), retry_after: over });
        }
        let used = until(now, next).as_nanos().div_ceil(step.as_nanos());
        let remaining = rate.count.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX));
        if tightest.is_none_or(|tightest| remaining < tightest.remaining) {
            tightest = Some(Allowed { policy: bucket.policy(), rate, remaining });
        }
        taken.push((bucket, next));
    }
    Ok((taken, tightest))
}

/// Full buckets need no remembering; if most are in use, those go that are full soonest.
fn forget(full_at: &mut HashMap<Counted, Timestamp>, now: Timestamp) {
    full_at.retain(|_, full| *full > now);
    if full_at.len() > MOST_BUCKETS / 2 {
        let mut moments: Vec<Timestamp> = full_at.values().copied().collect();
        let middle = moments.len() / 2;
        let (_, median, _) = moments.select_nth_unstable(middle);
        let median = *median;
        full_at.retain(|_, full| *full > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{TenantId, VisitorId};
    use crate::testing::fixture;

    #[test]
    fn a_limit_too_fine_to_count_refuses_nobody() {
        let buckets = Buckets::default();
        let tenant = Counted::Tenant(TenantId::new());
        let rate = Rate { count: u32::MAX, per: Duration::from_secs(1) };
        // Callers look at the clock before they wait for each other.
        for late in [1, 0] {
            let now = later(fixture::now(), Duration::from_millis(late));
            assert_eq!(buckets.take([(tenant, rate)].into_iter(), now), Ok(None));
        }
    }

    #[test]
    fn a_flood_of_callers_is_remembered_within_bounds() {
        let buckets = Buckets::default();
        let tenant = TenantId::new();
        for _ in 0..MOST_BUCKETS * 2 {
            let visitor = Counted::Visitor(tenant, VisitorId::new());
            buckets.take([(visitor, Rate::per_minute(20))].into_iter(), fixture::now()).unwrap();
        }
        assert!(buckets.0.lock().unwrap().len() <= MOST_BUCKETS);
    }
}
