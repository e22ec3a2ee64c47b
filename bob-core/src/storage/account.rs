//! People.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::account::{Account, Email, Membership, PasswordHash, PlatformRole};
use crate::act::Act;
use crate::id::AccountId;

/// People who sign in.
#[async_trait]
pub trait AccountStore: fmt::Debug + Send + Sync {
    /// Creates a person.
    ///
    /// # Errors
    ///
    /// [`Conflict`](StorageErrorKind::Conflict) when the address is taken.
    async fn create_account(&self, act: &Act, account: Account) -> Result<()>;

    /// The person with an address.
    async fn account_by_email(&self, email: &Email) -> Result<Option<Account>>;

    /// A person.
    async fn account(&self, account: &AccountId) -> Result<Option<Account>>;

    /// Whether there is anybody with a platform role.
    async fn has_platform_people(&self) -> Result<bool>;

    /// Sets what a password is checked against.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is no such person.
    async fn set_password(&self, act: &Act, account: &AccountId, password: PasswordHash) -> Result<()>;

    /// Sets or takes a platform role.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is no such person.
    async fn set_platform_role(
        &self,
        act: &Act,
        account: &AccountId,
        role: Option<PlatformRole>,
    ) -> Result<()>;

    /// The businesses a person belongs to, by name.
    async fn memberships(&self, account: &AccountId) -> Result<Vec<Membership>>;
}
