//! What a business decided about the identities of its visitors.

use crate::id::IdentitySecretId;

use super::{IdentitySecret, KeySet, MAX_SECRETS};

/// What is done about identities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum IdentityMode {
    /// They are not looked at.
    #[default]
    Off,
    /// Those that hold count; the others are counted, and their senders are served as strangers.
    Observe,
    /// Whoever sends one that does not hold is refused.
    Enforce,
}

impl IdentityMode {
    /// The name used on the wire and in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Observe => "observe",
            Self::Enforce => "enforce",
        }
    }

    /// Reads a name that [`as_str`](Self::as_str) gave.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Off, Self::Observe, Self::Enforce].into_iter().find(|mode| mode.as_str() == name)
    }
}

/// What is decided all at once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdentityPolicy {
    /// What is done about identities.
    pub mode: IdentityMode,
    /// Whether strangers are refused altogether; counts while identities are enforced.
    pub require: bool,
    /// The `iss` that an identity must have; any or none when none.
    pub issuer: Option<String>,
    /// The public keys that identities may be signed with.
    pub keys: Option<KeySet>,
}

/// All that a business decided.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdentitySettings {
    /// 0 before anything was decided, one more with each change.
    pub version: u64,
    /// What was decided at once.
    pub policy: IdentityPolicy,
    /// The shared secrets that identities may be signed with, in the order in which they were added.
    pub secrets: Vec<IdentitySecret>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityChange {
    /// Decides anew; the secrets stay.
    Decide(Box<IdentityPolicy>),
    /// Adds a secret.
    Add(IdentitySecret),
    /// Takes a secret away; what it signed does not hold from then on.
    Remove(IdentitySecretId),
}

impl IdentityChange {
    /// What the change is recorded as.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::Decide(_) => "decide_identity",
            Self::Add(_) => "add_identity_secret",
            Self::Remove(_) => "remove_identity_secret",
        }
    }
}

/// Why a change is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityRefusal {
    /// Nobody could prove anything any more.
    #[error("identities cannot be enforced without a secret or a public key")]
    NoKey,
    /// There are five already.
    #[error("there are at most 5 secrets; take one away first")]
    TooManySecrets,
    /// There is no such secret.
    #[error("there is no such secret")]
    UnknownSecret,
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityChanged {
    /// It was made; how things stand now.
    Changed(IdentitySettings),
    /// Nothing was changed.
    Refused(IdentityRefusal),
}

impl IdentitySettings {
    /// How things stand after a change, in a version of its own.
    ///
    /// # Errors
    ///
    /// [`IdentityRefusal`] says why it is not made.
    pub fn after(&self, change: IdentityChange) -> Result<Self, IdentityRefusal> {
        let mut next = Self { version: self.version + 1, ..self.clone() };
        match change {
            IdentityChange::Decide(policy) => next.policy = *policy,
            IdentityChange::Add(_) if next.secrets.len() >= MAX_SECRETS => {
                return Err(IdentityRefusal::TooManySecrets);
            }
            IdentityChange::Add(secret) => next.secrets.push(secret),
            IdentityChange::Remove(id) => {
                let before = next.secrets.len();
                next.secrets.retain(|secret| secret.id != id);
                if next.secrets.len() == before {
                    return Err(IdentityRefusal::UnknownSecret);
                }
            }
        }
        let keyless = next.secrets.is_empty() && next.policy.keys.is_none();
        if next.policy.mode == IdentityMode::Enforce && keyless {
            return Err(IdentityRefusal::NoKey);
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    fn secret() -> IdentitySecret {
        IdentitySecret::generate(fixture::now()).unwrap()
    }

    fn mode(mode: IdentityMode) -> IdentityChange {
        IdentityChange::Decide(Box::new(IdentityPolicy { mode, ..IdentityPolicy::default() }))
    }

    #[test]
    fn identities_are_enforced_only_as_long_as_there_is_a_key() {
        let none = IdentitySettings::default();
        assert_eq!(none.after(mode(IdentityMode::Enforce)), Err(IdentityRefusal::NoKey));
        assert!(none.after(mode(IdentityMode::Observe)).is_ok());
        let secret = secret();
        let one = none.after(IdentityChange::Add(secret.clone())).unwrap();
        let enforced = one.after(mode(IdentityMode::Enforce)).unwrap();
        assert_eq!((enforced.version, enforced.secrets.len()), (2, 1));
        assert_eq!(enforced.after(IdentityChange::Remove(secret.id)), Err(IdentityRefusal::NoKey));
        assert!(one.after(IdentityChange::Remove(secret.id)).unwrap().secrets.is_empty());
    }

    #[test]
    fn there_are_five_secrets_at_most_and_only_those_there_are_removed() {
        let mut settings = IdentitySettings::default();
        for _ in 0..MAX_SECRETS {
            settings = settings.after(IdentityChange::Add(secret())).unwrap();
        }
        assert_eq!(settings.after(IdentityChange::Add(secret())), Err(IdentityRefusal::TooManySecrets));
        let unknown = IdentityChange::Remove(IdentitySecretId::new());
        assert_eq!(settings.after(unknown), Err(IdentityRefusal::UnknownSecret));
    }
}
