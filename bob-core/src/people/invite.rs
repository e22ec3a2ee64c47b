//! Letting people in, changing what they are, and letting them go.

use super::{People, PeopleError, Realm, address};
use crate::account::{
    Email, LinkPurpose, LinkSecret, Member, MemberAdded, MemberChange, MemberOutcome, MemberState, NewMember,
    Role,
};
use crate::act::Act;
use crate::clock::later;
use crate::id::{AccountId, TenantId};
use crate::mail::MailPhrases;
use crate::secret::Secret;

/// Who is to join.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// Their address.
    pub email: Email,
    /// What the realm calls them; 1 to 200 characters.
    pub name: String,
    /// What they are to be there.
    pub role: Role,
}

/// Somebody who is in.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// As the realm sees them.
    pub member: Member,
    /// The address at which they choose a password; none for those who have one.
    pub link: Option<Secret>,
}

/// Whether a mail left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MailSent {
    /// It did.
    Sent,
    /// Nobody took it; it can be sent again.
    Failed,
    /// There is no mailer.
    None,
}

impl MailSent {
    /// The name used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::None => "none",
        }
    }
}

impl People {
    /// Lets somebody in without a mail. An address that is known already joins with the account it has.
    ///
    /// # Errors
    ///
    /// [`AlreadyMember`](PeopleError::AlreadyMember), [`NoSeat`](PeopleError::NoSeat),
    /// [`Storage`](PeopleError::Storage), [`Failed`](PeopleError::Failed).
    pub async fn admit(&self, act: &Act, realm: &Realm, person: NewPerson) -> Result<Admitted, PeopleError> {
        let (secret, purpose) = (LinkSecret::generate()?, LinkPurpose::Invitation);
        let new = NewMember {
            account: AccountId::new(),
            email: person.email,
            name: person.name,
            role: person.role,
            seats: realm.seats,
            invitation: secret.hash(purpose),
            expires_at: later(act.at, purpose.lifetime()),
        };
        match self.parts.storage.add_member(act, &realm.id, new).await? {
            MemberAdded::Added(member) => {
                self.parts.memory.forget(&member.account);
                let invited = member.state == MemberState::Invited;
                let link = || address(&realm.url, &secret.token(purpose, &realm.id, &member.account));
                let link = invited.then(link);
                Ok(Admitted { member: *member, link })
            }
            MemberAdded::Already(_) => Err(PeopleError::AlreadyMember),
            MemberAdded::NoSeat => Err(PeopleError::NoSeat),
        }
    }

    /// Lets somebody in and tells them by mail. They are in, whether the mail leaves or not.
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit).
    pub async fn invite(
        &self,
        act: &Act,
        realm: &Realm,
        person: NewPerson,
    ) -> Result<(Member, MailSent), PeopleError> {
        let Admitted { member, link } = self.admit(act, realm, person).await?;
        let phrases = MailPhrases::for_language(realm.language);
        let to = member.email.clone();
        let mail = match &link {
            Some(link) => phrases.invitation(to, &realm.name, link.expose()),
            None => phrases.welcome(to, &realm.name, &realm.url),
        };
        Ok((member, self.send(&mail).await))
    }

    /// Sends somebody a new invitation, which ends the earlier one.
    ///
    /// # Errors
    ///
    /// [`NotInvited`](PeopleError::NotInvited) for who has a password or is shut out; a
    /// [`NotFound`](crate::storage::StorageErrorKind::NotFound) for who does not belong to it.
    pub async fn invite_again(
        &self,
        act: &Act,
        realm: &Realm,
        account: &AccountId,
    ) -> Result<(Member, MailSent), PeopleError> {
        let member = self.parts.storage.member(&realm.id, account).await?;
        if member.state != MemberState::Invited {
            return Err(PeopleError::NotInvited);
        }
        let invitation = LinkPurpose::Invitation;
        let stored = self.store_link(act, invitation, realm.id, *account, &realm.url, false).await?;
        let link = stored.ok_or(PeopleError::Failed)?;
        let phrases = MailPhrases::for_language(realm.language);
        let mail = phrases.invitation(member.email.clone(), &realm.name, link.expose());
        Ok((member, self.send(&mail).await))
    }

    /// Changes somebody: felt on this node at once, on others within
    /// [`LOGIN_CACHE_AGE`](crate::account::LOGIN_CACHE_AGE).
    ///
    /// # Errors
    ///
    /// [`LastOwner`](PeopleError::LastOwner) and what
    /// [`change_member`](crate::storage::MemberStore::change_member) answers.
    pub async fn change(
        &self,
        act: &Act,
        realm: &TenantId,
        account: &AccountId,
        change: MemberChange,
    ) -> Result<Member, PeopleError> {
        let outcome = self.parts.storage.change_member(act, realm, account, change).await?;
        self.felt(account, outcome)?;
        Ok(self.parts.storage.member(realm, account).await?)
    }

    /// Takes somebody out of a realm; felt as [`change`](Self::change).
    ///
    /// # Errors
    ///
    /// [`LastOwner`](PeopleError::LastOwner) and what
    /// [`remove_member`](crate::storage::MemberStore::remove_member) answers.
    pub async fn remove(
        &self,
        act: &Act,
        realm: &TenantId,
        account: &AccountId,
        expected: Option<u64>,
    ) -> Result<(), PeopleError> {
        let outcome = self.parts.storage.remove_member(act, realm, account, expected).await?;
        self.felt(account, outcome)
    }

    /// Shuts a person out of everything, or lets them in again; felt as [`change`](Self::change).
    ///
    /// # Errors
    ///
    /// [`LastOwner`](PeopleError::LastOwner) when the platform or a business would be left without one, and what
    /// [`disable_account`](crate::storage::MemberStore::disable_account) answers.
    pub async fn disable(&self, act: &Act, account: &AccountId, disabled: bool) -> Result<(), PeopleError> {
        let outcome = self.parts.storage.disable_account(act, account, disabled).await?;
        self.felt(account, outcome)
    }

    fn felt(&self, account: &AccountId, outcome: MemberOutcome) -> Result<(), PeopleError> {
        match outcome {
            MemberOutcome::Done => {
                self.parts.memory.forget(account);
                Ok(())
            }
            MemberOutcome::LastOwner => Err(PeopleError::LastOwner),
        }
    }
}
