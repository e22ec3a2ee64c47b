//! The settings of identities in memory.

use async_trait::async_trait;

use super::MemoryStorage;
use super::world::Subject;
use crate::act::Act;
use crate::id::TenantId;
use crate::identity::{IdentityChange, IdentityChanged};
use crate::storage::{IdentityStore, Result, StorageError, StorageErrorKind};

#[async_trait]
impl IdentityStore for MemoryStorage {
    async fn change_identity(
        &self,
        act: &Act,
        tenant: &TenantId,
        expected: Option<u64>,
        change: IdentityChange,
    ) -> Result<IdentityChanged> {
        const OPERATION: &str = "change_identity";
        let recorded = change.operation();
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        if expected.is_some_and(|expected| expected != shop.identity.version) {
            return Err(StorageError::new(StorageErrorKind::Stale, OPERATION));
        }
        match shop.identity.after(change) {
            Ok(next) => shop.identity = next,
            Err(refused) => return Ok(IdentityChanged::Refused(refused)),
        }
        let changed = shop.identity.clone();
        shop.version += 1;
        world.record_on(Some(tenant), recorded, act, Subject(Some(tenant.as_uuid()), None));
        Ok(IdentityChanged::Changed(changed))
    }
}
