//! The evidence of words, letters and endings.

use super::{Language, Written};
use crate::text::{Kind, kind_of, without_accents};

/// Grammar and letters that only one candidate has.
pub(super) fn by_words(written: &Written, candidates: &[Language]) -> Option<Language> {
    let mut votes: Vec<usize> = vec![0; candidates.len()];
    for word in &written.words {
        let own: Vec<bool> = candidates.iter().map(|language| is_grammar(*language, word)).collect();
        if let ([one], true) = (positions(&own).as_slice(), word.len() > 1) {
            votes[*one] += 2;
        }
        let letters: Vec<bool> = candidates.iter().map(|language| has_own_letter(*language, word)).collect();
        if let [one] = positions(&letters).as_slice() {
            votes[*one] += 3;
        }
    }
    winner(&votes, candidates)
}

/// Whether a word only holds sentences of a language together.
pub(super) fn is_grammar(language: Language, word: &str) -> bool {
    kind_of(language, word) < Kind::Content
}

/// Letters that a language uses and its neighbours hardly do.
fn has_own_letter(language: Language, word: &str) -> bool {
    let letters = match language.as_str() {
        "de" => "äöü",
        "fr" => "çœàèùâêîôûë",
        "es" => "ñ¿¡áíóú",
        "sv" => "åäö",
        "da" | "no" | "nb" => "åæø",
        "pt" => "ãõç",
        "it" => "àèìòù",
        "tr" => "ğışü",
        "pl" => "ąćęłńśźż",
        _ => return false,
    };
    word.contains(|c| letters.contains(c))
}

fn positions(flags: &[bool]) -> Vec<usize> {
    flags.iter().enumerate().filter(|(_, flag)| **flag).map(|(at, _)| at).collect()
}

/// The candidate with the most votes, when no other comes near.
fn winner(votes: &[usize], candidates: &[Language]) -> Option<Language> {
    let (best, most) = votes.iter().copied().enumerate().max_by_key(|(_, votes)| *votes)?;
    let second =
        votes.iter().enumerate().filter(|(at, _)| *at != best).map(|(_, votes)| *votes).max().unwrap_or(0);
    (most > 0 && most >= 2 * second && most > second).then(|| candidates[best])
}

/// Endings and groups of letters that give a word away.
pub(super) fn by_spelling(written: &Written, candidates: &[Language]) -> Option<Language> {
    let mut votes: Vec<usize> = vec![0; candidates.len()];
    for word in
        written.words.iter().map(|word| without_accents(word)).filter(|word| word.chars().count() >= 5)
    {
        let own: Vec<bool> = candidates.iter().map(|language| looks_like(*language, &word)).collect();
        if let [one] = positions(&own).as_slice() {
            votes[*one] += 1;
        }
    }
    winner(&votes, candidates)
}

fn looks_like(language: Language, word: &str) -> bool {
    let (inside, endings): (&[&str], &[&str]) = match language.as_str() {
        "de" => (
            &["sch", "tz", "pf", "eih", "uck", "ieh", "ahr", "ohn"],
            &[
                "ung", "ungen", "keit", "heit", "lich", "isch", "ieren", "ein", "zeug", "stelle", "preis",
                "zimmer", "haus", "raum", "bett", "zeiten", "karte", "platz",
            ],
        ),
        "en" => (
            &["th", "wh", "ough", "ee", "oo", "sh", "nch"],
            &["ing", "ness", "ally", "ly", "ful", "able", "ed", "ies", "ay", "ory"],
        ),
        "fr" => (
            &["eau", "eux", "oi", "aux", "ille"],
            &["ment", "eur", "euse", "ette", "ie", "ique", "age", "aire"],
        ),
        "es" => (
            &["ll", "rr", "ue"],
            &["cion", "ciones", "dad", "dades", "ero", "era", "ado", "ada", "miento", "os", "as", "ar"],
        ),
        _ => (&[], &[]),
    };
    inside.iter().any(|part| word.contains(part)) || endings.iter().any(|ending| word.ends_with(ending))
}
