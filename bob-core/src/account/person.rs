//! Who is behind a request: a person, as whom they signed in, and what they may do right now.

use super::{
    Account, AccountKind, Email, Login, Membership, PLATFORM_REALM, PermissionSet, PlatformRole, TenantRole,
};
use crate::act::Principal;
use crate::id::{AccountId, LoginId, TenantId};

/// What a signed-in person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// On the platform.
    Platform(PlatformRole),
    /// In the business they signed in to.
    Tenant(TenantRole),
}

impl Role {
    /// The name used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform(role) => role.as_str(),
            Self::Tenant(role) => role.as_str(),
        }
    }

    /// What the role may do.
    #[must_use]
    pub fn permissions(self) -> PermissionSet {
        match self {
            Self::Platform(role) => role.permissions(),
            Self::Tenant(role) => role.permissions(),
        }
    }
}

/// A person who signed in, as they were at most 5 s ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their account.
    pub account: AccountId,
    /// Their address.
    pub email: Email,
    /// Their name.
    pub name: String,
    /// As whom they signed in.
    pub kind: AccountKind,
    /// The business they signed in to; `None` for platform people.
    pub tenant: Option<TenantId>,
    /// What they are there.
    pub role: Role,
    /// What they may do there.
    pub permissions: PermissionSet,
    /// Their sign-in.
    pub login: LoginId,
    /// All businesses they belong to, by name.
    pub memberships: Vec<Membership>,
}

impl Person {
    /// The person behind a sign-in; `None` when they were shut out, are nothing any more where they signed in to, or set
    /// another password since.
    #[must_use]
    pub fn behind(login: &Login, account: Account, memberships: Vec<Membership>) -> Option<Self> {
        if login.generation != account.generation {
            return None;
        }
        let role = role(login.kind, login.realm, &account, &memberships)?;
        Some(Self {
            account: account.id,
            email: account.email,
            name: account.name,
            kind: login.kind,
            tenant: (login.kind == AccountKind::Tenant).then_some(login.realm),
            role,
            permissions: role.permissions(),
            login: login.id,
            memberships,
        })
    }

    /// The realm their sign-in is kept under: the business, or [`PLATFORM_REALM`].
    #[must_use]
    pub fn realm(&self) -> TenantId {
        self.tenant.unwrap_or(PLATFORM_REALM)
    }

    /// What their deeds are recorded with.
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal::Account(self.account)
    }
}

/// What somebody is in a realm, if they are anything there.
pub(super) fn role(
    kind: AccountKind,
    realm: TenantId,
    account: &Account,
    memberships: &[Membership],
) -> Option<Role> {
    if account.disabled_at.is_some() {
        return None;
    }
    match kind {
        AccountKind::Platform if realm == PLATFORM_REALM => account.platform_role.map(Role::Platform),
        AccountKind::Platform => None,
        AccountKind::Tenant => {
            let membership = memberships.iter().find(|membership| membership.tenant == realm)?;
            Some(Role::Tenant(membership.role))
        }
    }
}
