//! The vault: what a database needs so that nothing readable rests in it.
//!
//! Content is sealed under a key of its visitor, that key under its tenant's, that one by the [`Keyring`]: forgetting a
//! visitor's key makes everything they said unreadable, in backups too. Values that must be found again without being
//! readable, such as e-mail addresses, stand as keyed hashes beside the sealed value.
//!
//! Adapters keep the wrapped keys in their tables; the vault unwraps them, remembers those in use, and does all
//! cryptography. It knows no database.

mod data_key;
mod visitor_key;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::hmac;
use lru::LruCache;

use crate::account::{Email, PLATFORM_REALM};
use crate::conversation::{Door, SessionId};
use crate::id::{TenantId, VisitorId};
use crate::keyring::{Keyring, KeyringError, KeyringErrorKind, PurposeKeys};
use crate::turn::{BodyHash, IdempotencyScope};

pub use data_key::{DataKey, Place};
pub use visitor_key::VisitorKey;

/// How many tenants' keys are remembered.
const TENANTS: NonZeroUsize = NonZeroUsize::new(4_096).expect("not zero");
/// How many visitors' keys are remembered; about 1 KiB each.
const VISITORS: NonZeroUsize = NonZeroUsize::new(8_192).expect("not zero");

/// Something could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// It was sealed under another key or for another place, or is damaged.
    #[error("sealed content does not open")]
    Unreadable,
    /// The cryptographic library refused to work.
    #[error("content cannot be sealed")]
    Refused,
}

/// Seals and opens the content of one database.
pub struct Vault {
    keyring: Arc<dyn Keyring>,
    platform: DataKey,
    purposes: PurposeKeys,
    emails: hmac::Key,
    sessions: hmac::Key,
    calls: hmac::Key,
    people: hmac::Key,
    proofs: hmac::Key,
    tenants: Mutex<LruCache<TenantId, Arc<DataKey>>>,
    visitors: Mutex<LruCache<(TenantId, VisitorId), Arc<VisitorKey>>>,
}

impl Vault {
    /// Makes the wrapped platform key of a new database.
    ///
    /// # Errors
    ///
    /// When the keyring cannot wrap it.
    pub async fn found(keyring: &dyn Keyring) -> Result<Vec<u8>, KeyringError> {
        Self::wrapped_key(keyring, &PLATFORM_REALM).await
    }

    /// Opens the vault of a database with the platform key that stands in it.
    ///
    /// # Errors
    ///
    /// [`WrongKey`](KeyringErrorKind::WrongKey) when the keyring is not the one it was founded with.
    pub async fn open(keyring: Arc<dyn Keyring>, platform: &[u8]) -> Result<Self, KeyringError> {
        let root = keyring.unwrap(&PLATFORM_REALM, platform).await?;
        let purposes = PurposeKeys::from_root(*root);
        let sealing = purposes.derive("platform content");
        let platform = DataKey::from_bytes(&sealing).map_err(refused)?;
        Ok(Self {
            platform,
            emails: purposes.hmac("e-mail look-up"),
            sessions: purposes.hmac("session look-up"),
            calls: purposes.hmac("call look-up"),
            people: purposes.hmac("identity look-up"),
            proofs: purposes.hmac("identity proof look-up"),
            purposes,
            keyring,
            tenants: Mutex::new(LruCache::new(TENANTS)),
            visitors: Mutex::new(LruCache::new(VISITORS)),
        })
    }

    /// The keys that sign tokens.
    #[must_use]
    pub fn purpose_keys(&self) -> &PurposeKeys {
        &self.purposes
    }

    /// The key that seals what belongs to no tenant: people's addresses and names.
    #[must_use]
    pub fn platform(&self) -> &DataKey {
        &self.platform
    }

    /// Makes the wrapped key of a new tenant.
    ///
    /// # Errors
    ///
    /// When the keyring cannot wrap it.
    pub async fn new_tenant_key(&self, tenant: &TenantId) -> Result<Vec<u8>, KeyringError> {
        Self::wrapped_key(&*self.keyring, tenant).await
    }

    /// The remembered key of a tenant.
    #[must_use]
    pub fn tenant_key(&self, tenant: &TenantId) -> Option<Arc<DataKey>> {
        lock(&self.tenants).get(tenant).cloned()
    }

    /// Unwraps a tenant's key and remembers it.
    ///
    /// # Errors
    ///
    /// When the keyring cannot unwrap it.
    pub async fn unlock_tenant(
        &self,
        tenant: &TenantId,
        wrapped: &[u8],
    ) -> Result<Arc<DataKey>, KeyringError> {
        if let Some(known) = self.tenant_key(tenant) {
            return Ok(known);
        }
        let bytes = self.keyring.unwrap(tenant, wrapped).await?;
        let key = Arc::new(DataKey::from_bytes(&bytes).map_err(refused)?);
        lock(&self.tenants).put(*tenant, Arc::clone(&key));
        Ok(key)
    }

    /// Wraps a tenant's key, or the platform's under the nil tenant, by the current key-encryption key; `None` when it
    /// is already.
    ///
    /// # Errors
    ///
    /// When the keyring cannot unwrap or wrap it.
    pub async fn rewrap(&self, tenant: &TenantId, wrapped: &[u8]) -> Result<Option<Vec<u8>>, KeyringError> {
        if self.keyring.is_current(wrapped) {
            return Ok(None);
        }
        let key = self.keyring.unwrap(tenant, wrapped).await?;
        self.keyring.wrap(tenant, &key).await.map(Some)
    }

    /// The remembered key of a visitor.
    #[must_use]
    pub fn visitor_key(&self, tenant: &TenantId, visitor: &VisitorId) -> Option<Arc<VisitorKey>> {
        lock(&self.visitors).get(&(*tenant, *visitor)).cloned()
    }

    /// Remembers a visitor's key, once it is known to be the stored one.
    pub fn remember_visitor(&self, tenant: &TenantId, visitor: &VisitorId, key: Arc<VisitorKey>) {
        lock(&self.visitors).put((*tenant, *visitor), key);
    }

    /// Forgets a visitor's key: it turned out not to be the stored one, or they are erased.
    pub fn forget_visitor(&self, tenant: &TenantId, visitor: &VisitorId) {
        lock(&self.visitors).pop(&(*tenant, *visitor));
    }

    /// Forgets all keys of a tenant that is being deleted.
    pub fn forget_tenant(&self, tenant: &TenantId) {
        lock(&self.tenants).pop(tenant);
        let mut visitors = lock(&self.visitors);
        let theirs: Vec<_> = visitors.iter().map(|(of, _)| *of).filter(|(of, _)| of == tenant).collect();
        for of in theirs {
            visitors.pop(&of);
        }
    }

    /// What an address is found by.
    #[must_use]
    pub fn email_index(&self, email: &Email) -> [u8; 32] {
        blind(&self.emails, &[email.as_str().as_bytes()])
    }

    /// What a conversation is found by, besides its visitor: a session id may be a secret that continues it, so it is
    /// not stored readably.
    #[must_use]
    pub fn session_index(&self, tenant: &TenantId, door: Door, session: &SessionId) -> [u8; 32] {
        let tenant = tenant.as_uuid().into_bytes();
        blind(&self.sessions, &[&tenant, door.as_str().as_bytes(), session.as_str().as_bytes()])
    }

    /// What the body of a call is compared by: whoever reads the database cannot try out what was said.
    #[must_use]
    pub fn body_index(&self, scope: &IdempotencyScope, body: &BodyHash) -> [u8; 32] {
        blind(&self.calls, &[scope.as_bytes(), body.as_bytes()])
    }

    /// What a visitor who proved who they are is found by; nobody who reads the database can try out names.
    #[must_use]
    pub fn identity_index(&self, tenant: &TenantId, issuer: Option<&str>, subject: &str) -> [u8; 32] {
        let tenant = tenant.as_uuid().into_bytes();
        let has_issuer = [u8::from(issuer.is_some())];
        let issuer = issuer.unwrap_or_default().as_bytes();
        blind(&self.people, &[&tenant, &has_issuer, issuer, subject.as_bytes()])
    }

    /// What the name of a proof is remembered by.
    #[must_use]
    pub fn proof_index(&self, tenant: &TenantId, proof: &str) -> [u8; 32] {
        blind(&self.proofs, &[tenant.as_uuid().as_bytes(), proof.as_bytes()])
    }

    async fn wrapped_key(keyring: &dyn Keyring, tenant: &TenantId) -> Result<Vec<u8>, KeyringError> {
        let (_, bytes) = DataKey::generate().map_err(refused)?;
        keyring.wrap(tenant, &bytes).await
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("keyring", &self.keyring).finish_non_exhaustive()
    }
}

fn lock<T>(cache: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A cache is whole between any two of its calls.
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refused(error: VaultError) -> KeyringError {
    KeyringError::because(KeyringErrorKind::Unavailable, error)
}

/// HMAC-SHA256 over parts whose lengths are hashed along.
fn blind(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut index = [0; 32];
    index.copy_from_slice(context.sign().as_ref());
    index
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::LocalKeyring;

    async fn vault(root: [u8; 32]) -> (Vault, Vec<u8>) {
        let keyring = Arc::new(LocalKeyring::from_root(root));
        let platform = Vault::found(&*keyring).await.unwrap();
        (Vault::open(keyring, &platform).await.unwrap(), platform)
    }

    #[tokio::test]
    async fn nodes_with_one_keyring_agree_on_every_key() {
        let (first, platform) = vault([7; 32]).await;
        let second = Vault::open(Arc::new(LocalKeyring::from_root([7; 32])), &platform).await.unwrap();
        let (tenant, visitor) = (TenantId::new(), VisitorId::new());
        let wrapped = first.new_tenant_key(&tenant).await.unwrap();
        let (mine, theirs) = (
            first.unlock_tenant(&tenant, &wrapped).await.unwrap(),
            second.unlock_tenant(&tenant, &wrapped).await,
        );
        let new = VisitorKey::make(&mine, &tenant, &visitor).unwrap();
        let opened = VisitorKey::open(&theirs.unwrap(), &tenant, &visitor, new.wrapped()).unwrap();
        let place = Place::new(&tenant, uuid::Uuid::nil(), "message");
        assert_eq!(opened.open_text(&place, &new.seal(&place, b"hi").unwrap()).unwrap(), "hi");
        let email: Email = "anna@shop.example".parse().unwrap();
        assert_eq!(first.email_index(&email), second.email_index(&email));
    }

    #[tokio::test]
    async fn another_root_key_does_not_open_the_vault() {
        let (_, platform) = vault([7; 32]).await;
        let error = Vault::open(Arc::new(LocalKeyring::from_root([8; 32])), &platform).await.unwrap_err();
        assert_eq!(error.kind(), KeyringErrorKind::WrongKey);
    }

    #[tokio::test]
    async fn keys_are_wrapped_anew_once() {
        let (_, platform) = vault([7; 32]).await;
        let keyring = Arc::new(LocalKeyring::from_root([8; 32]).accepting([7; 32]));
        let vault = Vault::open(keyring, &platform).await.unwrap();
        let again = vault.rewrap(&PLATFORM_REALM, &platform).await.unwrap().expect("it was the old key's");
        assert!(vault.rewrap(&PLATFORM_REALM, &again).await.unwrap().is_none());
        Vault::open(Arc::new(LocalKeyring::from_root([8; 32])), &again).await.unwrap();
    }

    #[tokio::test]
    async fn a_session_is_found_only_where_it_was_named() {
        let (vault, _) = vault([7; 32]).await;
        let (tenant, session) = (TenantId::new(), "s".parse().unwrap());
        let here = vault.session_index(&tenant, Door::Public, &session);
        assert_eq!(here, vault.session_index(&tenant, Door::Public, &session));
        assert_ne!(here, vault.session_index(&tenant, Door::Widget, &session));
        assert_ne!(here, vault.session_index(&TenantId::new(), Door::Public, &session));
    }
}
