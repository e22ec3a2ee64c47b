//! Answer, ask back or refuse: the one place that decides it.

use super::Thresholds;
use crate::retrieve::{Hit, Retrieval};

/// What may be done with what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Zone {
    /// Nothing speaks about it.
    Refuse,
    /// Something may be meant.
    Clarify,
    /// The best hit answers it.
    Answer,
}

/// From this closeness on a question *is* a title or variant.
const SAME: f32 = 0.99;
/// A single word answers only when a title or variant is mostly about it: many texts mention it by the way.
const LONE_WORD: f32 = 0.5;
/// Two words answer when one sentence says this much of the question; spread over title and sentences they may mean anything.
const SAYS: f32 = 0.4;
/// A text that no other comes near needs less: halfway between asking back and answering and a little more, this closeness to
/// a title or variant, and others score at most this share of it.
const HALF: f32 = 0.5;
const MARGIN: f32 = 0.05;
const STANDS_OUT: f32 = 0.45;
const ALONE: f32 = 0.55;
/// From this closeness to a title or variant on a text is worth offering.
const OFFERED: f32 = 0.4;
/// So much closer than any other a text must be to be clearly meant by a single word.
const CLEARLY: f32 = 0.3;
/// From this closeness on a text is about a single word, too.
const TOUCHED: f32 = 0.35;
/// When more texts than this say a single word, one must be this close to be meant.
const MANY: usize = 3;
const MANY_SAY_IT: f32 = 0.85;
/// From this coverage on a text says all of it.
const ALL: f32 = 0.95;
/// How much closer to its title or variant the best text must be when another is as good.
const CLOSER: f32 = 0.12;

/// Decides what a retrieval is good for.
pub(super) fn decide(found: &Retrieval, lines: &Thresholds) -> Zone {
    let Some(best) = found.hits.first() else { return Zone::Refuse };
    if best.affinity >= SAME {
        return Zone::Answer;
    }
    let zone = zone_of(best, found.salient, lines);
    if !found.unknown.is_empty() {
        return one_down(zone, best);
    }
    if zone == Zone::Clarify && stands_out(found, best, lines) {
        return Zone::Answer;
    }
    if zone == Zone::Answer && found.salient == 1 && best.affinity < MANY_SAY_IT && said_by(found) > MANY {
        return Zone::Clarify;
    }
    let mut rivals = found.hits.iter().filter(|hit| hit.passage.content_hash != best.passage.content_hash);
    if zone == Zone::Answer && rivals.any(|rival| is_as_good(rival, best, found.salient, lines)) {
        return Zone::Clarify;
    }
    zone
}

fn zone_of(hit: &Hit, salient: usize, lines: &Thresholds) -> Zone {
    // Grammar alone is about nothing: such a question must be known nearly word for word.
    let says = hit.sentence_coverage.iter().copied().fold(0.0, f32::max);
    let by_itself = hit.matched > 1 && says >= SAYS;
    let covers = salient > 0 && hit.coverage >= lines.answer() && (by_itself || hit.affinity >= LONE_WORD);
    if covers || hit.affinity >= lines.near() {
        Zone::Answer
    } else if salient > 0 && hit.coverage >= lines.clarify() || hit.affinity >= OFFERED {
        Zone::Clarify
    } else {
        Zone::Refuse
    }
}

/// How many texts say all of it.
fn said_by(found: &Retrieval) -> usize {
    let mut texts: Vec<_> =
        found.hits.iter().filter(|hit| hit.coverage >= ALL).map(|hit| hit.passage.content_hash).collect();
    texts.sort_unstable();
    texts.dedup();
    texts.len()
}

/// Whether no other text comes near one that speaks about half of the question in its title or a variant.
fn stands_out(found: &Retrieval, best: &Hit, lines: &Thresholds) -> bool {
    let others = found.hits.iter().filter(|hit| hit.passage.content_hash != best.passage.content_hash);
    let next = others.map(|hit| hit.score).fold(0.0, f32::max);
    found.salient > 0
        && best.coverage >= HALF * (lines.answer() + lines.clarify()) + MARGIN
        && best.affinity >= STANDS_OUT
        && next <= ALONE * best.score
}

/// Whether the visitor may as well have meant the rival.
fn is_as_good(rival: &Hit, best: &Hit, salient: usize, lines: &Thresholds) -> bool {
    if salient == 1 {
        // One word, and two texts are about it.
        let is_about_it = rival.affinity >= TOUCHED && rival.affinity > best.affinity - CLEARLY;
        return best.affinity < SAME && rival.coverage >= lines.answer() && is_about_it;
    }
    // Both only mention it, and as much of it; that one does so in fewer words means nothing.
    let mentions = best.affinity < OFFERED && rival.coverage >= best.coverage;
    zone_of(rival, salient, lines) == Zone::Answer
        && (mentions || rival.score >= lines.rival() * best.score)
        && rival.affinity > best.affinity - CLOSER
}

/// A word that no text knows may change the meaning of all others; only what two others speak for, or what is nearly a title or
/// variant without it, is still offered.
fn one_down(zone: Zone, best: &Hit) -> Zone {
    match zone {
        Zone::Answer => Zone::Clarify,
        Zone::Clarify if best.matched >= 2 || best.affinity >= LONE_WORD => Zone::Clarify,
        Zone::Clarify | Zone::Refuse => Zone::Refuse,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::id::KnowledgeId;
    use crate::knowledge::{Audience, Passage};
    use crate::language::Language;

    /// A hit of the text `source` with this score, coverage, affinity and number of matched words.
    fn hit(source: u8, score: f32, coverage: f32, affinity: f32, matched: usize) -> Hit {
        let passage = Passage {
            item: KnowledgeId::new(),
            version: 1,
            part: 0,
            language: Language::EN,
            title: "Title".into(),
            questions: Arc::new([]),
            url: None,
            audience: Audience::Public,
            content_hash: [source; 32],
            sentences: Arc::new([]),
        };
        Hit {
            passage: Arc::new(passage),
            score,
            coverage,
            affinity,
            matched,
            nearest: None,
            sentence_coverage: vec![coverage],
        }
    }

    #[track_caller]
    fn check(salient: usize, unknown: &[&str], hits: &[Hit], expected: Zone) {
        let unknown = unknown.iter().map(|word| (*word).to_owned()).collect();
        let found = Retrieval { hits: hits.to_vec(), salient, unknown };
        assert_eq!(decide(&found, &Thresholds::default()), expected);
    }

    #[test]
    fn what_covers_enough_answers() {
        check(2, &[], &[hit(1, 1.0, 0.8, 0.2, 2)], Zone::Answer);
        check(3, &[], &[hit(1, 1.0, 0.4, 0.2, 1)], Zone::Clarify);
        check(3, &[], &[hit(1, 1.0, 0.2, 0.2, 1)], Zone::Refuse);
        check(3, &[], &[], Zone::Refuse);
    }

    #[test]
    fn a_single_word_that_a_text_mentions_by_the_way_is_asked_back() {
        check(1, &[], &[hit(1, 1.0, 1.0, 0.1, 1)], Zone::Clarify);
        check(1, &[], &[hit(1, 1.0, 1.0, 0.6, 1)], Zone::Answer);
    }

    #[test]
    fn an_unknown_word_pushes_down_one_zone() {
        check(3, &["hamburg"], &[hit(1, 1.0, 0.8, 0.8, 2)], Zone::Clarify);
        check(2, &["hamburg"], &[hit(1, 1.0, 0.5, 0.2, 1)], Zone::Refuse);
        check(3, &["hamburg"], &[hit(1, 1.0, 0.5, 0.2, 2)], Zone::Clarify);
    }

    #[test]
    fn two_texts_that_say_it_alike_are_asked_back() {
        check(2, &[], &[hit(1, 1.0, 0.9, 0.5, 2), hit(2, 0.95, 0.9, 0.5, 2)], Zone::Clarify);
        check(2, &[], &[hit(1, 1.0, 0.9, 0.5, 2), hit(1, 0.95, 0.9, 0.5, 2)], Zone::Answer);
        check(2, &[], &[hit(1, 1.0, 0.9, 0.6, 2), hit(2, 0.5, 0.5, 0.2, 1)], Zone::Answer);
    }

    #[test]
    fn the_very_words_of_a_title_or_variant_always_answer() {
        check(1, &[], &[hit(1, 1.0, 1.0, 1.0, 1), hit(2, 1.0, 1.0, 0.9, 1)], Zone::Answer);
        check(0, &[], &[hit(1, 1.0, 0.0, 1.0, 0)], Zone::Answer);
    }
}
