//! Credits, pricebooks, the outbox and keys in memory.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::MemoryStorage;
use super::world::Subject;
use crate::act::Act;
use crate::credit::{CreditBalance, CreditChange, CreditChanged, CreditUsage, LedgerPage, Renewal};
use crate::id::TenantId;
use crate::outbox::{EventKind, EventSubject, OutboxEvent};
use crate::pricebook::Pricebook;
use crate::storage::{
    CreditStore, KeyStore, OutboxStore, PricebookStore, Result, StorageError, StorageErrorKind,
};

#[async_trait]
impl CreditStore for MemoryStorage {
    async fn credit_balance(&self, tenant: &TenantId) -> Result<CreditBalance> {
        Ok(self.world().shop("credit_balance", tenant)?.purse.usage().balance)
    }

    async fn credit_usage(&self, tenant: &TenantId) -> Result<CreditUsage> {
        Ok(self.world().shop("credit_usage", tenant)?.purse.usage().clone())
    }

    async fn ledger(&self, tenant: &TenantId, before: Option<u64>, limit: u32) -> Result<LedgerPage> {
        Ok(self.world().shop("ledger", tenant)?.purse.page(before, limit))
    }

    async fn change_credits(
        &self,
        act: &Act,
        tenant: &TenantId,
        change: CreditChange,
    ) -> Result<CreditChanged> {
        const OPERATION: &str = "change_credits";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let changed = shop.purse.change(act, &change);
        if let CreditChanged::Entered(entry) = &changed {
            let subject = EventSubject { number: Some(entry.number), ..EventSubject::default() };
            shop.tell(act, &[EventKind::CreditsChanged], subject);
            world.record_on(Some(tenant), OPERATION, act, Subject(Some(change.id()), None));
        }
        Ok(changed)
    }

    async fn due_renewals(&self, now: Timestamp, limit: u32) -> Result<Vec<(TenantId, Timestamp)>> {
        let world = self.world();
        let ends = world.tenants.iter().map(|(tenant, shop)| (*tenant, shop.purse.usage().to));
        let mut due: Vec<_> = ends.filter(|(_, end)| *end <= now).collect();
        due.sort_by_key(|(tenant, end)| (*end, *tenant));
        due.truncate(limit as usize);
        Ok(due)
    }

    async fn renew_credits(&self, act: &Act, tenant: &TenantId, renewal: Renewal) -> Result<bool> {
        const OPERATION: &str = "renew_credits";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let Some(number) = shop.purse.renew(act, &renewal) else { return Ok(false) };
        let subject = EventSubject { number: Some(number), ..EventSubject::default() };
        shop.tell(act, &[EventKind::CreditsChanged], subject);
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(tenant.as_uuid()), None));
        Ok(true)
    }
}

#[async_trait]
impl PricebookStore for MemoryStorage {
    async fn found_pricebook(&self, act: &Act, book: Pricebook) -> Result<()> {
        let mut world = self.world();
        if world.pricebooks.is_empty() {
            world.pricebooks.push(book);
            world.record(None, "found_pricebook", act);
        }
        Ok(())
    }

    async fn published_pricebook(&self, now: Timestamp) -> Result<Pricebook> {
        let world = self.world();
        let held = world.pricebooks.iter().rev().find(|book| book.effective_at <= now);
        held.cloned().ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, "published_pricebook"))
    }
}

#[async_trait]
impl OutboxStore for MemoryStorage {
    async fn outbox(&self, tenant: &TenantId, after: Option<Uuid>, limit: u32) -> Result<Vec<OutboxEvent>> {
        let world = self.world();
        let Some(shop) = world.tenants.get(tenant) else { return Ok(Vec::new()) };
        let behind = shop.outbox.iter().filter(|event| after.is_none_or(|after| event.id > after));
        Ok(behind.take(limit as usize).copied().collect())
    }
}

#[async_trait]
impl KeyStore for MemoryStorage {
    /// Nothing rests here, so nothing is wrapped.
    async fn rewrap_keys(&self, _act: &Act, _limit: u32) -> Result<u32> {
        Ok(0)
    }
}
