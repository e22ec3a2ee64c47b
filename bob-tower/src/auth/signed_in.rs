//! Who signed in, to Bob or to the host around it.

use bob_core::account::{AccountKind, PermissionSet, Person};
use bob_core::act::Principal;
use bob_core::id::{AccountId, TenantId};

use crate::host_principal::HostPrincipal;

/// Somebody who signed in.
#[derive(Debug)]
pub(crate) struct SignedIn {
    /// By whom their conversations and what they take over are known; the host's identifier for the host's people.
    pub(crate) account: AccountId,
    /// What others see of them.
    pub(crate) name: String,
    /// As whom they signed in.
    pub(crate) kind: AccountKind,
    /// Their business; `None` for platform people.
    pub(crate) tenant: Option<TenantId>,
    /// What they may do, by their role or as the host said.
    pub(crate) permissions: PermissionSet,
    principal: Principal,
    own: Option<Box<Person>>,
}

impl SignedIn {
    /// What their deeds are recorded with.
    pub(crate) fn principal(&self) -> Principal {
        self.principal
    }

    /// The person of Bob's own; `None` for the host's people.
    pub(crate) fn own(&self) -> Option<&Person> {
        self.own.as_deref()
    }

    pub(crate) fn is_of_platform(&self) -> bool {
        self.kind == AccountKind::Platform
    }
}

impl From<Person> for SignedIn {
    fn from(person: Person) -> Self {
        Self {
            account: person.account,
            name: person.name.clone(),
            kind: person.kind,
            tenant: person.tenant,
            permissions: person.permissions,
            principal: person.principal(),
            own: Some(Box::new(person)),
        }
    }
}

impl From<&HostPrincipal> for SignedIn {
    fn from(host: &HostPrincipal) -> Self {
        Self {
            account: AccountId::from_uuid(host.id),
            name: host.name.clone(),
            kind: host.tenant.map_or(AccountKind::Platform, |_| AccountKind::Tenant),
            tenant: host.tenant,
            permissions: host.permissions,
            principal: Principal::Host(host.id),
            own: None,
        }
    }
}
