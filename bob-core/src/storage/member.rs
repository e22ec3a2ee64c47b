//! The people of a business, and of the platform.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::account::{Member, MemberAdded, MemberChange, MemberOutcome, NewMember};
use crate::act::Act;
use crate::id::{AccountId, TenantId};

/// Who belongs to a realm: a business, or the platform under [`PLATFORM_REALM`](crate::account::PLATFORM_REALM).
///
/// Roles must be of the realm's kind: a business has [`Role::Tenant`](crate::account::Role::Tenant), the platform
/// [`Role::Platform`](crate::account::Role::Platform); another one is a
/// [`Conflict`](super::StorageErrorKind::Conflict). A realm that has an owner who can sign in (with a password, not
/// disabled) always keeps one.
#[async_trait]
pub trait MemberStore: fmt::Debug + Send + Sync {
    /// The people behind `after` in the order of their accounts, at most `limit`.
    async fn members(&self, realm: &TenantId, after: Option<AccountId>, limit: u32) -> Result<Vec<Member>>;

    /// One of them.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) for everybody who is not one of them.
    async fn member(&self, realm: &TenantId, account: &AccountId) -> Result<Member>;

    /// Adds somebody, and makes their account unless their address has one; of several at once no more get in than there
    /// are seats.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such realm.
    async fn add_member(&self, act: &Act, realm: &TenantId, new: NewMember) -> Result<MemberAdded>;

    /// Changes somebody. Who is disabled has no sign-in there any more, and gets none back by being enabled.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) for everybody who is not one of them;
    /// [`Stale`](super::StorageErrorKind::Stale) when they have another version than expected.
    async fn change_member(
        &self,
        act: &Act,
        realm: &TenantId,
        account: &AccountId,
        change: MemberChange,
    ) -> Result<MemberOutcome>;

    /// Takes somebody out, ends their sign-ins there and an invitation. Their account stays.
    ///
    /// # Errors
    ///
    /// As [`change_member`](Self::change_member).
    async fn remove_member(
        &self,
        act: &Act,
        realm: &TenantId,
        account: &AccountId,
        expected: Option<u64>,
    ) -> Result<MemberOutcome>;

    /// Shuts a person out of everything, whatever they belong to, or lets them in again. Ends all their sign-ins and
    /// reset links.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such account.
    async fn disable_account(&self, act: &Act, account: &AccountId, disabled: bool) -> Result<MemberOutcome>;
}
