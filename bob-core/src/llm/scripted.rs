//! A model that says what it was told to say.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{LanguageModel, ModelError, ModelEvent, ModelOutput};
use crate::credit::Reservation;
use crate::persona::Prompt;

/// One line of a script.
#[derive(Debug, Clone)]
pub enum Line {
    /// Says something.
    Say(String),
    /// Waits to be woken.
    Wait(Arc<Notify>),
    /// Breaks off.
    Fail,
}

impl Line {
    /// Says `text`.
    pub fn say(text: impl Into<String>) -> Self {
        Self::Say(text.into())
    }
}

/// Follows one script for each call, in order, and refuses calls beyond them. Remembers every prompt.
#[derive(Debug, Default)]
pub struct ScriptedModel {
    scripts: Mutex<VecDeque<Vec<Line>>>,
    prompts: Mutex<Vec<Prompt>>,
}

impl ScriptedModel {
    /// A model that follows `scripts`.
    pub fn new(scripts: impl IntoIterator<Item = Vec<Line>>) -> Self {
        Self { scripts: Mutex::new(scripts.into_iter().collect()), prompts: Mutex::default() }
    }

    /// All prompts it was given so far.
    #[must_use]
    pub fn prompts(&self) -> Vec<Prompt> {
        self.prompts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl LanguageModel for ScriptedModel {
    fn name(&self) -> &str {
        "scripted"
    }

    async fn generate(
        &self,
        _reservation: &Reservation,
        prompt: &Prompt,
    ) -> Result<Box<dyn ModelOutput>, ModelError> {
        self.prompts.lock().unwrap_or_else(PoisonError::into_inner).push(prompt.clone());
        let script = self.scripts.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        script.map(|lines| Box::new(Reading(lines.into())) as Box<dyn ModelOutput>).ok_or_else(failed)
    }
}

struct Reading(VecDeque<Line>);

#[async_trait]
impl ModelOutput for Reading {
    async fn next(&mut self) -> Option<Result<ModelEvent, ModelError>> {
        loop {
            match self.0.pop_front()? {
                Line::Say(text) => return Some(Ok(ModelEvent::Text(text))),
                Line::Wait(woken) => woken.notified().await,
                Line::Fail => {
                    self.0.clear();
                    return Some(Err(failed()));
                }
            }
        }
    }
}

fn failed() -> ModelError {
    ModelError { model: "scripted".to_owned(), source: None }
}
