//! Which language somebody writes.

use super::Language;

/// Everything that tells about the language of a question.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// What was written.
    pub question: &'a str,
    /// The languages the business answers in; the first one is its default.
    pub languages: &'a [Language],
    /// For each language, the share of the question's words that its texts know, 0 to 1.
    pub familiarity: &'a [(Language, f32)],
    /// The language the conversation is held in so far.
    pub conversation: Option<Language>,
    /// The languages the browser asked for, best first.
    pub accept: &'a [Language],
}

/// Decides.
#[must_use]
pub fn decide(evidence: &Evidence<'_>) -> Language {
    evidence.languages.first().copied().unwrap_or(Language::EN)
}
