//! Knowledge: the texts a business stands by, and the way they become public.
//!
//! A text is written as a *draft*, handed in for *review*, *approved* by somebody who may, *published*, and in the end
//! *retired*. Versions are immutable once they left the draft; Bob answers from published versions only.

pub mod import;
mod item;
pub mod passage;
mod synonyms;
mod text;

use std::fmt;

pub use item::{
    ImportInto, ImportedAs, KnowledgeEntry, KnowledgeFilter, KnowledgeItem, KnowledgeStep, KnowledgeVersion,
};
pub use passage::{Passage, passages_of};
pub use synonyms::Synonyms;
pub use text::{
    KnowledgeText, KnowledgeTextError, MAX_BODY, MAX_QUESTION, MAX_QUESTIONS, MAX_TITLE, MAX_URL,
};

/// Where a version of a text stands on its way to the visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KnowledgeStatus {
    /// Being written; may change.
    Draft,
    /// Handed in; waits for somebody who may approve.
    Review,
    /// Approved; waits for a release.
    Approved,
    /// What visitors are answered from.
    Published,
    /// No longer used; kept for the record.
    Retired,
}

impl KnowledgeStatus {
    /// Whether a version may go from here to `next`.
    ///
    /// Forward one step at a time; review may send a text back to draft, and anything may be retired.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use KnowledgeStatus::{Approved, Draft, Published, Retired, Review};
        matches!(
            (self, next),
            (Draft, Review)
                | (Review, Approved | Draft)
                | (Approved, Published)
                | (Draft | Review | Approved | Published, Retired)
        )
    }

    /// The name used on the wire and in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Review => "review",
            Self::Approved => "approved",
            Self::Published => "published",
            Self::Retired => "retired",
        }
    }

    /// Reads a name that [`as_str`](Self::as_str) gave.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Draft, Self::Review, Self::Approved, Self::Published, Self::Retired]
            .into_iter()
            .find(|status| status.as_str() == name)
    }
}

impl fmt::Display for KnowledgeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who may be answered from a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Audience {
    /// Every visitor.
    Public,
    /// Only the business's own people, on the signed-in door.
    Staff,
}

impl Audience {
    /// Whether somebody of `self` may read what is meant for `text`.
    #[must_use]
    pub fn may_read(self, text: Self) -> bool {
        text <= self
    }

    /// The name used on the wire and in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Staff => "staff",
        }
    }

    /// Reads a name that [`as_str`](Self::as_str) gave.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Public, Self::Staff].into_iter().find(|audience| audience.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use KnowledgeStatus::{Approved, Draft, Published, Retired, Review};

    #[test]
    fn nothing_is_published_that_was_not_approved() {
        for from in [Draft, Review, Published, Retired] {
            assert!(!from.may_become(Published), "{from}");
        }
        assert!(Approved.may_become(Published));
        assert!(!Draft.may_become(Approved), "a draft is reviewed first");
        assert!(!Retired.may_become(Draft), "what is retired stays retired");
    }

    #[test]
    fn every_status_reads_back_its_own_name() {
        for status in [Draft, Review, Approved, Published, Retired] {
            assert_eq!(KnowledgeStatus::from_name(status.as_str()), Some(status));
        }
        assert_eq!(KnowledgeStatus::from_name("live"), None);
    }

    #[test]
    fn a_visitor_never_reads_what_is_meant_for_staff() {
        assert!(!Audience::Public.may_read(Audience::Staff));
        assert!(Audience::Staff.may_read(Audience::Public));
    }
}
