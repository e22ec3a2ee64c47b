//! The host names under which a business's pages stand.

use std::fmt;
use std::str::FromStr;

use url::Host;

/// The longest name there can be in the DNS, in bytes.
const LONGEST: usize = 253;

/// A host name of a business: lower-case ASCII (IDNA), without port and root dot, below a public suffix.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

/// The text is no host name a business can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostNameError {
    /// No name by the rules of the DNS and IDNA, or more than a name.
    #[error("write a host name such as help.shop.example, without scheme, port and path")]
    NotAName,
    /// An address of a machine belongs to whoever has the machine.
    #[error("write a name, not an IP address")]
    Address,
    /// Everybody can register names below it.
    #[error("everybody can register names below this one")]
    PublicSuffix,
}

impl HostName {
    /// Takes a name that was read as one before.
    #[must_use]
    pub fn known(name: String) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, HostNameError> {
        if text.len() > 4 * LONGEST || text.contains('%') {
            return Err(HostNameError::NotAName);
        }
        let name = match Host::parse(text).map_err(|_| HostNameError::NotAName)? {
            Host::Domain(name) => name,
            Host::Ipv4(_) | Host::Ipv6(_) => return Err(HostNameError::Address),
        };
        let name = name.strip_suffix('.').unwrap_or(&name);
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(plain)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if name.len() > LONGEST || !name.split('.').all(label) {
            return Err(HostNameError::NotAName);
        }
        match psl::domain(name.as_bytes()) {
            Some(_) => Ok(Self(name.to_owned())),
            None => Err(HostNameError::PublicSuffix),
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostName({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_spelling() {
        for (text, name) in [
            ("shop.example", "shop.example"),
            ("Help.Shop.Example.", "help.shop.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("shop。example", "shop.example"),
            ("shop.co.uk", "shop.co.uk"),
            ("anna.github.io", "anna.github.io"),
        ] {
            assert_eq!(text.parse::<HostName>().unwrap().as_str(), name, "{text}");
        }
    }

    #[test]
    fn what_no_business_can_own_is_refused() {
        use HostNameError::{Address, NotAName, PublicSuffix};
        let long = format!("{}.example", "a".repeat(64));
        let longer = format!("{}example", "a.".repeat(130));
        for (text, error) in [
            ("", NotAName),
            (".", NotAName),
            ("shop..example", NotAName),
            (".shop.example", NotAName),
            ("https://shop.example", NotAName),
            ("shop.example:443", NotAName),
            ("shop.example/path", NotAName),
            ("anna@shop.example", NotAName),
            ("*.shop.example", NotAName),
            ("-.shop.example", NotAName),
            ("a_b.shop.example", NotAName),
            ("shop example", NotAName),
            ("shop%2eexample", NotAName),
            ("shop.example\0", NotAName),
            (&long, NotAName),
            (&longer, NotAName),
            ("127.0.0.1", Address),
            ("2130706433", Address),
            ("0x7f.1", Address),
            ("[::1]", Address),
            ("com", PublicSuffix),
            ("co.uk", PublicSuffix),
            ("github.io", PublicSuffix),
            ("localhost", PublicSuffix),
        ] {
            assert_eq!(text.parse::<HostName>(), Err(error), "{text}");
        }
    }
}
