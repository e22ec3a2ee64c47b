//! When something Bob needs is away, or breaks: an honest answer, always, and never a false one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bob_core::credit::Reservation;
use bob_core::knowledge::Passage;
use bob_core::language::Language;
use bob_core::llm::{LanguageModel, Line, ModelError, ModelEvent, ModelOutput, ScriptedModel};
use bob_core::persona::Prompt;
use bob_core::retrieve::{Retrieval, RetrieveError, Retriever, Scope};
use serde_json::json;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::harness::{Answer, Ask, Fault, PASSWORD, RETURNS, Setup, app, with_model};

#[track_caller]
fn check_unavailable(answer: &Answer, code: &str, row: &str) {
    assert_eq!((answer.status, &*answer.code()), (503, code), "{row}: {}", answer.text());
    let after: u64 = answer.header("retry-after").expect("it says when to come back").parse().unwrap();
    assert!(after >= 1, "{row}");
    assert!(answer.set_cookies().is_empty(), "{row}");
}

#[tokio::test]
async fn without_storage_nobody_is_answered_and_nobody_is_let_in() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let visitor = app.say("hi").send().await;
    let turn = visitor.json()["turn_id"].as_str().unwrap().to_owned();
    let login = json!({"email": "owner@shop.example", "password": PASSWORD});
    let calls: Vec<(&str, Box<dyn Fn() -> Ask>)> = vec![
        ("public", Box::new(|| app.say(RETURNS))),
        ("public, in events", Box::new(|| app.say(RETURNS).events())),
        ("widget", Box::new(|| app.widget_say(RETURNS))),
        (
            "preflight",
            Box::new(|| {
                let ask = app.ask("OPTIONS", "/api/widget/chat").header("origin", "https://shop.example");
                ask.header("access-control-request-method", "POST")
            }),
        ),
        (
            "signed in",
            Box::new(|| app.post("/api/chat/message").json(&json!({"message": "hi"})).bearer(&owner.token)),
        ),
        (
            "history",
            Box::new(|| app.get("/api/chat/history?session_id=s").header("cookie", &visitor.cookie())),
        ),
        (
            "turn",
            Box::new(|| {
                app.get(&format!("/api/chat/turns/{turn}/events")).header("cookie", &visitor.cookie())
            }),
        ),
        ("login", Box::new(|| app.post("/api/customers/auth/login").json(&login))),
        (
            "refresh",
            Box::new(|| app.post("/api/auth/refresh").json(&json!({"refresh_token": owner.refresh}))),
        ),
        ("me, by token", Box::new(|| app.get("/api/auth/me").bearer(&owner.token))),
        ("me, by cookie", Box::new(|| app.get("/api/auth/me").header("cookie", &owner.cookie))),
        ("logout", Box::new(|| app.post("/api/auth/logout").bearer(&owner.token))),
        ("embed", Box::new(|| app.get("/widget/{shop}/widget.js"))),
        ("usage", Box::new(|| app.get("/api/customer-portal/usage").bearer(&owner.token))),
        ("ledger", Box::new(|| app.get("/api/tenants/{shop}/ledger").bearer(&owner.token))),
    ];
    // What was read before is believed for at most five seconds.
    app.clock.advance(Duration::from_secs(5));
    app.store.fail(Fault::Gone);
    for (name, ask) in &calls {
        check_unavailable(&ask().send().await, "storage_unavailable", name);
    }
    let health = app.get("/api/health").send().await;
    assert_eq!((health.status, &health.json()["ready"]), (503, &json!(false)));
    assert_eq!(health.json()["storage"]["works"], json!(false));
    app.store.fail(Fault::None);
    for (name, ask) in &calls {
        let status = ask().send().await.status;
        assert!(matches!(status, 200 | 204 | 401 | 404), "{name} works again: {status}");
    }
    assert_eq!(app.get("/api/health").send().await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_could_not_be_stored_is_not_acknowledged() {
    let app = app().await;
    for (name, ask) in app.doors(RETURNS).await {
        app.store.fail(Fault::GoneFor("begin_turn"));
        check_unavailable(&ask().send().await, "storage_unavailable", name);
        app.store.fail(Fault::None);
        assert_eq!(ask().send().await.status, 200, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_could_not_be_stored_is_not_acknowledged() {
    let app = app().await;
    for (name, ask) in app.doors(RETURNS).await {
        app.store.fail(Fault::GoneFor("finish_turn"));
        let answer = ask().send().await;
        if name.ends_with("events") {
            let events = answer.events();
            let last = events.last().unwrap();
            assert_eq!((&*last.name, &last.data["code"]), ("error", &json!("storage_unavailable")));
            assert_eq!(last.data["request_id"].as_str(), answer.header("x-request-id"));
            assert!(events.iter().all(|event| event.name != "turn.completed"));
        } else {
            check_unavailable(&answer, "storage_unavailable", name);
        }
        app.store.fail(Fault::None);
        assert_eq!(app.settled().await, 0, "{name}: what was not answered costs nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_is_back_in_time_loses_nothing() {
    let app = app().await;
    app.store.fail(Fault::GoneFor("finish_turn"));
    let back = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        app.store.fail(Fault::None);
    };
    let (answer, ()) = tokio::join!(app.say(RETURNS).send(), back);
    assert_eq!((answer.status, &answer.json()["outcome"]), (200, &json!("answered")));
    assert_eq!(app.store.writes(), ["begin_turn", "finish_turn"]);
}

#[tokio::test]
async fn data_that_makes_no_sense_is_our_trouble_and_told_to_nobody() {
    let app = app().await;
    app.store.fail(Fault::CorruptIn("begin_turn"));
    let answer = app.say(RETURNS).send().await;
    assert_eq!((answer.status, &*answer.code()), (500, "internal_error"));
    assert!(!answer.text().contains("begin_turn"));
}

#[tokio::test]
async fn before_it_is_started_bob_takes_no_message() {
    let app = Setup::new().not_started().run().await;
    for (name, ask) in app.doors(RETURNS).await {
        check_unavailable(&ask().send().await, "not_started", name);
    }
    let health = app.get("/api/health").send().await;
    assert_eq!((health.status, &health.json()["ready"]), (503, &json!(false)));
    assert!(!app.store.writes().contains(&"begin_turn"));
}

#[tokio::test(start_paused = true)]
async fn a_drain_lets_open_turns_finish_and_takes_no_new_ones() {
    let woken = Arc::new(Notify::new());
    let script = vec![Line::Wait(Arc::clone(&woken)), Line::say("It is 30 days [1].")];
    let mut app = with_model([script]).await;
    let mut stream = app.say(RETURNS).events().stream().await;
    stream.event().await.unwrap();
    let running = app.running.take().unwrap();
    let draining = tokio::spawn(running.drain(Duration::from_secs(30)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    for (name, ask) in app.doors(RETURNS).await {
        check_unavailable(&ask().send().await, "shutting_down", name);
    }
    assert_eq!(app.get("/api/health").send().await.status, 503);
    woken.notify_one();
    assert_eq!(stream.rest().await.last().unwrap().name, "turn.completed");
    assert!(draining.await.unwrap(), "nothing was cut off");
}

/// A retriever that panics, or fails.
#[derive(Debug)]
struct Broken {
    panics: bool,
}

impl Broken {
    fn break_off<T>(&self) -> Result<T, RetrieveError> {
        assert!(!self.panics, "the retriever panics in this test");
        Err(RetrieveError("the index is gone".into()))
    }
}

#[async_trait]
impl Retriever for Broken {
    async fn retrieve(&self, _: &Scope, _: Language, _: &str, _: usize) -> Result<Retrieval, RetrieveError> {
        self.break_off()
    }

    async fn familiarity(&self, _: &Scope, _: &str) -> Result<Vec<(Language, f32)>, RetrieveError> {
        self.break_off()
    }

    async fn openers(&self, _: &Scope, _: Language, _: usize) -> Result<Vec<Arc<Passage>>, RetrieveError> {
        self.break_off()
    }
}

#[tokio::test]
async fn when_the_knowledge_cannot_be_searched_a_person_takes_over() {
    for panics in [false, true] {
        let app = Setup::new().build(move |bob| bob.retriever(Arc::new(Broken { panics }))).run().await;
        for (name, ask) in app.doors(RETURNS).await {
            let answer = ask().send().await;
            assert_eq!(answer.status, 200, "{name}");
            let reply = if name.ends_with("events") {
                let events = answer.events();
                let told: String = events.iter().filter_map(|event| event.data["text"].as_str()).collect();
                let last = events.last().unwrap();
                assert_eq!((&*last.name, &last.data["reply"]), ("turn.completed", &json!(told)));
                last.data.clone()
            } else {
                answer.json()
            };
            assert_eq!(reply["outcome"], "escalated", "{name}, panics: {panics}");
            assert_eq!(reply["handoff"]["to"], "our team");
        }
        assert_eq!(app.settled().await, 0);
    }
}

/// A model that panics once it has said something.
#[derive(Debug)]
struct Fuse;

#[async_trait]
impl LanguageModel for Fuse {
    fn name(&self) -> &str {
        "fuse"
    }

    async fn generate(&self, _: &Reservation, _: &Prompt) -> Result<Box<dyn ModelOutput>, ModelError> {
        Ok(Box::new(Self))
    }
}

#[async_trait]
impl ModelOutput for Fuse {
    async fn next(&mut self) -> Option<Result<ModelEvent, ModelError>> {
        static SAID: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
        assert!(!SAID.swap(true, std::sync::atomic::Ordering::Relaxed), "the model panics in this test");
        Some(Ok(ModelEvent::Text("Unworn items can be returned within 30 days [1]. And ".to_owned())))
    }
}

#[tokio::test]
async fn what_was_said_before_a_panic_stands_in_both_forms() {
    let app = Setup::new().build(|bob| bob.model(Arc::new(Fuse))).run().await;
    let key = Uuid::new_v4().to_string();
    let ask = || app.say(RETURNS).header("idempotency-key", &key);
    let events = ask().events().send().await.events();
    let json = ask().send().await.json();
    let told: String = events.iter().filter_map(|event| event.data["text"].as_str()).collect();
    assert!(told.starts_with("Unworn items can be returned within 30 days [1]. I cannot give"), "{told}");
    assert_eq!((&json["reply"], &json["outcome"]), (&json!(told), &json!("escalated")));
    assert_eq!(events.last().unwrap().data, json);
    assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_panic_in_storage_ends_the_call_and_not_the_service() {
    let app = app().await;
    for operation in ["begin_turn", "finish_turn", "tenant_version", "published_knowledge"] {
        for ask in [app.say(RETURNS), app.say(RETURNS).events(), app.widget_say(RETURNS)] {
            app.clock.advance(Duration::from_secs(2));
            app.store.fail(Fault::PanicIn(operation));
            let answer = ask.send().await;
            app.store.fail(Fault::None);
            let streams = answer.header("content-type") == Some("text/event-stream");
            if streams {
                let last = answer.events().pop().unwrap();
                assert!(matches!(&*last.name, "error" | "turn.completed"), "{operation}");
            } else {
                assert!(matches!(answer.status, 200 | 500 | 503), "{operation}: {}", answer.status);
                assert!(!answer.text().contains("panics"), "{operation}");
            }
            if operation == "finish_turn" {
                assert!(streams || answer.status == 503, "no false acknowledgement");
            }
            assert_eq!(app.say("hi").send().await.status, 200, "after {operation}");
        }
    }
}

#[tokio::test]
async fn a_turn_that_was_given_up_tells_who_resumes_it() {
    let app = app().await;
    app.store.fail(Fault::PanicIn("finish_turn"));
    let events = app.say(RETURNS).events().send().await.events();
    app.store.fail(Fault::None);
    assert_eq!(events.last().unwrap().data["code"], "turn_cancelled");
    let turn = events[0].data["turn_id"].as_str().unwrap().to_owned();
    let token = events[0].data["visitor_token"].as_str().unwrap().to_owned();
    // Its lease runs out, and the next look at the conversation gives it up.
    app.clock.advance(Duration::from_secs(16));
    for after in ["0", "1", "3"] {
        let ask = app.get(&format!("/api/chat/turns/{turn}/events")).header("x-bob-visitor", &token);
        let events = ask.header("last-event-id", after).send().await.events();
        let last = events.last().expect("the line does not just end");
        assert_eq!((&*last.name, &last.data["code"]), ("error", &json!("turn_cancelled")), "after {after}");
        assert!(last.id > after.parse().unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_call_may_be_repeated_under_its_key() {
    let app = app().await;
    let key = Uuid::new_v4().to_string();
    let ask = || app.say(RETURNS).header("idempotency-key", &key);
    app.store.fail(Fault::GoneFor("finish_turn"));
    assert_eq!(ask().send().await.status, 503);
    app.store.fail(Fault::None);
    assert_eq!(ask().send().await.code(), "turn_in_progress", "until its lease has run out");
    app.clock.advance(Duration::from_secs(16));
    let answer = ask().send().await;
    assert_eq!((answer.status, answer.header("idempotent-replayed")), (200, None));
    assert_eq!(app.store.writes().iter().filter(|name| **name == "finish_turn").count(), 1);
}

#[tokio::test]
async fn a_model_without_a_script_hands_over() {
    let app = Setup::new().build(|bob| bob.model(Arc::new(ScriptedModel::default()))).run().await;
    let answer = app.say(RETURNS).send().await;
    assert_eq!((answer.status, &answer.json()["outcome"]), (200, &json!("escalated")));
    assert_eq!(app.get("/api/health").send().await.json()["model"]["name"], "scripted");
}
