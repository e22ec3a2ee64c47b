//! One-time links: what a mail or an operator hands to somebody who is to set a password.
//!
//! A link's token names its realm and its account, so that one look-up by primary key finds the row, on any shard; its
//! 256 random bits prove that the bearer was meant. Only their SHA-256 is stored.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest;
use jiff::Timestamp;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::bearer::{ID_LETTERS, base32, decode};
use super::{ParseBearerError, PasswordHash};
use crate::id::{AccountId, TenantId};
use crate::keyring::{NoRandomness, random_bytes};
use crate::secret::Secret;

/// How many letters 256 bits have.
const RANDOM_LETTERS: usize = 52;

/// What a one-time link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkPurpose {
    /// To set a first password.
    Invitation,
    /// To set another password.
    Reset,
}

impl LinkPurpose {
    /// The name used in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reset => "reset",
        }
    }

    /// How long such a link works: an invitation 7 days, a reset 1 hour.
    #[must_use]
    pub const fn lifetime(self) -> Duration {
        match self {
            Self::Invitation => Duration::from_secs(7 * 24 * 60 * 60),
            Self::Reset => Duration::from_secs(60 * 60),
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Invitation => "bi_",
            Self::Reset => "bp_",
        }
    }
}

/// The random part of a link that is being made.
#[derive(Debug, Clone)]
pub struct LinkSecret(Secret);

impl LinkSecret {
    /// Makes a new one.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] when the operating system gives none.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self(Secret::new(base32(&random_bytes::<32>()?))))
    }

    /// Its SHA-256, for storage.
    #[must_use]
    pub fn hash(&self, purpose: LinkPurpose) -> LinkHash {
        LinkHash::of(purpose, self.0.expose())
    }

    /// The token to hand out: `bi_<realm>_<account>_<random>` or `bp_…`, in lower-case base32.
    #[must_use]
    pub fn token(&self, purpose: LinkPurpose, realm: &TenantId, account: &AccountId) -> Secret {
        let (realm, account) = (base32(realm.as_uuid().as_bytes()), base32(account.as_uuid().as_bytes()));
        Secret::new(format!("{}{realm}_{account}_{}", purpose.prefix(), self.0.expose()))
    }
}

/// What is stored of a link's random part; compares in constant time.
#[derive(Clone, Copy)]
pub struct LinkHash([u8; 32]);

impl LinkHash {
    /// Takes a hash back from storage.
    #[must_use]
    pub const fn from_stored(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash, for storage.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn of(purpose: LinkPurpose, random: &str) -> Self {
        let hashed = digest::digest(&digest::SHA256, format!("{}{random}", purpose.prefix()).as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(hashed.as_ref());
        Self(hash)
    }
}

impl PartialEq for LinkHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for LinkHash {}

impl fmt::Debug for LinkHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkHash(…)")
    }
}

/// A token that somebody brought; a claim until its row was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkToken {
    /// What it says it is for.
    pub purpose: LinkPurpose,
    /// The business that invites, or [`PLATFORM_REALM`](super::PLATFORM_REALM); resets are always the platform's.
    pub realm: TenantId,
    /// Whose password it is to set.
    pub account: AccountId,
    /// What must be stored for it to hold.
    pub hash: LinkHash,
}

impl LinkToken {
    /// Reads a token of one purpose.
    ///
    /// # Errors
    ///
    /// [`ParseBearerError`] for every text that [`LinkSecret::token`] could not have made for this purpose.
    pub fn parse(purpose: LinkPurpose, text: &str) -> Result<Self, ParseBearerError> {
        let rest = text.strip_prefix(purpose.prefix()).ok_or(ParseBearerError)?;
        let mut parts = rest.split('_');
        let (Some(realm), Some(account), Some(random), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ParseBearerError);
        };
        if [realm.len(), account.len(), random.len()] != [ID_LETTERS, ID_LETTERS, RANDOM_LETTERS] {
            return Err(ParseBearerError);
        }
        decode::<32>(random)?;
        Ok(Self {
            purpose,
            realm: TenantId::from_uuid(Uuid::from_bytes(decode(realm)?)),
            account: AccountId::from_uuid(Uuid::from_bytes(decode(account)?)),
            hash: LinkHash::of(purpose, random),
        })
    }
}

/// A link to store; it ends an earlier one of the same purpose, realm and account.
#[derive(Debug, Clone, Copy)]
pub struct NewLink {
    /// What it is for.
    pub purpose: LinkPurpose,
    /// The business that invites, or [`PLATFORM_REALM`](super::PLATFORM_REALM).
    pub realm: TenantId,
    /// Whose password it is to set.
    pub account: AccountId,
    /// What its token is checked against.
    pub hash: LinkHash,
    /// Until when it works.
    pub expires_at: Timestamp,
    /// Nothing is stored when there is a link that was made after this moment, so that nobody is flooded with mail.
    pub spares_since: Option<Timestamp>,
}

/// The use of a link: what is set if it holds.
#[derive(Debug, Clone)]
pub struct LinkUse {
    /// The token that was brought.
    pub token: LinkToken,
    /// What the password is checked against from now on.
    pub password: PasswordHash,
    /// How the person calls themselves; 1 to 200 characters. What it was when none.
    pub name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(purpose: LinkPurpose) -> (LinkSecret, Secret) {
        let secret = LinkSecret::generate().unwrap();
        let token = secret.token(purpose, &TenantId::new(), &AccountId::new());
        (secret, token)
    }

    #[test]
    fn a_token_carries_its_realm_and_its_account() {
        for purpose in [LinkPurpose::Invitation, LinkPurpose::Reset] {
            let (realm, account, secret) =
                (TenantId::new(), AccountId::new(), LinkSecret::generate().unwrap());
            let text = secret.token(purpose, &realm, &account);
            let read = LinkToken::parse(purpose, text.expose()).unwrap();
            assert_eq!((read.realm, read.account, read.hash), (realm, account, secret.hash(purpose)));
            assert_ne!(read.hash, LinkSecret::generate().unwrap().hash(purpose));
        }
    }

    #[test]
    fn a_token_of_one_purpose_is_none_of_the_other() {
        let (secret, invitation) = token(LinkPurpose::Invitation);
        assert!(LinkToken::parse(LinkPurpose::Reset, invitation.expose()).is_err());
        let renamed = invitation.expose().replacen("bi_", "bp_", 1);
        let renamed = LinkToken::parse(LinkPurpose::Reset, &renamed).unwrap();
        assert_ne!(
            renamed.hash,
            secret.hash(LinkPurpose::Invitation),
            "the purpose is part of what is hashed"
        );
    }

    #[test]
    fn damaged_tokens_are_refused() {
        let (_, made) = token(LinkPurpose::Reset);
        let good = made.expose();
        for text in [
            "",
            "bp_",
            "bp___",
            "bp_a_b_c",
            &good[1..],
            &good[..good.len() - 1],
            &format!("{good}a"),
            &format!("{good}="),
            &format!("{good}_"),
            &format!(" {good}"),
            &format!("{good}\n"),
            &format!("{good}\0"),
            &good.to_uppercase(),
            &good.replace('_', "-"),
            &good.replacen(char::is_alphanumeric, "ä", 30),
            &"a".repeat(100_000),
        ] {
            assert_eq!(LinkToken::parse(LinkPurpose::Reset, text), Err(ParseBearerError), "{text}");
        }
    }

    #[test]
    fn a_link_does_not_print_itself() {
        let (secret, text) = token(LinkPurpose::Reset);
        let printed = format!("{secret:?} {text:?} {:?}", secret.hash(LinkPurpose::Reset));
        assert_eq!(printed, "LinkSecret(Secret(…)) Secret(…) LinkHash(…)");
    }
}
