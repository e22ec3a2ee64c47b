//! When people of a business are there.
//!
//! Hours are times of the wall clock at the business. What they mean as moments depends on its time zone, also on the days
//! on which clocks are set: an hour that is skipped is not open, one that comes twice is.
//!
//! ```
//! use bob_core::tenant::OpeningHours;
//! use bob_core::tenant::hours::Interval;
//! use jiff::tz::TimeZone;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let late = Interval::read("18:00", "02:00")?;
//! // Fridays and Saturdays, from Monday on.
//! let week = [vec![], vec![], vec![], vec![], vec![late], vec![late], vec![]];
//! let hours = OpeningHours::new(week, [])?;
//! let berlin = TimeZone::get("Europe/Berlin")?;
//!
//! let sunday_at_one = "2026-11-22T01:00:00+01:00".parse()?;
//! assert!(hours.is_open(sunday_at_one, &berlin));
//! let sunday_at_noon = "2026-11-22T12:00:00+01:00".parse()?;
//! let friday = "2026-11-27T18:00:00+01:00".parse()?;
//! assert_eq!(hours.next_opening(sunday_at_noon, &berlin), Some(friday));
//! # Ok(())
//! # }
//! ```

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// The minutes of a day.
const DAY: u16 = 24 * 60;

/// The most intervals of one day.
pub(crate) const MOST_INTERVALS: usize = 6;

/// The most holidays.
const MOST_HOLIDAYS: usize = 100;

/// The most characters of a holiday's name.
const LONGEST_NAME: usize = 100;

/// How many days ahead an opening is looked for.
const HORIZON: i64 = 400;

/// A stretch of a day, in whole minutes of the wall clock; one that ends where or before it begins ends on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval {
    /// Minutes since midnight, below 1,440.
    from: u16,
    /// Minutes since the same midnight, behind `from` and at most a day behind it.
    until: u16,
}

/// Hours that make no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HoursError {
    /// A time is not `HH:MM`.
    #[error("a time is HH:MM from 00:00 to 23:59, and 24:00 as an end")]
    Time,
    /// Two intervals of a day share a minute.
    #[error("the intervals of a day are in order and apart")]
    Overlap,
    /// Too many intervals of a day, or too many holidays.
    #[error("a day has at most 6 intervals, and there are at most 100 holidays")]
    TooMany,
    /// A date has two holidays.
    #[error("a date is a holiday once")]
    TwiceOnADate,
    /// A holiday's name is out of bounds.
    #[error("a holiday's name has 1 to 100 characters, on one line")]
    Name,
}

impl Interval {
    /// Reads `HH:MM` twice: an end at or before the beginning is on the next day, and `24:00` is midnight.
    ///
    /// # Errors
    ///
    /// [`HoursError::Time`] when one is no time of day.
    pub fn read(from: &str, to: &str) -> Result<Self, HoursError> {
        let from = minutes(from).filter(|from| *from < DAY).ok_or(HoursError::Time)?;
        let to = minutes(to).ok_or(HoursError::Time)?;
        let until = if to > from { to } else { to + DAY };
        Ok(Self { from, until })
    }

    /// When it begins, as `HH:MM`.
    #[must_use]
    pub fn from(&self) -> String {
        clock(self.from)
    }

    /// When it ends, as `HH:MM`; midnight at the end of its own day is `24:00`.
    #[must_use]
    pub fn to(&self) -> String {
        clock(if self.until > DAY { self.until - DAY } else { self.until })
    }

    /// Its first and its first-no-more moment when it begins on `date`; nothing when clocks skip it, or all of the date.
    fn on(&self, date: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let at = |minutes: u16| {
            let at = date.at(0, 0, 0, 0).checked_add(Span::new().minutes(i64::from(minutes))).ok()?;
            at.to_zoned(zone.clone()).ok()
        };
        let (from, until) = (at(self.from)?, at(self.until)?);
        (from < until && from.date() == date).then(|| (from.timestamp(), until.timestamp()))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}–{}", self.from(), self.to())
    }
}

fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| {
        (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse::<u16>().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let all = hours * 60 + minutes;
    (minutes < 60 && all <= DAY).then_some(all)
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A date with hours of its own, or with none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holiday {
    /// The date, at the business.
    pub date: Date,
    /// What it is called; 1 to 100 characters.
    pub name: String,
    /// When somebody is there all the same.
    pub intervals: Vec<Interval>,
}

/// A business's week, and the dates on which it is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningHours {
    week: [Vec<Interval>; 7],
    /// In order of their dates.
    holidays: Vec<Holiday>,
}

impl OpeningHours {
    /// The hours of each weekday, from Monday on, and the holidays.
    ///
    /// # Errors
    ///
    /// [`HoursError`] says what makes no sense.
    pub fn new(
        week: [Vec<Interval>; 7],
        holidays: impl IntoIterator<Item = Holiday>,
    ) -> Result<Self, HoursError> {
        let mut holidays: Vec<Holiday> = holidays.into_iter().collect();
        holidays.sort_by_key(|holiday| holiday.date);
        if holidays.len() > MOST_HOLIDAYS {
            return Err(HoursError::TooMany);
        }
        if holidays.windows(2).any(|pair| pair[0].date == pair[1].date) {
            return Err(HoursError::TwiceOnADate);
        }
        for Holiday { name, .. } in &holidays {
            let length = name.trim().chars().count();
            if !(1..=LONGEST_NAME).contains(&length) || name.contains(char::is_control) {
                return Err(HoursError::Name);
            }
        }
        for day in week.iter().chain(holidays.iter().map(|holiday| &holiday.intervals)) {
            if day.len() > MOST_INTERVALS {
                return Err(HoursError::TooMany);
            }
            if day.windows(2).any(|pair| pair[1].from < pair[0].until) {
                return Err(HoursError::Overlap);
            }
        }
        Ok(Self { week, holidays })
    }

    /// The hours of each weekday, from Monday on.
    #[must_use]
    pub fn week(&self) -> &[Vec<Interval>; 7] {
        &self.week
    }

    /// The holidays, by date.
    #[must_use]
    pub fn holidays(&self) -> &[Holiday] {
        &self.holidays
    }

    /// The intervals that begin on a date: the holiday's, if it is one, else the weekday's.
    #[must_use]
    pub fn on(&self, date: Date) -> &[Interval] {
        match self.holidays.binary_search_by_key(&date, |holiday| holiday.date) {
            Ok(at) => &self.holidays[at].intervals,
            Err(_) => {
                let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default();
                &self.week[weekday]
            }
        }
    }

    /// The intervals of the day that it is at `at`.
    #[must_use]
    pub fn today(&self, at: Timestamp, zone: &TimeZone) -> &[Interval] {
        self.on(at.to_zoned(zone.clone()).date())
    }

    /// Whether somebody is there at `at`.
    #[must_use]
    pub fn is_open(&self, at: Timestamp, zone: &TimeZone) -> bool {
        let today = at.to_zoned(zone.clone()).date();
        // What began yesterday, or the day before on the other side of a date line that moved, may not have ended.
        let days = (-2..=1).filter_map(|days| today.checked_add(Span::new().days(days)).ok());
        days.flat_map(|day| self.moments(day, zone)).any(|(from, until)| from <= at && at < until)
    }

    /// The first moment after `at` at which somebody comes where nobody was; `None` when there is none within 400 days.
    #[must_use]
    pub fn next_opening(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = at.to_zoned(zone.clone()).date();
        for days in -1..=HORIZON {
            let day = today.checked_add(Span::new().days(days)).ok()?;
            let opens = |(from, _): (Timestamp, Timestamp)| {
                let before = from.checked_sub(Span::new().microseconds(1)).ok()?;
                (from > at && !self.is_open(before, zone)).then_some(from)
            };
            if let Some(first) = self.moments(day, zone).filter_map(opens).min() {
                return Some(first);
            }
        }
        None
    }

    fn moments<'a>(
        &'a self,
        date: Date,
        zone: &'a TimeZone,
    ) -> impl Iterator<Item = (Timestamp, Timestamp)> + 'a {
        self.on(date).iter().filter_map(move |interval| interval.on(date, zone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hours from words: `"mon 09:00-17:00, fri 18:00-02:00, 2026-12-24 10:00-12:00, 2026-12-25 closed"`.
    fn hours(text: &str) -> OpeningHours {
        let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let mut week: [Vec<Interval>; 7] = Default::default();
        let mut holidays: Vec<Holiday> = Vec::new();
        for part in text.split(", ").filter(|part| !part.is_empty()) {
            let (day, interval) = part.split_once(' ').unwrap();
            let interval = interval.split_once('-').map(|(from, to)| Interval::read(from, to).unwrap());
            match days.iter().position(|known| *known == day) {
                Some(at) => week[at].extend(interval),
                None => holidays.push(Holiday {
                    date: day.parse().unwrap(),
                    name: "holiday".to_owned(),
                    intervals: interval.into_iter().collect(),
                }),
            }
        }
        OpeningHours::new(week, holidays).unwrap()
    }

    #[track_caller]
    fn check(of: &str, zone: &str, at: &str, open: bool, next: Option<&str>) {
        let (hours, zone) = (hours(of), TimeZone::get(zone).unwrap());
        let at: Timestamp = at.parse().unwrap();
        assert_eq!(hours.is_open(at, &zone), open, "{of} at {at}");
        let next = next.map(|next| next.parse::<Timestamp>().unwrap());
        assert_eq!(hours.next_opening(at, &zone), next, "{of} after {at}");
    }

    #[test]
    fn a_day_is_open_from_its_first_minute_to_before_its_last() {
        let of = "mon 09:00-12:00, mon 13:00-17:00";
        let (noon, monday) = (Some("2026-11-23T13:00:00Z"), Some("2026-11-30T09:00:00Z"));
        check(of, "UTC", "2026-11-23T08:59:59.999999Z", false, Some("2026-11-23T09:00:00Z"));
        check(of, "UTC", "2026-11-23T09:00:00Z", true, noon);
        check(of, "UTC", "2026-11-23T11:59:59.999999Z", true, noon);
        check(of, "UTC", "2026-11-23T12:00:00Z", false, noon);
        check(of, "UTC", "2026-11-23T13:00:00Z", true, monday);
        check(of, "UTC", "2026-11-23T17:00:00Z", false, monday);
        check("", "UTC", "2026-11-23T17:00:00Z", false, None);
    }

    #[test]
    fn hours_are_those_of_the_businesss_own_clock() {
        let of = "mon 09:00-17:00";
        check(of, "Asia/Tokyo", "2026-11-23T00:00:00Z", true, Some("2026-11-30T00:00:00Z"));
        check(of, "Pacific/Honolulu", "2026-11-23T09:00:00Z", false, Some("2026-11-23T19:00:00Z"));
        check(of, "Asia/Kathmandu", "2026-11-23T03:15:00Z", true, Some("2026-11-30T03:15:00Z"));
    }

    #[test]
    fn an_evening_may_end_on_the_next_day() {
        let of = "sat 20:00-04:00";
        check(of, "UTC", "2026-11-22T03:59:00Z", true, Some("2026-11-28T20:00:00Z"));
        check(of, "UTC", "2026-11-22T04:00:00Z", false, Some("2026-11-28T20:00:00Z"));
        // Days that touch are one opening.
        let of = "sat 20:00-04:00, sun 04:00-08:00";
        check(of, "UTC", "2026-11-21T21:00:00Z", true, Some("2026-11-28T20:00:00Z"));
        let round_the_clock = "mon 00:00-24:00, tue 00:00-24:00, wed 00:00-24:00, thu 00:00-24:00, fri 00:00-24:00, sat 00:00-24:00, sun 00:00-00:00";
        check(round_the_clock, "Europe/Berlin", "2026-11-22T23:00:00Z", true, None);
    }

    #[test]
    fn a_holiday_stands_in_for_its_weekday() {
        let of = "thu 09:00-17:00, fri 09:00-17:00, 2026-12-24 09:00-12:00, 2026-12-25 closed";
        check(of, "UTC", "2026-12-24T11:00:00Z", true, Some("2026-12-31T09:00:00Z"));
        check(of, "UTC", "2026-12-24T12:00:00Z", false, Some("2026-12-31T09:00:00Z"));
        check(of, "UTC", "2026-12-25T10:00:00Z", false, Some("2026-12-31T09:00:00Z"));
        // The evening before goes on into it.
        check(
            "thu 20:00-02:00, 2026-12-25 closed",
            "UTC",
            "2026-12-25T01:00:00Z",
            true,
            Some("2026-12-31T20:00:00Z"),
        );
        check(
            "sun 09:00-10:00, 2026-11-23 10:00-11:00",
            "UTC",
            "2026-11-22T12:00:00Z",
            false,
            Some("2026-11-23T10:00:00Z"),
        );
    }

    #[test]
    fn clocks_that_are_set_move_hours_and_lose_none() {
        let berlin = "Europe/Berlin";
        // 29 March 2026: two o'clock becomes three.
        let of = "sun 01:00-04:00";
        check(of, berlin, "2026-03-28T23:59:59Z", false, Some("2026-03-29T00:00:00Z"));
        check(of, berlin, "2026-03-29T01:59:59Z", true, Some("2026-04-04T23:00:00Z"));
        check(of, berlin, "2026-03-29T02:00:00Z", false, Some("2026-04-04T23:00:00Z"));
        // An interval that begins in the hour that is skipped begins that much later.
        check("sun 02:30-05:00", berlin, "2026-03-29T01:29:59Z", false, Some("2026-03-29T01:30:00Z"));
        // 25 October 2026: three o'clock becomes two, and the hour comes twice.
        check(of, berlin, "2026-10-25T00:30:00Z", true, Some("2026-11-01T00:00:00Z"));
        check(of, berlin, "2026-10-25T01:30:00Z", true, Some("2026-11-01T00:00:00Z"));
        check(of, berlin, "2026-10-25T03:00:00Z", false, Some("2026-11-01T00:00:00Z"));
        check("sun 09:00-17:00", berlin, "2026-03-22T17:00:00Z", false, Some("2026-03-29T07:00:00Z"));
        check("sun 09:00-17:00", berlin, "2026-10-18T17:00:00Z", false, Some("2026-10-25T08:00:00Z"));
        // Lord Howe sets its clocks by half an hour, 5 April 2026.
        check(
            "sun 01:00-03:00",
            "Australia/Lord_Howe",
            "2026-04-04T16:15:00Z",
            true,
            Some("2026-04-11T14:30:00Z"),
        );
        // Samoa had no 30 December 2011, a Friday.
        check("fri 09:00-17:00", "Pacific/Apia", "2011-12-29T20:00:00Z", false, Some("2012-01-05T19:00:00Z"));
    }

    #[test]
    fn times_are_read_exactly_and_told_as_they_were_read() {
        for (from, to, told) in [
            ("00:00", "24:00", "00:00–24:00"),
            ("09:05", "17:30", "09:05–17:30"),
            ("22:00", "00:00", "22:00–24:00"),
            ("22:00", "06:00", "22:00–06:00"),
            ("09:00", "09:00", "09:00–09:00"),
        ] {
            assert_eq!(Interval::read(from, to).unwrap().to_string(), told);
        }
        for (from, to) in [
            ("", "10:00"),
            ("9:00", "10:00"),
            ("09:00", "24:01"),
            ("24:00", "10:00"),
            ("09:60", "10:00"),
            ("09:00:00", "10:00"),
            ("-9:00", "10:00"),
            ("+9:00", "10:00"),
            ("09:00", "99:99"),
            ("０９:00", "10:00"),
        ] {
            assert_eq!(Interval::read(from, to), Err(HoursError::Time), "{from} {to}");
        }
    }

    #[test]
    fn hours_that_make_no_sense_are_refused() {
        let day = |text: &[(&str, &str)]| -> Vec<Interval> {
            text.iter().map(|(from, to)| Interval::read(from, to).unwrap()).collect()
        };
        let monday = |intervals| {
            let mut week: [Vec<Interval>; 7] = Default::default();
            week[0] = intervals;
            OpeningHours::new(week, []).map(|_| ())
        };
        assert_eq!(monday(day(&[("09:00", "12:00"), ("12:00", "14:00")])), Ok(()));
        for overlapping in [
            [("09:00", "12:00"), ("11:59", "14:00")],
            [("13:00", "14:00"), ("09:00", "10:00")],
            [("22:00", "02:00"), ("23:00", "23:30")],
        ] {
            assert_eq!(monday(day(&overlapping)), Err(HoursError::Overlap));
        }
        assert_eq!(monday(vec![Interval::read("09:00", "10:00").unwrap(); 7]), Err(HoursError::TooMany));
        let holiday = |day: i8, name: &str| Holiday {
            date: Date::new(2026, 12, 1).unwrap().checked_add(Span::new().days(day)).unwrap(),
            name: name.to_owned(),
            intervals: Vec::new(),
        };
        let closed = |holidays: Vec<Holiday>| OpeningHours::new(Default::default(), holidays).map(|_| ());
        assert_eq!(closed(vec![holiday(1, "a"), holiday(1, "b")]), Err(HoursError::TwiceOnADate));
        assert_eq!(closed((0..101).map(|day| holiday(day, "a")).collect()), Err(HoursError::TooMany));
        for name in ["", " ", "a\nb", &"x".repeat(101)] {
            assert_eq!(closed(vec![holiday(1, name)]), Err(HoursError::Name), "{name}");
        }
    }
}
