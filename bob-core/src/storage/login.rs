//! Sign-ins.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Result;
use crate::account::{Login, RefreshOutcome};
use crate::act::Act;
use crate::id::{AccountId, LoginId, TenantId};

/// Sign-ins. A platform person's are kept under the nil tenant.
#[async_trait]
pub trait LoginStore: fmt::Debug + Send + Sync {
    /// Stores a sign-in with its first refresh token.
    async fn open_login(&self, act: &Act, login: Login, refresh: [u8; 32]) -> Result<()>;

    /// A sign-in, ended ones too.
    async fn login(&self, realm: &TenantId, login: &LoginId) -> Result<Option<Login>>;

    /// Notes that a sign-in was used, and makes it last until `idle_until`. Not a deed worth recording, so it takes no act.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is none or it has ended.
    async fn touch_login(&self, realm: &TenantId, login: &LoginId, idle_until: Timestamp) -> Result<()>;

    /// Uses up a refresh token and stores the next one.
    ///
    /// A token that was used before ends the sign-in: somebody else has a copy. All in one transaction.
    async fn rotate_refresh(
        &self,
        act: &Act,
        realm: &TenantId,
        login: &LoginId,
        used: [u8; 32],
        next: [u8; 32],
    ) -> Result<RefreshOutcome>;

    /// Ends a sign-in; ending an ended one changes nothing.
    async fn end_login(&self, act: &Act, realm: &TenantId, login: &LoginId) -> Result<()>;

    /// The sign-ins of an account in a realm that hold at `now`, the latest first and at most `limit`; before `before`,
    /// where one is given.
    async fn logins_of(
        &self,
        realm: &TenantId,
        account: &AccountId,
        now: Timestamp,
        before: Option<LoginId>,
        limit: u32,
    ) -> Result<Vec<Login>>;

    /// Ends all sign-ins of an account in a realm that hold, but one, and answers which they were.
    async fn end_other_logins(
        &self,
        act: &Act,
        realm: &TenantId,
        account: &AccountId,
        kept: &LoginId,
    ) -> Result<Vec<LoginId>>;
}
