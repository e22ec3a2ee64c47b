//! Which words of a language say what a text is about, and which only hold it together.
//!
//! Own lists, *because* the common ones count `open`, `order`, `help` and `offen` as noise, and a shop's customers ask
//! about just these. Words are spelled without accents, as visitors leave them out.

mod de;
mod en;
mod es;
mod fr;
mod ja;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::fold::without_accents;
use super::stem::with_umlauts;
use super::words::Kind;
use crate::language::Language;

/// The words of one language that are not its topics.
struct FunctionWords {
    /// Grammar, courtesy and verbs that every question may use.
    function: &'static [&'static str],
    /// Words that half mean something.
    light: &'static [&'static str],
}

/// A language's words by how much they say.
type Kinds = HashMap<&'static str, Kind>;

fn listed(language: Language) -> Option<&'static Kinds> {
    // Written down for people, looked up thousands of times while an index is built.
    static EN: LazyLock<Kinds> = LazyLock::new(|| kinds(&en::WORDS));
    static DE: LazyLock<Kinds> = LazyLock::new(|| kinds(&de::WORDS));
    static JA: LazyLock<Kinds> = LazyLock::new(|| kinds(&ja::WORDS));
    static FR: LazyLock<Kinds> = LazyLock::new(|| kinds(&fr::WORDS));
    static ES: LazyLock<Kinds> = LazyLock::new(|| kinds(&es::WORDS));
    match language {
        Language::EN => Some(&EN),
        Language::DE => Some(&DE),
        Language::JA => Some(&JA),
        Language::FR => Some(&FR),
        Language::ES => Some(&ES),
        _ => None,
    }
}

fn kinds(words: &FunctionWords) -> Kinds {
    let light = words.light.iter().map(|word| (*word, Kind::Light));
    light.chain(words.function.iter().map(|word| (*word, Kind::Function))).collect()
}

/// How much a folded word says in `language`.
///
/// A language without a list of its own takes the ISO stop words.
pub(crate) fn kind_of(language: Language, word: &str) -> Kind {
    let Some(kinds) = listed(language) else {
        let stops = stop_words::lookup(language.as_str()).unwrap_or_default();
        let single = word.len() == 1;
        return if single || stops.contains(&word) { Kind::Function } else { Kind::Content };
    };
    let kind_of_plain = |plain: &str| match kinds.get(plain) {
        _ if plain.len() == 1 => Kind::Function,
        Some(kind) => *kind,
        None => Kind::Content,
    };
    let kind = kind_of_plain(&without_accents(word));
    // `fuer` is `für`, though `zuerst` is not `zürst`.
    if language == Language::DE && kind == Kind::Content && word.contains('e') {
        return kind_of_plain(&without_accents(&with_umlauts(word)));
    }
    kind
}

/// The length in bytes of the phrase without meaning that `text` begins with; only Japanese has such phrases.
pub(crate) fn unspaced_prefix(language: Language, text: &str) -> Option<usize> {
    if language != Language::JA {
        return None;
    }
    ja::PHRASES.iter().filter(|phrase| text.starts_with(**phrase)).map(|phrase| phrase.len()).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_spelled_the_way_words_are_compared() {
        for (language, lists) in [
            (Language::EN, en::WORDS),
            (Language::DE, de::WORDS),
            (Language::JA, ja::WORDS),
            (Language::FR, fr::WORDS),
            (Language::ES, es::WORDS),
        ] {
            for word in lists.function.iter().chain(lists.light) {
                assert_eq!(*word, without_accents(&super::super::fold(word)), "{language}");
                assert!(kind_of(language, word) < Kind::Content, "{language}: {word}");
            }
            for word in lists.light {
                assert!(!lists.function.contains(word), "{language}: {word} is on both lists");
            }
        }
    }

    #[test]
    fn what_customers_ask_about_is_never_noise() {
        for (language, words) in [
            (Language::EN, "open order cancel refund change contact price hours return"),
            (Language::DE, "offen bestellung versand preis rueckgabe öffnungszeiten kosten"),
            (Language::FR, "ouvert commande livraison prix retour"),
            (Language::ES, "abierto pedido envío precio devolución"),
        ] {
            for word in words.split(' ') {
                assert_eq!(kind_of(language, word), Kind::Content, "{language}: {word}");
            }
        }
    }

    #[test]
    fn a_language_without_a_list_takes_the_common_one() {
        let italian = "it".parse().unwrap();
        assert_eq!(kind_of(italian, "della"), Kind::Function);
        assert_eq!(kind_of(italian, "rimborso"), Kind::Content);
    }
}
