//! Synonyms, resolved against what an index knows.

use std::collections::HashMap;

use super::pieces::{Cutter, Piece};
use super::question::Alternative;
use crate::text::Kind;

/// How much a synonym counts against the word itself.
const SYNONYM: f32 = 0.8;
/// How much a synonym of a single character counts; it stands in many words.
const SINGLE: f32 = 0.5;

/// Finds what else the words of a question may be called.
#[derive(Debug, Default)]
pub(super) struct Meanings {
    /// Each group's members, as ways in which a text may say them; a member no text knows has none.
    groups: Vec<Vec<Option<Alternative>>>,
    /// By the first word, the words that follow it, and which member of which group they are.
    spaced: HashMap<String, Vec<(Vec<String>, Member)>>,
    /// By the first character, the whole text.
    unspaced: HashMap<char, Vec<(String, Member)>>,
}

/// A place in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Member {
    group: usize,
    at: usize,
}

/// Something in a question that has synonyms.
#[derive(Debug)]
pub(super) struct Meaning {
    /// The pieces that say it, from and to.
    pub(super) from: usize,
    pub(super) to: usize,
    /// How else a text may say it.
    pub(super) alternatives: Vec<Alternative>,
}

impl Meanings {
    /// Learns a group; `known` tells the number of a term that texts hold.
    pub(super) fn learn(&mut self, group: &[String], cutter: &Cutter, known: impl Fn(&str) -> Option<u32>) {
        let number = self.groups.len();
        let mut members = Vec::new();
        for (at, phrase) in group.iter().enumerate() {
            let pieces = cutter.cut(phrase);
            members.push(way_to_say(&pieces, &known));
            self.recognise(&pieces, Member { group: number, at });
        }
        // A group of which no text knows any word widens nothing.
        self.groups.push(members);
    }

    fn recognise(&mut self, pieces: &[Piece], member: Member) {
        let meant: Vec<_> = pieces.iter().filter(|piece| piece.kind >= Kind::Light).collect();
        if !pieces.iter().any(Piece::is_unspaced) {
            let mut terms = pieces.iter().flat_map(|piece| piece.terms.iter().cloned());
            if let Some(first) = terms.next() {
                self.spaced.entry(first).or_default().push((terms.collect(), member));
            }
            return;
        }
        // Of a Japanese phrase its one kanji or katakana word is enough; grammar counts only where there is nothing else.
        let text = match (meant.as_slice(), pieces) {
            ([only], _) => *only,
            ([], [only]) => only,
            _ => return,
        };
        if let Some(first) = text.text.chars().next() {
            self.unspaced.entry(first).or_default().push((text.text.clone(), member));
        }
    }

    /// Whether a word begins something that has synonyms.
    pub(super) fn knows(&self, piece: &Piece) -> bool {
        piece.terms.first().is_some_and(|term| self.spaced.contains_key(term))
    }

    /// Everything in a question that has synonyms which some text knows.
    pub(super) fn of(&self, pieces: &[Piece]) -> Vec<Meaning> {
        let mut found = Vec::new();
        for (from, piece) in pieces.iter().enumerate() {
            if piece.is_unspaced() {
                self.inside(piece, from, &mut found);
                continue;
            }
            let Some(entries) = piece.terms.first().and_then(|term| self.spaced.get(term)) else { continue };
            for (rest, member) in entries {
                let following = pieces.get(from + 1..=from + rest.len()).unwrap_or_default();
                let matches = following.len() == rest.len()
                    && following.iter().zip(rest).all(|(piece, term)| piece.terms.first() == Some(term));
                if matches {
                    self.others(*member, from, from + rest.len() + 1, 1.0, &mut found);
                }
            }
        }
        found
    }

    /// What has synonyms inside one word without spaces: 送料 in 配送料金.
    fn inside(&self, piece: &Piece, from: usize, found: &mut Vec<Meaning>) {
        let length = piece.text.chars().count();
        // Longer runs are no words that anybody wrote.
        for (at, first) in piece.text.char_indices().take(32) {
            for (text, member) in self.unspaced.get(&first).map(Vec::as_slice).unwrap_or_default() {
                let own = text.chars().count();
                if piece.text[at..].starts_with(text.as_str()) && (own > 1 || length == 1) {
                    let share = if piece.kind >= Kind::Light { own as f32 / length as f32 } else { 1.0 };
                    self.others(*member, from, from + 1, share, found);
                }
            }
        }
    }

    fn others(&self, member: Member, from: usize, to: usize, share: f32, found: &mut Vec<Meaning>) {
        let others = self.groups[member.group].iter().enumerate().filter(|(at, _)| *at != member.at);
        let alternatives: Vec<_> = others
            .filter_map(|(_, other)| other.clone())
            .map(|other| Alternative { weight: other.weight * share, ..other })
            .collect();
        if !alternatives.is_empty() {
            found.push(Meaning { from, to, alternatives });
        }
    }
}

/// The terms a text must hold to say a phrase; nothing when texts cannot.
fn way_to_say(pieces: &[Piece], known: &impl Fn(&str) -> Option<u32>) -> Option<Alternative> {
    let meant: Vec<_> = pieces.iter().filter(|piece| piece.kind >= Kind::Light).collect();
    let is_divisible = meant.iter().any(|piece| piece.is_unspaced());
    let all: Vec<_> = meant.iter().flat_map(|piece| &piece.terms).collect();
    let mut terms: Vec<u32> = all.iter().filter_map(|term| known(term)).collect();
    let enough = if is_divisible { 2 * terms.len() > all.len() } else { terms.len() == all.len() };
    if terms.is_empty() || !enough {
        return None;
    }
    let whole = all.len() as f32;
    let is_single = is_divisible && all.len() == 1 && all[0].chars().nth(1).is_none();
    terms.sort_unstable();
    terms.dedup();
    let whole = whole.min(terms.len() as f32 + (whole - terms.len() as f32) * 0.4);
    // A phrase that is mostly grammar is hardly said by its one word: `log in` by any log.
    let told = if is_divisible { 1.0 } else { meant.len() as f32 / pieces.len() as f32 };
    let weight = if is_single { SINGLE } else { SYNONYM * told };
    Some(Alternative { weight, terms, whole, is_divisible })
}
