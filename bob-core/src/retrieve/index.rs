//! The index of one release for one audience.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Retrieval;
use super::ask::MOST_UNITS;
use super::language_index::LanguageIndex;
use crate::knowledge::{Audience, Passage, Synonyms};
use crate::language::Language;
use crate::text::{Kind, words};

/// Everything an audience may be answered from, ready to be searched; it never changes.
#[derive(Debug)]
pub struct Index {
    languages: Vec<LanguageIndex>,
    bytes: usize,
}

impl Index {
    /// Builds an index of what `audience` may read among `passages`; the rest is left out.
    #[must_use]
    pub fn build(audience: Audience, passages: Vec<Passage>, synonyms: &Synonyms) -> Self {
        let mut by_language: BTreeMap<Language, Vec<Arc<Passage>>> = BTreeMap::new();
        for passage in passages.into_iter().filter(|passage| audience.may_read(passage.audience)) {
            by_language.entry(passage.language).or_default().push(Arc::new(passage));
        }
        let languages: Vec<_> = by_language
            .into_iter()
            .map(|(language, passages)| LanguageIndex::build(language, passages, synonyms))
            .collect();
        let bytes = 1_024 + languages.iter().map(LanguageIndex::bytes).sum::<usize>();
        Self { languages, bytes }
    }

    /// The passages of `language` that speak about `question`, best first, at most `limit`.
    #[must_use]
    pub fn search(&self, language: Language, question: &str, limit: usize) -> Retrieval {
        match self.of(language) {
            Some(index) => index.search(question, limit),
            None => nothing_known(language, question),
        }
    }

    /// For each language with texts, the share of the words of `question` that its texts know, 0 to 1.
    #[must_use]
    pub fn familiarity(&self, question: &str) -> Vec<(Language, f32)> {
        self.languages.iter().map(|index| (index.language, index.familiarity(question))).collect()
    }

    /// The first passages of the first texts of `language`, at most `limit`.
    #[must_use]
    pub fn openers(&self, language: Language, limit: usize) -> Vec<Arc<Passage>> {
        self.of(language).map(|index| index.first_texts(limit)).unwrap_or_default()
    }

    /// Roughly how many bytes of memory it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn of(&self, language: Language) -> Option<&LanguageIndex> {
        self.languages.iter().find(|index| index.language == language)
    }
}

/// What is found where there are no texts.
fn nothing_known(language: Language, question: &str) -> Retrieval {
    let salient = words(question, language).into_iter().filter(|word| word.kind == Kind::Content);
    let unknown: Vec<String> = salient.take(MOST_UNITS).map(|word| word.text).collect();
    Retrieval { hits: Vec::new(), salient: unknown.len(), unknown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::KnowledgeId;
    use crate::knowledge::{KnowledgeStatus, KnowledgeText, KnowledgeVersion, passages_of};

    fn text(language: Language, title: &str, body: &str, questions: &[&str]) -> Vec<Passage> {
        let written = KnowledgeText::new(language, title, body).unwrap();
        passages_of(&KnowledgeVersion {
            item: KnowledgeId::new(),
            number: 1,
            status: KnowledgeStatus::Published,
            text: written.asked_as(questions.iter().map(|question| (*question).to_owned())).unwrap(),
            changed_at: jiff::Timestamp::UNIX_EPOCH,
        })
    }

    fn shop() -> Vec<Passage> {
        [
            text(
                Language::EN,
                "Returns",
                "Unused goods go back within 30 days. The label is free.",
                &["Can I send something back?"],
            ),
            text(
                Language::EN,
                "Delivery",
                "A parcel arrives in two days and costs 4.90 EUR.",
                &["How long does shipping take?"],
            ),
            text(Language::EN, "Lamps", "The lamp Deich shines for 20,000 hours.", &[]),
            text(Language::DE, "Rückgabe", "Die Frist beträgt 30 Tage.", &["Kann ich etwas zurückgeben?"]),
            text(Language::JA, "返品", "商品は30日以内に返品できます。", &["返品の送料はいくらですか？"]),
        ]
        .concat()
    }

    fn search(language: Language, question: &str) -> Retrieval {
        let synonyms = Synonyms::new().with(Language::EN, ["luminaire", "lamp"]);
        Index::build(Audience::Public, shop(), &synonyms).search(language, question, 5)
    }

    #[track_caller]
    fn first(language: Language, question: &str, title: &str) {
        let found = search(language, question);
        assert_eq!(found.hits.first().map(|hit| &*hit.passage.title), Some(title), "{question}");
        assert_eq!(found.unknown, [""; 0], "{question}");
    }

    #[test]
    fn the_text_that_says_it_comes_first() {
        first(Language::EN, "returning unused goods", "Returns");
        first(Language::EN, "How much is shipping?", "Delivery");
        first(Language::JA, "返品したい", "返品");
    }

    #[test]
    fn synonyms_count_as_known() {
        first(Language::EN, "luminaires", "Lamps");
        first(Language::EN, "postage", "Delivery");
        first(Language::DE, "Umtausch", "Rückgabe");
    }

    #[test]
    fn a_compound_is_known_by_its_parts() {
        first(Language::DE, "Rueckgabefrist", "Rückgabe");
    }

    #[test]
    fn a_slip_of_the_finger_is_forgiven() {
        first(Language::EN, "delivrey", "Delivery");
    }

    #[test]
    fn numbers_are_never_unknown() {
        first(Language::EN, "Can I return something after 27 days?", "Returns");
    }

    #[test]
    fn salient_words_that_no_text_knows_are_told() {
        assert_eq!(search(Language::EN, "Do you have a job in Hamburg?").unknown, ["job", "hamburg"]);
        assert_eq!(search(Language::JA, "天気はどうですか").unknown, ["天気"]);
        let french = search(Language::FR, "Où est le magasin de lampes ?");
        assert_eq!((french.hits.len(), french.salient, french.unknown), (0, 1, vec!["lampes".to_owned()]));
    }

    #[test]
    fn coverage_is_the_share_of_the_question_that_a_passage_says() {
        let whole = search(Language::EN, "unused label");
        assert!(whole.hits[0].coverage > 0.99 && whole.hits[0].matched == 2, "{:?}", whole.hits[0]);
        let half = search(Language::EN, "unused helicopters");
        assert!((0.3..0.7).contains(&half.hits[0].coverage), "{:?}", half.hits[0]);
        assert_eq!(half.hits[0].sentence_coverage[1], 0.0);
    }

    #[test]
    fn a_question_variant_asked_word_for_word_is_the_same() {
        let found = search(Language::EN, "how long does shipping take");
        assert!(found.hits[0].affinity > 0.99);
        assert_eq!(found.hits[0].nearest, Some(0));
    }

    #[test]
    fn grammar_alone_is_about_nothing() {
        assert_eq!(search(Language::EN, "What can you do for me?").salient, 0);
        assert_eq!(search(Language::EN, "").hits.len(), 0);
    }

    #[test]
    fn what_is_meant_for_staff_is_not_in_the_index_of_a_visitor() {
        let mut passages = shop();
        passages.iter_mut().for_each(|passage| passage.audience = Audience::Staff);
        let visitor = Index::build(Audience::Public, passages.clone(), &Synonyms::new());
        assert_eq!(visitor.search(Language::EN, "returns", 5).hits.len(), 0);
        assert_eq!(visitor.openers(Language::EN, 5).len(), 0);
        let staff = Index::build(Audience::Staff, passages, &Synonyms::new());
        assert_ne!(staff.search(Language::EN, "returns", 5).hits.len(), 0);
    }

    #[test]
    fn equal_scores_are_ordered_by_title_then_item_then_part() {
        let twins: Vec<_> = ["B", "A", "C"]
            .iter()
            .flat_map(|title| text(Language::EN, title, "Desk of oak.\n\nDesk of oak.", &[]))
            .collect();
        let index = Index::build(Audience::Public, twins, &Synonyms::new());
        let found = index.search(Language::EN, "oak desk", 10).hits;
        let order: Vec<_> = found.iter().map(|hit| (&*hit.passage.title, hit.passage.part)).collect();
        assert_eq!(order, [("A", 0), ("A", 1), ("B", 0), ("B", 1), ("C", 0), ("C", 1)]);
        let openers: Vec<_> =
            index.openers(Language::EN, 2).iter().map(|text| text.title.to_string()).collect();
        assert_eq!(openers, ["B", "A"], "openers keep the order of the source");
    }
}
