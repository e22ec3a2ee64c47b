//! The people of a realm: of a business, or of the platform.

use jiff::Timestamp;

use super::{Email, LinkHash, Role};
use crate::id::AccountId;
use crate::pricebook::Allowance;

/// Whether somebody can sign in to a realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MemberState {
    /// They can.
    Active,
    /// They have not set a password yet.
    Invited,
    /// They were shut out, of this realm or of all.
    Disabled,
}

impl MemberState {
    /// The name used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Invited => "invited",
            Self::Disabled => "disabled",
        }
    }

    /// Decides by what is stored.
    #[must_use]
    pub const fn of(has_password: bool, disabled: bool) -> Self {
        match (disabled, has_password) {
            (true, _) => Self::Disabled,
            (false, true) => Self::Active,
            (false, false) => Self::Invited,
        }
    }
}

/// One of the people of a realm, as the realm sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Their account.
    pub account: AccountId,
    /// Their address.
    pub email: Email,
    /// What the realm calls them; their own name for themselves once they gave one. 1 to 200 characters.
    pub name: String,
    /// What they are in it.
    pub role: Role,
    /// Whether they can sign in to it.
    pub state: MemberState,
    /// Grows with every change to them.
    pub version: u64,
}

/// Somebody who is to join a realm.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// The account to make unless their address has one.
    pub account: AccountId,
    /// Their address.
    pub email: Email,
    /// What the realm calls them; 1 to 200 characters.
    pub name: String,
    /// What they are to be in it.
    pub role: Role,
    /// How many people the realm may have, invited and disabled ones included.
    pub seats: Allowance,
    /// What an invitation's token is checked against; stored if they have no password yet.
    pub invitation: LinkHash,
    /// Until when the invitation works.
    pub expires_at: Timestamp,
}

/// What came of adding somebody to a realm.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemberAdded {
    /// They are in; an invitation is stored if they are [`Invited`](MemberState::Invited).
    Added(Box<Member>),
    /// They were in before; nothing changed.
    Already(AccountId),
    /// All seats are taken; nothing changed.
    NoSeat,
}

/// What is to change about somebody; `None` leaves a thing as it is.
#[derive(Debug, Clone, Default)]
pub struct MemberChange {
    /// What they are in the realm.
    pub role: Option<Role>,
    /// What the realm calls them; 1 to 200 characters.
    pub name: Option<String>,
    /// Whether they are shut out of the realm. On the platform it is the whole account.
    pub disabled: Option<bool>,
    /// The version they must have for any of it to happen.
    pub expected: Option<u64>,
}

/// What came of a change that could leave a realm without an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemberOutcome {
    /// It is done.
    Done,
    /// Nobody else who owns the realm could sign in; nothing changed.
    LastOwner,
}
