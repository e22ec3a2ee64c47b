//! The fixed phrases: everything Bob says that no business wrote.
//!
//! A struct of texts without gaps, *because* a language that lacks one does not compile, and because a reply can then be
//! held against them word for word. None promises when a person answers.

mod de;
mod en;
mod es;
mod fr;
mod ja;

use super::Suggestion;
use crate::language::Language;

/// Every fixed phrase in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phrases {
    /// Says that no person is talking.
    pub disclosure: &'static str,
    /// Who takes over, as in "you are connected with …".
    pub team: &'static str,
    /// Answers a greeting.
    pub greeting: &'static str,
    /// Answers thanks.
    pub thanks: &'static str,
    /// Answers a goodbye.
    pub goodbye: &'static str,
    /// Stands before suggestions when a question may mean several things.
    pub did_you_mean: &'static str,
    /// Asks for other words when a message asks nothing.
    pub unclear: &'static str,
    /// Says that no approved text answers, and offers a person.
    pub refused: &'static str,
    /// Stands behind an answer that leaves part of the question open.
    pub partial: &'static str,
    /// Says that a person takes over.
    pub escalated: &'static str,
    /// Says that no answer can be given for now, and that a person takes over.
    pub model_trouble: &'static str,
    /// Says that the business has spent what it set aside for answers.
    pub limited: &'static str,
    /// What the chip that asks for a person shows.
    pub ask_person_title: &'static str,
    /// What the chip that asks for a person says.
    pub ask_person_question: &'static str,
}

impl Phrases {
    /// The phrases of a language; English where there are none.
    #[must_use]
    pub fn for_language(language: Language) -> &'static Self {
        match language {
            Language::DE => &de::PHRASES,
            Language::JA => &ja::PHRASES,
            Language::FR => &fr::PHRASES,
            Language::ES => &es::PHRASES,
            _ => &en::PHRASES,
        }
    }

    /// The languages that have phrases of their own.
    pub const LANGUAGES: [Language; 5] =
        [Language::EN, Language::DE, Language::JA, Language::FR, Language::ES];

    /// The chip that asks for a person.
    #[must_use]
    pub fn ask_person(&self) -> Suggestion {
        Suggestion { title: self.ask_person_title.to_owned(), question: self.ask_person_question.to_owned() }
    }

    /// All of them, in the order of the fields.
    #[must_use]
    pub fn all(&self) -> [&'static str; 14] {
        [
            self.disclosure,
            self.team,
            self.greeting,
            self.thanks,
            self.goodbye,
            self.did_you_mean,
            self.unclear,
            self.refused,
            self.partial,
            self.escalated,
            self.model_trouble,
            self.limited,
            self.ask_person_title,
            self.ask_person_question,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_without_phrases_gets_english_ones() {
        assert_eq!(Phrases::for_language("it".parse().unwrap()), Phrases::for_language(Language::EN));
        assert_eq!(Phrases::for_language(Language::EN).disclosure, "You are talking to an AI assistant.");
    }

    #[test]
    fn no_phrase_is_missing_or_promises_a_time() {
        for language in Phrases::LANGUAGES {
            for phrase in Phrases::for_language(language).all() {
                assert!(!phrase.trim().is_empty() && phrase.trim() == phrase, "{language}");
                assert!(
                    !phrase.contains(|c: char| c.is_numeric() || "[]{}".contains(c)),
                    "{language}: {phrase}"
                );
                for promise in ["minute", "soon", "shortly", "sofort", "gleich", "すぐ", "bientôt", "pronto"]
                {
                    assert!(!phrase.to_lowercase().contains(promise), "{language}: {phrase}");
                }
            }
        }
    }
}
