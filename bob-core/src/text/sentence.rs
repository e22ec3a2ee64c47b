//! Where one sentence ends and the next begins.

use unicode_segmentation::UnicodeSegmentation as _;

/// The sentences of a text (UAX #29), each with outer white space removed; empty ones are left out.
///
/// A line break ends a sentence, so that the lines of a list stand alone.
///
/// Nothing else is changed: what comes out stands word for word in the text.
pub fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_sentence_bounds().map(str::trim).filter(|sentence| !sentence.is_empty())
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
}
