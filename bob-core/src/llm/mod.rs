//! Language models: the port, and a scripted one for tests.
//!
//! A model is optional. What it writes is released sentence by sentence through the [gate](crate::gate).

mod scripted;

use std::fmt;

use async_trait::async_trait;

use crate::credit::Reservation;
use crate::persona::Prompt;

pub use scripted::{Line, ScriptedModel};

/// What a model reported to have used, in its own tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens read.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
}

/// About how many tokens a text has, rather too many: a token for each four ASCII characters that are begun, and one
/// for each other character.
#[must_use]
pub fn tokens_in(text: &str) -> u64 {
    let others = text.chars().filter(|character| !character.is_ascii()).count() as u64;
    let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
    ascii.div_ceil(4) + others
}

/// One thing a model sends.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelEvent {
    /// More text; pieces may be cut anywhere.
    Text(String),
    /// What the call used; the last one counts.
    Usage(Usage),
}

/// A model did not answer.
#[derive(Debug, thiserror::Error)]
#[error("the model {model} did not answer")]
pub struct ModelError {
    /// Which one.
    pub model: String,
    /// Why, for logs.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The running output of one call. Dropping it cancels the call.
#[async_trait]
pub trait ModelOutput: Send {
    /// The next thing, `None` at the end.
    ///
    /// # Errors
    ///
    /// [`ModelError`] when the call broke off; nothing follows.
    async fn next(&mut self) -> Option<Result<ModelEvent, ModelError>>;
}

/// Writes text.
#[async_trait]
pub trait LanguageModel: fmt::Debug + Send + Sync + 'static {
    /// A name for health pages and receipts.
    fn name(&self) -> &str;

    /// Starts one call, paid for by `reservation`: without one, no call can be written.
    ///
    /// # Errors
    ///
    /// [`ModelError`] when the call could not begin; nothing was used then.
    async fn generate(
        &self,
        reservation: &Reservation,
        prompt: &Prompt,
    ) -> Result<Box<dyn ModelOutput>, ModelError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_counted_rather_too_many() {
        for (text, tokens) in [("", 0), ("a", 1), ("Unworn items", 3), ("返品", 2), ("für", 2)] {
            assert_eq!(tokens_in(text), tokens, "{text}");
        }
    }
}
