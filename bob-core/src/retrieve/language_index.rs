//! The index of one language: built once, never changed.

use std::collections::HashMap;
use std::sync::Arc;

use super::meanings::Meanings;
use super::pieces::{Cutter, Piece};
use super::spelling::Spelling;
use crate::knowledge::Passage;
use crate::language::Language;
use crate::text::Kind;

/// A passage, as its index knows it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) passage: Arc<Passage>,
    /// The number of its text.
    pub(super) item: u32,
    /// The terms of title and body, in order, each once.
    pub(super) terms: Box<[u32]>,
    /// The same for each sentence.
    pub(super) sentences: Box<[Box<[u32]>]>,
}

/// A title or a question variant.
#[derive(Debug)]
pub(super) struct Phrase {
    pub(super) item: u32,
    /// Which question variant it is; the title is none.
    pub(super) variant: Option<usize>,
    /// The weight of all its terms.
    pub(super) weight: f32,
    /// Its terms, in order, each once.
    pub(super) terms: Box<[u32]>,
}

/// Where a term stands, and what it is worth there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Posting {
    pub(super) at: u32,
    pub(super) worth: f32,
}

/// What is known about one term.
#[derive(Debug, Default)]
pub(super) struct Term {
    /// How rare it is among the texts.
    pub(super) rarity: f32,
    /// The passages that hold it, with its worth there between 0 and 1.
    pub(super) entries: Vec<Posting>,
    /// The titles and variants that hold it, with its weight there.
    pub(super) phrases: Vec<Posting>,
}

/// Everything that is known about the texts of one language.
#[derive(Debug)]
pub(super) struct LanguageIndex {
    pub(super) language: Language,
    pub(super) cutter: Cutter,
    pub(super) spelling: Spelling,
    pub(super) meanings: Meanings,
    /// The loan words of Japanese texts, in order.
    pub(super) katakana: Vec<String>,
    /// In order of (title, item, part), so that equal scores have an order.
    pub(super) entries: Vec<Entry>,
    pub(super) phrases: Vec<Phrase>,
    /// The first entry of each text, in the order in which the source gave them.
    pub(super) openers: Vec<u32>,
    /// The number of each term.
    pub(super) numbers: HashMap<Box<str>, u32>,
    /// What is known about each, by its number.
    pub(super) terms: Vec<Term>,
    /// How many texts there are.
    pub(super) items: usize,
}

impl LanguageIndex {
    /// How rare a term is that no text holds: as rare as one that a single text holds, *because* what is unknown is punished
    /// as such already.
    pub(super) fn rarity_of_unknown(&self) -> f32 {
        rarity(self.items, 1)
    }

    /// The number of a term that some text, title or variant holds.
    pub(super) fn number(&self, term: &str) -> Option<u32> {
        self.numbers.get(term).copied()
    }

    /// What is known about a term.
    pub(super) fn term(&self, number: u32) -> &Term {
        &self.terms[number as usize]
    }

    /// Whether a text holds a term as more than grammar.
    pub(super) fn is_in_a_text(&self, number: u32) -> bool {
        !self.term(number).entries.is_empty()
    }

    /// Roughly how many bytes it holds.
    pub(super) fn bytes(&self) -> usize {
        let entries: usize = self
            .entries
            .iter()
            .map(|entry| {
                let passage = &entry.passage;
                let text: usize = passage.sentences.iter().map(|sentence| sentence.len() + 24).sum();
                let terms: usize = entry.sentences.iter().map(|sentence| 16 + 4 * sentence.len()).sum();
                300 + text + terms + 4 * entry.terms.len()
            })
            .sum();
        let phrases: usize = self.phrases.iter().map(|phrase| 48 + 6 * phrase.terms.len()).sum();
        let questions: usize = self
            .openers
            .iter()
            .map(|at| &self.entries[*at as usize].passage.questions)
            .fold(0, |sum, questions| {
                sum + questions.iter().map(|question| question.len() + 24).sum::<usize>()
            });
        let terms: usize =
            self.terms.iter().map(|term| 150 + 8 * (term.entries.capacity() + term.phrases.capacity())).sum();
        entries + phrases + questions + terms + self.spelling.bytes()
    }
}

/// What a word weighs that every text holds, so that none weighs nothing.
pub(super) const BASE: f32 = 0.2;

/// How much a word's rarity counts when texts are compared word by word.
pub(super) fn importance(piece: &Piece) -> f32 {
    // A word without spaces is several pairs, and says little more than a word of one.
    let pairs = piece.terms.len().max(1) as f32;
    let share = if piece.is_unspaced() { (0.6 + 0.4 * pairs).min(1.8) / pairs } else { 1.0 };
    match (piece.kind, piece.is_unspaced()) {
        (Kind::Content, _) => share * piece.share,
        (Kind::Light | Kind::Number, _) => 0.5 * share * piece.share,
        (Kind::Function, false) => 0.25,
        (Kind::Function, true) => 0.08,
    }
}

/// How rare something is that so many of the texts hold.
pub(super) fn rarity(texts: usize, holders: usize) -> f32 {
    let (texts, holders) = (texts as f32, holders as f32);
    (1.0 + (texts - holders + 0.5) / (holders + 0.5)).ln()
}
