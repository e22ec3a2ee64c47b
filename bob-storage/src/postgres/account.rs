//! People.

use async_trait::async_trait;
use bob_core::account::{Account, Email, Membership, PLATFORM_REALM, PasswordHash, PlatformRole, TenantRole};
use bob_core::act::Act;
use bob_core::id::{AccountId, TenantId};
use bob_core::storage::{AccountStore, Result};
use jiff::Timestamp;

use super::audit::{Subject, note};
use super::keys::sealed;
use super::rows::{Cells, account, micros};
use super::unit::Unit;
use super::{PostgresStorage, not_found};
use crate::seal::PersonSeal;

#[async_trait]
impl AccountStore for PostgresStorage {
    async fn create_account(&self, act: &Act, account: Account) -> Result<()> {
        const OPERATION: &str = "create_account";
        let act = act.clone();
        let person = self.seal_person(OPERATION, &account)?;
        self.run(OPERATION, &PLATFORM_REALM, move |unit| {
            Box::pin(async move {
                insert_account(unit, &act, &person).await?;
                note(unit, None, &act, OPERATION, Subject(Some(person.id.as_uuid()), None)).await
            })
        })
        .await
    }

    async fn account_by_email(&self, email: &Email) -> Result<Option<Account>> {
        const OPERATION: &str = "account_by_email";
        let question = sqlx::query(
            "SELECT account_id, email, name, password, platform_role, disabled_at, generation, version
             FROM bob_accounts WHERE email_index = $1",
        )
        .bind(self.vault().email_index(email).to_vec());
        let found = self.row(OPERATION, question).await?;
        found.map(|row| account(&row, self.vault().platform(), OPERATION)).transpose()
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>> {
        const OPERATION: &str = "account";
        let question = sqlx::query(
            "SELECT account_id, email, name, password, platform_role, disabled_at, generation, version
             FROM bob_accounts WHERE account_id = $1",
        )
        .bind(id.as_uuid());
        let found = self.row(OPERATION, question).await?;
        found.map(|row| account(&row, self.vault().platform(), OPERATION)).transpose()
    }

    async fn has_platform_people(&self) -> Result<bool> {
        const OPERATION: &str = "has_platform_people";
        let question = sqlx::query("SELECT 1 FROM bob_accounts WHERE platform_role IS NOT NULL LIMIT 1");
        Ok(self.row(OPERATION, question).await?.is_some())
    }

    async fn set_password(&self, act: &Act, account: &AccountId, password: PasswordHash) -> Result<()> {
        const OPERATION: &str = "set_password";
        let (act, account) = (act.clone(), *account);
        self.run(OPERATION, &PLATFORM_REALM, move |unit| {
            Box::pin(async move {
                let update = sqlx::query(
                    "UPDATE bob_accounts
                     SET password = $2, generation = generation + 1, version = version + 1
                     WHERE account_id = $1",
                )
                .bind(account.as_uuid())
                .bind(password.as_str().to_owned());
                if unit.execute(update).await? == 0 {
                    return Err(not_found(OPERATION));
                }
                let settled = sqlx::query(
                    "DELETE FROM bob_links WHERE tenant_id = $1 AND account_id = $2 AND purpose = 'reset'",
                )
                .bind(PLATFORM_REALM.as_uuid())
                .bind(account.as_uuid());
                unit.execute(settled).await?;
                note(unit, None, &act, OPERATION, Subject(Some(account.as_uuid()), None)).await
            })
        })
        .await
    }

    async fn memberships(&self, account: &AccountId) -> Result<Vec<Membership>> {
        const OPERATION: &str = "memberships";
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.worker', 'directory', true) AS worker OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT t.tenant_id, t.name, t.slug, m.role
                 FROM bob_memberships m JOIN bob_tenants t ON t.tenant_id = m.tenant_id
                 WHERE m.account_id = $1 AND m.disabled_at IS NULL AND f.worker = 'directory'
                 OFFSET 0) r
             ORDER BY r.name, r.tenant_id",
        )
        .bind(account.as_uuid());
        let rows = self.rows(OPERATION, question).await?;
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

/// A person as they are stored.
pub(super) struct SealedPerson {
    pub(super) id: AccountId,
    pub(super) email_index: [u8; 32],
    email: Vec<u8>,
    name: Vec<u8>,
    password: Option<PasswordHash>,
    platform_role: Option<PlatformRole>,
    disabled_at: Option<Timestamp>,
}

impl PostgresStorage {
    /// Seals what a person is known by.
    pub(super) fn seal_person(&self, operation: &'static str, account: &Account) -> Result<SealedPerson> {
        let seal = PersonSeal { key: self.vault().platform(), account: account.id };
        Ok(SealedPerson {
            id: account.id,
            email_index: self.vault().email_index(&account.email),
            email: seal.email(&account.email).map_err(sealed(operation))?,
            name: seal.name(&account.name).map_err(sealed(operation))?,
            password: account.password.clone(),
            platform_role: account.platform_role,
            disabled_at: account.disabled_at,
        })
    }
}

/// Adds a person.
pub(super) async fn insert_account(unit: &mut Unit<'_>, act: &Act, person: &SealedPerson) -> Result<()> {
    let insert = sqlx::query(
        "INSERT INTO bob_accounts (account_id, email_index, email, name, password, platform_role, disabled_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(person.id.as_uuid())
    .bind(person.email_index.as_slice())
    .bind(person.email.as_slice())
    .bind(person.name.as_slice())
    .bind(person.password.as_ref().map(PasswordHash::as_str))
    .bind(person.platform_role.map(PlatformRole::as_str))
    .bind(person.disabled_at.map(micros))
    .bind(micros(act.at));
    unit.execute(insert).await?;
    Ok(())
}
