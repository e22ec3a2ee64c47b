//! Taking along, after signing in, what was said before, over HTTP.

use std::sync::Arc;
use std::time::Duration;

use bob_core::llm::Line;
use serde_json::{Value, json};

use crate::harness::{Answer, App, Ask, RETURNS, Signer, app, with_model};

const SESSION: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

/// A stranger who asked something through the widget door; answers their token.
async fn stranger(app: &App, session: &str) -> String {
    let body = json!({ "message": RETURNS, "session_id": session });
    let said = app.widget("POST", "/api/widget/{shop}/chat").json(&body).send().await;
    assert_eq!(said.status, 200, "{}", said.text());
    said.json()["visitor_token"].as_str().unwrap().to_owned()
}

fn ask(app: &App, token: &str, identity: &str, body: &Value) -> Ask {
    let call = app.widget("POST", "/api/widget/{shop}/claim").json(body);
    call.header("x-bob-visitor", token).header("x-bob-identity", identity)
}

async fn claim(app: &App, token: &str, identity: &str) -> Answer {
    ask(app, token, identity, &json!({"accept": true})).send().await
}

fn history(app: &App, name: &str, proof: &str) -> Ask {
    let path = format!("/api/widget/{{shop}}/history?session_id={SESSION}");
    app.widget("GET", &path).header(name, proof)
}

async fn started() -> (App, Signer) {
    let app = app().await;
    let signer = app.signer("enforce").await;
    (app, signer)
}

#[tokio::test]
async fn who_signs_in_is_offered_what_they_said_and_takes_it_along() {
    let (app, signer) = started().await;
    let token = stranger(&app, SESSION).await;
    let identity = signer.of("7");
    for _ in 0..2 {
        let offered = ask(&app, &token, &identity, &json!({"preview": true})).send().await;
        assert_eq!(offered.status, 200);
        let offered = offered.json();
        assert_eq!(
            (&offered["outcome"], &offered["count"]),
            (&json!("offered"), &json!(2)),
            "asking uses nothing up"
        );
        assert_eq!(offered["sessions"], json!([SESSION]));
        assert!(offered["since"].is_string());
    }
    let merged = claim(&app, &token, &identity).await;
    assert_eq!(
        (merged.status, merged.json()["outcome"].as_str()),
        (200, Some("merged")),
        "{}",
        merged.text()
    );

    let mine = history(&app, "x-bob-identity", &signer.of("7")).send().await;
    assert_eq!(mine.json()["items"].as_array().unwrap().len(), 2);
    let theirs = history(&app, "x-bob-visitor", &token).send().await;
    assert_eq!((theirs.status, theirs.code()), (401, "visitor_proof_required".to_owned()));
    let list =
        app.widget("GET", "/api/widget/{shop}/conversations").header("x-bob-visitor", &token).send().await;
    assert_eq!(list.status, 401);
    let others = history(&app, "x-bob-identity", &signer.of("8")).send().await;
    assert_eq!(others.status, 404);
}

#[tokio::test]
async fn the_old_token_makes_a_stranger_from_then_on() {
    let (app, signer) = started().await;
    let token = stranger(&app, SESSION).await;
    claim(&app, &token, &signer.of("7")).await;
    for body in [json!({ "message": RETURNS, "session_id": SESSION }), json!({ "message": RETURNS })] {
        let again = app.widget("POST", "/api/widget/{shop}/chat").json(&body).header("x-bob-visitor", &token);
        let again = again.send().await;
        assert_eq!(again.status, 200, "{}", again.text());
        let new = again.json()["visitor_token"].as_str().expect("a token of their own").to_owned();
        assert_ne!(new, token);
        assert_eq!(again.json()["disclosure"].as_str().map(|_| ()), Some(()), "a conversation of its own");
    }
    let mine = history(&app, "x-bob-identity", &signer.of("7")).send().await;
    assert_eq!(mine.json()["items"].as_array().unwrap().len(), 2, "nothing was added to it");
}

#[tokio::test]
async fn on_own_pages_the_cookie_is_the_token_and_goes_with_it() {
    let (app, signer) = started().await;
    let cookie = app.say(RETURNS).send().await.cookie();
    let call = |body: Value| {
        let call = app.post("/api/chat/claim").json(&body).header("cookie", &cookie);
        call.header("x-bob-identity", &signer.of("7"))
    };
    assert_eq!(call(json!({"preview": true})).send().await.json()["count"], 2);
    let merged = call(json!({"accept": true})).send().await;
    assert_eq!(merged.json()["outcome"], "merged");
    let line = &merged.set_cookies()[0];
    assert!(line.contains("=; ") && line.contains("Max-Age=0") && line.contains("HttpOnly"), "{line}");
    let cross = call(json!({"preview": true})).header("sec-fetch-site", "cross-site").send().await;
    assert_eq!(cross.code(), "cross_origin_refused");
}

#[tokio::test]
async fn who_declines_keeps_nothing_and_is_not_asked_again() {
    let (app, signer) = started().await;
    let token = stranger(&app, SESSION).await;
    let declined = ask(&app, &token, &signer.of("7"), &json!({"accept": false})).send().await;
    assert_eq!((declined.status, declined.json()["outcome"].as_str()), (200, Some("declined")));
    let asked = ask(&app, &token, &signer.of("7"), &json!({"preview": true})).send().await.json();
    assert_eq!((&asked["outcome"], &asked["count"]), (&json!("declined"), &json!(0)));
    assert_eq!(history(&app, "x-bob-visitor", &token).send().await.status, 200, "it stays the stranger's");
    assert_eq!(history(&app, "x-bob-identity", &signer.of("7")).send().await.status, 404);
}

#[tokio::test]
async fn only_the_last_day_moves_and_the_rest_is_read_by_nobody_with_that_token() {
    let (app, signer) = started().await;
    let token = stranger(&app, "old").await;
    app.clock.advance(Duration::from_secs(25 * 60 * 60));
    let body = json!({ "message": RETURNS, "session_id": SESSION });
    let recent = app.widget("POST", "/api/widget/{shop}/chat").json(&body).header("x-bob-visitor", &token);
    assert_eq!(recent.send().await.status, 200);
    let later = app.signer("enforce").await;
    let merged = claim(&app, &token, &later.of("7")).await.json();
    assert_eq!((&merged["count"], &merged["sessions"]), (&json!(2), &json!([SESSION])), "{signer:?}");
    let old = app.widget("GET", "/api/widget/{shop}/history?session_id=old").header("x-bob-visitor", &token);
    assert_eq!(old.send().await.status, 401);
}

#[tokio::test]
async fn a_claim_that_may_not_be_made_is_refused_and_changes_nothing() {
    let (app, signer) = started().await;
    let rival = app.signer_of("owner@rival.example", app.rival.id, &json!({"mode": "enforce"})).await;
    let token = stranger(&app, SESSION).await;
    let good = || signer.of("7");
    let theirs = {
        let said = app.ask("POST", "/api/widget/chat").header("x-widget-key", &app.rival.key);
        let said =
            said.header("origin", "https://rival.example").json(&json!({ "message": RETURNS })).send().await;
        said.json()["visitor_token"].as_str().unwrap().to_owned()
    };
    let now = signer.claims("7")["iat"].as_i64().unwrap();
    let unnamed = {
        let mut claims = signer.claims("7");
        claims.as_object_mut().unwrap().remove("jti");
        signer.sign(&claims)
    };
    let last = if token.ends_with('A') { 'B' } else { 'A' };
    let damaged = format!("{}{last}", &token[..token.len() - 1]);
    let accept = json!({"accept": true});
    for (what, token, identity, body, status, code) in [
        ("no identity", &*token, None, &accept, 401, "identity_required"),
        ("an identity of another business", &token, Some(rival.of("7")), &accept, 401, "identity_invalid"),
        ("garbage", &token, Some("garbage".to_owned()), &accept, 401, "identity_invalid"),
        (
            "an old identity",
            &token,
            Some(signer.with("7", "iat", json!(now - 301))),
            &accept,
            401,
            "identity_stale",
        ),
        ("an identity without a name", &token, Some(unnamed), &accept, 401, "identity_stale"),
        ("a token of another business", &theirs, Some(good()), &accept, 401, "visitor_proof_required"),
        ("a damaged token", &damaged, Some(good()), &accept, 401, "visitor_proof_required"),
        ("a made-up token", "x", Some(good()), &accept, 401, "visitor_proof_required"),
        ("an empty token", "", Some(good()), &accept, 401, "visitor_proof_required"),
        ("no wish", &token, Some(good()), &json!({}), 422, "validation_failed"),
        (
            "two wishes",
            &token,
            Some(good()),
            &json!({"preview": true, "accept": true}),
            422,
            "validation_failed",
        ),
        ("a wish in words", &token, Some(good()), &json!({"accept": "yes"}), 422, "validation_failed"),
        (
            "a visitor by name",
            &token,
            Some(good()),
            &json!({"accept": true, "visitor": "x"}),
            422,
            "unknown_field",
        ),
    ] {
        let call = app.widget("POST", "/api/widget/{shop}/claim").json(body).header("x-bob-visitor", token);
        let call = match identity {
            Some(identity) => call.header("x-bob-identity", &identity),
            None => call,
        };
        let refused = call.send().await;
        assert_eq!((refused.status, &*refused.code()), (status, code), "{what}: {}", refused.text());
    }
    assert!(!app.store.writes().contains(&"claim_visitor"), "{:?}", app.store.writes());
    assert_eq!(history(&app, "x-bob-visitor", &token).send().await.status, 200);
}

#[tokio::test]
async fn a_proof_claims_once_and_a_visitor_is_claimed_once() {
    let (app, signer) = started().await;
    let rival = app.signer_of("owner@rival.example", app.rival.id, &json!({"mode": "enforce"})).await;
    let (first, second) = (stranger(&app, SESSION).await, stranger(&app, "other").await);
    let once = signer.with("7", "jti", json!("once"));
    assert_eq!(claim(&app, &first, &once).await.status, 200);
    let replayed = claim(&app, &second, &signer.with("7", "jti", json!("once"))).await;
    assert_eq!((replayed.status, replayed.code()), (409, "identity_replayed".to_owned()));
    for subject in ["7", "8"] {
        let twice = claim(&app, &first, &signer.of(subject)).await;
        assert_eq!((twice.status, twice.code()), (409, "already_claimed".to_owned()), "{subject}");
        let preview = ask(&app, &first, &signer.of(subject), &json!({"preview": true})).send().await;
        assert_eq!(preview.json()["count"], 0);
    }
    let said = app.ask("POST", "/api/widget/chat").header("x-widget-key", &app.rival.key);
    let said =
        said.header("origin", "https://rival.example").json(&json!({ "message": RETURNS })).send().await;
    let elsewhere = app.ask("POST", "/api/widget/{rival}/claim").header("x-widget-key", &app.rival.key);
    let elsewhere = elsewhere.header("origin", "https://rival.example").json(&json!({"accept": true}));
    let elsewhere = elsewhere.header("x-bob-visitor", said.json()["visitor_token"].as_str().unwrap());
    let elsewhere = elsewhere.header("x-bob-identity", &rival.with("7", "jti", json!("once"))).send().await;
    assert_eq!(elsewhere.status, 200, "another business's proofs are its own: {}", elsewhere.text());
}

#[tokio::test]
async fn a_claim_waits_for_the_answer_that_is_being_made() {
    let app = with_model([vec![Line::Wait(Arc::default())]]).await;
    let signer = app.signer("enforce").await;
    let first = app.widget("POST", "/api/widget/{shop}/chat").json(&json!({ "message": RETURNS })).events();
    let mut stream = first.stream().await;
    let token = stream.event().await.unwrap().data["visitor_token"].as_str().unwrap().to_owned();
    let busy = claim(&app, &token, &signer.of("7")).await;
    assert_eq!((busy.status, busy.code()), (409, "conversation_busy".to_owned()));
    assert!(busy.json()["turn_id"].is_string() && busy.header("retry-after").is_some());
}
