//! Tenants: the businesses Bob answers for.

mod contact;
pub(crate) mod erasure;
mod host;
pub mod hours;
mod slug;
mod standing;

use std::str::FromStr;

use jiff::Timestamp;

use crate::credit::{Billing, MilliCredits};
use crate::id::TenantId;
use crate::language::Language;

pub use contact::Contact;
pub(crate) use contact::{LONGEST_ADDRESS, LONGEST_EMAIL, LONGEST_PHONE, LONGEST_WEBSITE};
pub use host::{HostName, HostNameError};
pub use hours::OpeningHours;
pub use slug::{ParseSlugError, Slug};
pub use standing::{DELETION_GRACE, Standing, StandingChange, Suspension};

/// The most characters of a business's name.
pub(crate) const LONGEST_NAME: usize = 200;

/// The most languages a business answers in.
const MOST_LANGUAGES: usize = 20;

/// The most host names a business has.
const MOST_HOSTS: usize = 20;

/// How a caller names a tenant: by slug or by UUID.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TenantRef {
    /// By its UUID.
    Id(TenantId),
    /// By its slug.
    Slug(Slug),
}

impl FromStr for TenantRef {
    type Err = ParseSlugError;

    fn from_str(text: &str) -> Result<Self, ParseSlugError> {
        text.parse().map(Self::Id).or_else(|_| text.parse().map(Self::Slug))
    }
}

impl From<TenantId> for TenantRef {
    fn from(id: TenantId) -> Self {
        Self::Id(id)
    }
}

/// One business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its identifier.
    pub id: TenantId,
    /// Its name in addresses; unique, and the same for ever.
    pub slug: Slug,
    /// Its name for people; 1 to 200 characters on one line.
    pub name: String,
    /// The languages it answers in, its default first; 1 to 20, each once.
    pub languages: Vec<Language>,
    /// The host names on which it is the tenant of the public door; at most 20, nobody else's.
    pub hosts: Vec<HostName>,
    /// How people reach it.
    pub contact: Contact,
    /// When people of it are there, in the time zone of its billing; `None` when it has not told.
    pub hours: Option<OpeningHours>,
    /// Its plan, its time zone, and when its periods begin.
    pub billing: Billing,
    /// What one visitor may use up in a day; without a bound of their own when none.
    pub visitor_budget: Option<MilliCredits>,
    /// Whether its doors are open.
    pub standing: Standing,
    /// Grows with every change of what stands here; 1 at first.
    pub revision: u64,
}

/// A business is out of its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} {bounds}")]
pub struct ProfileError {
    /// The field, as on the wire; a part of a field behind a slash.
    pub field: &'static str,
    /// What it may have.
    pub bounds: &'static str,
}

impl Tenant {
    /// A business that told no more than its name: it answers in English, keeps UTC and has no plan.
    #[must_use]
    pub fn new(id: TenantId, slug: Slug, name: impl Into<String>) -> Self {
        Self {
            id,
            slug,
            name: name.into(),
            languages: vec![Language::EN],
            hosts: Vec::new(),
            contact: Contact::default(),
            hours: None,
            billing: Billing::none(),
            visitor_budget: None,
            standing: Standing::default(),
            revision: 1,
        }
    }

    /// The language of a visitor about whom nothing is known.
    #[must_use]
    pub fn default_language(&self) -> Language {
        self.languages.first().copied().unwrap_or(Language::EN)
    }

    /// When a person is next there for somebody who asks at `now`; `None` when one is there, or nobody knows.
    #[must_use]
    pub fn person_expected(&self, now: Timestamp) -> Option<Timestamp> {
        let hours = self.hours.as_ref()?;
        let zone = &self.billing.zone;
        if hours.is_open(now, zone) { None } else { hours.next_opening(now, zone) }
    }

    /// Checks the bounds of what its people tell about it.
    ///
    /// # Errors
    ///
    /// Names the first field that is out of bounds.
    pub fn check(&self) -> Result<(), ProfileError> {
        let wrong = |field, bounds| Err(ProfileError { field, bounds });
        let length = self.name.trim().chars().count();
        if !(1..=LONGEST_NAME).contains(&length) || self.name.contains(char::is_control) {
            return wrong("name", "has 1 to 200 characters, on one line");
        }
        let mut languages = self.languages.clone();
        languages.sort_unstable();
        languages.dedup();
        if !(1..=MOST_LANGUAGES).contains(&languages.len()) || languages.len() != self.languages.len() {
            return wrong("languages", "has 1 to 20 languages, each once");
        }
        let mut hosts = self.hosts.clone();
        hosts.sort_unstable();
        hosts.dedup();
        if hosts.len() > MOST_HOSTS || hosts.len() != self.hosts.len() {
            return wrong("hosts", "has at most 20 names, each once");
        }
        if self.visitor_budget.is_some_and(|budget| budget < MilliCredits::ZERO) {
            return wrong("visitor_budget_millicredits", "is nothing or more");
        }
        self.contact.check()
    }
}

/// How far a business is with its first steps, as its data says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstSteps {
    /// Whether an owner can sign in with a password.
    pub owner_can_sign_in: bool,
    /// Whether anybody ever wrote to it.
    pub has_conversation: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn a_uuid_names_the_tenant_itself() {
        let id = TenantId::new();
        assert_eq!(id.to_string().parse(), Ok(TenantRef::Id(id)));
        assert!(matches!("shop".parse(), Ok(TenantRef::Slug(_))));
    }

    #[test]
    fn a_field_out_of_bounds_is_named() {
        let good = fixture::onboarding("shop").tenant;
        assert_eq!(good.check(), Ok(()));
        let host = |number: usize| format!("h{number}.shop.example").parse().unwrap();
        for (bad, field) in [
            (Tenant { name: " ".to_owned(), ..good.clone() }, "name"),
            (Tenant { name: "a\nb".to_owned(), ..good.clone() }, "name"),
            (Tenant { name: "ä".repeat(201), ..good.clone() }, "name"),
            (Tenant { languages: Vec::new(), ..good.clone() }, "languages"),
            (
                Tenant { languages: vec![Language::DE, Language::EN, Language::DE], ..good.clone() },
                "languages",
            ),
            (Tenant { hosts: (0..21).map(host).collect(), ..good.clone() }, "hosts"),
            (Tenant { hosts: vec![host(1), host(1)], ..good.clone() }, "hosts"),
            (
                Tenant { visitor_budget: Some(MilliCredits(-1)), ..good.clone() },
                "visitor_budget_millicredits",
            ),
            (
                Tenant { contact: Contact { phone: Some("x".to_owned()), ..Contact::default() }, ..good },
                "contact/phone",
            ),
        ] {
            assert_eq!(bad.check().unwrap_err().field, field);
        }
    }

    #[test]
    fn a_person_is_expected_when_the_business_opens_next() {
        let mut tenant = fixture::onboarding("shop").tenant;
        assert_eq!(tenant.person_expected(fixture::now()), None, "nobody told");
        tenant.hours = Some(fixture::nine_to_five());
        // Tests begin on a Sunday at noon.
        let monday = "2026-11-23T09:00:00Z".parse().unwrap();
        assert_eq!(tenant.person_expected(fixture::now()), Some(monday));
        assert_eq!(tenant.person_expected(monday), None, "somebody is there");
    }
}
