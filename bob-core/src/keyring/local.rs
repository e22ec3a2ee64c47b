//! A keyring in memory, from root keys that the host keeps in a file or an environment variable.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use data_encoding::HEXLOWER_PERMISSIVE;
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
///
/// It is read from text, as a file or an environment variable holds it: a key a line in 64 hexadecimal digits, the
/// current one first. Empty lines, and lines that begin with `#`, say nothing.
///
/// ```
/// use bob_core::keyring::LocalKeyring;
///
/// let text = format!("# since November\n{}\n\n# before\n{}\n", "7a".repeat(32), "0b".repeat(32));
/// let keyring: LocalKeyring = text.parse()?;
/// # Ok::<(), bob_core::keyring::ParseKeyringError>(())
/// ```
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

/// The text is not a keyring. Says which line is wrong and never what stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseKeyringError {
    /// Nothing but comments and empty lines.
    #[error("there is no key")]
    NoKey,
    /// A line is no key.
    #[error("line {line} is not a key of 64 hexadecimal digits")]
    NotAKey {
        /// Which one, from 1.
        line: usize,
    },
}

impl FromStr for LocalKeyring {
    type Err = ParseKeyringError;

    fn from_str(text: &str) -> Result<Self, ParseKeyringError> {
        let lines = text.lines().map(str::trim).zip(1..);
        let keys = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
        let mut keyring: Option<Self> = None;
        for (digits, line) in keys {
            let root = root(digits).ok_or(ParseKeyringError::NotAKey { line })?;
            keyring = Some(match keyring {
                None => Self::from_root(root),
                Some(keyring) => keyring.accepting(root),
            });
        }
        keyring.ok_or(ParseKeyringError::NoKey)
    }
}

fn root(digits: &str) -> Option<[u8; 32]> {
    let bytes = Zeroizing::new(HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?);
    bytes.as_slice().try_into().ok()
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

    #[tokio::test]
    async fn the_first_line_wraps_and_every_line_unwraps() {
        let of = |bytes: [u8; 2]| LocalKeyring::from_root([bytes[0]; 32]).accepting([bytes[1]; 32]);
        let text = format!("\r\n# now\r\n  {}\r\n\n\t# before\n{}", "aB".repeat(32), "0c".repeat(32));
        let read: LocalKeyring = text.parse().unwrap();
        let wrapped = read.wrap(&TENANT, &[9; 32]).await.unwrap();
        assert!(of([0xab, 1]).is_current(&wrapped));
        let earlier = of([0x0c, 1]).wrap(&TENANT, &[8; 32]).await.unwrap();
        assert_eq!(*read.unwrap(&TENANT, &earlier).await.unwrap(), [8; 32]);
        assert!(!read.is_current(&earlier));
    }

    #[test]
    fn what_is_no_key_is_named_by_its_line_and_never_shown() {
        let key = "5e".repeat(32);
        for (text, error) in [
            (String::new(), ParseKeyringError::NoKey),
            ("\n# nothing\n\n".to_owned(), ParseKeyringError::NoKey),
            ("5e".repeat(31), ParseKeyringError::NotAKey { line: 1 }),
            ("5e".repeat(33), ParseKeyringError::NotAKey { line: 1 }),
            (format!("{key}{key}"), ParseKeyringError::NotAKey { line: 1 }),
            (format!("{key} # mine"), ParseKeyringError::NotAKey { line: 1 }),
            (format!("0x{}", &key[2..]), ParseKeyringError::NotAKey { line: 1 }),
            (format!("\u{feff}{key}"), ParseKeyringError::NotAKey { line: 1 }),
            (format!("{key}\n\n{}", "5g".repeat(32)), ParseKeyringError::NotAKey { line: 3 }),
            (format!("# {key}\n{}", "é".repeat(32)), ParseKeyringError::NotAKey { line: 2 }),
        ] {
            let refused = text.parse::<LocalKeyring>().unwrap_err();
            assert_eq!(refused, error, "{text:?}");
            assert!(!format!("{refused} {refused:?}").contains("5e"), "{refused}");
        }
    }

    #[test]
    fn a_keyring_does_not_print_its_keys() {
        let shown = format!("{:?}", LocalKeyring::from_root([7; 32]).accepting([8; 32]));
        assert_eq!(shown, "LocalKeyring { earlier: 1, .. }");
    }
}
