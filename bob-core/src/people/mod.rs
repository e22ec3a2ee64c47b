//! Inviting people, letting them choose passwords, and telling them what happens to their accounts.
//!
//! [`People`] puts storage, passwords and mail together: a link is stored before the mail that carries it leaves, and what
//! must not tell whether an address is known answers before anything is looked up. Signing in itself is for
//! [`SignIn`](crate::account::SignIn).

mod choose;
mod invite;
mod notices;

use std::fmt;
use std::sync::Arc;

use crate::account::{
    Email, LinkPurpose, LinkSecret, NewLink, PLATFORM_REALM, PasswordError, Passwords, SignInMemory,
    WeakPassword,
};
use crate::act::Act;
use crate::clock::{Clock, earlier, later};
use crate::id::{AccountId, TenantId};
use crate::keyring::NoRandomness;
use crate::language::Language;
use crate::life::{Life, NotRunning};
use crate::limit::Limited;
use crate::mail::Mailer;
use crate::pricebook::Allowance;
use crate::secret::Secret;
use crate::storage::{SharedStorage, StorageError};

pub use choose::RESET_EVERY;
pub use invite::{Admitted, MailSent, NewPerson};

/// A business or the platform, as those see it who join.
#[derive(Debug, Clone)]
pub struct Realm {
    /// The business, or [`PLATFORM_REALM`].
    pub id: TenantId,
    /// Its name in mails.
    pub name: String,
    /// The language of its mails.
    pub language: Language,
    /// How many people it may have.
    pub seats: Allowance,
    /// The canonical URL of the mount that its people use; ends in `/`.
    pub url: String,
}

impl Realm {
    /// The platform, whose people use the mount at `url`.
    pub fn platform(url: impl Into<String>) -> Self {
        Self {
            id: PLATFORM_REALM,
            name: "Bob".to_owned(),
            language: Language::EN,
            seats: Allowance::Unlimited,
            url: url.into(),
        }
    }
}

/// Why something about people was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeopleError {
    /// The link was used, replaced or has expired, or was never made; which of them is not told.
    #[error("the link does not hold")]
    InvalidLink,
    /// The password is not good enough.
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    /// They belong to it already.
    #[error("the person belongs to the realm already")]
    AlreadyMember,
    /// All seats of the plan are taken.
    #[error("all seats are taken")]
    NoSeat,
    /// They need no invitation: they have a password, or are shut out.
    #[error("the person is not waiting for an invitation")]
    NotInvited,
    /// Nobody else who owns the realm could sign in.
    #[error("the last owner stays")]
    LastOwner,
    /// Too many calls; this one was not looked at.
    #[error("too many calls")]
    TooMany(Limited),
    /// Too many passwords are being hashed; try again in a moment.
    #[error("too many passwords at a time")]
    Busy,
    /// Bob is not started or is being stopped.
    #[error(transparent)]
    NotRunning(#[from] NotRunning),
    /// The store failed.
    #[error("people could not be read or written")]
    Storage(#[from] StorageError),
    /// Memory or randomness ran out.
    #[error("the link or the password could not be made")]
    Failed,
}

impl From<NoRandomness> for PeopleError {
    fn from(_: NoRandomness) -> Self {
        Self::Failed
    }
}

impl From<PasswordError> for PeopleError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Busy,
            PasswordError::Length | PasswordError::Failed => Self::Failed,
        }
    }
}

/// What [`People`] is made of.
pub(crate) struct PeopleParts {
    pub(crate) storage: SharedStorage,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) passwords: Passwords,
    pub(crate) mailer: Option<Arc<dyn Mailer>>,
    pub(crate) memory: Arc<SignInMemory>,
    pub(crate) life: Arc<Life>,
}

/// Invites people and lets them choose passwords. Cheap to clone.
#[derive(Clone)]
pub struct People {
    parts: Arc<PeopleParts>,
}

impl People {
    pub(crate) fn new(parts: PeopleParts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// Makes a link with which a person chooses another password, for an operator to hand over; `None` when nobody has
    /// that address, or they are shut out. It ends an earlier one.
    ///
    /// # Errors
    ///
    /// [`PeopleError::Storage`] and [`PeopleError::Failed`].
    pub async fn reset_link(
        &self,
        act: &Act,
        email: &Email,
        url: &str,
    ) -> Result<Option<Secret>, PeopleError> {
        let account = self.parts.storage.account_by_email(email).await?;
        match account.filter(|account| account.disabled_at.is_none()) {
            Some(account) => {
                let reset = LinkPurpose::Reset;
                self.store_link(act, reset, PLATFORM_REALM, account.id, url, false).await
            }
            None => Ok(None),
        }
    }

    /// Stores a new link and gives its address; `None` when a young one is spared instead.
    async fn store_link(
        &self,
        act: &Act,
        purpose: LinkPurpose,
        realm: TenantId,
        account: AccountId,
        url: &str,
        spare_young: bool,
    ) -> Result<Option<Secret>, PeopleError> {
        let secret = LinkSecret::generate()?;
        let link = NewLink {
            purpose,
            realm,
            account,
            hash: secret.hash(purpose),
            expires_at: later(act.at, purpose.lifetime()),
            spares_since: spare_young.then(|| earlier(act.at, RESET_EVERY)),
        };
        let stored = self.parts.storage.store_link(act, link).await?;
        Ok(stored.then(|| address(url, &secret.token(purpose, &realm, &account))))
    }
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("People").field("mailer", &self.parts.mailer).finish_non_exhaustive()
    }
}

/// The page that a link leads to. The token is behind `#`, which browsers do not send, so it stands in no log.
fn address(url: &str, token: &Secret) -> Secret {
    Secret::new(format!("{url}account/set-password#token={}", token.expose()))
}
