//! The settings of identities.

use async_trait::async_trait;
use bob_core::act::Act;
use bob_core::id::TenantId;
use bob_core::identity::{IdentityChange, IdentityChanged, IdentitySettings};
use bob_core::storage::{IdentityStore, Result, StorageError, StorageErrorKind};

use super::audit::{Subject, note};
use super::error::corrupt;
use super::rows::{Cells, count, micros};
use super::tenant::bump;
use super::unit::Unit;
use super::{PostgresStorage, not_found};
use crate::record;
use crate::seal::TenantSeal;

#[async_trait]
impl IdentityStore for PostgresStorage {
    async fn change_identity(
        &self,
        act: &Act,
        tenant: &TenantId,
        expected: Option<u64>,
        change: IdentityChange,
    ) -> Result<IdentityChanged> {
        const OPERATION: &str = "change_identity";
        let (act, tenant) = (act.clone(), *tenant);
        let seal = self.tenant_seal(&tenant, OPERATION).await?;
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                hold_tenant(unit, &tenant, OPERATION).await?;
                let known = sqlx::query("SELECT settings FROM bob_identity_settings WHERE tenant_id = $1")
                    .bind(tenant.as_uuid());
                let known = match unit.row(known).await? {
                    Some(row) => open(&seal, Cells::of(&row, OPERATION).take()?, OPERATION)?,
                    None => IdentitySettings::default(),
                };
                if expected.is_some_and(|expected| expected != known.version) {
                    return Err(StorageError::new(StorageErrorKind::Stale, OPERATION));
                }
                let recorded = change.operation();
                let next = match known.after(change) {
                    Ok(next) => next,
                    Err(refused) => return Ok(IdentityChanged::Refused(refused)),
                };
                let upsert = sqlx::query(
                    "INSERT INTO bob_identity_settings (tenant_id, version, settings, changed_at)
                     VALUES ($1, $2, $3, $4)
                     ON CONFLICT (tenant_id) DO UPDATE
                     SET version = excluded.version, settings = excluded.settings,
                         changed_at = excluded.changed_at",
                )
                .bind(tenant.as_uuid())
                .bind(count(next.version))
                .bind(sealed(&seal, &next, OPERATION)?)
                .bind(micros(act.at));
                unit.execute(upsert).await?;
                bump(unit, &tenant, OPERATION).await?;
                let subject = Subject(Some(tenant.as_uuid()), None);
                note(unit, Some(&tenant), &act, recorded, subject).await?;
                Ok(IdentityChanged::Changed(next))
            })
        })
        .await
    }
}

/// Holds the tenant's row to the end of the transaction: one at a time of those who do.
pub(super) async fn hold_tenant(
    unit: &mut Unit<'_>,
    tenant: &TenantId,
    operation: &'static str,
) -> Result<()> {
    let hold = sqlx::query("SELECT 1 FROM bob_tenants WHERE tenant_id = $1 FOR NO KEY UPDATE")
        .bind(tenant.as_uuid());
    unit.row(hold).await?.map(|_| ()).ok_or_else(|| not_found(operation))
}

/// Opens settings.
pub(super) fn open(seal: &TenantSeal, sealed: &[u8], operation: &'static str) -> Result<IdentitySettings> {
    let json = seal.open_identity_settings(sealed).map_err(|error| corrupt(operation, error))?;
    record::identity_settings(&json).map_err(|error| corrupt(operation, error))
}

fn sealed(seal: &TenantSeal, settings: &IdentitySettings, operation: &'static str) -> Result<Vec<u8>> {
    let json = record::of_identity_settings(settings).map_err(|error| corrupt(operation, error))?;
    seal.identity_settings(&json).map_err(|error| corrupt(operation, error))
}
