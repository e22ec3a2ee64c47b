//! Which sentences of a passage are quoted, and how they are put into a reply.

use std::ops::Range;

use crate::language::Language;
use crate::retrieve::Hit;

/// So many sentences are quoted of one passage.
const MOST_SENTENCES: usize = 3;
/// So many lines of a list follow the sentence that announces it.
const MOST_LINES: usize = 12;
/// A sentence that covers this share of what the best one covers speaks about the question, too.
const SPEAKS: f32 = 0.6;
/// From this closeness to its title or a question variant on a text is asked for as a whole.
const ASKED_FOR: f32 = 0.9;

/// The sentences of the passage that answer, always next to each other; nothing when none can be quoted.
pub(super) fn window(hit: &Hit) -> Option<Range<usize>> {
    let sentences = &hit.passage.sentences;
    let can = |range: &Range<usize>| sentences[range.clone()].iter().all(|sentence| is_quotable(sentence));
    let whole = 0..sentences.len();
    if whole.len() <= MOST_SENTENCES && can(&whole) {
        return (!whole.is_empty()).then_some(whole);
    }
    let best = hit.sentence_coverage.iter().copied().fold(0.0, f32::max);
    let spoken = |at: usize| match hit.sentence_coverage.get(at) {
        Some(share) if *share > 0.0 && *share >= SPEAKS * best => *share,
        _ => 0.0,
    };
    // Asked for almost by its title, a text answers with all it may say; otherwise with no more than speaks about the question.
    let is_asked_for = hit.affinity >= ASKED_FOR;
    let mut chosen: Option<(f32, Range<usize>)> = None;
    for start in 0..sentences.len() {
        for length in 1..=MOST_SENTENCES.min(sentences.len() - start) {
            let range = completed(sentences, start..start + length);
            if !can(&range) {
                continue;
            }
            let says: f32 = range.clone().map(spoken).sum();
            // Nothing speaks about it by itself: the text begins at its beginning.
            let says = if best > 0.0 { says } else { range.len() as f32 };
            let is_better = chosen.as_ref().is_none_or(|(most, other)| {
                let is_fitter =
                    if is_asked_for { range.len() > other.len() } else { range.len() < other.len() };
                says > *most || says == *most && best > 0.0 && is_fitter
            });
            if is_better {
                chosen = Some((says, range));
            }
        }
    }
    chosen.map(|(_, range)| range)
}

/// Adds what makes a quote complete: what its first words refer to, and the list it announces.
fn completed(sentences: &[String], range: Range<usize>) -> Range<usize> {
    let start =
        if range.start > 0 && refers_back(&sentences[range.start]) { range.start - 1 } else { range.start };
    let ends = (start..range.end).filter(|at| sentences[*at].ends_with([':', '：'])).map(|at| {
        let lines = sentences[at + 1..].iter().take(MOST_LINES).take_while(|line| is_list_line(line));
        (at + 1 + lines.count().max(1)).min(sentences.len())
    });
    let end = ends.fold(range.end, usize::max);
    start..end
}

fn is_list_line(line: &str) -> bool {
    line.starts_with(['-', '•', '*', '・', '–']) || !ends_a_sentence(line)
}

/// Whether a sentence begins with a word that stands for something said before.
fn refers_back(sentence: &str) -> bool {
    const WORDS: &[&str] = &[
        "it",
        "this",
        "that",
        "these",
        "those",
        "they",
        "otherwise",
        "then",
        "es",
        "er",
        "dies",
        "diese",
        "dieser",
        "dieses",
        "dafür",
        "dabei",
        "dazu",
        "dann",
        "sonst",
        "il",
        "elle",
        "ils",
        "elles",
        "cela",
        "ce",
        "esto",
        "este",
        "esta",
        "ello",
    ];
    const BEGINNINGS: &[&str] = &["これ", "それ", "その", "この", "ただし", "なお", "また"];
    let first = sentence.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default().to_lowercase();
    WORDS.contains(&first.as_str()) || BEGINNINGS.iter().any(|word| sentence.starts_with(word))
}

/// Whether a sentence may stand in a reply: one that holds something like `[1]` could pass for a citation.
fn is_quotable(sentence: &str) -> bool {
    let mut rest = sentence;
    while let Some(at) = rest.find('[') {
        rest = &rest[at + 1..];
        let digits = rest.trim_start_matches(|c: char| c.is_numeric());
        if digits.len() < rest.len() && digits.starts_with(']') {
            return false;
        }
    }
    true
}

const ENDS: [char; 10] = ['.', '!', '?', '…', '。', '！', '？', '．', '｡', '‼'];
const CLOSERS: [char; 12] = ['"', '\'', ')', '”', '’', '“', '»', '」', '』', '）', ']', '】'];

fn ends_a_sentence(sentence: &str) -> bool {
    sentence.trim_end_matches(CLOSERS).ends_with(ENDS)
}

/// The white space between two sentences: none in Japanese and Chinese, a new line after one that has no end.
pub(super) fn space_between(before: &str, language: Language) -> &'static str {
    match (ends_a_sentence(before), language.as_str()) {
        (false, _) => "\n",
        (true, "ja" | "zh") => "",
        (true, _) => " ",
    }
}

/// Puts a citation marker before the final punctuation of a sentence, or behind it when there is none or a quote closes it.
pub(super) fn with_marker(sentence: &str, index: u32) -> String {
    let before = if sentence.ends_with(ENDS) { sentence.trim_end_matches(ENDS) } else { sentence };
    // A sentence of nothing but points keeps them in front.
    let at = if before.trim_end().is_empty() { sentence.len() } else { before.len() };
    format!("{} [{index}]{}", &sentence[..at], &sentence[at..])
}

/// Sentences joined as in their passage.
pub(super) fn joined(sentences: &[String], language: Language) -> String {
    let mut text = String::new();
    for (at, sentence) in sentences.iter().enumerate() {
        if at > 0 {
            text.push_str(space_between(&sentences[at - 1], language));
        }
        text.push_str(sentence);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::id::KnowledgeId;
    use crate::knowledge::{Audience, Passage};

    fn hit(sentences: &[(&str, f32)]) -> Hit {
        Hit {
            passage: Arc::new(Passage {
                item: KnowledgeId::new(),
                version: 1,
                part: 0,
                language: Language::EN,
                title: "Title".into(),
                questions: Arc::new([]),
                url: None,
                audience: Audience::Public,
                content_hash: [0; 32],
                sentences: sentences.iter().map(|(text, _)| (*text).to_owned()).collect(),
            }),
            score: 1.0,
            coverage: 1.0,
            affinity: 0.0,
            matched: 1,
            nearest: None,
            sentence_coverage: sentences.iter().map(|(_, coverage)| *coverage).collect(),
        }
    }

    #[test]
    fn a_short_passage_is_quoted_whole() {
        assert_eq!(window(&hit(&[("One.", 0.0), ("Two.", 1.0), ("Three.", 0.0)])), Some(0..3));
    }

    #[test]
    fn of_a_long_passage_only_what_speaks_about_the_question() {
        let long = [("One.", 0.1), ("Two.", 0.9), ("Three.", 0.8), ("Four.", 0.0)];
        assert_eq!(window(&hit(&long)), Some(1..3));
        let nothing = [("One.", 0.0), ("Two.", 0.0), ("Three.", 0.0), ("Four.", 0.0)];
        assert_eq!(window(&hit(&nothing)), Some(0..3));
    }

    #[test]
    fn a_quote_never_begins_with_a_word_that_refers_back() {
        let long = [("A desk weighs a lot.", 0.0), ("It is heavy.", 0.9), ("Three.", 0.0), ("Four.", 0.0)];
        assert_eq!(window(&hit(&long)), Some(0..2));
    }

    #[test]
    fn a_list_follows_the_sentence_that_announces_it() {
        let list = [("First.", 0.0), ("We take:", 0.9), ("- cash", 0.0), ("- cards", 0.0), ("Last.", 0.0)];
        assert_eq!(window(&hit(&list)), Some(1..4));
    }

    #[test]
    fn a_sentence_that_could_pass_for_a_citation_is_not_quoted() {
        assert_eq!(window(&hit(&[("See [1].", 1.0)])), None);
        assert_eq!(window(&hit(&[("See [1].", 1.0), ("Ask us.", 0.2)])), Some(1..2));
        assert!(is_quotable("A [note] on [] brackets [1a]."));
        assert!(!is_quotable("Full width [１]."));
    }

    #[test]
    fn the_marker_stands_before_the_final_punctuation() {
        for (sentence, marked) in [
            ("Returned within 30 days.", "Returned within 30 days [1]."),
            ("返品できます。", "返品できます [1]。"),
            ("Really?!", "Really [1]?!"),
            ("A line", "A line [1]"),
            ("Press “Help?”", "Press “Help?” [1]"),
            ("...", "... [1]"),
        ] {
            assert_eq!(with_marker(sentence, 1), marked);
        }
    }

    #[test]
    fn sentences_are_joined_as_they_stood() {
        let join = |sentences: &[&str], language| {
            joined(&sentences.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>(), language)
        };
        assert_eq!(join(&["One.", "Two."], Language::EN), "One. Two.");
        assert_eq!(join(&["一。", "二。"], Language::JA), "一。二。");
        assert_eq!(join(&["We take:", "- cash", "- cards"], Language::EN), "We take:\n- cash\n- cards");
    }
}
