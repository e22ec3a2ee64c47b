//! Text as Bob sees it: sentences and words of any script.
//!
//! A [`Word`] is what two texts are compared by: folded, stemmed by its language, and weighed, *because* "the" and
//! "please" say nothing about what a visitor wants to know.

mod fold;
mod function_words;
mod script;
mod sentence;
mod stem;
mod words;

pub use fold::{fold, without_accents};
pub use script::Script;
pub use sentence::sentences;
pub use stem::Stems;
pub use words::{Kind, Word, hyphenated, words};

pub(crate) use function_words::kind_of;
