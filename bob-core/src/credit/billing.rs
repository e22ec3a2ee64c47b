//! When a tenant's periods begin and end.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// The day of the month on which a period begins, 1 to 31; in a shorter month, its last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BillingDay(i8);

/// The number is no day of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a billing day is 1 to 31")]
pub struct BillingDayError;

impl BillingDay {
    /// A day of the month.
    ///
    /// # Errors
    ///
    /// [`BillingDayError`] when there is no such day.
    pub fn new(day: i8) -> Result<Self, BillingDayError> {
        if (1..=31).contains(&day) { Ok(Self(day)) } else { Err(BillingDayError) }
    }

    /// The day.
    #[must_use]
    pub fn get(self) -> i8 {
        self.0
    }

    fn in_month(self, month: Date) -> Date {
        let day = self.0.min(month.days_in_month());
        month.first_of_month().checked_add(Span::new().days(day - 1)).unwrap_or(month)
    }
}

/// What a tenant pays for, and when its periods begin: at midnight of its billing day, in its own time zone.
#[derive(Clone, PartialEq, Eq)]
pub struct Billing {
    /// The plan's name in the pricebook; none is granted nothing at renewal.
    pub plan: Option<String>,
    /// The day of the month.
    pub day: BillingDay,
    /// The time zone, by its IANA name.
    pub zone: TimeZone,
}

impl Billing {
    /// No plan, the first of the month, UTC.
    #[must_use]
    pub fn none() -> Self {
        Self { plan: None, day: BillingDay(1), zone: TimeZone::UTC }
    }

    /// The name of the time zone.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The first beginning of a period after `at`.
    #[must_use]
    pub fn next_after(&self, at: Timestamp) -> Timestamp {
        let today = at.to_zoned(self.zone.clone()).date();
        let mut month = today.first_of_month();
        // One of this month, the next, or the one after it lies ahead, however the zone's clocks are set.
        for _ in 0..3 {
            let start = self.day.in_month(month).to_zoned(self.zone.clone()).map(|start| start.timestamp());
            match start {
                Ok(start) if start > at => return start,
                _ => {}
            }
            month = month.checked_add(Span::new().months(1)).unwrap_or(month);
        }
        Timestamp::MAX
    }

    /// The day `at` falls on in the tenant's time zone, in days since 1970-01-01.
    #[must_use]
    pub fn day_of(&self, at: Timestamp) -> i32 {
        let date = at.to_zoned(self.zone.clone()).date();
        date.since(Date::new(1970, 1, 1).unwrap_or(Date::ZERO)).map_or(0, |since| since.get_days())
    }
}

impl fmt::Debug for Billing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Billing")
            .field("plan", &self.plan)
            .field("day", &self.day.0)
            .field("zone", &self.zone_name())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn billing(day: i8, zone: &str) -> Billing {
        Billing { plan: None, day: BillingDay::new(day).unwrap(), zone: TimeZone::get(zone).unwrap() }
    }

    #[track_caller]
    fn check(day: i8, zone: &str, at: &str, next: &str) {
        let next_after = billing(day, zone).next_after(at.parse().unwrap());
        assert_eq!(next_after, next.parse::<Timestamp>().unwrap(), "day {day} in {zone} after {at}");
    }

    #[test]
    fn a_period_begins_at_the_tenants_own_midnight() {
        check(15, "UTC", "2026-11-22T10:00:00Z", "2026-12-15T00:00:00Z");
        check(15, "Europe/Berlin", "2026-11-14T22:59:59Z", "2026-11-14T23:00:00Z");
        check(15, "Europe/Berlin", "2026-11-14T23:00:00Z", "2026-12-14T23:00:00Z");
        check(1, "Asia/Tokyo", "2026-12-31T14:59:59Z", "2026-12-31T15:00:00Z");
        check(1, "Pacific/Honolulu", "2026-12-01T00:00:00Z", "2026-12-01T10:00:00Z");
    }

    #[test]
    fn a_short_months_last_day_stands_in() {
        check(31, "UTC", "2027-01-31T00:00:00Z", "2027-02-28T00:00:00Z");
        check(31, "UTC", "2027-02-28T00:00:00Z", "2027-03-31T00:00:00Z");
        check(30, "UTC", "2028-02-01T00:00:00Z", "2028-02-29T00:00:00Z");
    }

    #[test]
    fn clocks_that_are_set_at_midnight_move_the_beginning_and_never_skip_it() {
        // Beirut had no midnight on 28 March 2021: the day began at one o'clock.
        check(28, "Asia/Beirut", "2021-03-20T00:00:00Z", "2021-03-27T22:00:00Z");
    }

    #[test]
    fn only_days_of_a_month_are_billing_days() {
        for day in [0, -1, 32, i8::MAX] {
            assert_eq!(BillingDay::new(day), Err(BillingDayError));
        }
    }

    #[test]
    fn a_day_is_the_tenants_own() {
        let at = "2026-11-22T23:30:00Z".parse().unwrap();
        assert_eq!(billing(1, "Europe/Berlin").day_of(at), billing(1, "UTC").day_of(at) + 1);
        assert_eq!(billing(1, "UTC").day_of(Timestamp::UNIX_EPOCH), 0);
    }
}
