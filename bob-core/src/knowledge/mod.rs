//! Knowledge: the texts a business stands by, and the way they become public.
//!
//! A text is written as a *draft*, handed in for *review*, *approved* by somebody who may, *published*, and in the end
//! *retired*. Versions are immutable once they left the draft; Bob answers from published versions only.

pub mod passage;
mod synonyms;

use std::fmt;

use jiff::Timestamp;

use crate::id::KnowledgeId;
use crate::language::Language;

pub use passage::{Passage, passages_of};
pub use synonyms::Synonyms;

/// The longest title, in characters.
pub const MAX_TITLE: usize = 200;
/// The longest body, in characters.
pub const MAX_BODY: usize = 20_000;
/// How many question variants one text may have.
pub const MAX_QUESTIONS: usize = 50;
/// The longest question variant, in characters.
pub const MAX_QUESTION: usize = 300;
/// The longest address of a source, in bytes.
pub const MAX_URL: usize = 2_000;

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

/// What an author writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnowledgeText {
    language: Language,
    title: String,
    body: String,
    questions: Vec<String>,
    url: Option<String>,
    audience: Audience,
}

/// A text is out of its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KnowledgeTextError {
    /// The title is empty or longer than [`MAX_TITLE`].
    #[error("a title has 1 to 200 characters")]
    Title,
    /// The body is empty or longer than [`MAX_BODY`].
    #[error("a body has 1 to 20,000 characters")]
    Body,
    /// Too many question variants, or one is empty or too long.
    #[error("at most 50 questions of 1 to 300 characters each")]
    Questions,
    /// The address is not `http` or `https`, or too long.
    #[error("an address starts with https:// or http:// and has at most 2,000 bytes")]
    Url,
}

impl KnowledgeText {
    /// A text for the public with no variants and no address.
    ///
    /// # Errors
    ///
    /// When the title or body is empty or too long; see [`MAX_TITLE`] and [`MAX_BODY`].
    pub fn new(language: Language, title: &str, body: &str) -> Result<Self, KnowledgeTextError> {
        let (title, body) = (title.trim(), body.trim());
        if title.is_empty() || title.chars().count() > MAX_TITLE || title.contains(char::is_control) {
            return Err(KnowledgeTextError::Title);
        }
        if body.is_empty() || body.chars().count() > MAX_BODY || body.contains('\0') {
            return Err(KnowledgeTextError::Body);
        }
        Ok(Self {
            language,
            title: title.to_owned(),
            body: body.to_owned(),
            questions: Vec::new(),
            url: None,
            audience: Audience::Public,
        })
    }

    /// Adds the ways customers ask for this text.
    ///
    /// # Errors
    ///
    /// When there are more than [`MAX_QUESTIONS`] or one is empty or longer than [`MAX_QUESTION`].
    pub fn asked_as(
        mut self,
        questions: impl IntoIterator<Item = String>,
    ) -> Result<Self, KnowledgeTextError> {
        self.questions = questions.into_iter().take(MAX_QUESTIONS + 1).map(|q| q.trim().to_owned()).collect();
        let fits =
            |q: &String| !q.is_empty() && q.chars().count() <= MAX_QUESTION && !q.contains(char::is_control);
        if self.questions.len() > MAX_QUESTIONS || !self.questions.iter().all(fits) {
            return Err(KnowledgeTextError::Questions);
        }
        Ok(self)
    }

    /// Adds the page a citation links to.
    ///
    /// # Errors
    ///
    /// When the address is not `http(s)` or is longer than [`MAX_URL`].
    pub fn found_at(mut self, url: &str) -> Result<Self, KnowledgeTextError> {
        let parsed = url::Url::parse(url).map_err(|_| KnowledgeTextError::Url)?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.as_str().len() > MAX_URL {
            return Err(KnowledgeTextError::Url);
        }
        self.url = Some(parsed.into());
        Ok(self)
    }

    /// Says who may be answered from it.
    #[must_use]
    pub fn for_audience(mut self, audience: Audience) -> Self {
        self.audience = audience;
        self
    }

    /// The language it is written in.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// What it is about, in a few words.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The text itself; paragraphs are parted by an empty line.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The ways customers ask for it.
    #[must_use]
    pub fn questions(&self) -> &[String] {
        &self.questions
    }

    /// The page a citation links to.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// Who may be answered from it.
    #[must_use]
    pub fn audience(&self) -> Audience {
        self.audience
    }

    /// The fingerprint citations carry: SHA-256 over language, title and body, each behind its length.
    #[must_use]
    pub fn content_hash(&self) -> [u8; 32] {
        let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        for part in [self.language.as_str(), &self.title, &self.body] {
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(digest.finish().as_ref());
        hash
    }
}

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

    #[test]
    fn texts_out_of_bounds_are_refused() {
        let long = "x".repeat(MAX_BODY + 1);
        for (title, body, error) in [
            ("", "body", KnowledgeTextError::Title),
            ("two\nlines", "body", KnowledgeTextError::Title),
            ("title", "   ", KnowledgeTextError::Body),
            ("title", "nul \0 inside", KnowledgeTextError::Body),
            ("title", long.as_str(), KnowledgeTextError::Body),
        ] {
            assert_eq!(KnowledgeText::new(Language::EN, title, body).unwrap_err(), error);
        }
        let text = KnowledgeText::new(Language::EN, "title", "body").unwrap();
        for url in ["javascript:alert(1)", "//shop.example", "data:text/html,x", "ftp://shop.example"] {
            assert_eq!(text.clone().found_at(url).unwrap_err(), KnowledgeTextError::Url, "{url}");
        }
    }

    #[test]
    fn moving_a_word_from_title_to_body_changes_the_fingerprint() {
        let one = KnowledgeText::new(Language::EN, "Returns a", "b").unwrap();
        let other = KnowledgeText::new(Language::EN, "Returns", "a b").unwrap();
        assert_ne!(one.content_hash(), other.content_hash());
    }
}
