//! The stem of a word, by its language.

use std::fmt;

use rust_stemmers::{Algorithm, Stemmer};

use super::fold::without_accents;
use crate::language::Language;

/// Cuts words of one language to their stems (Snowball), without accents; a language it has no rules for keeps its words.
pub struct Stems {
    language: Language,
    stemmer: Option<Stemmer>,
}

/// No word of a language is longer; what is, is not worth stemming.
const LONGEST: usize = 64;

impl Stems {
    /// The stems of `language`.
    #[must_use]
    pub fn of(language: Language) -> Self {
        Self { language, stemmer: algorithm(language).map(Stemmer::create) }
    }

    /// The stem of a word that was folded before.
    #[must_use]
    pub fn stem(&self, word: &str) -> String {
        if word.len() > LONGEST {
            return word.to_owned();
        }
        let spelled = match self.language {
            Language::DE => with_umlauts(word),
            Language::ES => with_ending(word),
            _ => word.to_owned(),
        };
        let stem = match &self.stemmer {
            Some(stemmer) => without_accents(&stemmer.stem(&spelled)),
            None => without_accents(&spelled),
        };
        let ending = ["ert", "er"].into_iter().find_map(|ending| stem.strip_suffix(ending));
        match ending {
            // Snowball keeps the ending of `reserviert` and `Reservierung`, but not of `reservieren`.
            Some(verb) if self.language == Language::DE && verb.len() > 4 && verb.ends_with('i') => {
                verb.to_owned()
            }
            _ => stem,
        }
    }
}

impl fmt::Debug for Stems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stems").field(&self.language).finish()
    }
}

fn algorithm(language: Language) -> Option<Algorithm> {
    Some(match language.as_str() {
        "ar" => Algorithm::Arabic,
        "da" => Algorithm::Danish,
        "de" => Algorithm::German,
        "el" => Algorithm::Greek,
        "en" => Algorithm::English,
        "es" => Algorithm::Spanish,
        "fi" => Algorithm::Finnish,
        "fr" => Algorithm::French,
        "hu" => Algorithm::Hungarian,
        "it" => Algorithm::Italian,
        "nb" | "nn" | "no" => Algorithm::Norwegian,
        "nl" => Algorithm::Dutch,
        "pt" => Algorithm::Portuguese,
        "ro" => Algorithm::Romanian,
        "ru" => Algorithm::Russian,
        "sv" => Algorithm::Swedish,
        "ta" => Algorithm::Tamil,
        "tr" => Algorithm::Turkish,
        _ => return None,
    })
}

/// Reads `ae`, `oe` and `ue` as umlauts, but not after a vowel or `q`: `Rueckgabe` has one, `Steuer` and `Dauer` have none.
pub(super) fn with_umlauts(word: &str) -> String {
    if !word.contains("ae") && !word.contains("oe") && !word.contains("ue") {
        return word.to_owned();
    }
    let mut spelled = String::with_capacity(word.len());
    let mut letters = word.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        let umlaut = match letter {
            'a' => 'ä',
            'o' => 'ö',
            'u' => 'ü',
            _ => letter,
        };
        let alone = !matches!(before, 'a' | 'e' | 'i' | 'o' | 'u' | 'ä' | 'ö' | 'ü' | 'q');
        if umlaut != letter && alone && letters.next_if_eq(&'e').is_some() {
            spelled.push(umlaut);
            before = umlaut;
        } else {
            spelled.push(letter);
            before = letter;
        }
    }
    spelled
}

/// Gives `devolucion` the accent that the rules look for.
fn with_ending(word: &str) -> String {
    match word.strip_suffix("ion").filter(|stem| stem.ends_with(['c', 's'])) {
        Some(stem) => format!("{stem}ión"),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn same(language: Language, one: &str, other: &str) {
        let stems = Stems::of(language);
        assert_eq!(stems.stem(one), stems.stem(other), "{one} and {other}");
    }

    #[test]
    fn the_forms_of_a_word_share_a_stem() {
        same(Language::EN, "returning", "returns");
        same(Language::DE, "bestellungen", "bestellung");
        same(Language::DE, "repariert", "reparieren");
        same(Language::DE, "reserviert", "reservierung");
        same(Language::FR, "livraisons", "livraison");
        same(Language::ES, "devoluciones", "devolucion");
    }

    #[test]
    fn german_may_be_typed_without_umlauts() {
        same(Language::DE, "rueckgabe", "rückgabe");
        same(Language::DE, "ruckgabe", "rückgabe");
        same(Language::DE, "oeffnungszeiten", "öffnungszeiten");
        same(Language::DE, "steuern", "steuer");
        same(Language::DE, "dauern", "dauer");
    }

    #[test]
    fn accents_may_be_left_out() {
        same(Language::FR, "delai", "délai");
        same(Language::ES, "envio", "envío");
    }
}
