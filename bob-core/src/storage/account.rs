//! People.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::account::{Account, Email, Membership, PasswordHash};
use crate::act::Act;
use crate::id::AccountId;

/// People who sign in.
#[async_trait]
pub trait AccountStore: fmt::Debug + Send + Sync {
    /// Creates a person.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::StorageErrorKind::Conflict) when the address is taken.
    async fn create_account(&self, act: &Act, account: Account) -> Result<()>;

    /// The person with an address.
    async fn account_by_email(&self, email: &Email) -> Result<Option<Account>>;

    /// A person.
    async fn account(&self, account: &AccountId) -> Result<Option<Account>>;

    /// Whether there is anybody with a platform role.
    async fn has_platform_people(&self) -> Result<bool>;

    /// Sets what a password is checked against, and ends all sign-ins and reset links of the account.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such person.
    async fn set_password(&self, act: &Act, account: &AccountId, password: PasswordHash) -> Result<()>;

    /// The businesses a person belongs to, by name; not those that shut them out.
    async fn memberships(&self, account: &AccountId) -> Result<Vec<Membership>>;
}
