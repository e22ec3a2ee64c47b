//! Reading an identity: a JWT (RFC 7519) that the business signed.
//!
//! Reading is strict on purpose: what a header may hold besides the algorithm and the name of a key would only help to
//! choose another key, and what is not understood is not believed.

use std::fmt;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use jsonwebtoken::crypto::verify;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::IdentitySettings;
use super::key_set::name;
use crate::account::{Email, install_crypto};
use crate::id::TenantId;
use crate::visitor::{VisitorProfile, is_name};

/// The longest identity, in bytes.
pub const MAX_IDENTITY: usize = 4_096;

/// The longest time from `iat` to `exp`.
pub const IDENTITY_LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// By how much the business's clock may differ from ours.
pub const IDENTITY_SKEW: Duration = Duration::from_secs(60);

/// How old an identity may be that claims a conversation.
pub const IDENTITY_FRESH: Duration = Duration::from_secs(5 * 60);

/// The longest `attributes`, in bytes as JSON without spaces.
pub const MAX_ATTRIBUTES: usize = 2_048;

/// The longest `sub`, `iss` and `jti`, in characters.
const MAX_NAME: usize = 200;

/// Why an identity does not hold. Visitors are never told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidIdentity {
    /// Not one JWT of at most 4 KiB.
    #[error("malformed")]
    Malformed,
    /// The header holds more than `alg`, `typ` and `kid`, or another `typ` than `JWT`.
    #[error("header")]
    Header,
    /// An algorithm that no key of the business is for, `none` among them.
    #[error("algorithm")]
    Algorithm,
    /// A key that the business does not have, or no longer.
    #[error("unknown_key")]
    UnknownKey,
    /// The signature is another's.
    #[error("signature")]
    Signature,
    /// A claim is missing, of a wrong kind or too long.
    #[error("claims")]
    Claims,
    /// It is for another business.
    #[error("audience")]
    Audience,
    /// It is by another issuer.
    #[error("issuer")]
    Issuer,
    /// It has ended.
    #[error("expired")]
    Expired,
    /// It does not hold yet.
    #[error("not_yet")]
    NotYet,
    /// It holds for more than 24 hours, or ends before it begins.
    #[error("lifetime")]
    Lifetime,
}

/// What an identity says that holds.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedIdentity {
    /// Who it is; issuer and subject together are the person.
    pub profile: VisitorProfile,
    /// When it was made.
    pub issued_at: Timestamp,
    /// Until when it holds.
    pub expires_at: Timestamp,
    /// Its own name, `jti`.
    pub token_id: Option<String>,
}

impl VerifiedIdentity {
    /// Whether it was made within the last five minutes and has a name of its own: what a claim needs.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.token_id.is_some() && self.issued_at >= crate::clock::earlier(now, IDENTITY_FRESH)
    }
}

impl fmt::Debug for VerifiedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedIdentity").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// All that a header may hold; `jwk`, `jku`, `x5u`, `x5c`, `crit` and whatever else is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    alg: String,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    kid: Option<String>,
}

/// What is read of the claims; times are whole seconds since 1970.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: String,
    exp: i64,
    iat: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    iss: Option<String>,
    #[serde(default)]
    jti: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
    #[serde(default)]
    attributes: Option<Map<String, Value>>,
}

impl IdentitySettings {
    /// What an identity says, if the business signed it, for itself, and it holds at `now`.
    ///
    /// # Errors
    ///
    /// [`InvalidIdentity`] says why not.
    pub fn verify(
        &self,
        token: &str,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<VerifiedIdentity, InvalidIdentity> {
        if token.len() > MAX_IDENTITY {
            return Err(InvalidIdentity::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(InvalidIdentity::Malformed)?;
        let (head, claims) = signed.split_once('.').ok_or(InvalidIdentity::Malformed)?;
        let (head, claims) = (bytes(head)?, bytes(claims)?);
        if bytes(signature)?.is_empty() {
            return Err(InvalidIdentity::Signature);
        }
        let head: Head = object(&head)
            .map_err(|known| if known { InvalidIdentity::Header } else { InvalidIdentity::Malformed })?;
        if head.typ.as_deref().is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return Err(InvalidIdentity::Header);
        }
        self.check(&head, signed, signature)?;
        let claims: Claims = object(&claims).map_err(|_| InvalidIdentity::Claims)?;
        if claims.aud != tenant.to_string() {
            return Err(InvalidIdentity::Audience);
        }
        if self.policy.issuer.as_ref().is_some_and(|issuer| claims.iss.as_ref() != Some(issuer)) {
            return Err(InvalidIdentity::Issuer);
        }
        claims.in_time(now)?;
        claims.said()
    }

    /// Holds the signature against the key that the header means. A public key is never the key of an HMAC, and a shared
    /// secret never anything else.
    fn check(&self, head: &Head, signed: &str, signature: &str) -> Result<(), InvalidIdentity> {
        install_crypto();
        let holds = |key: &DecodingKey, algorithm| {
            // An error of the library is a signature of a wrong length, or a point that is not on the curve.
            verify(signature, signed.as_bytes(), key, algorithm).unwrap_or(false)
        };
        let of = |algorithms: &[Algorithm]| algorithms.iter().copied().find(|known| name(*known) == head.alg);
        if let Some(algorithm) = of(&[Algorithm::HS256, Algorithm::HS384, Algorithm::HS512]) {
            let named = |id: &str| head.kid.as_deref().is_none_or(|kid| kid == id);
            let long = |text: &str| text.len() >= hash_length(algorithm);
            let meant = self.secrets.iter().filter(|known| named(&known.id.to_string()));
            let mut able = meant.filter(|known| long(known.secret.expose())).peekable();
            if able.peek().is_none() {
                let none = self.secrets.is_empty();
                return Err(if none { InvalidIdentity::Algorithm } else { InvalidIdentity::UnknownKey });
            }
            let signed_by_it = able
                .any(|known| holds(&DecodingKey::from_secret(known.secret.expose().as_bytes()), algorithm));
            return if signed_by_it { Ok(()) } else { Err(InvalidIdentity::Signature) };
        }
        let asymmetric = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];
        let algorithm = of(&asymmetric).ok_or(InvalidIdentity::Algorithm)?;
        let keys = self.policy.keys.as_ref().ok_or(InvalidIdentity::Algorithm)?;
        let kid = head.kid.as_deref().ok_or(InvalidIdentity::UnknownKey)?;
        let key = keys.find(kid, algorithm).ok_or(InvalidIdentity::UnknownKey)?;
        if holds(key, algorithm) { Ok(()) } else { Err(InvalidIdentity::Signature) }
    }
}

impl Claims {
    fn in_time(&self, now: Timestamp) -> Result<(), InvalidIdentity> {
        let (now, skew, longest) = (now.as_second(), seconds(IDENTITY_SKEW), seconds(IDENTITY_LONGEST));
        if now >= self.exp.saturating_add(skew) {
            return Err(InvalidIdentity::Expired);
        }
        if [Some(self.iat), self.nbf].into_iter().flatten().any(|from| from > now.saturating_add(skew)) {
            return Err(InvalidIdentity::NotYet);
        }
        let lasts = self.exp.saturating_sub(self.iat);
        if (1..=longest).contains(&lasts) { Ok(()) } else { Err(InvalidIdentity::Lifetime) }
    }

    fn said(self) -> Result<VerifiedIdentity, InvalidIdentity> {
        let wrong = InvalidIdentity::Claims;
        let named = |text: &str| {
            (1..=MAX_NAME).contains(&text.chars().count()) && !text.chars().any(char::is_control)
        };
        let names = [Some(&self.sub), self.iss.as_ref(), self.jti.as_ref()];
        if !names.into_iter().flatten().all(|text| named(text)) || !self.name.as_deref().is_none_or(is_name) {
            return Err(wrong);
        }
        let email = self.email.map(|email| email.parse::<Email>()).transpose().map_err(|_| wrong)?;
        let attributes = self.attributes.filter(|attributes| !attributes.is_empty());
        let attributes = attributes.map(|attributes| Value::Object(attributes).to_string());
        if attributes.as_ref().is_some_and(|text| text.len() > MAX_ATTRIBUTES) {
            return Err(wrong);
        }
        let time = |seconds| Timestamp::from_second(seconds).map_err(|_| wrong);
        Ok(VerifiedIdentity {
            issued_at: time(self.iat)?,
            expires_at: time(self.exp)?,
            token_id: self.jti,
            profile: VisitorProfile {
                issuer: self.iss,
                subject: Some(self.sub),
                name: self.name,
                email_verified: self.email_verified && email.is_some(),
                email,
                attributes,
            },
        })
    }
}

fn bytes(part: &str) -> Result<Vec<u8>, InvalidIdentity> {
    BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| InvalidIdentity::Malformed)
}

/// Reads a JSON object; `Err(true)` when it is one, and does not fit.
fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, bool> {
    // serde would read an array as a struct by position.
    let is_object = json.trim_ascii_start().first() == Some(&b'{');
    let read = serde_json::from_slice(json);
    read.map_err(|error: serde_json::Error| is_object && error.is_data())
        .and_then(|read| if is_object { Ok(read) } else { Err(false) })
}

/// The shortest key of an HMAC, in bytes (RFC 7518, section 3.2).
fn hash_length(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::HS384 => 48,
        Algorithm::HS512 => 64,
        _ => 32,
    }
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
