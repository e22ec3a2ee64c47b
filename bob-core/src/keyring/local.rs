//! A keyring in memory, from root keys that the host keeps in a file or an environment variable.

use std::fmt;

use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use super::{Keyring, KeyringError, KeyringErrorKind, NoRandomness, PurposeKeys, random_bytes};
use crate::id::TenantId;

/// The first byte of what this keyring wraps.
const FORMAT: u8 = 1;
/// How many bytes name the key-encryption key.
const NAME: usize = 8;
const TAG: usize = 16;
/// Format, name, nonce, key, tag.
const WRAPPED: usize = 1 + NAME + NONCE_LEN + 32 + TAG;

/// Root keys of 32 bytes: the current one, which wraps, and earlier ones, which still unwrap.
///
/// To change the root key without a pause, in this order: give every node a keyring that also [accepts](Self::accepting)
/// the new key; give every node one whose current key is the new one and that accepts the old one; have the stored keys
/// wrapped anew ([`rewrap_keys`](crate::storage::KeyStore::rewrap_keys)); forget the old one, except where a backup from
/// before is kept.
#[derive(Clone)]
pub struct LocalKeyring {
    current: Root,
    earlier: Vec<Root>,
}

#[derive(Clone)]
struct Root {
    /// Tells which key wrapped something, and tells nothing about the key.
    name: [u8; NAME],
    key: Zeroizing<[u8; 32]>,
}

impl Root {
    fn new(root: [u8; 32]) -> Self {
        let keys = PurposeKeys::from_root(root);
        let named = keys.derive("name of the key-encryption key");
        let mut name = [0; NAME];
        name.copy_from_slice(&named[..NAME]);
        Self { name, key: keys.derive("key-encryption key") }
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, KeyringError> {
        RandomizedNonceKey::new(&AES_256_GCM, self.key.as_slice())
            .map_err(|error| KeyringError::because(KeyringErrorKind::Unavailable, error))
    }
}

impl LocalKeyring {
    /// A keyring of one root key.
    #[must_use]
    pub fn from_root(root: [u8; 32]) -> Self {
        Self { current: Root::new(root), earlier: Vec::new() }
    }

    /// A keyring with a new root key, for data that need not outlive the process.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] when the operating system refuses.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self::from_root(random_bytes()?))
    }

    /// Also unwraps what another root key wrapped.
    #[must_use]
    pub fn accepting(mut self, root: [u8; 32]) -> Self {
        self.earlier.push(Root::new(root));
        self
    }
}

#[async_trait]
impl Keyring for LocalKeyring {
    async fn wrap(&self, tenant: &TenantId, key: &[u8; 32]) -> Result<Vec<u8>, KeyringError> {
        let mut sealed = key.to_vec();
        let nonce = self
            .current
            .cipher()?
            .seal_in_place_append_tag(Aad::from(tenant.as_uuid().as_bytes()), &mut sealed)
            .map_err(|error| KeyringError::because(KeyringErrorKind::Unavailable, error))?;
        let mut wrapped = Vec::with_capacity(WRAPPED);
        wrapped.push(FORMAT);
        wrapped.extend_from_slice(&self.current.name);
        wrapped.extend_from_slice(nonce.as_ref());
        wrapped.append(&mut sealed);
        Ok(wrapped)
    }

    async fn unwrap(&self, tenant: &TenantId, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, KeyringError> {
        let damaged = || KeyringError::new(KeyringErrorKind::Damaged);
        let (Some((&FORMAT, rest)), WRAPPED) = (wrapped.split_first(), wrapped.len()) else {
            return Err(damaged());
        };
        let (name, rest) = rest.split_at(NAME);
        let (nonce, sealed) = rest.split_at(NONCE_LEN);
        let mut roots = std::iter::once(&self.current).chain(&self.earlier);
        let root = roots
            .find(|root| root.name == name)
            .ok_or_else(|| KeyringError::new(KeyringErrorKind::WrongKey))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let key = root
            .cipher()?
            .open_in_place(nonce, Aad::from(tenant.as_uuid().as_bytes()), &mut sealed)
            .map_err(|_| damaged())?;
        let key: &[u8] = key;
        Ok(Zeroizing::new(key.try_into().map_err(|_| damaged())?))
    }

    fn is_current(&self, wrapped: &[u8]) -> bool {
        wrapped.first() == Some(&FORMAT) && wrapped.get(1..=NAME) == Some(&self.current.name)
    }
}

impl fmt::Debug for LocalKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKeyring").field("earlier", &self.earlier.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: TenantId = TenantId::from_uuid(uuid::Uuid::from_bytes([3; 16]));

    #[tokio::test]
    async fn a_wrapped_key_opens_for_its_tenant_only() {
        let keyring = LocalKeyring::from_root([7; 32]);
        let wrapped = keyring.wrap(&TENANT, &[9; 32]).await.unwrap();
        assert_eq!(*keyring.unwrap(&TENANT, &wrapped).await.unwrap(), [9; 32]);
        let stranger = keyring.unwrap(&TenantId::new(), &wrapped).await.unwrap_err();
        assert_eq!(stranger.kind(), KeyringErrorKind::Damaged);
        assert!(!wrapped.windows(32).any(|window| window == [9; 32]));
    }

    #[tokio::test]
    async fn another_root_key_is_named_as_the_wrong_one() {
        let wrapped = LocalKeyring::from_root([7; 32]).wrap(&TENANT, &[9; 32]).await.unwrap();
        let other = LocalKeyring::from_root([8; 32]).unwrap(&TENANT, &wrapped).await.unwrap_err();
        assert_eq!(other.kind(), KeyringErrorKind::WrongKey);
    }

    #[tokio::test]
    async fn an_earlier_root_key_still_unwraps_and_is_not_the_current_one() {
        let old = LocalKeyring::from_root([7; 32]);
        let wrapped = old.wrap(&TENANT, &[9; 32]).await.unwrap();
        let new = LocalKeyring::from_root([8; 32]).accepting([7; 32]);
        assert_eq!(*new.unwrap(&TENANT, &wrapped).await.unwrap(), [9; 32]);
        assert!(old.is_current(&wrapped) && !new.is_current(&wrapped));
        assert!(new.is_current(&new.wrap(&TENANT, &[9; 32]).await.unwrap()));
    }

    #[tokio::test]
    async fn damaged_keys_do_not_open() {
        let keyring = LocalKeyring::from_root([7; 32]);
        let good = keyring.wrap(&TENANT, &[9; 32]).await.unwrap();
        let mut bad =
            vec![Vec::new(), vec![FORMAT], good[..good.len() - 1].to_vec(), [&good[..], &[0]].concat()];
        for at in [0, 1 + NAME, 1 + NAME + NONCE_LEN, good.len() - 1] {
            let mut flipped = good.clone();
            flipped[at] ^= 1;
            bad.push(flipped);
        }
        for wrapped in bad {
            let error = keyring.unwrap(&TENANT, &wrapped).await.unwrap_err();
            assert_eq!(error.kind(), KeyringErrorKind::Damaged, "{wrapped:?}");
        }
    }

    #[test]
    fn a_keyring_does_not_print_its_keys() {
        let shown = format!("{:?}", LocalKeyring::from_root([7; 32]).accepting([8; 32]));
        assert_eq!(shown, "LocalKeyring { earlier: 1, .. }");
    }
}
