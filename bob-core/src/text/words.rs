//! The words of a text, ready to be compared.

use unicode_segmentation::UnicodeSegmentation as _;

use super::fold::fold;
use super::function_words::kind_of;
use super::script::Script;
use super::stem::Stems;
use crate::language::Language;

/// How much a word says about what somebody wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Grammar and courtesy: `the`, `please`, `can`, か.
    Function,
    /// A number, an address or a reference; it helps to find a text, and its absence from all texts means nothing.
    Number,
    /// Common words that half mean something: `today`, `shop`, 場合.
    Light,
    /// What the text is about.
    Content,
}

/// One word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word as [`fold`] spells it.
    pub text: String,
    /// What it is compared by: its stem; for a script without spaces its pairs of characters, or its only one.
    pub terms: Vec<String>,
    /// How much it says.
    pub kind: Kind,
    /// The script it is written in; numbers have none.
    pub script: Option<Script>,
}

impl Word {
    /// Whether it is compared by pairs of characters.
    #[must_use]
    pub fn is_unspaced(&self) -> bool {
        self.script.is_some_and(Script::is_unspaced)
    }
}

/// Cuts a text into words of `language`, in order.
///
/// Linear in the length of the text, whatever it holds.
#[must_use]
pub fn words(text: &str, language: Language) -> Vec<Word> {
    let folded = fold(text);
    let stems = Stems::of(language);
    let mut found = Vec::new();
    let mut rest = folded.as_str();
    while let Some(first) = rest.chars().next() {
        let unspaced = is_unspaced(first);
        let end = rest.find(|c| is_unspaced(c) != unspaced).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        if unspaced {
            unspaced_words(run, language, &mut found);
        } else {
            spaced_words(run, language, &stems, &mut found);
        }
    }
    found
}

/// The words of a text that are joined by a hyphen, without it: some write `check-out`, some `checkout`.
#[must_use]
pub fn hyphenated(text: &str) -> Vec<String> {
    if !text.contains(['-', '\u{2010}', '\u{2011}', '\u{2013}', '\u{ff0d}']) {
        return Vec::new();
    }
    let folded = fold(text);
    let pieces: Vec<&str> = folded.split_word_bounds().collect();
    let is_part = |piece: &str| {
        piece.chars().count() <= 12 && piece.chars().all(|c| Script::of(c) == Some(Script::Latin))
    };
    let joined = pieces.windows(3).filter_map(|window| match window {
        [left, "-", right] if is_part(left) && is_part(right) => Some(format!("{left}{right}")),
        _ => None,
    });
    joined.collect()
}

fn is_unspaced(c: char) -> bool {
    Script::of(c).is_some_and(Script::is_unspaced)
}

/// Words between spaces: Latin, Cyrillic, Greek, Arabic …
fn spaced_words(run: &str, language: Language, stems: &Stems, found: &mut Vec<Word>) {
    // `e` of `e-mail`, until it is known what follows.
    let mut initial: Option<&str> = None;
    let mut pieces = run.split_word_bounds().peekable();
    let mut after_at = false;
    while let Some(piece) = pieces.next() {
        if !piece.contains(char::is_alphanumeric) {
            after_at = piece == "@";
            continue;
        }
        let before_at = pieces.peek() == Some(&"@");
        if is_reference(piece) || before_at || after_at {
            let text = piece.trim_end_matches(['.', ',']).to_owned();
            found.push(Word { terms: vec![text.clone()], text, kind: Kind::Number, script: None });
            continue;
        }
        for word in piece.split(['\'', '.', '_', ':']).filter(|word| !word.is_empty()) {
            if word.chars().nth(1).is_none() && word.is_ascii() && pieces.peek() == Some(&"-") {
                initial = Some(word);
                continue;
            }
            let text = initial.take().map_or_else(|| word.to_owned(), |initial| format!("{initial}{word}"));
            found.push(Word {
                terms: vec![stems.stem(&text)],
                kind: kind_of(language, &text),
                script: text.chars().find_map(Script::of),
                text,
            });
        }
    }
    if let Some(initial) = initial {
        let text = initial.to_owned();
        found.push(Word {
            terms: vec![text.clone()],
            text,
            kind: Kind::Function,
            script: Some(Script::Latin),
        });
    }
}

/// Numbers, and codes such as `of123456`; `a4` and `u1` are words.
fn is_reference(piece: &str) -> bool {
    let digits = piece.bytes().filter(u8::is_ascii_digit).count();
    digits > 0 && (digits >= 3 || !piece.contains(char::is_alphabetic))
}

/// Words of a script without spaces: runs of kanji, of katakana, of hangul; hiragana between them is grammar.
fn unspaced_words(run: &str, language: Language, found: &mut Vec<Word>) {
    let mut rest = run;
    while let Some(first) = rest.chars().next() {
        if let Some(length) = super::function_words::unspaced_prefix(language, rest) {
            let (text, after) = rest.split_at(length);
            rest = after;
            found.push(unspaced_word(text.to_owned(), Script::of(first), Kind::Function));
            continue;
        }
        let script = Script::of(first);
        let (text, used) = match script {
            Some(Script::Han) => han_word(rest),
            _ => {
                let end = rest.find(|c| Script::of(c) != script).unwrap_or(rest.len());
                (rest[..end].to_owned(), end)
            }
        };
        rest = &rest[used..];
        let kind = match script {
            Some(Script::Hiragana) => Kind::Function,
            _ => kind_of(language, &text),
        };
        found.push(unspaced_word(text, script, kind));
    }
}

/// A run of kanji, and how many bytes it takes: 申し込み is read as 申込, as it is also written.
fn han_word(rest: &str) -> (String, usize) {
    let mut word = String::new();
    let mut used = 0;
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if Script::of(c) == Some(Script::Han) {
            word.push(c);
            used = at + c.len_utf8();
        } else if !(is_okurigana(c)
            && chars.peek().is_some_and(|(_, next)| Script::of(*next) == Some(Script::Han)))
        {
            break;
        }
    }
    (word, used)
}

/// Syllables that end the first half of a compound; particles are not among them.
fn is_okurigana(c: char) -> bool {
    matches!(
        c,
        'い' | 'き'
            | 'ち'
            | 'り'
            | 'み'
            | 'び'
            | 'ぎ'
            | 'け'
            | 'せ'
            | 'め'
            | 'れ'
            | 'え'
            | 'げ'
            | 'べ'
            | 'し'
    )
}

fn unspaced_word(text: String, script: Option<Script>, kind: Kind) -> Word {
    let chars: Vec<char> = text.chars().collect();
    let terms = match chars.as_slice() {
        [_] => vec![text.clone()],
        _ => chars.windows(2).map(|pair| pair.iter().collect()).collect(),
    };
    Word { text, terms, kind, script }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[track_caller]
    fn salient(language: Language, text: &str, expected: &[&str]) {
        let found: Vec<_> =
            words(text, language).into_iter().filter(|w| w.kind == Kind::Content).map(|w| w.text).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn what_a_question_is_about_is_told_from_its_grammar() {
        salient(Language::EN, "Can you please tell me how I can cancel my order?", &["cancel", "order"]);
        salient(Language::EN, "I’d like to know what's included", &["included"]);
        salient(Language::DE, "Könnten Sie mir bitte sagen, was der Versand kostet?", &["versand", "kostet"]);
        salient(Language::FR, "Est-ce que je peux annuler l’abonnement ?", &["annuler", "abonnement"]);
        salient(Language::ES, "¿Cuánto tarda el envío?", &["tarda", "envío"]);
    }

    #[test]
    fn japanese_is_about_its_kanji_and_katakana() {
        salient(Language::JA, "返品の送料はいくらですか？", &["返品", "送料"]);
        salient(Language::JA, "クレジットカードで支払えますか", &["クレジットカード", "支払"]);
        salient(Language::JA, "申し込みをキャンセルしたいのですが", &["申込", "キャンセル"]);
        salient(Language::JA, "教えてください", &[]);
    }

    #[test]
    fn unspaced_scripts_are_compared_by_pairs_of_characters() {
        let terms: Vec<_> = words("営業時間", Language::JA).into_iter().flat_map(|w| w.terms).collect();
        assert_eq!(terms, ["営業", "業時", "時間"]);
        assert_eq!(words("届く", Language::JA)[0].terms, ["届"]);
        assert_eq!(words("배송비", "ko".parse().unwrap())[0].terms, ["배송", "송비"]);
    }

    #[test]
    fn mail_is_one_word_with_and_without_its_hyphen() {
        assert_eq!(words("E-Mail", Language::EN)[0].terms, words("email", Language::EN)[0].terms);
    }

    #[test]
    fn hyphenated_words_are_known_in_one_as_well() {
        assert_eq!(hyphenated("A late Check-out, or Wi‑Fi – both"), ["checkout", "wifi"]);
    }

    #[test]
    fn numbers_addresses_and_references_are_no_topic() {
        for text in ["30", "9.50", "OF123456", "me@shop.example", "2026-01-31"] {
            assert!(words(text, Language::EN).iter().all(|w| w.kind <= Kind::Number), "{text}");
        }
        assert_eq!(words("A4", Language::EN)[0].kind, Kind::Content);
    }

    #[test]
    fn hostile_text_costs_no_more_than_its_length() {
        let start = Instant::now();
        for text in [
            "e\u{301}".repeat(5_000),
            format!("a{}", "\u{301}".repeat(10_000)),
            "x".repeat(8_000),
            "返".repeat(8_000),
            "し返".repeat(4_000),
            "🙂".repeat(8_000),
            "👩‍👩‍👧".repeat(2_000),
            "🇩🇪".repeat(4_000),
            "\0".repeat(8_000),
            "\u{fdfa}".repeat(8_000),
            "a-".repeat(4_000),
            "a@".repeat(4_000),
            "'.".repeat(4_000),
            "ก\u{e34}".repeat(4_000),
        ] {
            for language in [Language::EN, Language::DE, Language::JA] {
                let _ = words(&text, language);
            }
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
}
