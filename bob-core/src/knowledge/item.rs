//! An item over all its versions, and what is asked of many of them.

use jiff::Timestamp;

use super::{Audience, KnowledgeStatus, KnowledgeText};
use crate::id::KnowledgeId;
use crate::language::Language;

/// One version of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnowledgeVersion {
    /// The item it is a version of.
    pub item: KnowledgeId,
    /// 1 for the first, without gaps.
    pub number: u32,
    /// Where it stands.
    pub status: KnowledgeStatus,
    /// What it says.
    pub text: KnowledgeText,
    /// When it came to stand there.
    pub changed_at: Timestamp,
}

/// An item: what is being written, what visitors are answered from, and where its versions stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnowledgeItem {
    /// Its latest version.
    pub latest: KnowledgeVersion,
    /// The version that is published, which may be the latest.
    pub published: Option<KnowledgeVersion>,
    /// Its versions, the latest first; at most [`MOST_STEPS`](Self::MOST_STEPS).
    pub steps: Vec<KnowledgeStep>,
}

impl KnowledgeItem {
    /// How many versions an item names; older ones are kept and not told.
    pub const MOST_STEPS: u32 = 200;
}

/// Where one version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnowledgeStep {
    /// The version.
    pub number: u32,
    /// Where it stands.
    pub status: KnowledgeStatus,
    /// When it came to stand there.
    pub changed_at: Timestamp,
}

/// An item as a list shows it: its latest version without the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnowledgeEntry {
    /// The item.
    pub item: KnowledgeId,
    /// The latest version.
    pub number: u32,
    /// Where that one stands.
    pub status: KnowledgeStatus,
    /// The version that is published, if any.
    pub published: Option<u32>,
    /// The language of the latest version.
    pub language: Language,
    /// Whom it is for.
    pub audience: Audience,
    /// What it is about.
    pub title: String,
    /// When it came to stand there.
    pub changed_at: Timestamp,
    /// Until when it may be answered from.
    pub expires_at: Option<Timestamp>,
}

/// Which items a list shows; all of what is named must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnowledgeFilter {
    /// The latest version stands there; for [`Published`](KnowledgeStatus::Published), any version does.
    pub status: Option<KnowledgeStatus>,
    /// The latest version is in this language.
    pub language: Option<Language>,
    /// The latest version is for these.
    pub audience: Option<Audience>,
    /// The latest version's title has this in it; `A` to `Z` are the same as `a` to `z`, on every database.
    pub title: Option<String>,
}

impl KnowledgeFilter {
    /// Whether an item is shown.
    #[must_use]
    pub fn shows(&self, entry: &KnowledgeEntry) -> bool {
        let stands = |status| {
            entry.status == status || (status == KnowledgeStatus::Published && entry.published.is_some())
        };
        let title = entry.title.to_ascii_lowercase();
        self.status.is_none_or(stands)
            && self.language.is_none_or(|language| language == entry.language)
            && self.audience.is_none_or(|audience| audience == entry.audience)
            && self.title.as_ref().is_none_or(|part| title.contains(&part.to_ascii_lowercase()))
    }
}

/// What an import does with texts that are new or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportInto {
    /// Nothing: it tells what it would do.
    Nowhere,
    /// Drafts of them.
    Draft,
    /// Drafts of them, handed in for review.
    Review,
}

/// What became of a text of an import, or would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportedAs {
    /// A new item.
    Created,
    /// The next version of the item with its language and title.
    Updated,
    /// Nothing: the latest version of that item says the same.
    Unchanged,
}
