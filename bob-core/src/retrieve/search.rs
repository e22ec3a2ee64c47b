//! Searching one language.

use std::collections::HashMap;
use std::sync::Arc;

use super::language_index::{Entry, LanguageIndex};
use super::question::{Question, Token};
use super::{Hit, Retrieval};

/// What being asked almost word for word as a title or variant counts, against saying all words somewhere.
const AFFINITY: f32 = 0.8;
/// What a synonym counts when a question is compared with a title or variant.
const SYNONYM: f32 = 0.85;
/// With synonyms a question is never quite the same as a variant.
const ALMOST: f32 = 0.97;
/// Without any word in common that means something, a question is this close to a variant, or it is not found by it.
const BY_GRAMMAR: f32 = 0.5;

/// The title or variant of a text that is closest to a question.
#[derive(Debug, Clone, Copy, Default)]
struct Closest {
    affinity: f32,
    phrase: usize,
    variant: Option<usize>,
    variant_affinity: f32,
}

impl LanguageIndex {
    /// The passages that speak about a question, best first, at most `limit`.
    pub(super) fn search(&self, question: &str, limit: usize) -> Retrieval {
        let asked = self.ask(question);
        let closest = self.closest(&asked.tokens);
        let lexical = self.lexical(&asked);
        let mut ranked: Vec<(f32, usize)> = self
            .entries
            .iter()
            .zip(&lexical)
            .enumerate()
            .filter_map(|(at, (entry, lexical))| {
                let affinity = closest.get(&entry.item).map_or(0.0, |closest| closest.affinity);
                let score = lexical + AFFINITY * affinity * affinity;
                (*lexical > 0.0 || affinity >= BY_GRAMMAR).then_some((score, at))
            })
            .collect();
        let best_first = |one: &(f32, usize), other: &(f32, usize)| {
            other.0.total_cmp(&one.0).then_with(|| one.1.cmp(&other.1))
        };
        if ranked.len() > limit {
            ranked.select_nth_unstable_by(limit, best_first);
            ranked.truncate(limit);
        }
        ranked.sort_unstable_by(best_first);
        let hits = ranked.into_iter().map(|(score, at)| {
            let entry = &self.entries[at];
            self.hit(entry, &asked, score, closest.get(&entry.item).copied().unwrap_or_default())
        });
        Retrieval { hits: hits.collect(), salient: asked.salient(), unknown: asked.unknown.clone() }
    }

    /// The share of the words of a question that the texts know, 0 to 1; grammar counts half, *because* languages share it.
    pub(super) fn familiarity(&self, question: &str) -> f32 {
        use crate::text::{Kind, words};
        let (mut known, mut all) = (0.0, 0.0);
        for word in words(question, self.language).into_iter().take(400) {
            let weight = match word.kind {
                Kind::Number => continue,
                Kind::Function => 0.5,
                Kind::Light | Kind::Content => 1.0,
            };
            all += weight;
            if word.kind <= Kind::Light && !word.is_unspaced() {
                known += weight;
                continue;
            }
            let held = word.terms.iter().filter(|term| self.number(term).is_some()).count();
            let is_compound = || !word.is_unspaced() && self.cutter.parts_of(&word.text).is_some();
            if 2 * held >= word.terms.len() && held > 0 || is_compound() {
                known += weight;
            }
        }
        if all > 0.0 { known / all } else { 0.0 }
    }

    /// For each text, its title or variant that is closest to the question.
    fn closest(&self, tokens: &[Token]) -> HashMap<u32, Closest> {
        let asked: f32 = tokens.iter().map(|token| token.weight).sum();
        let mut shared = vec![0.0_f32; self.phrases.len()];
        // Which token touched a phrase last, so that a synonym does not count beside the word itself.
        let mut touched_by = vec![usize::MAX; self.phrases.len()];
        let mut by_synonym = vec![false; self.phrases.len()];
        let mut touched = Vec::new();
        for (number, token) in tokens.iter().enumerate() {
            let own = token.term.map(|term| (term, 1.0));
            let others = token.synonyms.iter().map(|term| (*term, SYNONYM));
            for (term, worth) in own.into_iter().chain(others) {
                for posting in &self.term(term).phrases {
                    let at = posting.at as usize;
                    if touched_by[at] == number {
                        continue;
                    }
                    if touched_by[at] == usize::MAX {
                        touched.push(at);
                    }
                    touched_by[at] = number;
                    shared[at] += worth * (token.weight + posting.worth);
                    by_synonym[at] |= worth < 1.0;
                }
            }
        }
        touched.sort_unstable();
        let mut closest: HashMap<u32, Closest> = HashMap::new();
        for at in touched {
            let phrase = &self.phrases[at];
            let most = if by_synonym[at] { ALMOST } else { 1.0 };
            let affinity = (shared[at] / (asked + phrase.weight)).min(most);
            let best = closest.entry(phrase.item).or_default();
            if affinity > best.affinity {
                best.affinity = affinity;
                best.phrase = at;
            }
            if phrase.variant.is_some() && affinity > best.variant_affinity {
                best.variant_affinity = affinity;
                best.variant = phrase.variant;
            }
        }
        closest
    }

    /// For each passage, how well it says what the question says, rare words first (BM25F), 0 to 1.
    fn lexical(&self, asked: &Question) -> Vec<f32> {
        let mut scores = vec![0.0_f32; self.entries.len()];
        let whole: f32 = asked.units.iter().map(|unit| unit.pull).sum();
        if whole <= 0.0 {
            return scores;
        }
        let mut best = vec![0.0_f32; self.entries.len()];
        let mut way_worth = vec![0.0_f32; self.entries.len()];
        let mut way_found = vec![0.0_f32; self.entries.len()];
        let (mut of_unit, mut of_way): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        for unit in &asked.units {
            for way in &unit.alternatives {
                for posting in way.terms.iter().flat_map(|term| &self.term(*term).entries) {
                    let at = posting.at as usize;
                    if way_found[at] == 0.0 {
                        of_way.push(posting.at);
                    }
                    way_found[at] += 1.0;
                    way_worth[at] += posting.worth;
                }
                for at in of_way.drain(..) {
                    let entry = at as usize;
                    let worth = way.strength(way_found[entry]) * way_worth[entry] / way_found[entry];
                    if best[entry] == 0.0 && worth > 0.0 {
                        of_unit.push(at);
                    }
                    best[entry] = best[entry].max(worth);
                    way_found[entry] = 0.0;
                    way_worth[entry] = 0.0;
                }
            }
            for at in of_unit.drain(..) {
                scores[at as usize] += unit.pull * best[at as usize] / whole;
                best[at as usize] = 0.0;
            }
        }
        scores
    }

    fn hit(&self, entry: &Entry, asked: &Question, score: f32, closest: Closest) -> Hit {
        let variant = &self.phrases.get(closest.phrase).filter(|phrase| phrase.item == entry.item);
        let said = |unit: &super::question::Unit| {
            let own = unit.found_in(&entry.terms);
            // One variant at a time: words of different variants do not add up to a meaning.
            variant.map_or(own, |phrase| own.max(unit.found_in(&phrase.terms)))
        };
        let sentences = entry.sentences.iter().map(|terms| asked.coverage(|unit| unit.found_in(terms)));
        Hit {
            passage: Arc::clone(&entry.passage),
            score,
            coverage: asked.coverage(said),
            affinity: closest.affinity,
            matched: asked.matched(said),
            nearest: closest.variant,
            sentence_coverage: sentences.collect(),
        }
    }
}

/// The first passage of each text, in the order of the source.
impl LanguageIndex {
    pub(super) fn first_texts(&self, limit: usize) -> Vec<Arc<crate::knowledge::Passage>> {
        self.openers.iter().take(limit).map(|at| Arc::clone(&self.entries[*at as usize].passage)).collect()
    }
}
