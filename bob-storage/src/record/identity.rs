//! What a business decided about identities, and what is said of a visitor, in JSON.

use bob_core::id::IdentitySecretId;
use bob_core::identity::{IdentityMode, IdentityPolicy, IdentitySecret, IdentitySettings};
use bob_core::secret::Secret;
use bob_core::visitor::VisitorProfile;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{RecordError, read, write};

/// Settings.
#[derive(Serialize, Deserialize)]
struct SettingsRecord {
    version: u64,
    mode: String,
    require: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keys: Option<String>,
    secrets: Vec<SecretRecord>,
}

#[derive(Serialize, Deserialize)]
struct SecretRecord {
    id: String,
    secret: String,
    generated: bool,
    added_at: i64,
}

/// Writes settings, secrets and all: only ever to be sealed.
pub(crate) fn of_identity_settings(settings: &IdentitySettings) -> Result<String, RecordError> {
    let secret = |secret: &IdentitySecret| SecretRecord {
        id: secret.id.to_string(),
        secret: secret.secret.expose().to_owned(),
        generated: secret.generated,
        added_at: secret.added_at.as_microsecond(),
    };
    let policy = &settings.policy;
    write(&SettingsRecord {
        version: settings.version,
        mode: policy.mode.as_str().to_owned(),
        require: policy.require,
        issuer: policy.issuer.clone(),
        keys: policy.keys.as_ref().map(|keys| keys.as_str().to_owned()),
        secrets: settings.secrets.iter().map(secret).collect(),
    })
}

/// Reads settings.
pub(crate) fn identity_settings(json: &str) -> Result<IdentitySettings, RecordError> {
    let record: SettingsRecord = read(json)?;
    let secret = |secret: SecretRecord| {
        Ok(IdentitySecret {
            id: secret.id.parse::<IdentitySecretId>().map_err(|_| RecordError::Field("id"))?,
            secret: Secret::new(secret.secret),
            generated: secret.generated,
            added_at: Timestamp::from_microsecond(secret.added_at)
                .map_err(|_| RecordError::Field("added_at"))?,
        })
    };
    let keys = record.keys.map(|keys| keys.parse()).transpose();
    Ok(IdentitySettings {
        version: record.version,
        policy: IdentityPolicy {
            mode: IdentityMode::from_name(&record.mode).ok_or(RecordError::Field("mode"))?,
            require: record.require,
            issuer: record.issuer,
            keys: keys.map_err(|_| RecordError::Field("keys"))?,
        },
        secrets: record.secrets.into_iter().map(secret).collect::<Result<_, RecordError>>()?,
    })
}

#[derive(Serialize, Deserialize)]
struct ProfileRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attributes: Option<String>,
}

/// Writes what is said of a visitor.
pub(crate) fn of_profile(profile: &VisitorProfile) -> Result<String, RecordError> {
    write(&ProfileRecord {
        issuer: profile.issuer.clone(),
        subject: profile.subject.clone(),
        name: profile.name.clone(),
        email: profile.email.as_ref().map(|email| email.as_str().to_owned()),
        email_verified: profile.email_verified,
        attributes: profile.attributes.clone(),
    })
}

/// Reads what is said of a visitor.
pub(crate) fn profile(json: &str) -> Result<VisitorProfile, RecordError> {
    let record: ProfileRecord = read(json)?;
    let email = record.email.map(|email| email.parse()).transpose();
    Ok(VisitorProfile {
        issuer: record.issuer,
        subject: record.subject,
        name: record.name,
        email: email.map_err(|_| RecordError::Field("email"))?,
        email_verified: record.email_verified,
        attributes: record.attributes,
    })
}
