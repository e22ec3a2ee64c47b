//! The people of businesses and of the platform in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryStorage;
use super::link::LinkRow;
use super::world::{MemberRow, Subject, World};
use crate::account::{
    Account, LinkPurpose, Member, MemberAdded, MemberChange, MemberOutcome, MemberState, NewMember,
    PLATFORM_REALM, PlatformRole, Role, TenantRole,
};
use crate::act::Act;
use crate::id::{AccountId, TenantId};
use crate::pricebook::Allowance;
use crate::storage::{MemberStore, Result, StorageError, StorageErrorKind};

#[async_trait]
impl MemberStore for MemoryStorage {
    async fn members(&self, realm: &TenantId, after: Option<AccountId>, limit: u32) -> Result<Vec<Member>> {
        let world = self.world();
        let all: BTreeMap<AccountId, Member> =
            world.accounts.keys().filter_map(|id| Some((*id, world.member(realm, id)?))).collect();
        let behind = all.into_values().filter(|member| after.is_none_or(|after| member.account > after));
        Ok(behind.take(limit as usize).collect())
    }

    async fn member(&self, realm: &TenantId, account: &AccountId) -> Result<Member> {
        self.world().member(realm, account).ok_or_else(|| failed(StorageErrorKind::NotFound, "member"))
    }

    async fn add_member(&self, act: &Act, realm: &TenantId, new: NewMember) -> Result<MemberAdded> {
        const OPERATION: &str = "add_member";
        let mut world = self.world();
        if *realm != PLATFORM_REALM {
            world.shop(OPERATION, realm)?;
        }
        let known = world.accounts.values().find(|known| known.email == new.email).map(|known| known.id);
        let id = known.unwrap_or(new.account);
        if world.member(realm, &id).is_some() {
            return Ok(MemberAdded::Already(id));
        }
        let taken = world.accounts.keys().filter(|id| world.member(realm, id).is_some()).count();
        if let Allowance::UpTo(seats) = new.seats
            && taken >= seats as usize
        {
            return Ok(MemberAdded::NoSeat);
        }
        let (of_tenant, of_platform) = roles(realm, new.role, OPERATION)?;
        let account =
            world.accounts.entry(id).or_insert_with(|| Account { id, ..Account::new(new.email, &new.name) });
        if of_platform.is_some() {
            account.platform_role = of_platform;
            account.version += 1;
        }
        if let Some(role) = of_tenant {
            let row = MemberRow { name: Some(new.name), ..MemberRow::new(*realm, id, role) };
            world.members.push(row);
        }
        let member = world.member(realm, &id).expect("was just added");
        if member.state == MemberState::Invited {
            let row = LinkRow { hash: new.invitation, made_at: act.at, expires_at: new.expires_at };
            world.links.insert((*realm, id, LinkPurpose::Invitation), row);
        }
        world.record_on(Some(realm), OPERATION, act, Subject(Some(id.as_uuid()), None));
        Ok(MemberAdded::Added(Box::new(member)))
    }

    async fn change_member(
        &self,
        act: &Act,
        realm: &TenantId,
        account: &AccountId,
        change: MemberChange,
    ) -> Result<MemberOutcome> {
        const OPERATION: &str = "change_member";
        let mut world = self.world();
        let member = world.expected_member(realm, account, change.expected, OPERATION)?;
        let (of_tenant, of_platform) = roles(realm, change.role.unwrap_or(member.role), OPERATION)?;
        let stays_owner = is_owner(change.role.unwrap_or(member.role)) && change.disabled != Some(true);
        if !stays_owner && world.is_last_owner(realm, account) {
            return Ok(MemberOutcome::LastOwner);
        }
        if *realm == PLATFORM_REALM {
            if change.disabled == Some(true) && world.owns_a_business_alone(account) {
                return Ok(MemberOutcome::LastOwner);
            }
            let account = world.accounts.get_mut(account).expect("a member has an account");
            account.platform_role = of_platform;
            account.name = change.name.unwrap_or_else(|| account.name.clone());
            account.version += 1;
        } else {
            let row = world.members.iter_mut().find(|row| row.tenant == *realm && row.account == *account);
            let row = row.expect("the member is one of the business");
            row.role = of_tenant.unwrap_or(row.role);
            row.name = change.name.or_else(|| row.name.clone());
            row.version += 1;
            row.disabled_at = match change.disabled {
                Some(true) => row.disabled_at.or(Some(act.at)),
                Some(false) => None,
                None => row.disabled_at,
            };
        }
        match change.disabled {
            Some(disabled) if *realm == PLATFORM_REALM => world.set_disabled(act, account, disabled),
            Some(true) => world.end_logins(act, realm, account),
            _ => {}
        }
        world.record_on(Some(realm), OPERATION, act, Subject(Some(account.as_uuid()), None));
        Ok(MemberOutcome::Done)
    }

    async fn remove_member(
        &self,
        act: &Act,
        realm: &TenantId,
        account: &AccountId,
        expected: Option<u64>,
    ) -> Result<MemberOutcome> {
        const OPERATION: &str = "remove_member";
        let mut world = self.world();
        world.expected_member(realm, account, expected, OPERATION)?;
        if world.is_last_owner(realm, account) {
            return Ok(MemberOutcome::LastOwner);
        }
        if *realm == PLATFORM_REALM {
            let account = world.accounts.get_mut(account).expect("a member has an account");
            account.platform_role = None;
            account.version += 1;
        }
        world.members.retain(|row| row.tenant != *realm || row.account != *account);
        world.links.remove(&(*realm, *account, LinkPurpose::Invitation));
        world.end_logins(act, realm, account);
        world.record_on(Some(realm), OPERATION, act, Subject(Some(account.as_uuid()), None));
        Ok(MemberOutcome::Done)
    }

    async fn disable_account(&self, act: &Act, account: &AccountId, disabled: bool) -> Result<MemberOutcome> {
        const OPERATION: &str = "disable_account";
        let mut world = self.world();
        if !world.accounts.contains_key(account) {
            return Err(failed(StorageErrorKind::NotFound, OPERATION));
        }
        let alone = world.is_last_owner(&PLATFORM_REALM, account) || world.owns_a_business_alone(account);
        if disabled && alone {
            return Ok(MemberOutcome::LastOwner);
        }
        world.set_disabled(act, account, disabled);
        world.record_on(None, OPERATION, act, Subject(Some(account.as_uuid()), None));
        Ok(MemberOutcome::Done)
    }
}

impl World {
    /// One of the people of a realm.
    pub(super) fn member(&self, realm: &TenantId, account: &AccountId) -> Option<Member> {
        let account = self.accounts.get(account)?;
        let of = |role, name: &str, disabled, version| Member {
            account: account.id,
            email: account.email.clone(),
            name: name.to_owned(),
            role,
            state: MemberState::of(account.password.is_some(), disabled || account.disabled_at.is_some()),
            version: version + account.version,
        };
        if *realm == PLATFORM_REALM {
            return account.platform_role.map(|role| of(Role::Platform(role), &account.name, false, 0));
        }
        let row = self.members.iter().find(|row| row.tenant == *realm && row.account == account.id)?;
        let name = row.name.as_deref().unwrap_or(&account.name);
        Some(of(Role::Tenant(row.role), name, row.disabled_at.is_some(), row.version))
    }

    fn expected_member(
        &self,
        realm: &TenantId,
        account: &AccountId,
        expected: Option<u64>,
        operation: &'static str,
    ) -> Result<Member> {
        let member = self.member(realm, account);
        let member = member.ok_or_else(|| failed(StorageErrorKind::NotFound, operation))?;
        if expected.is_some_and(|expected| expected != member.version) {
            return Err(failed(StorageErrorKind::Stale, operation));
        }
        Ok(member)
    }

    /// Whether somebody is an owner who can sign in, and nobody else is.
    fn is_last_owner(&self, realm: &TenantId, account: &AccountId) -> bool {
        let is_able = |id: &AccountId| {
            self.member(realm, id)
                .is_some_and(|member| is_owner(member.role) && member.state == MemberState::Active)
        };
        is_able(account) && !self.accounts.keys().any(|other| other != account && is_able(other))
    }

    fn owns_a_business_alone(&self, account: &AccountId) -> bool {
        self.tenants.keys().any(|tenant| self.is_last_owner(tenant, account))
    }

    fn set_disabled(&mut self, act: &Act, account: &AccountId, disabled: bool) {
        let Some(found) = self.accounts.get_mut(account) else { return };
        found.version += 1;
        if disabled {
            found.disabled_at.get_or_insert(act.at);
            found.generation += 1;
        } else {
            found.disabled_at = None;
        }
        self.links.remove(&(PLATFORM_REALM, *account, LinkPurpose::Reset));
    }

    fn end_logins(&mut self, act: &Act, realm: &TenantId, account: &AccountId) {
        let theirs =
            |row: &&mut super::world::LoginRow| row.login.realm == *realm && row.login.account == *account;
        for row in self.logins.values_mut().filter(theirs) {
            row.login.ended_at.get_or_insert(act.at);
        }
    }
}

fn is_owner(role: Role) -> bool {
    matches!(role, Role::Tenant(TenantRole::Owner) | Role::Platform(PlatformRole::Owner))
}

/// The role as one of the realm's kind.
fn roles(
    realm: &TenantId,
    role: Role,
    operation: &'static str,
) -> Result<(Option<TenantRole>, Option<PlatformRole>)> {
    match role {
        Role::Platform(role) if *realm == PLATFORM_REALM => Ok((None, Some(role))),
        Role::Tenant(role) if *realm != PLATFORM_REALM => Ok((Some(role), None)),
        _ => Err(failed(StorageErrorKind::Conflict, operation)),
    }
}

fn failed(kind: StorageErrorKind, operation: &'static str) -> StorageError {
    StorageError::new(kind, operation)
}
