//! The evidence of a statistical detector.

use super::{Language, Written};

/// A detector needs so many words and letters to be trusted.
const DETECTOR_WORDS: usize = 4;
const DETECTOR_LETTERS: usize = 20;
/// A detector that may answer only with a candidate, and is believed only when it has read enough and is sure.
pub(super) fn by_detector(written: &Written, question: &str, candidates: &[Language]) -> Option<Language> {
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
