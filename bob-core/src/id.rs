//! Identifiers: UUIDs of version 7, one type for each kind of thing.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The text is not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID")]
pub struct ParseIdError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Mints a new identifier; later ones sort after earlier ones.
            #[must_use]
            #[allow(clippy::new_without_default, reason = "a default that differs each time would surprise")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// Takes a UUID that some store or caller already holds.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            #[must_use]
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self.0.as_hyphenated(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.as_hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            /// Reads the hyphenated form only, so that one thing has one spelling in an address.
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                match Uuid::try_parse(text) {
                    Ok(uuid) if text.len() == 36 => Ok(Self(uuid)),
                    _ => Err(ParseIdError),
                }
            }
        }
    };
}

id!(
    /// A tenant: one business.
    TenantId
);
id!(
    /// A visitor of a business, known or not.
    VisitorId
);
id!(
    /// A conversation between one visitor and one tenant.
    ConversationId
);
id!(
    /// One turn: a visitor's message and what Bob did about it.
    TurnId
);
id!(
    /// One message in a conversation.
    MessageId
);
id!(
    /// A persona of a tenant.
    PersonaId
);
id!(
    /// A knowledge item, over all its versions.
    KnowledgeId
);
id!(
    /// A widget key.
    WidgetKeyId
);
id!(
    /// A secret that a business signs its visitors' identities with.
    IdentitySecretId
);
id!(
    /// A person who signs in: of a tenant or of the platform.
    AccountId
);
id!(
    /// A sign-in.
    LoginId
);
id!(
    /// A node of a cluster; a new one for each start of a process.
    NodeId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_identifiers_sort_after_earlier_ones() {
        let (first, second) = (TurnId::new(), TurnId::new());
        assert!(first < second);
    }

    #[test]
    fn only_the_hyphenated_spelling_is_read() {
        let id = TenantId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.as_uuid().simple().to_string().parse::<TenantId>(), Err(ParseIdError));
        assert_eq!(format!("{{{id}}}").parse::<TenantId>(), Err(ParseIdError));
    }
}
