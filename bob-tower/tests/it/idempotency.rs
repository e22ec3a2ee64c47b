//! Calls that are sent twice.

use std::sync::Arc;
use std::time::Duration;

use bob_core::llm::Line;
use bob_core::turn::IDEMPOTENCY_KEPT;
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::harness::{Answer, App, Ask, RETURNS, app, with_model};

fn key() -> String {
    Uuid::new_v4().to_string()
}

fn says(message: &str) -> Value {
    json!({ "message": message, "session_id": "s" })
}

fn is_replay(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == Some("true")
}

fn turn(answer: &Answer) -> String {
    answer.json()["turn_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_repeated_call_is_answered_and_charged_once() {
    let app = app().await;
    let agent = app.person("agent@shop.example").await;
    let doors: [(&str, Box<dyn Fn() -> Ask>); 4] = [
        ("public", Box::new(|| app.say(RETURNS))),
        ("widget", Box::new(|| app.widget_say(RETURNS))),
        (
            "widget, tenant path",
            Box::new(|| app.widget("POST", "/api/widget/{shop}/chat").json(&says(RETURNS))),
        ),
        ("signed in", Box::new(|| app.post("/api/chat/message").json(&says(RETURNS)).bearer(&agent.token))),
    ];
    for (door, ask) in &doors {
        let before = app.settled().await;
        let key = key();
        let first = ask().header("idempotency-key", &key).send().await;
        let price = app.settled().await - before;
        assert!(price > 0 && first.status == 200 && !is_replay(&first), "{door}: {}", first.text());
        for _ in 0..3 {
            let again = ask().header("idempotency-key", &key).send().await;
            assert!(is_replay(&again), "{door}");
            assert_eq!(again.json(), first.json(), "{door}");
            assert_eq!(again.set_cookies(), first.set_cookies(), "the same visitor gets the same cookie");
        }
        assert_eq!(app.settled().await - before, price, "{door}");
        app.store.forget();
        let stream = ask().events().header("idempotency-key", &key).send().await;
        assert!(is_replay(&stream), "{door}, in events");
        assert_eq!(stream.events().last().unwrap().data, first.json(), "{door}");
        assert!(!app.store.writes().contains(&"finish_turn"), "{door}");
    }
}

#[tokio::test]
async fn a_key_with_another_body_is_a_mistake() {
    let app = app().await;
    let key = key();
    let ask = |body: &str| {
        let ask = app.post("/api/chat").header("content-type", "application/json").body(body.to_owned());
        ask.header("idempotency-key", &key)
    };
    assert_eq!(ask(r#"{"message":"hi"}"#).send().await.status, 200);
    for other in [r#"{"message":"hello"}"#, r#"{"message":"hi" }"#, r#"{"message":"hi","session_id":"s"}"#] {
        for answer in [ask(other).send().await, ask(other).events().send().await] {
            assert_eq!((answer.status, &*answer.code()), (422, "idempotency_mismatch"), "{other}");
        }
    }
    assert!(is_replay(&ask(r#"{"message":"hi"}"#).send().await));
}

#[tokio::test]
async fn before_a_visitor_is_known_the_key_must_be_unguessable() {
    let app = app().await;
    let token = app.say("hi").send().await.json()["visitor_token"].as_str().unwrap().to_owned();
    let long = "k".repeat(255);
    for weak in
        ["1", "order-1042", "00000000-0000-0000-0000-000000000000", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &long]
    {
        for ask in [app.say("hi"), app.widget_say("hi")] {
            let answer = ask.header("idempotency-key", weak).send().await;
            assert_eq!((answer.status, &*answer.code()), (422, "idempotency_key_weak"), "{weak}");
        }
        let known =
            app.say("hi").header("x-bob-visitor", &token).header("idempotency-key", weak).send().await;
        assert_eq!(known.status, 200, "a known visitor's keys are their own: {weak}");
    }
    for strong in ["5f0c3c9e-9d1b-4a6e-8f0a-2b7c1d9e4f33", "q3Zk9-_x7LmN2pVt4RwY8Q"] {
        assert_eq!(app.say("hi").header("idempotency-key", strong).send().await.status, 200, "{strong}");
    }
    let too_long = "k".repeat(256);
    for broken in ["", " ", "a b", &too_long] {
        let answer = app.say("hi").header("idempotency-key", broken).send().await;
        assert_eq!((answer.status, &*answer.code()), (422, "idempotency_key_invalid"), "{broken}");
    }
    let twice =
        app.say("hi").header("idempotency-key", &key()).header("idempotency-key", &key()).send().await;
    assert_eq!((twice.status, &*twice.code()), (400, "duplicate_header"));
}

#[tokio::test]
async fn a_key_counts_only_where_it_was_used() {
    let app = app().await;
    let key = key();
    let agent = app.person("agent@shop.example").await;
    let owner = app.person("owner@shop.example").await;
    let visitor = app.say("hi").send().await.json()["visitor_token"].as_str().unwrap().to_owned();
    let body = says(RETURNS);
    let page = |origin: &str, key: &str| {
        app.post("/api/widget/chat").header("origin", origin).header("x-widget-key", key)
    };
    let places: Vec<(&str, Ask)> = vec![
        ("public", app.post("/api/chat")),
        ("public, at another host", app.post("/api/chat").header("host", "rival.example")),
        ("public, as a known visitor", app.post("/api/chat").header("x-bob-visitor", &visitor)),
        ("widget", page("https://shop.example", &app.shop.key)),
        ("widget, from another page", page("https://a.pages.example", &app.shop.key)),
        ("widget, under another key", page("http://localhost:3000", &app.shop.test_key)),
        ("widget, of another tenant", page("https://rival.example", &app.rival.key)),
        ("widget, at its other path", app.widget("POST", "/api/widget/{shop}/chat")),
        (
            "widget, as a known visitor",
            page("https://shop.example", &app.shop.key).header("x-bob-visitor", &visitor),
        ),
        ("signed in", app.post("/api/chat/message").bearer(&agent.token)),
        ("signed in, as somebody else", app.post("/api/chat/message").bearer(&owner.token)),
    ];
    let mut turns = std::collections::HashSet::new();
    for (place, ask) in places {
        let answer = ask.json(&body).header("idempotency-key", &key).send().await;
        assert_eq!(answer.status, 200, "{place}: {}", answer.text());
        assert!(!is_replay(&answer) && turns.insert(turn(&answer)), "{place}");
    }
}

#[tokio::test]
async fn a_retry_that_has_the_cookie_by_now_is_the_same_call() {
    let app = app().await;
    let key = key();
    let ask = || app.say(RETURNS).header("idempotency-key", &key);
    let first = ask().send().await;
    let token = first.json()["visitor_token"].as_str().unwrap().to_owned();
    for retry in [ask().header("cookie", &first.cookie()), ask().header("x-bob-visitor", &token)] {
        let retry = retry.send().await;
        assert!(is_replay(&retry));
        assert_eq!(turn(&retry), turn(&first));
    }
    let widget_key = self::key();
    let ask = || app.widget_say(RETURNS).header("idempotency-key", &widget_key);
    let first = ask().send().await;
    let token = first.json()["visitor_token"].as_str().unwrap().to_owned();
    assert!(is_replay(&ask().header("x-bob-visitor", &token).send().await));
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let app = app().await;
    let key = key();
    let ask = || app.say(RETURNS).header("idempotency-key", &key);
    let first = ask().send().await;
    app.clock.advance(IDEMPOTENCY_KEPT - Duration::from_secs(1));
    assert!(is_replay(&ask().send().await));
    app.clock.advance(Duration::from_secs(1));
    let anew = ask().send().await;
    assert!(!is_replay(&anew) && turn(&anew) != turn(&first));
}

/// A turn that the model has begun, and what lets it go on.
async fn running() -> (App, Arc<Notify>, String, String) {
    let woken = Arc::new(Notify::new());
    let script = vec![Line::Wait(Arc::clone(&woken)), Line::say("It is 30 days [1].")];
    let app = with_model([script]).await;
    let key = key();
    let mut stream = app.say(RETURNS).header("idempotency-key", &key).events().stream().await;
    let started = stream.event().await.unwrap().data;
    let token = started["visitor_token"].as_str().unwrap().to_owned();
    (app, woken, key, token)
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_still_answered_is_named_to_its_repetition() {
    let (app, woken, key, token) = running().await;
    let ask = || app.say(RETURNS).header("idempotency-key", &key);
    for retry in [ask(), ask().events(), ask().header("x-bob-visitor", &token)] {
        let answer = retry.send().await;
        assert_eq!((answer.status, &*answer.code()), (409, "turn_in_progress"));
        assert_eq!(answer.header("retry-after"), Some("1"));
        let events = app.get(&format!("/api/chat/turns/{}/events", turn(&answer)));
        assert_eq!(
            events.header("x-bob-visitor", &token).stream().await.status,
            200,
            "it can be listened to"
        );
    }
    let other = app.say("hello").header("idempotency-key", &key).send().await;
    assert_eq!(other.code(), "idempotency_mismatch");
    woken.notify_one();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let done = ask().send().await;
    assert!(done.status == 200 && is_replay(&done));
}

#[tokio::test(start_paused = true)]
async fn a_second_message_while_one_is_answered_waits_its_turn() {
    let woken = Arc::new(Notify::new());
    let script = vec![Line::Wait(Arc::clone(&woken)), Line::say("It is 30 days [1].")];
    let app = with_model([script]).await;
    let session = key();
    let ask = |message: &str| app.post("/api/chat").json(&json!({"message": message, "session_id": session}));
    let mut stream = ask(RETURNS).events().stream().await;
    let started = stream.event().await.unwrap().data;
    let token = started["visitor_token"].as_str().unwrap().to_owned();
    for second in [
        ask("hi").header("x-bob-visitor", &token),
        ask("hi").header("x-bob-visitor", &token).events(),
        ask("hi").header("x-bob-visitor", &token).header("idempotency-key", &key()),
        ask("hi"),
    ] {
        let answer = second.send().await;
        assert_eq!((answer.status, &*answer.code()), (409, "conversation_busy"));
        assert_eq!(answer.json()["turn_id"], started["turn_id"]);
        assert!(matches!(answer.header("retry-after"), Some("1" | "2")));
    }
    let elsewhere = app.say("hi").header("x-bob-visitor", &token).send().await;
    assert_eq!(elsewhere.status, 200, "another conversation of the same visitor is free");
    woken.notify_one();
    stream.rest().await;
    assert_eq!(ask("hi").header("x-bob-visitor", &token).send().await.status, 200);
}

#[tokio::test]
async fn twenty_calls_at_once_under_one_key_are_one_turn() {
    let app = app().await;
    let key = key();
    let calls = (0..20).map(|_| app.say(RETURNS).header("idempotency-key", &key).send());
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 409)));
    let turns: std::collections::HashSet<_> = answers.iter().map(turn).collect();
    assert_eq!(turns.len(), 1);
    assert_eq!(app.store.writes().iter().filter(|name| **name == "finish_turn").count(), 1);
}
