//! What is left decides who answers: a model, a cheaper one, approved sentences, or a fixed text with a way to a person.
//! Never silence, and never a model that nothing pays for.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bob_core::credit::{MilliCredits, Reservation};
use bob_core::llm::{LanguageModel, Line, ModelError, ModelOutput, ScriptedModel};
use bob_core::persona::Prompt;
use bob_core::pricebook::{ModelRate, Pricebook};
use bob_core::storage::WidgetKeyStore as _;
use bob_core::testing::fixture;
use serde_json::{Value, json};

use crate::harness::{Answer, App, RETURNS, SHOP_PAGE, Setup};

/// A model with a name of its own.
#[derive(Debug)]
struct Named(&'static str, ScriptedModel);

#[async_trait]
impl LanguageModel for Named {
    fn name(&self) -> &str {
        self.0
    }

    async fn generate(
        &self,
        reservation: &Reservation,
        prompt: &Prompt,
    ) -> Result<Box<dyn ModelOutput>, ModelError> {
        self.1.generate(reservation, prompt).await
    }
}

impl Named {
    fn new(name: &'static str) -> Arc<Self> {
        let says = || vec![Line::say("Unworn items can be returned within 30 days [1].")];
        Arc::new(Self(name, ScriptedModel::new(std::iter::repeat_with(says).take(20))))
    }

    fn calls(&self) -> usize {
        self.1.prompts().len()
    }
}

/// The reply of an answer, whole or in events.
#[track_caller]
fn reply(answer: &Answer, row: &str) -> Value {
    assert_eq!(answer.status, 200, "{row}: {}", answer.text());
    if answer.header("content-type") != Some("text/event-stream") {
        return answer.json();
    }
    let last = answer.events().pop().unwrap();
    assert_eq!(last.name, "turn.completed", "{row}");
    last.data
}

#[track_caller]
fn check_answered(answer: &Answer, row: &str) {
    assert_eq!(reply(answer, row)["outcome"], "answered", "{row}");
}

/// A polite text, with somebody to turn to.
#[track_caller]
fn check_limited(answer: &Answer, row: &str) {
    let reply = reply(answer, row);
    assert_eq!(reply["outcome"], "limited", "{row}");
    for text in [&reply["reply"], &reply["handoff"]["to"]] {
        assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{row}: {reply}");
    }
    assert_eq!(reply["citations"], json!([]), "{row}");
}

/// A model's call costs more than one credit, an answer in approved sentences costs one.
fn with_model(model: &Arc<Named>) -> Setup {
    let model = Arc::clone(model);
    Setup::new().build(|bob| bob.model(model))
}

#[tokio::test]
async fn a_business_whose_credits_are_spent_is_polite_at_every_door() {
    let model = Named::new("model");
    let app = with_model(&model).shop(|shop| shop.credits = MilliCredits(999)).run().await;
    for (door, ask) in app.doors(RETURNS).await {
        for time in ["first", "second"] {
            check_limited(&ask().send().await, &format!("{door}, {time}"));
        }
    }
    assert_eq!((model.calls(), app.settled().await), (0, 0));

    let rival = app.ask("POST", "/api/widget/chat").header("x-widget-key", &app.rival.key);
    let rival = rival.header("origin", "https://rival.example").json(&json!({"message": RETURNS}));
    check_answered(&rival.send().await, "another business");
    assert_eq!(model.calls(), 1);
}

#[tokio::test]
async fn a_visitor_whose_day_is_spent_is_the_only_one_who_waits() {
    let model = Named::new("model");
    let app = with_model(&model).shop(|shop| shop.tenant.visitor_budget = Some(MilliCredits(1_999)));
    let app = app.run().await;
    let doors = app.doors(RETURNS).await.into_iter();
    for (door, ask) in doors.filter(|(door, _)| *door != "signed in") {
        let first = ask().send().await;
        check_answered(&first, door);
        let token = reply(&first, door)["visitor_token"].as_str().unwrap().to_owned();
        let again = || ask().header("x-bob-visitor", &token);
        check_limited(&again().send().await, &format!("{door}, again"));
        check_answered(&ask().send().await, &format!("{door}, somebody else"));
        assert_eq!(model.calls(), 0, "{door}");

        app.clock.advance(Duration::from_secs(24 * 60 * 60));
        check_answered(&again().send().await, &format!("{door}, the next day"));
        assert_eq!(model.calls(), 0, "{door}");
    }
}

#[tokio::test]
async fn people_who_signed_in_have_no_visitors_budget() {
    let app = Setup::new().shop(|shop| shop.tenant.visitor_budget = Some(MilliCredits::credits(1)));
    let app = app.run().await;
    let agent = app.person("agent@shop.example").await;
    for time in ["first", "second", "third"] {
        let ask = app.post("/api/chat/message").json(&json!({"message": RETURNS})).bearer(&agent.token);
        check_answered(&ask.send().await, time);
    }
}

#[tokio::test]
async fn a_widget_key_whose_day_is_spent_stops_no_other_key_and_no_other_door() {
    let model = Named::new("model");
    let app =
        with_model(&model).shop(|shop| shop.widget_key.settings.daily_budget = Some(MilliCredits(2_999)));
    let app = app.run().await;
    let other = fixture::widget_key(app.shop.id, &[SHOP_PAGE]);
    let other_key = other.key.as_str().to_owned();
    app.store.add_widget_key(&fixture::act(), &app.shop.id, other).await.unwrap();
    // The tenant's snapshot is believed for a second.
    app.clock.advance(Duration::from_secs(1));

    for time in ["first", "second"] {
        check_answered(&app.widget_say(RETURNS).send().await, time);
    }
    for path in ["/api/widget/chat", "/api/widget/{shop}/chat"] {
        let ask = || app.widget("POST", path).json(&json!({"message": RETURNS}));
        check_limited(&ask().send().await, path);
        check_limited(&ask().events().send().await, &format!("{path}, in events"));
    }
    assert_eq!(model.calls(), 0);

    let by_other = app.ask("POST", "/api/widget/chat").header("x-widget-key", &other_key);
    let by_other = by_other.header("origin", SHOP_PAGE).json(&json!({"message": RETURNS}));
    check_answered(&by_other.send().await, "another key");
    for (door, ask) in app.doors(RETURNS).await.into_iter().filter(|(door, _)| *door != "widget") {
        check_answered(&ask().send().await, door);
    }
    assert_eq!(model.calls(), 4);
}

/// Prices at which a call of `dear` costs 6 credits and one of `cheap` 1.2.
fn two_models() -> Pricebook {
    let mut book = Pricebook::first();
    book.rates.models.push(ModelRate {
        model: "cheap".to_owned(),
        input: MilliCredits(100),
        output: MilliCredits(400),
    });
    book
}

#[tokio::test]
async fn the_best_answer_that_credits_reach_for_is_given() {
    for (credits, dear_calls, cheap_calls, outcome) in [
        (6_000, 1, 0, "answered"),
        (5_999, 0, 1, "answered"),
        (1_200, 0, 1, "answered"),
        (1_199, 0, 0, "answered"),
        (1_000, 0, 0, "answered"),
        (999, 0, 0, "limited"),
        (0, 0, 0, "limited"),
    ] {
        let (dear, cheap) = (Named::new("dear"), Named::new("cheap"));
        let (first, second) = (Arc::clone(&dear), Arc::clone(&cheap));
        let app = Setup::new()
            .pricebook(two_models())
            .shop(move |shop| shop.credits = MilliCredits(credits))
            .build(|bob| bob.model(first).model(second))
            .run()
            .await;
        let told = reply(&app.say(RETURNS).send().await, "the ladder");
        assert_eq!(
            (dear.calls(), cheap.calls(), &told["outcome"]),
            (dear_calls, cheap_calls, &json!(outcome)),
            "{credits}"
        );
        let settled = app.settled().await;
        assert!((settled > 0) == (outcome == "answered") && settled <= credits, "{credits}: {settled}");
    }
}

#[tokio::test]
async fn credits_that_are_granted_are_spent_by_the_next_question() {
    let app: App = Setup::new().shop(|shop| shop.credits = MilliCredits::ZERO).run().await;
    check_limited(&app.say(RETURNS).send().await, "without credits");
    let admin = app.platform("admin@bob.example").await;
    let grant = json!({"amount_millicredits": 1_000, "reason": "to begin with"});
    let granted = app.post("/api/tenants/{shop}/credits").json(&grant).bearer(&admin.token).send().await;
    assert_eq!(granted.status, 201, "{}", granted.text());
    check_answered(&app.say(RETURNS).send().await, "with one credit");
    check_limited(&app.say(RETURNS).send().await, "with none left");
}
