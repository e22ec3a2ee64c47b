//! A question, as an index is asked it.

/// Another way in which a unit may stand in a text.
#[derive(Debug, Clone)]
pub(super) struct Alternative {
    /// How much it counts against the word itself.
    pub(super) weight: f32,
    /// The terms to look for, all known.
    pub(super) terms: Vec<u32>,
    /// What finding all of them means; more than their number when the word has pairs no text knows.
    pub(super) whole: f32,
    /// Whether half of it is half as good; a phrase needs all of its words.
    pub(super) is_divisible: bool,
}

impl Alternative {
    /// How well a text holds it, 0 to 1, given how many of its terms were found.
    pub(super) fn strength(&self, found: f32) -> f32 {
        let share = (found / self.whole).min(1.0);
        match self.is_divisible {
            // One shared pair of a long word is chance.
            true if share < 0.34 => 0.0,
            true => self.weight * share,
            false => self.weight * share * share,
        }
    }

    fn found_in(&self, sorted_terms: &[u32]) -> f32 {
        let found = self.terms.iter().filter(|term| sorted_terms.binary_search(term).is_ok()).count();
        self.strength(found as f32)
    }
}

/// One thing a question says.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    /// Its share of the question's meaning.
    pub(super) weight: f32,
    /// How strongly it draws to the texts that say it; a number draws and means nothing when it is missing.
    pub(super) pull: f32,
    /// Whether the question is about it.
    pub(super) is_salient: bool,
    /// Whether it is made of grammar only, such as `how much`: good to find, no loss when not.
    pub(super) is_idiom: bool,
    /// Which word of the question it belongs to; the parts of a compound share one.
    pub(super) word: usize,
    /// The ways in which a text may say it; none when no text knows it.
    pub(super) alternatives: Vec<Alternative>,
}

impl Unit {
    /// How well a text says it, 0 to 1.
    pub(super) fn found_in(&self, sorted_terms: &[u32]) -> f32 {
        self.alternatives.iter().map(|way| way.found_in(sorted_terms)).fold(0.0, f32::max)
    }
}

/// One term of the question, for comparing it with titles and question variants word by word.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) weight: f32,
    /// The term itself, if any text knows it.
    pub(super) term: Option<u32>,
    /// Terms that may stand for it.
    pub(super) synonyms: Vec<u32>,
}

/// A whole question.
#[derive(Debug, Clone, Default)]
pub(super) struct Question {
    pub(super) units: Vec<Unit>,
    pub(super) tokens: Vec<Token>,
    /// The salient words that no text knows.
    pub(super) unknown: Vec<String>,
}

impl Question {
    /// How many different words it is about, known or not.
    pub(super) fn salient(&self) -> usize {
        self.matched(|_| 1.0)
    }

    /// How many of the words it is about a text says more than half of.
    pub(super) fn matched(&self, found: impl Fn(&Unit) -> f32) -> usize {
        let salient: Vec<&Unit> = self.units.iter().filter(|unit| unit.is_salient).collect();
        let words = salient.chunk_by(|one, other| one.word == other.word);
        words
            .filter(|parts| parts.iter().map(|part| found(part)).sum::<f32>() >= 0.5 * parts.len() as f32)
            .count()
    }

    /// How much of it a text covers, 0 to 1, given how well the text says each unit.
    pub(super) fn coverage(&self, found: impl Fn(&Unit) -> f32) -> f32 {
        let (mut covered, mut whole) = (0.0, 0.0);
        for unit in &self.units {
            let found = unit.weight * found(unit);
            covered += found;
            whole += if unit.is_idiom { found } else { unit.weight };
        }
        if whole > 0.0 { covered / whole } else { 0.0 }
    }
}
