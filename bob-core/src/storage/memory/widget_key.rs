//! Widget keys in memory.

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryStorage;
use super::world::Subject;
use crate::act::Act;
use crate::id::{TenantId, WidgetKeyId};
use crate::origin::OriginPattern;
use crate::storage::{Result, StorageError, StorageErrorKind, WidgetKeyStore};
use crate::widget_key::WidgetKey;

#[async_trait]
impl WidgetKeyStore for MemoryStorage {
    async fn add_widget_key(&self, act: &Act, tenant: &TenantId, key: WidgetKey) -> Result<()> {
        const OPERATION: &str = "add_widget_key";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        if shop.widget_keys.iter().any(|known| known.id == key.id || known.key == key.key) {
            return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
        }
        let subject = Subject(Some(key.id.as_uuid()), None);
        shop.widget_keys.push(key);
        shop.version += 1;
        world.record_on(Some(tenant), OPERATION, act, subject);
        Ok(())
    }

    async fn set_key_origins(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        origins: Vec<OriginPattern>,
    ) -> Result<()> {
        self.change_key(act, tenant, key, "set_key_origins", |key| key.origins = origins)
    }

    async fn add_key_origins(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        origins: Vec<OriginPattern>,
    ) -> Result<()> {
        self.change_key(act, tenant, key, "add_key_origins", |key| {
            for origin in origins {
                if !key.origins.contains(&origin) {
                    key.origins.push(origin);
                }
            }
        })
    }

    async fn end_widget_key(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        ends_at: Timestamp,
    ) -> Result<()> {
        self.change_key(act, tenant, key, "end_widget_key", |key| key.ends_at = Some(ends_at))
    }

    async fn live_origins(&self, now: Timestamp) -> Result<Vec<OriginPattern>> {
        let world = self.world();
        let keys = world.tenants.values().flat_map(|shop| &shop.widget_keys).filter(|key| key.is_live(now));
        Ok(keys.flat_map(|key| key.origins.iter().cloned()).collect())
    }
}

impl MemoryStorage {
    fn change_key(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        operation: &'static str,
        change: impl FnOnce(&mut WidgetKey),
    ) -> Result<()> {
        let mut world = self.world();
        let shop = world.shop_mut(operation, tenant)?;
        let found = shop.widget_keys.iter_mut().find(|known| known.id == *key);
        change(found.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, operation))?);
        shop.version += 1;
        world.record_on(Some(tenant), operation, act, Subject(Some(key.as_uuid()), None));
        Ok(())
    }
}
