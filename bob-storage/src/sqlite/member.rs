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
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::account::insert_account;
use super::audit::{Subject, note};
use super::error::{corrupt, failed};
use super::link::put_link;
use super::rows::{Cells, blob, micros};
use super::writer::Unit;
use super::{SqliteStorage, not_found};
use crate::seal::PersonSeal;

#[async_trait]
impl MemberStore for SqliteStorage {
    async fn members(&self, realm: &TenantId, after: Option<AccountId>, limit: u32) -> Result<Vec<Member>> {
        const OPERATION: &str = "members";
        let after = blob(after.map_or(Uuid::nil(), |after| after.as_uuid()));
        let question = if *realm == PLATFORM_REALM {
            sqlx::query(
                "SELECT account_id, email, name, NULL, platform_role, password IS NOT NULL,
                     disabled_at IS NOT NULL, version
                 FROM bob_accounts WHERE platform_role IS NOT NULL AND account_id > $1
                 ORDER BY account_id LIMIT $2",
            )
            .bind(after)
            .bind(i64::from(limit))
        } else {
            sqlx::query(
                "SELECT a.account_id, a.email, a.name, m.name, m.role, a.password IS NOT NULL,
                     a.disabled_at IS NOT NULL OR m.disabled_at IS NOT NULL, a.version + m.version
                 FROM bob_memberships m JOIN bob_accounts a ON a.account_id = m.account_id
                 WHERE m.tenant_id = $3 AND m.account_id > $1
                 ORDER BY m.account_id LIMIT $2",
            )
            .bind(after)
            .bind(i64::from(limit))
            .bind(blob(realm.as_uuid()))
        };
        let rows = question.fetch_all(self.readers()).await.map_err(failed(OPERATION))?;
        rows.iter().map(|row| read(row, realm, self.vault().platform(), OPERATION)).collect()
    }

    async fn member(&self, realm: &TenantId, account: &AccountId) -> Result<Member> {
        const OPERATION: &str = "member";
        let found = one(realm, account).fetch_optional(self.readers()).await.map_err(failed(OPERATION))?;
        let row = found.ok_or_else(|| not_found(OPERATION))?;
        read(&row, realm, self.vault().platform(), OPERATION)
    }

    async fn add_member(&self, act: &Act, realm: &TenantId, new: NewMember) -> Result<MemberAdded> {
        const OPERATION: &str = "add_member";
        let (act, realm, vault) = (act.clone(), *realm, self.shared_vault());
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    let of_tenant = tenant_role(&realm, new.role, OPERATION)?;
                    if realm != PLATFORM_REALM {
                        let find = sqlx::query("SELECT 1 FROM bob_tenants WHERE tenant_id = $1");
                        let found = unit.row(find.bind(blob(realm.as_uuid()))).await?;
                        found.ok_or_else(|| not_found(OPERATION))?;
                    }
                    let known = known(unit, &vault, &new).await?;
                    let account = known.unwrap_or(new.account);
                    if unit.row(one(&realm, &account)).await?.is_some() {
                        return Ok(MemberAdded::Already(account));
                    }
                    if !has_seat(unit, &realm, new.seats, OPERATION).await? {
                        return Ok(MemberAdded::NoSeat);
                    }
                    if known.is_none() {
                        let account = Account { id: account, ..Account::new(new.email.clone(), &new.name) };
                        insert_account(unit, &act, &vault, &account).await?;
                    }
                    insert_member(unit, &act, &vault, &realm, &account, &new, of_tenant).await?;
                    let row = unit.row(one(&realm, &account)).await?.ok_or_else(|| not_found(OPERATION))?;
                    let member = read(&row, &realm, vault.platform(), OPERATION)?;
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
        let (act, realm, account, vault) = (act.clone(), *realm, *account, self.shared_vault());
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    let member = expected(unit, &vault, &realm, &account, change.expected, OPERATION).await?;
                    let role = change.role.unwrap_or(member.role);
                    let of_tenant = tenant_role(&realm, role, OPERATION)?;
                    let is_shut_out = change.disabled == Some(true);
                    if (is_shut_out || !is_owner(role)) && is_last_owner(unit, &realm, &member).await? {
                        return Ok(MemberOutcome::LastOwner);
                    }
                    if of_tenant.is_none() && is_shut_out && owns_a_business_alone(unit, &account).await? {
                        return Ok(MemberOutcome::LastOwner);
                    }
                    update_member(unit, &act, &vault, &realm, &account, role, &change).await?;
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
        let (act, realm, account, vault) = (act.clone(), *realm, *account, self.shared_vault());
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    let member = expected(unit, &vault, &realm, &account, version, OPERATION).await?;
                    if is_last_owner(unit, &realm, &member).await? {
                        return Ok(MemberOutcome::LastOwner);
                    }
                    let remove = if realm == PLATFORM_REALM {
                        sqlx::query(
                            "UPDATE bob_accounts SET platform_role = NULL, version = version + 1
                             WHERE account_id = $2;
                             DELETE FROM bob_links
                             WHERE tenant_id = $1 AND account_id = $2 AND purpose = 'invitation'",
                        )
                    } else {
                        sqlx::query(
                            "DELETE FROM bob_memberships WHERE tenant_id = $1 AND account_id = $2;
                             DELETE FROM bob_links
                             WHERE tenant_id = $1 AND account_id = $2 AND purpose = 'invitation'",
                        )
                    };
                    let remove = remove.bind(blob(realm.as_uuid())).bind(blob(account.as_uuid()));
                    unit.execute(remove).await?;
                    end_logins(unit, &act, &realm, &account).await?;
                    note(unit, Some(&realm), &act, OPERATION, Subject(Some(account.as_uuid()), None)).await?;
                    Ok(MemberOutcome::Done)
                })
            })
            .await
    }

    async fn disable_account(&self, act: &Act, account: &AccountId, disabled: bool) -> Result<MemberOutcome> {
        const OPERATION: &str = "disable_account";
        let (act, account, vault) = (act.clone(), *account, self.shared_vault());
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    let find = sqlx::query("SELECT 1 FROM bob_accounts WHERE account_id = $1");
                    let found = unit.row(find.bind(blob(account.as_uuid()))).await?;
                    found.ok_or_else(|| not_found(OPERATION))?;
                    if disabled {
                        let on_platform = unit.row(one(&PLATFORM_REALM, &account)).await?;
                        let last = match on_platform {
                            Some(row) => {
                                let member = read(&row, &PLATFORM_REALM, vault.platform(), OPERATION)?;
                                is_last_owner(unit, &PLATFORM_REALM, &member).await?
                            }
                            None => false,
                        };
                        if last || owns_a_business_alone(unit, &account).await? {
                            return Ok(MemberOutcome::LastOwner);
                        }
                    }
                    set_disabled(unit, &act, &account, disabled).await?;
                    note(unit, None, &act, OPERATION, Subject(Some(account.as_uuid()), None)).await?;
                    Ok(MemberOutcome::Done)
                })
            })
            .await
    }
}

fn one(realm: &TenantId, account: &AccountId) -> super::writer::Query {
    let question = if *realm == PLATFORM_REALM {
        sqlx::query(
            "SELECT account_id, email, name, NULL, platform_role, password IS NOT NULL,
                 disabled_at IS NOT NULL, version
             FROM bob_accounts WHERE platform_role IS NOT NULL AND account_id = $1",
        )
    } else {
        sqlx::query(
            "SELECT a.account_id, a.email, a.name, m.name, m.role, a.password IS NOT NULL,
                 a.disabled_at IS NOT NULL OR m.disabled_at IS NOT NULL, a.version + m.version
             FROM bob_memberships m JOIN bob_accounts a ON a.account_id = m.account_id
             WHERE m.tenant_id = $2 AND m.account_id = $1",
        )
    };
    question.bind(blob(account.as_uuid())).bind(blob(realm.as_uuid()))
}

/// `account_id, email, own name, name here, role, has a password, is disabled, version`
fn read(row: &SqliteRow, realm: &TenantId, platform: &DataKey, operation: &'static str) -> Result<Member> {
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

/// The member, who must have the version that the caller expects.
async fn expected(
    unit: &mut Unit<'_>,
    vault: &Vault,
    realm: &TenantId,
    account: &AccountId,
    version: Option<u64>,
    operation: &'static str,
) -> Result<Member> {
    let row = unit.row(one(realm, account)).await?.ok_or_else(|| not_found(operation))?;
    let member = read(&row, realm, vault.platform(), operation)?;
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
        sqlx::query("SELECT count(*) FROM bob_memberships WHERE tenant_id = $1").bind(blob(realm.as_uuid()))
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
        unit.execute(set.bind(blob(account.as_uuid())).bind(new.role.as_str())).await?;
        return Ok(());
    };
    let seal = PersonSeal { key: vault.platform(), account: *account };
    let name = seal.member_name(realm, &new.name).map_err(|error| corrupt("add_member", error))?;
    let insert = sqlx::query(
        "INSERT INTO bob_memberships (tenant_id, account_id, role, name, created_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(blob(realm.as_uuid()))
    .bind(blob(account.as_uuid()))
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
        .bind(blob(account.as_uuid()))
        .bind(role.as_str())
        .bind(name)
    } else {
        let name = change.name.as_deref().map(|name| seal.member_name(realm, name));
        sqlx::query(
            "UPDATE bob_memberships
             SET role = $2, name = coalesce($3, name), version = version + 1,
                 disabled_at = CASE $5 WHEN 1 THEN coalesce(disabled_at, $6) WHEN 0 THEN NULL ELSE disabled_at END
             WHERE tenant_id = $4 AND account_id = $1",
        )
        .bind(blob(account.as_uuid()))
        .bind(role.as_str())
        .bind(name.transpose().map_err(refused)?)
        .bind(blob(realm.as_uuid()))
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
    .bind(blob(realm.as_uuid()))
    .bind(blob(account.as_uuid()))
    .bind(micros(act.at));
    unit.execute(end).await?;
    Ok(())
}

async fn set_disabled(unit: &mut Unit<'_>, act: &Act, account: &AccountId, disabled: bool) -> Result<()> {
    let set = sqlx::query(
        "UPDATE bob_accounts
         SET disabled_at = CASE WHEN $2 THEN coalesce(disabled_at, $3) END, generation = generation + $2,
             version = version + 1
         WHERE account_id = $1;
         DELETE FROM bob_links WHERE tenant_id = $4 AND account_id = $1 AND purpose = 'reset'",
    )
    .bind(blob(account.as_uuid()))
    .bind(disabled)
    .bind(micros(act.at))
    .bind(blob(PLATFORM_REALM.as_uuid()));
    unit.execute(set).await?;
    Ok(())
}

/// Whether somebody is an owner who can sign in, and nobody else is.
async fn is_last_owner(unit: &mut Unit<'_>, realm: &TenantId, member: &Member) -> Result<bool> {
    if !is_owner(member.role) || member.state != MemberState::Active {
        return Ok(false);
    }
    let others = if *realm == PLATFORM_REALM {
        sqlx::query(
            "SELECT 1 FROM bob_accounts
             WHERE platform_role = 'owner' AND account_id <> $1 AND disabled_at IS NULL AND password IS NOT NULL
             LIMIT 1",
        )
        .bind(blob(member.account.as_uuid()))
    } else {
        sqlx::query(
            "SELECT 1 FROM bob_memberships m JOIN bob_accounts a ON a.account_id = m.account_id
             WHERE m.tenant_id = $2 AND m.account_id <> $1 AND m.role = 'owner' AND m.disabled_at IS NULL
               AND a.disabled_at IS NULL AND a.password IS NOT NULL
             LIMIT 1",
        )
        .bind(blob(member.account.as_uuid()))
        .bind(blob(realm.as_uuid()))
    };
    Ok(unit.row(others).await?.is_none())
}

/// Whether somebody is the last owner who can sign in of any business.
async fn owns_a_business_alone(unit: &mut Unit<'_>, account: &AccountId) -> Result<bool> {
    let alone = sqlx::query(
        "SELECT 1 FROM bob_memberships mine JOIN bob_accounts me ON me.account_id = mine.account_id
         WHERE mine.account_id = $1 AND mine.role = 'owner' AND mine.disabled_at IS NULL
           AND me.disabled_at IS NULL AND me.password IS NOT NULL
           AND NOT EXISTS (
               SELECT 1 FROM bob_memberships m JOIN bob_accounts a ON a.account_id = m.account_id
               WHERE m.tenant_id = mine.tenant_id AND m.account_id <> $1 AND m.role = 'owner'
                 AND m.disabled_at IS NULL AND a.disabled_at IS NULL AND a.password IS NOT NULL)
         LIMIT 1",
    );
    Ok(unit.row(alone.bind(blob(account.as_uuid()))).await?.is_some())
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
