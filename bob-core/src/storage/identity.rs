//! What businesses decided about the identities of their visitors.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::act::Act;
use crate::id::TenantId;
use crate::identity::{IdentityChange, IdentityChanged};

/// The settings of identities; they are read with the tenant's snapshot.
#[async_trait]
pub trait IdentityStore: fmt::Debug + Send + Sync {
    /// Makes one change, if the settings still are of version `expected` (`None`: whatever they are), by
    /// [`IdentitySettings::after`](crate::identity::IdentitySettings::after); a refused one writes nothing.
    ///
    /// Secrets rest sealed under the tenant's key.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant,
    /// [`Stale`](super::StorageErrorKind::Stale) when the settings have another version.
    async fn change_identity(
        &self,
        act: &Act,
        tenant: &TenantId,
        expected: Option<u64>,
        change: IdentityChange,
    ) -> Result<IdentityChanged>;
}
