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
