//! Text as Bob sees it: sentences and words of any script.

mod sentence;

pub use sentence::sentences;
