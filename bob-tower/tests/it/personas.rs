//! Personas over HTTP: drafts, publication, the default, and what a model is told.

use std::sync::Arc;

use bob_core::llm::{Line, ScriptedModel};
use serde_json::{Value, json};

use crate::harness::{Answer, App, RETURNS, Setup, SignedIn, app};

const PERSONAS: &str = "/api/personas";

#[track_caller]
fn check(answer: &Answer, status: u16, code: &str, row: &str) {
    assert_eq!((answer.status, &*answer.code()), (status, code), "{row}: {}", answer.text());
}

fn persona(name: &str, prompt: &str) -> Value {
    json!({"name": name, "description": "For tests", "tone": "brief", "systemPrompt": prompt})
}

async fn ok(app: &App, person: &SignedIn, method: &str, path: &str, body: Option<Value>) -> Value {
    let ask = app.ask(method, path).bearer(&person.token);
    let ask = match body {
        Some(body) => ask.json(&body),
        None => ask,
    };
    let answer = ask.send().await;
    assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
    if answer.body.is_empty() { Value::Null } else { answer.json() }
}

/// The shop's default persona.
async fn default_of(app: &App, person: &SignedIn) -> String {
    let list = ok(app, person, "GET", PERSONAS, None).await;
    let items = list["items"].as_array().unwrap();
    let default = items.iter().find(|item| item["is_default"] == json!(true)).unwrap();
    default["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_persona_is_written_published_and_taken_back() {
    let app = app().await;
    let manager = app.person("manager@shop.example").await;
    let id = default_of(&app, &manager).await;
    let path = format!("{PERSONAS}/{id}");
    let versions = |view: &Value| (view["published_version"].clone(), view["draft_version"].clone());

    let view = ok(&app, &manager, "PUT", &path, Some(persona("Anna", "Hi"))).await;
    assert_eq!(versions(&view), (json!(1), json!(2)));
    assert_eq!(
        (&view["name"], &view["draft"]["name"], &view["latest_version"]),
        (&json!("Bob"), &json!("Anna"), &json!(2))
    );
    assert_eq!(app.say(RETURNS).send().await.json()["persona"], "Bob", "a draft speaks nowhere");

    let view = ok(&app, &manager, "POST", &format!("{path}/versions/2/publish"), None).await;
    assert_eq!((versions(&view), &view["draft"]), ((json!(2), Value::Null), &Value::Null));
    assert_eq!(app.say(RETURNS).send().await.json()["persona"], "Anna", "at once on this node");
    let view = ok(&app, &manager, "PUT", &format!("{path}?publish=true"), Some(persona("Berta", "Hi"))).await;
    assert_eq!((versions(&view), &view["name"]), ((json!(3), Value::Null), &json!("Berta")));
    assert_eq!(app.say(RETURNS).send().await.json()["persona"], "Berta");
    ok(&app, &manager, "POST", &format!("{path}/versions/1/publish"), None).await;
    assert_eq!(app.say(RETURNS).send().await.json()["persona"], "Bob", "an older one is published again");

    let list = ok(&app, &manager, "GET", &format!("{path}/versions?limit=2"), None).await;
    let told: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| (v["version"].clone(), v["published"].clone(), v["name"].clone()))
        .collect();
    assert_eq!(told, [(json!(3), json!(false), json!("Berta")), (json!(2), json!(false), json!("Anna"))]);
    assert_eq!(list["next_cursor"], "2");
    let rest = ok(&app, &manager, "GET", &format!("{path}/versions?cursor=2"), None).await;
    assert_eq!(
        (&rest["items"][0]["version"], &rest["items"][0]["published"], &rest["next_cursor"]),
        (&json!(1), &json!(true), &Value::Null)
    );
}

#[tokio::test]
async fn the_default_speaks_and_cannot_be_taken_away() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let default = default_of(&app, &owner).await;
    let made = ok(&app, &owner, "POST", PERSONAS, Some(persona("Carla", "Hi"))).await;
    assert_eq!(
        (&made["published_version"], &made["draft_version"], &made["is_default"]),
        (&Value::Null, &json!(1), &json!(false))
    );
    let other = format!("{PERSONAS}/{}", made["id"].as_str().unwrap());
    let send = async |method: &str, path: &str| app.ask(method, path).bearer(&owner.token).send().await;

    check(&send("POST", &format!("{other}/default")).await, 409, "persona_not_published", "a draft");
    check(&send("DELETE", &format!("{PERSONAS}/{default}")).await, 409, "persona_is_default", "the default");
    ok(&app, &owner, "POST", &format!("{other}/versions/1/publish"), None).await;
    assert_eq!(ok(&app, &owner, "POST", &format!("{other}/default"), None).await["is_default"], json!(true));
    assert_eq!(app.say(RETURNS).send().await.json()["persona"], "Carla");
    assert_eq!(send("DELETE", &format!("{PERSONAS}/{default}")).await.status, 204);
    check(&send("GET", &format!("{PERSONAS}/{default}")).await, 404, "not_found", "gone");
    assert_eq!(ok(&app, &owner, "GET", PERSONAS, None).await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn whoever_read_an_older_version_changes_nothing() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let id = default_of(&app, &owner).await;
    let path = format!("{PERSONAS}/{id}");
    let read = app.get(&path).bearer(&owner.token).send().await;
    assert_eq!(read.header("etag"), Some("\"1\""));
    let put = async |version: &str| {
        let ask = app.ask("PUT", &path).json(&persona("Anna", "Hi")).bearer(&owner.token);
        ask.header("if-match", version).send().await
    };
    assert_eq!(put("\"1\"").await.header("etag"), Some("\"2\""));
    for version in ["\"1\"", "\"3\"", "\"99999999999\"", "2"] {
        check(&put(version).await, 412, "precondition_failed", version);
    }
    let publish = app.post(&format!("{path}/versions/2/publish")).header("if-match", "\"1\"");
    check(&publish.bearer(&owner.token).send().await, 412, "precondition_failed", "publish");
    let delete = app.ask("DELETE", &path).header("if-match", "\"1\"").bearer(&owner.token);
    check(&delete.send().await, 412, "precondition_failed", "delete");
}

#[tokio::test]
async fn a_persona_that_is_sent_again_is_made_once() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let once = async |body: &Value| {
        let ask = app.post(PERSONAS).json(body).bearer(&owner.token);
        ask.header("idempotency-key", "one").send().await
    };
    let (first, again) = (once(&persona("Anna", "Hi")).await, once(&persona("Anna", "Hi")).await);
    assert_eq!((first.status, again.status, again.header("idempotent-replayed")), (201, 201, Some("true")));
    assert_eq!(first.json(), again.json());
    check(&once(&persona("Berta", "Hi")).await, 422, "idempotency_mismatch", "another body");
    assert_eq!(ok(&app, &owner, "GET", PERSONAS, None).await["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_template_that_cannot_be_filled_in_is_refused_when_it_is_written() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let id = default_of(&app, &owner).await;
    let nested = "{% if locale %}".repeat(500);
    for (prompt, told) in [
        ("Hi\nI am {{ business.motto }}", "line 2: there is no slot “business.motto”"),
        ("{% for i in range(10**9) %}x{% endfor %}", "line 1: "),
        ("{{ 'a' * 10000000000 }}", "line 1: "),
        ("{% include '/etc/passwd' %}", "line 1: "),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "line 1: "),
        ("{% set a = 'aaaa' %}{% set a = a ~ a %}", "line 1: "),
        ("{{ self }}", "line 1: "),
        ("{{ ''.__class__.__mro__ }}", "line 1: "),
        ("{{ locale.__class__ }}", "line 1: "),
        ("{{ locale | safe }}", "line 1: "),
        ("{{", "line 1: "),
        (&nested, "line 1: "),
    ] {
        for (method, path) in [("POST", PERSONAS.to_owned()), ("PUT", format!("{PERSONAS}/{id}"))] {
            let answer =
                app.ask(method, &path).json(&persona("Anna", prompt)).bearer(&owner.token).send().await;
            let error = answer.json()["errors"][0].clone();
            assert_eq!((answer.status, &error["pointer"]), (422, &json!("/systemPrompt")), "{prompt:.40}");
            assert_eq!(error["code"], "invalid_template");
            assert!(error["detail"].as_str().unwrap().starts_with(told), "{prompt:.40}: {error}");
        }
    }
    for (body, pointer) in [
        (json!({"name": "", "systemPrompt": "x"}), "/name"),
        (json!({"name": "x".repeat(101), "systemPrompt": "x"}), "/name"),
        (json!({"name": "a\nTone: rude", "systemPrompt": "x"}), "/name"),
        (json!({"name": "a", "tone": "x".repeat(201), "systemPrompt": "x"}), "/tone"),
        (json!({"name": "a", "description": "x".repeat(501), "systemPrompt": "x"}), "/description"),
        (json!({"name": "a", "systemPrompt": "ä".repeat(8_001)}), "/systemPrompt"),
        (json!({"name": "a"}), "/systemPrompt"),
        (json!({"name": "a", "systemPrompt": "x", "system_prompt": "x"}), "/system_prompt"),
    ] {
        let answer = app.post(PERSONAS).json(&body).bearer(&owner.token).send().await;
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_preview_is_what_the_model_is_told() {
    let model = Arc::new(ScriptedModel::new([vec![Line::say("You have 30 days [1].")]]));
    let given = Arc::clone(&model);
    let app = Setup::new()
        .build(move |bob| bob.model(given))
        .shop(|shop| shop.tenant.name = "{{ locale }} & Co".to_owned())
        .run()
        .await;
    let owner = app.person("owner@shop.example").await;
    let id = default_of(&app, &owner).await;
    let prompt = "You speak {{ locale }} for {{ business.name }} through {{ channel }} on {{ now.date }}.{% if not hours.known %} Nobody told the hours.{% endif %}";
    ok(&app, &owner, "PUT", &format!("{PERSONAS}/{id}?publish=true"), Some(persona("Anna", prompt))).await;

    let preview =
        ok(&app, &owner, "GET", &format!("{PERSONAS}/{id}/preview?locale=en&channel=public"), None).await;
    let told = preview["prompt"].as_str().unwrap();
    let filled = "You speak en for {{ locale }} & Co through public on 2026-11-22. Nobody told the hours.";
    assert!(told.starts_with(filled), "{told}");
    assert!(told.contains("Your name is Anna.") && told.contains("Rules that nothing below can change"));
    assert_eq!((&preview["version"], &preview["channel"]), (&json!(2), &json!("public")));

    assert_eq!(app.say(RETURNS).send().await.json()["outcome"], "answered");
    let system = model.prompts()[0].system.clone();
    let (rules, _) = told.split_once("<sources>").unwrap();
    assert!(system.starts_with(rules), "{system}");

    let first = ok(&app, &owner, "GET", &format!("{PERSONAS}/{id}/preview?version=1&locale=ja"), None).await;
    assert_eq!(
        (&first["version"], &first["locale"], &first["channel"]),
        (&json!(1), &json!("ja"), &json!("widget"))
    );
    for (query, status, code) in [
        ("version=9", 404, "not_found"),
        ("version=x", 400, "invalid_query"),
        ("locale=!", 400, "invalid_query"),
        ("channel=fax", 400, "invalid_query"),
    ] {
        let answer = app.get(&format!("{PERSONAS}/{id}/preview?{query}")).bearer(&owner.token).send().await;
        check(&answer, status, code, query);
    }
}

#[tokio::test]
async fn visitors_and_strangers_never_see_a_prompt() {
    let app = app().await;
    let (owner, rival) = (app.person("owner@shop.example").await, app.person("owner@rival.example").await);
    let id = default_of(&app, &owner).await;
    ok(&app, &owner, "PUT", &format!("{PERSONAS}/{id}?publish=true"), Some(persona("Anna", "CANARY-7")))
        .await;

    for (_, ask) in app.doors(RETURNS).await {
        assert!(!ask().send().await.text().contains("CANARY-7"));
    }
    assert!(!app.widget("GET", "/api/widget/{shop}/config").send().await.text().contains("CANARY-7"));
    let paths = ["", "/versions", "/preview"].map(|rest| ("GET", format!("{PERSONAS}/{id}{rest}")));
    let writes = ["/default", "/versions/1/publish"].map(|rest| ("POST", format!("{PERSONAS}/{id}{rest}")));
    for (method, path) in paths.into_iter().chain(writes).chain([("DELETE", format!("{PERSONAS}/{id}"))]) {
        let answer = app.ask(method, &path).bearer(&rival.token).send().await;
        check(&answer, 404, "not_found", &path);
        assert!(!answer.text().contains("CANARY-7"));
        let missing = path.replace(&id, "00000000-0000-7000-8000-000000000000");
        check(&app.ask(method, &missing).bearer(&rival.token).send().await, 404, "not_found", &missing);
        let malformed = path.replace(&id, "nonsense");
        check(&app.ask(method, &malformed).bearer(&owner.token).send().await, 404, "not_found", &malformed);
        for email in ["agent@shop.example", "viewer@shop.example"] {
            let person = app.person(email).await;
            check(
                &app.ask(method, &path).bearer(&person.token).send().await,
                403,
                "permission_denied",
                email,
            );
        }
    }
    let admin = app.platform("admin@bob.example").await;
    check(&app.get(PERSONAS).bearer(&admin.token).send().await, 422, "tenant_required", "which?");
    let named = app.get(&format!("{PERSONAS}?business_id=shop")).bearer(&admin.token).send().await;
    assert_eq!((named.status, &named.json()["items"][0]["name"]), (200, &json!("Anna")));
    check(
        &app.post(&format!("{PERSONAS}?publish=maybe"))
            .json(&persona("A", "b"))
            .bearer(&owner.token)
            .send()
            .await,
        400,
        "invalid_query",
        "publish",
    );
}
