//! Shared secrets that a business signs identities with.

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;

use crate::id::IdentitySecretId;
use crate::keyring::{NoRandomness, random_bytes};
use crate::secret::Secret;

/// How many secrets hold at the same time: enough to change one without a gap.
pub const MAX_SECRETS: usize = 5;

/// The shortest secret of a business's own, in bytes.
pub const SHORTEST_SECRET: usize = 32;

/// The longest one, in bytes.
const LONGEST_SECRET: usize = 512;

/// What those begin with that Bob makes.
const PREFIX: &str = "bobid_";

/// The text cannot be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret has 32 to 512 visible ASCII characters")]
pub struct ParseSecretError;

/// A shared secret: the key of an HMAC is its text, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentitySecret {
    /// Its identifier; a token may name it in `kid`.
    pub id: IdentitySecretId,
    /// The secret itself, which is shown once.
    pub secret: Secret,
    /// Whether Bob made it.
    pub generated: bool,
    /// Since when it holds.
    pub added_at: Timestamp,
}

impl IdentitySecret {
    /// Makes one of 384 random bits: `bobid_` and 64 characters.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] when the operating system gives none.
    pub fn generate(now: Timestamp) -> Result<Self, NoRandomness> {
        let random: [u8; 48] = random_bytes()?;
        let secret = Secret::new(format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&random)));
        Ok(Self { id: IdentitySecretId::new(), secret, generated: true, added_at: now })
    }

    /// Takes one that the business has already.
    ///
    /// # Errors
    ///
    /// [`ParseSecretError`] unless it has 32 to 512 visible ASCII characters.
    pub fn given(secret: Secret, now: Timestamp) -> Result<Self, ParseSecretError> {
        let text = secret.expose().as_bytes();
        let fits =
            (SHORTEST_SECRET..=LONGEST_SECRET).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
        if !fits {
            return Err(ParseSecretError);
        }
        Ok(Self { id: IdentitySecretId::new(), secret, generated: false, added_at: now })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn a_secret_is_long_enough_for_every_hash_and_never_the_same() {
        let [first, second] = [(); 2].map(|()| IdentitySecret::generate(fixture::now()).unwrap());
        assert!(first.secret.expose().starts_with("bobid_"));
        assert_eq!(first.secret.expose().len(), 70);
        assert_ne!(first.secret, second.secret);
    }

    #[test]
    fn a_secret_of_the_business_is_long_and_visible() {
        let long = "x".repeat(512);
        for good in ["0123456789abcdef0123456789abcdef", &long] {
            assert!(IdentitySecret::given(Secret::new(good), fixture::now()).is_ok(), "{good}");
        }
        let (short, over) = ("x".repeat(31), "x".repeat(513));
        for bad in [
            "",
            &short,
            &over,
            "0123456789abcdef 0123456789abcdef",
            "0123456789abcdef0123456789abcdé",
            "0123456789abcdef0123456789abcde\n",
        ] {
            assert_eq!(
                IdentitySecret::given(Secret::new(bad), fixture::now()),
                Err(ParseSecretError),
                "{bad:?}"
            );
        }
    }
}
