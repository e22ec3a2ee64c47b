//! What the words of a question are read as.

use super::language_index::LanguageIndex;
use super::pieces::Piece;
use crate::text::{Kind, Script};

/// How a piece of a question came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// It is what was written.
    AsWritten,
    /// It is what was probably meant.
    Corrected,
}

/// No question is longer, in words.
const MOST_PIECES: usize = 400;
/// So many unknown words may be mistyped.
const MOST_SLIPS: usize = 8;

impl LanguageIndex {
    /// The pieces of a question, each as the texts know it.
    pub(super) fn read(&self, question: &str) -> Vec<(Piece, Reading)> {
        let mut read = Vec::new();
        let mut slips = 0;
        for piece in self.cutter.cut(question).into_iter().take(MOST_PIECES) {
            let is_word = piece.kind == Kind::Content && !piece.is_unspaced();
            if !is_word || !self.known(&piece).is_empty() || self.meanings.knows(&piece) {
                read.push((piece, Reading::AsWritten));
                continue;
            }
            // Known words written as one, in a language that does not do so: giftcard.
            if let Some(pieces) = self.cutter.taken_apart(&piece) {
                read.extend(pieces.into_iter().map(|piece| (piece, Reading::Corrected)));
                continue;
            }
            slips += 1;
            let meant = if slips > MOST_SLIPS { None } else { self.spelling.nearest(&piece.text) };
            if let Some(meant) = meant {
                read.extend(self.cutter.cut(&meant).into_iter().map(|piece| (piece, Reading::Corrected)));
            } else if let Some((known, rest)) = self.cutter.half_known(&piece) {
                read.extend([(known, Reading::AsWritten), (rest, Reading::AsWritten)]);
            } else {
                read.push((piece, Reading::AsWritten));
            }
        }
        read
    }

    /// The numbers of the terms of a piece that texts hold.
    pub(super) fn known(&self, piece: &Piece) -> Vec<u32> {
        // Pairs of characters alone would know フランス by ランプ and レンズ.
        if piece.script == Some(Script::Katakana) && !self.knows_katakana(&piece.text) {
            return Vec::new();
        }
        let numbers = piece.terms.iter().filter_map(|term| self.number(term));
        numbers.filter(|number| self.is_in_a_text(*number)).collect()
    }

    /// Whether a text holds a loan word, or it is part of one, or made of one.
    fn knows_katakana(&self, word: &str) -> bool {
        let is_long = |known: &str| known.chars().nth(2).is_some();
        self.katakana.iter().any(|known| known.contains(word) || is_long(known) && word.contains(&**known))
    }
}
