//! Sealing: AES-256-GCM under a data key, bound to the place where the result is stored.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::VaultError;
use crate::id::TenantId;
use crate::keyring::random_bytes;

/// The first byte of what is sealed.
const FORMAT: u8 = 1;
const TAG: usize = 16;

/// Where something sealed stands: moved anywhere else, it does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Whose row it is.
    pub tenant: TenantId,
    /// Which row.
    pub row: Uuid,
    /// Which column; the names are part of the format and never change.
    pub column: &'static str,
}

impl Place {
    /// A column of a tenant's row.
    #[must_use]
    pub fn new(tenant: &TenantId, row: Uuid, column: &'static str) -> Self {
        Self { tenant: *tenant, row, column }
    }

    fn associated_data(&self) -> Vec<u8> {
        [self.tenant.as_uuid().as_bytes(), self.row.as_bytes(), self.column.as_bytes()].concat()
    }
}

/// A key that seals content: a tenant's, a visitor's or the platform's.
///
/// What it seals is one byte of format, 12 of a random nonce, the text, and a tag of 16 bytes: 29 bytes more than the
/// text. A visitor's key seals far fewer than the 2³² messages after which random nonces would have to be watched.
pub struct DataKey {
    cipher: RandomizedNonceKey,
}

impl DataKey {
    /// A new key, and the bytes it is made of for whoever wraps it.
    ///
    /// # Errors
    ///
    /// [`VaultError::Refused`] without randomness.
    pub fn generate() -> Result<(Self, Zeroizing<[u8; 32]>), VaultError> {
        let bytes = Zeroizing::new(random_bytes().map_err(|_| VaultError::Refused)?);
        Ok((Self::from_bytes(&bytes)?, bytes))
    }

    /// The key that these bytes are.
    ///
    /// # Errors
    ///
    /// [`VaultError::Refused`] when the cipher cannot be set up.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, VaultError> {
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, bytes).map_err(|_| VaultError::Refused)?;
        Ok(Self { cipher })
    }

    /// Seals a text for a place.
    ///
    /// # Errors
    ///
    /// [`VaultError::Refused`] without randomness.
    pub fn seal(&self, place: &Place, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        // Room for all of it from the start: the text is encrypted where it will stay.
        let mut text = Vec::with_capacity(1 + NONCE_LEN + plain.len() + TAG);
        text.extend_from_slice(plain);
        let nonce = self
            .cipher
            .seal_in_place_append_tag(Aad::from(place.associated_data()), &mut text)
            .map_err(|_| VaultError::Refused)?;
        text.splice(0..0, std::iter::once(FORMAT).chain(nonce.as_ref().iter().copied()));
        Ok(text)
    }

    /// Opens what was sealed for a place.
    ///
    /// # Errors
    ///
    /// [`VaultError::Unreadable`] when it was sealed under another key or for another place, or is damaged.
    pub fn open(&self, place: &Place, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let (Some((&FORMAT, rest)), true) = (sealed.split_first(), sealed.len() > NONCE_LEN + TAG) else {
            return Err(VaultError::Unreadable);
        };
        let (nonce, text) = rest.split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Unreadable)?;
        let mut text = text.to_vec();
        let plain = self.cipher.open_in_place(nonce, Aad::from(place.associated_data()), &mut text);
        let length = plain.map_err(|_| VaultError::Unreadable)?.len();
        text.truncate(length);
        Ok(text)
    }

    /// Opens a text in UTF-8.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_text(&self, place: &Place, sealed: &[u8]) -> Result<String, VaultError> {
        String::from_utf8(self.open(place, sealed)?).map_err(|_| VaultError::Unreadable)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place::new(&TenantId::from_uuid(Uuid::from_bytes([1; 16])), Uuid::from_bytes([2; 16]), "message")
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let (key, _) = DataKey::generate().unwrap();
        let sealed = key.seal(&place(), "Wo ist 日本?".as_bytes()).unwrap();
        assert_eq!(key.open_text(&place(), &sealed).unwrap(), "Wo ist 日本?");
        for elsewhere in [
            Place { tenant: TenantId::new(), ..place() },
            Place { row: Uuid::nil(), ..place() },
            Place { column: "answer", ..place() },
        ] {
            assert_eq!(key.open(&elsewhere, &sealed), Err(VaultError::Unreadable), "{elsewhere:?}");
        }
    }

    #[test]
    fn the_same_text_is_never_sealed_the_same() {
        let (key, _) = DataKey::generate().unwrap();
        let (once, twice) = (key.seal(&place(), b"hi").unwrap(), key.seal(&place(), b"hi").unwrap());
        assert_ne!(once, twice);
        assert_eq!(once.len(), 2 + 29);
    }

    #[test]
    fn another_key_and_damaged_texts_do_not_open() {
        let (key, bytes) = DataKey::generate().unwrap();
        let sealed = key.seal(&place(), b"hello").unwrap();
        assert_eq!(DataKey::from_bytes(&bytes).unwrap().open(&place(), &sealed).unwrap(), b"hello");
        assert_eq!(DataKey::generate().unwrap().0.open(&place(), &sealed), Err(VaultError::Unreadable));
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 0x80;
            assert_eq!(key.open(&place(), &flipped), Err(VaultError::Unreadable), "{at}");
            assert_eq!(key.open(&place(), &sealed[..at]), Err(VaultError::Unreadable), "{at}");
        }
    }
}
