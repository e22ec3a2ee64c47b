//! How visitors prove who they are, on the wire. A secret stands in one answer only: the one to its making.

use std::collections::BTreeMap;

use bob_core::id::TenantId;
use bob_core::identity::{IdentityCounts, IdentityMode, IdentityPolicy, IdentitySecret, IdentitySettings};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::problem::Problem;

/// What is decided, all at once; what is left out is off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VisitorIdentityRequest {
    /// `off`, `observe` or `enforce`.
    mode: String,
    /// Whether visitors without an identity are refused; counts while identities are enforced.
    #[serde(default)]
    require: bool,
    /// The `iss` that identities must have.
    #[serde(default)]
    issuer: Option<String>,
    /// Public keys, as a JWK set.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    jwks: Option<Value>,
    /// Not taken: Bob fetches no key sets. Send the set itself in `jwks`.
    #[serde(default)]
    jwks_url: Option<String>,
}

impl TryFrom<VisitorIdentityRequest> for IdentityPolicy {
    type Error = Problem;

    fn try_from(request: VisitorIdentityRequest) -> Result<Self, Problem> {
        if request.jwks_url.is_some() {
            let detail = "Key sets are not fetched from addresses. Send the set itself in jwks, and again when it changes.";
            return Err(Problem::field("jwks_url", detail));
        }
        let mode = IdentityMode::from_name(&request.mode);
        let mode = mode.ok_or_else(|| Problem::field("mode", "The modes are off, observe and enforce."))?;
        let wrong =
            |text: &String| !(1..=200).contains(&text.chars().count()) || text.chars().any(char::is_control);
        if request.issuer.as_ref().is_some_and(wrong) {
            return Err(Problem::field("issuer", "An issuer has 1 to 200 characters, on one line."));
        }
        let keys = request.jwks.map(|set| set.to_string().parse()).transpose();
        let keys = keys.map_err(|error: bob_core::identity::ParseKeySetError| {
            Problem::field("jwks", error.to_string())
        })?;
        Ok(Self { mode, require: request.require, issuer: request.issuer, keys })
    }
}

/// A secret of the business's own; without one Bob makes one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentitySecretRequest {
    /// 32 to 512 visible ASCII characters.
    #[serde(default)]
    pub(crate) secret: Option<String>,
}

/// How visitors prove who they are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VisitorIdentityView {
    mode: &'static str,
    require: bool,
    issuer: Option<String>,
    /// What `aud` of an identity must be.
    audience: String,
    /// The public keys, as they were sent.
    #[schema(value_type = Option<Object>)]
    jwks: Option<Value>,
    secrets: Vec<IdentitySecretView>,
    counters: CountersView,
}

/// A secret, without itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IdentitySecretView {
    /// What `kid` of an identity may say.
    id: String,
    /// Whether Bob made it.
    generated: bool,
    added_at: String,
}

/// A secret, as it is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewIdentitySecretView<'a> {
    #[serde(flatten)]
    about: IdentitySecretView,
    /// The secret, if Bob made it; it is never shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

/// What this node saw since it was started; each node counts by itself.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct CountersView {
    /// When it saw the first.
    since: Option<String>,
    valid: u64,
    missing: u64,
    /// By why they do not hold.
    invalid: BTreeMap<String, u64>,
}

impl VisitorIdentityView {
    pub(crate) fn new(tenant: TenantId, settings: &IdentitySettings, counts: Option<IdentityCounts>) -> Self {
        let policy = &settings.policy;
        Self {
            mode: policy.mode.as_str(),
            require: policy.require,
            issuer: policy.issuer.clone(),
            audience: tenant.to_string(),
            jwks: policy.keys.as_ref().and_then(|keys| serde_json::from_str(keys.as_str()).ok()),
            secrets: settings.secrets.iter().map(Into::into).collect(),
            counters: counts.map(Into::into).unwrap_or_default(),
        }
    }
}

impl From<&IdentitySecret> for IdentitySecretView {
    fn from(secret: &IdentitySecret) -> Self {
        Self { id: secret.id.to_string(), generated: secret.generated, added_at: secret.added_at.to_string() }
    }
}

impl<'a> From<&'a IdentitySecret> for NewIdentitySecretView<'a> {
    fn from(secret: &'a IdentitySecret) -> Self {
        Self { about: secret.into(), secret: secret.generated.then(|| secret.secret.expose()) }
    }
}

impl From<IdentityCounts> for CountersView {
    fn from(counts: IdentityCounts) -> Self {
        let invalid = counts.invalid.into_iter().map(|(why, count)| (why.to_string(), count));
        Self {
            since: Some(counts.since.to_string()),
            valid: counts.valid,
            missing: counts.missing,
            invalid: invalid.collect(),
        }
    }
}
