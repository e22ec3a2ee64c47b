//! The index of one language: built once, never changed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::meanings::Meanings;
use super::pieces::{Cutter, Piece};
use super::spelling::Spelling;
use super::{Synonyms, thesaurus};
use crate::id::KnowledgeId;
use crate::knowledge::Passage;
use crate::language::Language;
use crate::text::{Kind, Script};

/// How much a term counts by the field it stands in, and how much a long field waters it down (BM25F).
struct Field {
    weight: f32,
    watering: f32,
}

const TITLE: Field = Field { weight: 2.2, watering: 0.2 };
const QUESTIONS: Field = Field { weight: 1.6, watering: 0.1 };
const BODY: Field = Field { weight: 1.0, watering: 0.6 };
/// How fast further occurrences stop to count.
const SATURATION: f32 = 1.2;

/// A passage, as its index knows it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) passage: Arc<Passage>,
    /// The number of its text.
    pub(super) item: u32,
    /// The terms of title and body, in order, each once.
    pub(super) terms: Box<[u32]>,
    /// The same for each sentence.
    pub(super) sentences: Box<[Box<[u32]>]>,
}

/// A title or a question variant.
#[derive(Debug)]
pub(super) struct Phrase {
    pub(super) item: u32,
    /// Which question variant it is; the title is none.
    pub(super) variant: Option<usize>,
    /// The weight of all its terms.
    pub(super) weight: f32,
    /// Its terms, in order, each once.
    pub(super) terms: Box<[u32]>,
}

/// Where a term stands, and what it is worth there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Posting {
    pub(super) at: u32,
    pub(super) worth: f32,
}

/// What is known about one term.
#[derive(Debug, Default)]
pub(super) struct Term {
    /// How rare it is among the texts.
    pub(super) rarity: f32,
    /// The passages that hold it, with its worth there between 0 and 1.
    pub(super) entries: Vec<Posting>,
    /// The titles and variants that hold it, with its weight there.
    pub(super) phrases: Vec<Posting>,
}

#[derive(Debug)]
pub(super) struct LanguageIndex {
    pub(super) language: Language,
    pub(super) cutter: Cutter,
    pub(super) spelling: Spelling,
    pub(super) meanings: Meanings,
    /// In order of (title, item, part), so that equal scores have an order.
    pub(super) entries: Vec<Entry>,
    pub(super) phrases: Vec<Phrase>,
    /// The first entry of each text, in the order in which the source gave them.
    pub(super) openers: Vec<u32>,
    numbers: HashMap<Box<str>, u32>,
    terms: Vec<Term>,
    items: usize,
}

impl LanguageIndex {
    /// Builds the index of the passages of one language.
    pub(super) fn build(language: Language, passages: Vec<Arc<Passage>>, synonyms: &Synonyms) -> Self {
        let groups: Vec<Vec<String>> =
            synonyms.of(language).map(<[String]>::to_vec).chain(thesaurus::groups(language)).collect();
        let mut index = Self {
            language,
            cutter: Cutter::new(language),
            spelling: Spelling::default(),
            meanings: Meanings::default(),
            entries: Vec::new(),
            phrases: Vec::new(),
            openers: Vec::new(),
            numbers: HashMap::new(),
            terms: Vec::new(),
            items: 0,
        };
        index.learn_words(&passages, &groups);
        let first_of: Vec<KnowledgeId> = first_of_each(&passages);
        index.enter(sorted(passages));
        index.openers = index.entries_of(&first_of);
        let mut meanings = Meanings::default();
        for group in &groups {
            let known = |term: &str| index.number(term).filter(|number| index.is_in_a_text(*number));
            meanings.learn(group, &index.cutter, known);
        }
        Self { meanings, ..index }
    }

    /// How rare a term is that no text holds: as rare as one that a single text holds, *because* what is unknown is punished
    /// as such already.
    pub(super) fn rarity_of_unknown(&self) -> f32 {
        rarity(self.items, 1)
    }

    /// The number of a term that some text, title or variant holds.
    pub(super) fn number(&self, term: &str) -> Option<u32> {
        self.numbers.get(term).copied()
    }

    /// What is known about a term.
    pub(super) fn term(&self, number: u32) -> &Term {
        &self.terms[number as usize]
    }

    /// Whether a text holds a term as more than grammar.
    pub(super) fn is_in_a_text(&self, number: u32) -> bool {
        !self.term(number).entries.is_empty()
    }

    /// Roughly how many bytes it holds.
    pub(super) fn bytes(&self) -> usize {
        let entries: usize = self
            .entries
            .iter()
            .map(|entry| {
                let passage = &entry.passage;
                let text: usize = passage.sentences.iter().map(|sentence| sentence.len() + 24).sum();
                let terms: usize = entry.sentences.iter().map(|sentence| 16 + 4 * sentence.len()).sum();
                300 + text + terms + 4 * entry.terms.len()
            })
            .sum();
        let phrases: usize = self.phrases.iter().map(|phrase| 48 + 6 * phrase.terms.len()).sum();
        let questions: usize = self
            .openers
            .iter()
            .map(|at| &self.entries[*at as usize].passage.questions)
            .fold(0, |sum, questions| {
                sum + questions.iter().map(|question| question.len() + 24).sum::<usize>()
            });
        let terms: usize =
            self.terms.iter().map(|term| 150 + 8 * (term.entries.capacity() + term.phrases.capacity())).sum();
        entries + phrases + questions + terms + self.spelling.bytes()
    }

    fn learn_words(&mut self, passages: &[Arc<Passage>], groups: &[Vec<String>]) {
        let mut item = None;
        for passage in passages {
            if item.replace(passage.item) != Some(passage.item) {
                self.cutter.learn(&passage.title);
                passage.questions.iter().for_each(|question| self.cutter.learn(question));
            }
            passage.sentences.iter().for_each(|sentence| self.cutter.learn(sentence));
        }
        groups.iter().flatten().for_each(|phrase| self.cutter.learn(phrase));
    }

    /// Enters all passages; they come in order.
    fn enter(&mut self, passages: Vec<Arc<Passage>>) {
        let mut items: BTreeMap<KnowledgeId, u32> = BTreeMap::new();
        let mut heads: Vec<Head> = Vec::new();
        let mut bodies: Vec<HashMap<u32, f32>> = Vec::new();
        let mut spelled = BTreeSet::new();
        for passage in passages {
            let item = *items.entry(passage.item).or_insert_with(|| {
                let item = heads.len() as u32;
                heads.push(self.head(item, &passage, &mut spelled));
                item
            });
            let mut body = HashMap::new();
            let sentences: Box<[Box<[u32]>]> =
                passage.sentences.iter().map(|text| self.count(text, &mut body, &mut spelled)).collect();
            let title = heads[item as usize].title.keys().copied();
            let terms = in_order(title.chain(body.keys().copied()).collect());
            self.entries.push(Entry { passage, item, terms, sentences });
            bodies.push(body);
        }
        self.items = heads.len();
        self.weigh_rarity(&heads);
        self.weigh_entries(&heads, &bodies);
        self.weigh_phrases(heads);
        self.spelling.learn(spelled);
    }

    /// The title and question variants of a text.
    fn head(&mut self, item: u32, passage: &Passage, spelled: &mut BTreeSet<String>) -> Head {
        let mut head = Head::default();
        self.count(&passage.title, &mut head.title, spelled);
        for question in passage.questions.iter() {
            self.count(question, &mut head.questions, spelled);
        }
        let texts = std::iter::once((None, &*passage.title))
            .chain(passage.questions.iter().enumerate().map(|(at, question)| (Some(at), question.as_str())));
        for (variant, text) in texts {
            let pieces = self.cutter.cut(text);
            let terms = pieces.iter().flat_map(|piece| piece.terms.iter().map(move |term| (term, piece)));
            let weighed = terms.map(|(term, piece)| (self.intern(term), importance(piece))).collect();
            let joined = self.cutter.joined(text).iter().map(|term| self.intern(term)).collect();
            head.phrases.push(Asked { item, variant, terms: weighed, joined });
        }
        head
    }

    /// Counts what a text says; gives its terms in order.
    fn count(
        &mut self,
        text: &str,
        counts: &mut HashMap<u32, f32>,
        spelled: &mut BTreeSet<String>,
    ) -> Box<[u32]> {
        let mut terms = Vec::new();
        for piece in self.cutter.cut(text).iter().filter(|piece| piece.kind > Kind::Function) {
            for term in &piece.terms {
                let number = self.intern(term);
                *counts.entry(number).or_default() += 1.0;
                terms.push(number);
            }
            if piece.script == Some(Script::Latin) && piece.kind == Kind::Content {
                spelled.insert(piece.text.clone());
            }
            // A verb is written with one kanji, the noun it belongs to with two: 届く and 配送届.
            if piece.script == Some(Script::Han) && piece.text.chars().nth(1).is_some() {
                for character in piece.text.chars() {
                    let number = self.intern(character.encode_utf8(&mut [0; 4]));
                    *counts.entry(number).or_default() += 0.5;
                    terms.push(number);
                }
            }
        }
        for term in self.cutter.joined(text) {
            let number = self.intern(&term);
            *counts.entry(number).or_default() += 1.0;
            terms.push(number);
        }
        in_order(terms)
    }

    fn intern(&mut self, term: &str) -> u32 {
        if let Some(number) = self.numbers.get(term) {
            return *number;
        }
        let number = self.terms.len() as u32;
        self.numbers.insert(term.into(), number);
        self.terms.push(Term::default());
        number
    }

    /// A term is as rare as the texts that hold it anywhere are few, however many passages these have.
    fn weigh_rarity(&mut self, heads: &[Head]) {
        let mut holders: Vec<Vec<u32>> = vec![Vec::new(); self.terms.len()];
        for (item, head) in (0..).zip(heads) {
            for (term, _) in head.phrases.iter().flat_map(|phrase| &phrase.terms) {
                holders[*term as usize].push(item);
            }
            for term in head.title.keys().chain(head.questions.keys()) {
                holders[*term as usize].push(item);
            }
        }
        for entry in &self.entries {
            for term in &entry.terms {
                holders[*term as usize].push(entry.item);
            }
        }
        for (term, mut items) in self.terms.iter_mut().zip(holders) {
            items.sort_unstable();
            items.dedup();
            term.rarity = rarity(self.items, items.len());
        }
    }

    fn weigh_entries(&mut self, heads: &[Head], bodies: &[HashMap<u32, f32>]) {
        let mean = |lengths: Vec<f32>| {
            let sum: f32 = lengths.iter().sum();
            (sum / lengths.len().max(1) as f32).max(1.0)
        };
        let title = mean(heads.iter().map(|head| length(&head.title)).collect());
        let questions = mean(heads.iter().map(|head| length(&head.questions)).collect());
        let body = mean(bodies.iter().map(length).collect());
        for ((at, entry), own) in (0..).zip(&self.entries).zip(bodies) {
            let head = &heads[entry.item as usize];
            let mut frequency: BTreeMap<u32, f32> = BTreeMap::new();
            for (field, counts, mean) in
                [(TITLE, &head.title, title), (QUESTIONS, &head.questions, questions), (BODY, own, body)]
            {
                let long = 1.0 - field.watering + field.watering * length(counts) / mean;
                for (term, count) in counts {
                    *frequency.entry(*term).or_default() += field.weight * count / long;
                }
            }
            for (term, frequency) in frequency {
                let worth = frequency / (SATURATION + frequency);
                self.terms[term as usize].entries.push(Posting { at, worth });
            }
        }
    }

    fn weigh_phrases(&mut self, heads: Vec<Head>) {
        for Asked { item, variant, terms, joined } in heads.into_iter().flat_map(|head| head.phrases) {
            let mut weights: BTreeMap<u32, f32> = BTreeMap::new();
            for (term, importance) in terms {
                let weight = weights.entry(term).or_default();
                *weight = weight.max(importance * (BASE + self.terms[term as usize].rarity));
            }
            let at = self.phrases.len() as u32;
            let weight = weights.values().sum();
            for term in joined {
                weights.entry(term).or_insert_with(|| BASE + self.terms[term as usize].rarity);
            }
            for (term, worth) in &weights {
                self.terms[*term as usize].phrases.push(Posting { at, worth: *worth });
            }
            self.phrases.push(Phrase { item, variant, weight, terms: weights.keys().copied().collect() });
        }
    }

    fn entries_of(&self, items: &[KnowledgeId]) -> Vec<u32> {
        let mut first: HashMap<KnowledgeId, u32> = HashMap::new();
        for (at, entry) in (0..).zip(&self.entries) {
            first.entry(entry.passage.item).or_insert(at);
        }
        items.iter().filter_map(|item| first.get(item).copied()).collect()
    }
}

/// A title or question variant while its index is built.
#[derive(Debug)]
struct Asked {
    item: u32,
    variant: Option<usize>,
    /// Its terms with their importance.
    terms: Vec<(u32, f32)>,
    /// The same words written in one; they are found and weigh nothing.
    joined: Vec<u32>,
}

/// Title and question variants of a text while its index is built.
#[derive(Debug, Default)]
struct Head {
    title: HashMap<u32, f32>,
    questions: HashMap<u32, f32>,
    phrases: Vec<Asked>,
}

/// What a word weighs that every text holds, so that none weighs nothing.
pub(super) const BASE: f32 = 0.2;

/// How much a word's rarity counts when texts are compared word by word.
pub(super) fn importance(piece: &Piece) -> f32 {
    // A word without spaces is several pairs, and says little more than a word of one.
    let pairs = piece.terms.len().max(1) as f32;
    let share = if piece.is_unspaced() { (0.6 + 0.4 * pairs).min(1.8) / pairs } else { 1.0 };
    match (piece.kind, piece.is_unspaced()) {
        (Kind::Content, _) => share,
        (Kind::Light | Kind::Number, _) => 0.5 * share,
        (Kind::Function, false) => 0.25,
        (Kind::Function, true) => 0.08,
    }
}

fn rarity(texts: usize, holders: usize) -> f32 {
    let (texts, holders) = (texts as f32, holders as f32);
    (1.0 + (texts - holders + 0.5) / (holders + 0.5)).ln()
}

fn length(counts: &HashMap<u32, f32>) -> f32 {
    // Whole and half numbers: the sum is the same in any order.
    counts.values().sum()
}

fn in_order(mut terms: Vec<u32>) -> Box<[u32]> {
    terms.sort_unstable();
    terms.dedup();
    terms.into()
}

fn sorted(mut passages: Vec<Arc<Passage>>) -> Vec<Arc<Passage>> {
    passages
        .sort_by(|one, other| (&one.title, one.item, one.part).cmp(&(&other.title, other.item, other.part)));
    passages
}

fn first_of_each(passages: &[Arc<Passage>]) -> Vec<KnowledgeId> {
    let mut seen = HashSet::new();
    passages.iter().map(|passage| passage.item).filter(|item| seen.insert(*item)).collect()
}
