//! Web origins: parsed once, compared as values, never as strings.
//!
//! An origin fences *browsers*: it says which pages may read an answer. It proves nothing about who asks, since
//! anything that is not a browser writes the header it likes.

mod pattern;
mod policy;

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

pub use pattern::{OriginPattern, OriginPatternError};
pub use policy::{CorsDecision, OriginPolicy};

/// The longest origin that is read, in bytes.
const MAX_ORIGIN: usize = 512;

/// The schemes a page can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Plain text; for loopback only outside of tests.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// The name, without a colon.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    fn read(name: &str) -> Option<Self> {
        [Self::Http, Self::Https].into_iter().find(|scheme| scheme.as_str() == name)
    }
}

/// Scheme, host and port of a page (RFC 6454, WHATWG URL); the host is lower-case ASCII (IDNA), default ports are folded.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: Host<String>,
    port: u16,
}

/// The text is not an origin; `null` is none either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an http or https origin")]
pub struct ParseOriginError;

impl Origin {
    /// The origin of a page's address.
    ///
    /// # Errors
    ///
    /// When the address is not `http` or `https`.
    pub fn of(url: &Url) -> Result<Self, ParseOriginError> {
        let scheme = Scheme::read(url.scheme()).ok_or(ParseOriginError)?;
        let host = url.host().ok_or(ParseOriginError)?.to_owned();
        Ok(Self {
            scheme,
            host: without_root_dot(host)?,
            port: url.port_or_known_default().ok_or(ParseOriginError)?,
        })
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host: a name, or an address.
    #[must_use]
    pub fn host(&self) -> Host<&str> {
        match &self.host {
            Host::Domain(name) => Host::Domain(name),
            Host::Ipv4(address) => Host::Ipv4(*address),
            Host::Ipv6(address) => Host::Ipv6(*address),
        }
    }

    /// The port, the scheme's default where none was written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the page comes from this machine: `localhost`, a name below it, 127.0.0.0/8 or `::1`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.host() {
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        }
    }
}

/// `shop.example.` is the same host as `shop.example`.
fn without_root_dot(host: Host<String>) -> Result<Host<String>, ParseOriginError> {
    let Host::Domain(name) = host else { return Ok(host) };
    let bare = name.strip_suffix('.').unwrap_or(&name);
    if bare.is_empty() || bare.split('.').any(str::is_empty) {
        return Err(ParseOriginError);
    }
    Ok(Host::Domain(bare.to_owned()))
}

impl FromStr for Origin {
    type Err = ParseOriginError;

    /// Reads what an `Origin` header or an operator's list holds: scheme, host and port and nothing else.
    fn from_str(text: &str) -> Result<Self, ParseOriginError> {
        let (scheme, rest) = text.split_once("://").ok_or(ParseOriginError)?;
        let only_authority = !rest.is_empty()
            && !rest.contains(|c: char| {
                matches!(c, '/' | '\\' | '?' | '#' | '@' | '*' | '%') || c.is_whitespace()
            })
            && !rest.contains(char::is_control);
        if text.len() > MAX_ORIGIN || !only_authority || Scheme::read(&scheme.to_ascii_lowercase()).is_none()
        {
            return Err(ParseOriginError);
        }
        Self::of(&Url::parse(text).map_err(|_| ParseOriginError)?)
    }
}

impl fmt::Display for Origin {
    /// The serialization a browser sends: the port is left out when it is the scheme's default.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port == self.scheme.default_port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_spellings_of_one_origin_are_equal() {
        for (one, other) in [
            ("https://shop.example", "https://shop.example:443"),
            ("http://shop.example:80", "http://shop.example"),
            ("https://SHOP.Example", "https://shop.example"),
            ("HTTPS://shop.example", "https://shop.example"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("https://shop.example.", "https://shop.example"),
            ("http://127.1", "http://127.0.0.1"),
            ("http://[0:0::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(one.parse::<Origin>().unwrap(), other.parse().unwrap(), "{one}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "null",
            "*",
            "shop.example",
            "//shop.example",
            "https://",
            "https://shop.example/",
            "https://shop.example/path",
            "https://shop.example?x",
            "https://shop.example#x",
            "https://user@shop.example",
            "https://shop.example, https://evil.example",
            "https://shop.example https://evil.example",
            "https://shop.example\\evil",
            "https://shop..example",
            "https://.",
            "https://%65vil.example",
            "ftp://shop.example",
            "file://shop.example",
            "chrome-extension://abcdef",
            "javascript:alert(1)",
            "https://shop.example:99999",
            "https://[::1",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(ParseOriginError), "{text}");
        }
        assert!(format!("https://{}.example", "a".repeat(600)).parse::<Origin>().is_err());
    }

    #[test]
    fn an_origin_prints_as_a_browser_sends_it() {
        for text in [
            "https://shop.example",
            "http://localhost:8080",
            "http://[::1]:8080",
            "https://xn--bcher-kva.example",
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (text, loopback) in [
            ("http://localhost:1", true),
            ("http://shop.localhost", true),
            ("http://127.9.9.9", true),
            ("http://[::1]", true),
            ("http://notlocalhost", false),
            ("http://127.0.0.1.example", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().is_loopback(), loopback, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_origin_reads_back_what_it_prints(text in "https?://[a-z0-9.-]{1,20}(:[0-9]{1,5})?") {
            if let Ok(origin) = text.parse::<Origin>() {
                proptest::prop_assert_eq!(origin.to_string().parse::<Origin>().unwrap(), origin);
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,80}") {
            let _ = text.parse::<Origin>();
        }
    }
}
