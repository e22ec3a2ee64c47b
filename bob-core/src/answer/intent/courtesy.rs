//! Greetings, thanks and goodbyes.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::text::{fold, without_accents};

/// A message that is only polite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::answer) enum Courtesy {
    /// Says hello.
    Greeting,
    /// Says thanks.
    Thanks,
    /// Takes leave.
    Goodbye,
}

#[rustfmt::skip]
const GREETINGS: &[&str] = &[
    "hello", "hi", "hey", "hiya", "howdy", "hello there", "hi there", "good morning", "good afternoon", "good evening", "good day", "greetings", "how are you",
    "how are you doing", "nice to meet you", "hallo", "guten morgen", "guten tag", "guten abend", "gruss gott", "gruss dich", "gruezi", "servus", "moin", "moin moin",
    "wie geht es ihnen", "wie gehts", "bonjour", "bonsoir", "salut", "coucou", "hola", "buenos dias", "buenas tardes", "buenas noches", "buenas", "que tal",
    "こんにちは", "こんにちわ", "こんばんは", "おはよう", "おはようございます", "はじめまして", "初めまして", "お世話になっております", "お世話になります", "もしもし",
];

#[rustfmt::skip]
const THANKS: &[&str] = &[
    "thanks", "thank you", "thx", "ty", "cheers", "thanks a lot", "many thanks", "thank you very much", "thank you so much", "much appreciated", "that helped",
    "danke", "danke schon", "dankeschon", "danke sehr", "vielen dank", "besten dank", "herzlichen dank", "merci", "merci beaucoup", "merci bien", "gracias", "muchas gracias", "mil gracias",
    "ありがとう", "ありがとうございます", "ありがとうございました", "有難うございます", "有難うございました", "どうも", "どうもありがとう", "どうもありがとうございます", "助かりました",
];

#[rustfmt::skip]
const GOODBYES: &[&str] = &[
    "bye", "bye bye", "goodbye", "good bye", "see you", "see you later", "have a nice day", "have a good day", "good night", "tschuss", "tschuess", "auf wiedersehen", "auf wiederhoren", "ciao",
    "schonen tag noch", "gute nacht", "bis bald", "au revoir", "a bientot", "bonne journee", "adios", "hasta luego", "hasta pronto", "chao",
    "さようなら", "さよなら", "またね", "失礼します", "失礼いたします", "では失礼します", "バイバイ", "おやすみなさい",
];

/// What may stand around courtesy without asking anything; alone it is none.
#[rustfmt::skip]
const FILLERS: &[&str] = &[
    "no", "yes", "nein", "ja", "non", "oui", "si", "ok", "okay", "great", "perfect", "good", "nice", "cool", "super", "wonderful", "again", "there", "everyone", "all", "team", "bob", "sir", "madam", "and", "for your help", "for the help",
    "for your time", "for that", "for the information", "for the info", "so much", "very much", "gut", "prima", "alles klar", "zusammen", "liebes team", "und", "fur ihre hilfe", "fur die hilfe", "fur die information", "nochmal", "sehr", "schon",
    "d'accord", "parfait", "et", "a tous", "madame", "monsieur", "pour votre aide", "vale", "perfecto", "y", "a todos", "por su ayuda", "por la ayuda",
    "よろしくお願いします", "よろしくお願いいたします", "宜しくお願いします", "はい", "いいえ", "結構です", "わかりました", "分かりました", "了解です", "では", "ね",
];

/// The last courtesy a message begins with, and what comes after it.
pub(super) fn of(message: &str) -> (Option<Courtesy>, &str) {
    let words: Vec<Word<'_>> = message.unicode_word_indices().take(64).map(Word::read).collect();
    let mut found = None;
    let mut at = 0;
    // Fillers before a courtesy belong to it only when one follows.
    let mut after_courtesy = 0;
    while at < words.len() {
        let lists = [
            (GREETINGS, Some(Courtesy::Greeting)),
            (THANKS, Some(Courtesy::Thanks)),
            (GOODBYES, Some(Courtesy::Goodbye)),
            (FILLERS, None),
        ];
        let longest = lists
            .into_iter()
            .filter_map(|(phrases, courtesy)| Some((longest_of(phrases, &words[at..])?, courtesy)))
            .max_by_key(|(length, courtesy)| (*length, courtesy.is_some()));
        let Some((length, courtesy)) = longest else { break };
        at += length;
        if courtesy.is_some() {
            found = found.max(courtesy);
            after_courtesy = at;
        }
    }
    if found.is_none() {
        return (None, message.trim());
    }
    if at == words.len() && message.unicode_words().nth(words.len()).is_none() {
        return (found, "");
    }
    let end = words[after_courtesy - 1].end;
    let rest = message[end..].trim_start_matches(|c: char| !c.is_alphanumeric() && !"¿¡\"“„「(".contains(c));
    (found, rest.trim())
}

/// A word of a message and where it ends.
struct Word<'a> {
    plain: std::borrow::Cow<'a, str>,
    end: usize,
}

impl<'a> Word<'a> {
    fn read((at, text): (usize, &'a str)) -> Self {
        let is_plain = text.bytes().all(|b| b.is_ascii_lowercase());
        let plain = if is_plain { text.into() } else { without_accents(&fold(text)).into() };
        Self { plain, end: at + text.len() }
    }
}

/// The number of words of the longest phrase that `words` begin with.
fn longest_of(phrases: &[&str], words: &[Word<'_>]) -> Option<usize> {
    phrases.iter().filter_map(|phrase| begins_with(words, phrase)).max()
}

/// How many words a phrase takes at the beginning of `words`.
fn begins_with(words: &[Word<'_>], phrase: &str) -> Option<usize> {
    // Japanese falls into single characters and runs of katakana; joined they are the phrase.
    if !phrase.is_ascii() {
        let mut rest = phrase;
        for (taken, word) in words.iter().enumerate() {
            rest = rest.strip_prefix(word.plain.as_ref())?;
            if rest.is_empty() {
                return Some(taken + 1);
            }
        }
        return None;
    }
    let mut taken = 0;
    for wanted in phrase.split(' ') {
        if words.get(taken)?.plain != wanted {
            return None;
        }
        taken += 1;
    }
    Some(taken)
}
