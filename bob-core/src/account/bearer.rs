//! Opaque tokens: what browsers keep in the session cookie and clients in their refresh token.
//!
//! A token names its realm and its sign-in, so that one look-up by primary key finds the row, on any shard; its random
//! part proves that the bearer may use it. Only its SHA-256 is stored.

use std::fmt;

use aws_lc_rs::digest;
use data_encoding::BASE32_NOPAD;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::id::{LoginId, TenantId};
use crate::keyring::{NoRandomness, random_bytes};
use crate::secret::Secret;

/// What an opaque token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BearerKind {
    /// `br_…`: gets the next access token, once.
    Refresh,
    /// `bs_…`: the value of the session cookie.
    Session,
}

impl BearerKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Refresh => "br_",
            Self::Session => "bs_",
        }
    }
}

/// `br_<realm>_<login>_<random>` or `bs_…`: realm and login of 26 letters, 160 random bits of 32.
///
/// All letters are lower-case base32 (RFC 4648, section 6) without padding; a token has one spelling.
#[derive(Clone)]
pub struct BearerToken {
    kind: BearerKind,
    realm: TenantId,
    login: LoginId,
    text: Secret,
}

/// The text is not such a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token")]
pub struct ParseBearerError;

pub(super) const ID_LETTERS: usize = 26;
const RANDOM_LETTERS: usize = 32;

impl BearerToken {
    /// Makes a new token for a sign-in of a realm.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] when the operating system gives none.
    pub fn generate(kind: BearerKind, realm: TenantId, login: LoginId) -> Result<Self, NoRandomness> {
        let random: [u8; 20] = random_bytes()?;
        let text = format!(
            "{}{}_{}_{}",
            kind.prefix(),
            base32(realm.as_uuid().as_bytes()),
            base32(login.as_uuid().as_bytes()),
            base32(&random)
        );
        Ok(Self { kind, realm, login, text: Secret::new(text) })
    }

    /// Reads a token of one kind.
    ///
    /// # Errors
    ///
    /// [`ParseBearerError`] for every text that [`generate`](Self::generate) could not have made for this kind.
    pub fn parse(kind: BearerKind, text: &str) -> Result<Self, ParseBearerError> {
        let rest = text.strip_prefix(kind.prefix()).ok_or(ParseBearerError)?;
        let mut parts = rest.split('_');
        let (Some(realm), Some(login), Some(random), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ParseBearerError);
        };
        if [realm.len(), login.len(), random.len()] != [ID_LETTERS, ID_LETTERS, RANDOM_LETTERS] {
            return Err(ParseBearerError);
        }
        decode::<20>(random)?;
        Ok(Self {
            kind,
            realm: TenantId::from_uuid(Uuid::from_bytes(decode(realm)?)),
            login: LoginId::from_uuid(Uuid::from_bytes(decode(login)?)),
            text: Secret::new(text),
        })
    }

    /// What it is for.
    #[must_use]
    pub fn kind(&self) -> BearerKind {
        self.kind
    }

    /// The realm it names; a claim until the row was found.
    #[must_use]
    pub fn realm(&self) -> TenantId {
        self.realm
    }

    /// The sign-in it names; a claim until the row was found.
    #[must_use]
    pub fn login(&self) -> LoginId {
        self.login
    }

    /// The token itself, for the one answer that hands it out.
    #[must_use]
    pub fn into_text(self) -> Secret {
        self.text
    }

    /// Its SHA-256, for storage.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, self.text.expose().as_bytes()).as_ref());
        hash
    }

    /// Whether it is the one whose hash was stored; takes the same time for every answer.
    #[must_use]
    pub fn matches(&self, stored: &[u8; 32]) -> bool {
        self.hash().ct_eq(stored).into()
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BearerToken({}…)", self.kind.prefix())
    }
}

pub(super) fn base32(bytes: &[u8]) -> String {
    BASE32_NOPAD.encode(bytes).to_ascii_lowercase()
}

/// Reads what [`base32`] wrote for exactly `N` bytes; each array has one spelling.
pub(super) fn decode<const N: usize>(text: &str) -> Result<[u8; N], ParseBearerError> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(ParseBearerError);
    }
    let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).map_err(|_| ParseBearerError)?;
    bytes.try_into().map_err(|_| ParseBearerError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::PLATFORM_REALM;

    fn token(kind: BearerKind) -> BearerToken {
        BearerToken::generate(kind, TenantId::new(), LoginId::new()).unwrap()
    }

    #[test]
    fn a_token_carries_its_realm_and_its_sign_in() {
        for kind in [BearerKind::Refresh, BearerKind::Session] {
            let (realm, login) = (TenantId::new(), LoginId::new());
            let made = BearerToken::generate(kind, realm, login).unwrap();
            let read = BearerToken::parse(kind, made.text.expose()).unwrap();
            assert_eq!((read.kind(), read.realm(), read.login()), (kind, realm, login));
            assert!(read.matches(&made.hash()));
        }
        let platform = BearerToken::generate(BearerKind::Session, PLATFORM_REALM, LoginId::new()).unwrap();
        assert!(platform.text.expose().starts_with("bs_aaaaaaaaaaaaaaaaaaaaaaaaaa_"));
    }

    #[test]
    fn a_token_of_one_kind_is_none_of_the_other() {
        let refresh = token(BearerKind::Refresh);
        assert!(BearerToken::parse(BearerKind::Session, refresh.text.expose()).is_err());
        let renamed = refresh.text.expose().replacen("br_", "bs_", 1);
        let renamed = BearerToken::parse(BearerKind::Session, &renamed).unwrap();
        assert!(!renamed.matches(&refresh.hash()), "the prefix is part of what is hashed");
    }

    #[test]
    fn damaged_tokens_are_refused() {
        let made = token(BearerKind::Session);
        let good = made.text.expose();
        for text in [
            "",
            "bs_",
            "bs___",
            "bs_a_b_c",
            &good[1..],
            &good[..good.len() - 1],
            &format!("{good}a"),
            &format!("{good}="),
            &format!("{good}_"),
            &format!("{good}_{}", "a".repeat(32)),
            &format!(" {good}"),
            &format!("{good}\n"),
            &format!("{good}\0"),
            &good.to_uppercase(),
            &format!("bs_{}", good[3..].to_uppercase()),
            &good.replacen("bs_", "BS_", 1),
            &good.replacen("bs_", "bs__", 1),
            &good.replace('_', "-"),
            &good.replace('_', "."),
            &good.replacen(char::is_alphanumeric, "ä", 30),
            &"a".repeat(100_000),
        ] {
            let read = BearerToken::parse(BearerKind::Session, text);
            assert_eq!(read.map(|_| ()), Err(ParseBearerError), "{text}");
        }
    }

    #[test]
    fn a_token_has_one_spelling_only() {
        let made = token(BearerKind::Refresh);
        let good = made.text.expose();
        // The last letter of each identifier holds three bits of it; the other two must be zero.
        for at in [3 + ID_LETTERS - 1, 3 + ID_LETTERS + 1 + ID_LETTERS - 1] {
            let mut text = good.to_owned();
            let twin = char::from(good.as_bytes()[at] + 1);
            text.replace_range(at..=at, &twin.to_string());
            assert!(BearerToken::parse(BearerKind::Refresh, &text).is_err(), "{at}");
        }
    }

    #[test]
    fn another_random_part_is_another_token() {
        let (realm, login) = (TenantId::new(), LoginId::new());
        let one = BearerToken::generate(BearerKind::Session, realm, login).unwrap();
        let two = BearerToken::generate(BearerKind::Session, realm, login).unwrap();
        assert!(!one.matches(&two.hash()));
    }

    #[test]
    fn a_token_does_not_print_itself() {
        assert_eq!(format!("{:?}", token(BearerKind::Refresh)), "BearerToken(br_…)");
    }
}
