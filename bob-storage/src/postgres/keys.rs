//! Keys: the wrapped ones of tenants and visitors, unwrapped by the vault.

use std::sync::Arc;

use async_trait::async_trait;
use bob_core::account::PLATFORM_REALM;
use bob_core::act::Act;
use bob_core::id::{TenantId, VisitorId};
use bob_core::keyring::KeyringError;
use bob_core::storage::{KeyStore, Result, StorageError};
use bob_core::vault::{DataKey, VaultError, VisitorKey};
use uuid::Uuid;

use super::audit::{Subject, note};
use super::error::corrupt;
use super::rows::{Cells, micros};
use super::{PostgresStorage, not_found};
use crate::seal::{TenantSeal, VisitorSeal, kind_of_keyring};

/// How many wrapped keys are looked at in one go.
const PAGE: i64 = 500;

/// Names the operation that a key could not be had for.
pub(super) fn locked(operation: &'static str) -> impl FnOnce(KeyringError) -> StorageError {
    move |error| StorageError::because(kind_of_keyring(error.kind()), operation, error)
}

/// Names the operation that met content which does not open.
pub(super) fn sealed(operation: &'static str) -> impl FnOnce(VaultError) -> StorageError {
    move |error| corrupt(operation, error)
}

impl PostgresStorage {
    /// A tenant's key.
    pub(super) async fn tenant_key(
        &self,
        operation: &'static str,
        tenant: &TenantId,
    ) -> Result<Arc<DataKey>> {
        if let Some(known) = self.vault().tenant_key(tenant) {
            return Ok(known);
        }
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (SELECT wrapped FROM bob_keys WHERE tenant_id = f.tenant OFFSET 0) r",
        )
        .bind(tenant.as_uuid());
        let row = self.row(operation, question).await?.ok_or_else(|| not_found(operation))?;
        let wrapped: &[u8] = Cells::of(&row, operation).take()?;
        self.vault().unlock_tenant(tenant, wrapped).await.map_err(locked(operation))
    }

    /// What the keys of a tenant's visitors are opened with; the tenant is there if this is.
    pub(super) async fn tenant_seal(&self, tenant: &TenantId, operation: &'static str) -> Result<TenantSeal> {
        Ok(TenantSeal { tenant: *tenant, key: self.tenant_key(operation, tenant).await? })
    }

    /// A visitor's key as it is stored; `None` for one who has none yet.
    pub(super) async fn visitor_seal(
        &self,
        operation: &'static str,
        tenant: &TenantId,
        visitor: &VisitorId,
    ) -> Result<Option<VisitorSeal>> {
        if let Some(key) = self.vault().visitor_key(tenant, visitor) {
            return Ok(Some(VisitorSeal { tenant: *tenant, visitor: *visitor, key }));
        }
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT key FROM bob_visitors WHERE tenant_id = f.tenant AND visitor_id = $2 OFFSET 0) r",
        )
        .bind(tenant.as_uuid())
        .bind(visitor.as_uuid());
        match self.row(operation, question).await? {
            Some(row) => {
                let wrapped = Cells::of(&row, operation).take()?;
                self.open_visitor(operation, tenant, visitor, wrapped).await.map(Some)
            }
            None => Ok(None),
        }
    }

    /// Unwraps a visitor's stored key and remembers it.
    pub(super) async fn open_visitor(
        &self,
        operation: &'static str,
        tenant: &TenantId,
        visitor: &VisitorId,
        wrapped: &[u8],
    ) -> Result<VisitorSeal> {
        let tenant_key = self.tenant_key(operation, tenant).await?;
        let key = VisitorKey::open(&tenant_key, tenant, visitor, wrapped).map_err(sealed(operation))?;
        self.vault().remember_visitor(tenant, visitor, Arc::clone(&key));
        Ok(VisitorSeal { tenant: *tenant, visitor: *visitor, key })
    }

    /// A key for a visitor who has none, to be remembered once it is stored.
    pub(super) async fn new_visitor(
        &self,
        operation: &'static str,
        tenant: &TenantId,
        visitor: &VisitorId,
    ) -> Result<VisitorSeal> {
        let tenant_key = self.tenant_key(operation, tenant).await?;
        let key = VisitorKey::make(&tenant_key, tenant, visitor).map_err(sealed(operation))?;
        Ok(VisitorSeal { tenant: *tenant, visitor: *visitor, key })
    }
}

#[async_trait]
impl KeyStore for PostgresStorage {
    async fn rewrap_keys(&self, act: &Act, limit: u32) -> Result<u32> {
        const OPERATION: &str = "rewrap_keys";
        let (mut behind, mut done) = (None::<Uuid>, 0);
        loop {
            let question = sqlx::query(
                "SELECT r.* FROM (SELECT set_config('bob.worker', 'keys', true) AS worker OFFSET 0) f
                 CROSS JOIN LATERAL (
                     SELECT tenant_id, wrapped FROM bob_keys
                     WHERE f.worker = 'keys' AND ($1::uuid IS NULL OR tenant_id > $1)
                     ORDER BY tenant_id LIMIT $2) r
                 ORDER BY r.tenant_id",
            )
            .bind(behind)
            .bind(PAGE);
            let page = self.rows(OPERATION, question).await?;
            for row in &page {
                let mut cells = Cells::of(row, OPERATION);
                let tenant = cells.id(TenantId::from_uuid)?;
                let wrapped: Vec<u8> = cells.take()?;
                behind = Some(tenant.as_uuid());
                if done == limit {
                    return Ok(done);
                }
                let Some(anew) = self.vault().rewrap(&tenant, &wrapped).await.map_err(locked(OPERATION))?
                else {
                    continue;
                };
                done += u32::from(self.replace_key(act, &tenant, wrapped, anew).await?);
            }
            if page.is_empty() {
                return Ok(done);
            }
        }
    }
}

impl PostgresStorage {
    /// Puts a wrapped key in the place of the one it was made from; `false` when another node was faster.
    async fn replace_key(&self, act: &Act, tenant: &TenantId, old: Vec<u8>, new: Vec<u8>) -> Result<bool> {
        const OPERATION: &str = "rewrap_keys";
        let (act, tenant) = (act.clone(), *tenant);
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                let update = sqlx::query(
                    "UPDATE bob_keys SET wrapped = $3, changed_at = $4 WHERE tenant_id = $1 AND wrapped = $2",
                )
                .bind(tenant.as_uuid())
                .bind(old)
                .bind(new)
                .bind(micros(act.at));
                if unit.execute(update).await? == 0 {
                    return Ok(false);
                }
                let noted = Some(&tenant).filter(|tenant| **tenant != PLATFORM_REALM);
                note(unit, noted, &act, OPERATION, Subject(Some(tenant.as_uuid()), None)).await?;
                Ok(true)
            })
        })
        .await
    }
}
