//! Idempotency keys: how a call that is sent twice is known.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aws_lc_rs::digest;
use uuid::Uuid;

use crate::id::TenantId;

/// How long an answer is kept for repetition.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// What a client sends in `Idempotency-Key`: 1 to 255 visible ASCII characters.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// The text is not an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has 1 to 255 visible ASCII characters")]
pub struct ParseIdempotencyKeyError;

impl FromStr for IdempotencyKey {
    type Err = ParseIdempotencyKeyError;

    fn from_str(text: &str) -> Result<Self, ParseIdempotencyKeyError> {
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self(text.to_owned())).ok_or(ParseIdempotencyKeyError)
    }
}

impl IdempotencyKey {
    /// Whether nobody guesses it: a random UUID, or at least 128 bits in base64url.
    #[must_use]
    pub fn is_strong(&self) -> bool {
        let uuid = Uuid::try_parse(&self.0).is_ok_and(|uuid| matches!(uuid.get_version_num(), 4 | 7));
        let base64url = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'=');
        let bits = self.0.trim_end_matches('=').len() * 6;
        // A run of one letter is long but no secret.
        let distinct = self.0.bytes().collect::<std::collections::HashSet<_>>().len();
        uuid || (bits >= 128 && self.0.bytes().all(base64url) && distinct >= 10)
    }
}

impl fmt::Debug for IdempotencyKey {
    /// On an anonymous first call the key is what proves the caller.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(…)")
    }
}

/// Where a key counts, as a hash: tenant, door, method, path and principal, and the key itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdempotencyScope([u8; 32]);

impl IdempotencyScope {
    /// The scope of `key` for `tenant`, under the given parts; their order matters, their lengths are hashed along.
    #[must_use]
    pub fn new(tenant: TenantId, key: &IdempotencyKey, parts: &[&str]) -> Self {
        let mut all = Vec::with_capacity(parts.len() + 1);
        all.extend(parts.iter().map(|part| part.as_bytes()));
        all.push(key.0.as_bytes());
        Self(hash(tenant.as_uuid().as_bytes(), &all))
    }

    /// The hash, for storage.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for IdempotencyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyScope(…)")
    }
}

/// The SHA-256 of a request's body: the same key with another body is a mistake of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyHash([u8; 32]);

impl BodyHash {
    /// Hashes a body.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Self(hash(b"body", &[body]))
    }

    /// Takes a hash back from storage.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash, for storage.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn hash(label: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(label);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// How a repetition of a call is known.
#[derive(Debug, Clone)]
pub struct IdempotencyClaim {
    /// The scopes the call counts under, 1 or 2: an anonymous first call counts under its key alone and, since its
    /// answer names the visitor, under that visitor too.
    pub scopes: Vec<IdempotencyScope>,
    /// What was sent.
    pub body: BodyHash,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessable_keys_are_weak() {
        for (key, strong) in [
            ("5f0c3c9e-9d1b-4a6e-8f0a-2b7c1d9e4f33", true),
            ("q3Zk9-_x7LmN2pVt4RwY8Q", true),
            ("q3Zk9-_x7LmN2pVt4RwY8Q==", true),
            ("1", false),
            ("order-1042", false),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
            ("00000000-0000-0000-0000-000000000000", false),
            ("q3Zk9-_x7LmN2pVt4RwY8", false),
            ("not base64url: but long enough", false),
        ] {
            let Ok(read) = key.parse::<IdempotencyKey>() else {
                assert!(!strong, "{key}");
                continue;
            };
            assert_eq!(read.is_strong(), strong, "{key}");
        }
    }

    #[test]
    fn a_key_counts_only_where_it_was_used() {
        let tenant = TenantId::new();
        let key: IdempotencyKey = "k".parse().unwrap();
        let scope = |tenant, parts: &[&str]| IdempotencyScope::new(tenant, &key, parts);
        let here = scope(tenant, &["public", "POST", "/api/chat", "v1"]);
        assert_eq!(here, scope(tenant, &["public", "POST", "/api/chat", "v1"]));
        for other in [
            scope(TenantId::new(), &["public", "POST", "/api/chat", "v1"]),
            scope(tenant, &["widget", "POST", "/api/chat", "v1"]),
            scope(tenant, &["public", "PUT", "/api/chat", "v1"]),
            scope(tenant, &["public", "POST", "/api/chat/message", "v1"]),
            scope(tenant, &["public", "POST", "/api/chat", "v2"]),
            scope(tenant, &["public", "POST", "/api/chatv", "1"]),
        ] {
            assert_ne!(here, other);
        }
    }
}
