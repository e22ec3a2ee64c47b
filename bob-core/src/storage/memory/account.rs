//! People and sign-ins in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryStorage;
use super::world::{LoginRow, Subject};
use crate::account::{
    Account, Email, LinkPurpose, Login, Membership, PLATFORM_REALM, PasswordHash, RefreshOutcome,
};
use crate::act::Act;
use crate::id::{AccountId, LoginId, TenantId};
use crate::storage::{AccountStore, LoginStore, Result, StorageError, StorageErrorKind};

#[async_trait]
impl AccountStore for MemoryStorage {
    async fn create_account(&self, act: &Act, account: Account) -> Result<()> {
        const OPERATION: &str = "create_account";
        let mut world = self.world();
        if world.accounts.values().any(|known| known.email == account.email || known.id == account.id) {
            return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
        }
        let subject = Subject(Some(account.id.as_uuid()), None);
        world.accounts.insert(account.id, account);
        world.record_on(None, OPERATION, act, subject);
        Ok(())
    }

    async fn account_by_email(&self, email: &Email) -> Result<Option<Account>> {
        Ok(self.world().accounts.values().find(|account| account.email == *email).cloned())
    }

    async fn account(&self, account: &AccountId) -> Result<Option<Account>> {
        Ok(self.world().accounts.get(account).cloned())
    }

    async fn has_platform_people(&self) -> Result<bool> {
        Ok(self.world().accounts.values().any(|account| account.platform_role.is_some()))
    }

    async fn set_password(&self, act: &Act, account: &AccountId, password: PasswordHash) -> Result<()> {
        const OPERATION: &str = "set_password";
        let mut world = self.world();
        let found = world.accounts.get_mut(account);
        let found = found.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, OPERATION))?;
        found.password = Some(password);
        found.generation += 1;
        found.version += 1;
        world.links.remove(&(PLATFORM_REALM, *account, LinkPurpose::Reset));
        world.record_on(None, OPERATION, act, Subject(Some(account.as_uuid()), None));
        Ok(())
    }

    async fn memberships(&self, account: &AccountId) -> Result<Vec<Membership>> {
        let world = self.world();
        let of_account =
            world.members.iter().filter(|row| row.account == *account && row.disabled_at.is_none());
        let mut memberships: Vec<_> = of_account
            .filter_map(|row| {
                let tenant = &world.tenants.get(&row.tenant)?.tenant;
                Some(Membership {
                    tenant: tenant.id,
                    tenant_name: tenant.name.clone(),
                    tenant_slug: tenant.slug.clone(),
                    role: row.role,
                })
            })
            .collect();
        memberships.sort_by(|a, b| (&a.tenant_name, a.tenant).cmp(&(&b.tenant_name, b.tenant)));
        Ok(memberships)
    }
}

#[async_trait]
impl LoginStore for MemoryStorage {
    async fn open_login(&self, act: &Act, login: Login, refresh: [u8; 32]) -> Result<()> {
        let mut world = self.world();
        let row = LoginRow { login, refresh: HashMap::from([(refresh, false)]) };
        world.logins.insert((login.realm, login.id), row);
        let subject = Subject(Some(login.id.as_uuid()), Some(login.account.as_uuid()));
        world.record_on(Some(&login.realm), "open_login", act, subject);
        Ok(())
    }

    async fn login(&self, realm: &TenantId, login: &LoginId) -> Result<Option<Login>> {
        Ok(self.world().logins.get(&(*realm, *login)).map(|row| row.login))
    }

    async fn touch_login(&self, realm: &TenantId, login: &LoginId, idle_until: Timestamp) -> Result<()> {
        let mut world = self.world();
        match world.logins.get_mut(&(*realm, *login)) {
            Some(row) if row.login.ended_at.is_none() => {
                row.login.idle_until = idle_until;
                Ok(())
            }
            _ => Err(StorageError::new(StorageErrorKind::NotFound, "touch_login")),
        }
    }

    async fn rotate_refresh(
        &self,
        act: &Act,
        realm: &TenantId,
        login: &LoginId,
        used: [u8; 32],
        next: [u8; 32],
    ) -> Result<RefreshOutcome> {
        let mut world = self.world();
        let Some(row) = world.logins.get_mut(&(*realm, *login)) else { return Ok(RefreshOutcome::Unknown) };
        if !row.login.is_live(act.at) {
            return Ok(RefreshOutcome::Unknown);
        }
        let outcome = match row.refresh.get_mut(&used) {
            None => return Ok(RefreshOutcome::Unknown),
            Some(true) => {
                row.login.ended_at = Some(act.at);
                RefreshOutcome::Reused
            }
            Some(fresh) => {
                *fresh = true;
                row.refresh.insert(next, false);
                RefreshOutcome::Rotated
            }
        };
        world.record_on(Some(realm), "rotate_refresh", act, Subject(Some(login.as_uuid()), None));
        Ok(outcome)
    }

    async fn end_login(&self, act: &Act, realm: &TenantId, login: &LoginId) -> Result<()> {
        let mut world = self.world();
        let row = world.logins.get_mut(&(*realm, *login));
        if let Some(row) = row.filter(|row| row.login.ended_at.is_none()) {
            row.login.ended_at = Some(act.at);
            world.record_on(Some(realm), "end_login", act, Subject(Some(login.as_uuid()), None));
        }
        Ok(())
    }

    async fn logins_of(
        &self,
        realm: &TenantId,
        account: &AccountId,
        now: Timestamp,
        before: Option<LoginId>,
        limit: u32,
    ) -> Result<Vec<Login>> {
        let world = self.world();
        let all = world.logins.values().map(|row| row.login);
        let mut found: Vec<_> = all
            .filter(|login| login.realm == *realm && login.account == *account && login.is_live(now))
            .filter(|login| before.is_none_or(|before| login.id < before))
            .collect();
        found.sort_by_key(|login| std::cmp::Reverse(login.id));
        found.truncate(limit as usize);
        Ok(found)
    }

    async fn end_other_logins(
        &self,
        act: &Act,
        realm: &TenantId,
        account: &AccountId,
        kept: &LoginId,
    ) -> Result<Vec<LoginId>> {
        let mut world = self.world();
        let others = world.logins.values_mut().map(|row| &mut row.login).filter(|login| {
            login.realm == *realm && login.account == *account && login.id != *kept && login.is_live(act.at)
        });
        let mut ended = Vec::new();
        for login in others {
            login.ended_at = Some(act.at);
            ended.push(login.id);
        }
        if !ended.is_empty() {
            let subject = Subject(None, Some(account.as_uuid()));
            world.record_on(Some(realm), "end_other_logins", act, subject);
        }
        Ok(ended)
    }
}
