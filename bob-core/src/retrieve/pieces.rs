//! Words cut into what an index holds: German compounds fall into their parts.

use std::collections::{HashMap, HashSet};

use crate::language::Language;
use crate::text::{Kind, Script, Stems, Word, hyphenated, kind_of, words};

/// One thing a text says, compared by its terms.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    /// The word it comes from, as a person would recognise it.
    pub(super) text: String,
    /// What it is compared by; more than one only in a script without spaces.
    pub(super) terms: Vec<String>,
    pub(super) kind: Kind,
    pub(super) script: Option<Script>,
    /// How much of its word it is; less than 1 for a part of a compound.
    pub(super) share: f32,
}

impl Piece {
    /// Whether it is compared by pairs of characters.
    pub(super) fn is_unspaced(&self) -> bool {
        self.script.is_some_and(Script::is_unspaced)
    }
}

impl From<Word> for Piece {
    fn from(word: Word) -> Self {
        Self { text: word.text, terms: word.terms, kind: word.kind, script: word.script, share: 1.0 }
    }
}

/// A word that a compound is made of.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) stem: String,
    pub(super) kind: Kind,
}

/// Words that were taken apart before, so that no text pays for them twice.
#[derive(Debug, Default)]
pub(super) struct Memory(HashMap<String, Option<Vec<Part>>>);

/// The shortest word that may be part of a compound, in bytes.
const SHORTEST_PART: usize = 4;
/// The shortest part that tells what a compound is about when the other is unknown, in bytes.
const SHORTEST_HALF: usize = 5;
/// How much of its word each of two parts is; together a little more than a word.
const HALF: f32 = 0.65;
/// The longest word that is taken apart, in bytes; none that a person writes is longer.
const LONGEST_COMPOUND: usize = 60;

/// Takes texts of one language apart, by the words that its texts know.
///
/// The same word always falls into the same pieces, in a text and in a question.
#[derive(Debug)]
pub(super) struct Cutter {
    language: Language,
    stems: Stems,
    /// The stems of all words that stand alone somewhere.
    parts: HashSet<String>,
}

impl Cutter {
    /// A cutter that takes no word apart yet.
    pub(super) fn new(language: Language) -> Self {
        Self { language, stems: Stems::of(language), parts: HashSet::new() }
    }

    /// Lets compounds of the words of `text` be taken apart.
    pub(super) fn learn(&mut self, text: &str) {
        for word in words(text, self.language) {
            let stands_alone = word.kind >= Kind::Light && word.text.len() >= SHORTEST_PART;
            if stands_alone && !word.is_unspaced() {
                self.parts.extend(word.terms);
            }
        }
    }

    /// The pieces of a text, in order.
    pub(super) fn cut(&self, text: &str) -> Vec<Piece> {
        self.cut_with(text, &mut Memory::default())
    }

    /// The same, for many texts in a row.
    pub(super) fn cut_with(&self, text: &str, memory: &mut Memory) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for word in words(text, self.language) {
            if !self.is_compounding() || word.kind != Kind::Content || word.is_unspaced() {
                pieces.push(word.into());
                continue;
            }
            match memory.0.entry(word.text.clone()).or_insert_with(|| self.parts_of(&word.text)) {
                Some(parts) => pieces.extend(as_pieces(&word.into(), parts)),
                None => pieces.push(word.into()),
            }
        }
        pieces
    }

    /// The parts of a piece that is a compound of known words.
    pub(super) fn taken_apart(&self, piece: &Piece) -> Option<Vec<Piece>> {
        self.parts_of(&piece.text).map(|parts| as_pieces(piece, &parts))
    }

    /// A compound of which only one half is known, in a language that writes compounds: that half and the rest.
    pub(super) fn half_known(&self, piece: &Piece) -> Option<(Piece, Piece)> {
        let word = &piece.text;
        if !self.is_compounding() || !(2 * SHORTEST_HALF..=LONGEST_COMPOUND).contains(&word.len()) {
            return None;
        }
        let bounds = word.char_indices().map(|(at, _)| at);
        let mut halves = bounds.filter(|at| *at >= SHORTEST_HALF && word.len() - at >= SHORTEST_PART);
        let means = |part: &Part| part.kind == Kind::Content;
        let known = halves.clone().rev().find_map(|at| self.known_first_half(&word[..at]).filter(means));
        let known = known.or_else(|| halves.find_map(|at| self.known(&word[at..]).filter(means)))?;
        let half = |term: String| Piece { terms: vec![term], share: HALF, ..piece.clone() };
        Some((half(known.stem), half(word.clone())))
    }

    /// What the words of a text that a hyphen joins are in one: `checkout` of `check-out`.
    pub(super) fn joined(&self, text: &str) -> Vec<String> {
        hyphenated(text).iter().map(|word| self.stems.stem(word)).collect()
    }

    /// Whether this language writes compounds as one word.
    fn is_compounding(&self) -> bool {
        matches!(self.language.as_str(), "de" | "nl" | "da" | "sv" | "no" | "nb" | "nn" | "fi")
    }

    /// The known words that `word` is made of, if it is made of known words only and says something.
    pub(super) fn parts_of(&self, word: &str) -> Option<Vec<Part>> {
        self.split(word, 2).filter(|parts| parts.iter().any(|part| part.kind == Kind::Content))
    }

    fn split(&self, word: &str, depth: u8) -> Option<Vec<Part>> {
        if !(2 * SHORTEST_PART..=LONGEST_COMPOUND).contains(&word.len()) {
            return None;
        }
        // The longest first half wins, so that every spelling falls apart in one way only.
        let bounds: Vec<usize> = word
            .char_indices()
            .map(|(at, _)| at)
            .filter(|at| *at >= SHORTEST_PART && word.len() - at >= SHORTEST_PART)
            .rev()
            .collect();
        for at in &bounds {
            let (left, right) = word.split_at(*at);
            if let Some(right) = self.known(right)
                && let Some(left) = self.known_first_half(left)
            {
                return Some(vec![left, right]);
            }
        }
        if depth == 0 {
            return None;
        }
        for at in bounds {
            let (left, right) = word.split_at(at);
            if let Some(left) = self.known_first_half(left)
                && let Some(mut parts) = self.split(right, depth - 1)
            {
                parts.insert(0, left);
                return Some(parts);
            }
        }
        None
    }

    /// A first half may end with a letter that only links: Lieferung-s-kosten, Kunde-n-konto.
    fn known_first_half(&self, half: &str) -> Option<Part> {
        self.known(half).or_else(|| half.strip_suffix('s').and_then(|half| self.known(half)))
    }

    fn known(&self, part: &str) -> Option<Part> {
        let kind = kind_of(self.language, part);
        if part.len() < SHORTEST_PART || kind < Kind::Light {
            return None;
        }
        let stem = self.stems.stem(part);
        let kind = kind.min(kind_of(self.language, &stem).max(Kind::Light));
        // A common word needs no text to know it: Frühstückszeiten.
        if kind == Kind::Light || self.parts.contains(&stem) {
            return Some(Part { stem, kind });
        }
        // `liefer` of Lieferadresse is already the stem of Lieferung.
        self.parts.contains(part).then(|| Part { stem: part.to_owned(), kind })
    }
}

/// The pieces of a compound; together they say a little more than one word.
fn as_pieces(word: &Piece, parts: &[Part]) -> Vec<Piece> {
    let share = 2.0 * HALF / parts.len() as f32;
    let piece =
        |part: &Part| Piece { terms: vec![part.stem.clone()], kind: part.kind, share, ..word.clone() };
    parts.iter().map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(known: &str, word: &str, expected: &[&str]) {
        let mut cutter = Cutter::new(Language::DE);
        cutter.learn(known);
        let found: Vec<_> = cutter.cut(word).into_iter().flat_map(|piece| piece.terms).collect();
        assert_eq!(found, expected, "{word}");
    }

    #[test]
    fn a_german_compound_falls_into_the_words_that_are_known() {
        check("Rückgabe. Die Frist", "Rückgabefrist", &["ruckgab", "frist"]);
        check("Rückgabe. Die Frist", "Rueckgabefristen", &["ruckgab", "frist"]);
        check("Lieferung und Kosten", "Lieferungskosten", &["liefer", "kost"]);
        check("Lieferung, Adresse", "Lieferadresse", &["liefer", "adress"]);
        check("Frühstück", "Frühstückszeiten", &["fruhstuck", "zeit"]);
        check("Geschenk, Gutschein, Karte", "Geschenkgutscheinkarte", &["geschenk", "gutschein", "kart"]);
    }

    #[test]
    fn a_word_with_an_unknown_part_stays_whole() {
        check("Rückgabe", "Rückgabefrist", &["ruckgabefrist"]);
        check("der Schein ist gut", "Gutschein", &["gutschein"]);
        check("nichts", "Produktseite", &["produktseit"]);
    }

    #[test]
    fn a_hostile_word_is_not_taken_apart() {
        let mut cutter = Cutter::new(Language::DE);
        cutter.learn("lang sehr haus");
        assert_eq!(cutter.cut(&"haus".repeat(2_000)).len(), 1);
    }
}
