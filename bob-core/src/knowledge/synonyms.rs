//! Words that mean the same in a business's texts.

use crate::language::Language;

/// Groups of words and short phrases that mean the same, by language.
///
/// They widen a search and never appear in an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Synonyms {
    groups: Vec<(Language, Vec<String>)>,
}

impl FromIterator<(Language, Vec<String>)> for Synonyms {
    fn from_iter<I: IntoIterator<Item = (Language, Vec<String>)>>(groups: I) -> Self {
        Self { groups: groups.into_iter().collect() }
    }
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

    /// All groups with their languages, in the order in which they were added.
    #[must_use]
    pub fn groups(&self) -> &[(Language, Vec<String>)] {
        &self.groups
    }

    /// The groups of a language, in the order in which they were added.
    pub fn of(&self, language: Language) -> impl Iterator<Item = &[String]> {
        self.groups.iter().filter(move |(of, _)| *of == language).map(|(_, phrases)| phrases.as_slice())
    }
}
