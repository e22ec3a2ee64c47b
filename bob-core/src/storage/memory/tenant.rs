//! Tenants in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryStorage;
use super::persona::Personas;
use super::purse::Purse;
use super::world::{KeptItem, KeptVersion, MemberRow, Shop, Subject};
use crate::account::{Account, TenantRole};
use crate::act::Act;
use crate::id::TenantId;
use crate::identity::IdentitySettings;
use crate::knowledge::{KnowledgeStatus, KnowledgeVersion};
use crate::storage::{Onboarding, Result, StorageError, StorageErrorKind, TenantSnapshot, TenantStore};
use crate::tenant::{FirstSteps, Standing, StandingChange, Tenant, TenantRef};
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
            personas: Personas::begin(new.persona, act.at),
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
        Ok(world
            .tenants
            .values()
            .find(|s| s.tenant.hosts.iter().any(|h| h.as_str() == host))
            .map(|s| s.tenant.id))
    }

    async fn tenant_version(&self, tenant: &TenantId) -> Result<u64> {
        Ok(self.world().shop("tenant_version", tenant)?.version)
    }

    async fn tenant_snapshot(&self, tenant: &TenantId) -> Result<TenantSnapshot> {
        let world = self.world();
        const OPERATION: &str = "tenant_snapshot";
        let shop = world.shop(OPERATION, tenant)?;
        let speaking = shop.personas.speaking();
        let speaking = speaking.ok_or_else(|| StorageError::new(StorageErrorKind::Corrupt, OPERATION))?;
        Ok(TenantSnapshot {
            version: shop.version,
            tenant: shop.tenant.clone(),
            persona: speaking.clone(),
            widget_keys: shop.widget_keys.clone(),
            release: shop.release,
            expiries: shop.expiries(),
            gathers_releases: shop.gathers_releases,
            widget: shop.widget.clone(),
            identity: shop.identity.clone(),
        })
    }

    async fn tenants(&self, after: Option<TenantId>, limit: u32) -> Result<Vec<Tenant>> {
        let world = self.world();
        let behind = world.tenants.iter().filter(|(id, _)| after.is_none_or(|after| **id > after));
        Ok(behind.take(limit as usize).map(|(_, shop)| shop.tenant.clone()).collect())
    }

    async fn change_tenant(&self, act: &Act, tenant: &TenantId, revision: u64, to: Tenant) -> Result<u64> {
        const OPERATION: &str = "change_tenant";
        let mut world = self.world();
        if world.shop(OPERATION, tenant)?.tenant.revision != revision {
            return Err(StorageError::new(StorageErrorKind::Stale, OPERATION));
        }
        let mut others = world.tenants.iter().filter(|(id, _)| *id != tenant);
        if others.any(|(_, shop)| shop.tenant.hosts.iter().any(|host| to.hosts.contains(host))) {
            return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
        }
        let shop = world.shop_mut(OPERATION, tenant)?;
        let was = shop.tenant.clone();
        let (slug, standing, revision) = (was.slug, was.standing, was.revision + 1);
        shop.tenant = Tenant { id: was.id, slug, standing, revision, ..to };
        shop.version += 1;
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(tenant.as_uuid()), None));
        Ok(revision)
    }

    async fn change_standing(
        &self,
        act: &Act,
        tenant: &TenantId,
        change: StandingChange,
    ) -> Result<Standing> {
        let operation = change.operation();
        let mut world = self.world();
        let shop = world.shop_mut(operation, tenant)?;
        if shop.tenant.standing.is_gone(act.at) {
            return Err(StorageError::new(StorageErrorKind::Conflict, operation));
        }
        let standing = shop.tenant.standing.after(change, act);
        if standing == shop.tenant.standing {
            return Ok(standing);
        }
        shop.tenant.standing = standing.clone();
        shop.tenant.revision += 1;
        shop.version += 1;
        world.record_on(Some(tenant), operation, act, Subject(Some(tenant.as_uuid()), None));
        Ok(standing)
    }

    async fn first_steps(&self, tenant: &TenantId) -> Result<FirstSteps> {
        let world = self.world();
        let has_conversation = !world.shop("first_steps", tenant)?.conversations.is_empty();
        let owners = world.members.iter().filter(|row| {
            row.tenant == *tenant && row.role == TenantRole::Owner && row.disabled_at.is_none()
        });
        let mut owners = owners.filter_map(|row| world.accounts.get(&row.account));
        let owner_can_sign_in =
            owners.any(|account| account.password.is_some() && account.disabled_at.is_none());
        Ok(FirstSteps { owner_can_sign_in, has_conversation })
    }

    async fn due_deletions(&self, now: Timestamp, limit: u32) -> Result<Vec<TenantId>> {
        let world = self.world();
        let due =
            world.tenants.values().map(|shop| &shop.tenant).filter(|tenant| tenant.standing.is_gone(now));
        let mut due: Vec<_> = due.map(|tenant| (tenant.standing.deletes_at, tenant.id)).collect();
        due.sort_unstable();
        Ok(due.into_iter().take(limit as usize).map(|(_, tenant)| tenant).collect())
    }

    async fn erase_tenant(&self, act: &Act, tenant: &TenantId, _: u32) -> Result<bool> {
        const OPERATION: &str = "erase_tenant";
        let mut world = self.world();
        if !world.shop(OPERATION, tenant)?.tenant.standing.is_gone(act.at) {
            return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
        }
        world.tenants.remove(tenant);
        world.members.retain(|row| row.tenant != *tenant);
        world.links.retain(|(realm, ..), _| realm != tenant);
        world.logins.retain(|(realm, _), _| realm != tenant);
        world.audit.retain(|(realm, _)| realm != tenant);
        world.record_on(None, OPERATION, act, Subject(Some(tenant.as_uuid()), None));
        world.record_on(None, "tenant_erased", act, Subject(Some(tenant.as_uuid()), None));
        Ok(false)
    }
}
