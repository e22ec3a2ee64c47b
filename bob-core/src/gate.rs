//! The release gate: what a model wrote leaves sentence by sentence, and only if it stands on its sources.
//!
//! A sentence is released when it cites at least one source that it was given, when every number in it stands in a
//! source it cites, and when it holds no web address. Anything else is dropped. Sentences are never changed but for
//! the numbers in brackets, which are counted anew in the order in which they appear.

use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::answer::Citation;
use crate::knowledge::Passage;

/// The longest sentence that is waited for, in bytes; a longer one is dropped.
const MAX_SENTENCE: usize = 4_000;

/// Holds back text until it is judged.
#[derive(Debug)]
pub struct ReleaseGate {
    sources: Vec<Arc<Passage>>,
    held: String,
    /// Whether the rest of a sentence that was too long is still to come.
    skipping: bool,
    citations: Vec<Citation>,
    /// The source (from 0) behind each citation.
    cited: Vec<usize>,
    released: bool,
}

impl ReleaseGate {
    /// A gate for text that may cite `sources`, numbered from 1.
    #[must_use]
    pub fn new(sources: Vec<Arc<Passage>>) -> Self {
        Self {
            sources,
            held: String::new(),
            skipping: false,
            citations: Vec::new(),
            cited: Vec::new(),
            released: false,
        }
    }

    /// Takes more text and gives the sentences that may leave now.
    pub fn push(&mut self, text: &str) -> Vec<String> {
        self.held.push_str(text);
        let mut bounds: Vec<usize> =
            self.held.split_sentence_bound_indices().map(|(at, _)| at).skip(1).collect();
        let Some(last) = bounds.pop() else { return self.bound() };
        bounds.push(last);
        let rest = self.held.split_off(last);
        let complete = std::mem::replace(&mut self.held, rest);
        bounds.pop();
        let mut pieces = Vec::new();
        let mut from = 0;
        for to in bounds.into_iter().chain([complete.len()]) {
            pieces.extend(self.judge(&complete[from..to]));
            from = to;
        }
        pieces.extend(self.bound());
        pieces
    }

    /// Judges what is left at the end.
    pub fn finish(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.held);
        self.judge(&rest)
    }

    /// The sources of what was released so far.
    #[must_use]
    pub fn citations(&self) -> &[Citation] {
        &self.citations
    }

    fn bound(&mut self) -> Vec<String> {
        if self.held.len() > MAX_SENTENCE {
            self.held.clear();
            self.skipping = true;
        }
        Vec::new()
    }

    fn judge(&mut self, sentence: &str) -> Option<String> {
        let sentence = sentence.trim();
        if std::mem::take(&mut self.skipping) || sentence.is_empty() || sentence.len() > MAX_SENTENCE {
            return None;
        }
        let parts = markers(sentence);
        let sources: Option<Vec<usize>> = parts
            .iter()
            .filter_map(|part| match part {
                Part::Marker(number) => Some(number),
                Part::Text(_) => None,
            })
            .map(|number| number.checked_sub(1).filter(|at| *at < self.sources.len()))
            .collect();
        let sources = sources.filter(|sources| !sources.is_empty())?;
        let stands = parts.iter().all(|part| match part {
            Part::Marker(_) => true,
            Part::Text(text) => {
                !has_address(text) && numbers(text).all(|n| sources.iter().any(|s| self.knows(*s, n)))
            }
        });
        if !stands {
            return None;
        }
        let mut piece = String::new();
        if self.released && !sentence.starts_with(is_cjk) {
            piece.push(' ');
        }
        for part in parts {
            match part {
                Part::Text(text) => piece.push_str(text),
                Part::Marker(number) => {
                    let index = self.cite(number - 1);
                    piece.push_str(&format!("[{index}]"));
                }
            }
        }
        self.released = true;
        Some(piece)
    }

    fn knows(&self, source: usize, number: &str) -> bool {
        let passage = &self.sources[source];
        passage
            .sentences
            .iter()
            .map(String::as_str)
            .chain([&*passage.title])
            .any(|s| numbers(s).any(|n| n == number))
    }

    fn cite(&mut self, source: usize) -> u32 {
        if let Some(at) = self.cited.iter().position(|cited| *cited == source) {
            return self.citations[at].index;
        }
        let passage = &self.sources[source];
        let joint = if passage.sentences.iter().any(|s| s.starts_with(is_cjk)) { "" } else { " " };
        let index = u32::try_from(self.citations.len() + 1).unwrap_or(u32::MAX);
        self.citations.push(Citation {
            index,
            title: passage.title.to_string(),
            url: passage.url.as_deref().map(str::to_owned),
            quote: passage.sentences.join(joint),
            content_hash: passage.content_hash,
        });
        self.cited.push(source);
        index
    }
}

enum Part<'a> {
    Text(&'a str),
    Marker(usize),
}

/// Cuts a sentence at its `[n]`.
fn markers(sentence: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = sentence;
    let mut from = 0;
    while let Some(open) = rest[from..].find('[').map(|at| from + at) {
        let inside = &rest[open + 1..];
        let digits = inside.bytes().take_while(u8::is_ascii_digit).count();
        let closed = inside.as_bytes().get(digits) == Some(&b']');
        match inside[..digits].parse() {
            Ok(number) if closed => {
                parts.push(Part::Text(&rest[..open]));
                parts.push(Part::Marker(number));
                rest = &inside[digits + 1..];
                from = 0;
            }
            _ => from = open + 1,
        }
    }
    parts.push(Part::Text(rest));
    parts
}

/// Runs of digits of any script, with the points and commas inside them.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_numeric() || matches!(c, '.' | ',' | ':')))
        .map(|run| run.trim_matches(|c: char| !c.is_numeric()))
        .filter(|run| !run.is_empty())
}

fn has_address(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.contains("://") || lower.contains("www.") || lower.contains("](")
}

fn is_cjk(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::KnowledgeId;
    use crate::knowledge::{KnowledgeStatus, KnowledgeText, KnowledgeVersion, passages_of};
    use crate::language::Language;

    fn gate() -> ReleaseGate {
        let sources = ["Returns take 30 days.", "Express costs 9.50 EUR."].map(|body| {
            let text = KnowledgeText::new(Language::EN, "Title", body).unwrap();
            let (item, status) = (KnowledgeId::new(), KnowledgeStatus::Published);
            let version =
                KnowledgeVersion { item, number: 1, status, text, changed_at: jiff::Timestamp::UNIX_EPOCH };
            Arc::new(passages_of(&version).remove(0))
        });
        ReleaseGate::new(sources.into())
    }

    #[track_caller]
    fn check(written: &str, released: &str) {
        for size in [1, 3, 7, written.len().max(1)] {
            let mut gate = gate();
            let mut text = String::new();
            let letters: Vec<char> = written.chars().collect();
            for chunk in letters.chunks(size) {
                text.push_str(&gate.push(&chunk.iter().collect::<String>()).concat());
            }
            text.push_str(&gate.finish().unwrap_or_default());
            assert_eq!(text, released, "in pieces of {size}");
            for citation in gate.citations() {
                assert!(text.contains(&format!("[{}]", citation.index)));
            }
        }
    }

    #[test]
    fn sentences_that_stand_on_their_sources_are_released() {
        check(
            "You have 30 days [1]. Express is 9.50 EUR [2].",
            "You have 30 days [1]. Express is 9.50 EUR [2].",
        );
    }

    #[test]
    fn a_sentence_without_a_source_is_dropped() {
        check("We love you. You have 30 days [1].", "You have 30 days [1].");
    }

    #[test]
    fn a_source_that_was_not_given_does_not_count() {
        check("You have 30 days [3]. It is free [0]. Really [1][9].", "");
    }

    #[test]
    fn a_number_must_stand_in_the_source_it_cites() {
        check("You have 60 days [1]. Express is 30 EUR [2]. Express is 9,50 EUR [2].", "");
    }

    #[test]
    fn addresses_are_never_released() {
        check("See https://evil.example for returns [1]. Or www.evil.example [1]. Or [here](x) [1].", "");
    }

    #[test]
    fn citations_are_counted_in_the_order_of_the_text() {
        check(
            "Express is 9.50 EUR [2]. You have 30 days [1]. Again 9.50 [2].",
            "Express is 9.50 EUR [1]. You have 30 days [2]. Again 9.50 [1].",
        );
    }

    #[test]
    fn an_endless_sentence_is_dropped_and_the_next_one_judged() {
        let endless = "word ".repeat(2_000);
        check(&format!("{endless}[1]. You have 30 days [1]."), "You have 30 days [1].");
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_model_writes_only_what_stands_on_its_sources_leaves(
            written in "([A-Za-z 日。]{0,12}(30|9\\.50|7|99)? ?(\\[[0-9]{1,2}\\]){0,2}[.!?]? ?|https?://x |www\\.){0,12}",
            size in 1_usize..9,
        ) {
            let mut gate = gate();
            let letters: Vec<char> = written.chars().collect();
            let mut pieces = Vec::new();
            for chunk in letters.chunks(size) {
                pieces.extend(gate.push(&chunk.iter().collect::<String>()));
            }
            pieces.extend(gate.finish());
            for piece in &pieces {
                let cited: Vec<&Citation> = gate
                    .citations()
                    .iter()
                    .filter(|citation| piece.contains(&format!("[{}]", citation.index)))
                    .collect();
                proptest::prop_assert!(!cited.is_empty(), "no source: {piece}");
                proptest::prop_assert!(!piece.contains("://") && !piece.contains("www."), "an address: {piece}");
                let said = cited.iter().fold(piece.clone(), |said, citation| {
                    said.replace(&format!("[{}]", citation.index), " ")
                });
                for number in ["30", "9.50", "99", "7"] {
                    let stands = cited.iter().any(|citation| citation.quote.contains(number));
                    let says = numbers(&said).any(|said| said == number);
                    proptest::prop_assert!(!says || stands, "{number} stands in no source: {piece}");
                }
            }
        }
    }
}
