//! The list of one widget key, or of many, and the one file that decides by it.

use std::collections::HashSet;

use url::Host;

use super::{Origin, OriginPattern, Scheme};

/// What the `Origin` of one request earns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CorsDecision {
    /// No origin was sent: no page of a browser asks.
    NotABrowser,
    /// On the list: the origin may be echoed.
    Echo,
    /// Not on the list.
    Refuse,
}

/// A set of patterns; an empty one allows nobody.
///
/// Deciding takes one look-up for the origin and one for each label of its host, however long the list is.
#[derive(Debug, Clone, Default)]
pub struct OriginPolicy {
    exact: HashSet<Origin>,
    below: HashSet<(Scheme, u16, String)>,
}

impl OriginPolicy {
    /// Decides what one request's `Origin` earns.
    #[must_use]
    pub fn decide(&self, origin: Option<&Origin>) -> CorsDecision {
        match origin {
            None => CorsDecision::NotABrowser,
            Some(origin) if self.exact.contains(origin) || self.is_below(origin) => CorsDecision::Echo,
            Some(_) => CorsDecision::Refuse,
        }
    }

    fn is_below(&self, origin: &Origin) -> bool {
        let Host::Domain(name) = origin.host() else { return false };
        if self.below.is_empty() {
            return false;
        }
        let parents = name.match_indices('.').map(|(dot, _)| &name[dot + 1..]);
        parents
            .into_iter()
            .any(|parent| self.below.contains(&(origin.scheme(), origin.port(), parent.to_owned())))
    }
}

impl FromIterator<OriginPattern> for OriginPolicy {
    fn from_iter<I: IntoIterator<Item = OriginPattern>>(patterns: I) -> Self {
        let mut policy = Self::default();
        policy.extend(patterns);
        policy
    }
}

impl Extend<OriginPattern> for OriginPolicy {
    fn extend<I: IntoIterator<Item = OriginPattern>>(&mut self, patterns: I) {
        for OriginPattern { subdomains, origin } in patterns {
            match (&origin.host, subdomains) {
                (Host::Domain(domain), true) => {
                    self.below.insert((origin.scheme, origin.port, domain.clone()));
                }
                _ => {
                    self.exact.insert(origin);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(allowed: &[&str], origin: &str, decision: CorsDecision) {
        let policy: OriginPolicy = allowed.iter().map(|p| p.parse::<OriginPattern>().unwrap()).collect();
        assert_eq!(policy.decide(Some(&origin.parse().unwrap())), decision, "{allowed:?} and {origin}");
    }

    #[test]
    fn an_origin_on_the_list_is_echoed() {
        check(&["https://shop.example"], "https://shop.example", CorsDecision::Echo);
        check(&["https://*.shop.example"], "https://de.shop.example", CorsDecision::Echo);
    }

    #[test]
    fn no_list_means_no_access() {
        check(&[], "https://shop.example", CorsDecision::Refuse);
    }

    #[test]
    fn a_subdomain_is_a_different_origin() {
        check(&["https://shop.example"], "https://blog.shop.example", CorsDecision::Refuse);
    }

    #[test]
    fn without_an_origin_no_browser_asks() {
        assert_eq!(OriginPolicy::default().decide(None), CorsDecision::NotABrowser);
    }

    proptest::proptest! {
        #[test]
        fn the_set_decides_as_its_patterns_one_by_one(
            patterns in proptest::collection::vec("https://(\\*\\.)?[ab]\\.[ab]\\.example(:8443)?", 0..6),
            origin in "https://([ab]\\.){0,4}example(:8443)?",
        ) {
            let patterns: Vec<OriginPattern> = patterns.iter().filter_map(|p| p.parse().ok()).collect();
            let origin: Origin = origin.parse().unwrap();
            let one_by_one = patterns.iter().any(|pattern| pattern.matches(&origin));
            let as_set = patterns.into_iter().collect::<OriginPolicy>().decide(Some(&origin));
            proptest::prop_assert_eq!(as_set == CorsDecision::Echo, one_by_one);
        }
    }
}
