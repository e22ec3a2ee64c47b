//! Opening hours on the wire: intervals of `HH:MM` by weekday, and dates that are otherwise.

use bob_core::tenant::OpeningHours;
use bob_core::tenant::hours::{Holiday, HoursError, Interval};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// When people of a business are there, in its time zone.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoursRequest {
    #[serde(default)]
    week: WeekRequest,
    /// Dates with hours of their own, or with none; at most 100.
    #[serde(default)]
    holidays: Vec<HolidayRequest>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WeekRequest {
    #[serde(default)]
    monday: Vec<IntervalRequest>,
    #[serde(default)]
    tuesday: Vec<IntervalRequest>,
    #[serde(default)]
    wednesday: Vec<IntervalRequest>,
    #[serde(default)]
    thursday: Vec<IntervalRequest>,
    #[serde(default)]
    friday: Vec<IntervalRequest>,
    #[serde(default)]
    saturday: Vec<IntervalRequest>,
    #[serde(default)]
    sunday: Vec<IntervalRequest>,
}

/// A stretch of a day; one that ends where or before it begins ends on the next day.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct IntervalRequest {
    /// `HH:MM`
    from: String,
    /// `HH:MM`, up to `24:00`
    to: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HolidayRequest {
    /// `YYYY-MM-DD`
    date: String,
    name: String,
    #[serde(default)]
    hours: Vec<IntervalRequest>,
}

fn day(intervals: &[IntervalRequest]) -> Result<Vec<Interval>, HoursError> {
    intervals.iter().map(|IntervalRequest { from, to }| Interval::read(from, to)).collect()
}

impl TryFrom<HoursRequest> for OpeningHours {
    type Error = String;

    fn try_from(request: HoursRequest) -> Result<Self, String> {
        let WeekRequest { monday, tuesday, wednesday, thursday, friday, saturday, sunday } = request.week;
        let written = [monday, tuesday, wednesday, thursday, friday, saturday, sunday];
        let mut week: [Vec<Interval>; 7] = Default::default();
        for (of, written) in week.iter_mut().zip(&written) {
            *of = day(written).map_err(|error| error.to_string())?;
        }
        let holiday = |HolidayRequest { date, name, hours }: HolidayRequest| {
            let date = date.parse().map_err(|_| "a date is YYYY-MM-DD".to_owned())?;
            Ok(Holiday { date, name, intervals: day(&hours).map_err(|error| error.to_string())? })
        };
        let holidays = request.holidays.into_iter().map(holiday).collect::<Result<Vec<_>, String>>()?;
        Self::new(week, holidays).map_err(|error| error.to_string())
    }
}

/// When people of a business are there, in its time zone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HoursView {
    week: WeekView,
    holidays: Vec<HolidayView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct WeekView {
    monday: Vec<IntervalView>,
    tuesday: Vec<IntervalView>,
    wednesday: Vec<IntervalView>,
    thursday: Vec<IntervalView>,
    friday: Vec<IntervalView>,
    saturday: Vec<IntervalView>,
    sunday: Vec<IntervalView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct IntervalView {
    from: String,
    to: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct HolidayView {
    date: String,
    name: String,
    hours: Vec<IntervalView>,
}

impl From<&OpeningHours> for HoursView {
    fn from(hours: &OpeningHours) -> Self {
        let day = |day: &[Interval]| {
            day.iter().map(|interval| IntervalView { from: interval.from(), to: interval.to() }).collect()
        };
        let [monday, tuesday, wednesday, thursday, friday, saturday, sunday] =
            hours.week().each_ref().map(|of| day(of));
        let holidays = hours.holidays().iter().map(|holiday| HolidayView {
            date: holiday.date.to_string(),
            name: holiday.name.clone(),
            hours: day(&holiday.intervals),
        });
        Self {
            week: WeekView { monday, tuesday, wednesday, thursday, friday, saturday, sunday },
            holidays: holidays.collect(),
        }
    }
}
