//! Building the index of one language.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::language_index::{BASE, Entry, LanguageIndex, Phrase, Posting, Term, importance, rarity};
use super::meanings::Meanings;
use super::pieces::{Cutter, Memory, Piece};
use super::spelling::Spelling;
use super::thesaurus;
use crate::id::KnowledgeId;
use crate::knowledge::{Passage, Synonyms};
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

impl LanguageIndex {
    /// Builds the index of the passages of one language.
    pub(super) fn build(language: Language, passages: Vec<Arc<Passage>>, synonyms: &Synonyms) -> Self {
        let groups: Vec<Vec<String>> =
            synonyms.of(language).map(<[String]>::to_vec).chain(thesaurus::groups(language)).collect();
        let mut builder = Builder::new(language);
        builder.learn_words(&passages, &groups);
        let first_of = first_of_each(&passages);
        let mut index = builder.enter(sorted(passages));
        index.openers = entries_of(&index.entries, &first_of);
        let mut meanings = Meanings::default();
        for group in &groups {
            let known = |term: &str| index.number(term).filter(|number| index.is_in_a_text(*number));
            meanings.learn(group, &index.cutter, known);
        }
        Self { meanings, ..index }
    }
}

/// What is gathered before it is weighed.
struct Builder {
    language: Language,
    cutter: Cutter,
    memory: Memory,
    numbers: HashMap<Box<str>, u32>,
    spelled: BTreeSet<String>,
    katakana: BTreeSet<String>,
}

impl Builder {
    fn new(language: Language) -> Self {
        Self {
            language,
            cutter: Cutter::new(language),
            memory: Memory::default(),
            numbers: HashMap::new(),
            spelled: BTreeSet::new(),
            katakana: BTreeSet::new(),
        }
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
    fn enter(mut self, passages: Vec<Arc<Passage>>) -> LanguageIndex {
        let mut items: BTreeMap<KnowledgeId, u32> = BTreeMap::new();
        let mut heads: Vec<Head> = Vec::new();
        let mut bodies: Vec<HashMap<u32, f32>> = Vec::new();
        let mut entries = Vec::new();
        for passage in passages {
            let item = *items.entry(passage.item).or_insert_with(|| {
                let item = heads.len() as u32;
                heads.push(self.head(item, &passage));
                item
            });
            let mut body = HashMap::new();
            let sentences: Box<[Box<[u32]>]> =
                passage.sentences.iter().map(|text| self.count_text(text, &mut body)).collect();
            let title = heads[item as usize].title.keys().copied();
            let terms = in_order(title.chain(body.keys().copied()).collect());
            entries.push(Entry { passage, item, terms, sentences });
            bodies.push(body);
        }
        let mut terms = weigh_rarity(self.numbers.len(), &heads, &entries);
        weigh_entries(&mut terms, &heads, &entries, &bodies);
        let items = heads.len();
        let phrases = weigh_phrases(&mut terms, heads);
        let mut spelling = Spelling::default();
        spelling.learn(self.spelled);
        LanguageIndex {
            language: self.language,
            cutter: self.cutter,
            spelling,
            meanings: Meanings::default(),
            katakana: self.katakana.into_iter().collect(),
            entries,
            phrases,
            openers: Vec::new(),
            numbers: self.numbers,
            terms,
            items,
        }
    }

    /// The title and question variants of a text.
    fn head(&mut self, item: u32, passage: &Passage) -> Head {
        let mut head = Head::default();
        let texts = std::iter::once((None, &*passage.title))
            .chain(passage.questions.iter().enumerate().map(|(at, question)| (Some(at), question.as_str())));
        for (variant, text) in texts {
            let pieces = self.cutter.cut_with(text, &mut self.memory);
            let joined = self.joined(text);
            let counts = if variant.is_none() { &mut head.title } else { &mut head.questions };
            self.count(&pieces, &joined, counts);
            let mut terms = Vec::new();
            for piece in &pieces {
                terms.extend(piece.terms.iter().map(|term| (self.intern(term), importance(piece))));
            }
            head.phrases.push(Asked { item, variant, terms, joined });
        }
        head
    }

    /// Counts what a text says; gives its terms in order.
    fn count_text(&mut self, text: &str, counts: &mut HashMap<u32, f32>) -> Box<[u32]> {
        let pieces = self.cutter.cut_with(text, &mut self.memory);
        let joined = self.joined(text);
        self.count(&pieces, &joined, counts)
    }

    fn count(&mut self, pieces: &[Piece], joined: &[u32], counts: &mut HashMap<u32, f32>) -> Box<[u32]> {
        let mut terms = joined.to_vec();
        for piece in pieces.iter().filter(|piece| piece.kind > Kind::Function) {
            terms.extend(piece.terms.iter().map(|term| self.intern(term)));
            if piece.script == Some(Script::Latin) && piece.kind == Kind::Content {
                self.spelled.insert(piece.text.clone());
            }
            if piece.script == Some(Script::Katakana) {
                self.katakana.insert(piece.text.clone());
            }
        }
        for term in &terms {
            *counts.entry(*term).or_default() += 1.0;
        }
        // A verb is written with one kanji, the noun it belongs to with two: 届く and 配送届.
        let compounds = pieces.iter().filter(|piece| piece.kind > Kind::Function && is_han_compound(piece));
        for character in compounds.flat_map(|piece| piece.text.chars()) {
            let number = self.intern(character.encode_utf8(&mut [0; 4]));
            *counts.entry(number).or_default() += 0.5;
            terms.push(number);
        }
        in_order(terms)
    }

    fn joined(&mut self, text: &str) -> Vec<u32> {
        self.cutter.joined(text).iter().map(|term| self.intern(term)).collect()
    }

    fn intern(&mut self, term: &str) -> u32 {
        if let Some(number) = self.numbers.get(term) {
            return *number;
        }
        let number = self.numbers.len() as u32;
        self.numbers.insert(term.into(), number);
        number
    }
}

/// A term is as rare as the texts that hold it anywhere are few, however many passages these have.
fn weigh_rarity(terms: usize, heads: &[Head], entries: &[Entry]) -> Vec<Term> {
    let mut holders: Vec<Vec<u32>> = vec![Vec::new(); terms];
    for (item, head) in (0..).zip(heads) {
        for (term, _) in head.phrases.iter().flat_map(|phrase| &phrase.terms) {
            holders[*term as usize].push(item);
        }
        for term in head.title.keys().chain(head.questions.keys()) {
            holders[*term as usize].push(item);
        }
    }
    for entry in entries {
        for term in &entry.terms {
            holders[*term as usize].push(entry.item);
        }
    }
    let rarities = holders.into_iter().map(|mut items| {
        items.sort_unstable();
        items.dedup();
        rarity(heads.len(), items.len())
    });
    rarities.map(|rarity| Term { rarity, ..Term::default() }).collect()
}

/// What a term is worth in each passage.
fn weigh_entries(terms: &mut [Term], heads: &[Head], entries: &[Entry], bodies: &[HashMap<u32, f32>]) {
    let mean = |lengths: Vec<f32>| {
        let sum: f32 = lengths.iter().sum();
        (sum / lengths.len().max(1) as f32).max(1.0)
    };
    let title = mean(heads.iter().map(|head| length(&head.title)).collect());
    let questions = mean(heads.iter().map(|head| length(&head.questions)).collect());
    let body = mean(bodies.iter().map(length).collect());
    for ((at, entry), own) in (0..).zip(entries).zip(bodies) {
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
            terms[term as usize].entries.push(Posting { at, worth });
        }
    }
}

/// What a term weighs in each title and question variant.
fn weigh_phrases(terms: &mut [Term], heads: Vec<Head>) -> Vec<Phrase> {
    let mut phrases = Vec::new();
    for asked in heads.into_iter().flat_map(|head| head.phrases) {
        let mut weights: BTreeMap<u32, f32> = BTreeMap::new();
        for (term, importance) in asked.terms {
            let weight = weights.entry(term).or_default();
            *weight = weight.max(importance * (BASE + terms[term as usize].rarity));
        }
        let weight = weights.values().sum();
        for term in asked.joined {
            weights.entry(term).or_insert_with(|| BASE + terms[term as usize].rarity);
        }
        let at = phrases.len() as u32;
        for (term, worth) in &weights {
            terms[*term as usize].phrases.push(Posting { at, worth: *worth });
        }
        let terms = weights.into_keys().collect();
        phrases.push(Phrase { item: asked.item, variant: asked.variant, weight, terms });
    }
    phrases
}

fn entries_of(entries: &[Entry], items: &[KnowledgeId]) -> Vec<u32> {
    let mut first: HashMap<KnowledgeId, u32> = HashMap::new();
    for (at, entry) in (0..).zip(entries) {
        first.entry(entry.passage.item).or_insert(at);
    }
    items.iter().filter_map(|item| first.get(item).copied()).collect()
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

fn is_han_compound(piece: &Piece) -> bool {
    piece.script == Some(Script::Han) && piece.text.chars().nth(1).is_some()
}
