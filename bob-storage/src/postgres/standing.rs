//! Closing a tenant's doors, opening them, and deleting what is to go.

use bob_core::account::PLATFORM_REALM;
use bob_core::act::Act;
use bob_core::id::TenantId;
use bob_core::storage::{Result, StorageError, StorageErrorKind};
use bob_core::tenant::{Standing, StandingChange, Suspension};

use super::audit::{Subject, note};
use super::not_found;
use super::rows::{Cells, micros};
use super::tenant::bump;
use super::unit::Unit;
use crate::erase::{ITSELF, TABLES, deletion};

/// `suspended_at, suspended_reason, deletes_at`
pub(super) fn read(cells: &mut Cells<'_>) -> Result<Standing> {
    let (since, reason) = (cells.optional_time()?, cells.take::<Option<String>>()?);
    let suspended = since.map(|since| Suspension { since, reason: reason.unwrap_or_default() });
    Ok(Standing { suspended, deletes_at: cells.optional_time()? })
}

async fn find(unit: &mut Unit<'_>, tenant: &TenantId, operation: &'static str) -> Result<Standing> {
    let find = sqlx::query(
        "SELECT suspended_at, suspended_reason, deletes_at FROM bob_tenants WHERE tenant_id = $1 FOR UPDATE",
    )
    .bind(tenant.as_uuid());
    let row = unit.row(find).await?.ok_or_else(|| not_found(operation))?;
    read(&mut Cells::of(&row, operation))
}

/// Changes how a tenant stands, unless it stands so already.
pub(super) async fn change(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    change: StandingChange,
) -> Result<Standing> {
    let operation = change.operation();
    let was = find(unit, tenant, operation).await?;
    if was.is_gone(act.at) {
        return Err(StorageError::new(StorageErrorKind::Conflict, operation));
    }
    let standing = was.after(change, act);
    if standing == was {
        return Ok(standing);
    }
    let update = sqlx::query(
        "UPDATE bob_tenants SET suspended_at = $2, suspended_reason = $3, deletes_at = $4, revision = revision + 1
         WHERE tenant_id = $1",
    )
    .bind(tenant.as_uuid())
    .bind(standing.suspended.as_ref().map(|suspended| micros(suspended.since)))
    .bind(standing.suspended.as_ref().map(|suspended| suspended.reason.as_str()))
    .bind(standing.deletes_at.map(micros));
    unit.execute(update).await?;
    bump(unit, tenant, operation).await?;
    note(unit, Some(tenant), act, operation, Subject(Some(tenant.as_uuid()), None)).await?;
    Ok(standing)
}

/// Deletes the key, or else at most so many rows of each table, and answers whether there may be more.
pub(super) async fn erase(unit: &mut Unit<'_>, act: &Act, tenant: &TenantId, rows: u32) -> Result<bool> {
    const OPERATION: &str = "erase_tenant";
    if !find(unit, tenant, OPERATION).await?.is_gone(act.at) {
        return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
    }
    let lock = sqlx::query("DELETE FROM bob_keys WHERE tenant_id = $1").bind(tenant.as_uuid());
    if unit.execute(lock).await? > 0 {
        note_on_platform(unit, act, OPERATION, tenant).await?;
        return Ok(true);
    }
    for (table, key) in TABLES {
        let delete = sqlx::query(deletion(table, key)).bind(tenant.as_uuid()).bind(i64::from(rows));
        if unit.execute(delete).await? >= u64::from(rows) && key != ITSELF {
            return Ok(true);
        }
    }
    note_on_platform(unit, act, "tenant_erased", tenant).await?;
    Ok(false)
}

/// Notes a deed on the platform; last in its transaction, which sees the platform's rows from then on.
async fn note_on_platform(
    unit: &mut Unit<'_>,
    act: &Act,
    operation: &'static str,
    tenant: &TenantId,
) -> Result<()> {
    let see =
        sqlx::query("SELECT set_config('bob.tenant', $1::uuid::text, true)").bind(PLATFORM_REALM.as_uuid());
    unit.row(see).await?;
    note(unit, None, act, operation, Subject(Some(tenant.as_uuid()), None)).await
}
