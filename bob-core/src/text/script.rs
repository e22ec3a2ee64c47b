//! The scripts that Bob treats differently.

/// The family of writing a character belongs to, as far as Bob cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Script {
    /// Letters of the Latin alphabet.
    Latin,
    /// Chinese characters: kanji, hanzi, hanja.
    Han,
    /// Japanese syllables that mostly carry grammar.
    Hiragana,
    /// Japanese syllables that mostly spell loan words.
    Katakana,
    /// Korean syllables.
    Hangul,
    /// Cyrillic letters.
    Cyrillic,
    /// Greek letters.
    Greek,
    /// Arabic letters.
    Arabic,
    /// Hebrew letters.
    Hebrew,
    /// Thai letters.
    Thai,
    /// Devanagari letters.
    Devanagari,
    /// Letters of any other script.
    Other,
}

impl Script {
    /// The script of a letter; nothing for digits, punctuation and emoji.
    #[must_use]
    pub fn of(c: char) -> Option<Self> {
        Some(match c {
            'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => match c {
                '×' | '÷' => return None,
                _ => Self::Latin,
            },
            '\u{3041}'..='\u{309f}' => Self::Hiragana,
            // The long mark and the iteration marks stand in katakana words; the middle dot parts them.
            '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' => Self::Katakana,
            '々'
            | '〆'
            | '〇'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}' => Self::Han,
            '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7af}' => Self::Hangul,
            '\u{400}'..='\u{52f}' => Self::Cyrillic,
            '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Self::Greek,
            '\u{590}'..='\u{5ff}' => Self::Hebrew,
            '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' => Self::Arabic,
            '\u{900}'..='\u{97f}' => Self::Devanagari,
            '\u{e00}'..='\u{e7f}' => Self::Thai,
            _ if c.is_alphabetic() => Self::Other,
            _ => return None,
        })
    }

    /// Whether words of this script are written without spaces between them, so that Bob compares pairs of characters.
    #[must_use]
    pub const fn is_unspaced(self) -> bool {
        matches!(self, Self::Han | Self::Hiragana | Self::Katakana | Self::Hangul)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_know_their_script_and_signs_have_none() {
        for (c, script) in [
            ('z', Some(Script::Latin)),
            ('ü', Some(Script::Latin)),
            ('返', Some(Script::Han)),
            ('々', Some(Script::Han)),
            ('の', Some(Script::Hiragana)),
            ('ー', Some(Script::Katakana)),
            ('・', None),
            ('한', Some(Script::Hangul)),
            ('ж', Some(Script::Cyrillic)),
            ('7', None),
            ('?', None),
            ('🙂', None),
        ] {
            assert_eq!(Script::of(c), script, "{c}");
        }
    }
}
