//! One key for each purpose, all from one root.

use std::fmt;

use aws_lc_rs::{hkdf, hmac};
use zeroize::Zeroizing;

/// The keys of an installation, each derived from one secret of 32 bytes by HKDF-SHA256 (RFC 5869).
///
/// Storage keeps the secret sealed and gives the keys ([`Storage::purpose_keys`](crate::storage::Storage::purpose_keys)),
/// so that visitor tokens, sessions and CSRF tokens made by one node are checked by another, and outlive a change of
/// the root key.
#[derive(Clone)]
pub struct PurposeKeys {
    root: Zeroizing<[u8; 32]>,
}

impl PurposeKeys {
    /// Takes the secret they all come from.
    #[must_use]
    pub fn from_root(root: [u8; 32]) -> Self {
        Self { root: Zeroizing::new(root) }
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

impl fmt::Debug for PurposeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PurposeKeys(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_have_different_keys_and_the_same_purpose_the_same() {
        let keys = PurposeKeys::from_root([7; 32]);
        assert_ne!(keys.derive("visitor").as_slice(), keys.derive("session").as_slice());
        assert_eq!(
            keys.derive("visitor").as_slice(),
            PurposeKeys::from_root([7; 32]).derive("visitor").as_slice()
        );
    }

    #[test]
    fn keys_do_not_print_themselves() {
        assert_eq!(format!("{:?}", PurposeKeys::from_root([7; 32])), "PurposeKeys(…)");
    }
}
