//! Which language somebody writes.
//!
//! Questions are short, and on short texts open detectors are wrong a third to half of the time. So the only languages are
//! those the business answers in, and the evidence is asked in the order of its strength: the script, words and letters
//! that only one language has, a detector where it has enough to read, the words that the business's own texts know, the
//! conversation so far, the browser, and last the business's first language.

mod detector;
mod grammar;
mod script;

use unicode_segmentation::UnicodeSegmentation as _;

use self::detector::by_detector;
use self::grammar::{by_spelling, by_words, is_grammar};
use self::script::{is_written_in, main_script};
use super::Language;
use crate::text::{Script, fold};

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

/// So many words are looked at; more tell nothing new.
const MOST_WORDS: usize = 60;
/// The texts of one language know so much more of the question than those of any other.
const CLEARLY_FAMILIAR: f32 = 0.25;

/// Decides which of the business's languages a question is written in.
///
/// Always one of [`Evidence::languages`]; English when there are none.
#[must_use]
pub fn decide(evidence: &Evidence<'_>) -> Language {
    let Some(&default) = evidence.languages.first() else { return Language::EN };
    let written = Written::read(evidence.question);
    let candidates = written.candidates(evidence);
    if let [only] = candidates.as_slice() {
        return *only;
    }
    by_words(&written, &candidates)
        .or_else(|| by_detector(&written, evidence.question, &candidates))
        .or_else(|| by_texts(evidence.familiarity, &candidates))
        .or_else(|| by_spelling(&written, &candidates))
        .or_else(|| evidence.conversation.filter(|language| candidates.contains(language)))
        .or_else(|| evidence.accept.iter().copied().find(|language| candidates.contains(language)))
        .or_else(|| candidates.first().copied())
        .unwrap_or(default)
}

/// What a question shows by itself.
struct Written {
    words: Vec<String>,
    script: Option<Script>,
}

impl Written {
    fn read(question: &str) -> Self {
        let folded = fold(question);
        let words = folded
            .unicode_words()
            .flat_map(|word| word.split(['\'', '.']))
            .filter(|word| word.contains(char::is_alphabetic))
            .take(MOST_WORDS)
            .map(str::to_owned)
            .collect();
        Self { words, script: main_script(&folded) }
    }

    fn letters(&self) -> usize {
        self.words.iter().map(|word| word.chars().count()).sum()
    }

    /// The business's languages that are written like this.
    fn candidates(&self, evidence: &Evidence<'_>) -> Vec<Language> {
        let all = evidence.languages;
        let Some(script) = self.script else { return all.to_vec() };
        let fitting: Vec<_> =
            all.iter().copied().filter(|language| is_written_in(*language, script)).collect();
        if fitting.is_empty() {
            return all.to_vec();
        }
        if script == Script::Latin {
            // Names are written in Latin letters everywhere: "PayPal?" may be a Japanese question. Not when a word of it belongs
            // to a language that is written so.
            let is_name = !self.words.iter().any(|word| fitting.iter().any(|l| is_grammar(*l, word)));
            let known_as_name =
                |language: &Language| is_name && familiarity_of(evidence.familiarity, *language) >= 0.99;
            return all.iter().copied().filter(|l| is_written_in(*l, script) || known_as_name(l)).collect();
        }
        fitting
    }
}

/// The language whose texts know clearly more of the words.
fn by_texts(familiarity: &[(Language, f32)], candidates: &[Language]) -> Option<Language> {
    let mut shares: Vec<(f32, Language)> =
        candidates.iter().map(|language| (familiarity_of(familiarity, *language), *language)).collect();
    shares.sort_by(|one, other| other.0.total_cmp(&one.0));
    match shares.as_slice() {
        [(best, language), (second, _), ..] if best - second >= CLEARLY_FAMILIAR => Some(*language),
        _ => None,
    }
}

fn familiarity_of(familiarity: &[(Language, f32)], language: Language) -> f32 {
    familiarity.iter().find(|(of, _)| *of == language).map_or(0.0, |(_, share)| *share)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[Language] = &[Language::EN, Language::DE, Language::JA];

    fn evidence(question: &str) -> Evidence<'_> {
        Evidence { question, languages: ALL, familiarity: &[], conversation: None, accept: &[] }
    }

    #[test]
    fn the_script_comes_first() {
        let conversation = Some(Language::DE);
        assert_eq!(decide(&Evidence { conversation, ..evidence("返品") }), Language::JA);
        assert_eq!(decide(&Evidence { conversation, ..evidence("OFのlampは") }), Language::JA);
    }

    #[test]
    fn what_the_texts_know_comes_before_the_conversation() {
        let found = decide(&Evidence {
            familiarity: &[(Language::EN, 0.0), (Language::DE, 1.0)],
            conversation: Some(Language::EN),
            ..evidence("Porto")
        });
        assert_eq!(found, Language::DE);
    }

    #[test]
    fn the_conversation_comes_before_the_browser_and_the_browser_before_the_business() {
        let open = evidence("Hotel");
        let accept = &[Language::FR, Language::DE];
        assert_eq!(decide(&open), Language::EN);
        assert_eq!(decide(&Evidence { accept, ..open }), Language::DE);
        assert_eq!(decide(&Evidence { accept, conversation: Some(Language::EN), ..open }), Language::EN);
    }

    #[test]
    fn the_language_is_always_one_of_the_business() {
        for question in ["", "\0", "🙂", "Привет", "สวัสดี", &"x".repeat(8_000), &"é\u{301}".repeat(4_000)]
        {
            for languages in [&[Language::DE][..], &[Language::JA, Language::FR], ALL] {
                let everywhere =
                    Evidence { languages, conversation: Some(Language::ES), ..evidence(question) };
                assert!(languages.contains(&decide(&everywhere)), "{question}");
            }
        }
        assert_eq!(decide(&Evidence { languages: &[], ..evidence("hallo") }), Language::EN);
    }
}
