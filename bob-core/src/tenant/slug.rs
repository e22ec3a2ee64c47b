//! A tenant's name in addresses.

use std::fmt;
use std::str::FromStr;

use crate::id::TenantId;

/// A tenant's name in addresses: 1 to 63 of `a-z 0-9 -`, no hyphen at either end, and no UUID. It never changes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

/// The text is not a slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a slug has 1 to 63 of a-z, 0-9 and -, with no - at either end")]
pub struct ParseSlugError;

/// Names that visitors would take for the platform itself, or that addresses of ours may need.
const RESERVED: [&str; 68] = [
    "abuse",
    "account",
    "accounts",
    "admin",
    "administrator",
    "api",
    "app",
    "apps",
    "assets",
    "audit",
    "auth",
    "autoconfig",
    "autodiscover",
    "billing",
    "blog",
    "bob",
    "business",
    "cdn",
    "chat",
    "customer",
    "customers",
    "default",
    "demo",
    "dev",
    "docs",
    "download",
    "email",
    "ftp",
    "health",
    "help",
    "hostmaster",
    "imap",
    "info",
    "internal",
    "localhost",
    "login",
    "logout",
    "mail",
    "mcp",
    "me",
    "metrics",
    "mission-control",
    "new",
    "null",
    "oauth",
    "onboarding",
    "openapi",
    "platform",
    "plugins",
    "portal",
    "postmaster",
    "pricebook",
    "root",
    "security",
    "self",
    "smtp",
    "staging",
    "static",
    "status",
    "support",
    "system",
    "tenant",
    "tenants",
    "undefined",
    "webmaster",
    "well-known",
    "widget",
    "www",
];

impl Slug {
    /// The slug as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether no new tenant may have it, because people would take it for the platform's own.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        RESERVED.binary_search(&self.as_str()).is_ok()
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
    fn names_that_sound_like_the_platform_are_reserved() {
        assert!(RESERVED.is_sorted(), "they are searched by halves");
        for name in RESERVED {
            assert!(name.parse::<Slug>().unwrap().is_reserved(), "{name}");
        }
        for name in ["shop", "www-shop", "admins", "office16852-platform"] {
            assert!(!name.parse::<Slug>().unwrap().is_reserved(), "{name}");
        }
    }
}
