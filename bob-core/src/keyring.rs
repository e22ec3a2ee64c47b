//! The root key and the purpose keys that come from it.

use std::fmt;

use aws_lc_rs::{hkdf, hmac, rand};
use zeroize::Zeroizing;

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

/// The 32-byte root key of an installation; every other key comes from it by HKDF-SHA256 (RFC 5869).
///
/// All nodes that share a database must share this key: visitor tokens, sessions and CSRF tokens made by one are
/// checked by another. Losing it signs everybody out.
#[derive(Clone)]
pub struct Keyring {
    root: Zeroizing<[u8; 32]>,
}

impl Keyring {
    /// Takes a root key that the host keeps.
    #[must_use]
    pub fn from_root(root: [u8; 32]) -> Self {
        Self { root: Zeroizing::new(root) }
    }

    /// Makes a new root key.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] when the operating system refuses.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self::from_root(random_bytes()?))
    }

    /// The root key, for the one place that stores it.
    #[must_use]
    pub fn expose_root(&self) -> &[u8; 32] {
        &self.root
    }

    /// The key for one purpose; different purposes share nothing.
    #[must_use]
    pub fn derive(&self, purpose: &'static str) -> Zeroizing<[u8; 32]> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"bob keyring 1");
        let extracted = salt.extract(self.root.as_slice());
        let info = [purpose.as_bytes()];
        let mut key = Zeroizing::new([0; 32]);
        extracted
            .expand(&info, hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(key.as_mut_slice()))
            .expect("32 bytes are within the bound of HKDF-SHA256");
        key
    }

    /// An HMAC-SHA256 key for one purpose.
    #[must_use]
    pub fn hmac(&self, purpose: &'static str) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.derive(purpose).as_slice())
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_have_different_keys_and_the_same_purpose_the_same() {
        let keyring = Keyring::from_root([7; 32]);
        assert_ne!(keyring.derive("visitor").as_slice(), keyring.derive("session").as_slice());
        assert_eq!(
            keyring.derive("visitor").as_slice(),
            Keyring::from_root([7; 32]).derive("visitor").as_slice()
        );
    }

    #[test]
    fn a_keyring_does_not_print_itself() {
        assert_eq!(format!("{:?}", Keyring::from_root([7; 32])), "Keyring(…)");
    }
}
