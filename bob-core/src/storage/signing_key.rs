//! The keys that sign access tokens.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Result;
use crate::account::SigningKey;
use crate::act::Act;

/// The keys that sign access tokens, which belong to the installation. Their seeds rest sealed.
#[async_trait]
pub trait SigningKeyStore: fmt::Debug + Send + Sync {
    /// The keys that are published at `now`, by their numbers.
    async fn signing_keys(&self, now: Timestamp) -> Result<Vec<SigningKey>>;

    /// Adds a key, which the one before gives way to when `key` begins to sign; keys that ended before the act are
    /// forgotten. `false` when there is one of its number or a later one already, and nothing changes then: of nodes that
    /// try at once, one makes the next key.
    async fn add_signing_key(&self, act: &Act, key: SigningKey) -> Result<bool>;

    /// Puts a key in the place of all there are, which are forgotten with their seeds: nothing that they signed holds.
    /// `false`, as for [`add_signing_key`](Self::add_signing_key), when there is one of its number or a later one.
    async fn replace_signing_keys(&self, act: &Act, key: SigningKey) -> Result<bool>;
}
