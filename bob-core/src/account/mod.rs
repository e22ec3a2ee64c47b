//! People who sign in: who they are, what they may do, and how they prove it.
//!
//! *Platform people* run the installation (Mission Control); *tenant people* work for a business (Customer Portal) and
//! may belong to several through memberships.

mod access_token;
mod bearer;
mod login;
mod password;
mod permission;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::id::{AccountId, TenantId};

pub use access_token::{
    ACCESS_TOKEN_LIFETIME, AccessClaims, AccessTokens, InvalidAccessToken, PublicKey, TokenNameError,
    install_crypto,
};
pub use bearer::{BearerKind, BearerToken, ParseBearerError};
pub use login::{IDLE, LONGEST, Login, PLATFORM_REALM, RefreshOutcome};
pub use password::{
    LONGEST_PASSWORD, PasswordCost, PasswordCostError, PasswordError, PasswordHash, Passwords,
};
pub use permission::{Permission, PermissionSet, PlatformRole, TenantRole};

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
