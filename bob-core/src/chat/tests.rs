//! Whole turns in memory, with a scripted model where one is needed.

mod credits;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::*;
use crate::act::Principal;
use crate::answer::Outcome;
use crate::credit::{CreditBalance, MilliCredits};
use crate::llm::{Line, ScriptedModel};
use crate::storage::memory::MemoryStorage;
use crate::storage::{ConversationStore as _, CreditStore as _, Onboarding, TenantStore as _};
use crate::testing::fixture;
use crate::turn::{FinishedTurn, TurnEvent, TurnFailure, events_of};
use crate::{Bob, Running};

/// A started Bob with one tenant, and with a model if there are scripts for one.
struct World {
    store: Arc<MemoryStorage>,
    bob: Bob,
    running: Running,
    tenant: TenantId,
}

impl World {
    async fn new(scripts: Vec<Vec<Line>>) -> Self {
        Self::of(fixture::onboarding("shop"), scripts).await
    }

    async fn of(onboarding: Onboarding, scripts: Vec<Vec<Line>>) -> Self {
        let model = (!scripts.is_empty()).then(|| Arc::new(ScriptedModel::new(scripts)));
        Self::with(MemoryStorage::new(), onboarding, model.as_slice()).await
    }

    async fn with(store: MemoryStorage, onboarding: Onboarding, models: &[Arc<ScriptedModel>]) -> Self {
        let store = Arc::new(store);
        let tenant = onboarding.tenant.id;
        store.onboard(&fixture::act().because("to begin with"), onboarding).await.unwrap();
        let mut builder = Bob::build(Arc::clone(&store) as Arc<_>).clock(fixture::clock());
        for model in models {
            builder = builder.model(Arc::clone(model) as Arc<_>);
        }
        let bob = builder.build().await.unwrap();
        let running = bob.start().unwrap();
        Self { store, bob, running, tenant }
    }

    async fn message(&self, text: &str) -> NewMessage {
        NewMessage {
            tenant: self.bob.directory().snapshot(&self.tenant).await.unwrap().unwrap(),
            door: Door::Public,
            widget_key: None,
            visitor: VisitorProof::New(VisitorId::new()),
            trust: TrustLevel::Anonymous,
            session: None,
            text: MessageText::parse(text).unwrap(),
            audience: Audience::Public,
            accepts: Vec::new(),
            idempotency: None,
        }
    }

    async fn send(&self, text: &str) -> Sent {
        let message = self.message(text).await;
        let act = self.bob.act(Principal::Visitor(message.visitor.visitor()), "test");
        self.bob.chat().send(act, message).await.unwrap()
    }

    async fn ask(&self, text: &str) -> (Vec<TurnEvent>, FinishedTurn) {
        self.ask_in(self.message(text).await).await
    }

    async fn ask_in(&self, message: NewMessage) -> (Vec<TurnEvent>, FinishedTurn) {
        let act = self.bob.act(Principal::Visitor(message.visitor.visitor()), "test");
        let mut sent = self.bob.chat().send(act, message).await.unwrap();
        let mut events = Vec::new();
        while let Some((number, event)) = sent.events.next().await {
            events.push(event);
            assert_eq!(number, events.len() as u64);
        }
        match events.last() {
            Some(TurnEvent::Completed(turn)) => (events.clone(), *turn.clone()),
            other => panic!("the turn should have been answered: {other:?}"),
        }
    }

    async fn balance(&self) -> CreditBalance {
        self.store.credit_balance(&self.tenant).await.unwrap()
    }
}

const QUESTION: &str = "Can unworn items be returned?";

#[tokio::test]
async fn without_a_model_an_approved_sentence_answers_and_costs_one_credit() {
    let world = World::new(Vec::new()).await;
    let (events, turn) = world.ask(QUESTION).await;
    assert_eq!(turn.answer.outcome, Outcome::Answered);
    assert_eq!(turn.answer.text(), "Unworn items can be returned within 30 days [1].");
    assert_eq!(events, events_of(&turn), "a stream tells what storage tells later");
    let balance = world.balance().await;
    assert_eq!((balance.settled, balance.reserved), (MilliCredits::credits(1), MilliCredits::ZERO));
}

#[tokio::test]
async fn a_refusal_is_free() {
    let world = World::new(Vec::new()).await;
    let (_, turn) = world.ask("What is the capital of Australia?").await;
    assert_eq!(turn.answer.outcome, Outcome::Refused);
    assert_eq!(world.balance().await.settled, MilliCredits::ZERO);
}

#[tokio::test]
async fn a_model_says_only_what_passes_the_gate_and_the_same_is_stored() {
    let script = vec![Line::say("We love you! You have 30 days [1"), Line::say("]. You have 90 days [1].")];
    let world = World::new(vec![script]).await;
    let (events, turn) = world.ask(QUESTION).await;
    assert_eq!(turn.answer.text(), "You have 30 days [1].");
    assert_eq!(events, events_of(&turn));
    let history = world.store.history(&world.tenant, &turn.conversation, None, 10).await.unwrap();
    assert_eq!(history.messages[1].said.text, turn.answer.text());
}

#[tokio::test]
async fn when_nothing_a_model_says_passes_the_approved_sentence_stands() {
    let world = World::new(vec![vec![Line::say("NO_SOURCE")]]).await;
    let (_, turn) = world.ask(QUESTION).await;
    assert_eq!(turn.answer.text(), "Unworn items can be returned within 30 days [1].");
}

#[tokio::test]
async fn when_a_model_breaks_off_the_visitor_is_handed_over_and_pays_nothing() {
    for script in [vec![Line::Fail], vec![Line::say("You have 30 days [1]. And"), Line::Fail]] {
        let world = World::new(vec![script]).await;
        let (events, turn) = world.ask(QUESTION).await;
        assert_eq!(turn.answer.outcome, Outcome::Escalated);
        assert!(turn.answer.handoff.is_some());
        assert!(
            turn.answer.text().ends_with("A person will take care of your question."),
            "{}",
            turn.answer.text()
        );
        assert_eq!(events, events_of(&turn));
        assert_eq!(world.balance().await.settled, MilliCredits::ZERO);
    }
}

#[tokio::test]
async fn a_model_is_not_called_when_no_source_speaks_about_the_question() {
    // The script would answer; a call beyond it would fail the turn.
    let world = World::new(vec![vec![Line::say("Canberra [1].")]]).await;
    let (_, turn) = world.ask("What is the capital of Australia?").await;
    assert_eq!(turn.answer.outcome, Outcome::Refused);
}

#[tokio::test]
async fn without_credits_the_visitor_is_told_politely_and_a_model_is_not_called() {
    let mut onboarding = fixture::onboarding("shop");
    onboarding.credits = MilliCredits(999);
    let world = World::of(onboarding, vec![vec![Line::say("You have 30 days [1].")]]).await;
    let (_, turn) = world.ask(QUESTION).await;
    assert_eq!(turn.answer.outcome, Outcome::Limited);
    assert!(!turn.answer.text().is_empty());
    assert_eq!(
        world.balance().await,
        CreditBalance { granted: MilliCredits(999), ..CreditBalance::default() }
    );
}

#[tokio::test]
async fn a_turn_goes_on_when_its_caller_goes_away() {
    let go = Arc::new(Notify::new());
    let script = vec![Line::Wait(Arc::clone(&go)), Line::say("You have 30 days [1].")];
    let world = World::new(vec![script]).await;
    let sent = world.send(QUESTION).await;
    let (turn, visitor) = (sent.turn, sent.visitor.unwrap());
    drop(sent);

    let events =
        async || world.bob.chat().turn_events(&world.tenant, Door::Public, &visitor, &turn, 1).await.unwrap();
    let live = events().await;
    go.notify_one();

    let Some(TurnEvent::Completed(finished)) = live.last().await else { panic!("it was answered") };
    assert_eq!(finished.answer.text(), "You have 30 days [1].");
    let Some(TurnEvent::Completed(stored)) = events().await.last().await else { panic!("it was stored") };
    assert_eq!(stored, finished);
    let stranger =
        world.bob.chat().turn_events(&world.tenant, Door::Public, &VisitorId::new(), &turn, 0).await;
    assert_eq!(stranger.unwrap_err().kind(), StorageErrorKind::NotFound);
}

#[tokio::test]
async fn whoever_lost_the_conversation_to_a_person_adds_nothing_to_it() {
    let go = Arc::new(Notify::new());
    let script = vec![Line::Wait(Arc::clone(&go)), Line::say("You have 30 days [1].")];
    let world = World::new(vec![script]).await;
    let message = NewMessage { session: Some("s".parse().unwrap()), ..world.message(QUESTION).await };
    let visitor = message.visitor.visitor();
    let sent = world.bob.chat().send(world.bob.system_act("test"), message).await.unwrap();
    let key = ConversationKey { door: Door::Public, visitor, session: "s".parse().unwrap() };
    let talk = world.store.conversation(&world.tenant, &key).await.unwrap().unwrap();

    fixture::take(&*world.store, &world.tenant, &talk.id).await;
    go.notify_one();

    assert_eq!(sent.events.last().await, Some(TurnEvent::Failed(TurnFailure::Superseded)));
    assert_eq!(world.store.history(&world.tenant, &talk.id, None, 10).await.unwrap().messages.len(), 1);
}

#[tokio::test]
async fn turns_are_taken_between_start_and_drain_only() {
    let store = Arc::new(MemoryStorage::new());
    let bob = Bob::build(Arc::clone(&store) as Arc<_>).build().await.unwrap();
    assert_eq!(bob.running(), Err(NotRunning::NotStarted));
    let running = bob.start().unwrap();
    assert_eq!(bob.running(), Ok(()));
    assert!(bob.start().is_err());
    assert!(running.drain(Duration::from_secs(1)).await);
    assert_eq!(bob.running(), Err(NotRunning::Draining));
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_open_turns_until_its_deadline() {
    let go = Arc::new(Notify::new());
    let script = vec![Line::Wait(Arc::clone(&go)), Line::say("You have 30 days [1].")];
    for (answers, deadline) in [(true, Duration::from_secs(60)), (false, Duration::from_millis(10))] {
        let world = World::new(vec![script.clone()]).await;
        let mut sent = world.send(QUESTION).await;
        sent.events.next().await;
        if answers {
            go.notify_one();
        }
        let message = world.message("More?").await;
        assert_eq!(world.running.drain(deadline).await, answers);
        let refused = world.bob.chat().send(world.bob.system_act("test"), message).await;
        assert!(matches!(refused, Err(SendError::NotRunning(NotRunning::Draining))));
    }
}
