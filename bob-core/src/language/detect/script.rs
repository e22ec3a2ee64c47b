//! The evidence of the script.

use super::Language;
use crate::text::Script;

/// The script that most of a text is written in; a character of an unspaced script says more than a letter, and one kana makes
/// a text Japanese.
pub(super) fn main_script(folded: &str) -> Option<Script> {
    let mut counts: Vec<(Script, usize)> = Vec::new();
    for script in folded.chars().take(2_000).filter_map(Script::of) {
        let weight = if script.is_unspaced() { 4 } else { 1 };
        match counts.iter_mut().find(|(counted, _)| *counted == script) {
            Some((_, count)) => *count += weight,
            None => counts.push((script, weight)),
        }
    }
    let has_kana = |(script, _): &(Script, usize)| matches!(script, Script::Hiragana | Script::Katakana);
    let kana: usize = counts.iter().filter(|count| has_kana(count)).map(|(_, count)| count).sum();
    let letters: usize =
        counts.iter().filter(|(script, _)| !script.is_unspaced()).map(|(_, count)| count).sum();
    if kana > 0 && 4 * kana >= letters {
        return Some(Script::Hiragana);
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(script, _)| script)
}

/// Whether a language is written in a script, as far as Bob knows scripts.
pub(super) fn is_written_in(language: Language, script: Script) -> bool {
    match language.as_str() {
        "ja" => matches!(script, Script::Han | Script::Hiragana | Script::Katakana),
        "zh" => script == Script::Han,
        "ko" => script == Script::Hangul,
        "ru" | "uk" | "bg" | "sr" | "be" | "mk" => script == Script::Cyrillic,
        "el" => script == Script::Greek,
        "ar" | "fa" | "ur" => script == Script::Arabic,
        "he" | "yi" => script == Script::Hebrew,
        "th" => script == Script::Thai,
        "hi" | "mr" | "ne" => script == Script::Devanagari,
        _ => script == Script::Latin,
    }
}
