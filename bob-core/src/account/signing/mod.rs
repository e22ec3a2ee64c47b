//! The keys that sign access tokens: kept in storage, so that all nodes agree, and changed every [`SIGNING_PERIOD`].
//!
//! A key is published [`PUBLISHED_BEFORE`] it signs, so that whoever checks tokens by themselves knows it by then, and
//! for [`CHECKS_AFTER`] its last signature, so that no token that still holds loses its key. Where a key fell into wrong
//! hands, all keys are [replaced](replace_signing_keys) at once, and what they signed ends with them.

mod known;
mod ring;
mod rotation;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::access_token::{ACCESS_TOKEN_LIFETIME, SKEW};
use crate::clock::later;
use crate::keyring::{NoRandomness, PurposeKeys, random_bytes};

pub(super) use known::KnownKeys;
pub use known::SIGNING_KEY_CACHE_AGE;
pub(super) use ring::RingKey;
pub use ring::{KeyRing, PublicKey};
pub use rotation::{found_signing_key, replace_signing_keys, rotate_signing_key, rotate_signing_key_if_due};

/// How long a key signs until the next one is to be made.
pub const SIGNING_PERIOD: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// How long a key is published before it signs: three times as long as the public keys may be kept by caches.
pub const PUBLISHED_BEFORE: Duration = Duration::from_secs(15 * 60);

/// How long a key checks tokens after it gave way: as long as the last of them holds, with clocks that disagree.
pub const CHECKS_AFTER: Duration =
    Duration::from_secs(ACCESS_TOKEN_LIFETIME.as_secs() + 2 * SKEW.unsigned_abs());

/// An Ed25519 key that signs access tokens, and when.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its place in the row of all keys there ever were, from 1; a later one has a greater number.
    pub number: u32,
    /// What it is made of (RFC 8032); whoever has it can sign as Bob.
    pub seed: Zeroizing<[u8; 32]>,
    /// Since when it is published.
    pub created_at: Timestamp,
    /// When it begins to sign.
    pub signs_from: Timestamp,
    /// When the next one begins to sign in its place; nothing while there is none.
    pub signs_until: Option<Timestamp>,
    /// When nothing that it signed holds any more; nothing while no next one is there.
    pub ends_at: Option<Timestamp>,
}

impl SigningKey {
    /// The first key, which signs at once.
    ///
    /// It is derived from the installation's own keys, so that nodes which start at the same time make the same one.
    #[must_use]
    pub fn first(keys: &PurposeKeys, now: Timestamp) -> Self {
        // The name is part of what stands in databases: tokens of before there were several keys are signed by it.
        Self::of(1, keys.derive("access token"), now, now)
    }

    /// A new key behind this one, made at `now`, which signs from `signs_from` on.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] when the operating system gives none.
    pub fn next(&self, now: Timestamp, signs_from: Timestamp) -> Result<Self, NoRandomness> {
        Ok(Self::of(self.number.saturating_add(1), Zeroizing::new(random_bytes()?), now, signs_from))
    }

    fn of(number: u32, seed: Zeroizing<[u8; 32]>, created_at: Timestamp, signs_from: Timestamp) -> Self {
        Self { number, seed, created_at, signs_from, signs_until: None, ends_at: None }
    }

    /// When a key ends that gives way to the next one at `signs_until`.
    #[must_use]
    pub fn end_of(signs_until: Timestamp) -> Timestamp {
        later(signs_until, CHECKS_AFTER)
    }

    /// Whether what it signed may hold at `now`.
    #[must_use]
    pub fn is_published(&self, now: Timestamp) -> bool {
        self.ends_at.is_none_or(|ends_at| now < ends_at)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("number", &self.number)
            .field("created_at", &self.created_at)
            .field("signs_from", &self.signs_from)
            .field("signs_until", &self.signs_until)
            .field("ends_at", &self.ends_at)
            .finish_non_exhaustive()
    }
}
