//! Session ids: the visitor's own names for conversations.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A visitor's name for a conversation: 1 to 128 of `A-Z a-z 0-9 . _ : -`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(String);

/// The text is not a session id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session id has 1 to 128 of A-Z a-z 0-9 . _ : -")]
pub struct ParseSessionError;

impl SessionId {
    /// Mints an unguessable one.
    #[must_use]
    pub fn mint() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the id is hard enough to guess to continue a conversation by itself: a UUID of version 4 or 7.
    ///
    /// It continues only; it never reads.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.0.len() == 36
            && Uuid::try_parse(&self.0).is_ok_and(|uuid| matches!(uuid.get_version_num(), 4 | 7))
    }
}

impl FromStr for SessionId {
    type Err = ParseSessionError;

    fn from_str(text: &str) -> Result<Self, ParseSessionError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
        let fits = (1..=128).contains(&text.len()) && text.bytes().all(allowed);
        fits.then(|| Self(text.to_owned())).ok_or(ParseSessionError)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SessionId {
    /// A session id may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_ids_are_short_plain_names() {
        let longest = "a".repeat(128);
        for text in ["session_123", "A.b:c-d", &longest] {
            assert_eq!(text.parse::<SessionId>().unwrap().as_str(), text);
        }
        let too_long = "a".repeat(129);
        for text in ["", " ", "a b", "a/b", "ä", "a\0", "a\n", &too_long] {
            assert_eq!(text.parse::<SessionId>(), Err(ParseSessionError), "{text:?}");
        }
    }

    #[test]
    fn only_random_uuids_are_secrets() {
        assert!(SessionId::mint().is_secret());
        for (text, secret) in [
            ("01890a5d-ac96-774b-bcce-b302099a8057", true),
            ("session_123", false),
            ("00000000-0000-0000-0000-000000000000", false),
            ("c232ab00-9414-11ec-b3c8-9f6bdeced846", false),
            ("01890a5dac96774bbcceb302099a8057", false),
        ] {
            assert_eq!(text.parse::<SessionId>().unwrap().is_secret(), secret, "{text}");
        }
    }
}
