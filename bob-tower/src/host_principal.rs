//! People whom the embedding host signs in itself.

use std::fmt;

use bob_core::account::PermissionSet;
use bob_core::id::TenantId;
use uuid::Uuid;

/// Somebody whom the host signed in; the host puts it into the request's extensions, where no client can.
///
/// They may do what the host says, on one business or on the platform, and are told apart from Bob's own people in the
/// audit: their principal is of the kind `host`. A request that carries a sign-in of Bob's own that holds too is refused
/// with 401 `two_sign_ins`, since it cannot be told who means it. A bearer token that is not Bob's is the host's business.
///
/// By default the sign-in is *ambient*: browsers send along what the host knew the person by, such as a cookie, whoever
/// made them call. So whatever changes something must come from a page of the mount, and the browser must say so:
/// `Sec-Fetch-Site: same-origin`, or without it an `Origin` of the mount's own; neither is 403 `csrf_failed`. There is no
/// CSRF token, because there is no session of Bob's. Say [`not_ambient`](Self::not_ambient) where the client itself
/// proves who it is with each request, as by a bearer token.
///
/// ```
/// use bob_core::account::TenantRole;
/// use bob_core::id::TenantId;
/// use bob_tower::HostPrincipal;
/// # let (user_id, tenant) = (uuid::Uuid::nil(), TenantId::new());
///
/// let agent = HostPrincipal::of_business(user_id, "Anna", tenant, TenantRole::Agent.permissions());
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(agent);
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct HostPrincipal {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) permissions: PermissionSet,
    pub(crate) ambient: bool,
}

impl HostPrincipal {
    /// A person of one business. `id` is the host's own and nobody else's, an account of Bob's neither; `name` is what
    /// visitors and colleagues see. Of the permissions, those that only the platform has are left out.
    pub fn of_business(
        id: Uuid,
        name: impl Into<String>,
        tenant: TenantId,
        permissions: PermissionSet,
    ) -> Self {
        let permissions = permissions.of_business();
        Self { id, name: name.into(), tenant: Some(tenant), permissions, ambient: true }
    }

    /// A person of the platform, who names the business that a call is about.
    pub fn of_platform(id: Uuid, name: impl Into<String>, permissions: PermissionSet) -> Self {
        Self { id, name: name.into(), tenant: None, permissions, ambient: true }
    }

    /// The client proved with this very request who it is; no browser did so by itself.
    pub fn not_ambient(mut self) -> Self {
        self.ambient = false;
        self
    }
}

impl fmt::Debug for HostPrincipal {
    /// A name is personal data; logs do without it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostPrincipal")
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .field("permissions", &self.permissions)
            .field("ambient", &self.ambient)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bob_core::account::{Permission, PlatformRole};

    use super::*;

    #[test]
    fn nobody_of_a_business_holds_what_is_the_platforms() {
        let all = PlatformRole::Owner.permissions();
        let person = HostPrincipal::of_business(Uuid::nil(), "Anna", TenantId::new(), all);
        assert!(!person.permissions.contains(Permission::PricebookPublish));
        assert!(person.permissions.contains(Permission::TenantManage));
        assert!(!format!("{person:?}").contains("Anna"));
    }
}
