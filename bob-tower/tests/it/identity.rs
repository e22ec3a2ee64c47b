//! How visitors prove who they are, over HTTP.

use std::time::Duration;

use bob_core::clock::Clock as _;
use serde_json::{Value, json};

use crate::harness::{App, Ask, Fault, RETURNS, SETTINGS, app};

const OWNER: &str = "owner@shop.example";

/// A message through the widget door under a session id, with an identity.
fn say(app: &App, identity: &str, session: &str) -> Ask {
    let body = json!({ "message": RETURNS, "session_id": session });
    app.widget("POST", "/api/widget/{shop}/chat").json(&body).header("x-bob-identity", identity)
}

fn history(app: &App, session: &str) -> Ask {
    app.widget("GET", &format!("/api/widget/{{shop}}/history?session_id={session}"))
}

async fn settings(app: &App) -> Value {
    app.about_identities(OWNER, "GET", "").await.send().await.json()
}

#[tokio::test]
async fn a_secret_is_shown_once_and_never_again() {
    let app = app().await;
    let made = app.about_identities(OWNER, "POST", "/secrets").await.send().await;
    assert_eq!(made.status, 201);
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("bobid_") && secret.len() == 70, "{}", secret.len());
    let own = "the-secret-of-the-business,-long-enough";
    let given =
        app.about_identities(OWNER, "POST", "/secrets").await.json(&json!({ "secret": own })).send().await;
    assert_eq!((given.status, given.json().get("secret")), (201, None));

    let shown = app.about_identities(OWNER, "GET", "").await.send().await;
    assert!(!shown.text().contains(&secret) && !shown.text().contains(own), "{}", shown.text());
    let view = shown.json();
    assert_eq!(
        (view["mode"].as_str(), view["audience"].as_str()),
        (Some("off"), Some(&*app.shop.id.to_string()))
    );
    let generated: Vec<_> =
        view["secrets"].as_array().unwrap().iter().map(|s| s["generated"].clone()).collect();
    assert_eq!(generated, [json!(true), json!(false)]);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let gone = app.about_identities(OWNER, "DELETE", &format!("/secrets/{id}")).await.send().await;
    assert_eq!((gone.status, gone.header("etag")), (204, Some("\"3\"")));
    assert_eq!(settings(&app).await["secrets"].as_array().unwrap().len(), 1);
    let again = app.about_identities(OWNER, "DELETE", &format!("/secrets/{id}")).await.send().await;
    assert_eq!((again.status, again.code()), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn only_those_who_manage_widgets_decide_about_identities() {
    let app = app().await;
    let secret = "00000000-0000-7000-8000-000000000000";
    for (method, path) in
        [("GET", ""), ("PUT", ""), ("POST", "/secrets"), ("DELETE", &*format!("/secrets/{secret}"))]
    {
        let body = if method == "PUT" { json!({"mode": "off"}) } else { json!({}) };
        let nobody = app.ask(method, &format!("{SETTINGS}{path}")).send().await;
        assert_eq!(nobody.status, 401, "{method} {path}");
        for email in ["agent@shop.example", "viewer@shop.example"] {
            let refused = app.about_identities(email, method, path).await.json(&body).send().await;
            assert_eq!(
                (refused.status, refused.code()),
                (403, "permission_denied".to_owned()),
                "{method} {path}"
            );
        }
        let rival = app.person("owner@rival.example").await;
        let path = format!("{SETTINGS}{path}?business_id={}", app.shop.id);
        let stranger = app.ask(method, &path).bearer(&rival.token).json(&body).send().await;
        assert_eq!((stranger.status, stranger.code()), (404, "not_found".to_owned()), "{method} {path}");
        let operator = app.platform("operator@bob.example").await;
        let unnamed = app.ask(method, path.split('?').next().unwrap()).bearer(&operator.token);
        let unnamed = unnamed.json(&body).send().await;
        assert_eq!(unnamed.code(), "tenant_required", "{method} {path}");
    }
    let manager = app.about_identities("manager@shop.example", "GET", "").await.send().await;
    assert_eq!(manager.status, 200);
}

#[tokio::test]
async fn what_cannot_be_decided_is_refused_with_a_reason() {
    let app = app().await;
    let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let private = json!({"kty": "OKP", "crv": "Ed25519", "kid": "a", "d": "AA", "x": key["x"]});
    for (body, pointer) in [
        (json!({}), "/mode"),
        (json!({"mode": "on"}), "/mode"),
        (json!({"mode": 1}), "/mode"),
        (json!({"mode": "enforce"}), "/mode"),
        (json!({"mode": "off", "require": "yes"}), "/require"),
        (json!({"mode": "off", "issuer": ""}), "/issuer"),
        (json!({"mode": "off", "issuer": "x".repeat(201)}), "/issuer"),
        (json!({"mode": "off", "issuer": "a\nb"}), "/issuer"),
        (json!({"mode": "off", "jwks": {}}), "/jwks"),
        (json!({"mode": "off", "jwks": "https://shop.example/jwks.json"}), "/jwks"),
        (json!({"mode": "off", "jwks": {"keys": [private]}}), "/jwks"),
        (json!({"mode": "off", "jwks": {"keys": vec![key.clone(); 11]}}), "/jwks"),
        (json!({"mode": "off", "jwks_url": "https://shop.example/jwks.json"}), "/jwks_url"),
        (json!({"mode": "off", "jwks_url": "http://169.254.169.254/"}), "/jwks_url"),
        (json!({"mode": "off", "secrets": []}), "/secrets"),
    ] {
        let refused = app.about_identities(OWNER, "PUT", "").await.json(&body).send().await;
        assert_eq!(
            (refused.status, &refused.json()["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{body}"
        );
    }
    for secret in
        [json!("short"), json!(7), json!("x".repeat(513)), json!("with spaces that are not visible ascii")]
    {
        let refused = app
            .about_identities(OWNER, "POST", "/secrets")
            .await
            .json(&json!({ "secret": secret }))
            .send()
            .await;
        assert_eq!(
            (refused.status, &refused.json()["errors"][0]["pointer"]),
            (422, &json!("/secret")),
            "{secret}"
        );
    }
    for id in ["x", "%00", "00000000-0000-7000-8000-000000000000"] {
        let missing = app.about_identities(OWNER, "DELETE", &format!("/secrets/{id}")).await.send().await;
        assert_eq!(missing.status, 404, "{id}");
    }
    assert_eq!(settings(&app).await["mode"], "off");
    let kept = app.about_identities(OWNER, "PUT", "").await;
    let kept = kept.json(&json!({"mode": "enforce", "jwks": {"keys": [key]}})).send().await;
    assert_eq!((kept.status, &kept.json()["jwks"]["keys"][0]["kid"]), (200, &json!("a")));
}

#[tokio::test]
async fn a_decision_is_made_on_the_version_it_was_meant_for() {
    let app = app().await;
    let first = app.about_identities(OWNER, "PUT", "").await.json(&json!({"mode": "observe"})).send().await;
    assert_eq!(first.header("etag"), Some("\"1\""));
    let put = async |tag: &str| {
        let call = app.about_identities(OWNER, "PUT", "").await.header("if-match", tag);
        call.json(&json!({"mode": "off"})).send().await.status
    };
    assert_eq!(put("\"0\"").await, 412);
    assert_eq!(put("nonsense").await, 412);
    assert_eq!(put("\"1\"").await, 200);
    assert_eq!(put("\"1\"").await, 412);
    assert_eq!(put("*").await, 200);
}

#[tokio::test]
async fn there_are_five_secrets_at_most_and_the_last_key_is_kept_while_it_is_needed() {
    let app = app().await;
    app.signer("enforce").await;
    let id = settings(&app).await["secrets"][0]["id"].as_str().unwrap().to_owned();
    let last = app.about_identities(OWNER, "DELETE", &format!("/secrets/{id}")).await.send().await;
    assert_eq!((last.status, last.code()), (409, "last_identity_key".to_owned()));
    for _ in 0..4 {
        assert_eq!(app.about_identities(OWNER, "POST", "/secrets").await.send().await.status, 201);
    }
    let sixth = app.about_identities(OWNER, "POST", "/secrets").await.send().await;
    assert_eq!((sixth.status, sixth.code()), (409, "too_many_secrets".to_owned()));
}

#[tokio::test]
async fn while_it_is_off_an_identity_is_not_looked_at() {
    let app = app().await;
    let signer = app.signer("off").await;
    for identity in [&*signer.of("7"), "garbage"] {
        let answer = say(&app, identity, "s").send().await;
        assert_eq!(answer.status, 200);
        assert!(answer.json()["visitor_token"].is_string(), "a stranger");
    }
    let counters = &settings(&app).await["counters"];
    assert_eq!(
        (&counters["valid"], &counters["missing"], &counters["since"]),
        (&json!(0), &json!(0), &Value::Null)
    );
}

#[tokio::test]
async fn while_it_is_watched_an_identity_that_does_not_hold_changes_nothing_but_the_counters() {
    let app = app().await;
    let signer = app.signer("observe").await;
    let stranger = app.widget("POST", "/api/widget/{shop}/chat").json(&json!({"message": RETURNS}));
    let stranger = stranger.send().await;
    for identity in ["garbage", &*signer.with("7", "aud", json!("x")), &*signer.with("7", "exp", json!(1))] {
        let answer = say(&app, identity, "s").send().await;
        assert_eq!(answer.status, 200);
        assert!(answer.json()["visitor_token"].is_string());
        let names = |answer: &crate::harness::Answer| {
            let mut names: Vec<_> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&answer), names(&stranger), "nothing tells a visitor why");
    }
    let twice = say(&app, &signer.of("7"), "s").header("x-bob-identity", &signer.of("8")).send().await;
    assert!(twice.json()["visitor_token"].is_string(), "two identities are none");
    let verified = say(&app, &signer.of("7"), "s").send().await;
    assert_eq!(verified.json()["visitor_token"], Value::Null);

    let counters = &settings(&app).await["counters"];
    assert_eq!((&counters["valid"], &counters["missing"]), (&json!(1), &json!(1)));
    assert_eq!(counters["invalid"], json!({"malformed": 2, "audience": 1, "expired": 1}));
    assert!(counters["since"].is_string());
}

#[tokio::test]
async fn while_it_is_enforced_an_identity_that_does_not_hold_is_refused_and_nobody_is_told_why() {
    let app = app().await;
    let signer = app.signer("enforce").await;
    let other = app.signer_of("owner@rival.example", app.rival.id, &json!({"mode": "enforce"})).await;
    let mut bodies = Vec::new();
    for identity in [
        "garbage",
        "",
        &*signer.with("7", "aud", json!("x")),
        &*signer.with("7", "exp", json!(1)),
        &*other.of("7"),
    ] {
        for ask in [
            say(&app, identity, "s"),
            history(&app, "s").header("x-bob-identity", identity),
            app.widget("GET", "/api/widget/{shop}/conversations").header("x-bob-identity", identity),
            app.say(RETURNS).header("x-bob-identity", identity),
        ] {
            let refused = ask.send().await;
            assert_eq!((refused.status, refused.code()), (401, "identity_invalid".to_owned()), "{identity}");
            let mut body = refused.json();
            body["request_id"] = Value::Null;
            bodies.push(body);
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    let cors = say(&app, "garbage", "s").send().await;
    assert_eq!(cors.header("access-control-allow-origin"), Some("https://shop.example"));
    let stranger = app.widget_say(RETURNS).send().await;
    assert_eq!(stranger.status, 200, "strangers are still welcome");
    assert_eq!(say(&app, &signer.of("7"), "s").send().await.status, 200);
}

#[tokio::test]
async fn who_must_be_known_is_asked_for_an_identity_everywhere() {
    let app = app().await;
    let signer = app.signer_of(OWNER, app.shop.id, &json!({"mode": "observe"})).await;
    let before = app.widget_say(RETURNS).send().await.json();
    let token = before["visitor_token"].as_str().unwrap();
    let strict = json!({"mode": "enforce", "require": true});
    assert_eq!(app.about_identities(OWNER, "PUT", "").await.json(&strict).send().await.status, 200);
    for ask in [
        app.widget_say(RETURNS),
        app.widget_say(RETURNS).header("x-bob-visitor", token),
        app.say(RETURNS),
        history(&app, "s").header("x-bob-visitor", token),
        app.get("/api/chat/history?session_id=s").header("x-bob-visitor", token),
        app.get("/api/chat/conversations").header("x-bob-visitor", token),
    ] {
        let refused = ask.send().await;
        assert_eq!(
            (refused.status, refused.code()),
            (401, "identity_required".to_owned()),
            "{}",
            refused.text()
        );
    }
    assert_eq!(
        app.widget("GET", "/api/widget/{shop}/config").send().await.status,
        200,
        "it may greet all the same"
    );
    assert_eq!(say(&app, &signer.of("7"), "s").send().await.status, 200);
}

#[tokio::test]
async fn a_person_has_one_history_on_all_devices_and_nobody_elses() {
    let app = app().await;
    let signer = app.signer("enforce").await;
    let phone = say(&app, &signer.of("7"), "shared").send().await;
    assert_eq!((phone.status, phone.json().get("visitor_token")), (200, None));
    assert_eq!(phone.set_cookies(), [""; 0]);
    let desk = app.say(RETURNS).header("x-bob-identity", &signer.of("7")).send().await;
    assert_eq!(desk.set_cookies(), [""; 0], "no cookie outlives the identity either");

    let read = async |identity: &str| history(&app, "shared").header("x-bob-identity", identity).send().await;
    assert_eq!(read(&signer.of("7")).await.json()["items"].as_array().unwrap().len(), 2);
    assert_eq!(read(&signer.of("8")).await.status, 404);
    let turn = phone.json()["turn_id"].as_str().unwrap().to_owned();
    let path = format!("/api/widget/{{shop}}/turns/{turn}/events");
    let events =
        async |identity: &str| app.widget("GET", &path).header("x-bob-identity", identity).send().await;
    let told = events(&signer.of("7")).await;
    assert_eq!(told.status, 200);
    assert!(told.events().iter().all(|event| event.data.get("visitor_token").is_none()), "{}", told.text());
    assert_eq!(events(&signer.of("8")).await.status, 404);

    let list = async |identity: &str| {
        let list = app.get("/api/chat/conversations").header("x-bob-identity", identity).send().await.json();
        let items = list["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["door"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list(&signer.of("7")).await, ["public", "widget"]);
    assert_eq!(list(&signer.of("8")).await, [""; 0]);
    assert_eq!(history(&app, "shared").send().await.code(), "visitor_proof_required");
}

#[tokio::test]
async fn a_secret_session_continues_no_conversation_of_somebody_who_is_known() {
    let app = app().await;
    let signer = app.signer("enforce").await;
    let session = "0f8fad5b-d9cb-469f-a165-70867728950e";
    say(&app, &signer.of("7"), session).send().await;
    let body = json!({ "message": RETURNS, "session_id": session });
    let stranger = app.widget("POST", "/api/widget/{shop}/chat").json(&body).send().await.json();
    let token = stranger["visitor_token"].as_str().expect("a visitor of their own");
    let items = async |name: &str, proof: &str| {
        history(&app, session).header(name, proof).send().await.json()["items"].as_array().unwrap().len()
    };
    assert_eq!(items("x-bob-visitor", token).await, 2);
    assert_eq!(items("x-bob-identity", &signer.of("7")).await, 2);
}

#[tokio::test]
async fn what_a_person_reads_ends_with_their_identity() {
    let app = app().await;
    let signer = app.signer("enforce").await;
    let identity = signer.of("7");
    say(&app, &identity, "s").send().await;
    let read = async || history(&app, "s").header("x-bob-identity", &identity).send().await;
    assert_eq!(read().await.status, 200);
    app.clock.advance(Duration::from_secs(3_600 + 59));
    assert_eq!(read().await.status, 200, "clocks may differ by a minute");
    app.clock.advance(Duration::from_secs(1));
    assert_eq!((read().await.status, read().await.code()), (401, "identity_invalid".to_owned()));
}

#[tokio::test]
async fn a_secret_that_was_taken_away_signs_nothing_any_more_and_its_successor_does_already() {
    let app = app().await;
    let old = app.signer("enforce").await;
    let id = settings(&app).await["secrets"][0]["id"].as_str().unwrap().to_owned();
    let new = app.signer("enforce").await;
    assert_eq!(say(&app, &old.of("7"), "a").send().await.status, 200);
    assert_eq!(say(&app, &new.of("7"), "a").send().await.status, 200);
    app.about_identities(OWNER, "DELETE", &format!("/secrets/{id}")).await.send().await;
    assert_eq!(say(&app, &old.of("7"), "a").send().await.status, 401);
    let read = history(&app, "a").header("x-bob-identity", &new.of("7")).send().await;
    assert_eq!(read.json()["items"].as_array().unwrap().len(), 4, "the same person");
}

#[tokio::test]
async fn a_person_who_is_known_is_looked_up_once() {
    let app = app().await;
    let signer = app.signer("enforce").await;
    say(&app, &signer.of("7"), "a").send().await;
    app.store.fail(Fault::GoneFor("recognise_visitor"));
    assert_eq!(say(&app, &signer.of("7"), "a").send().await.status, 200);
    let renamed = say(&app, &signer.with("7", "name", json!("Anna")), "a").send().await;
    assert_eq!((renamed.status, renamed.code()), (503, "storage_unavailable".to_owned()));
}

#[tokio::test]
async fn what_a_page_says_without_proof_is_kept_as_just_that() {
    let app = app().await;
    let body = |visitor: Value| json!({ "message": RETURNS, "visitor": visitor });
    let said = body(json!({"name": "Anna", "email": "anna@home.example"}));
    let answer = app.widget("POST", "/api/widget/{shop}/chat").json(&said).send().await;
    assert_eq!(answer.status, 200);
    assert!(app.store.writes().contains(&"introduce_visitor"));
    let token = answer.json()["visitor_token"].as_str().unwrap().to_owned();
    let now = app.clock.now();
    let visitor = app.bob.visitor_tokens().verify(&token, app.shop.id, now).unwrap();
    let known = app.bob.storage().visitor(&app.shop.id, &visitor).await.unwrap().unwrap();
    assert_eq!(known.trust, bob_core::visitor::TrustLevel::Identified);
    assert_eq!(known.profile.unwrap().name.as_deref(), Some("Anna"));
    for wrong in [
        json!({"name": ""}),
        json!({"name": "a\nb"}),
        json!({"email": "anna"}),
        json!({"id": "7"}),
        json!("Anna"),
    ] {
        let refused = app.widget("POST", "/api/widget/{shop}/chat").json(&body(wrong.clone())).send().await;
        assert_eq!(refused.status, 422, "{wrong}");
    }
    app.store.forget();
    let signer = app.signer("enforce").await;
    let anonymous = app.widget("POST", "/api/widget/{shop}/chat").json(&said).send().await;
    let verified =
        app.widget("POST", "/api/widget/{shop}/chat").json(&said).header("x-bob-identity", &signer.of("7"));
    assert_eq!((anonymous.status, verified.send().await.status), (200, 200));
    assert!(
        !app.store.writes().contains(&"introduce_visitor"),
        "where identities are enforced it counts nothing"
    );
}
