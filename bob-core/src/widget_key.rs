//! Widget keys: the publishable names under which customers' pages call Bob.
//!
//! A key is public: it stands in the page's source. What it may do is fenced by its origins, its limits and the
//! visitor's own token.

mod origins;
mod settings;

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;
use uuid::Uuid;

use crate::credit::MilliCredits;
use crate::id::{TenantId, WidgetKeyId};
use crate::keyring::{NoRandomness, random_bytes};
use crate::origin::OriginPattern;

pub use origins::{MOST_ORIGINS, OriginError, OriginsError, read_origins};
pub use settings::{
    Colour, Corner, MAX_GREETING, MAX_LAUNCHER, MOST_LANGUAGES, ParseColourError, WidgetSettings,
};

/// How many live keys a tenant may have, and how many ended ones are kept.
pub const MOST_KEYS: usize = 50;
/// The longest name of a key, in characters.
pub const MAX_KEY_NAME: usize = 100;
/// For how long at most the old key lives on when it is rotated.
pub const LONGEST_OVERLAP: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// For how long it does unless said otherwise, and at least where the embed hands it out: pages keep its script for a
/// while.
pub const USUAL_OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether a key is for customers or for trying things out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyMode {
    /// `pk_live_…`
    Live,
    /// `pk_test_…`: for pages on loopback only.
    Test,
}

impl KeyMode {
    /// The name used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    /// Reads a name that [`as_str`](Self::as_str) gave.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Live, Self::Test].into_iter().find(|mode| mode.as_str() == name)
    }

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WidgetKey {
    /// Its identifier.
    pub id: WidgetKeyId,
    /// Its text.
    pub key: PublishableKey,
    /// Grows with each change; 1 at first.
    pub version: u64,
    /// What its people set.
    pub settings: KeySettings,
    /// From when on it is refused.
    pub ends_at: Option<Timestamp>,
}

/// What a key's people set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySettings {
    /// What its people call it; may be empty.
    pub name: String,
    /// The pages that may call with it; none means none.
    pub origins: Vec<OriginPattern>,
    /// Whether `widget.js` hands it out.
    pub embed: bool,
    /// How many messages a minute all its visitors together may send; as many as the mount allows when none.
    pub messages_per_minute: Option<NonZeroU32>,
    /// What all its visitors together may use up in a day; only the tenant's credits bound them when none.
    pub daily_budget: Option<MilliCredits>,
}

impl WidgetKey {
    /// A key as it is at first.
    #[must_use]
    pub fn new(key: PublishableKey, settings: KeySettings) -> Self {
        Self { id: WidgetKeyId::new(), key, version: 1, settings, ends_at: None }
    }

    /// Whether it is accepted at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ends_at.is_none_or(|end| now < end)
    }
}

impl KeySettings {
    /// No name, no limits of its own, and not handed out by the embed.
    #[must_use]
    pub fn for_pages(origins: Vec<OriginPattern>) -> Self {
        Self { name: String::new(), origins, embed: false, messages_per_minute: None, daily_budget: None }
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
