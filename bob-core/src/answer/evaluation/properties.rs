//! Whatever is published and whatever is asked: nothing is invented, and nothing of others is told.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Held, published};
use crate::answer::{Answer, Ask, GroundedAnswerer, Outcome, Phrases};
use crate::id::TenantId;
use crate::knowledge::{Audience, KnowledgeText, Passage};
use crate::language::Language;
use crate::retrieve::{LexicalRetriever, Scope};

const LANGUAGES: [Language; 5] = [Language::EN, Language::DE, Language::JA, Language::FR, Language::ES];

/// Words that texts and questions share, so that many questions are answered.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "return", "refund", "desk", "lamp", "costs", "9.50", "EUR", "the", "is", "how", "and", "Rückgabe", "Frist", "Rückgabefrist", "kostet", "und", "wie", "livraison", "envío", "gratis",
    "返品", "送料", "は", "いくらですか", "できます", "キャンセル", "と", "[1]", "[2].", "e.g.", "z. B.", "🙂", "é", "Hello", "person", "\u{301}", "\u{200b}", "x@y.example", "“quote”", ":", "-", "\n", "\n\n",
];
const ENDS: &[&str] = &[". ", "! ", "? ", "。", "？", "\n", "... ", "", ": ", ".” "];

fn text() -> impl Strategy<Value = String> {
    let known =
        prop::collection::vec((prop::sample::select(WORDS), prop::sample::select(vec![" ", ""])), 1..7);
    let sentence = (known, prop::sample::select(ENDS)).prop_map(|(words, end)| {
        words.into_iter().flat_map(|(word, space)| [word, space]).collect::<String>() + end
    });
    prop_oneof![
        9 => prop::collection::vec(sentence, 1..6).prop_map(|sentences| sentences.concat()),
        1 => any::<String>(),
    ]
}

fn knowledge() -> impl Strategy<Value = KnowledgeText> {
    let questions = prop::collection::vec(text(), 0..3);
    (prop::sample::select(&LANGUAGES[..]), text(), text(), questions, any::<bool>()).prop_filter_map(
        "a text within its bounds",
        |(language, title, body, questions, is_public)| {
            let plain =
                |text: String| text.replace(char::is_control, " ").chars().take(100).collect::<String>();
            let questions = questions.into_iter().map(plain).filter(|question| !question.trim().is_empty());
            let written =
                KnowledgeText::new(language, &plain(title), &body).ok()?.asked_as(questions).ok()?;
            let audience = if is_public { Audience::Public } else { Audience::Staff };
            Some(written.for_audience(audience))
        },
    )
}

/// Takes the citation markers out of a piece and tells their numbers.
fn without_markers(piece: &str, citations: usize) -> (String, Vec<usize>) {
    let mut plain = piece.to_owned();
    let mut found = Vec::new();
    for index in 1..=citations {
        let marker = format!(" [{index}]");
        if let Some(at) = plain.rfind(&marker) {
            plain.replace_range(at..at + marker.len(), "");
            found.push(index);
        }
    }
    (plain, found)
}

fn check(answer: &Answer, readable: &[&Passage]) {
    let phrases = Phrases::for_language(answer.language).all();
    let mut cited = Vec::new();
    for piece in &answer.pieces {
        let (plain, indices) = without_markers(piece, answer.citations.len());
        cited.extend(indices);
        let sentence = plain.trim();
        let is_published = readable.iter().any(|passage| passage.sentences.iter().any(|own| own == sentence));
        assert!(is_published || phrases.contains(&sentence), "{sentence:?} was never published");
        assert!(!plain.contains("[1]") && !plain.contains("[2]"), "{plain:?} holds a forged citation");
    }
    cited.sort_unstable();
    cited.dedup();
    let all: Vec<_> = (1..=answer.citations.len()).collect();
    assert_eq!(cited, all, "every citation is used, and every number resolves");
    for citation in &answer.citations {
        let source = readable.iter().find(|passage| passage.content_hash == citation.content_hash);
        assert_eq!(source.map(|passage| &*passage.title), Some(citation.title.as_str()));
    }
    assert!(answer.suggestions.len() <= 3);
    let titles = readable.iter().map(|passage| &*passage.title);
    let offered: Vec<_> = titles.chain(phrases).collect();
    assert!(answer.suggestions.iter().all(|suggestion| offered.contains(&suggestion.title.as_str())));
    assert_eq!(answer.outcome == Outcome::Answered, !answer.citations.is_empty());
    assert_eq!(answer.outcome == Outcome::Escalated, answer.handoff.is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_reply_holds_published_sentences_and_fixed_phrases_only(
        own in prop::collection::vec(knowledge(), 0..8),
        others in prop::collection::vec(knowledge(), 0..4),
        questions in prop::collection::vec(text(), 1..4),
        is_staff in any::<bool>(),
    ) {
        let audience = if is_staff { Audience::Staff } else { Audience::Public };
        let scope = Scope { tenant: TenantId::new(), release: 1, audience };
        let stranger = Scope { tenant: TenantId::new(), ..scope };
        let passages: Vec<Passage> = own.into_iter().flat_map(published).collect();
        let strange: Vec<Passage> = others.into_iter().flat_map(published).collect();
        // The source hands out more than the audience may read: the index has to leave it out.
        let held = Held(HashMap::from([(scope, passages.clone()), (stranger, strange)]));
        let retriever = LexicalRetriever::new(Arc::new(held));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let readable: Vec<&Passage> =
            passages.iter().filter(|passage| audience.may_read(passage.audience)).collect();
        for question in &questions {
            for language in LANGUAGES {
                let ask = Ask { scope: &scope, language, question };
                let answer = runtime.block_on(GroundedAnswerer::default().answer(&retriever, &ask)).unwrap();
                let in_language: Vec<&Passage> =
                    readable.iter().copied().filter(|passage| passage.language == language).collect();
                check(&answer, &in_language);
            }
        }
    }
}
