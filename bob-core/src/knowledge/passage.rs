//! Passages: the pieces of a published text that an answer may quote.

use std::sync::Arc;

use super::{Audience, KnowledgeStatus, KnowledgeVersion};
use crate::id::KnowledgeId;
use crate::language::Language;
use crate::text::sentences;

/// One paragraph of a published text, with what a citation needs to know of its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The item it comes from.
    pub item: KnowledgeId,
    /// The version of that item.
    pub version: u32,
    /// Which paragraph of the text it is, from 0.
    pub part: u32,
    /// The language it is written in.
    pub language: Language,
    /// The title of the text.
    pub title: Arc<str>,
    /// The ways customers ask for the text.
    pub questions: Arc<[String]>,
    /// The page a citation links to.
    pub url: Option<Arc<str>>,
    /// Who may be answered from it.
    pub audience: Audience,
    /// The fingerprint of the whole text, see [`KnowledgeText::content_hash`](super::KnowledgeText::content_hash).
    pub content_hash: [u8; 32],
    /// The sentences, in order, each as it stands in the text with outer white space removed.
    pub sentences: Arc<[String]>,
}

/// Cuts a version into passages, one a paragraph; an unpublished one has none.
#[must_use]
pub fn passages_of(version: &KnowledgeVersion) -> Vec<Passage> {
    if version.status != KnowledgeStatus::Published {
        return Vec::new();
    }
    let text = &version.text;
    let title: Arc<str> = text.title().into();
    let questions: Arc<[String]> = text.questions().into();
    let url: Option<Arc<str>> = text.url().map(Into::into);
    let content_hash = text.content_hash();
    paragraphs(text.body())
        .zip(0..)
        .map(|(paragraph, part)| Passage {
            item: version.item,
            version: version.number,
            part,
            language: text.language(),
            title: Arc::clone(&title),
            questions: Arc::clone(&questions),
            url: url.clone(),
            audience: text.audience(),
            content_hash,
            sentences: sentences(paragraph).map(str::to_owned).collect(),
        })
        .filter(|passage| !passage.sentences.is_empty())
        .collect()
}

/// Paragraphs are parted by a line with nothing but white space on it.
fn paragraphs(body: &str) -> impl Iterator<Item = &str> {
    let mut rest = body;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        if rest.is_empty() {
            return None;
        }
        let mut end = 0;
        for line in rest.split_inclusive('\n') {
            if line.trim().is_empty() {
                break;
            }
            end += line.len();
        }
        let (paragraph, after) = rest.split_at(end);
        rest = after;
        Some(paragraph.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::super::KnowledgeText;
    use super::*;

    fn version(body: &str, status: KnowledgeStatus) -> KnowledgeVersion {
        KnowledgeVersion {
            item: KnowledgeId::new(),
            number: 1,
            status,
            text: KnowledgeText::new(Language::EN, "Returns", body).unwrap(),
            changed_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_text_falls_into_paragraphs_and_sentences() {
        let body = "Goods go back within 30 days. Send them unused.\n \t\nRefunds take five days.\nBy card.";
        let passages = passages_of(&version(body, KnowledgeStatus::Published));
        let sentences: Vec<_> = passages.iter().map(|p| p.sentences.to_vec()).collect();
        assert_eq!(
            sentences,
            [
                vec!["Goods go back within 30 days.", "Send them unused."],
                vec!["Refunds take five days.", "By card."]
            ]
        );
        assert_eq!([passages[0].part, passages[1].part], [0, 1]);
    }

    #[test]
    fn only_published_texts_have_passages() {
        for status in [
            KnowledgeStatus::Draft,
            KnowledgeStatus::Review,
            KnowledgeStatus::Approved,
            KnowledgeStatus::Retired,
        ] {
            assert_eq!(passages_of(&version("A sentence.", status)), []);
        }
    }
}
