//! Choosing a password by a one-time link.

use std::net::IpAddr;
use std::time::Duration;

use super::{People, PeopleError};
use crate::account::{
    Account, Email, LinkPurpose, LinkToken, LinkUse, NewPassword, PLATFORM_REALM, WeakPassword,
};
use crate::act::{Act, Principal};
use crate::mail::MailPhrases;
use crate::secret::Secret;

/// How often a person is mailed a reset link at most, whoever asks for them.
pub const RESET_EVERY: Duration = Duration::from_secs(2 * 60);

impl People {
    /// Accepts an invitation: sets the first password, and the name they give themselves. They sign in afterwards.
    ///
    /// The act is recorded as the person's own.
    ///
    /// # Errors
    ///
    /// [`InvalidLink`](PeopleError::InvalidLink), [`Weak`](PeopleError::Weak), after which the link still holds,
    /// [`Busy`](PeopleError::Busy), [`Storage`](PeopleError::Storage), [`Failed`](PeopleError::Failed).
    pub async fn accept(
        &self,
        act: &Act,
        token: &str,
        password: Secret,
        name: Option<String>,
    ) -> Result<(), PeopleError> {
        self.choose(act, LinkPurpose::Invitation, token, password, name).await.map(drop)
    }

    /// Sets another password, ends all sign-ins of the person and tells them by mail. They sign in afterwards.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub async fn reset(&self, act: &Act, token: &str, password: Secret) -> Result<(), PeopleError> {
        let account = self.choose(act, LinkPurpose::Reset, token, password, None).await?;
        self.tell_password_changed(account.email);
        Ok(())
    }

    /// Sends a reset link to `email` if somebody has it, at most every [`RESET_EVERY`]. `url` is the mount's canonical one,
    /// `client` where the call comes from.
    ///
    /// Known and unknown addresses are answered alike, also in time: everything else happens after the answer. Calls are
    /// counted like failed sign-ins, 10 in 15 minutes by address and account and 50 by address.
    ///
    /// # Errors
    ///
    /// [`TooMany`](PeopleError::TooMany), and [`NotRunning`](PeopleError::NotRunning) before Bob is started.
    pub fn forgot(
        &self,
        act: &Act,
        email: Email,
        client: Option<IpAddr>,
        url: impl Into<String>,
    ) -> Result<(), PeopleError> {
        let begun = self.parts.memory.forgot.begin(&email, client, self.parts.clock.now());
        // Dropped without a word it counts.
        drop(begun.map_err(PeopleError::TooMany)?);
        let (people, act, url) = (self.clone(), act.clone(), url.into());
        let mail = async move {
            if let Err(error) = people.mail_reset(&act, &email, &url).await {
                tracing::warn!(error = ?error, "a reset link could not be sent");
            }
        };
        Ok(self.parts.life.spawn(mail)?)
    }

    async fn mail_reset(&self, act: &Act, email: &Email, url: &str) -> Result<(), PeopleError> {
        let account = self.parts.storage.account_by_email(email).await?;
        let Some(account) = account.filter(|account| account.disabled_at.is_none()) else { return Ok(()) };
        let act = Act { principal: Principal::Account(account.id), ..act.clone() };
        let reset = LinkPurpose::Reset;
        let stored = self.store_link(&act, reset, PLATFORM_REALM, account.id, url, true).await?;
        let Some(link) = stored else { return Ok(()) };
        let phrases = MailPhrases::for_language(self.language_of(&account.id).await);
        self.send(&phrases.reset(account.email, link.expose())).await;
        Ok(())
    }

    async fn choose(
        &self,
        act: &Act,
        purpose: LinkPurpose,
        token: &str,
        password: Secret,
        name: Option<String>,
    ) -> Result<Account, PeopleError> {
        let token = LinkToken::parse(purpose, token).map_err(|_| PeopleError::InvalidLink)?;
        let act = Act { principal: Principal::Account(token.account), ..act.clone() };
        // Before a hash is paid for, and before anything is told about whose link it is.
        if !self.parts.storage.link_holds(&act, &token).await? {
            return Err(PeopleError::InvalidLink);
        }
        let account = self.parts.storage.account(&token.account).await?;
        let account = account.ok_or(PeopleError::InvalidLink)?;
        let password = self.new_password(&account, password, name.as_deref()).await?;
        let password = self.parts.passwords.hash(password.into_secret()).await?;
        if !self.parts.storage.use_link(&act, LinkUse { token, password, name }).await? {
            return Err(PeopleError::InvalidLink);
        }
        self.parts.memory.forget(&account.id);
        Ok(account)
    }

    async fn new_password(
        &self,
        account: &Account,
        password: Secret,
        name: Option<&str>,
    ) -> Result<NewPassword, PeopleError> {
        let memberships = self.parts.storage.memberships(&account.id).await?;
        let businesses = memberships.iter().map(|membership| membership.tenant_name.as_str());
        let known = [account.email.as_str(), &account.name].into_iter().chain(name).chain(businesses);
        NewPassword::check(password, known).map_err(|weak: WeakPassword| weak.into())
    }
}
