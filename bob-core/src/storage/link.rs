//! One-time links.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::account::{LinkToken, LinkUse, NewLink};
use crate::act::Act;

/// One-time links that set a password. An account has at most one of each purpose in a realm.
#[async_trait]
pub trait LinkStore: fmt::Debug + Send + Sync {
    /// Stores a link, which ends the earlier one; `false` when an earlier one is spared instead.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) for an invitation of somebody who is not of the realm or has a
    /// password, and for a reset of an account that is not there or is disabled.
    async fn store_link(&self, act: &Act, link: NewLink) -> Result<bool>;

    /// Whether a link holds at `act.at`; nothing is used up.
    async fn link_holds(&self, act: &Act, token: &LinkToken) -> Result<bool>;

    /// Uses a link up and does what it is for, in one transaction: sets the password and the name, ends all sign-ins of
    /// the account and its reset links.
    ///
    /// `false`, and nothing happened, when the link does not hold: used, replaced, expired or never made; the account is
    /// disabled; or an invitation's account has a password by now.
    async fn use_link(&self, act: &Act, used: LinkUse) -> Result<bool>;
}
