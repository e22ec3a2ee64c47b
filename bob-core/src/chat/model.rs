//! The model's part of a turn: its text leaves sentence by sentence, through the gate.

use crate::answer::{Answer, Outcome, Phrases};
use crate::conversation::Role;
use crate::credit::{MilliCredits, Reservation};
use crate::gate::ReleaseGate;
use crate::language::Language;
use crate::llm::{LanguageModel, ModelEvent, Usage, tokens_in};
use crate::persona::{Prompt, PromptRole, PromptTurn, Slots};
use crate::pricebook::Rates;
use crate::turn::{Cited, TurnEvent};

use super::task::{Answering, Priced};

/// How many passages a model is given.
const SOURCES: usize = 6;

/// The most tokens one call reads and writes: what is reserved for it.
const CALL: Usage = Usage { input: 8_000, output: 1_000 };

/// What is reserved for one call of a model.
pub(super) fn price(rates: &Rates, model: &dyn LanguageModel) -> MilliCredits {
    rates.model(model.name()).cost(CALL)
}

/// Lets the model write, if there is anything to write from.
///
/// Without sources, and when the grounded answerer hands over, the grounded answer stands: a model that may only say
/// what sources say has nothing to add. When nothing the model wrote passed the gate, the grounded answer stands too;
/// when the model broke off, the visitor is handed to a person.
pub(super) async fn answer(
    turn: &Answering<'_>,
    model: &dyn LanguageModel,
    reservation: Reservation,
    language: Language,
    grounded: Answer,
) -> Priced {
    let question = turn.message.text.as_str();
    let found = turn.pipeline.retriever.retrieve(&turn.scope(), language, question, SOURCES).await;
    let sources: Vec<_> =
        found.map(|found| found.hits.into_iter().map(|hit| hit.passage).collect()).unwrap_or_default();
    if sources.is_empty() || !matches!(grounded.outcome, Outcome::Answered | Outcome::Clarify) {
        return turn.price_of(grounded);
    }
    let snapshot = &turn.message.tenant;
    let slots = Slots::of(&snapshot.tenant, language, turn.message.door, turn.pipeline.clock.now());
    let prompt =
        Prompt::build(&snapshot.persona, &slots, &sources, history(turn), question).within(CALL.input);
    let mut gate = ReleaseGate::new(sources);
    let mut written = Written { turn, cited: Cited::default(), pieces: Vec::new() };
    let (mut said, mut reported) = (0, None);
    let broke = match model.generate(&reservation, &prompt).await {
        Err(error) => Some(error),
        Ok(mut output) => loop {
            match output.next().await {
                Some(Ok(ModelEvent::Text(text))) => {
                    said += tokens_in(&text);
                    for piece in gate.push(&text) {
                        written.release(piece, &gate);
                    }
                }
                Some(Ok(ModelEvent::Usage(usage))) => reported = Some(usage),
                Some(Err(error)) => break Some(error),
                None => break None,
            }
        },
    };
    if broke.is_none()
        && let Some(piece) = gate.finish()
    {
        written.release(piece, &gate);
    }
    let phrases = Phrases::for_language(language);
    match broke {
        Some(error) => {
            tracing::warn!(turn = %turn.open.turn, error = ?error, "the model broke off");
            let joint = if written.pieces.is_empty() { "" } else { " " };
            let sorry =
                turn.canned(language, Outcome::Escalated, &format!("{joint}{}", phrases.model_trouble));
            written.pieces.extend(sorry.pieces);
            Priced::free(Answer {
                pieces: written.pieces,
                citations: gate.citations().to_vec(),
                handoff: sorry.handoff,
                ..Answer::empty(Outcome::Escalated, language)
            })
        }
        None if written.pieces.is_empty() => turn.price_of(grounded),
        None => {
            // What a provider does not report is counted.
            let usage = reported.unwrap_or_else(|| Usage { input: prompt.tokens(), output: said });
            let answer = Answer {
                pieces: written.pieces,
                citations: gate.citations().to_vec(),
                ..Answer::empty(Outcome::Answered, language)
            };
            Priced { answer, cost: turn.book.rates.model(model.name()).cost(usage) }
        }
    }
}

fn history(turn: &Answering<'_>) -> Vec<PromptTurn> {
    let said = turn.open.history.iter().map(|message| PromptTurn {
        role: if message.said.role == Role::Visitor { PromptRole::Visitor } else { PromptRole::Business },
        text: message.said.text.clone(),
    });
    said.collect()
}

/// What was released so far; each piece is sent as it is released.
struct Written<'a, 'b> {
    turn: &'a Answering<'b>,
    cited: Cited,
    pieces: Vec<String>,
}

impl Written<'_, '_> {
    fn release(&mut self, piece: String, gate: &ReleaseGate) {
        self.turn.live.publish(TurnEvent::Delta(piece.clone()));
        for citation in self.cited.newly_in(&piece, gate.citations()) {
            self.turn.live.publish(TurnEvent::Citation(citation));
        }
        self.pieces.push(piece);
    }
}
