//! A visitor's own key: without it, nothing they said can be read.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::{DataKey, Place, VaultError};
use crate::id::{TenantId, VisitorId};

/// The column a visitor's key is wrapped for.
const COLUMN: &str = "visitor key";

/// A visitor's key, and how it stands in the database: a call that sealed with it can see that it still is the stored one.
pub struct VisitorKey {
    key: DataKey,
    wrapped: Vec<u8>,
}

impl VisitorKey {
    /// Makes a key for a visitor, wrapped under the tenant's; not to be remembered before it is stored.
    ///
    /// # Errors
    ///
    /// [`VaultError::Refused`] without randomness.
    pub fn make(
        tenant_key: &DataKey,
        tenant: &TenantId,
        visitor: &VisitorId,
    ) -> Result<Arc<Self>, VaultError> {
        let (key, bytes) = DataKey::generate()?;
        let wrapped = tenant_key.seal(&place(tenant, visitor), bytes.as_slice())?;
        Ok(Arc::new(Self { key, wrapped }))
    }

    /// Unwraps a visitor's key.
    ///
    /// # Errors
    ///
    /// [`VaultError::Unreadable`] when it was wrapped under another tenant's key or for another visitor.
    pub fn open(
        tenant_key: &DataKey,
        tenant: &TenantId,
        visitor: &VisitorId,
        wrapped: &[u8],
    ) -> Result<Arc<Self>, VaultError> {
        let bytes = zeroize::Zeroizing::new(tenant_key.open(&place(tenant, visitor), wrapped)?);
        let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| VaultError::Unreadable)?;
        Ok(Arc::new(Self { key: DataKey::from_bytes(bytes)?, wrapped: wrapped.to_vec() }))
    }

    /// How it stands in the database.
    #[must_use]
    pub fn wrapped(&self) -> &[u8] {
        &self.wrapped
    }
}

impl Deref for VisitorKey {
    type Target = DataKey;

    fn deref(&self) -> &DataKey {
        &self.key
    }
}

impl fmt::Debug for VisitorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VisitorKey(…)")
    }
}

fn place(tenant: &TenantId, visitor: &VisitorId) -> Place {
    Place::new(tenant, visitor.as_uuid(), COLUMN)
}
