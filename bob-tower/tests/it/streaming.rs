//! Streams: the same turn word for word, as it comes, and again for who lost the line.

use std::sync::Arc;
use std::time::Duration;

use bob_core::llm::Line;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::harness::{Answer, App, Ask, Event, RETURNS, app, with_model};

/// The text of a stream's pieces.
fn told(events: &[Event]) -> String {
    events
        .iter()
        .filter(|event| event.name == "delta")
        .map(|event| event.data["text"].as_str().unwrap())
        .collect()
}

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| &*event.name).collect()
}

/// A model that says two sentences and waits before each, and what wakes it.
async fn slow_model() -> (App, Arc<Notify>) {
    let woken = Arc::new(Notify::new());
    let script = vec![
        Line::Wait(Arc::clone(&woken)),
        Line::say("Unworn items can be returned within 30 days [1]. The return "),
        Line::Wait(Arc::clone(&woken)),
        Line::say("label is free [1]."),
    ];
    (with_model([script]).await, woken)
}

#[tokio::test]
async fn json_and_stream_are_word_for_word_the_same_turn() {
    let app = app().await;
    let agent = app.person("agent@shop.example").await;
    let doors: [(&str, Box<dyn Fn() -> Ask>); 3] = [
        ("public", Box::new(|| app.say(RETURNS))),
        ("widget", Box::new(|| app.widget_say(RETURNS))),
        (
            "signed in",
            Box::new(|| {
                app.post("/api/chat/message").json(&json!({"message": RETURNS})).bearer(&agent.token)
            }),
        ),
    ];
    for (door, ask) in &doors {
        for stream_first in [true, false] {
            let key = Uuid::new_v4().to_string();
            let keyed = || ask().header("idempotency-key", &key);
            let (stream, json) = if stream_first {
                (keyed().events().send().await, keyed().send().await)
            } else {
                let json = keyed().send().await;
                (keyed().events().send().await, json)
            };
            let (stream, json) = (stream.events(), json.json());
            assert_eq!(told(&stream), json["reply"].as_str().unwrap(), "{door}");
            let last = stream.last().unwrap();
            assert_eq!((&*last.name, &last.data), ("turn.completed", &json), "{door}");
            let cited: Vec<&Value> =
                stream.iter().filter(|event| event.name == "citation").map(|event| &event.data).collect();
            assert_eq!(json!(cited), json["citations"], "{door}");
            assert_eq!(stream[0].data["turn_id"], json["turn_id"]);
            assert_eq!(stream[0].data["session_id"], json["session_id"]);
            assert_eq!(stream[0].data.get("visitor_token"), json.get("visitor_token"));
        }
    }
}

#[tokio::test]
async fn events_are_numbered_from_one_in_their_order() {
    let app = app().await;
    let answer = app.say(RETURNS).events().send().await;
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
    assert_eq!(answer.set_cookies().len(), 1, "a stream's visitor gets a cookie too");
    let events = answer.events();
    assert_eq!(names(&events), ["turn.started", "delta", "delta", "citation", "turn.completed"]);
    assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn text_leaves_as_the_model_writes_it() {
    let (app, woken) = slow_model().await;
    let mut stream = app.say(RETURNS).events().stream().await;
    assert_eq!(stream.event().await.unwrap().name, "turn.started");
    woken.notify_one();
    let first = stream.event().await.unwrap();
    assert_eq!(first.data["text"], "Unworn items can be returned within 30 days [1].");
    assert_eq!(stream.event().await.unwrap().name, "citation");
    assert_eq!(app.settled().await, 0, "nothing is settled while the model still writes");
    woken.notify_one();
    let rest = stream.rest().await;
    assert_eq!(names(&rest), ["delta", "turn.completed"]);
    assert_eq!(
        rest[1].data["reply"],
        "Unworn items can be returned within 30 days [1]. The return label is free [1]."
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_line_shows_every_15_seconds_that_it_is_alive() {
    let (app, woken) = slow_model().await;
    let mut stream = app.say(RETURNS).events().stream().await;
    assert!(stream.chunk().await.unwrap().contains("turn.started"));
    for _ in 0..4 {
        let before = Instant::now();
        let chunk = stream.chunk().await.unwrap();
        assert!(chunk.starts_with(':') && chunk.ends_with("\n\n") && chunk.lines().count() == 2, "{chunk:?}");
        assert_eq!(before.elapsed(), Duration::from_secs(15));
    }
    tokio::time::sleep(Duration::from_secs(7)).await;
    woken.notify_one();
    let before = Instant::now();
    assert_eq!(stream.event().await.unwrap().name, "delta");
    assert_eq!(before.elapsed(), Duration::ZERO);
    stream.event().await.unwrap();
    let before = Instant::now();
    assert!(stream.chunk().await.unwrap().starts_with(':'));
    assert_eq!(before.elapsed(), Duration::from_secs(15), "an event starts the silence anew");
}

/// Repeats a call until the turn it began is over.
async fn replay(ask: impl Fn() -> Ask) -> Answer {
    loop {
        let answer = ask().send().await;
        if answer.status != 409 {
            return answer;
        }
        assert_eq!(answer.code(), "turn_in_progress");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_does_not_lose_the_turn() {
    for as_stream in [true, false] {
        let (app, woken) = slow_model().await;
        let key = Uuid::new_v4().to_string();
        let ask = || app.say(RETURNS).header("idempotency-key", &key);
        if as_stream {
            let mut stream = ask().events().stream().await;
            stream.event().await.unwrap();
            drop(stream);
        } else {
            let gone = tokio::time::timeout(Duration::from_secs(1), ask().send()).await;
            assert!(gone.is_err(), "the model waits");
        }
        woken.notify_one();
        tokio::time::sleep(Duration::from_secs(1)).await;
        woken.notify_one();

        let found = replay(ask).await;

        assert_eq!((found.status, found.header("idempotent-replayed")), (200, Some("true")));
        let text = "Unworn items can be returned within 30 days [1]. The return label is free [1].";
        assert_eq!(found.json()["reply"], text);
        assert_eq!(app.store.writes().iter().filter(|name| **name == "finish_turn").count(), 1);
        let session = found.json()["session_id"].as_str().unwrap().to_owned();
        let history = app.get(&format!("/api/chat/history?session_id={session}"));
        let history = history.header("cookie", &found.cookie()).send().await.json();
        assert_eq!(history["items"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_finished_turn_resumes_at_every_split() {
    let app = app().await;
    let agent = app.person("agent@shop.example").await;
    let bearer = format!("Bearer {}", agent.token);
    let doors: [(Ask, &str, Vec<(&str, &str)>); 3] = [
        (app.say(RETURNS), "/api/chat/turns/", vec![]),
        (
            app.widget_say(RETURNS),
            "/api/widget/{shop}/turns/",
            vec![("x-widget-key", &app.shop.key), ("origin", "https://shop.example")],
        ),
        (
            app.post("/api/chat/message").json(&json!({"message": RETURNS})).bearer(&agent.token),
            "/api/chat/message/turns/",
            vec![("authorization", &bearer)],
        ),
    ];
    for (ask, path, proof) in doors {
        let all = ask.events().send().await.events();
        let turn = all[0].data["turn_id"].as_str().unwrap().to_owned();
        // The very first event brings what it takes to come back.
        let token = all[0].data["visitor_token"].as_str().map(|token| ("x-bob-visitor", token));
        let read = || {
            let ask = app.get(&format!("{path}{turn}/events"));
            ask.headers(proof.iter().copied()).headers(token)
        };
        assert_eq!(read().send().await.events(), all, "{path}");
        for after in 0..=all.len() {
            let rest = read().header("last-event-id", &after.to_string()).send().await.events();
            assert_eq!(rest, all[after..], "{path} after {after}");
        }
        for (after, status) in
            [("", 200), ("x", 400), ("-1", 400), ("18446744073709551615", 200), ("1e3", 400)]
        {
            let answer = read().header("last-event-id", after).send().await;
            assert_eq!(answer.status, status, "{after:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_still_written_resumes_at_every_split() {
    let (app, woken) = slow_model().await;
    let mut stream = app.say(RETURNS).events().stream().await;
    let mut all = vec![stream.event().await.unwrap()];
    woken.notify_one();
    all.extend([stream.event().await.unwrap(), stream.event().await.unwrap()]);
    let turn = all[0].data["turn_id"].as_str().unwrap().to_owned();
    let token = all[0].data["visitor_token"].as_str().unwrap().to_owned();
    let mut resumed = Vec::new();
    for after in 0..=3 {
        let ask = app.get(&format!("/api/chat/turns/{turn}/events")).header("x-bob-visitor", &token);
        let mut stream = ask.header("last-event-id", &after.to_string()).stream().await;
        assert_eq!(stream.status, 200);
        let mut seen = Vec::new();
        for _ in after..3 {
            seen.push(stream.event().await.unwrap());
        }
        resumed.push((after, seen, stream));
    }
    woken.notify_one();
    all.extend(stream.rest().await);
    assert_eq!(all.iter().map(|event| event.id).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    for (after, mut seen, mut stream) in resumed {
        seen.extend(stream.rest().await);
        assert_eq!(seen, all[after..], "after {after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_strangers_turn_is_not_there() {
    let (app, woken) = slow_model().await;
    let stranger = app.widget_say("hi").send().await.json()["visitor_token"].as_str().unwrap().to_owned();
    let agent = app.person("agent@shop.example").await;
    let mut stream = app.say(RETURNS).events().stream().await;
    let started = stream.event().await.unwrap();
    let turn = started.data["turn_id"].as_str().unwrap().to_owned();
    let token = started.data["visitor_token"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        for ask in [
            app.get(&format!("/api/chat/turns/{turn}/events")).header("x-bob-visitor", &stranger),
            app.widget("GET", &format!("/api/widget/{{shop}}/turns/{turn}/events"))
                .header("x-bob-visitor", &token),
            app.get(&format!("/api/chat/message/turns/{turn}/events")).bearer(&agent.token),
            app.get(&format!("/api/chat/turns/{}/events", Uuid::now_v7())).header("x-bob-visitor", &token),
            app.get("/api/chat/turns/x/events").header("x-bob-visitor", &token),
        ] {
            let mut answer = ask.stream().await;
            assert_eq!(answer.status, 404);
            assert!(answer.chunk().await.unwrap().contains(r#""code":"not_found""#));
        }
        // Once while it is written, once when it is stored.
        woken.notify_one();
        tokio::time::sleep(Duration::from_secs(1)).await;
        woken.notify_one();
        stream.rest().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_model_hands_over_and_says_so_in_both_forms() {
    let script = || vec![Line::say("Unworn items can be returned within 30 days [1]. The "), Line::Fail];
    let app = with_model([script(), script()]).await;
    let key = Uuid::new_v4().to_string();
    let ask = || app.say(RETURNS).header("idempotency-key", &key);
    let stream = ask().events().send().await.events();
    let json = ask().send().await.json();
    assert_eq!(json["outcome"], "escalated");
    assert_eq!(told(&stream), json["reply"].as_str().unwrap());
    assert_eq!(stream.last().unwrap().data, json);
    assert_eq!(app.settled().await, 0, "the visitor pays nothing");
}

#[tokio::test]
async fn who_asks_for_events_with_head_gets_the_head() {
    let app = app().await;
    let first = app.say(RETURNS).send().await;
    let turn = first.json()["turn_id"].as_str().unwrap().to_owned();
    let head = app.ask("HEAD", &format!("/api/chat/turns/{turn}/events"));
    let head = head.header("cookie", &first.cookie()).send().await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    assert!(head.body.is_empty());
}
