//! What an operator writes on a list of allowed origins.

use std::fmt;
use std::str::FromStr;

use url::Host;

use super::{Origin, ParseOriginError, Scheme};

/// One entry of a list: an exact origin, or every name below a domain.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginPattern {
    pub(super) subdomains: bool,
    /// For a wildcard: the origin of the domain itself, which the pattern does not match.
    pub(super) origin: Origin,
}

/// The entry is not a pattern Bob accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OriginPatternError {
    /// Neither an origin nor `https://*.` and a domain.
    #[error("write an origin such as https://shop.example, or https://*.example.com for every name below it")]
    NotAPattern,
    /// Everybody can register names below it.
    #[error("a wildcard must not stand directly below a public suffix such as .com or .co.uk")]
    PublicSuffix,
    /// A wildcard needs TLS.
    #[error("a wildcard needs https")]
    InsecureWildcard,
}

impl OriginPattern {
    /// Whether a page of `origin` is meant.
    #[must_use]
    pub fn matches(&self, origin: &Origin) -> bool {
        if !self.subdomains {
            return self.origin == *origin;
        }
        let (Host::Domain(domain), Host::Domain(name)) = (self.origin.host(), origin.host()) else {
            return false;
        };
        self.origin.scheme == origin.scheme
            && self.origin.port == origin.port
            && name.strip_suffix(domain).is_some_and(|labels| labels.len() > 1 && labels.ends_with('.'))
    }

    /// The scheme of the pages that are meant.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.origin.scheme()
    }

    /// Whether every origin it matches is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.origin.is_loopback()
    }
}

impl From<Origin> for OriginPattern {
    fn from(origin: Origin) -> Self {
        Self { subdomains: false, origin }
    }
}

impl FromStr for OriginPattern {
    type Err = OriginPatternError;

    fn from_str(text: &str) -> Result<Self, OriginPatternError> {
        let not_a_pattern = |_: ParseOriginError| OriginPatternError::NotAPattern;
        let Some((scheme, domain)) = text.split_once("://*.") else {
            return text.parse::<Origin>().map(Self::from).map_err(not_a_pattern);
        };
        if scheme.eq_ignore_ascii_case("http") {
            return Err(OriginPatternError::InsecureWildcard);
        }
        let origin: Origin = format!("{scheme}://{domain}").parse().map_err(not_a_pattern)?;
        let Host::Domain(name) = origin.host() else { return Err(OriginPatternError::NotAPattern) };
        // A name that is a public suffix itself has no registrable domain.
        if psl::domain(name.as_bytes()).is_none() {
            return Err(OriginPatternError::PublicSuffix);
        }
        Ok(Self { subdomains: true, origin })
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.subdomains {
            return fmt::Display::fmt(&self.origin, f);
        }
        let exact = self.origin.to_string();
        let (scheme, authority) = exact.split_once("://").unwrap_or_default();
        write!(f, "{scheme}://*.{authority}")
    }
}

impl fmt::Debug for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OriginPattern({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, origin: &str, matches: bool) {
        let pattern: OriginPattern = pattern.parse().unwrap();
        assert_eq!(pattern.matches(&origin.parse().unwrap()), matches, "{pattern} and {origin}");
    }

    #[test]
    fn an_exact_entry_means_itself_only() {
        check("https://shop.example", "https://shop.example:443", true);
        check("https://shop.example", "http://shop.example", false);
        check("https://shop.example", "https://www.shop.example", false);
        check("https://shop.example", "https://shop.example:8443", false);
    }

    #[test]
    fn a_wildcard_means_every_name_below_and_never_the_domain_itself() {
        check("https://*.example.com", "https://a.example.com", true);
        check("https://*.example.com", "https://a.b.example.com", true);
        check("https://*.example.com", "https://example.com", false);
        check("https://*.example.com", "https://evilexample.com", false);
        check("https://*.example.com", "https://a.example.com.evil.example", false);
        check("https://*.example.com", "http://a.example.com", false);
        check("https://*.example.com:8443", "https://a.example.com:8443", true);
        check("https://*.example.com:8443", "https://a.example.com", false);
        check("https://*.bücher.example", "https://a.xn--bcher-kva.example", true);
    }

    #[test]
    fn entries_that_open_too_much_are_refused() {
        use OriginPatternError::{InsecureWildcard, NotAPattern, PublicSuffix};
        for (text, error) in [
            ("*", NotAPattern),
            ("null", NotAPattern),
            ("https://*", NotAPattern),
            ("https://*.", NotAPattern),
            ("https://a.*.example.com", NotAPattern),
            ("https://*.*.example.com", NotAPattern),
            ("https://*.127.0.0.1", NotAPattern),
            ("https://*.example.com/path", NotAPattern),
            ("https://*.com", PublicSuffix),
            ("https://*.co.uk", PublicSuffix),
            ("https://*.github.io", PublicSuffix),
            ("http://*.example.com", InsecureWildcard),
        ] {
            assert_eq!(text.parse::<OriginPattern>().unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn a_pattern_reads_back_what_it_prints() {
        for text in ["https://shop.example", "https://*.example.com", "https://*.example.com:8443"] {
            assert_eq!(text.parse::<OriginPattern>().unwrap().to_string(), text);
        }
    }
}
