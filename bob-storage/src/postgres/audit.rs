//! Who did what: one row for each change, in the change's own transaction.

use bob_core::account::PLATFORM_REALM;
use bob_core::act::Act;
use bob_core::id::TenantId;
use bob_core::storage::Result;
use uuid::Uuid;

use super::rows::micros;
use super::unit::Unit;

/// What was changed, and what that belongs to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Subject(pub(super) Option<Uuid>, pub(super) Option<Uuid>);

/// A new row's identifier; later ones sort behind earlier ones.
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
    let insert = sqlx::query(
        "INSERT INTO bob_audit (tenant_id, audit_id, at, principal_kind, principal_id, request_id, reason,
             operation, subject, part_of)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(tenant.unwrap_or(&PLATFORM_REALM).as_uuid())
    .bind(new_id())
    .bind(micros(act.at))
    .bind(act.principal.kind())
    .bind(act.principal.id())
    .bind(act.request_id.clone())
    .bind(act.reason.clone())
    .bind(operation)
    .bind(subject.0)
    .bind(subject.1);
    unit.execute(insert).await?;
    Ok(())
}
