//! Tenants: the businesses Bob answers for.

use std::fmt;
use std::str::FromStr;

use crate::credit::{Billing, MilliCredits};
use crate::id::TenantId;
use crate::language::Language;

/// A tenant's name in addresses: 1 to 63 of `a-z 0-9 -`, no hyphen at either end, and no UUID.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

/// The text is not a slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a slug has 1 to 63 of a-z, 0-9 and -, with no - at either end")]
pub struct ParseSlugError;

impl Slug {
    /// The slug as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = ParseSlugError;

    fn from_str(text: &str) -> Result<Self, ParseSlugError> {
        let fits = (1..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
            && text.parse::<TenantId>().is_err();
        fits.then(|| Self(text.to_owned())).ok_or(ParseSlugError)
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slug({})", self.0)
    }
}

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
    /// Its name in addresses; unique.
    pub slug: Slug,
    /// Its name for people; 1 to 200 characters.
    pub name: String,
    /// The languages it answers in, its default first; never empty.
    pub languages: Vec<Language>,
    /// The host names on which it is the tenant of the public door, lower-case ASCII without port.
    pub hosts: Vec<String>,
    /// Its plan, and when its periods begin.
    pub billing: Billing,
    /// What one visitor may use up in a day; without a bound of their own when none.
    pub visitor_budget: Option<MilliCredits>,
}

impl Tenant {
    /// The language of a visitor about whom nothing is known.
    #[must_use]
    pub fn default_language(&self) -> Language {
        self.languages.first().copied().unwrap_or(Language::EN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_a_plain_name() {
        for text in ["a", "office16852-platform", "9lives"] {
            assert_eq!(text.parse::<Slug>().unwrap().as_str(), text);
        }
        let long = "a".repeat(64);
        for text in
            ["", "-a", "a-", "A", "a b", "a/b", "ä", "a.b", "01890a5d-ac96-774b-bcce-b302099a8057", &long]
        {
            assert_eq!(text.parse::<Slug>(), Err(ParseSlugError), "{text}");
        }
    }

    #[test]
    fn a_uuid_names_the_tenant_itself() {
        let id = TenantId::new();
        assert_eq!(id.to_string().parse(), Ok(TenantRef::Id(id)));
        assert!(matches!("shop".parse(), Ok(TenantRef::Slug(_))));
    }
}
