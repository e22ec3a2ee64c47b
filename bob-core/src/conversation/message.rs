//! Messages: what was said, by whom.

use std::fmt;

use jiff::Timestamp;

use crate::answer::{Citation, Outcome};
use crate::id::{AccountId, MessageId, TurnId};

/// The longest message of a visitor, in characters.
pub const MAX_MESSAGE: usize = 8_000;

/// What a visitor wrote: 1 to 8,000 characters after trimming, without NUL.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageText(String);

/// The text is not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageTextError {
    /// Nothing but white space.
    #[error("a message must not be empty")]
    Empty,
    /// More than 8,000 characters.
    #[error("a message has at most 8,000 characters")]
    TooLong,
    /// A NUL character, which no database and no reader wants.
    #[error("a message must not contain NUL")]
    Nul,
}

impl MessageText {
    /// Reads what a visitor sent.
    ///
    /// # Errors
    ///
    /// When it is empty, too long or contains NUL.
    pub fn parse(text: &str) -> Result<Self, MessageTextError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(MessageTextError::Empty);
        }
        if text.contains('\0') {
            return Err(MessageTextError::Nul);
        }
        if text.chars().count() > MAX_MESSAGE {
            return Err(MessageTextError::TooLong);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MessageText {
    /// What visitors write does not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageText({} bytes)", self.0.len())
    }
}

/// Who said a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// The visitor.
    Visitor,
    /// Bob.
    Bot,
    /// A person of the business.
    Person,
}

impl Role {
    /// The name used on the wire and in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Bot => "bot",
            Self::Person => "person",
        }
    }

    /// Reads a name that [`as_str`](Self::as_str) gave.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Visitor, Self::Bot, Self::Person].into_iter().find(|role| role.as_str() == name)
    }
}

/// What was said, without who and when.
#[derive(Clone, PartialEq, Eq)]
pub struct TextPart {
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub text: String,
}

impl fmt::Debug for TextPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TextPart({}, {} bytes)", self.role.as_str(), self.text.len())
    }
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its identifier.
    pub id: MessageId,
    /// The turn it belongs to; a person's message belongs to none.
    pub turn: Option<TurnId>,
    /// Its place in the conversation, from 1 without gaps.
    pub number: u64,
    /// Who said what.
    pub said: TextPart,
    /// The person who said it, where it was one.
    pub author: Option<AccountId>,
    /// When.
    pub at: Timestamp,
    /// The sources, for what Bob said.
    pub citations: Vec<Citation>,
    /// How the turn ended, for what Bob said.
    pub outcome: Option<Outcome>,
}

/// A page of a conversation, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// The messages.
    pub messages: Vec<Message>,
    /// The number before which to continue, when there are older ones.
    pub next: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_trimmed_and_bounded() {
        assert_eq!(MessageText::parse("  hi \n").unwrap().as_str(), "hi");
        assert_eq!(
            MessageText::parse(&"ß".repeat(MAX_MESSAGE)).unwrap().as_str().chars().count(),
            MAX_MESSAGE
        );
        for (text, error) in [
            ("", MessageTextError::Empty),
            (" \n\t\u{3000}", MessageTextError::Empty),
            ("a\0b", MessageTextError::Nul),
            (&"x".repeat(MAX_MESSAGE + 1), MessageTextError::TooLong),
        ] {
            assert_eq!(MessageText::parse(text), Err(error));
        }
    }

    #[test]
    fn what_a_visitor_wrote_is_not_printed() {
        assert_eq!(format!("{:?}", MessageText::parse("my secret").unwrap()), "MessageText(9 bytes)");
    }
}
