//! Questions with more than one part.

use crate::language::Language;
use crate::text::sentences;

/// A message has so many parts that are looked at.
pub(super) const MOST_PARTS: usize = 8;

/// The sentences of a message.
pub(super) fn into_sentences(message: &str) -> Vec<&str> {
    sentences(message).filter(|part| part.contains(char::is_alphanumeric)).take(MOST_PARTS).collect()
}

/// The clauses of a sentence: what stands between commas and conjunctions.
pub(super) fn into_clauses(sentence: &str, language: Language) -> Vec<&str> {
    let conjunctions: &[&str] = match language.as_str() {
        "de" => &["und", "sowie", "außerdem", "aber", "oder"],
        "fr" => &["et", "mais", "aussi", "ainsi"],
        "es" => &["y", "e", "pero", "también", "además"],
        "ja" => &[],
        _ => &["and", "but", "also", "plus"],
    };
    let mut clauses = Vec::new();
    let mut start = 0;
    let mut push = |from: usize, to: usize| {
        let clause = sentence[from..to].trim_matches(|c: char| c.is_whitespace() || ",;、，；".contains(c));
        if clause.contains(char::is_alphanumeric) {
            clauses.push(clause);
        }
    };
    let mut word_start = None;
    for (at, c) in sentence.char_indices().chain([(sentence.len(), ' ')]) {
        if c.is_alphanumeric() {
            word_start.get_or_insert(at);
            continue;
        }
        if let Some(word) = word_start.take()
            && conjunctions.iter().any(|conjunction| sentence[word..at].eq_ignore_ascii_case(conjunction))
        {
            push(start, word);
            start = at;
        }
        if ",;、，；".contains(c) && !is_inside_a_number(sentence, at) {
            push(start, at);
            start = at;
        }
    }
    push(start, sentence.len());
    if language == Language::JA {
        clauses = clauses.into_iter().flat_map(between_japanese_conjunctions).collect();
    }
    clauses.truncate(MOST_PARTS);
    clauses
}

fn is_inside_a_number(text: &str, at: usize) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[at..].chars().nth(1);
    [before, after].iter().all(|c| c.is_some_and(|c| c.is_ascii_digit()))
}

/// 送料と返品 are two things; conjunctions at the beginning of a clause are left out.
fn between_japanese_conjunctions(clause: &str) -> Vec<&str> {
    const BEGINNINGS: &[&str] =
        &["そして", "それから", "それと", "また", "あと", "および", "及び", "ならびに"];
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, c) in clause.char_indices() {
        let joins_nouns = c == 'と' && {
            let before = clause[..at].chars().next_back();
            let after = clause[at..].chars().nth(1);
            [before, after].iter().all(|c| c.is_some_and(is_noun_character))
        };
        if joins_nouns {
            parts.push(&clause[start..at]);
            start = at + c.len_utf8();
        } else if at > start && BEGINNINGS[..4].iter().any(|word| clause[at..].starts_with(word)) {
            parts.push(&clause[start..at]);
            start = at;
        }
    }
    parts.push(&clause[start..]);
    parts
        .into_iter()
        .map(|part| BEGINNINGS.iter().find_map(|word| part.strip_prefix(word)).unwrap_or(part).trim())
        .filter(|part| part.contains(char::is_alphanumeric))
        .collect()
}

fn is_noun_character(c: char) -> bool {
    use crate::text::Script;
    matches!(Script::of(c), Some(Script::Han | Script::Katakana | Script::Latin))
}

/// Whether a part of a message asks something, so that leaving it open must be said.
pub(super) fn asks(part: &str) -> bool {
    #[rustfmt::skip]
    const STARTS: &[&str] = &[
        "who", "what", "when", "where", "why", "how", "which", "can", "could", "do", "does", "did", "is", "are", "will", "would", "may", "should", "have", "has",
        "wer", "was", "wann", "wo", "wie", "warum", "wieso", "welche", "welcher", "welches", "kann", "können", "könnte", "ist", "sind", "gibt", "haben", "hat", "darf", "muss", "geht", "nehmen", "nehmt", "bieten", "liefern", "versenden", "schicken", "verkaufen", "akzeptieren", "kostet", "kommt",
        "qui", "que", "quand", "où", "comment", "combien", "pourquoi", "quel", "quelle", "est", "puis", "peut", "avez",
        "qué", "cuándo", "dónde", "cómo", "cuánto", "cuál", "quién", "puedo", "tienen", "hay",
    ];
    let first = part.split(|c: char| !c.is_alphabetic()).find(|word| !word.is_empty()).unwrap_or_default();
    const WISHES: &[&str] = &[
        "want", "need", "like", "looking", "tell", "explain", "please", "möchte", "moechte", "brauche",
        "suche", "will", "bitte", "sagen", "voudrais", "veux", "besoin", "cherche", "quiero", "quisiera",
        "necesito", "busco",
    ];
    const JAPANESE_WISHES: &[&str] = &["教えて", "ください", "下さい", "たい", "欲しい", "ほしい", "お願い"];
    let mut words = part.split(|c: char| !c.is_alphabetic()).map(str::to_lowercase);
    part.ends_with(['?', '？'])
        || words.any(|word| WISHES.contains(&word.as_str()))
        || JAPANESE_WISHES.iter().any(|wish| part.contains(wish))
        || STARTS.contains(&first.to_lowercase().as_str())
        || part.trim_end_matches(['。', '？', '?']).ends_with('か')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sentence: &str, language: Language, expected: &[&str]) {
        assert_eq!(into_clauses(sentence, language), expected);
    }

    #[test]
    fn clauses_stand_between_commas_and_conjunctions() {
        check(
            "How much is shipping, and where are you?",
            Language::EN,
            &["How much is shipping", "where are you?"],
        );
        check("Wann öffnen Sie und wo?", Language::DE, &["Wann öffnen Sie", "wo?"]);
        check("送料と返品について教えて", Language::JA, &["送料", "返品について教えて"]);
        check(
            "送料はいくらですか、また返品できますか",
            Language::JA,
            &["送料はいくらですか", "返品できますか"],
        );
        check("¿Cuánto cuesta y dónde están?", Language::ES, &["¿Cuánto cuesta", "dónde están?"]);
    }

    #[test]
    fn words_and_numbers_are_not_cut() {
        check("Android brand handy 1,000 EUR", Language::EN, &["Android brand handy 1,000 EUR"]);
        check("こちらと話す", Language::JA, &["こちらと話す"]);
    }

    #[test]
    fn sentences_without_a_word_are_no_parts() {
        assert_eq!(into_sentences("Hello!!!\n...?\nWhere are you?"), ["Hello!!!", "Where are you?"]);
    }

    #[test]
    fn a_part_that_asks_is_told_from_one_that_tells() {
        for part in ["Where are you", "and so?", "返品できますか。", "wo sind Sie", "¿dónde están"]
        {
            assert!(asks(part), "{part}");
        }
        for part in ["I bought a lamp", "Write a poem", "先週買いました"] {
            assert!(!asks(part), "{part}");
        }
    }
}
