//! Keys: the keyring that wraps others, and the keys each purpose gets.
//!
//! An installation has one **key-encryption key**, which the host keeps outside of the database: a file, an environment
//! variable, a key service. The [`Keyring`] port is all Bob sees of it: it wraps and unwraps the data keys that stand
//! in the database, one for the platform and one for each tenant, and never touches content. Changing it is therefore
//! quick: the data keys are wrapped anew and everything else stays as it is.
//!
//! From the platform's data key come the [`PurposeKeys`] that sign and blind: visitor tokens, sessions, look-ups. So
//! all nodes on one database agree on them.

mod local;
mod purpose;

use std::fmt;

use async_trait::async_trait;
use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::id::TenantId;

pub use local::{LocalKeyring, ParseKeyringError};
pub use purpose::PurposeKeys;

/// Nothing random could be had from the operating system.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

/// Fills an array with random bytes from the operating system.
///
/// # Errors
///
/// [`NoRandomness`] when the operating system refuses.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// What can be done about a key that cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyringErrorKind {
    /// It was wrapped by a key-encryption key that this keyring does not hold: give it that one.
    WrongKey,
    /// What was stored is damaged, or belongs to somebody else.
    Damaged,
    /// The keyring cannot be asked at the moment.
    Unavailable,
}

impl fmt::Display for KeyringErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongKey => "the key is not the one that this database was sealed with",
            Self::Damaged => "a stored key is damaged",
            Self::Unavailable => "the keyring is unavailable",
        })
    }
}

/// A key could not be wrapped or unwrapped; [`kind`](Self::kind) says what can be done about it.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct KeyringError {
    kind: KeyringErrorKind,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl KeyringError {
    /// An error without a cause of its own.
    #[must_use]
    pub fn new(kind: KeyringErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// An error that something else caused.
    pub fn because(
        kind: KeyringErrorKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    /// What can be done about it.
    #[must_use]
    pub fn kind(&self) -> KeyringErrorKind {
        self.kind
    }
}

/// Wraps the data keys of tenants; the port behind which the key-encryption key is kept.
///
/// All nodes on one database must hold the same keys. The nil tenant stands for the platform.
#[async_trait]
pub trait Keyring: fmt::Debug + Send + Sync + 'static {
    /// Wraps a data key under the current key-encryption key, bound to its tenant.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](KeyringErrorKind::Unavailable).
    async fn wrap(&self, tenant: &TenantId, key: &[u8; 32]) -> Result<Vec<u8>, KeyringError>;

    /// Unwraps what [`wrap`](Self::wrap) made for the same tenant, under the current key or an earlier one.
    ///
    /// # Errors
    ///
    /// See [`KeyringErrorKind`].
    async fn unwrap(&self, tenant: &TenantId, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, KeyringError>;

    /// Whether this was wrapped by the current key-encryption key.
    fn is_current(&self, wrapped: &[u8]) -> bool;
}
