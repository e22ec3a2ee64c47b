//! What somebody sees of their own sign-ins, and ending them from elsewhere.

use super::{SignIn, SignInError};
use crate::account::{Account, Login, Membership, PLATFORM_REALM, Person};
use crate::act::Act;
use crate::id::{LoginId, TenantId};

impl SignIn {
    /// The sign-ins of a person that hold, on the platform and in all their businesses, the latest first and at most
    /// `limit`; behind `after` in that order, where one is given.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](SignInError::Unavailable) when the store did not answer;
    /// [`InvalidToken`](SignInError::InvalidToken) when the person is gone meanwhile.
    pub async fn own_sign_ins(
        &self,
        person: &Person,
        after: Option<LoginId>,
        limit: u32,
    ) -> Result<Vec<Login>, SignInError> {
        let (account, memberships) = self.whole(person).await?;
        let now = self.clock.now();
        let mut logins = Vec::new();
        for realm in realms(&memberships) {
            logins.extend(self.logins.logins_of(&realm, &account.id, now, after, limit).await?);
        }
        logins.retain(|login| Person::behind(login, account.clone(), memberships.clone()).is_some());
        logins.sort_by_key(|login| std::cmp::Reverse(login.id));
        logins.truncate(limit as usize);
        Ok(logins)
    }

    /// Ends one of a person's sign-ins with every token of it, as [`logout`](Self::logout) does; `false` when they have
    /// none of that name.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](SignInError::Unavailable) when the store did not answer.
    pub async fn end_own_sign_in(
        &self,
        act: &Act,
        person: &Person,
        login: &LoginId,
    ) -> Result<bool, SignInError> {
        let now = self.clock.now();
        for realm in realms(&self.whole(person).await?.1) {
            let found = self.logins.login(&realm, login).await?;
            if found.is_some_and(|found| found.account == person.account && found.is_live(now)) {
                self.logins.end_login(act, &realm, login).await?;
                self.memory.live.end((realm, *login));
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Ends all of a person's sign-ins but the one they ask with, and answers how many there were.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](SignInError::Unavailable) when the store did not answer; some may have ended then.
    pub async fn end_other_sign_ins(&self, act: &Act, person: &Person) -> Result<usize, SignInError> {
        let mut ended = 0;
        for realm in realms(&self.whole(person).await?.1) {
            for login in self.logins.end_other_logins(act, &realm, &person.account, &person.login).await? {
                self.memory.live.end((realm, login));
                ended += 1;
            }
        }
        Ok(ended)
    }

    /// The person with everything they are: a sign-in to one business knows no other.
    async fn whole(&self, person: &Person) -> Result<(Account, Vec<Membership>), SignInError> {
        let account = self.accounts.account(&person.account).await?.ok_or(SignInError::InvalidToken)?;
        Ok((account, self.accounts.memberships(&person.account).await?))
    }
}

/// Where a person may be signed in.
fn realms(memberships: &[Membership]) -> impl Iterator<Item = TenantId> {
    let tenants = memberships.iter().map(|membership| membership.tenant);
    std::iter::once(PLATFORM_REALM).chain(tenants)
}
