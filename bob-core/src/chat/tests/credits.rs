//! What turns reserve and what they cost.

use super::*;
use crate::llm::{Usage, tokens_in};
use crate::pricebook::{ModelRate, Pricebook};
use crate::storage::PricebookStore as _;
use crate::testing::books::audited;

const ANSWER: &str = "You have 30 days [1].";

fn model(name: &str) -> Arc<ScriptedModel> {
    Arc::new(ScriptedModel::named(name, vec![vec![Line::say(ANSWER), used(1_000, 100)]; 20]))
}

fn used(input: u64, output: u64) -> Line {
    Line::Used(Usage { input, output })
}

fn onboarding(credits: i64) -> Onboarding {
    Onboarding { credits: MilliCredits(credits), ..fixture::onboarding("shop") }
}

/// A store whose pricebook knows two models: a call of `large` reserves 18 credits, one of `small` 3.
async fn two_rates() -> MemoryStorage {
    let rate = |model: &str, input, output| ModelRate {
        model: model.to_owned(),
        input: MilliCredits(input),
        output: MilliCredits(output),
    };
    let mut book = Pricebook::first();
    book.rates.models = vec![rate("large", 2_000, 2_000), rate("small", 250, 1_000)];
    let store = MemoryStorage::new();
    store.found_pricebook(&fixture::act(), book).await.unwrap();
    store
}

#[tokio::test]
async fn a_models_call_costs_what_it_reports_and_never_more_than_was_reserved() {
    for (reports, cost) in [
        (&[(1_000, 200)][..], 900),
        (&[(1_000, 0), (1_000, 200)], 900),
        (&[(9_000, 9_000), (3, 1)], 4),
        (&[(0, 0)], 0),
        (&[(8_000, 1_001)], 6_000),
        (&[(u64::MAX, u64::MAX)], 6_000),
    ] {
        let mut script = vec![Line::say("You have 30 days ")];
        script.extend(reports.iter().map(|(input, output)| used(*input, *output)));
        script.push(Line::say("[1]."));
        let world = World::new(vec![script]).await;
        let (_, turn) = world.ask(QUESTION).await;
        assert_eq!(turn.answer.text(), ANSWER);
        let balance = audited(&*world.store, &world.tenant).await.usage.balance;
        assert_eq!(
            (balance.settled, balance.reserved),
            (MilliCredits(cost), MilliCredits::ZERO),
            "{reports:?}"
        );
    }
}

#[tokio::test]
async fn what_a_model_does_not_report_is_counted() {
    let script = vec![Line::say("We love you! "), Line::say(ANSWER)];
    let model = Arc::new(ScriptedModel::new(vec![script]));
    let world = World::with(MemoryStorage::new(), onboarding(9_000), std::slice::from_ref(&model)).await;
    world.ask(QUESTION).await;

    let said = tokens_in("We love you! ") + tokens_in(ANSWER);
    let usage = Usage { input: model.prompts()[0].tokens(), output: said };
    let cost = Pricebook::first().rates.other_models.cost(usage);
    assert!(cost > MilliCredits::ZERO);
    assert_eq!(world.balance().await.settled, cost, "what the gate held back was written too");
}

#[tokio::test]
async fn while_a_model_writes_the_most_it_may_use_is_held() {
    let go = Arc::new(Notify::new());
    let script = vec![Line::Wait(Arc::clone(&go)), Line::say(ANSWER), used(1_000, 200)];
    let world =
        World::with(MemoryStorage::new(), onboarding(6_000), &[Arc::new(ScriptedModel::new(vec![script]))])
            .await;
    let sent = world.send(QUESTION).await;
    let held = world.balance().await;
    assert_eq!((held.reserved, held.available()), (MilliCredits(6_000), MilliCredits::ZERO));
    go.notify_one();
    sent.events.last().await;
    assert_eq!(world.balance().await.available(), MilliCredits(5_100));
}

#[tokio::test]
async fn what_is_left_decides_who_answers() {
    for (credits, calls, outcome, cost) in [
        (18_000, [1, 0], Outcome::Answered, 2_200),
        (17_999, [0, 1], Outcome::Answered, 350),
        (3_000, [0, 1], Outcome::Answered, 350),
        (2_999, [0, 0], Outcome::Answered, 1_000),
        (1_000, [0, 0], Outcome::Answered, 1_000),
        (999, [0, 0], Outcome::Limited, 0),
        (0, [0, 0], Outcome::Limited, 0),
    ] {
        let models = [model("large"), model("small")];
        let world = World::with(two_rates().await, onboarding(credits), &models).await;
        let (events, turn) = world.ask(QUESTION).await;
        assert_eq!(models.each_ref().map(|model| model.prompts().len()), calls, "with {credits}");
        assert_eq!((turn.answer.outcome, events_of(&turn)), (outcome, events), "with {credits}");
        let books = audited(&*world.store, &world.tenant).await;
        assert_eq!(books.usage.balance.settled, MilliCredits(cost), "with {credits}");
    }
}

#[tokio::test]
async fn a_third_model_is_never_asked() {
    let models = [model("large"), model("small"), model("tiny")];
    let world = World::with(two_rates().await, onboarding(5_000), &models).await;
    for _ in 0..30 {
        world.ask(QUESTION).await;
    }
    assert_eq!(models[2].prompts().len(), 0);
    assert_eq!(models[0].prompts().len(), 0);
    assert!(audited(&*world.store, &world.tenant).await.available() < 1_000, "all was used that could be");
}

#[tokio::test]
async fn a_visitors_daily_budget_takes_that_visitor_down_the_ladder() {
    let mut shop = onboarding(1_000_000);
    shop.tenant.visitor_budget = Some(MilliCredits(3_900));
    let models = [model("large"), model("small")];
    let world = World::with(two_rates().await, shop, &models).await;
    let (anna, ben) = (VisitorProof::Proven(VisitorId::new()), VisitorProof::Proven(VisitorId::new()));
    let ask = async |visitor, door| {
        let calls = models[0].prompts().len() + models[1].prompts().len();
        let (_, turn) = world.ask_in(NewMessage { visitor, door, ..world.message(QUESTION).await }).await;
        (turn.answer.outcome, models[0].prompts().len() + models[1].prompts().len() - calls)
    };

    for (outcome, calls) in [
        (Outcome::Answered, 1),
        (Outcome::Answered, 1),
        (Outcome::Answered, 1),
        (Outcome::Answered, 0),
        (Outcome::Answered, 0),
        (Outcome::Limited, 0),
    ] {
        assert_eq!(ask(anna, Door::Public).await, (outcome, calls));
    }
    assert_eq!(models[0].prompts().len(), 0, "18 credits never fit 3.9");
    assert_eq!(ask(ben, Door::Public).await, (Outcome::Answered, 1), "another visitor");
    assert_eq!(
        ask(anna, Door::SignedIn).await,
        (Outcome::Answered, 1),
        "somebody who signed in is no visitor"
    );
    assert_eq!(models[0].prompts().len(), 1);
}

#[tokio::test]
async fn a_keys_daily_budget_takes_its_visitors_down_the_ladder() {
    let mut shop = onboarding(1_000_000);
    shop.widget_key.settings.daily_budget = Some(MilliCredits(1_500));
    let key = Some(shop.widget_key.id);
    let world = World::with(MemoryStorage::new(), shop, &[]).await;
    let ask = async |widget_key, door| {
        let (_, turn) = world.ask_in(NewMessage { widget_key, door, ..world.message(QUESTION).await }).await;
        turn.answer.outcome
    };
    assert_eq!(ask(key, Door::Widget).await, Outcome::Answered);
    assert_eq!(ask(key, Door::Widget).await, Outcome::Limited);
    assert_eq!(ask(None, Door::Public).await, Outcome::Answered);
}

/// What decides here is one lock in the store, and every cache beside it is a lock of its own; no order of atomic
/// operations is relied on anywhere in this crate. So this lets real threads meet and explores no interleavings.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn of_many_turns_at_once_exactly_as_many_are_paid_as_credits_reach_for() {
    let world = World::with(MemoryStorage::new(), onboarding(10_000), &[]).await;
    let mut turns = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let message = world.message(QUESTION).await;
        let (chat, act) = (world.bob.chat().clone(), world.bob.system_act("test"));
        turns.spawn(async move { chat.send(act, message).await.unwrap().events.last().await });
    }
    let ended = turns.join_all().await;
    let outcomes = ended.iter().map(|last| match last {
        Some(TurnEvent::Completed(turn)) => turn.answer.outcome,
        other => panic!("the turn should have been answered: {other:?}"),
    });
    let paid = outcomes.clone().filter(|outcome| *outcome == Outcome::Answered).count();
    let limited = outcomes.filter(|outcome| *outcome == Outcome::Limited).count();
    assert_eq!((paid, limited), (10, 54));
    let books = audited(&*world.store, &world.tenant).await;
    assert_eq!((books.available(), books.entries.len()), (0, 1 + 10));
}
