//! The people of businesses and of the platform.

use async_trait::async_trait;
use bob_core::account::{
    Account, LinkPurpose, Member, MemberAdded, MemberChange, MemberOutcome, MemberState, NewLink, NewMember,
    PLATFORM_REALM, PlatformRole, Role, TenantRole,
};
use bob_core::act::Act;
use bob_core::id::{AccountId, TenantId};
use bob_core::pricebook::Allowance;
use bob_core::storage::{MemberStore, Result, StorageError, StorageErrorKind};
use bob_core::vault::{DataKey, Vault};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::account::insert_account;
use super::audit::{Subject, note};
use super::error::corrupt;
use super::link::put_link;
use super::rows::{Cells, micros};
use super::unit::{Query, Unit};
use super::{PostgresStorage, not_found};
use crate::seal::PersonSeal;

#[async_trait]
impl MemberStore for PostgresStorage {
    async fn members(&self, realm: &TenantId, after: Option<AccountId>, limit: u32) -> Result<Vec<Member>> {
        const OPERATION: &str = "members";
        let after = after.map_or(Uuid::nil(), |after| after.as_uuid());
        let question = if *realm == PLATFORM_REALM {
            sqlx::query(
                "SELECT account_id, email, name, NULL::bytea, platform_role, password IS NOT NULL,
                     disabled_at IS NOT NULL, version
                 FROM bob_accounts WHERE platform_role IS NOT NULL AND account_id > $1
                 ORDER BY account_id LIMIT $2",
            )
            .bind(after)
            .bind(i64::from(limit))
        } else {
            sqlx::query(
                "SELECT r.* FROM (SELECT set_config('bob.tenant', $3::uuid::text, true)::uuid AS tenant OFFSET 0) f
                 CROSS JOIN LATERAL (
                     SELECT a.account_id, a.email, a.name, m.name, m.role, a.password IS NOT NULL,
                         a.disabled_at IS NOT NULL OR m.disabled_at IS NOT NULL, a.version + m.version
                     FROM bob_memberships m JOIN bob_accounts a ON a.account_id = m.account_id
                     WHERE m.tenant_id = f.tenant AND m.account_id > $1
                     ORDER BY m.account_id LIMIT $2) r
                 ORDER BY r.account_id",
            )
            .bind(after)
            .bind(i64::from(limit))
            .bind(realm.as_uuid())
        };
        let rows = self.rows(OPERATION, question).await?;
        rows.iter().map(|row| read(row, realm, self.vault().platform(), OPERATION)).collect()
    }

    async fn member(&self, realm: &TenantId, account: &AccountId) -> Result<Member> {
        const OPERATION: &str = "member";
        let (storage, realm, account) = (self.clone(), *realm, *account);
        self.at_one_moment(OPERATION, &realm, move |unit| {
            Box::pin(async move { present(unit, storage.vault(), &realm, &account, OPERATION).await })
        })
        .await
    }

    async fn add_member(&self, act: &Act, realm: &TenantId, new: NewMember) -> Result<MemberAdded> {
        const OPERATION: &str = "add_member";
        let (act, realm, storage) = (act.clone(), *realm, self.clone());
        self.run(OPERATION, &realm, move |unit| {
            Box::pin(async move {
                let of_tenant = tenant_role(&realm, new.role, OPERATION)?;
                lock(unit, &realm, OPERATION).await?;
                let known = known(unit, storage.vault(), &new).await?;
                if let Some(account) = known
                    && unit.row(one(&realm, &account)).await?.is_some()
                {
                    return Ok(MemberAdded::Already(account));
                }
                if !has_seat(unit, &realm, new.seats, OPERATION).await? {
                    return Ok(MemberAdded::NoSeat);
                }
                let account = match known {
                    Some(account) => account,
                    None => {
                        let account =
                            Account { id: new.account, ..Account::new(new.email.clone(), &new.name) };
                        insert_account(unit, &act, &storage.seal_person(OPERATION, &account)?).await?;
                        new.account
                    }
                };
                insert_member(unit, &act, storage.vault(), &realm, &account, &new, of_tenant).await?;
                let member = present(unit, storage.vault(), &realm, &account, OPERATION).await?;
                if member.state == MemberState::Invited {
                    let link = NewLink {
                        purpose: LinkPurpose::Invitation,
                        realm,
                        account,
                        hash: new.invitation,
                        expires_at: new.expires_at,
                        spares_since: None,
                    };
                    put_link(unit, &act, &link).await?;
                }
                note(unit, Some(&realm), &act, OPERATION, Subject(Some(account.as_uuid()), None)).await?;
                Ok(MemberAdded::Added(Box::new(member)))
            })
        })
        .await
    }

    async fn change_member(
        &self,
        act: &Act,
        realm: &TenantId,
        account: &AccountId,
        change: MemberChange,
    ) -> Result<MemberOutcome> {
        const OPERATION: &str = "change_member";
        let (act, realm, account, storage) = (act.clone(), *realm, *account, self.clone());
        self.run(OPERATION, &realm, move |unit| {
            Box::pin(async move {
                let vault = storage.vault();
                lock(unit, &realm, OPERATION).await?;
                let member = expected(unit, vault, &realm, &account, change.expected, OPERATION).await?;
                let role = change.role.unwrap_or(member.role);
                let of_tenant = tenant_role(&realm, role, OPERATION)?;
                let is_shut_out = change.disabled == Some(true);
                if (is_shut_out || !is_owner(role)) && is_last_owner(unit, &realm, &account).await? {
                    return Ok(MemberOutcome::LastOwner);
                }
                if of_tenant.is_none()
                    && is_shut_out
                    && owns_a_business_alone(unit, &account, OPERATION).await?
                {
                    return Ok(MemberOutcome::LastOwner);
                }
                update_member(unit, &act, vault, &realm, &account, role, &change).await?;
                match change.disabled {
                    Some(disabled) if of_tenant.is_none() => {
                        set_disabled(unit, &act, &account, disabled).await?;
                    }
                    Some(true) => end_logins(unit, &act, &realm, &account).await?,
                    _ => {}
                }
                note(unit, Some(&realm), &act, OPERATION, Subject(Some(account.as_uuid()), None)).await?;
                Ok(MemberOutcome::Done)
            })
        })
        .await
    }

    async fn remove_member(
        &self,
        act: &Act,
        realm: &TenantId,
        account: &AccountId,
        version: Option<u64>,
    ) -> Result<MemberOutcome> {
        const OPERATION: &str = "remove_member";
        let (act, realm, account, storage) = (act.clone(), *realm, *account, self.clone());
        self.run(OPERATION, &realm, move |unit| {
            Box::pin(async move {
                lock(unit, &realm, OPERATION).await?;
                expected(unit, storage.vault(), &realm, &account, version, OPERATION).await?;
                if is_last_owner(unit, &realm, &account).await? {
                    return Ok(MemberOutcome::LastOwner);
                }
                let remove = if realm == PLATFORM_REALM {
                    sqlx::query(
                        "UPDATE bob_accounts SET platform_role = NULL, version = version + 1
                         WHERE account_id = $1",
                    )
                    .bind(account.as_uuid())
                } else {
                    sqlx::query("DELETE FROM bob_memberships WHERE account_id = $1 AND tenant_id = $2")
                        .bind(account.as_uuid())
                        .bind(realm.as_uuid())
                };
                unit.execute(remove).await?;
                let uninvite = sqlx::query(
                    "DELETE FROM bob_links WHERE tenant_id = $1 AND account_id = $2 AND purpose = 'invitation'",
                )
                .bind(realm.as_uuid())
                .bind(account.as_uuid());
                unit.execute(uninvite).await?;
                end_logins(unit, &act, &realm, &account).await?;
                note(unit, Some(&realm), &act, OPERATION, Subject(Some(account.as_uuid()), None)).await?;
                Ok(MemberOutcome::Done)
            })
        })
        .await
    }

    async fn disable_account(&self, act: &Act, account: &AccountId, disabled: bool) -> Result<MemberOutcome> {
        const OPERATION: &str = "disable_account";
        let (act, account) = (act.clone(), *account);
        self.run(OPERATION, &PLATFORM_REALM, move |unit| {
            Box::pin(async move {
                lock(unit, &PLATFORM_REALM, OPERATION).await?;
                let find = sqlx::query("SELECT 1 FROM bob_accounts WHERE account_id = $1");
                let found = unit.row(find.bind(account.as_uuid())).await?;
                found.ok_or_else(|| not_found(OPERATION))?;
                if disabled
                    && (is_last_owner(unit, &PLATFORM_REALM, &account).await?
                        || owns_a_business_alone(unit, &account, OPERATION).await?)
                {
                    return Ok(MemberOutcome::LastOwner);
                }
                set_disabled(unit, &act, &account, disabled).await?;
                note(unit, None, &act, OPERATION, Subject(Some(account.as_uuid()), None)).await?;
                Ok(MemberOutcome::Done)
            })
        })
        .await
    }
}

/// Lets changes to the people of one realm wait for each other: by its key, which every realm has.
async fn lock(unit: &mut Unit<'_>, realm: &TenantId, operation: &'static str) -> Result<()> {
    let lock = sqlx::query("SELECT 1 FROM bob_keys WHERE tenant_id = $1 FOR UPDATE").bind(realm.as_uuid());
    unit.row(lock).await?.map(drop).ok_or_else(|| not_found(operation))
}

/// From now on the transaction sees another realm.
async fn turn_to(unit: &mut Unit<'_>, realm: &TenantId) -> Result<()> {
    let set = sqlx::query("SELECT set_config('bob.tenant', $1::uuid::text, true)").bind(realm.as_uuid());
    unit.execute(set).await.map(drop)
}

fn one(realm: &TenantId, account: &AccountId) -> Query<'static> {
    if *realm == PLATFORM_REALM {
        sqlx::query(
            "SELECT account_id, email, name, NULL::bytea, platform_role, password IS NOT NULL,
                 disabled_at IS NOT NULL, version
             FROM bob_accounts WHERE platform_role IS NOT NULL AND account_id = $1",
        )
        .bind(account.as_uuid())
    } else {
        sqlx::query(
            "SELECT a.account_id, a.email, a.name, m.name, m.role, a.password IS NOT NULL,
                 a.disabled_at IS NOT NULL OR m.disabled_at IS NOT NULL, a.version + m.version
             FROM bob_memberships m JOIN bob_accounts a ON a.account_id = m.account_id
             WHERE m.tenant_id = $2 AND m.account_id = $1",
        )
        .bind(account.as_uuid())
        .bind(realm.as_uuid())
    }
}

/// `account_id, email, own name, name here, role, has a password, is disabled, version`
fn read(row: &PgRow, realm: &TenantId, platform: &DataKey, operation: &'static str) -> Result<Member> {
    let mut cells = Cells::of(row, operation);
    let account = cells.id(AccountId::from_uuid)?;
    let seal = PersonSeal { key: platform, account };
    let unreadable = |error| corrupt(operation, error);
    let email = seal.open_email(cells.take()?).map_err(unreadable)?;
    let (own, here): (&[u8], Option<&[u8]>) = (cells.take()?, cells.take()?);
    let name = match here {
        Some(here) => seal.open_member_name(realm, here),
        None => seal.open_name(own),
    };
    let role = if *realm == PLATFORM_REALM {
        Role::Platform(cells.named(PlatformRole::from_name)?)
    } else {
        Role::Tenant(cells.named(TenantRole::from_name)?)
    };
    let (has_password, disabled) = (cells.take()?, cells.take()?);
    Ok(Member {
        account,
        email,
        name: name.map_err(unreadable)?,
        role,
        state: MemberState::of(has_password, disabled),
        version: cells.number()?,
    })
}

async fn present(
    unit: &mut Unit<'_>,
    vault: &Vault,
    realm: &TenantId,
    account: &AccountId,
    operation: &'static str,
) -> Result<Member> {
    let row = unit.row(one(realm, account)).await?.ok_or_else(|| not_found(operation))?;
    read(&row, realm, vault.platform(), operation)
}

/// The member, who must have the version that the caller expects.
async fn expected(
    unit: &mut Unit<'_>,
    vault: &Vault,
    realm: &TenantId,
    account: &AccountId,
    version: Option<u64>,
    operation: &'static str,
) -> Result<Member> {
    let member = present(unit, vault, realm, account, operation).await?;
    if version.is_some_and(|version| version != member.version) {
        return Err(StorageError::new(StorageErrorKind::Stale, operation));
    }
    Ok(member)
}

/// The account that the address has.
async fn known(unit: &mut Unit<'_>, vault: &Vault, new: &NewMember) -> Result<Option<AccountId>> {
    let find = sqlx::query("SELECT account_id FROM bob_accounts WHERE email_index = $1")
        .bind(vault.email_index(&new.email).to_vec());
    let found = unit.row(find).await?;
    found.map(|row| Cells::of(&row, "add_member").id(AccountId::from_uuid)).transpose()
}

async fn has_seat(
    unit: &mut Unit<'_>,
    realm: &TenantId,
    seats: Allowance,
    operation: &'static str,
) -> Result<bool> {
    let Allowance::UpTo(seats) = seats else { return Ok(true) };
    let count = if *realm == PLATFORM_REALM {
        sqlx::query("SELECT count(*) FROM bob_accounts WHERE platform_role IS NOT NULL")
    } else {
        sqlx::query("SELECT count(*) FROM bob_memberships WHERE tenant_id = $1").bind(realm.as_uuid())
    };
    let row = unit.row(count).await?.ok_or_else(|| not_found(operation))?;
    let taken: i64 = Cells::of(&row, operation).take()?;
    Ok(taken < i64::from(seats))
}

async fn insert_member(
    unit: &mut Unit<'_>,
    act: &Act,
    vault: &Vault,
    realm: &TenantId,
    account: &AccountId,
    new: &NewMember,
    of_tenant: Option<TenantRole>,
) -> Result<()> {
    let Some(role) = of_tenant else {
        let set = sqlx::query(
            "UPDATE bob_accounts SET platform_role = $2, version = version + 1 WHERE account_id = $1",
        );
        unit.execute(set.bind(account.as_uuid()).bind(new.role.as_str())).await?;
        return Ok(());
    };
    let seal = PersonSeal { key: vault.platform(), account: *account };
    let name = seal.member_name(realm, &new.name).map_err(|error| corrupt("add_member", error))?;
    let insert = sqlx::query(
        "INSERT INTO bob_memberships (tenant_id, account_id, role, name, created_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(realm.as_uuid())
    .bind(account.as_uuid())
    .bind(role.as_str())
    .bind(name)
    .bind(micros(act.at));
    unit.execute(insert).await?;
    Ok(())
}

async fn update_member(
    unit: &mut Unit<'_>,
    act: &Act,
    vault: &Vault,
    realm: &TenantId,
    account: &AccountId,
    role: Role,
    change: &MemberChange,
) -> Result<()> {
    let seal = PersonSeal { key: vault.platform(), account: *account };
    let refused = |error| corrupt("change_member", error);
    let update = if *realm == PLATFORM_REALM {
        let name = change.name.as_deref().map(|name| seal.name(name)).transpose().map_err(refused)?;
        sqlx::query(
            "UPDATE bob_accounts SET platform_role = $2, name = coalesce($3, name), version = version + 1
             WHERE account_id = $1",
        )
        .bind(account.as_uuid())
        .bind(role.as_str())
        .bind(name)
    } else {
        let name = change.name.as_deref().map(|name| seal.member_name(realm, name));
        sqlx::query(
            "UPDATE bob_memberships
             SET role = $2, name = coalesce($3, name), version = version + 1,
                 disabled_at = CASE $5::bigint
                     WHEN 1 THEN coalesce(disabled_at, $6::bigint) WHEN 0 THEN NULL ELSE disabled_at END
             WHERE tenant_id = $4 AND account_id = $1",
        )
        .bind(account.as_uuid())
        .bind(role.as_str())
        .bind(name.transpose().map_err(refused)?)
        .bind(realm.as_uuid())
        .bind(change.disabled.map(i64::from))
        .bind(micros(act.at))
    };
    unit.execute(update).await?;
    Ok(())
}

/// Ends somebody's sign-ins to a realm.
async fn end_logins(unit: &mut Unit<'_>, act: &Act, realm: &TenantId, account: &AccountId) -> Result<()> {
    let end = sqlx::query(
        "UPDATE bob_logins SET ended_at = $3 WHERE tenant_id = $1 AND account_id = $2 AND ended_at IS NULL",
    )
    .bind(realm.as_uuid())
    .bind(account.as_uuid())
    .bind(micros(act.at));
    unit.execute(end).await?;
    Ok(())
}

/// In a transaction that sees the platform.
async fn set_disabled(unit: &mut Unit<'_>, act: &Act, account: &AccountId, disabled: bool) -> Result<()> {
    let set = sqlx::query(
        "UPDATE bob_accounts
         SET disabled_at = CASE WHEN $2 THEN coalesce(disabled_at, $3) END,
             generation = generation + CASE WHEN $2 THEN 1 ELSE 0 END, version = version + 1
         WHERE account_id = $1",
    )
    .bind(account.as_uuid())
    .bind(disabled)
    .bind(micros(act.at));
    unit.execute(set).await?;
    let unlink =
        sqlx::query("DELETE FROM bob_links WHERE tenant_id = $1 AND account_id = $2 AND purpose = 'reset'")
            .bind(PLATFORM_REALM.as_uuid())
            .bind(account.as_uuid());
    unit.execute(unlink).await?;
    Ok(())
}

/// Whether somebody is an owner who can sign in, and nobody else is. The realm is locked.
async fn is_last_owner(unit: &mut Unit<'_>, realm: &TenantId, account: &AccountId) -> Result<bool> {
    let owners = if *realm == PLATFORM_REALM {
        sqlx::query(
            "SELECT account_id = $1 FROM bob_accounts
             WHERE platform_role = 'owner' AND disabled_at IS NULL AND password IS NOT NULL",
        )
        .bind(account.as_uuid())
    } else {
        sqlx::query(
            "SELECT m.account_id = $1 FROM bob_memberships m JOIN bob_accounts a ON a.account_id = m.account_id
             WHERE m.tenant_id = $2 AND m.role = 'owner' AND m.disabled_at IS NULL AND a.disabled_at IS NULL
               AND a.password IS NOT NULL",
        )
        .bind(account.as_uuid())
        .bind(realm.as_uuid())
    };
    let owners = unit.rows(owners).await?;
    let mut them = owners.iter().map(|row| Cells::of(row, "is_last_owner").take::<bool>());
    Ok(match (them.next().transpose()?, them.next()) {
        (Some(is_them), None) => is_them,
        _ => false,
    })
}

/// Whether somebody is the last owner who can sign in of any business; locks all businesses that they own.
async fn owns_a_business_alone(
    unit: &mut Unit<'_>,
    account: &AccountId,
    operation: &'static str,
) -> Result<bool> {
    let theirs = sqlx::query(
        "SELECT r.* FROM (SELECT set_config('bob.worker', 'directory', true) AS worker OFFSET 0) f
         CROSS JOIN LATERAL (
             SELECT tenant_id FROM bob_memberships
             WHERE account_id = $1 AND role = 'owner' AND f.worker = 'directory' OFFSET 0) r
         ORDER BY r.tenant_id",
    );
    let rows = unit.rows(theirs.bind(account.as_uuid())).await?;
    let reset = sqlx::query("SELECT set_config('bob.worker', '', true)");
    unit.execute(reset).await?;
    let mut alone = false;
    for row in &rows {
        let tenant = Cells::of(row, operation).id(TenantId::from_uuid)?;
        turn_to(unit, &tenant).await?;
        lock(unit, &tenant, operation).await?;
        alone = alone || is_last_owner(unit, &tenant, account).await?;
    }
    turn_to(unit, &PLATFORM_REALM).await?;
    Ok(alone)
}

fn is_owner(role: Role) -> bool {
    matches!(role, Role::Tenant(TenantRole::Owner) | Role::Platform(PlatformRole::Owner))
}

/// The role as a business has it; none on the platform.
fn tenant_role(realm: &TenantId, role: Role, operation: &'static str) -> Result<Option<TenantRole>> {
    match role {
        Role::Platform(_) if *realm == PLATFORM_REALM => Ok(None),
        Role::Tenant(role) if *realm != PLATFORM_REALM => Ok(Some(role)),
        _ => Err(StorageError::new(StorageErrorKind::Conflict, operation)),
    }
}
