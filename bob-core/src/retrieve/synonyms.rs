//! Words that mean the same in a business's texts.

use crate::language::Language;

/// Groups of words and short phrases that mean the same, by language.
///
/// They widen a search and never appear in an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Synonyms {
    groups: Vec<(Language, Vec<String>)>,
}

impl Synonyms {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a group: in `language` each of these stands for every other.
    #[must_use]
    pub fn with<P: Into<String>>(mut self, language: Language, phrases: impl IntoIterator<Item = P>) -> Self {
        self.groups.push((language, phrases.into_iter().map(Into::into).collect()));
        self
    }

    /// The groups of a language, in the order in which they were added.
    pub fn of(&self, language: Language) -> impl Iterator<Item = &[String]> {
        self.groups.iter().filter(move |(of, _)| *of == language).map(|(_, phrases)| phrases.as_slice())
    }
}
