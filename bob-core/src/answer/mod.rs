//! Answers without a model: approved sentences, word for word, with citations.
//!
//! [`Answer`] is what every answerer gives, with or without a model; [`GroundedAnswerer`] the one that needs none.
//!
//! ```
//! use std::sync::Arc;
//!
//! use bob_core::answer::{Ask, GroundedAnswerer, Outcome};
//! use bob_core::id::{KnowledgeId, TenantId};
//! use bob_core::knowledge::{
//!     Audience, KnowledgeStatus, KnowledgeText, KnowledgeVersion, Passage, Synonyms, passages_of,
//! };
//! use bob_core::language::Language;
//! use bob_core::retrieve::{LexicalRetriever, PassageSource, Scope};
//!
//! /// A shop with one text.
//! #[derive(Debug)]
//! struct Shop;
//!
//! #[async_trait::async_trait]
//! impl PassageSource for Shop {
//!     async fn passages(
//!         &self,
//!         _: &Scope,
//!     ) -> Result<(Vec<Passage>, Synonyms), Box<dyn std::error::Error + Send + Sync>> {
//!         let body = "Unworn items can be returned within 30 days. The label is free.";
//!         let text = KnowledgeText::new(Language::EN, "Returns", body)?;
//!         let version = KnowledgeVersion {
//!             item: KnowledgeId::new(),
//!             number: 1,
//!             status: KnowledgeStatus::Published,
//!             text,
//!             changed_at: jiff::Timestamp::UNIX_EPOCH,
//!         };
//!         Ok((passages_of(&version), Synonyms::new()))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let retriever = LexicalRetriever::new(Arc::new(Shop));
//! let scope = Scope { tenant: TenantId::new(), release: 1, audience: Audience::Public };
//! let ask = Ask { scope: &scope, language: Language::EN, question: "How can I return unworn items?" };
//!
//! let answer = GroundedAnswerer::default().answer(&retriever, &ask).await?;
//!
//! assert_eq!(answer.outcome, Outcome::Answered);
//! assert_eq!(answer.text(), "Unworn items can be returned within 30 days. The label is free [1].");
//! assert_eq!(answer.citations[0].title, "Returns");
//! # Ok(())
//! # }
//! ```

mod decide_language;
#[cfg(test)]
mod evaluation;
mod grounded;
mod intent;
pub mod phrases;
mod quote;
mod reply;
mod split;
mod suggest;
mod thresholds;
mod zone;

use jiff::Timestamp;

use crate::language::Language;

pub use decide_language::decide_language;
pub use grounded::{Ask, GroundedAnswerer};
pub use phrases::Phrases;
pub use thresholds::{Thresholds, ThresholdsError};

/// How a turn ended for the visitor; the names are an open set on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// An answer that stands on its citations.
    Answered,
    /// A question back: did you mean …?
    Clarify,
    /// Out of scope, unsafe, or no approved source.
    Refused,
    /// Handed to a person, or every model failed.
    Escalated,
    /// A person owns the conversation: stored and shown to them, no reply.
    Delivered,
    /// Credits or a budget are spent.
    Limited,
}

impl Outcome {
    const ALL: [Self; 6] =
        [Self::Answered, Self::Clarify, Self::Refused, Self::Escalated, Self::Delivered, Self::Limited];

    /// The name used on the wire and in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Clarify => "clarify",
            Self::Refused => "refused",
            Self::Escalated => "escalated",
            Self::Delivered => "delivered",
            Self::Limited => "limited",
        }
    }

    /// Reads a name that [`as_str`](Self::as_str) gave.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }

    /// Whether the visitor is left waiting for a person.
    #[must_use]
    pub const fn wants_person(self) -> bool {
        matches!(self, Self::Escalated | Self::Limited)
    }
}

/// A source an answer stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    /// The number in brackets in the text, from 1.
    pub index: u32,
    /// The title of the source.
    pub title: String,
    /// The page of the source.
    pub url: Option<String>,
    /// What was quoted, word for word.
    pub quote: String,
    /// The fingerprint of the source's text.
    pub content_hash: [u8; 32],
}

/// Something the visitor may have meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What to show.
    pub title: String,
    /// What to ask when it is chosen.
    pub question: String,
}

/// Where a visitor was handed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handoff {
    /// Who answers, in the visitor's words.
    pub to: String,
    /// When a person is expected, where none is there now and the business told its hours.
    pub expected_at: Option<Timestamp>,
}

impl Handoff {
    /// To whom, and nothing about when.
    pub fn to(to: impl Into<String>) -> Self {
        Self { to: to.into(), expected_at: None }
    }
}

/// What Bob says in one turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// How the turn ended.
    pub outcome: Outcome,
    /// The language it is written in.
    pub language: Language,
    /// The text in the pieces in which it was released; together they are the whole, white space included.
    pub pieces: Vec<String>,
    /// The sources, by index.
    pub citations: Vec<Citation>,
    /// At most three things the visitor may have meant.
    pub suggestions: Vec<Suggestion>,
    /// Who takes over.
    pub handoff: Option<Handoff>,
}

impl Answer {
    /// An answer with no text yet.
    #[must_use]
    pub fn empty(outcome: Outcome, language: Language) -> Self {
        let (pieces, citations, suggestions) = (Vec::new(), Vec::new(), Vec::new());
        Self { outcome, language, pieces, citations, suggestions, handoff: None }
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> String {
        self.pieces.concat()
    }
}
