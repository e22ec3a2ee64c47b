//! The audit in memory.

use async_trait::async_trait;
use uuid::Uuid;

use super::MemoryStorage;
use super::world::{Subject, World};
use crate::account::PLATFORM_REALM;
use crate::act::Act;
use crate::audit::{AuditPage, AuditQuery, AuditRow, NotedRead};
use crate::id::TenantId;
use crate::storage::{AuditStore, Result};

#[async_trait]
impl AuditStore for MemoryStorage {
    async fn audit(&self, tenant: &TenantId, query: AuditQuery) -> Result<AuditPage> {
        let world = self.world();
        let rows = world.audit.iter().rev().filter(|(of, _)| of == tenant).map(|(_, row)| row);
        let mut behind = rows.filter(|row| query.behind.is_none_or(|before| row.id < before));
        let (mut found, mut last) = (Vec::new(), None);
        for row in behind.by_ref().take(query.look_at as usize) {
            last = Some(row.id);
            if !query.filter.wants(row) {
                continue;
            }
            if found.len() == query.limit as usize {
                return Ok(AuditPage { next: found.last().map(|row: &AuditRow| row.id), rows: found });
            }
            found.push(row.clone());
        }
        Ok(AuditPage { rows: found, next: last.filter(|_| behind.next().is_some()) })
    }

    async fn note_read(&self, act: &Act, tenant: &TenantId, read: NotedRead) -> Result<()> {
        self.world().record_on(Some(tenant), read.operation(), act, Subject(Some(tenant.as_uuid()), None));
        Ok(())
    }
}

impl World {
    /// Records who did what, where there is nothing more to say about it.
    pub(super) fn record(&mut self, tenant: Option<&TenantId>, operation: &'static str, act: &Act) {
        self.record_on(tenant, operation, act, Subject::default());
    }

    /// Records who changed what; called by every mutating method in the lock it changed the world under.
    pub(super) fn record_on(
        &mut self,
        tenant: Option<&TenantId>,
        operation: &'static str,
        act: &Act,
        Subject(subject, part_of): Subject,
    ) {
        let row = AuditRow::of(act, Uuid::now_v7(), operation, subject, part_of);
        self.audit.push((*tenant.unwrap_or(&PLATFORM_REALM), row));
    }
}
