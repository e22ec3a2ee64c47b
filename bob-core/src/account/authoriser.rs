//! Deciding who may do what, where roles are not all there is to it.

use std::error::Error;
use std::fmt;

use async_trait::async_trait;

use super::{Permission, PermissionSet};
use crate::act::Principal;
use crate::id::TenantId;

/// What an [`Authoriser`] is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// Who wants to do something.
    pub principal: Principal,
    /// What they may do by their role, or as the host said.
    pub held: PermissionSet,
    /// What the address that they called needs.
    pub permission: Permission,
    /// The business it is about; `None` where a platform person has not named one, or it is not known yet.
    pub tenant: Option<TenantId>,
}

impl Asked {
    /// Whether `principal`, who holds `held`, may use `permission` on `tenant`.
    #[must_use]
    pub fn whether(
        principal: Principal,
        held: PermissionSet,
        permission: Permission,
        tenant: Option<TenantId>,
    ) -> Self {
        Self { principal, held, permission, tenant }
    }
}

/// Nobody can say at the moment; the call is answered with 503 and nothing is done.
#[derive(Debug, thiserror::Error)]
#[error("it could not be decided who may do this")]
pub struct Undecided(#[source] Box<dyn Error + Send + Sync>);

impl Undecided {
    /// For a reason that is for logs only.
    pub fn because(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

/// Decides who may do what. An embedding host may bring its own in place of [`ByRoles`], and so allow less than roles
/// do, or more.
///
/// It is asked with every call of a signed-in person that needs a permission, before anything is looked up, and again
/// when a platform person has named a business. What is another business's stays invisible, and what is the platform's
/// stays with its people, whatever it answers.
///
/// ```
/// use async_trait::async_trait;
/// use bob_core::account::{Asked, Authoriser, Permission, Undecided};
///
/// /// Nobody writes personas while the shop is being audited.
/// #[derive(Debug)]
/// struct Frozen;
///
/// #[async_trait]
/// impl Authoriser for Frozen {
///     async fn allows(&self, asked: Asked) -> Result<bool, Undecided> {
///         Ok(asked.held.contains(asked.permission) && asked.permission != Permission::PersonaManage)
///     }
/// }
/// ```
#[async_trait]
pub trait Authoriser: fmt::Debug + Send + Sync + 'static {
    /// Whether it is allowed.
    ///
    /// # Errors
    ///
    /// [`Undecided`] when that cannot be said at the moment.
    async fn allows(&self, asked: Asked) -> Result<bool, Undecided>;
}

/// What roles say, and nothing else.
#[derive(Debug, Clone, Copy, Default)]
pub struct ByRoles;

#[async_trait]
impl Authoriser for ByRoles {
    async fn allows(&self, asked: Asked) -> Result<bool, Undecided> {
        Ok(asked.held.contains(asked.permission))
    }
}
