//! What a process remembers of sign-ins.

use super::live::LiveLogins;
use super::signing::KnownKeys;
use super::throttle::Throttle;
use crate::id::AccountId;
use crate::keyring::PurposeKeys;

/// Failed attempts, and the sign-ins and signing keys of the last seconds, for all mounts of one Bob: a second mount
/// allows no more guesses, and an end at one is felt at the other at once. Bounded; nothing of it survives the process.
#[derive(Debug)]
pub struct SignInMemory {
    pub(crate) throttle: Throttle,
    /// Asking for reset links.
    pub(crate) forgot: Throttle,
    pub(super) live: LiveLogins,
    pub(super) keys: KnownKeys,
}

impl SignInMemory {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(keys: &PurposeKeys) -> Self {
        Self {
            throttle: Throttle::new(keys),
            forgot: Throttle::new(keys).without_alarms(),
            live: LiveLogins::new(),
            keys: KnownKeys::default(),
        }
    }

    /// Asks the store anew whether a person's sign-ins hold: something about the person was changed.
    pub fn forget(&self, account: &AccountId) {
        self.live.forget(account);
    }
}
