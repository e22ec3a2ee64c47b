//! Widget keys: the publishable names under which customers' pages call Bob.
//!
//! A key is public: it stands in the page's source. What it may do is fenced by its origins, its limits and the
//! visitor's own token.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;
use uuid::Uuid;

use crate::credit::MilliCredits;
use crate::id::{TenantId, WidgetKeyId};
use crate::keyring::{NoRandomness, random_bytes};
use crate::origin::OriginPattern;

/// Whether a key is for customers or for trying things out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyMode {
    /// `pk_live_…`
    Live,
    /// `pk_test_…`: for pages on loopback only.
    Test,
}

impl KeyMode {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Live => "pk_live_",
            Self::Test => "pk_test_",
        }
    }
}

/// The text of a key: its mode, the tenant it belongs to and 120 random bits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublishableKey {
    mode: KeyMode,
    tenant: TenantId,
    text: String,
}

/// The text is not a widget key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a widget key")]
pub struct ParseKeyError;

const TENANT_LETTERS: usize = 26;
const RANDOM_LETTERS: usize = 24;

impl PublishableKey {
    /// Makes a new key for a tenant.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] when the operating system gives none.
    pub fn generate(mode: KeyMode, tenant: TenantId) -> Result<Self, NoRandomness> {
        let random: [u8; 15] = random_bytes()?;
        let text = format!("{}{}_{}", mode.prefix(), base32(tenant.as_uuid().as_bytes()), base32(&random));
        Ok(Self { mode, tenant, text })
    }

    /// The key as customers write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The tenant it names. The key itself must still be on that tenant's list.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Whether it is a live or a test key.
    #[must_use]
    pub fn mode(&self) -> KeyMode {
        self.mode
    }
}

impl FromStr for PublishableKey {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let (mode, rest) = [KeyMode::Live, KeyMode::Test]
            .into_iter()
            .find_map(|mode| Some((mode, text.strip_prefix(mode.prefix())?)))
            .ok_or(ParseKeyError)?;
        let (tenant, random) = rest.split_once('_').ok_or(ParseKeyError)?;
        if tenant.len() != TENANT_LETTERS || random.len() != RANDOM_LETTERS {
            return Err(ParseKeyError);
        }
        decode::<15>(random)?;
        let tenant = TenantId::from_uuid(Uuid::from_bytes(decode(tenant)?));
        Ok(Self { mode, tenant, text: text.to_owned() })
    }
}

impl fmt::Debug for PublishableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublishableKey({}…)", &self.text[..self.text.len() - RANDOM_LETTERS])
    }
}

/// Lower-case base32 (RFC 4648, section 6) without padding.
fn base32(bytes: &[u8]) -> String {
    BASE32_NOPAD.encode(bytes).to_ascii_lowercase()
}

/// Reads what [`base32`] wrote for exactly `N` bytes; each array has one spelling.
fn decode<const N: usize>(text: &str) -> Result<[u8; N], ParseKeyError> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(ParseKeyError);
    }
    let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).map_err(|_| ParseKeyError)?;
    bytes.try_into().map_err(|_| ParseKeyError)
}

/// A key and what it may do.
#[derive(Debug, Clone)]
pub struct WidgetKey {
    /// Its identifier.
    pub id: WidgetKeyId,
    /// Its text.
    pub key: PublishableKey,
    /// The pages that may call with it; none means none.
    pub origins: Vec<OriginPattern>,
    /// Whether `widget.js` hands it out.
    pub embed: bool,
    /// From when on it is refused.
    pub ends_at: Option<Timestamp>,
    /// What all its visitors together may use up in a day; only the tenant's credits bound them when none.
    pub daily_budget: Option<MilliCredits>,
}

impl WidgetKey {
    /// Whether it is accepted at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ends_at.is_none_or(|end| now < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_carries_its_tenant() {
        let tenant = TenantId::new();
        let key = PublishableKey::generate(KeyMode::Live, tenant).unwrap();
        let read: PublishableKey = key.as_str().parse().unwrap();
        assert_eq!((read.tenant(), read.mode()), (tenant, KeyMode::Live));
        assert!(key.as_str().starts_with("pk_live_"));
    }

    #[test]
    fn damaged_keys_are_refused() {
        let key = PublishableKey::generate(KeyMode::Test, TenantId::new()).unwrap();
        let good = key.as_str();
        let (head, _) = good.split_at(good.len() - 1);
        for text in [
            "",
            "pk_live_",
            "pk_live_...",
            "sk_live_abc_def",
            head,
            &format!("{good}a"),
            &good.to_uppercase(),
            &good.replace("pk_test", "pk_prod"),
            &good.replacen('_', "-", 3),
            &format!("{good}\0"),
        ] {
            assert_eq!(text.parse::<PublishableKey>(), Err(ParseKeyError), "{text}");
        }
    }

    #[test]
    fn a_key_has_one_spelling_only() {
        let key = PublishableKey::generate(KeyMode::Live, TenantId::new()).unwrap();
        // The last letter of the tenant holds three bits of it; the other two must be zero.
        let at = "pk_live_".len() + TENANT_LETTERS - 1;
        let twin = char::from(key.as_str().as_bytes()[at] + 1);
        let mut text = key.as_str().to_owned();
        text.replace_range(at..=at, &twin.to_string());
        assert!(text.parse::<PublishableKey>().is_err());
    }
}
