//! What an author writes, and its bounds.

use jiff::Timestamp;

use super::Audience;
use crate::language::Language;

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

/// What an author writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnowledgeText {
    language: Language,
    title: String,
    body: String,
    questions: Vec<String>,
    url: Option<String>,
    audience: Audience,
    expires_at: Option<Timestamp>,
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
            expires_at: None,
        })
    }

    /// What storage holds, as it stands there.
    ///
    /// It was within its bounds when it was written. It is not held against those of today, so that a narrower bound
    /// takes no text from a business that had it approved.
    #[must_use]
    pub fn from_stored(
        (language, audience): (Language, Audience),
        (title, body): (String, String),
        questions: Vec<String>,
        url: Option<String>,
        expires_at: Option<Timestamp>,
    ) -> Self {
        Self { language, title, body, questions, url, audience, expires_at }
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

    /// Says until when it may be answered from.
    #[must_use]
    pub fn until(mut self, expires_at: Timestamp) -> Self {
        self.expires_at = Some(expires_at);
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

    /// From when on it is no longer answered from; never when none.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
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

#[cfg(test)]
mod tests {
    use super::*;

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
