//! Identities: how a business tells Bob who its visitors are, and how Bob knows that it was the business.
//!
//! The business signs a short-lived JWT about the person who is signed in with it, and the page sends it along
//! (`X-Bob-Identity`). [`IdentitySettings`] say with which keys it may be signed and what is done about one that does not
//! hold; [`IdentitySettings::verify`] reads one strictly; [`Identities`] turns a proven person into a visitor and counts.
//!
//! A person is their issuer and their subject, whatever else is said of them.

mod counts;
mod key_set;
mod known;
mod secret;
mod settings;
mod token;

pub use counts::{IdentityCounts, MOST_TENANTS};
pub use key_set::{KeySet, MAX_KEY_SET, MAX_KEYS, ParseKeySetError};
pub use known::{Identities, Judged, Presented};
pub use secret::{IdentitySecret, MAX_SECRETS, ParseSecretError, SHORTEST_SECRET};
pub use settings::{
    IdentityChange, IdentityChanged, IdentityMode, IdentityPolicy, IdentityRefusal, IdentitySettings,
};
pub use token::{
    IDENTITY_FRESH, IDENTITY_LONGEST, IDENTITY_SKEW, InvalidIdentity, MAX_ATTRIBUTES, MAX_IDENTITY,
    VerifiedIdentity,
};
