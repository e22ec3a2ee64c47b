//! How a question is read by the index it is put to.

use super::language_index::{BASE, LanguageIndex, importance};
use super::meanings::Meaning;
use super::pieces::Piece;
use super::question::{Alternative, Question, Token, Unit};
use super::reading::Reading;
use crate::text::{Kind, Script};

/// No question is about more; what follows is not searched for.
pub(super) const MOST_UNITS: usize = 48;
/// How much a corrected word counts against the one it was corrected to.
const SLIP: f32 = 0.85;
/// What a phrase of grammar only weighs when it has a meaning: `how much`.
const IDIOM: f32 = 0.5;
/// What a half-meaning word weighs.
const LIGHT: f32 = 0.35;
/// How strongly a number draws to the texts that hold it.
const NUMBER: f32 = 0.3;

impl LanguageIndex {
    /// Reads a question: what it is about, how texts may say it, and what no text knows.
    pub(super) fn ask(&self, question: &str) -> Question {
        let (pieces, readings): (Vec<Piece>, Vec<Reading>) = self.read(question).into_iter().unzip();
        let mut meanings = self.meanings.of(&pieces);
        meanings.retain(|meaning| !is_idiom(meaning, &pieces) || stands_alone(meaning, &pieces));
        let mut asked = Question::default();
        let mut word = 0;
        for (at, piece) in pieces.iter().enumerate() {
            // The parts of a compound are one word.
            let goes_on = at > 0 && piece.share < 1.0 && pieces[at - 1].text == piece.text;
            word += usize::from(!goes_on);
            let numbers = self.known(piece);
            let others = alternatives_of(&meanings, at);
            self.add_tokens(piece, &others, &mut asked.tokens);
            if piece.kind == Kind::Function || asked.units.len() == MOST_UNITS {
                continue;
            }
            let mut alternatives: Vec<Alternative> =
                self.directly(piece, numbers, readings[at]).into_iter().collect();
            alternatives.extend(others.into_iter().cloned());
            let is_salient = piece.kind == Kind::Content;
            if alternatives.is_empty() {
                if !is_salient || asked.unknown.contains(&piece.text) {
                    continue;
                }
                asked.unknown.push(piece.text.clone());
            }
            let pull = self.weight(&alternatives) * share(piece.kind) * piece.share;
            let weight = if piece.kind == Kind::Number { 0.0 } else { pull };
            let is_new = alternatives.is_empty()
                || asked.units.iter().all(|unit| !same_first(&unit.alternatives, &alternatives));
            if is_new {
                asked.units.push(Unit { weight, pull, is_salient, is_idiom: false, word, alternatives });
            }
        }
        // Grammar that means something, such as `how much`, is worth finding, and no loss when it is not found.
        meanings.retain(|meaning| is_idiom(meaning, &pieces));
        for meaning in &meanings {
            let weight = self.weight(&meaning.alternatives) * IDIOM;
            let alternatives = meaning.alternatives.clone();
            asked.units.push(Unit {
                weight,
                pull: weight,
                is_salient: false,
                is_idiom: true,
                word: 0,
                alternatives,
            });
        }
        asked
    }

    /// A text may say a piece by just its words.
    fn directly(&self, piece: &Piece, mut numbers: Vec<u32>, reading: Reading) -> Option<Alternative> {
        let all = piece.terms.len();
        // Half of a word without spaces must be known, or it is another word that shares a character.
        if numbers.is_empty() || 2 * numbers.len() < all {
            return None;
        }
        let known = numbers.len() as f32;
        numbers.sort_unstable();
        numbers.dedup();
        Some(Alternative {
            weight: if reading == Reading::Corrected { SLIP } else { 1.0 },
            // A pair that no text knows is mostly the seam between two words that some text knows.
            whole: numbers.len() as f32 + (all as f32 - known) * 0.4,
            terms: numbers,
            // Two katakana words share pairs by chance: チェア and チェック.
            is_divisible: piece.is_unspaced() && piece.script != Some(Script::Katakana),
        })
    }

    /// The rarest way to say something tells how much it means.
    fn weight(&self, alternatives: &[Alternative]) -> f32 {
        let own = alternatives.first().map(|first| self.rarest(first));
        BASE + own.unwrap_or_else(|| self.rarity_of_unknown())
    }

    fn rarest(&self, alternative: &Alternative) -> f32 {
        alternative.terms.iter().map(|term| self.term(*term).rarity).fold(0.0, f32::max)
    }

    /// The terms of a piece with what may stand for them; none that is there already.
    fn add_tokens(&self, piece: &Piece, others: &[&Alternative], tokens: &mut Vec<Token>) {
        // An idiom means something as a whole only, none of its words does.
        let meant = others.iter().filter(|other| piece.kind > Kind::Function && other.terms.len() == 1);
        let synonyms: Vec<u32> = meant.map(|other| other.terms[0]).collect();
        for term in &piece.terms {
            let number = self.number(term);
            if number.is_some() && tokens.iter().any(|token| token.term == number) {
                continue;
            }
            let rarity = match (number, piece.kind) {
                (Some(number), _) => self.term(number).rarity,
                (None, Kind::Content | Kind::Light) => self.rarity_of_unknown(),
                (None, Kind::Number | Kind::Function) => BASE,
            };
            let weight = importance(piece) * (BASE + rarity);
            tokens.push(Token { weight, term: number, synonyms: synonyms.clone() });
        }
    }
}

/// What a word weighs, by how much it says.
fn share(kind: Kind) -> f32 {
    match kind {
        Kind::Content => 1.0,
        Kind::Light => LIGHT,
        Kind::Number => NUMBER,
        Kind::Function => 0.0,
    }
}

/// Whether something that has synonyms is made of grammar only.
fn is_idiom(meaning: &Meaning, pieces: &[Piece]) -> bool {
    pieces[meaning.from..meaning.to].iter().all(|piece| piece.kind == Kind::Function)
}

/// `how much is it` asks for a price, `how much luggage` and `wie viele Jahre` do not.
fn stands_alone(idiom: &Meaning, pieces: &[Piece]) -> bool {
    pieces.get(idiom.to).is_none_or(|next| next.kind == Kind::Function || next.is_unspaced())
}

fn alternatives_of(meanings: &[Meaning], at: usize) -> Vec<&Alternative> {
    let covering = meanings.iter().filter(|meaning| (meaning.from..meaning.to).contains(&at));
    covering.flat_map(|meaning| &meaning.alternatives).collect()
}

fn same_first(one: &[Alternative], other: &[Alternative]) -> bool {
    match (one.first(), other.first()) {
        (Some(one), Some(other)) => one.terms == other.terms,
        _ => false,
    }
}
