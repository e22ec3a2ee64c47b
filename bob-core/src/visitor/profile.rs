//! What is said of who a visitor is.

use std::fmt;

use crate::account::Email;

use super::TrustLevel;

/// The longest name, in characters.
pub const MAX_VISITOR_NAME: usize = 200;

/// What the page or the business says of a visitor; each where it was said.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct VisitorProfile {
    /// Whose word it is, `iss`.
    pub issuer: Option<String>,
    /// The business's own name for the person, `sub`.
    pub subject: Option<String>,
    /// Their name; at most 200 characters, on one line.
    pub name: Option<String>,
    /// Their address.
    pub email: Option<Email>,
    /// Whether the business says that the address is theirs.
    pub email_verified: bool,
    /// What else the business says: a JSON object of at most 2 KiB.
    pub attributes: Option<String>,
}

impl VisitorProfile {
    /// What a page says, unproven.
    ///
    /// `None` when the name is empty, longer than 200 characters or not on one line.
    #[must_use]
    pub fn said(name: Option<String>, email: Option<Email>) -> Option<Self> {
        name.as_deref().is_none_or(is_name).then_some(Self { name, email, ..Self::default() })
    }
}

/// Whether a text can be somebody's name.
pub(crate) fn is_name(text: &str) -> bool {
    let length = text.chars().count();
    (1..=MAX_VISITOR_NAME).contains(&length) && !text.chars().any(char::is_control)
}

impl fmt::Debug for VisitorProfile {
    /// Who somebody is does not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VisitorProfile(…)")
    }
}

/// What is stored of a visitor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownVisitor {
    /// How sure it is who they are.
    pub trust: TrustLevel,
    /// Who they are said to be.
    pub profile: Option<VisitorProfile>,
    /// Whether their conversations were claimed: their tokens prove nothing any more.
    pub ended: bool,
}
