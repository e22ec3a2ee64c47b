//! One spelling for what looks the same.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Folds a text to one spelling: NFKC, lower case, plain apostrophes and hyphens, `ß` as `ss`.
///
/// Marks that compose with no letter, invisible characters and controls are dropped or become a space, so that neither
/// decoration nor an attack changes what a word is. Linear in the length of the text.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkc().flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            '\u{2018}' | '\u{2019}' | '\u{2bc}' | '\u{60}' | '\u{b4}' => folded.push('\''),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => folded.push('-'),
            // Half of the world writes the long mark as a wave.
            '\u{301c}' => folded.push('~'),
            _ if is_decoration(c) => {}
            _ if c.is_control() => folded.push(' '),
            _ => folded.push(c),
        }
    }
    folded
}

/// Marks and invisible characters that never make another word; the vowel signs of Thai or Hindi are not among them.
fn is_decoration(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{20d0}'..='\u{20ff}' | '\u{3099}' | '\u{309a}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{feff}')
}

/// A Latin word without its accents: visitors leave them out.
///
/// Other scripts come back as they are: there a mark makes another letter.
#[must_use]
pub fn without_accents(word: &str) -> String {
    if word.is_ascii() || !word.chars().next().is_some_and(|c| c.nfd().next().is_some_and(is_latin)) {
        return word.to_owned();
    }
    word.nfd()
        .filter(|c| !is_combining_mark(*c))
        .map(|c| match c {
            'ø' => 'o',
            'ł' => 'l',
            'đ' => 'd',
            _ => c,
        })
        .collect()
}

fn is_latin(c: char) -> bool {
    matches!(c, 'a'..='z' | 'ø' | 'ł' | 'đ' | 'œ' | 'æ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_is_folded_to_one_spelling() {
        for (text, folded) in [
            ("ＡＢＣ　１２３", "abc 123"),
            ("ﾊﾟｽﾎﾟｰﾄ", "パスポート"),
            ("Straße", "strasse"),
            ("cafe\u{301}", "café"),
            ("か\u{3099}", "が"),
            ("don’t", "don't"),
            ("a\0b", "a b"),
            ("re\u{ad}turn\u{200b}s", "returns"),
            ("z\u{315}\u{35c}\u{362}algo", "zalgo"),
        ] {
            assert_eq!(fold(text), folded);
        }
    }

    #[test]
    fn accents_go_from_latin_words_only() {
        for (word, plain) in
            [("délai", "delai"), ("für", "fur"), ("ガス", "ガス"), ("é", "e"), ("мой", "мой")]
        {
            assert_eq!(without_accents(word), plain);
        }
    }
}
