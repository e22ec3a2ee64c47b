//! Which language somebody writes.
//!
//! Questions are short, and on short texts open detectors are wrong a third to half of the time. So the only languages are
//! those the business answers in, and the evidence is asked in the order of its strength: the script, words and letters
//! that only one language has, a detector where it has enough to read, the words that the business's own texts know, the
//! conversation so far, the browser, and last the business's first language.

use unicode_segmentation::UnicodeSegmentation as _;

use super::Language;
use crate::text::{Kind, Script, fold, kind_of, without_accents};

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
/// A detector needs so many words and letters to be trusted.
const DETECTOR_WORDS: usize = 4;
const DETECTOR_LETTERS: usize = 20;
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

/// The script that most of a text is written in; a character of an unspaced script says more than a letter, and one kana makes
/// a text Japanese.
fn main_script(folded: &str) -> Option<Script> {
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
fn is_written_in(language: Language, script: Script) -> bool {
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

/// Grammar and letters that only one candidate has.
fn by_words(written: &Written, candidates: &[Language]) -> Option<Language> {
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

fn is_grammar(language: Language, word: &str) -> bool {
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

/// A detector that may answer only with a candidate, and is believed only when it has read enough and is sure.
fn by_detector(written: &Written, question: &str, candidates: &[Language]) -> Option<Language> {
    if written.words.len() < DETECTOR_WORDS || written.letters() < DETECTOR_LETTERS {
        return None;
    }
    let (known, codes): (Vec<_>, Vec<_>) =
        candidates.iter().filter_map(|language| Some((*language, detector_code(*language)?))).unzip();
    // A language the detector cannot name would always lose.
    if known.len() != candidates.len() {
        return None;
    }
    let found = whatlang::Detector::with_allowlist(codes.clone()).detect(question)?;
    let at = codes.iter().position(|code| *code == found.lang())?;
    found.is_reliable().then(|| known[at])
}

fn detector_code(language: Language) -> Option<whatlang::Lang> {
    use whatlang::Lang;
    Some(match language.as_str() {
        "cs" => Lang::Ces,
        "da" => Lang::Dan,
        "de" => Lang::Deu,
        "en" => Lang::Eng,
        "es" => Lang::Spa,
        "fi" => Lang::Fin,
        "fr" => Lang::Fra,
        "hu" => Lang::Hun,
        "it" => Lang::Ita,
        "ja" => Lang::Jpn,
        "nb" | "no" => Lang::Nob,
        "nl" => Lang::Nld,
        "pl" => Lang::Pol,
        "pt" => Lang::Por,
        "ro" => Lang::Ron,
        "ru" => Lang::Rus,
        "sv" => Lang::Swe,
        "tr" => Lang::Tur,
        "uk" => Lang::Ukr,
        _ => return None,
    })
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

/// Endings and groups of letters that give a word away.
fn by_spelling(written: &Written, candidates: &[Language]) -> Option<Language> {
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
