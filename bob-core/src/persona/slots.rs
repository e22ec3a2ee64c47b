//! What a persona's template may say about the business and the moment.

use std::collections::BTreeMap;

use jiff::Timestamp;
use minijinja::Value;

use crate::conversation::Door;
use crate::language::Language;
use crate::tenant::hours::{Interval, MOST_INTERVALS};
use crate::tenant::{LONGEST_ADDRESS, LONGEST_EMAIL, LONGEST_NAME, LONGEST_PHONE, LONGEST_WEBSITE, Tenant};

/// Every slot, and the most characters it holds.
const SLOTS: [(&str, usize); 13] = [
    ("business.name", LONGEST_NAME),
    ("business.website", LONGEST_WEBSITE),
    ("business.contact.email", LONGEST_EMAIL),
    ("business.contact.phone", LONGEST_PHONE),
    ("business.contact.address", LONGEST_ADDRESS),
    ("business.contact.website", LONGEST_WEBSITE),
    ("hours.known", "false".len()),
    ("hours.today", MOST_INTERVALS * "00:00–00:00, ".len()),
    ("hours.is_open", "false".len()),
    ("hours.next_opening", "2026-11-22 12:00".len()),
    ("locale", 3),
    ("channel", "signed_in".len()),
    ("now.date", "2026-11-22".len()),
];

/// The values of all slots in one turn.
///
/// What a business has not told is empty; `hours.known` says whether it told its hours. Times are the business's own.
#[derive(Debug, Clone)]
pub struct Slots {
    language: Language,
    values: BTreeMap<&'static str, Value>,
}

impl Slots {
    /// What the slots hold for a visitor who is answered in `language`, through `channel`, at `now`.
    #[must_use]
    pub fn of(tenant: &Tenant, language: Language, channel: Door, now: Timestamp) -> Self {
        let zone = &tenant.billing.zone;
        let contact = &tenant.contact;
        let told = |text: &Option<String>| Value::from(text.clone().unwrap_or_default());
        let hours = tenant.hours.as_ref();
        let today = hours.map(|hours| hours.today(now, zone).iter().map(Interval::to_string));
        let today = today.map(|intervals| intervals.collect::<Vec<_>>().join(", ")).unwrap_or_default();
        let next = hours.and_then(|hours| hours.next_opening(now, zone));
        let next = next.map(|next| next.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string());
        let value = |name| match name {
            "business.name" => Value::from(tenant.name.clone()),
            "business.website" | "business.contact.website" => told(&contact.website),
            "business.contact.email" => {
                Value::from(contact.email.as_ref().map(|email| email.as_str().to_owned()).unwrap_or_default())
            }
            "business.contact.phone" => told(&contact.phone),
            "business.contact.address" => told(&contact.address),
            "hours.known" => Value::from(hours.is_some()),
            "hours.today" => Value::from(today.clone()),
            "hours.is_open" => Value::from(hours.is_some_and(|hours| hours.is_open(now, zone))),
            "hours.next_opening" => Value::from(next.clone().unwrap_or_default()),
            "locale" => Value::from(language.as_str()),
            "channel" => Value::from(channel.as_str()),
            _ => Value::from(now.to_zoned(zone.clone()).date().to_string()),
        };
        Self { language, values: SLOTS.iter().map(|&(name, _)| (name, value(name))).collect() }
    }

    /// All slots at their longest.
    pub(super) fn longest() -> Self {
        let values = SLOTS.iter().map(|&(name, most)| (name, Value::from("x".repeat(most))));
        Self { language: Language::EN, values: values.collect() }
    }

    /// The most characters of a slot; `None` when there is none of that name.
    pub(super) fn longest_of(name: &str) -> Option<usize> {
        SLOTS.iter().find(|(known, _)| *known == name).map(|(_, most)| *most)
    }

    /// The names of all slots, for people.
    pub(super) fn names() -> String {
        SLOTS.map(|(name, _)| name).join(", ")
    }

    /// The language that is answered in.
    pub(super) fn language(&self) -> Language {
        self.language
    }

    /// The same as a template engine finds them: parts of a name are maps in each other.
    pub(super) fn context(&self) -> Value {
        nested(self.values.iter().map(|(name, value)| (*name, value.clone())).collect())
    }
}

fn nested(values: Vec<(&str, Value)>) -> Value {
    let mut inner: BTreeMap<&str, Vec<(&str, Value)>> = BTreeMap::new();
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for (name, value) in values {
        match name.split_once('.') {
            Some((first, rest)) => inner.entry(first).or_default().push((rest, value)),
            None => {
                found.insert(name.to_owned(), value);
            }
        }
    }
    found.extend(inner.into_iter().map(|(name, values)| (name.to_owned(), nested(values))));
    Value::from(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn no_slot_holds_more_than_its_bound() {
        let mut tenant = fixture::onboarding("shop").tenant;
        tenant.name = "ä".repeat(LONGEST_NAME);
        tenant.contact.phone = Some("1".repeat(LONGEST_PHONE));
        tenant.contact.address = Some("ä".repeat(LONGEST_ADDRESS));
        tenant.contact.website = Some(format!("https://a.example/{}", "a".repeat(LONGEST_WEBSITE - 18)));
        let half_hour = |hour| Interval::read(&format!("0{hour}:00"), &format!("0{hour}:30")).unwrap();
        let day: Vec<_> = (0..6).map(half_hour).collect();
        let week = std::array::from_fn(|_| day.clone());
        tenant.hours = Some(crate::tenant::OpeningHours::new(week, []).unwrap());
        assert_eq!(tenant.check(), Ok(()));
        let slots = Slots::of(&tenant, Language::EN, Door::SignedIn, fixture::now());
        for (name, most) in SLOTS {
            let length = slots.values[name].to_string().chars().count();
            assert!((1..=most).contains(&length) || name == "business.contact.email", "{name} has {length}");
        }
    }

    #[test]
    fn every_channel_fits() {
        for door in [Door::Public, Door::Widget, Door::SignedIn] {
            assert!(door.as_str().len() <= Slots::longest_of("channel").unwrap(), "{door:?}");
        }
    }
}
