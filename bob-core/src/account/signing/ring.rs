//! The keys of one moment, ready to sign and to check.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use jsonwebtoken::{DecodingKey, EncodingKey};

use super::SigningKey;

/// The key others check access tokens with: an Ed25519 key of a JWK set (`"kty": "OKP"`, `"crv": "Ed25519"`,
/// `"alg": "EdDSA"`, `"use": "sig"`; RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Its name in the tokens' headers: its SHA-256 thumbprint (RFC 7638) in base64url.
    pub kid: String,
    /// The key: 32 bytes in base64url.
    pub x: String,
}

impl PublicKey {
    fn new(key: &[u8]) -> Self {
        let x = BASE64URL_NOPAD.encode(key);
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        let thumbprint = digest::digest(&digest::SHA256, canonical.as_bytes());
        Self { kid: BASE64URL_NOPAD.encode(thumbprint.as_ref()), x }
    }
}

/// The published keys of one moment, the oldest first.
#[derive(Clone)]
pub struct KeyRing {
    keys: Vec<RingKey>,
}

/// One key, in the forms in which it is used.
#[derive(Clone)]
pub(in crate::account) struct RingKey {
    pub(in crate::account) public: PublicKey,
    pub(in crate::account) signing: EncodingKey,
    pub(in crate::account) checking: DecodingKey,
    stored: SigningKey,
}

impl RingKey {
    fn new(stored: SigningKey) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(stored.seed.as_slice())
            .expect("any 32 bytes are the seed of an Ed25519 key");
        let private = pair.to_pkcs8v1().expect("an Ed25519 key can be written as PKCS#8");
        Self {
            public: PublicKey::new(pair.public_key().as_ref()),
            signing: EncodingKey::from_ed_der(private.as_ref()),
            checking: DecodingKey::from_ed_der(pair.public_key().as_ref()),
            stored,
        }
    }
}

impl KeyRing {
    /// Takes the keys that storage has.
    #[must_use]
    pub fn new(mut keys: Vec<SigningKey>) -> Self {
        keys.sort_by_key(|key| key.number);
        Self { keys: keys.into_iter().map(RingKey::new).collect() }
    }

    /// What others need to check tokens at `now`; the oldest first, and also the one that will sign next.
    #[must_use]
    pub fn published(&self, now: Timestamp) -> Vec<PublicKey> {
        self.at(now).map(|key| key.public.clone()).collect()
    }

    /// The key that signs at `now`: the newest one whose time has come. A clock that is behind uses the oldest.
    pub(in crate::account) fn signer(&self, now: Timestamp) -> Option<&RingKey> {
        let begun = self.at(now).filter(|key| key.stored.signs_from <= now).last();
        begun.or_else(|| self.at(now).next())
    }

    /// The key of a name, if what it signed may hold at `now`.
    pub(in crate::account) fn named(&self, kid: &str, now: Timestamp) -> Option<&RingKey> {
        self.at(now).find(|key| key.public.kid == kid)
    }

    fn at(&self, now: Timestamp) -> impl Iterator<Item = &RingKey> {
        self.keys.iter().filter(move |key| key.stored.is_published(now))
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.public.kid)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{CHECKS_AFTER, PUBLISHED_BEFORE};
    use crate::clock::{earlier, later};
    use crate::keyring::PurposeKeys;
    use crate::testing::fixture;
    use std::time::Duration;

    fn first() -> SigningKey {
        SigningKey::first(&PurposeKeys::from_root([1; 32]), fixture::now())
    }

    #[test]
    fn a_key_is_named_by_its_thumbprint() {
        // RFC 8037, appendix A.3.
        let key = BASE64URL_NOPAD.decode(b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(PublicKey::new(&key).kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn the_next_key_is_published_before_it_signs_and_the_last_one_after() {
        let (old, now) = (first(), fixture::now());
        let takes_over = later(now, PUBLISHED_BEFORE);
        let new = old.next(now, takes_over).unwrap();
        let old = SigningKey {
            signs_until: Some(takes_over),
            ends_at: Some(SigningKey::end_of(takes_over)),
            ..old
        };
        let ring = KeyRing::new(vec![new, old]);
        let [first, second] = &ring.published(now)[..] else { panic!("both are published") };
        let signs = |at| ring.signer(at).unwrap().public.clone();
        let second_before = earlier(takes_over, Duration::from_secs(1));
        assert_eq!((signs(now), signs(second_before)), (first.clone(), first.clone()));
        assert_eq!(signs(takes_over), *second);
        let over = later(takes_over, CHECKS_AFTER);
        assert!(ring.named(&first.kid, earlier(over, Duration::from_secs(1))).is_some());
        assert!(ring.named(&first.kid, over).is_none());
        assert_eq!(ring.published(over), std::slice::from_ref(second));
    }

    #[test]
    fn a_clock_that_is_behind_signs_all_the_same() {
        let ring = KeyRing::new(vec![first()]);
        assert!(ring.signer(earlier(fixture::now(), Duration::from_secs(20))).is_some());
        assert!(KeyRing::new(Vec::new()).signer(fixture::now()).is_none());
    }

    #[test]
    fn keys_do_not_print_themselves() {
        let key = first();
        let printed = format!("{:?} {:?}", KeyRing::new(vec![key.clone()]), key);
        let kid = RingKey::new(key.clone()).public.kid;
        assert!(printed.starts_with(&format!("[\"{kid}\"] SigningKey {{ number: 1")), "{printed}");
        assert!(!printed.contains("seed") && !printed.contains(&format!("{:?}", &key.seed[..4])));
    }
}
