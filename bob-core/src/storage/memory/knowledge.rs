//! Knowledge in memory.

use async_trait::async_trait;

use super::MemoryStorage;
use super::world::{Shop, Subject};
use crate::act::Act;
use crate::id::{KnowledgeId, TenantId};
use crate::knowledge::{Audience, KnowledgeStatus, KnowledgeText, KnowledgeVersion, Synonyms};
use crate::outbox::{EventKind, EventSubject};
use crate::storage::{KnowledgeStore, Result, StorageError, StorageErrorKind};

#[async_trait]
impl KnowledgeStore for MemoryStorage {
    async fn draft_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        text: KnowledgeText,
    ) -> Result<KnowledgeVersion> {
        const OPERATION: &str = "draft_knowledge";
        let mut world = self.world();
        world.shop(OPERATION, tenant)?;
        let others = world.tenants.iter().filter(|(id, _)| *id != tenant);
        if others.flat_map(|(_, shop)| &shop.items).any(|(id, _)| id == item) {
            return Err(StorageError::new(StorageErrorKind::NotFound, OPERATION));
        }
        let shop = world.shop_mut(OPERATION, tenant)?;
        let known = shop.items.iter().position(|(id, _)| id == item);
        let at = known.unwrap_or_else(|| {
            shop.items.push((*item, Vec::new()));
            shop.items.len() - 1
        });
        let versions = &mut shop.items[at].1;
        let version = KnowledgeVersion {
            item: *item,
            number: versions.last().map_or(1, |latest| latest.number + 1),
            status: KnowledgeStatus::Draft,
            text,
            changed_at: act.at,
        };
        versions.push(version.clone());
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(item.as_uuid()), None));
        Ok(version)
    }

    async fn move_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        version: u32,
        to: KnowledgeStatus,
    ) -> Result<()> {
        const OPERATION: &str = "move_knowledge";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let found = shop
            .items
            .iter_mut()
            .find(|(id, _)| id == item)
            .and_then(|(_, versions)| versions.iter_mut().find(|v| v.number == version))
            .ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, OPERATION))?;
        if to == KnowledgeStatus::Published || !found.status.may_become(to) {
            return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
        }
        let was = std::mem::replace(&mut found.status, to);
        found.changed_at = act.at;
        if was == KnowledgeStatus::Published {
            shop.publish(act);
        }
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(item.as_uuid()), None));
        Ok(())
    }

    async fn publish_knowledge(&self, act: &Act, tenant: &TenantId) -> Result<u64> {
        const OPERATION: &str = "publish_knowledge";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        for (_, versions) in &mut shop.items {
            let Some(next) = versions.iter().rposition(|v| v.status == KnowledgeStatus::Approved) else {
                continue;
            };
            for (at, version) in versions.iter_mut().enumerate() {
                let status = match version.status {
                    KnowledgeStatus::Approved if at == next => KnowledgeStatus::Published,
                    KnowledgeStatus::Approved | KnowledgeStatus::Published => KnowledgeStatus::Retired,
                    _ => continue,
                };
                version.status = status;
                version.changed_at = act.at;
            }
        }
        let release = shop.publish(act);
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(tenant.as_uuid()), None));
        Ok(release)
    }

    async fn published_knowledge(
        &self,
        tenant: &TenantId,
        audience: Audience,
    ) -> Result<(u64, Vec<KnowledgeVersion>, Synonyms)> {
        let world = self.world();
        let shop = world.shop("published_knowledge", tenant)?;
        let versions = shop.items.iter().flat_map(|(_, versions)| versions);
        let published = versions
            .filter(|v| v.status == KnowledgeStatus::Published && audience.may_read(v.text.audience()))
            .cloned();
        Ok((shop.release, published.collect(), shop.synonyms.clone()))
    }
}

impl Shop {
    /// Makes a new release of what is published now.
    fn publish(&mut self, act: &Act) -> u64 {
        self.release += 1;
        self.version += 1;
        let subject = EventSubject { number: Some(self.release), ..EventSubject::default() };
        self.tell(act, &[EventKind::KnowledgePublished], subject);
        self.release
    }
}
