//! A model that says what it was told to say.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{LanguageModel, ModelError, ModelEvent, ModelOutput, Usage};
use crate::credit::Reservation;
use crate::persona::Prompt;

/// One line of a script.
#[derive(Debug, Clone)]
pub enum Line {
    /// Says something.
    Say(String),
    /// Reports what the call used so far.
    Used(Usage),
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
#[derive(Debug)]
pub struct ScriptedModel {
    name: String,
    scripts: Mutex<VecDeque<Vec<Line>>>,
    prompts: Mutex<Vec<Prompt>>,
}

impl Default for ScriptedModel {
    /// A model that refuses every call.
    fn default() -> Self {
        Self::new([])
    }
}

impl ScriptedModel {
    /// A model that follows `scripts`; its name is `scripted`.
    pub fn new(scripts: impl IntoIterator<Item = Vec<Line>>) -> Self {
        Self::named("scripted", scripts)
    }

    /// The same under a name of its own, by which the pricebook may know it.
    pub fn named(name: impl Into<String>, scripts: impl IntoIterator<Item = Vec<Line>>) -> Self {
        let scripts = Mutex::new(scripts.into_iter().collect());
        Self { name: name.into(), scripts, prompts: Mutex::default() }
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
        &self.name
    }

    async fn generate(
        &self,
        _reservation: &Reservation,
        prompt: &Prompt,
    ) -> Result<Box<dyn ModelOutput>, ModelError> {
        self.prompts.lock().unwrap_or_else(PoisonError::into_inner).push(prompt.clone());
        let script = self.scripts.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let lines = script.ok_or_else(|| failed(&self.name))?;
        Ok(Box::new(Reading { model: self.name.clone(), lines: lines.into() }))
    }
}

struct Reading {
    model: String,
    lines: VecDeque<Line>,
}

#[async_trait]
impl ModelOutput for Reading {
    async fn next(&mut self) -> Option<Result<ModelEvent, ModelError>> {
        loop {
            match self.lines.pop_front()? {
                Line::Say(text) => return Some(Ok(ModelEvent::Text(text))),
                Line::Used(usage) => return Some(Ok(ModelEvent::Usage(usage))),
                Line::Wait(woken) => woken.notified().await,
                Line::Fail => {
                    self.lines.clear();
                    return Some(Err(failed(&self.model)));
                }
            }
        }
    }
}

fn failed(model: &str) -> ModelError {
    ModelError { model: model.to_owned(), source: None }
}
