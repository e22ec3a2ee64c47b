//! Where one sentence ends and the next begins.

use unicode_segmentation::UnicodeSegmentation as _;

/// The sentences of a text (UAX #29), each with outer white space removed; empty ones are left out.
///
/// A line break ends a sentence, so that the lines of a list stand alone. The point of a common abbreviation (`approx.`,
/// `z. B.`) or of a German date (`24. Dezember`) ends none.
///
/// Nothing else is changed: what comes out stands word for word in the text.
pub fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut bounds = text.split_sentence_bound_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            let (start, first) = bounds.next()?;
            let mut end = start + first.len();
            while let Some((_, next)) = bounds.next_if(|(_, next)| goes_on(&text[start..end], next)) {
                end += next.len();
            }
            let sentence = text[start..end].trim();
            if !sentence.is_empty() {
                return Some(sentence);
            }
        }
    })
}

/// Abbreviations that stand before a capital letter or a number, in lower case and without their last point.
#[rustfmt::skip]
const ABBREVIATIONS: &[&str] = &[
    "approx", "dr", "e.g", "i.e", "mr", "mrs", "ms", "prof", "vs",
    "bzgl", "bzw", "ca", "d.h", "einschl", "evtl", "ggf", "inkl", "hr", "nr", "tel", "u.a", "z.b", "zzgl",
    "p.ex", "dña", "pág", "sr", "sra",
];

/// Abbreviations written with spaces, whose last letter would pass for an initial.
const SPACED: &[&str] = &["z. B", "z. T", "i. d. R"];

/// Abbreviations before a number only: "So. 9 Uhr", but "I think so. We …".
const BEFORE_NUMBERS: &[&str] = &["mo", "di", "mi", "do", "fr", "sa", "so", "str", "no", "art"];

#[rustfmt::skip]
const GERMAN_MONTHS: &[&str] = &[
    "Januar", "Jänner", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember",
];

/// Whether the sentence that seems to end with `before` goes on with `next`.
fn goes_on(before: &str, next: &str) -> bool {
    // A line break always ends a sentence.
    if before.ends_with(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
        return false;
    }
    let Some(before) = before.trim_end().strip_suffix('.') else { return false };
    let last = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    if last.is_empty() || SPACED.iter().any(|spaced| before.ends_with(spaced)) {
        return !last.is_empty();
    }
    if last.len() <= 2 && last.bytes().all(|b| b.is_ascii_digit()) {
        return GERMAN_MONTHS.iter().any(|month| next.starts_with(month));
    }
    // `z. B.` and `J. R. Smith` go on; "size M. We …" does not.
    if last.chars().nth(1).is_none() {
        return last.chars().all(char::is_lowercase) || next.chars().nth(1) == Some('.');
    }
    let lower = last.to_lowercase();
    let numbered = next.starts_with(|c: char| c.is_ascii_digit());
    ABBREVIATIONS.contains(&lower.as_str())
        || numbered && (BEFORE_NUMBERS.contains(&lower.as_str()) || lower.ends_with("str"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(sentences(text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn sentences_end_at_their_punctuation() {
        check("We open at 9. On Sunday we rest!", &["We open at 9.", "On Sunday we rest!"]);
        check(
            "営業時間は10時からです。日曜日は休みです。",
            &["営業時間は10時からです。", "日曜日は休みです。"],
        );
    }

    #[test]
    fn a_price_is_not_cut_at_its_point() {
        check("Express costs 9.50 EUR. It is fast.", &["Express costs 9.50 EUR.", "It is fast."]);
    }

    #[test]
    fn an_abbreviation_does_not_end_a_sentence() {
        check("It takes approx. 5 Days. Ask us.", &["It takes approx. 5 Days.", "Ask us."]);
        check("Wir öffnen z. B. Montag. Fragen Sie.", &["Wir öffnen z. B. Montag.", "Fragen Sie."]);
        check("Das kostet ca. 30 Euro. Gut.", &["Das kostet ca. 30 Euro.", "Gut."]);
        check("Mo. bis Fr. 9 Uhr. Sonst nie.", &["Mo. bis Fr. 9 Uhr.", "Sonst nie."]);
    }

    #[test]
    fn a_german_date_does_not_end_a_sentence() {
        check("Am 24. Dezember ist zu. Danach offen.", &["Am 24. Dezember ist zu.", "Danach offen."]);
    }

    #[test]
    fn a_line_ends_a_sentence_whatever_it_ends_with() {
        check("Desks approx.\nChairs\n\nLamps", &["Desks approx.", "Chairs", "Lamps"]);
    }
}
