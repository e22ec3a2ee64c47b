//! Access tokens: short-lived JWTs (RFC 9068), signed with Ed25519 (RFC 8037).
//!
//! The signature says that a node of this installation made the token; whether its sign-in still holds is asked
//! elsewhere. Reading is strict on purpose: one algorithm, one key a name, one header a key, and our own clock.

use std::fmt;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use jsonwebtoken::crypto::aws_lc;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};

use super::signing::{KeyRing, RingKey};
use super::{AccountKind, Login, PLATFORM_REALM};
use crate::id::{AccountId, LoginId, TenantId};
use crate::keyring::{NoRandomness, random_bytes};
use crate::secret::Secret;

/// How long an access token holds.
pub const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// The longest text that is looked at, in bytes.
const LONGEST_TOKEN: usize = 4_096;

/// The longest issuer or audience, in bytes.
const LONGEST_NAME: usize = 512;

/// Nodes whose clocks run at most this much ahead, in seconds, are believed.
pub(super) const SKEW: i64 = 30;

const TYPE: &str = "at+jwt";

/// Chooses aws-lc as what `jsonwebtoken` computes with in this process.
///
/// Every constructor here that needs it calls this first, so hosts need not. The choice is made once a process: one that
/// a host made before stands, and both of that library's backends can do what Bob needs. Without a choice its first use
/// would panic where the host's other dependencies enable the second backend too.
pub fn install_crypto() {
    // The error says that somebody has chosen already.
    let _ = aws_lc::DEFAULT_PROVIDER.install_default();
}

/// Issuer and audience must have 1 to 512 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("issuer and audience of access tokens have 1 to 512 bytes")]
pub struct TokenNameError;

/// The token is damaged, old, not for us or not ours; which of them is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the access token is not valid")]
pub struct InvalidAccessToken;

/// No token can be made.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// There is no key to sign with.
    #[error("there is no key that signs access tokens")]
    NoKey,
    /// Nothing random could be had.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// What a valid access token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessClaims {
    /// Who signed in: `sub`.
    pub account: AccountId,
    /// The sign-in: `sid`.
    pub login: LoginId,
    /// The tenant it is for: `tenant`, or [`PLATFORM_REALM`] where the token names none.
    pub realm: TenantId,
    /// As whom: `kind`.
    pub kind: AccountKind,
}

impl From<&Login> for AccessClaims {
    fn from(login: &Login) -> Self {
        Self { account: login.account, login: login.id, realm: login.realm, kind: login.kind }
    }
}

/// The claims as they stand in the token; times are seconds since 1970 (RFC 7519, section 2).
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    iat: i64,
    exp: i64,
    /// Ours have none; it is heard all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    jti: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    kind: String,
}

/// Makes and checks access tokens.
#[derive(Clone)]
pub struct AccessTokens {
    issuer: String,
    audience: String,
    validation: Validation,
}

impl AccessTokens {
    /// `issuer` and `audience` are what tokens are made and checked with; the second is the mount's canonical URL.
    ///
    /// # Errors
    ///
    /// [`TokenNameError`] unless both names have 1 to 512 bytes.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Result<Self, TokenNameError> {
        install_crypto();
        let (issuer, audience) = (issuer.into(), audience.into());
        if [&issuer, &audience].into_iter().any(|name| name.is_empty() || name.len() > LONGEST_NAME) {
            return Err(TokenNameError);
        }
        let mut validation = Validation::new(Algorithm::EdDSA);
        // The library reads the machine's clock; times are checked below by ours.
        validation.validate_exp = false;
        validation.required_spec_claims = ["iss", "aud", "sub", "exp"].map(str::to_owned).into();
        // Claims hold one issuer and one audience, so lists of them are refused.
        validation.set_issuer(&[&issuer]);
        validation.set_audience(&[&audience]);
        Ok(Self { issuer, audience, validation })
    }

    /// A token that holds for [`ACCESS_TOKEN_LIFETIME`], signed by the key whose time it is.
    ///
    /// # Errors
    ///
    /// [`MintError::NoKey`] when the ring has none; [`MintError::NoRandomness`] when the operating system gives none for
    /// `jti`.
    pub fn mint(&self, keys: &KeyRing, claims: &AccessClaims, now: Timestamp) -> Result<Secret, MintError> {
        let key = keys.signer(now).ok_or(MintError::NoKey)?;
        let id: [u8; 16] = random_bytes()?;
        let issued = now.as_second();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: claims.account.to_string(),
            sid: claims.login.to_string(),
            iat: issued,
            exp: issued.saturating_add(lifetime()),
            nbf: None,
            jti: BASE64URL_NOPAD.encode(&id),
            tenant: (claims.realm != PLATFORM_REALM).then(|| claims.realm.to_string()),
            kind: claims.kind.as_str().to_owned(),
        };
        let token = jsonwebtoken::encode(&header(key), &claims, &key.signing);
        Ok(Secret::new(token.expect("plain claims are JSON, and the key is one of Ed25519")))
    }

    /// What a token says, if it is one of ours, for us and of this moment.
    ///
    /// Refused are: more than 4 KiB; a key that is not on the ring, or has ended; any header but exactly ours (`typ`,
    /// `alg`, `kid` and nothing else); another issuer
    /// or audience, or a list of them; missing claims; a token from `exp` on, without leeway, one issued more than 30 s
    /// ahead of `now`, and one that would hold longer than ours do.
    ///
    /// # Errors
    ///
    /// [`InvalidAccessToken`] in every such case.
    pub fn verify(
        &self,
        keys: &KeyRing,
        token: &str,
        now: Timestamp,
    ) -> Result<AccessClaims, InvalidAccessToken> {
        let key = keys.named(&named_key(token)?, now).ok_or(InvalidAccessToken)?;
        let read = jsonwebtoken::decode::<Claims>(token, &key.checking, &self.validation);
        let (read, claims) = read.map(|read| (read.header, read.claims)).map_err(|_| InvalidAccessToken)?;
        let now = now.as_second();
        let in_time = now < claims.exp
            && claims.nbf.is_none_or(|nbf| nbf <= now)
            && claims.iat <= now.saturating_add(SKEW)
            && claims.exp <= claims.iat.saturating_add(lifetime());
        if read != header(key) || !in_time {
            return Err(InvalidAccessToken);
        }
        claims.identifiers().ok_or(InvalidAccessToken)
    }
}

/// The key that a token names; a claim until its signature was checked.
pub(super) fn named_key(token: &str) -> Result<String, InvalidAccessToken> {
    if token.len() > LONGEST_TOKEN {
        return Err(InvalidAccessToken);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| InvalidAccessToken)?;
    // What cannot be one of ours is not worth a question.
    let is_ours = header.alg == Algorithm::EdDSA && header.typ.as_deref() == Some(TYPE);
    header.kid.filter(|_| is_ours).ok_or(InvalidAccessToken)
}

/// The only header that tokens of a key have.
fn header(key: &RingKey) -> Header {
    Header { typ: Some(TYPE.to_owned()), kid: Some(key.public.kid.clone()), ..Header::new(Algorithm::EdDSA) }
}

impl Claims {
    fn identifiers(&self) -> Option<AccessClaims> {
        let (kind, realm) = match (self.kind.as_str(), &self.tenant) {
            ("platform", None) => (AccountKind::Platform, PLATFORM_REALM),
            ("tenant", Some(tenant)) => (AccountKind::Tenant, tenant.parse().ok()?),
            _ => return None,
        };
        Some(AccessClaims { account: self.sub.parse().ok()?, login: self.sid.parse().ok()?, realm, kind })
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokens")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

const fn lifetime() -> i64 {
    ACCESS_TOKEN_LIFETIME.as_secs() as i64
}

#[cfg(test)]
mod tests;
