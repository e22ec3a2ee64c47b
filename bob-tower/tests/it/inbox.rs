//! The inbox over HTTP: people who read, take over, answer, hand back and close, and visitors who hear it.

use std::sync::Arc;
use std::time::Duration;

use bob_core::conversation::SpeakerStep;
use bob_core::llm::Line;
use bob_core::testing::fixture;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::harness::{Answer, App, Ask, RETURNS, SignedIn, app, with_model};

const CONVERSATIONS: &str = "/api/customer-portal/conversations";
const PERSON: &str = "Can I talk to a person?";

/// A visitor on one of the anonymous doors, and one of the people behind it.
struct Talk<'a> {
    app: &'a App,
    widget: bool,
    token: String,
    session: String,
    /// The conversation's identifier.
    id: String,
}

impl<'a> Talk<'a> {
    /// A visitor who has said something.
    async fn begun(app: &'a App, agent: &SignedIn, widget: bool, message: &str) -> Self {
        let ask = if widget { app.widget_say(message) } else { app.say(message) };
        let said = ask.send().await;
        assert_eq!(said.status, 200, "{}", said.text());
        let text = |name: &str| said.json()[name].as_str().unwrap().to_owned();
        let (token, session) = (text("visitor_token"), text("session_id"));
        let list = app.get(CONVERSATIONS).bearer(&agent.token).send().await.json();
        let id = list["items"][0]["id"].as_str().unwrap().to_owned();
        Self { app, widget, token, session, id }
    }

    fn visitor(&self, method: &str, what: &str) -> Ask {
        let ask = match self.widget {
            true => self.app.widget(method, &format!("/api/widget/{{shop}}/{what}")),
            false => self.app.ask(
                method,
                &format!(
                    "/api/chat{}",
                    what.strip_prefix("chat").map_or_else(|| format!("/{what}"), str::to_owned)
                ),
            ),
        };
        ask.header("x-bob-visitor", &self.token)
    }

    fn says(&self, message: &str) -> Ask {
        self.visitor("POST", "chat").json(&json!({ "message": message, "session_id": self.session }))
    }

    fn hears(&self) -> Ask {
        self.visitor("GET", &format!("events?session_id={}", self.session))
    }

    fn person(&self, person: &SignedIn, method: &str, what: &str) -> Ask {
        let path = format!("{CONVERSATIONS}/{}{what}", self.id);
        self.app.ask(method, &path).bearer(&person.token)
    }

    async fn step(&self, person: &SignedIn, step: &str, body: Value) -> Answer {
        self.person(person, "POST", &format!("/{step}")).json(&body).send().await
    }

    async fn take(&self, person: &SignedIn) {
        let taken = self.step(person, "take", json!({})).await;
        assert_eq!(taken.status, 200, "{}", taken.text());
    }
}

#[tokio::test]
async fn a_visitor_who_asks_for_a_person_is_answered_by_one_until_bob_speaks_again() {
    let app = app().await;
    let agent = app.person("agent@shop.example").await;
    for widget in [false, true] {
        let talk = Talk::begun(&app, &agent, widget, PERSON).await;
        let waiting = app.get(&format!("{CONVERSATIONS}?state=waiting")).bearer(&agent.token).send().await;
        let waiting = waiting.json();
        assert_eq!(waiting["items"].as_array().unwrap().len(), 1);
        let entry = &waiting["items"][0];
        assert_eq!((&entry["id"], &entry["state"]), (&json!(talk.id), &json!("waiting")));
        assert_eq!(entry["door"], if widget { "widget" } else { "public" });
        assert_eq!(entry["visitor"]["trust"], "anonymous");
        assert!(!waiting.to_string().contains(&talk.session), "the visitor's session is a secret");

        let mut heard = talk.hears().stream().await;
        assert_eq!(heard.status, 200);
        let first = heard.event().await.unwrap();
        assert_eq!(
            (&*first.name, &first.data),
            ("speaker.changed", &json!({"speaker": "bot", "name": null, "epoch": 0}))
        );
        for role in ["visitor", "bot"] {
            assert_eq!(heard.event().await.unwrap().data["role"], role);
        }

        let taken = talk.step(&agent, "take", json!({"epoch": 0})).await;
        assert_eq!((taken.status, taken.header("etag")), (200, Some("\"1\"")));
        assert_eq!(taken.json()["speaker"]["name"], "Anna");
        let event = heard.event().await.unwrap();
        assert_eq!((&*event.name, &event.data["name"]), ("speaker.changed", &json!("Anna")));
        let told = talk.says("Are you there?").send().await.json();
        assert_eq!((&told["outcome"], &told["reply"]), (&json!("delivered"), &Value::Null));
        assert_eq!(heard.event().await.unwrap().data["text"], "Are you there?");
        let typing = talk.person(&agent, "POST", "/typing").send().await;
        assert_eq!(typing.status, 204);
        let event = heard.event().await.unwrap();
        assert_eq!((&*event.name, &*event.place, &event.data), ("typing", "", &json!({"name": "Anna"})));
        let replied = talk.step(&agent, "reply", json!({"text": "  I am. ", "epoch": 1})).await;
        assert_eq!((replied.status, &replied.json()["text"]), (201, &json!("I am.")));
        let event = heard.event().await.unwrap();
        assert_eq!((&*event.name, &*event.place), ("message", "4.1"));
        assert_eq!(event.data, replied.json(), "the visitor hears what was stored");
        assert_eq!((&event.data["role"], &event.data["name"]), (&json!("person"), &json!("Anna")));

        let history =
            talk.visitor("GET", &format!("history?session_id={}", talk.session)).send().await.json();
        assert_eq!(history["items"][3], event.data);
        let read = talk.person(&agent, "GET", "?limit=2").send().await;
        assert_eq!(read.header("etag"), Some("\"1\""));
        assert_eq!(read.json()["items"][1], event.data);
        assert_eq!(read.json()["next_cursor"], "3");

        assert_eq!(talk.step(&agent, "return", json!({})).await.json()["state"], "bot");
        assert_eq!(heard.event().await.unwrap().data["speaker"], "bot");
        let answered = talk.says(RETURNS).send().await.json();
        assert_eq!(answered["outcome"], "answered");
        assert!(answered["disclosure"].is_string(), "the visitor is told again that a machine speaks");
        assert_eq!(talk.step(&agent, "close", json!({})).await.json()["state"], "closed");
        let rest = heard.rest().await;
        let names: Vec<_> = rest.iter().map(|event| &*event.name).collect();
        assert_eq!(names, ["message", "message", "conversation.closed"], "and the stream ends");
        assert_eq!(talk.hears().send().await.events().last().unwrap().name, "conversation.closed");
        let again = talk.says(RETURNS).send().await.json();
        assert_eq!(again["outcome"], "answered", "a closed conversation is opened again by its visitor");
        let open = app.get(&format!("{CONVERSATIONS}?state=bot")).bearer(&agent.token).send().await.json();
        assert_eq!(open["items"][0]["id"], json!(talk.id));
    }
    assert_eq!(app.settled().await, 4_000, "what people say costs nothing");
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

#[tokio::test(start_paused = true)]
async fn a_person_who_takes_over_while_bob_writes_ends_bobs_stream_within_a_second() {
    for (pieces, as_stream) in [(0, true), (1, true), (0, false)] {
        let (app, woken) = slow_model().await;
        let agent = app.person("agent@shop.example").await;
        let key = Uuid::new_v4().to_string();
        let ask = app.say(RETURNS).header("idempotency-key", &key);
        let taken_over = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let list = app.get(CONVERSATIONS).bearer(&agent.token).send().await.json();
            let id = list["items"][0]["id"].as_str().unwrap().to_owned();
            let post = |what: &str| app.post(&format!("{CONVERSATIONS}/{id}/{what}")).bearer(&agent.token);
            assert_eq!(post("take").send().await.status, 200);
            let replied = post("reply").json(&json!({"text": "Anna here"})).send().await;
            assert_eq!(replied.status, 201);
            (id, Instant::now())
        };
        let (ended, (id, taken)) = if as_stream {
            let mut stream = ask.events().stream().await;
            for _ in 0..1 + 2 * pieces {
                let event = stream.event().await.unwrap();
                if event.name == "turn.started" && pieces > 0 {
                    woken.notify_one();
                }
            }
            let taken = taken_over.await;
            let rest = stream.rest().await;
            assert_eq!(rest.len(), 1, "{rest:?}");
            assert_eq!(rest[0].name, "error");
            (rest[0].data.clone(), taken)
        } else {
            let (answer, taken) = tokio::join!(ask.send(), taken_over);
            assert_eq!(answer.status, 409);
            (answer.json(), taken)
        };
        assert_eq!(ended["code"], "turn_superseded");
        assert!(taken.elapsed() <= Duration::from_secs(1), "after {:?}", taken.elapsed());
        woken.notify_waiters();
        let read = app.get(&format!("{CONVERSATIONS}/{id}")).bearer(&agent.token).send().await.json();
        let roles: Vec<_> =
            read["items"].as_array().unwrap().iter().map(|item| item["role"].clone()).collect();
        assert_eq!(roles, ["visitor", "person"], "Bob added nothing");
        assert_eq!(app.settled().await, 0);
    }
}

#[tokio::test]
async fn who_may_not_speak_learns_why_and_who_does() {
    let app = app().await;
    let (agent, manager) = (app.person("agent@shop.example").await, app.person("manager@shop.example").await);
    let talk = Talk::begun(&app, &agent, false, PERSON).await;
    let fails = async |person: &SignedIn, step: &str, body: Value, status: u16, code: &str| {
        let answer = talk.step(person, step, body.clone()).await;
        assert_eq!((answer.status, &*answer.code()), (status, code), "{step} {body}");
        answer.json()
    };
    fails(&agent, "reply", json!({"text": "hi"}), 409, "not_the_owner").await;
    fails(&agent, "take", json!({"epoch": 7}), 412, "precondition_failed").await;
    talk.take(&agent).await;
    talk.take(&agent).await;
    for body in [json!({}), json!({"epoch": 0})] {
        let problem = fails(&manager, "take", body, 409, "conversation_taken").await;
        assert_eq!((&problem["speaker"]["name"], &problem["epoch"]), (&json!("Anna"), &json!(1)));
    }
    for step in ["return", "close"] {
        fails(&manager, step, json!({}), 409, "not_the_owner").await;
    }
    let problem = fails(&manager, "reply", json!({"text": "hi"}), 409, "not_the_owner").await;
    assert_eq!(problem["speaker"]["kind"], "person");
    let stale =
        talk.person(&agent, "POST", "/reply").header("if-match", "\"0\"").json(&json!({"text": "hi"}));
    assert_eq!(stale.send().await.status, 412);
    assert_eq!(talk.step(&manager, "take", json!({"epoch": 1})).await.json()["epoch"], 2);
    fails(&agent, "reply", json!({"text": "still me?", "epoch": 1}), 409, "not_the_owner").await;
    assert_eq!(talk.step(&manager, "close", json!({})).await.status, 200);
    for (step, body) in [("take", json!({})), ("return", json!({})), ("reply", json!({"text": "hi"}))] {
        fails(&manager, step, body, 409, "conversation_closed").await;
    }
    for (body, code) in [
        (json!({"text": " "}), "validation_failed"),
        (json!({"text": "x".repeat(8_001)}), "validation_failed"),
        (json!({}), "validation_failed"),
        (json!({"text": "a", "more": 1}), "unknown_field"),
        (json!({"text": "a", "epoch": -1}), "validation_failed"),
    ] {
        fails(&manager, "reply", body, 422, code).await;
    }
    fails(&manager, "take", json!({"person": "me"}), 422, "unknown_field").await;
}

#[tokio::test]
async fn a_reply_that_is_sent_again_under_its_key_is_stored_once() {
    let app = app().await;
    let agent = app.person("agent@shop.example").await;
    let talk = Talk::begun(&app, &agent, false, PERSON).await;
    let other = Talk::begun(&app, &agent, true, PERSON).await;
    talk.take(&agent).await;
    other.take(&agent).await;
    let send = async |talk: &Talk<'_>, text: &str| {
        let ask = talk.person(&agent, "POST", "/reply").header("idempotency-key", "one");
        ask.json(&json!({ "text": text })).send().await
    };
    let first = send(&talk, "hello").await;
    let again = send(&talk, "hello").await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (201, None));
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")));
    assert_eq!(first.json(), again.json());
    assert_eq!(send(&talk, "something else").await.code(), "idempotency_mismatch");
    let elsewhere = send(&other, "hello").await;
    assert_eq!((elsewhere.status, elsewhere.header("idempotent-replayed")), (201, None));
    let read = talk.person(&agent, "GET", "").send().await.json();
    assert_eq!(read["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn who_may_read_may_not_speak_and_what_is_anothers_is_not_there() {
    let app = app().await;
    let agent = app.person("agent@shop.example").await;
    let talk = Talk::begun(&app, &agent, false, PERSON).await;
    let (viewer, rival) = (app.person("viewer@shop.example").await, app.person("owner@rival.example").await);
    let (admin, auditor) =
        (app.platform("admin@bob.example").await, app.platform("auditor@bob.example").await);
    let reads = ["", "/events"];
    let speaks = ["/take", "/reply", "/return", "/close", "/typing"];
    let body = json!({"text": "hi"});
    app.store.forget();
    for what in speaks {
        let speak = |person: &SignedIn, id: &str| {
            let ask = app.post(&format!("{CONVERSATIONS}/{id}{what}")).bearer(&person.token);
            if what == "/reply" { ask.json(&body) } else { ask }
        };
        for person in [&viewer, &auditor] {
            let refused = speak(person, &talk.id).send().await;
            assert_eq!((refused.status, &*refused.code()), (403, "permission_denied"), "{what}");
        }
        for (person, id) in [
            (&rival, talk.id.as_str()),
            (&agent, "0190a5d0-ac96-774b-bcce-b302099a8057"),
            (&agent, "x"),
            (&agent, "%00"),
        ] {
            let missing = speak(person, id).send().await;
            assert_eq!((missing.status, &*missing.code()), (404, "not_found"), "{what} {id}");
        }
        assert_eq!(speak(&admin, &talk.id).send().await.code(), "tenant_required", "{what}");
    }
    for what in reads {
        for (person, id) in [(&rival, talk.id.as_str()), (&viewer, "0190a5d0-ac96-774b-bcce-b302099a8057")] {
            let missing = app.get(&format!("{CONVERSATIONS}/{id}{what}")).bearer(&person.token).send().await;
            assert_eq!(missing.status, 404, "{what}");
        }
    }
    let list = app.get(CONVERSATIONS).bearer(&rival.token).send().await.json();
    assert_eq!(list, json!({"items": [], "next_cursor": null}));
    assert_eq!(app.get(CONVERSATIONS).send().await.status, 401);
    assert_eq!(talk.person(&viewer, "GET", "").send().await.status, 200);
    assert_eq!(
        app.store.writes(),
        Vec::<&str>::new(),
        "nothing was written, and one's own reading is not noted"
    );
    for what in reads {
        let read = talk.person(&auditor, "GET", &format!("{what}?business_id=shop"));
        assert_eq!(read.stream().await.status, 200);
    }
    let noted: Vec<_> = app.store.writes().into_iter().filter(|write| *write == "note_reading").collect();
    assert_eq!(noted.len(), 2, "a platform person's reading is");
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let app = app().await;
    let agent = app.person("agent@shop.example").await;
    let mut ids = Vec::new();
    for (widget, message) in [(false, PERSON), (true, RETURNS), (true, PERSON), (false, RETURNS)] {
        ids.push(Talk::begun(&app, &agent, widget, message).await.id);
        app.clock.advance(Duration::from_secs(1));
    }
    let list = async |query: &str| {
        let answer = app.get(&format!("{CONVERSATIONS}?{query}")).bearer(&agent.token).send().await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        answer.json()
    };
    let places = |list: &Value| -> Vec<usize> {
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| ids.iter().position(|id| *id == item["id"]).unwrap()).collect()
    };
    for (query, expected) in [
        ("", vec![3, 2, 1, 0]),
        ("state=open", vec![3, 2, 1, 0]),
        ("state=bot&door=widget", vec![2, 1]),
        ("state=waiting", vec![0, 2]),
        ("state=waiting&door=signed_in", vec![]),
        ("state=mine", vec![]),
        ("state=closed", vec![]),
    ] {
        assert_eq!(places(&list(query).await), expected, "{query}");
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = list(&format!("{query}&limit=1{cursor}")).await;
            paged.extend(places(&page));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(paged, expected, "{query}");
    }
    for query in [
        "state=all",
        "state=",
        "door=window",
        "limit=0",
        "cursor=x",
        "cursor=",
        "cursor=1.2",
        "cursor=99999999999999999999.0190a5d0-ac96-774b-bcce-b302099a8057",
        "state=open&state=bot",
        "state=%ff",
    ] {
        let answer = app.get(&format!("{CONVERSATIONS}?{query}")).bearer(&agent.token).send().await;
        assert_eq!((answer.status, &*answer.code()), (400, "invalid_query"), "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_inbox_hears_who_waits_what_is_said_and_who_speaks() {
    let app = app().await;
    let agent = app.person("agent@shop.example").await;
    let events = || app.get(&format!("{CONVERSATIONS}/events")).bearer(&agent.token);
    let mut heard = events().stream().await;
    let talk = Talk::begun(&app, &agent, false, PERSON).await;
    talk.take(&agent).await;
    let mut all = Vec::new();
    for _ in 0..5 {
        let event = heard.event().await.unwrap();
        assert_eq!(event.data["conversation_id"], json!(talk.id));
        assert!(!event.data.to_string().contains("person?"), "nothing is quoted");
        all.push(event);
    }
    let names: Vec<_> = all.iter().map(|event| &*event.name).collect();
    assert_eq!(
        names,
        ["conversation.updated", "message", "message", "conversation.waiting", "conversation.updated"]
    );
    let mut again = events().header("last-event-id", &all[2].place).stream().await;
    let mut missed = vec![again.event().await.unwrap()];
    while missed.last().unwrap().place != all[4].place {
        missed.push(again.event().await.unwrap());
    }
    assert!(missed.iter().any(|event| *event == all[3]));
    for wrong in ["x", "1.0", "-1"] {
        assert_eq!(events().header("last-event-id", wrong).send().await.status, 400, "{wrong}");
        if wrong != "1.0" {
            assert_eq!(talk.hears().header("last-event-id", wrong).send().await.status, 400, "{wrong}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_within_five_seconds_of_the_sign_out() {
    let app = app().await;
    let agent = app.person("agent@shop.example").await;
    let talk = Talk::begun(&app, &agent, false, PERSON).await;
    let mut all = app.get(&format!("{CONVERSATIONS}/events")).bearer(&agent.token).stream().await;
    let mut one = talk.person(&agent, "GET", "/events").header("last-event-id", "2.0").stream().await;
    let out = app.post("/api/auth/logout").bearer(&agent.token).send().await;
    assert_eq!(out.status, 204);
    let before = Instant::now();
    while all.chunk().await.is_some() {}
    while one.chunk().await.is_some() {}
    assert!(before.elapsed() <= Duration::from_secs(5), "after {:?}", before.elapsed());
}

#[tokio::test]
async fn only_the_visitor_hears_their_conversation() {
    let app = app().await;
    let agent = app.person("agent@shop.example").await;
    let (mine, other) =
        (Talk::begun(&app, &agent, false, PERSON).await, Talk::begun(&app, &agent, true, PERSON).await);
    let path = |session: &str| format!("/api/chat/events?session_id={session}");
    let no_proof = app.get(&path(&mine.session)).send().await;
    assert_eq!((no_proof.status, &*no_proof.code()), (401, "visitor_proof_required"));
    for (session, token) in
        [(&mine.session, &other.token), (&other.session, &mine.token), (&other.session, &other.token)]
    {
        let stranger = app.get(&path(session)).header("x-bob-visitor", token).send().await;
        assert_eq!(stranger.status, 404);
    }
    let no_session = app.get("/api/chat/events").header("x-bob-visitor", &mine.token).send().await;
    assert_eq!((no_session.status, &*no_session.code()), (422, "validation_failed"));
    let elsewhere = app.get(&path(&mine.session)).header("sec-fetch-site", "cross-site").send().await;
    assert_eq!(elsewhere.code(), "cross_origin_refused");
    let no_key = app.get(&format!("/api/widget/{{shop}}/events?session_id={}", other.session));
    assert_eq!(no_key.header("x-bob-visitor", &other.token).send().await.code(), "unknown_widget_key");
}

#[tokio::test]
async fn streams_of_conversations_count_like_any_other() {
    let app = crate::harness::Setup::new().limits(bob_core::limit::LimitRates::default()).run().await;
    let agent = app.person("agent@shop.example").await;
    let talk = Talk::begun(&app, &agent, false, PERSON).await;
    let mut open = Vec::new();
    loop {
        let stream = talk.hears().stream().await;
        if stream.status != 200 {
            assert_eq!(stream.status, 429);
            break;
        }
        open.push(stream);
    }
    assert_eq!(open.len(), 20);
    let one = talk.person(&agent, "GET", "/events").stream().await;
    let all = app.get(&format!("{CONVERSATIONS}/events")).bearer(&agent.token).stream().await;
    assert_eq!((one.status, all.status), (429, 429));
    open.pop();
    assert_eq!(talk.hears().stream().await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn what_happens_through_storage_elsewhere_is_heard_within_a_second() {
    let app = app().await;
    let agent = app.person("agent@shop.example").await;
    let talk = Talk::begun(&app, &agent, false, PERSON).await;
    let mut heard = talk.hears().header("last-event-id", "2.0").stream().await;
    // Another node writes to the same store; nothing in this process knows of it.
    let (id, person) = (talk.id.parse().unwrap(), bob_core::id::AccountId::new());
    let before = Instant::now();
    fixture::step(&*app.store, &app.shop.id, &id, fixture::speaker(SpeakerStep::Take, person)).await;
    let event = heard.event().await.unwrap();
    assert_eq!((&*event.name, &event.data["name"]), ("speaker.changed", &json!("Support")));
    assert!(before.elapsed() <= Duration::from_secs(1), "after {:?}", before.elapsed());
}

#[tokio::test]
async fn the_inbox_page_brings_nothing_from_elsewhere() {
    let app = app().await;
    let page = app.get("/portal/inbox").send().await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "script-src 'self'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    let text = page.text();
    assert!(!text.contains("style=") && !text.contains("<style") && !text.contains("onclick"));
    assert!(!text.contains("://"), "all addresses are relative");
    for (file, kind) in
        [("inbox.mjs", "text/javascript; charset=utf-8"), ("inbox.css", "text/css; charset=utf-8")]
    {
        assert!(text.contains(file));
        let found = app.get(&format!("/portal/{file}")).send().await;
        assert_eq!((found.status, found.header("content-type")), (200, Some(kind)));
        assert!(!found.text().contains("innerHTML"), "{file}");
        let again =
            app.get(&format!("/portal/{file}")).header("if-none-match", found.header("etag").unwrap());
        assert_eq!(again.send().await.status, 304);
    }
}
