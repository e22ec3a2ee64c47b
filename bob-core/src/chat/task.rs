//! One turn, from the first transaction to the second.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::live::{LiveTurn, Released, TurnEvents};
use super::{NewMessage, Pipeline, SendError, Sent, model};
use crate::act::Act;
use crate::answer::{Answer, Ask, Handoff, Outcome, Phrases, decide_language};
use crate::conversation::{Door, SessionId};
use crate::credit::{Budgets, Ladder, MilliCredits};
use crate::id::{ConversationId, MessageId, TenantId, TurnId};
use crate::inbox::Listening;
use crate::language::Language;
use crate::llm::LanguageModel;
use crate::pricebook::Pricebook;
use crate::retrieve::Scope;
use crate::storage::TenantSnapshot;
use crate::turn::{
    Lease, OpenTurn, RENEW_EVERY, TurnClosing, TurnEvent, TurnFailure, TurnFinish, TurnOpening, TurnStart,
    TurnState, Versions, events_of,
};

/// How many of the latest messages an answerer sees.
const HISTORY: u32 = 20;

/// How often a turn that a model writes looks whether it still may speak; a person who takes over on this node is heard
/// at once.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often an answer is tried to be stored.
const FINISH_TRIES: u32 = 3;

/// For how long. A lease that ran out meanwhile makes the answer worth nothing.
const FINISH_WITHIN: Duration = Duration::from_secs(12);

pub(super) async fn run(
    pipeline: Arc<Pipeline>,
    act: Act,
    message: NewMessage,
    opened: oneshot::Sender<Result<Sent, SendError>>,
) {
    let tenant = message.tenant.tenant.id;
    let book = match pipeline.pricebooks.current().await {
        Ok(book) => book,
        Err(error) => {
            let _ = opened.send(Err(error.into()));
            return;
        }
    };
    let start = start(&pipeline, &book, &message);
    let ladder = start.reserve.clone();
    let opening = match pipeline.storage.begin_turn(&act, &tenant, start).await {
        Ok(TurnOpening::Opened(open)) => *open,
        other => {
            if let Ok(TurnOpening::Delivered(turn)) = &other {
                pipeline.stir(tenant, turn.conversation);
            }
            let _ = opened.send(already_settled(&pipeline, other));
            return;
        }
    };
    let turn = opening.turn;
    pipeline.stir(tenant, opening.conversation);
    let live = pipeline.live.begin(tenant, turn, opening.key.door, opening.key.visitor);
    let ending = Ending { pipeline: &pipeline, live: &live, of: (tenant, turn) };
    live.publish(TurnEvent::Started { turn, session: opening.key.session.clone() });
    let visitor = opening.proven.then_some(opening.key.visitor);
    let _ = opened.send(Ok(Sent { turn, visitor, replayed: false, events: live.listen(0) }));
    let writer = writer(&pipeline, &ladder, &opening);
    let release = message.tenant.release_at(pipeline.clock.now());
    let answering = Answering {
        pipeline: &pipeline,
        book: &book,
        writer,
        act,
        message,
        release,
        open: opening,
        live: &live,
    };
    let ended = answering.run().await;
    live.publish(ended);
    drop(ending);
}

/// Ends a turn for those who listen, also when its task panics or is aborted: nobody waits for ever.
struct Ending<'a> {
    pipeline: &'a Pipeline,
    live: &'a LiveTurn,
    of: (TenantId, TurnId),
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.live.end();
        self.pipeline.live.forget(self.of.0, self.of.1);
    }
}

fn start(pipeline: &Pipeline, book: &Pricebook, message: &NewMessage) -> TurnStart {
    let now = pipeline.clock.now();
    TurnStart {
        turn: TurnId::new(),
        message: MessageId::new(),
        conversation: ConversationId::new(),
        door: message.door,
        session: message.session.clone().unwrap_or_else(SessionId::mint),
        session_is_new: message.session.is_none(),
        visitor: message.visitor,
        text: message.text.clone(),
        idempotency: message.idempotency.clone(),
        lease: pipeline.lease(now),
        reserve: ladder(pipeline, book),
        budgets: budgets(message, now),
        // Only a model reads it.
        history: if pipeline.models.is_empty() { 0 } else { HISTORY },
    }
}

/// What a turn would like to hold: the price of a call of each model, then of an answer without one.
fn ladder(pipeline: &Pipeline, book: &Pricebook) -> Ladder {
    let models = pipeline.models.iter().map(|model| model::price(&book.rates, &**model));
    Ladder::of(models.chain([book.rates.grounded_answer]))
}

/// The model whose step of the ladder was reserved; without one the grounded answerer answers.
fn writer<'a>(pipeline: &'a Pipeline, ladder: &Ladder, open: &OpenTurn) -> Option<&'a dyn LanguageModel> {
    let amount = open.reservation?.amount;
    let step = ladder.steps().iter().position(|step| *step == amount)?;
    pipeline.models.get(step).map(|model| &**model)
}

/// The daily budgets of the visitor and of the widget key, on the tenant's own calendar.
fn budgets(message: &NewMessage, now: jiff::Timestamp) -> Budgets {
    let TenantSnapshot { tenant, widget_keys, .. } = &*message.tenant;
    let anonymous = message.door != Door::SignedIn;
    let visitor = tenant.visitor_budget.filter(|_| anonymous);
    let key = message.widget_key.and_then(|id| {
        let key = widget_keys.iter().find(|key| key.id == id)?;
        key.settings.daily_budget.map(|budget| (id, budget))
    });
    if visitor.is_none() && key.is_none() {
        return Budgets::NONE;
    }
    Budgets { day: tenant.billing.day_of(now), visitor, key }
}

/// What a caller is told whose message opened no turn.
fn already_settled(
    pipeline: &Pipeline,
    opening: Result<TurnOpening, crate::storage::StorageError>,
) -> Result<Sent, SendError> {
    let finished = |turn: Box<crate::turn::FinishedTurn>, replayed| Sent {
        turn: turn.turn,
        visitor: turn.proven.then_some(turn.visitor),
        replayed,
        events: TurnEvents::ended(TurnState::Finished(turn), 0),
    };
    match opening? {
        TurnOpening::Replayed(turn) => Ok(finished(turn, true)),
        TurnOpening::Delivered(turn) => Ok(finished(turn, false)),
        TurnOpening::Running(turn) => {
            Err(SendError::InProgress { turn, retry_after: Duration::from_secs(1) })
        }
        TurnOpening::Mismatch => Err(SendError::IdempotencyMismatch),
        TurnOpening::Ended => Err(SendError::VisitorEnded),
        TurnOpening::Busy { turn, until } => Err(pipeline.busy(turn, until)),
        TurnOpening::Opened(open) => Err(pipeline.busy(open.turn, open.lease.until)),
    }
}

/// An answer and what it costs.
pub(super) struct Priced {
    pub(super) answer: Answer,
    pub(super) cost: MilliCredits,
}

impl Priced {
    pub(super) fn free(answer: Answer) -> Self {
        Self { answer, cost: MilliCredits::ZERO }
    }
}

/// An open turn that is being answered.
pub(super) struct Answering<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) book: &'a Pricebook,
    /// The model that the reservation pays for.
    pub(super) writer: Option<&'a dyn LanguageModel>,
    pub(super) act: Act,
    pub(super) message: NewMessage,
    /// The knowledge release that held when answering began.
    release: u64,
    pub(super) open: OpenTurn,
    pub(super) live: &'a LiveTurn,
}

impl Answering<'_> {
    async fn run(mut self) -> TurnEvent {
        let mut lease = self.open.lease;
        let (tenant, conversation) = (self.message.tenant.tenant.id, self.open.conversation);
        // An answer without a model is there before anybody could take over.
        let mut others = self.writer.is_some().then(|| self.pipeline.hub.listen(tenant, Some(conversation)));
        let mut renew_at = Instant::now() + RENEW_EVERY;
        let answer = {
            let mut answering = std::pin::pin!(unless_panic(self.answer()));
            loop {
                let look_at = if others.is_some() { Instant::now() + LOOK_EVERY } else { renew_at };
                tokio::select! {
                    answer = &mut answering => break answer.unwrap_or_else(|| Priced::free(self.broken())),
                    () = tokio::time::sleep_until(look_at.min(renew_at)) => {}
                    () = stirred(&mut others) => {}
                }
                let speaks = if Instant::now() < renew_at {
                    self.speaks().await
                } else {
                    renew_at = Instant::now() + RENEW_EVERY;
                    let renewed = self.renew(&lease).await;
                    lease = renewed.unwrap_or(lease);
                    renewed.is_some()
                };
                if !speaks {
                    break Priced::free(self.cut_short());
                }
            }
        };
        self.open.lease = lease;
        self.finish(answer).await
    }

    /// Which language to answer in; when the texts cannot be asked, the tenant's own.
    async fn language(&self) -> Language {
        let (tenant, scope) = (&self.message.tenant.tenant, self.scope());
        let decided = decide_language(
            &*self.pipeline.retriever,
            &scope,
            self.message.text.as_str(),
            &tenant.languages,
            self.open.language,
            &self.message.accepts,
        );
        decided.await.unwrap_or_else(|_| tenant.default_language())
    }

    /// The ladder: a model's answer, the grounded answer, a fixed text with a way to a person. Never silence.
    async fn answer(&self) -> Priced {
        let language = self.language().await;
        let phrases = Phrases::for_language(language);
        if self.open.reservation.is_none() {
            return Priced::free(self.canned(language, Outcome::Limited, phrases.limited));
        }
        let grounded = match self.grounded(language).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(turn = %self.open.turn, error = ?error, "the knowledge could not be searched");
                return Priced::free(self.canned(language, Outcome::Escalated, phrases.model_trouble));
            }
        };
        match (self.writer, self.open.reservation) {
            (Some(model), Some(reservation)) => {
                model::answer(self, model, reservation, language, grounded).await
            }
            _ => self.price_of(grounded),
        }
    }

    /// An answer costs; a question back, a refusal or a hand-over is free.
    pub(super) fn price_of(&self, grounded: Answer) -> Priced {
        let cost = match grounded.outcome {
            Outcome::Answered => self.book.rates.grounded_answer,
            _ => MilliCredits::ZERO,
        };
        Priced { answer: grounded, cost }
    }

    async fn grounded(&self, language: Language) -> Result<Answer, crate::retrieve::RetrieveError> {
        let scope = self.scope();
        let ask = Ask { scope: &scope, language, question: self.message.text.as_str() };
        self.pipeline.answerer.answer(&*self.pipeline.retriever, &ask).await
    }

    pub(super) fn scope(&self) -> Scope {
        let tenant = self.message.tenant.tenant.id;
        Scope { tenant, release: self.release, audience: self.message.audience }
    }

    /// A fixed text, with a person named when one takes over.
    pub(super) fn canned(&self, language: Language, outcome: Outcome, text: &str) -> Answer {
        let to = Phrases::for_language(language).team.to_owned();
        Answer {
            pieces: vec![text.to_owned()],
            handoff: Some(Handoff::to(to)),
            ..Answer::empty(outcome, language)
        }
    }

    /// What a visitor is told when answering panicked: what was released already stands, a person takes over.
    fn broken(&self) -> Answer {
        tracing::error!(turn = %self.open.turn, "answering panicked");
        let language = self.open.language.unwrap_or(self.message.tenant.tenant.default_language());
        let released = self.live.released();
        let joint = if released.pieces.is_empty() { "" } else { " " };
        let trouble = Phrases::for_language(language).model_trouble;
        let sorry = self.canned(language, Outcome::Escalated, &format!("{joint}{trouble}"));
        let pieces = released.pieces.into_iter().chain(sorry.pieces).collect();
        Answer { pieces, citations: released.citations, ..sorry }
    }

    /// What was released of an answer that somebody else cuts short; storage keeps it for the record.
    fn cut_short(&self) -> Answer {
        let language = self.open.language.unwrap_or(self.message.tenant.tenant.default_language());
        let Released { pieces, citations } = self.live.released();
        Answer { pieces, citations, ..Answer::empty(Outcome::Escalated, language) }
    }

    /// Whether Bob still speaks in the conversation, under the epoch in which the turn began.
    async fn speaks(&self) -> bool {
        let (tenant, conversation) = (self.message.tenant.tenant.id, self.open.conversation);
        match self.pipeline.storage.ownership(&tenant, &conversation).await {
            Ok(ownership) => ownership.epoch == self.open.epoch,
            // The lease ends what a database that is away would not.
            Err(_) => true,
        }
    }

    async fn renew(&self, lease: &Lease) -> Option<Lease> {
        let act = Act { at: self.pipeline.clock.now(), ..self.act.clone() };
        let tenant = self.message.tenant.tenant.id;
        match self.pipeline.storage.renew_turn(&act, &tenant, &self.open.turn, lease).await {
            Ok(renewed) => renewed,
            // A database that is away for a moment does not end a lease that still holds.
            Err(_) => lease.holds(self.pipeline.clock.now()).then_some(*lease),
        }
    }

    /// Stores the answer and gives the event that ends the turn, having sent all that comes before it.
    async fn finish(self, Priced { mut answer, cost }: Priced) -> TurnEvent {
        let tenant = &self.message.tenant;
        if let Some(handoff) = &mut answer.handoff {
            handoff.expected_at = tenant.tenant.person_expected(self.pipeline.clock.now());
        }
        let finish = TurnFinish {
            turn: self.open.turn,
            conversation: self.open.conversation,
            lease: self.open.lease,
            epoch: self.open.epoch,
            key: self.open.key.clone(),
            proven: self.open.proven,
            disclose: self.open.disclose,
            message: MessageId::new(),
            cost,
            persona: tenant.persona.name.clone(),
            versions: Versions {
                persona: (tenant.persona.id, tenant.persona.version),
                knowledge: self.release,
                pricebook: self.book.version,
            },
            answer,
        };
        let patience = Instant::now() + FINISH_WITHIN;
        for attempt in 1.. {
            let act = Act { at: self.pipeline.clock.now(), ..self.act.clone() };
            let storing = self.pipeline.storage.finish_turn(&act, &tenant.tenant.id, finish.clone());
            let Ok(stored) = tokio::time::timeout_at(patience, storing).await else {
                tracing::error!(turn = %finish.turn, "the answer could not be stored in time");
                break;
            };
            match stored {
                Ok(TurnClosing::Stored(turn)) => {
                    self.pipeline.stir(tenant.tenant.id, turn.conversation);
                    let mut events = events_of(&turn);
                    let last = events.pop();
                    for event in events.into_iter().skip(self.live.published()) {
                        self.live.publish(event);
                    }
                    return last.unwrap_or(TurnEvent::Completed(turn));
                }
                Ok(TurnClosing::Superseded) => return TurnEvent::Failed(TurnFailure::Superseded),
                Err(error) if attempt < FINISH_TRIES => {
                    // Repeating is safe: a finish that was stored answers the same and settles nothing again.
                    tracing::warn!(turn = %finish.turn, attempt, error = ?error, "the answer is not stored yet");
                    tokio::time::sleep(Duration::from_millis(200) * attempt).await;
                }
                Err(error) => {
                    tracing::error!(turn = %finish.turn, error = ?error, "the answer could not be stored");
                    break;
                }
            }
        }
        TurnEvent::Failed(TurnFailure::Storage)
    }
}

/// Waits until something happens in the conversation, if anybody listens; else for ever.
async fn stirred(others: &mut Option<Listening>) {
    match others {
        Some(listening) => listening.stirred().await,
        None => std::future::pending().await,
    }
}

/// `None` when `work` panics.
async fn unless_panic<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|cx| {
        // Nothing is looked at again that a panic may have left half changed.
        match std::panic::catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
            Ok(polled) => polled.map(Some),
            Err(_) => Poll::Ready(None),
        }
    })
    .await
}
