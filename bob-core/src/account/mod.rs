//! People who sign in: who they are, what they may do, and how they prove it.
//!
//! *Platform people* run the installation (Mission Control); *tenant people* work for a business (Customer Portal) and
//! may belong to several through memberships. [`SignIn`] lets both in and knows who is in.
//!
//! ```
//! # use std::sync::Arc;
//! # use bob_core::account::{AccountKind, Credentials, PasswordCost, Passwords, SignIn, SignInError};
//! # use bob_core::account::{SignInMemory, SignInSetup};
//! # use bob_core::act::{Act, Principal};
//! # use bob_core::clock::{Clock, SystemClock};
//! # use bob_core::{id::NodeId, keyring::{PurposeKeys, random_bytes}, secret::Secret, storage::memory::MemoryStorage};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = PurposeKeys::from_root(random_bytes()?);
//! let sign_in = SignIn::new(SignInSetup {
//!     storage: Arc::new(MemoryStorage::new()),
//!     memory: Arc::new(SignInMemory::new(&keys)),
//!     keys,
//!     clock: Arc::new(SystemClock),
//!     passwords: Passwords::new(PasswordCost::OWASP),
//!     issuer: "https://bob.example".to_owned(),
//!     audience: "https://bob.example/api".to_owned(),
//! })?;
//! let act = Act::new(Principal::System(NodeId::new()), "request 1", SystemClock.now());
//! let credentials =
//!     Credentials { email: "anna@shop.example".parse()?, password: Secret::new("secret"), tenant: None };
//!
//! let nobody = sign_in.login(&act, AccountKind::Tenant, credentials, None).await;
//!
//! assert!(matches!(nobody, Err(SignInError::InvalidCredentials)));
//! # Ok(())
//! # }
//! ```

mod access_token;
mod authoriser;
mod bearer;
mod bounded;
mod csrf;
mod link;
mod live;
mod login;
mod member;
mod memory;
mod password;
mod permission;
mod person;
mod sign_in;
mod signing;
mod throttle;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::id::{AccountId, TenantId};

pub use access_token::{
    ACCESS_TOKEN_LIFETIME, AccessClaims, AccessTokens, InvalidAccessToken, MintError, TokenNameError,
    install_crypto,
};
pub use authoriser::{Asked, Authoriser, ByRoles, Undecided};
pub use bearer::{BearerKind, BearerToken, ParseBearerError};
pub use link::{LinkHash, LinkPurpose, LinkSecret, LinkToken, LinkUse, NewLink};
pub use live::LOGIN_CACHE_AGE;
pub use login::{IDLE, LONGEST, Login, PLATFORM_REALM, RefreshOutcome};
pub use member::{Member, MemberAdded, MemberChange, MemberOutcome, MemberState, NewMember};
pub use memory::SignInMemory;
pub use password::{
    LONGEST_PASSWORD, NewPassword, PasswordCost, PasswordCostError, PasswordError, PasswordHash, Passwords,
    WeakPassword,
};
pub use permission::{Permission, PermissionSet, PlatformRole, TenantRole};
pub use person::{Person, Role};
pub use sign_in::{Credentials, Issued, SignIn, SignInError, SignInSetup};
pub use signing::{
    CHECKS_AFTER, KeyRing, PUBLISHED_BEFORE, PublicKey, SIGNING_KEY_CACHE_AGE, SIGNING_PERIOD, SigningKey,
    found_signing_key, replace_signing_keys, rotate_signing_key, rotate_signing_key_if_due,
};
pub use throttle::{
    FAILURES_PER_ACCOUNT, FAILURES_PER_ACCOUNT_AND_ADDRESS, FAILURES_PER_ADDRESS, THROTTLE_WINDOW,
};

/// An e-mail address, kept as written and compared in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

/// The text is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct ParseEmailError;

impl Email {
    /// The address, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = ParseEmailError;

    /// Reads an address: one `@`, something before it, a domain after it, at most 254 bytes (RFC 5321), no white space.
    ///
    /// Only a mail that arrives proves an address, so nothing finer is checked.
    fn from_str(text: &str) -> Result<Self, ParseEmailError> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(ParseEmailError)?;
        let plain = |part: &str| {
            !part.is_empty()
                && !part.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@' || c == ',')
        };
        let fits = text.len() <= 254 && local.len() <= 64 && plain(local) && plain(domain);
        fits.then(|| Self(text.to_lowercase())).ok_or(ParseEmailError)
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    /// An address is personal data; logs do without it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

/// A person who may sign in.
#[derive(Debug, Clone)]
pub struct Account {
    /// Their identifier.
    pub id: AccountId,
    /// Their address; unique.
    pub email: Email,
    /// Their name; 1 to 200 characters.
    pub name: String,
    /// What their password is checked against; without one they cannot sign in.
    pub password: Option<PasswordHash>,
    /// What they are on the platform, if anything.
    pub platform_role: Option<PlatformRole>,
    /// When they were shut out.
    pub disabled_at: Option<Timestamp>,
    /// The generation of their sign-ins: those of an earlier one do not hold. Grows with each password, and when they
    /// are shut out.
    pub generation: u64,
    /// Grows with every change to the account.
    pub version: u64,
}

impl Account {
    /// A person without a password, who is nothing yet.
    pub fn new(email: Email, name: impl Into<String>) -> Self {
        Self {
            id: AccountId::new(),
            email,
            name: name.into(),
            password: None,
            platform_role: None,
            disabled_at: None,
            generation: 0,
            version: 1,
        }
    }
}

/// What a person is in one business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The business.
    pub tenant: TenantId,
    /// Its name.
    pub tenant_name: String,
    /// Its slug.
    pub tenant_slug: crate::tenant::Slug,
    /// Their role in it.
    pub role: TenantRole,
}

/// As whom somebody signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountKind {
    /// To Mission Control.
    Platform,
    /// To a business's Customer Portal.
    Tenant,
}

impl AccountKind {
    /// The name used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Tenant => "tenant",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_in_lower_case() {
        assert_eq!(" Anna@Shop.Example ".parse::<Email>().unwrap(), "anna@shop.example".parse().unwrap());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@shop.example", "a".repeat(250));
        for text in
            ["", "anna", "@shop.example", "anna@", "a b@shop.example", "a@b@c", "a@shop.example,b@x", &long]
        {
            assert_eq!(text.parse::<Email>(), Err(ParseEmailError), "{text}");
        }
    }
}
