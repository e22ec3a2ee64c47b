//! Tenants in memory.

use std::collections::HashMap;

use async_trait::async_trait;

use super::MemoryStorage;
use super::purse::Purse;
use super::world::{KeptItem, KeptVersion, MemberRow, Shop, Subject};
use crate::account::Account;
use crate::act::Act;
use crate::id::TenantId;
use crate::identity::IdentitySettings;
use crate::knowledge::{KnowledgeStatus, KnowledgeVersion};
use crate::storage::{Onboarding, Result, StorageError, StorageErrorKind, TenantSnapshot, TenantStore};
use crate::tenant::TenantRef;
use crate::widget_key::WidgetSettings;

#[async_trait]
impl TenantStore for MemoryStorage {
    async fn onboard(&self, act: &Act, new: Onboarding) -> Result<()> {
        const OPERATION: &str = "onboard";
        let mut world = self.world();
        let id = new.tenant.id;
        let taken = world.tenants.values().any(|shop| {
            shop.tenant.id == id
                || shop.tenant.slug == new.tenant.slug
                || shop.tenant.hosts.iter().any(|host| new.tenant.hosts.contains(host))
        });
        if taken {
            return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
        }
        for (account, role) in new.people {
            let known =
                world.accounts.values().find(|known| known.email == account.email).map(|known| known.id);
            let member = known.unwrap_or(account.id);
            if known.is_none() {
                world.accounts.insert(account.id, Account { platform_role: None, ..account });
            }
            world.members.push(MemberRow::new(id, member, role));
        }
        let items = new.knowledge.into_iter().map(|(item, text)| {
            let status = KnowledgeStatus::Published;
            let version = KnowledgeVersion { item, number: 1, status, text, changed_at: act.at };
            let kept = KeptVersion { version, from: Some(1), until: None };
            KeptItem { id: item, removed: false, versions: vec![kept] }
        });
        let period_ends = new.tenant.billing.next_after(act.at);
        let mut shop = Shop {
            tenant: new.tenant,
            version: 1,
            persona: new.persona,
            widget_keys: vec![new.widget_key],
            release: 1,
            gathers_releases: false,
            items: items.collect(),
            synonyms: new.synonyms,
            widget: WidgetSettings::default(),
            purse: Purse::new(act, new.credits, period_ends),
            outbox: Vec::new(),
            conversations: HashMap::new(),
            by_key: HashMap::new(),
            by_session: HashMap::new(),
            turns: HashMap::new(),
            idempotency: HashMap::new(),
            identity: IdentitySettings::default(),
            visitors: HashMap::new(),
            people: HashMap::new(),
            proofs: HashMap::new(),
        };
        shop.keep_numbers_free();
        world.tenants.insert(id, shop);
        world.record_on(Some(&id), OPERATION, act, Subject(Some(id.as_uuid()), None));
        Ok(())
    }

    async fn find_tenant(&self, named: &TenantRef) -> Result<Option<TenantId>> {
        let world = self.world();
        Ok(match named {
            TenantRef::Id(id) => world.tenants.contains_key(id).then_some(*id),
            TenantRef::Slug(slug) => {
                world.tenants.values().find(|s| s.tenant.slug == *slug).map(|s| s.tenant.id)
            }
        })
    }

    async fn tenant_of_host(&self, host: &str) -> Result<Option<TenantId>> {
        let world = self.world();
        Ok(world.tenants.values().find(|s| s.tenant.hosts.iter().any(|h| h == host)).map(|s| s.tenant.id))
    }

    async fn tenant_version(&self, tenant: &TenantId) -> Result<u64> {
        Ok(self.world().shop("tenant_version", tenant)?.version)
    }

    async fn tenant_snapshot(&self, tenant: &TenantId) -> Result<TenantSnapshot> {
        let world = self.world();
        let shop = world.shop("tenant_snapshot", tenant)?;
        Ok(TenantSnapshot {
            version: shop.version,
            tenant: shop.tenant.clone(),
            persona: shop.persona.clone(),
            widget_keys: shop.widget_keys.clone(),
            release: shop.release,
            expiries: shop.expiries(),
            gathers_releases: shop.gathers_releases,
            widget: shop.widget.clone(),
            identity: shop.identity.clone(),
        })
    }
}
