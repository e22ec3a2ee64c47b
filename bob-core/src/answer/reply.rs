//! An answer, put together from quotes.

use super::quote::{joined, space_between, window, with_marker};
use super::{Answer, Citation, Outcome, Suggestion};
use crate::language::Language;
use crate::retrieve::Hit;

/// Quotes in order, with their citations.
#[derive(Debug)]
pub(super) struct Reply {
    language: Language,
    pieces: Vec<String>,
    citations: Vec<Citation>,
}

impl Reply {
    pub(super) fn new(language: Language) -> Self {
        Self { language, pieces: Vec::new(), citations: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Quotes the sentences of a passage that answer; the same source keeps its number.
    pub(super) fn quote(&mut self, hit: &Hit) {
        let passage = &hit.passage;
        let Some(window) = window(hit) else { return };
        let sentences = &passage.sentences[window];
        let text = joined(sentences, self.language);
        let index = self.cite(hit, text);
        let last = sentences.len() - 1;
        for (at, sentence) in sentences.iter().enumerate() {
            let mut piece = match at.checked_sub(1) {
                Some(before) => space_between(&sentences[before], self.language).to_owned(),
                None => self.space_before_a_part().to_owned(),
            };
            if at == last {
                piece.push_str(&with_marker(sentence, index));
            } else {
                piece.push_str(sentence);
            }
            self.pieces.push(piece);
        }
    }

    /// Adds a fixed phrase.
    pub(super) fn add(&mut self, phrase: &str) {
        let piece = format!("{}{phrase}", self.space_before_a_part());
        self.pieces.push(piece);
    }

    /// The finished answer.
    pub(super) fn finish(self, suggestions: Vec<Suggestion>) -> Answer {
        Answer {
            outcome: Outcome::Answered,
            language: self.language,
            pieces: self.pieces,
            citations: self.citations,
            suggestions,
            handoff: None,
        }
    }

    /// The answers to different parts of a question are paragraphs of their own.
    fn space_before_a_part(&self) -> &'static str {
        if self.pieces.is_empty() { "" } else { "\n\n" }
    }

    fn cite(&mut self, hit: &Hit, quote: String) -> u32 {
        let passage = &hit.passage;
        if let Some(cited) =
            self.citations.iter_mut().find(|cited| cited.content_hash == passage.content_hash)
        {
            if cited.quote != quote {
                cited.quote.push_str("\n\n");
                cited.quote.push_str(&quote);
            }
            return cited.index;
        }
        let index = u32::try_from(self.citations.len() + 1).expect("an answer has a handful of citations");
        self.citations.push(Citation {
            index,
            title: passage.title.to_string(),
            url: passage.url.as_deref().map(str::to_owned),
            quote,
            content_hash: passage.content_hash,
        });
        index
    }
}
