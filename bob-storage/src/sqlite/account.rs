//! People.

use async_trait::async_trait;
use bob_core::account::{Account, Email, Membership, PLATFORM_REALM, PasswordHash, PlatformRole, TenantRole};
use bob_core::act::Act;
use bob_core::id::{AccountId, TenantId};
use bob_core::storage::{AccountStore, Result};
use bob_core::vault::Vault;

use super::audit::{Subject, note};
use super::error::{corrupt, failed};
use super::rows::{Cells, account, blob, micros};
use super::writer::Unit;
use super::{SqliteStorage, not_found};
use crate::seal::PersonSeal;

#[async_trait]
impl AccountStore for SqliteStorage {
    async fn create_account(&self, act: &Act, account: Account) -> Result<()> {
        const OPERATION: &str = "create_account";
        let (act, vault) = (act.clone(), self.shared_vault());
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    insert_account(unit, &act, &vault, &account).await?;
                    note(unit, None, &act, OPERATION, Subject(Some(account.id.as_uuid()), None)).await
                })
            })
            .await
    }

    async fn account_by_email(&self, email: &Email) -> Result<Option<Account>> {
        const OPERATION: &str = "account_by_email";
        let found = sqlx::query(
            "SELECT account_id, email, name, password, platform_role, disabled_at, generation, version
             FROM bob_accounts WHERE email_index = $1",
        )
        .bind(self.vault().email_index(email).to_vec())
        .fetch_optional(self.readers())
        .await
        .map_err(failed(OPERATION))?;
        found.map(|row| account(&row, self.vault().platform(), OPERATION)).transpose()
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>> {
        const OPERATION: &str = "account";
        let found = sqlx::query(
            "SELECT account_id, email, name, password, platform_role, disabled_at, generation, version
             FROM bob_accounts WHERE account_id = $1",
        )
        .bind(blob(id.as_uuid()))
        .fetch_optional(self.readers())
        .await
        .map_err(failed(OPERATION))?;
        found.map(|row| account(&row, self.vault().platform(), OPERATION)).transpose()
    }

    async fn has_platform_people(&self) -> Result<bool> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM bob_accounts WHERE platform_role IS NOT NULL)")
            .fetch_one(self.readers())
            .await
            .map_err(failed("has_platform_people"))
    }

    async fn set_password(&self, act: &Act, account: &AccountId, password: PasswordHash) -> Result<()> {
        const OPERATION: &str = "set_password";
        let (act, account) = (act.clone(), *account);
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    let update = sqlx::query(
                        "UPDATE bob_accounts
                         SET password = $2, generation = generation + 1, version = version + 1
                         WHERE account_id = $1",
                    )
                    .bind(blob(account.as_uuid()))
                    .bind(password.as_str().to_owned());
                    if unit.execute(update).await? == 0 {
                        return Err(not_found(OPERATION));
                    }
                    let settled = sqlx::query(
                        "DELETE FROM bob_links WHERE tenant_id = $1 AND account_id = $2 AND purpose = 'reset'",
                    )
                    .bind(blob(PLATFORM_REALM.as_uuid()))
                    .bind(blob(account.as_uuid()));
                    unit.execute(settled).await?;
                    note(unit, None, &act, OPERATION, Subject(Some(account.as_uuid()), None)).await
                })
            })
            .await
    }

    async fn memberships(&self, account: &AccountId) -> Result<Vec<Membership>> {
        const OPERATION: &str = "memberships";
        let rows = sqlx::query(
            "SELECT t.tenant_id, t.name, t.slug, m.role
             FROM bob_memberships m JOIN bob_tenants t ON t.tenant_id = m.tenant_id
             WHERE m.account_id = $1 AND m.disabled_at IS NULL
             ORDER BY t.name, t.tenant_id",
        )
        .bind(blob(account.as_uuid()))
        .fetch_all(self.readers())
        .await
        .map_err(failed(OPERATION))?;
        rows.iter()
            .map(|row| {
                let mut cells = Cells::of(row, OPERATION);
                Ok(Membership {
                    tenant: cells.id(TenantId::from_uuid)?,
                    tenant_name: cells.take()?,
                    tenant_slug: cells.parsed()?,
                    role: cells.named(TenantRole::from_name)?,
                })
            })
            .collect()
    }
}

/// Adds a person.
pub(super) async fn insert_account(
    unit: &mut Unit<'_>,
    act: &Act,
    vault: &Vault,
    account: &Account,
) -> Result<()> {
    let seal = PersonSeal { key: vault.platform(), account: account.id };
    let refused = |error| corrupt("insert_account", error);
    let insert = sqlx::query(
        "INSERT INTO bob_accounts (account_id, email_index, email, name, password, platform_role, disabled_at,
             created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(blob(account.id.as_uuid()))
    .bind(vault.email_index(&account.email).to_vec())
    .bind(seal.email(&account.email).map_err(refused)?)
    .bind(seal.name(&account.name).map_err(refused)?)
    .bind(account.password.as_ref().map(|password| password.as_str().to_owned()))
    .bind(account.platform_role.map(PlatformRole::as_str))
    .bind(account.disabled_at.map(micros))
    .bind(micros(act.at));
    unit.execute(insert).await?;
    Ok(())
}
