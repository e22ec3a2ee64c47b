//! What a business tells about itself, in JSON.

use bob_core::tenant::hours::{Holiday, Interval};
use bob_core::tenant::{Contact, OpeningHours};
use serde::{Deserialize, Serialize};

use super::{RecordError, read, write};

/// The ways to reach a business; `T` is borrowed text to write and owned text to read.
#[derive(Serialize, Deserialize)]
struct ContactRecord<T> {
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    email: Option<T>,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    phone: Option<T>,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    address: Option<T>,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    website: Option<T>,
}

/// A week from Monday on, and holidays; an interval is two times of day.
#[derive(Serialize, Deserialize)]
struct HoursRecord {
    week: [Vec<(String, String)>; 7],
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    holidays: Vec<HolidayRecord>,
}

#[derive(Serialize, Deserialize)]
struct HolidayRecord {
    date: String,
    name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    hours: Vec<(String, String)>,
}

/// Writes the ways to reach a business; nothing where there is none.
pub(crate) fn of_contact(contact: &Contact) -> Result<Option<String>, RecordError> {
    if *contact == Contact::default() {
        return Ok(None);
    }
    let record = ContactRecord {
        email: contact.email.as_ref().map(|email| email.as_str()),
        phone: contact.phone.as_deref(),
        address: contact.address.as_deref(),
        website: contact.website.as_deref(),
    };
    write(&record).map(Some)
}

/// Reads the ways to reach a business.
pub(crate) fn contact(json: Option<&str>) -> Result<Contact, RecordError> {
    let Some(json) = json else { return Ok(Contact::default()) };
    let ContactRecord { email, phone, address, website } = read::<ContactRecord<String>>(json)?;
    let email = email.map(|email| email.parse().map_err(|_| RecordError::Field("email"))).transpose()?;
    Ok(Contact { email, phone, address, website })
}

/// Writes opening hours.
pub(crate) fn of_hours(hours: &OpeningHours) -> Result<String, RecordError> {
    let day = |day: &[Interval]| day.iter().map(|interval| (interval.from(), interval.to())).collect();
    let holidays = hours.holidays().iter().map(|holiday| HolidayRecord {
        date: holiday.date.to_string(),
        name: holiday.name.clone(),
        hours: day(&holiday.intervals),
    });
    write(&HoursRecord { week: hours.week().each_ref().map(|of| day(of)), holidays: holidays.collect() })
}

/// Reads opening hours.
pub(crate) fn hours(json: &str) -> Result<OpeningHours, RecordError> {
    let HoursRecord { week, holidays } = read(json)?;
    let day = |day: Vec<(String, String)>| {
        let intervals = day.iter().map(|(from, to)| Interval::read(from, to));
        intervals.collect::<Result<Vec<_>, _>>().map_err(|_| RecordError::Field("hours"))
    };
    let mut days: [Vec<Interval>; 7] = Default::default();
    for (of, written) in days.iter_mut().zip(week) {
        *of = day(written)?;
    }
    let holiday = |HolidayRecord { date, name, hours }: HolidayRecord| {
        let date = date.parse().map_err(|_| RecordError::Field("date"))?;
        Ok(Holiday { date, name, intervals: day(hours)? })
    };
    let holidays = holidays.into_iter().map(holiday).collect::<Result<Vec<_>, RecordError>>()?;
    OpeningHours::new(days, holidays).map_err(|_| RecordError::Field("hours"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_read_back_as_they_were_written() {
        let interval = |from, to| Interval::read(from, to).unwrap();
        let mut week: [Vec<Interval>; 7] = Default::default();
        week[0] = vec![interval("09:00", "12:00"), interval("13:00", "24:00")];
        week[6] = vec![interval("20:00", "02:00")];
        let holiday = |date: &str, intervals| Holiday {
            date: date.parse().unwrap(),
            name: "Heiligabend \"24.\"".to_owned(),
            intervals,
        };
        let holidays =
            [holiday("2026-12-25", Vec::new()), holiday("2026-12-24", vec![interval("09:00", "12:00")])];
        let original = OpeningHours::new(week, holidays).unwrap();
        assert_eq!(hours(&of_hours(&original).unwrap()).unwrap(), original);
        for bad in ["", "{}", "{\"week\":[]}", "{\"week\":[[[\"9\",\"10\"]],[],[],[],[],[],[]]}"] {
            assert!(hours(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_contact_reads_back_as_it_was_written_and_none_is_nothing() {
        let full = Contact {
            email: Some("help@shop.example".parse().unwrap()),
            phone: Some("040 123".to_owned()),
            address: Some("Am Markt 1\nHamburg".to_owned()),
            website: None,
        };
        assert_eq!(contact(of_contact(&full).unwrap().as_deref()).unwrap(), full);
        assert_eq!(of_contact(&Contact::default()).unwrap(), None);
        assert_eq!(contact(None).unwrap(), Contact::default());
        assert!(contact(Some("{\"email\":\"nobody\"}")).is_err());
    }
}
