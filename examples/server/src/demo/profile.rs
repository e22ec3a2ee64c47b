//! How the demo shop is reached, and when its people answer chats; the same as its texts say.

use std::error::Error;

use bob_core::tenant::hours::{Holiday, Interval};
use bob_core::tenant::{Contact, OpeningHours};

/// The ways to reach the shop.
pub fn contact() -> Result<Contact, Box<dyn Error>> {
    Ok(Contact {
        email: Some("service@office16852.example".parse()?),
        phone: Some("+49 40 66969 168".to_owned()),
        address: Some("Kontorstieg 16\n20457 Hamburg\nGermany".to_owned()),
        website: None,
    })
}

/// Monday to Friday from nine to five, less around the turn of the year.
pub fn hours() -> Result<OpeningHours, Box<dyn Error>> {
    let (day, morning) = (Interval::read("09:00", "17:00")?, Interval::read("09:00", "13:00")?);
    let week = std::array::from_fn(|weekday| if weekday < 5 { vec![day] } else { Vec::new() });
    let holidays = [
        ("2026-12-24", "Christmas Eve", vec![morning]),
        ("2026-12-25", "Christmas Day", Vec::new()),
        ("2026-12-31", "New Year's Eve", vec![morning]),
        ("2027-01-01", "New Year's Day", Vec::new()),
    ];
    let holidays = holidays.map(|(date, name, intervals)| {
        Ok::<_, jiff::Error>(Holiday { date: date.parse()?, name: name.to_owned(), intervals })
    });
    Ok(OpeningHours::new(week, holidays.into_iter().collect::<Result<Vec<_>, _>>()?)?)
}
