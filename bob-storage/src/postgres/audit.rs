//! Who did what: one row for each change, in the change's own transaction.

use async_trait::async_trait;
use bob_core::account::PLATFORM_REALM;
use bob_core::act::{Act, Principal, Via};
use bob_core::audit::{AuditPage, AuditQuery, AuditRow, NotedRead};
use bob_core::id::TenantId;
use bob_core::storage::{AuditStore, Result};
use bob_core::vault::DataKey;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::error::corrupt;
use super::keys::{locked, sealed};
use super::rows::{Cells, micros};
use super::unit::Unit;
use super::{PostgresStorage, not_found};
use crate::seal::AuditSeal;

/// What was changed, and what that belongs to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Subject(pub(super) Option<Uuid>, pub(super) Option<Uuid>);

/// A row that is still to be written: its identifier, and the address that is sealed for it.
#[derive(Debug)]
pub(super) struct NewRow {
    pub(super) id: Uuid,
    pub(super) address: Option<Vec<u8>>,
}

impl NewRow {
    /// The row of a deed in the realm whose key this is. Later ones sort behind earlier ones.
    fn of(act: &Act, realm: &TenantId, key: &DataKey, operation: &'static str) -> Result<Self> {
        let (id, seal) = (Uuid::now_v7(), AuditSeal { key, realm: *realm });
        let address = act.address.map(|address| seal.address(id, address));
        Ok(Self { id, address: address.transpose().map_err(sealed(operation))? })
    }

    /// The row of a deed of which no address is kept.
    fn without_address() -> Self {
        Self { id: new_id(), address: None }
    }
}

/// A new row's identifier, where no address is sealed for it; later ones sort behind earlier ones.
pub(super) fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// Notes a deed on a tenant, or on the platform.
pub(super) async fn note(
    unit: &mut Unit<'_>,
    tenant: Option<&TenantId>,
    act: &Act,
    operation: &'static str,
    subject: Subject,
) -> Result<()> {
    let realm = tenant.unwrap_or(&PLATFORM_REALM);
    let row = new_row(unit, realm, act).await?;
    let insert = sqlx::query(
        "INSERT INTO bob_audit (tenant_id, audit_id, at, principal_kind, principal_id, request_id, reason,
             operation, subject, part_of, via, by_platform, address)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(realm.as_uuid())
    .bind(row.id)
    .bind(micros(act.at))
    .bind(act.principal.kind())
    .bind(act.principal.id())
    .bind(act.request_id.clone())
    .bind(act.reason.clone())
    .bind(operation)
    .bind(subject.0)
    .bind(subject.1)
    .bind(act.via.as_str())
    .bind(act.by_platform)
    .bind(row.address);
    unit.execute(insert).await?;
    Ok(())
}

/// The row of a deed; the realm's key is asked for only where there is an address to be sealed.
async fn new_row(unit: &mut Unit<'_>, realm: &TenantId, act: &Act) -> Result<NewRow> {
    let (vault, operation) = (unit.vault(), unit.operation());
    if act.address.is_none() {
        return Ok(NewRow::without_address());
    }
    if *realm == PLATFORM_REALM {
        return NewRow::of(act, realm, vault.platform(), operation);
    }
    let key = match vault.tenant_key(realm) {
        Some(key) => key,
        None => {
            let select =
                sqlx::query("SELECT wrapped FROM bob_keys WHERE tenant_id = $1").bind(realm.as_uuid());
            let row = unit.row(select).await?.ok_or_else(|| not_found(operation))?;
            let wrapped: &[u8] = Cells::of(&row, operation).take()?;
            vault.unlock_tenant(realm, wrapped).await.map_err(locked(operation))?
        }
    };
    NewRow::of(act, realm, &key, operation)
}

#[async_trait]
impl AuditStore for PostgresStorage {
    async fn audit(&self, tenant: &TenantId, query: AuditQuery) -> Result<AuditPage> {
        const OPERATION: &str = "audit";
        let AuditQuery { filter, behind, limit, look_at } = query;
        let behind = behind.unwrap_or(Uuid::max());
        // The last row that is looked at, if there is one behind it.
        let last = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT audit_id FROM bob_audit WHERE tenant_id = f.tenant AND audit_id < $2
                 ORDER BY audit_id DESC LIMIT 2 OFFSET $3) r
             ORDER BY r.audit_id DESC",
        )
        .bind(tenant.as_uuid())
        .bind(behind)
        .bind(i64::from(look_at.saturating_sub(1)));
        let last = match &*self.rows(OPERATION, last).await? {
            [last, _] => Some(Cells::of(last, OPERATION).id(|id| id)?),
            _ => None,
        };
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT audit_id, at, principal_kind, principal_id, by_platform, operation, subject, part_of, via,
                     address, request_id, reason
                 FROM bob_audit
                 WHERE tenant_id = f.tenant AND audit_id < $2 AND audit_id >= $3
                   AND ($4::uuid IS NULL OR principal_id = $4)
                   AND ($5::text IS NULL OR substr(operation, 1, length($5)) = $5)
                   AND ($6::uuid IS NULL OR subject = $6 OR part_of = $6)
                   AND ($7::bigint IS NULL OR at >= $7) AND ($8::bigint IS NULL OR at < $8)
                 ORDER BY audit_id DESC LIMIT $9) r
             ORDER BY r.audit_id DESC",
        )
        .bind(tenant.as_uuid())
        .bind(behind)
        .bind(last.unwrap_or(Uuid::nil()))
        .bind(filter.principal)
        .bind(filter.operation)
        .bind(filter.subject)
        .bind(filter.from.map(micros))
        .bind(filter.to.map(micros))
        .bind(i64::from(limit) + 1);
        let rows = self.rows(OPERATION, question).await?;
        let shown = &rows[..rows.len().min(limit as usize)];
        let mut page = AuditPage { rows: Vec::with_capacity(shown.len()), next: last };
        for row in shown {
            page.rows.push(self.audit_row(tenant, row, OPERATION).await?);
        }
        if rows.len() > shown.len() {
            page.next = page.rows.last().map(|row| row.id);
        }
        Ok(page)
    }

    async fn note_read(&self, act: &Act, tenant: &TenantId, read: NotedRead) -> Result<()> {
        let (act, tenant, operation) = (act.clone(), *tenant, read.operation());
        let subject = Subject(Some(tenant.as_uuid()), None);
        self.run(operation, &tenant, move |unit| {
            Box::pin(async move { note(unit, Some(&tenant), &act, operation, subject).await })
        })
        .await
    }
}

impl PostgresStorage {
    /// The row of a deed on a tenant, for a function that writes it itself.
    pub(super) async fn new_row(
        &self,
        act: &Act,
        tenant: &TenantId,
        operation: &'static str,
    ) -> Result<NewRow> {
        if act.address.is_none() {
            return Ok(NewRow::without_address());
        }
        let key = self.tenant_key(operation, tenant).await?;
        NewRow::of(act, tenant, &key, operation)
    }

    /// `audit_id, at, principal_kind, principal_id, by_platform, operation, subject, part_of, via, address, request_id,
    /// reason`
    async fn audit_row(&self, realm: &TenantId, row: &PgRow, operation: &'static str) -> Result<AuditRow> {
        let mut cells = Cells::of(row, operation);
        let (id, at) = (cells.id(|id| id)?, cells.time()?);
        let kind: &str = cells.take()?;
        let principal = Principal::from_parts(kind, cells.id(|id| id)?);
        let principal =
            principal.ok_or_else(|| cells.nonsense("a kind of principal that is not on its list"))?;
        let (by_platform, did) = (cells.take()?, cells.take()?);
        let (subject, part_of) = (cells.optional_id(|id| id)?, cells.optional_id(|id| id)?);
        let via = cells.named(Via::from_name)?;
        let sealed: Option<&[u8]> = cells.take()?;
        let address = match sealed {
            Some(sealed) => Some(self.open_address(realm, id, sealed, operation).await?),
            None => None,
        };
        let (request_id, reason) = (cells.take()?, cells.take()?);
        Ok(AuditRow {
            id,
            at,
            principal,
            by_platform,
            operation: did,
            subject,
            part_of,
            via,
            address,
            request_id,
            reason,
        })
    }

    async fn open_address(
        &self,
        realm: &TenantId,
        row: Uuid,
        sealed: &[u8],
        operation: &'static str,
    ) -> Result<std::net::IpAddr> {
        let open = |key: &DataKey| AuditSeal { key, realm: *realm }.open_address(row, sealed);
        let opened = if *realm == PLATFORM_REALM {
            open(self.vault().platform())
        } else {
            open(&*self.tenant_key(operation, realm).await?)
        };
        opened.map_err(|error| corrupt(operation, error))
    }
}
