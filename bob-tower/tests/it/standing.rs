//! Closed doors: suspension, and deletion with its grace.

use std::sync::Arc;
use std::time::Duration;

use bob_core::Bob;
use bob_core::storage::{CreditStore as _, SharedStorage, TenantStore as _};
use bob_core::tenant::DELETION_GRACE;
use bob_tower::{BobService, Mount};
use serde_json::{Value, json};

use crate::harness::{Answer, App, Ask, OWN, RETURNS, SignedIn, app};

const SHOP: &str = "/api/tenants/{shop}";
const SUSPEND: &str = "/api/tenants/{shop}/suspend";
const RESTORE: &str = "/api/tenants/{shop}/restore";

#[track_caller]
fn check(answer: &Answer, status: u16, code: &str, row: &str) {
    assert_eq!((answer.status, &*answer.code()), (status, code), "{row}: {}", answer.text());
}

/// A change of standing that must succeed; answers the business.
async fn stand(app: &App, person: &SignedIn, method: &str, path: &str) -> Value {
    let ask = app.ask(method, path).bearer(&person.token);
    let ask = if path == SUSPEND { ask.json(&json!({"reason": " unpaid "})) } else { ask };
    let answer = ask.send().await;
    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
    answer.json()
}

#[tokio::test]
async fn closed_doors_answer_visitors_politely_and_cost_nothing() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    let view = stand(&app, &admin, "POST", SUSPEND).await;
    assert_eq!((&view["status"], &view["suspended_reason"]), (&json!("suspended"), &json!("unpaid")));
    app.store.forget();

    for (door, ask) in app.doors(RETURNS).await {
        let answer = ask().send().await;
        check(&answer, 403, "tenant_suspended", door);
        assert!(!answer.text().contains("unpaid"), "visitors are not told why");
        if door == "widget" {
            assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop.example"));
        }
    }
    for path in ["/api/widget/{shop}/config", "/api/widget/{shop}/history?session_id=s"] {
        let answer = app.widget("GET", path).send().await;
        check(&answer, 403, "tenant_suspended", path);
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop.example"), "{path}");
    }
    check(&app.get("/api/chat/history?session_id=s").send().await, 403, "tenant_suspended", "history");
    let turns = app.store.writes();
    assert!(!turns.contains(&"begin_turn"), "{turns:?}");
    assert_eq!(app.settled().await, 0);
    let preflight = app.ask("OPTIONS", "/api/widget/{shop}/chat");
    let preflight =
        preflight.header("origin", "https://shop.example").header("access-control-request-method", "POST");
    assert_eq!(preflight.send().await.status, 204, "so that pages can read the answer");

    stand(&app, &admin, "POST", RESTORE).await;
    for (door, ask) in app.doors(RETURNS).await {
        assert_eq!(ask().send().await.status, 200, "{door}");
    }
}

#[tokio::test]
async fn people_of_a_closed_business_sign_in_and_read_and_change_nothing() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    stand(&app, &admin, "POST", SUSPEND).await;

    let owner = app.person("owner@shop.example").await;
    let own = |method: &str, path: &str| -> Ask { app.ask(method, path).bearer(&owner.token) };
    for path in [
        SHOP,
        "/api/personas",
        "/api/customer-portal/usage",
        "/api/customer-portal/onboarding",
        "/api/auth/me",
    ] {
        assert_eq!(own("GET", path).send().await.status, 200, "{path}");
    }
    for (method, path, body) in [
        ("PATCH", SHOP, json!({"name": "x"})),
        ("DELETE", SHOP, json!({})),
        ("POST", RESTORE, json!({})),
        ("POST", "/api/personas", json!({"name": "x", "systemPrompt": "x"})),
        ("POST", "/api/chat/session", json!({})),
        ("POST", "/api/chat/message", json!({"message": "hi"})),
    ] {
        check(&own(method, path).json(&body).send().await, 403, "tenant_suspended", path);
    }
    // Permission comes first: what they may not do at all is told so.
    let viewer = app.person("viewer@shop.example").await;
    let denied = app.ask("PATCH", SHOP).json(&json!({})).bearer(&viewer.token).send().await;
    check(&denied, 403, "permission_denied", "a viewer");
    assert_eq!(own("POST", "/api/auth/logout").send().await.status, 204);

    let changed =
        app.ask("PATCH", SHOP).json(&json!({"name": "By the platform"})).bearer(&admin.token).send().await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let granted =
        app.post("/api/tenants/{shop}/credits").json(&json!({"amount_millicredits": 5, "reason": "x"}));
    assert_eq!(granted.bearer(&admin.token).send().await.status, 201);
    let said = app.post("/api/chat/message").json(&json!({"message": "hi", "business_id": "shop"}));
    check(&said.bearer(&admin.token).send().await, 403, "tenant_suspended", "no turn, whoever asks");
    let rival = app.person("owner@rival.example").await;
    let other = app
        .ask("PATCH", "/api/tenants/{rival}")
        .json(&json!({"name": "y"}))
        .bearer(&rival.token)
        .send()
        .await;
    assert_eq!(other.status, 200, "nobody else is closed");
}

#[tokio::test]
async fn a_deletion_can_be_taken_back_for_thirty_days_and_is_carried_out_then() {
    let app = app().await;
    let (owner, admin) = (app.person("owner@shop.example").await, app.platform("admin@bob.example").await);
    let view = stand(&app, &owner, "DELETE", SHOP).await;
    assert_eq!((&view["status"], &view["deletes_at"]), (&json!("deleting"), &json!("2026-12-22T12:00:00Z")));
    check(&app.say(RETURNS).send().await, 403, "tenant_suspended", "doors close at once");
    let view = stand(&app, &owner, "POST", RESTORE).await;
    assert_eq!((&view["status"], &view["deletes_at"]), (&json!("active"), &Value::Null));
    assert_eq!(app.say(RETURNS).send().await.status, 200);

    stand(&app, &admin, "POST", SUSPEND).await;
    stand(&app, &admin, "DELETE", SHOP).await;
    let owner = app.person("owner@shop.example").await;
    let view = stand(&app, &owner, "POST", RESTORE).await;
    assert_eq!(view["status"], "suspended", "the platform's suspension is not the owner's to lift");
    check(
        &app.post(RESTORE).bearer(&owner.token).send().await,
        403,
        "tenant_suspended",
        "nothing to take back",
    );

    stand(&app, &admin, "DELETE", SHOP).await;
    app.clock.advance(DELETION_GRACE);
    let admin = app.platform("admin@bob.example").await;
    check(&app.post(RESTORE).bearer(&admin.token).send().await, 409, "deletion_begun", "too late");
    let act = app.bob.system_act("deletion");
    while app.store.erase_tenant(&act, &app.shop.id, 100).await.unwrap() {}
    app.bob.directory().forget(&app.shop.id);
    check(&app.get(SHOP).bearer(&admin.token).send().await, 404, "not_found", "gone");
    let widget = app.widget_say(RETURNS).send().await;
    check(&widget, 401, "unknown_widget_key", "its key with it");
    assert!(app.store.credit_balance(&app.shop.id).await.is_err());
    let login = app.post("/api/customers/auth/login");
    let login = login
        .json(&json!({"email": "owner@shop.example", "password": crate::harness::PASSWORD}))
        .send()
        .await;
    check(&login, 401, "invalid_credentials", "nobody is at home");
}

#[tokio::test]
async fn a_suspension_has_a_reason() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    for body in
        [json!({}), json!({"reason": " "}), json!({"reason": "a\nb"}), json!({"reason": "x".repeat(501)})]
    {
        let answer = app.post(SUSPEND).json(&body).bearer(&admin.token).send().await;
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["pointer"]),
            (422, &json!("/reason")),
            "{body}"
        );
    }
    check(&app.post(SUSPEND).json(&json!({"reason": "x"})).send().await, 401, "unauthorized", "nobody");
}

#[tokio::test]
async fn a_change_is_felt_here_at_once_and_on_other_nodes_within_a_second() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    let storage: SharedStorage = Arc::clone(&app.store) as _;
    let other = Bob::build(storage).clock(Arc::clone(&app.clock) as _).build().await.unwrap();
    let running = other.start().unwrap();
    let mount = Mount::at([OWN]).unwrap().default_tenant(app.shop.id);
    let service = BobService::new(other, mount);
    let there = async || {
        let ask = Ask::new(service.clone(), "POST", "/api/chat").json(&json!({"message": RETURNS}));
        ask.send().await.status
    };
    let here = async || app.say(RETURNS).send().await.status;
    assert_eq!((here().await, there().await), (200, 200));

    for (path, status) in [(SUSPEND, 403), (RESTORE, 200)] {
        stand(&app, &admin, "POST", path).await;
        assert_eq!(here().await, status, "at once");
        app.clock.advance(Duration::from_millis(999));
        let before = if status == 403 { 200 } else { 403 };
        assert_eq!(there().await, before, "what is known there holds for a second");
        app.clock.advance(Duration::from_millis(1));
        assert_eq!(there().await, status, "and no longer");
    }
    assert!(running.drain(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn a_visitor_who_asks_for_a_person_outside_of_hours_is_told_when_one_comes() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let ask = async || app.say("I want to talk to a person").send().await.json();
    let answer = ask().await;
    assert_eq!(
        (&answer["outcome"], &answer["handoff"]),
        (&json!("escalated"), &json!({"to": "our team"})),
        "no hours"
    );

    let day = json!([{"from": "09:00", "to": "17:00"}]);
    let hours = json!({"hours": {"week": {"monday": day, "tuesday": day}}, "time_zone": "Europe/Berlin"});
    let told = app.ask("PATCH", SHOP).json(&hours).bearer(&owner.token).send().await;
    assert_eq!(told.status, 200, "{}", told.text());
    // Tests begin on a Sunday at noon.
    assert_eq!(ask().await["handoff"], json!({"to": "our team", "expected_at": "2026-11-23T08:00:00Z"}));
    app.clock.advance(Duration::from_secs(21 * 60 * 60));
    assert_eq!(ask().await["handoff"], json!({"to": "our team"}), "somebody is there");
}
