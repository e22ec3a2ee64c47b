//! Keys: reading the wrapped ones, and wrapping them anew.

use std::sync::Arc;

use async_trait::async_trait;
use bob_core::account::PLATFORM_REALM;
use bob_core::act::Act;
use bob_core::id::{TenantId, VisitorId};
use bob_core::keyring::{Keyring, KeyringError};
use bob_core::storage::{KeyStore, Result, StorageError};
use bob_core::vault::Vault;
use jiff::Timestamp;
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::audit::{Subject, note};
use super::error::{corrupt, failed};
use super::rows::{Cells, blob, micros};
use super::writer::{Query, Unit};
use super::{SqliteStorage, not_found};
use crate::error::{OpenError, OpenErrorKind};
use crate::seal::{TenantSeal, VisitorSeal, kind_of_keyring};

/// How many keys are looked at together when keys are wrapped anew.
const PAGE: i64 = 1_000;

/// Opens the vault with the platform's key; founds one if there is none yet and it may be made, which no other process may do meanwhile.
pub(super) async fn open_vault(
    connection: &mut SqliteConnection,
    keyring: Arc<dyn Keyring>,
    may_found: bool,
) -> std::result::Result<Vault, OpenError> {
    let platform = blob(PLATFORM_REALM.as_uuid());
    let known: Option<Vec<u8>> = sqlx::query_scalar("SELECT wrapped FROM bob_keys WHERE tenant_id = $1")
        .bind(&platform)
        .fetch_optional(&mut *connection)
        .await?;
    let wrapped = match known {
        Some(wrapped) => wrapped,
        None if !may_found => return Err(OpenError::because(OpenErrorKind::Missing, "it has no key yet")),
        None => {
            let wrapped = Vault::found(&*keyring).await?;
            sqlx::query("INSERT INTO bob_keys (tenant_id, wrapped, changed_at) VALUES ($1, $2, $3)")
                .bind(&platform)
                .bind(&wrapped)
                .bind(micros(Timestamp::now()))
                .execute(&mut *connection)
                .await?;
            wrapped
        }
    };
    Ok(Vault::open(keyring, &wrapped).await?)
}

/// Stores the key of a new tenant.
pub(super) async fn insert_key(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    wrapped: Vec<u8>,
) -> Result<()> {
    let insert = sqlx::query("INSERT INTO bob_keys (tenant_id, wrapped, changed_at) VALUES ($1, $2, $3)")
        .bind(blob(tenant.as_uuid()))
        .bind(wrapped)
        .bind(micros(act.at));
    unit.execute(insert).await?;
    Ok(())
}

/// Asks for a visitor and their key.
pub(super) fn key_of(tenant: &TenantId, visitor: &VisitorId) -> Query {
    sqlx::query("SELECT visitor_id, key FROM bob_visitors WHERE tenant_id = $1 AND visitor_id = $2")
        .bind(blob(tenant.as_uuid()))
        .bind(blob(visitor.as_uuid()))
}

impl SqliteStorage {
    /// What the keys of a tenant's visitors are opened with; the tenant is there if this is.
    pub(super) async fn tenant_seal(&self, tenant: &TenantId, operation: &'static str) -> Result<TenantSeal> {
        if let Some(key) = self.vault().tenant_key(tenant) {
            return Ok(TenantSeal { tenant: *tenant, key });
        }
        let found = sqlx::query("SELECT wrapped FROM bob_keys WHERE tenant_id = $1")
            .bind(blob(tenant.as_uuid()))
            .fetch_optional(self.readers())
            .await
            .map_err(failed(operation))?;
        // The platform's own key belongs to no tenant.
        let row = found.filter(|_| *tenant != PLATFORM_REALM).ok_or_else(|| not_found(operation))?;
        let wrapped = Cells::of(&row, operation).take()?;
        let key = self.vault().unlock_tenant(tenant, wrapped).await.map_err(refused(operation))?;
        Ok(TenantSeal { tenant: *tenant, key })
    }

    /// The seal of a visitor whose key is remembered.
    pub(super) fn remembered_seal(&self, tenant: &TenantId, visitor: &VisitorId) -> Option<VisitorSeal> {
        let key = self.vault().visitor_key(tenant, visitor)?;
        Some(VisitorSeal { tenant: *tenant, visitor: *visitor, key })
    }

    /// The seal of a visitor whose key stands in a row that was read; remembered from now on.
    pub(super) async fn stored_seal(
        &self,
        tenant: &TenantId,
        visitor: VisitorId,
        wrapped: Option<&[u8]>,
        operation: &'static str,
    ) -> Result<VisitorSeal> {
        let wrapped = wrapped.ok_or_else(|| corrupt(operation, "the visitor's key is gone"))?;
        if let Some(seal) =
            self.remembered_seal(tenant, &visitor).filter(|seal| seal.key.wrapped() == wrapped)
        {
            return Ok(seal);
        }
        let opened = self.tenant_seal(tenant, operation).await?.visitor(visitor, wrapped);
        let seal = opened.map_err(|error| corrupt(operation, error))?;
        self.remember(&seal);
        Ok(seal)
    }

    /// Remembers a key that is known to be the stored one.
    pub(super) fn remember(&self, seal: &VisitorSeal) {
        self.vault().remember_visitor(&seal.tenant, &seal.visitor, Arc::clone(&seal.key));
    }
}

#[async_trait]
impl KeyStore for SqliteStorage {
    async fn rewrap_keys(&self, act: &Act, limit: u32) -> Result<u32> {
        const OPERATION: &str = "rewrap_keys";
        let act = act.clone();
        let changes = self.keys_to_change(limit, OPERATION).await?;
        if changes.is_empty() {
            return Ok(0);
        }
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    let mut changed = 0;
                    for (tenant, was, wrapped) in changes {
                        let update = sqlx::query(
                            "UPDATE bob_keys SET wrapped = $3, changed_at = $4
                             WHERE tenant_id = $1 AND wrapped = $2",
                        )
                        .bind(blob(tenant.as_uuid()))
                        .bind(was)
                        .bind(wrapped)
                        .bind(micros(act.at));
                        // Another node may have been faster.
                        if unit.execute(update).await? == 1 {
                            let subject = Subject(Some(tenant.as_uuid()), None);
                            note(unit, Some(&tenant), &act, OPERATION, subject).await?;
                            changed += 1;
                        }
                    }
                    Ok(changed)
                })
            })
            .await
    }
}

/// A tenant, its key as it is stored, and as it is to be.
type Change = (TenantId, Vec<u8>, Vec<u8>);

impl SqliteStorage {
    /// At most `limit` keys that are not wrapped by the current key-encryption key.
    async fn keys_to_change(&self, limit: u32, operation: &'static str) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        let mut after: Option<Uuid> = None;
        loop {
            let page = sqlx::query(
                "SELECT tenant_id, wrapped FROM bob_keys WHERE tenant_id > $1 ORDER BY tenant_id LIMIT $2 + 0",
            )
            .bind(after.map(blob).unwrap_or_default())
            .bind(PAGE)
            .fetch_all(self.readers())
            .await
            .map_err(failed(operation))?;
            for row in &page {
                let mut cells = Cells::of(row, operation);
                let tenant = cells.id(TenantId::from_uuid)?;
                after = Some(tenant.as_uuid());
                let was: &[u8] = cells.take()?;
                if changes.len() == limit as usize {
                    return Ok(changes);
                }
                let wrapped = self.vault().rewrap(&tenant, was).await.map_err(refused(operation))?;
                changes.extend(wrapped.map(|wrapped| (tenant, was.to_vec(), wrapped)));
            }
            if page.is_empty() {
                return Ok(changes);
            }
        }
    }
}

/// Names the operation for which a key could not be had.
pub(super) fn refused(operation: &'static str) -> impl FnOnce(KeyringError) -> StorageError {
    move |error| StorageError::because(kind_of_keyring(error.kind()), operation, error)
}
