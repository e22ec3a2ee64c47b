//! Wrapped keys.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::act::Act;

/// The wrapped keys of tenants and of the platform.
#[async_trait]
pub trait KeyStore: fmt::Debug + Send + Sync {
    /// Wraps keys anew by the current key-encryption key, at most `limit` of those that are not yet, and answers how many
    /// it did; 0 when all are.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StorageErrorKind::Unavailable) when the keyring does not hold the key that one was wrapped by.
    async fn rewrap_keys(&self, act: &Act, limit: u32) -> Result<u32>;
}
