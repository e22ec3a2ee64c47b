//! The index of one release for one audience.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::language_index::LanguageIndex;
use super::{Retrieval, Synonyms};
use crate::knowledge::{Audience, Passage};
use crate::language::Language;

/// Everything an audience may be answered from, ready to be searched; it never changes.
#[derive(Debug)]
pub struct Index {
    languages: Vec<LanguageIndex>,
    bytes: usize,
}

impl Index {
    /// Builds an index of what `audience` may read among `passages`; the rest is left out.
    #[must_use]
    pub fn build(audience: Audience, passages: Vec<Passage>, synonyms: &Synonyms) -> Self {
        let mut by_language: BTreeMap<Language, Vec<Arc<Passage>>> = BTreeMap::new();
        for passage in passages.into_iter().filter(|passage| audience.may_read(passage.audience)) {
            by_language.entry(passage.language).or_default().push(Arc::new(passage));
        }
        let languages: Vec<_> = by_language
            .into_iter()
            .map(|(language, passages)| LanguageIndex::build(language, passages, synonyms))
            .collect();
        let bytes = 1_024 + languages.iter().map(LanguageIndex::bytes).sum::<usize>();
        Self { languages, bytes }
    }

    /// The passages of `language` that speak about `question`, best first, at most `limit`.
    #[must_use]
    pub fn search(&self, language: Language, question: &str, limit: usize) -> Retrieval {
        self.of(language).map(|index| index.search(question, limit)).unwrap_or_default()
    }

    /// For each language with texts, the share of the words of `question` that its texts know, 0 to 1.
    #[must_use]
    pub fn familiarity(&self, question: &str) -> Vec<(Language, f32)> {
        self.languages.iter().map(|index| (index.language, index.familiarity(question))).collect()
    }

    /// The first passages of the first texts of `language`, at most `limit`.
    #[must_use]
    pub fn openers(&self, language: Language, limit: usize) -> Vec<Arc<Passage>> {
        self.of(language).map(|index| index.first_texts(limit)).unwrap_or_default()
    }

    /// Roughly how many bytes of memory it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn of(&self, language: Language) -> Option<&LanguageIndex> {
        self.languages.iter().find(|index| index.language == language)
    }
}
