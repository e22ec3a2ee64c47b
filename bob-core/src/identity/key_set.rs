//! Public keys that a business signs identities with, as a JWK set (RFC 7517).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// The most keys of a set.
pub const MAX_KEYS: usize = 10;

/// The longest set, in bytes.
pub const MAX_KEY_SET: usize = 32 * 1024;

/// The members that only a private or a shared key has.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The text is no set of keys that identities can be signed with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseKeySetError {
    /// Over 32 KiB.
    #[error("a key set has at most 32,768 bytes")]
    TooLong,
    /// Not `{"keys": […]}`.
    #[error("a key set is a JSON object with an array \"keys\"")]
    NotASet,
    /// No key, or more than ten.
    #[error("a key set has 1 to 10 keys")]
    Count,
    /// A private key, which nobody should have seen.
    #[error("key {0} holds a private part; publish only the public one, and use that key no more")]
    Private(usize),
    /// A key of another kind, or one that is too weak or damaged.
    #[error(
        "key {0} is none of: RSA of 2,048 to 4,096 bits (RS256, PS256), EC P-256 (ES256), OKP Ed25519 (EdDSA), for signatures"
    )]
    Unsuitable(usize),
    /// A key without a name, or two of one name.
    #[error("key {0} needs a \"kid\" of its own, of 1 to 200 characters")]
    Name(usize),
}

/// A set of public keys, told apart by their names (`kid`).
#[derive(Clone)]
pub struct KeySet {
    text: String,
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    kid: String,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// What a key says of itself besides its name.
#[derive(Deserialize)]
struct Members {
    kty: String,
    #[serde(default)]
    r#use: Option<String>,
    #[serde(default)]
    key_ops: Option<Vec<String>>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

impl KeySet {
    /// The set as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The key of a name, for one algorithm; a key of another kind does not check it.
    pub(super) fn find(&self, kid: &str, algorithm: Algorithm) -> Option<&DecodingKey> {
        let key = self.keys.iter().find(|key| key.kid == kid)?;
        key.algorithms.contains(&algorithm).then_some(&key.key)
    }
}

impl FromStr for KeySet {
    type Err = ParseKeySetError;

    fn from_str(text: &str) -> Result<Self, ParseKeySetError> {
        if text.len() > MAX_KEY_SET {
            return Err(ParseKeySetError::TooLong);
        }
        let set: BTreeMap<String, Value> =
            serde_json::from_str(text).map_err(|_| ParseKeySetError::NotASet)?;
        let members = set.get("keys").and_then(Value::as_array).ok_or(ParseKeySetError::NotASet)?;
        if !(1..=MAX_KEYS).contains(&members.len()) {
            return Err(ParseKeySetError::Count);
        }
        let mut keys: Vec<Key> = Vec::with_capacity(members.len());
        for (place, member) in (1..).zip(members) {
            let object = member.as_object().ok_or(ParseKeySetError::Unsuitable(place))?;
            if PRIVATE.iter().any(|name| object.contains_key(*name)) {
                return Err(ParseKeySetError::Private(place));
            }
            let kid = object.get("kid").and_then(Value::as_str).unwrap_or_default();
            let named = (1..=200).contains(&kid.chars().count()) && keys.iter().all(|known| known.kid != kid);
            if !named {
                return Err(ParseKeySetError::Name(place));
            }
            let members: Members =
                serde_json::from_value(member.clone()).map_err(|_| ParseKeySetError::Unsuitable(place))?;
            let (algorithms, key) = members.key().ok_or(ParseKeySetError::Unsuitable(place))?;
            keys.push(Key { kid: kid.to_owned(), algorithms, key });
        }
        Ok(Self { text: text.to_owned(), keys })
    }
}

impl Members {
    /// The key and what it checks, if it is one that may sign identities.
    fn key(&self) -> Option<(Vec<Algorithm>, DecodingKey)> {
        let signs = self.r#use.as_deref().is_none_or(|it| it == "sig")
            && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !signs {
            return None;
        }
        let (able, key): (&[Algorithm], DecodingKey) = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", None) => (&[Algorithm::RS256, Algorithm::PS256], self.rsa()?),
            ("EC", Some("P-256")) => (&[Algorithm::ES256], self.p256()?),
            ("OKP", Some("Ed25519")) => (&[Algorithm::EdDSA], self.ed25519()?),
            _ => return None,
        };
        let named = |algorithm: &Algorithm| self.alg.as_deref().is_none_or(|alg| alg == name(*algorithm));
        let algorithms: Vec<Algorithm> = able.iter().copied().filter(named).collect();
        (!algorithms.is_empty()).then_some((algorithms, key))
    }

    fn rsa(&self) -> Option<DecodingKey> {
        let modulus = bytes(self.n.as_deref()?)?;
        let bits = modulus.len() * 8 - usize::try_from(modulus.first()?.leading_zeros()).ok()?;
        let exponent = bytes(self.e.as_deref()?)?;
        let fits = (2_048..=4_096).contains(&bits) && exponent == [1, 0, 1];
        fits.then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
    }

    fn p256(&self) -> Option<DecodingKey> {
        let (x, y) = (self.x.as_deref()?, self.y.as_deref()?);
        let fits = bytes(x)?.len() == 32 && bytes(y)?.len() == 32;
        if fits { DecodingKey::from_ec_components(x, y).ok() } else { None }
    }

    fn ed25519(&self) -> Option<DecodingKey> {
        let x = self.x.as_deref()?;
        if bytes(x)?.len() == 32 { DecodingKey::from_ed_components(x).ok() } else { None }
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

/// The name of an algorithm in headers (RFC 7518, section 3.1).
pub(super) fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::HS256 => "HS256",
        Algorithm::HS384 => "HS384",
        Algorithm::HS512 => "HS512",
        Algorithm::RS256 => "RS256",
        Algorithm::PS256 => "PS256",
        Algorithm::ES256 => "ES256",
        Algorithm::EdDSA => "EdDSA",
        _ => "",
    }
}

impl PartialEq for KeySet {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for KeySet {}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.kid)).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// RFC 8037, appendix A.2.
    fn ed25519() -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    }

    fn with(mut key: Value, name: &str, value: Value) -> Value {
        key[name] = value;
        key
    }

    fn rsa(bytes: usize) -> Value {
        let modulus = BASE64URL_NOPAD.encode(&vec![0xff; bytes]);
        json!({"kty": "RSA", "kid": "rsa", "n": modulus, "e": "AQAB"})
    }

    fn p256() -> Value {
        let coordinate = BASE64URL_NOPAD.encode(&[1; 32]);
        json!({"kty": "EC", "crv": "P-256", "kid": "ec", "x": coordinate, "y": coordinate, "use": "sig"})
    }

    #[test]
    fn keys_are_found_by_name_for_what_they_can_check() {
        let set: KeySet = json!({"keys": [ed25519(), rsa(256), p256()]}).to_string().parse().unwrap();
        for (kid, algorithm, found) in [
            ("ed", Algorithm::EdDSA, true),
            ("rsa", Algorithm::RS256, true),
            ("rsa", Algorithm::PS256, true),
            ("ec", Algorithm::ES256, true),
            ("rsa", Algorithm::HS256, false),
            ("ed", Algorithm::RS256, false),
            ("ec", Algorithm::ES384, false),
            ("other", Algorithm::EdDSA, false),
        ] {
            assert_eq!(set.find(kid, algorithm).is_some(), found, "{kid} {algorithm:?}");
        }
        let only: KeySet =
            json!({"keys": [with(rsa(256), "alg", json!("PS256"))]}).to_string().parse().unwrap();
        assert!(
            only.find("rsa", Algorithm::RS256).is_none(),
            "a key that names its algorithm checks that one only"
        );
    }

    #[test]
    fn a_set_that_is_none_is_refused_with_a_reason() {
        use ParseKeySetError::{Count, Name, NotASet, Private, TooLong, Unsuitable};
        let set = |keys: &[Value]| json!({ "keys": keys }).to_string();
        let many: Vec<Value> = (0..11).map(|at| with(ed25519(), "kid", json!(format!("key {at}")))).collect();
        assert!(set(&many[..10]).parse::<KeySet>().is_ok());
        for (text, error) in [
            (String::new(), NotASet),
            ("[]".to_owned(), NotASet),
            (r#"{"keys":{}}"#.to_owned(), NotASet),
            (set(&[]), Count),
            (set(&many), Count),
            (set(&[ed25519(), with(rsa(256), "d", json!("AA"))]), Private(2)),
            (set(&[json!({"kty": "oct", "kid": "a", "k": "AA"})]), Private(1)),
            (set(&[with(ed25519(), "d", json!("AA"))]), Private(1)),
            (set(&[json!({"kty": "oct", "kid": "a"})]), Unsuitable(1)),
            (set(&[rsa(128)]), Unsuitable(1)),
            (set(&[rsa(1_024)]), Unsuitable(1)),
            (set(&[with(rsa(256), "e", json!("Aw"))]), Unsuitable(1)),
            (set(&[with(rsa(256), "alg", json!("RS512"))]), Unsuitable(1)),
            (set(&[with(rsa(256), "use", json!("enc"))]), Unsuitable(1)),
            (set(&[with(rsa(256), "key_ops", json!(["sign"]))]), Unsuitable(1)),
            (set(&[with(p256(), "crv", json!("P-384"))]), Unsuitable(1)),
            (set(&[with(p256(), "y", json!("AQ"))]), Unsuitable(1)),
            (set(&[with(ed25519(), "crv", json!("X25519"))]), Unsuitable(1)),
            (set(&[with(ed25519(), "x", json!("!"))]), Unsuitable(1)),
            (set(&[with(ed25519(), "x", json!(7))]), Unsuitable(1)),
            (set(&[json!("key")]), Unsuitable(1)),
            (set(&[with(ed25519(), "kid", json!(""))]), Name(1)),
            (set(&[with(ed25519(), "kid", json!(7))]), Name(1)),
            (set(&[with(ed25519(), "kid", json!("x".repeat(201)))]), Name(1)),
            (set(&[ed25519(), ed25519()]), Name(2)),
            (format!("{}{}", set(&[ed25519()]), " ".repeat(MAX_KEY_SET)), TooLong),
        ] {
            assert_eq!(text.parse::<KeySet>().unwrap_err(), error, "{text:.100}");
        }
    }
}
