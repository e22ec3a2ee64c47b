//! A model that costs nothing and always says the same, so that a turn does all it does for a real one: it reads the
//! history, builds the prompt, and passes the answer through the gate.

use async_trait::async_trait;
use bob_core::credit::Reservation;
use bob_core::llm::{LanguageModel, ModelError, ModelEvent, ModelOutput};
use bob_core::persona::Prompt;

/// Stands on whatever source it is given.
const ANSWER: &str = "What you ask for is told in the text that stands behind this answer [1].";

/// Answers at once.
#[derive(Debug)]
pub struct Parrot;

#[async_trait]
impl LanguageModel for Parrot {
    fn name(&self) -> &str {
        "parrot"
    }

    async fn generate(
        &self,
        _reservation: &Reservation,
        _prompt: &Prompt,
    ) -> Result<Box<dyn ModelOutput>, ModelError> {
        Ok(Box::new(Words(Some(ANSWER))))
    }
}

struct Words(Option<&'static str>);

#[async_trait]
impl ModelOutput for Words {
    async fn next(&mut self) -> Option<Result<ModelEvent, ModelError>> {
        self.0.take().map(|text| Ok(ModelEvent::Text(text.to_owned())))
    }
}
