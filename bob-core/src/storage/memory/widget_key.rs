//! Widget keys in memory.

use std::cmp::Reverse;
use std::collections::HashSet;

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryStorage;
use super::world::{Shop, Subject};
use crate::act::Act;
use crate::id::{TenantId, WidgetKeyId};
use crate::origin::OriginPattern;
use crate::storage::{Result, StorageError, StorageErrorKind, WidgetKeyStore};
use crate::widget_key::{KeySettings, MOST_KEYS, PublishableKey, WidgetKey, WidgetSettings};

#[async_trait]
impl WidgetKeyStore for MemoryStorage {
    async fn add_widget_key(&self, act: &Act, tenant: &TenantId, key: WidgetKey) -> Result<()> {
        const OPERATION: &str = "add_widget_key";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        shop.require_room(OPERATION, &key, None, act.at)?;
        let id = key.id;
        shop.add_key(key, act.at);
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(id.as_uuid()), None));
        Ok(())
    }

    async fn change_widget_key(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        version: u64,
        settings: KeySettings,
    ) -> Result<u64> {
        const OPERATION: &str = "change_widget_key";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let known = shop.key_mut(OPERATION, key)?;
        require(OPERATION, known.is_live(act.at), StorageErrorKind::Conflict)?;
        require(OPERATION, known.version == version, StorageErrorKind::Stale)?;
        known.settings = settings;
        known.version += 1;
        let version = known.version;
        shop.version += 1;
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(key.as_uuid()), None));
        Ok(version)
    }

    async fn rotate_widget_key(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        version: u64,
        next: (WidgetKeyId, PublishableKey),
        ends_at: Timestamp,
    ) -> Result<()> {
        const OPERATION: &str = "rotate_widget_key";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let old = shop.key_mut(OPERATION, key)?;
        require(OPERATION, old.ends_at.is_none(), StorageErrorKind::Conflict)?;
        require(OPERATION, old.version == version, StorageErrorKind::Stale)?;
        let next = WidgetKey { id: next.0, ..WidgetKey::new(next.1, old.settings.clone()) };
        shop.require_room(OPERATION, &next, Some((*key, ends_at)), act.at)?;
        shop.key_mut(OPERATION, key)?.end(ends_at);
        let new = next.id;
        shop.add_key(next, act.at);
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(new.as_uuid()), Some(key.as_uuid())));
        Ok(())
    }

    async fn add_key_origins(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        origins: Vec<OriginPattern>,
    ) -> Result<()> {
        const OPERATION: &str = "add_key_origins";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let known = shop.key_mut(OPERATION, key)?;
        let missing: Vec<_> =
            origins.into_iter().filter(|origin| !known.settings.origins.contains(origin)).collect();
        known.settings.origins.extend(missing);
        known.version += 1;
        shop.version += 1;
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(key.as_uuid()), None));
        Ok(())
    }

    async fn end_widget_key(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        ends_at: Timestamp,
    ) -> Result<()> {
        const OPERATION: &str = "end_widget_key";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        shop.key_mut(OPERATION, key)?.end(ends_at);
        shop.version += 1;
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(key.as_uuid()), None));
        Ok(())
    }

    async fn set_widget_settings(
        &self,
        act: &Act,
        tenant: &TenantId,
        version: Option<u64>,
        settings: WidgetSettings,
    ) -> Result<u64> {
        const OPERATION: &str = "set_widget_settings";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let known = shop.widget.version;
        require(OPERATION, version.is_none_or(|version| version == known), StorageErrorKind::Stale)?;
        shop.widget = WidgetSettings { version: known + 1, ..settings };
        shop.version += 1;
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(tenant.as_uuid()), None));
        Ok(known + 1)
    }

    async fn live_origins(&self, now: Timestamp) -> Result<Vec<OriginPattern>> {
        let world = self.world();
        let keys = world.tenants.values().flat_map(|shop| &shop.widget_keys).filter(|key| key.is_live(now));
        Ok(keys.flat_map(|key| key.settings.origins.iter().cloned()).collect())
    }
}

impl Shop {
    fn key_mut(&mut self, operation: &'static str, key: &WidgetKeyId) -> Result<&mut WidgetKey> {
        let known = self.widget_keys.iter_mut().find(|known| known.id == *key);
        known.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, operation))
    }

    /// Holds that a key is new and that there is room for it, once `ends` has its end.
    fn require_room(
        &self,
        operation: &'static str,
        key: &WidgetKey,
        ends: Option<(WidgetKeyId, Timestamp)>,
        now: Timestamp,
    ) -> Result<()> {
        let ended = |known: &WidgetKey| ends.is_some_and(|(id, end)| known.id == id && end <= now);
        let live = self.widget_keys.iter().filter(|known| known.is_live(now) && !ended(known)).count();
        let is_new = !self.widget_keys.iter().any(|known| known.id == key.id || known.key == key.key);
        require(operation, is_new && live < MOST_KEYS, StorageErrorKind::Conflict)
    }

    /// Adds a key, and forgets those that ended before the latest ones.
    fn add_key(&mut self, key: WidgetKey, now: Timestamp) {
        self.widget_keys.push(key);
        let mut ended: Vec<_> = self.widget_keys.iter().filter(|known| !known.is_live(now)).collect();
        ended.sort_by_key(|known| Reverse((known.ends_at, known.id)));
        let old: HashSet<_> = ended.into_iter().skip(MOST_KEYS).map(|known| known.id).collect();
        self.widget_keys.retain(|known| !old.contains(&known.id));
        self.version += 1;
    }
}

impl WidgetKey {
    fn end(&mut self, at: Timestamp) {
        self.ends_at = Some(self.ends_at.map_or(at, |earlier| earlier.min(at)));
        self.version += 1;
    }
}

fn require(operation: &'static str, holds: bool, kind: StorageErrorKind) -> Result<()> {
    if holds { Ok(()) } else { Err(StorageError::new(kind, operation)) }
}
