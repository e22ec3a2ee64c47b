//! The audit over HTTP: a business sees what was done to it, by whomever, and nobody else's rows.

use std::time::Duration;

use bob_core::audit::{AuditFilter, AuditQuery};
use bob_core::storage::AuditStore as _;
use serde_json::{Value, json};

use crate::harness::{App, Fault, RETURNS, SignedIn, app};

const AUDIT: &str = "/api/audit";

async fn rows(app: &App, person: &SignedIn, query: &str) -> Vec<Value> {
    let answer = app.get(&format!("{AUDIT}?{query}")).bearer(&person.token).send().await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer.json()["items"].as_array().unwrap().clone()
}

#[track_caller]
fn operations(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["operation"].as_str().unwrap()).collect()
}

/// How many rows the shop's audit has in storage, by operation.
async fn stored(app: &App, operation: &str) -> usize {
    let filter = AuditFilter { operation: Some(operation.to_owned()), ..AuditFilter::default() };
    let query = AuditQuery { filter, behind: None, limit: 1_000, look_at: 10_000 };
    app.store.audit(&app.shop.id, query).await.unwrap().rows.len()
}

#[tokio::test]
async fn a_business_sees_who_did_what_to_it_through_what_and_why() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    app.widget_say(RETURNS).send().await;
    let grant = json!({"amount_millicredits": 5_000, "reason": "a present"});
    let granted = app.post("/api/tenants/{shop}/credits").json(&grant).bearer(&admin.token).send().await;
    let owner = app.person("owner@shop.example").await;
    let id = owner.body["user"]["id"].clone();

    let rows = rows(&app, &owner, "limit=4").await;

    assert_eq!(operations(&rows), ["open_login", "change_credits", "finish_turn", "begin_turn"]);
    let sign_in = &rows[0];
    let anna = json!({"kind": "account", "id": id, "name": "Anna", "platform": false});
    assert_eq!((&sign_in["principal"], &sign_in["via"]), (&anna, &json!("account")));
    assert_eq!((&sign_in["address"], &sign_in["part_of"]), (&json!("192.0.2.1"), &id));
    let present = &rows[1];
    let platform = &admin.body["user"]["id"];
    let platform = json!({"kind": "account", "id": platform, "name": "Platform", "platform": true});
    assert_eq!((&present["principal"], &present["via"]), (&platform, &json!("control")));
    assert_eq!((&present["reason"], &present["address"]), (&json!("a present"), &Value::Null));
    assert_eq!(present["request_id"], granted.header("x-request-id").unwrap());
    for turn in &rows[2..] {
        assert_eq!(
            (&turn["principal"]["kind"], &turn["principal"]["name"]),
            (&json!("visitor"), &json!("Visitor"))
        );
        assert_eq!((&turn["via"], &turn["address"]), (&json!("widget_door"), &Value::Null));
        assert_eq!(turn["subject"], rows[2]["subject"]);
    }
    let of_platform = self::rows(&app, &admin, "business_id=shop&operation=change_credits").await;
    assert_eq!(of_platform[0]["address"], "192.0.2.1", "platform people are told where theirs are");
    assert_eq!(of_platform[0]["principal"]["name"], "Platform");
}

#[tokio::test]
async fn platform_people_see_the_platforms_own_rows_unless_they_name_a_business() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    let auditor = app.platform("auditor@bob.example").await;

    let own = rows(&app, &auditor, "operation=open_login").await;

    let people: Vec<_> = own.iter().map(|row| (&row["principal"]["id"], &row["principal"]["name"])).collect();
    let id = |person: &SignedIn| person.body["user"]["id"].clone();
    let (first, second) = (id(&auditor), id(&admin));
    assert_eq!(people, [(&first, &json!("Anna")), (&second, &json!("Anna"))]);
    let of_shop = rows(&app, &auditor, "business_id=shop&operation=onboard").await;
    assert_eq!(of_shop[0]["subject"], app.shop.id.to_string());
    assert_eq!(of_shop[0]["principal"]["name"], "Bob");
}

#[tokio::test]
async fn only_those_who_may_read_an_audit_do_and_only_their_own() {
    let app = app().await;
    for (email, status) in [
        ("owner@shop.example", 200),
        ("manager@shop.example", 200),
        ("agent@shop.example", 403),
        ("viewer@shop.example", 403),
    ] {
        let person = app.person(email).await;
        assert_eq!(app.get(AUDIT).bearer(&person.token).send().await.status, status, "{email}");
    }
    assert_eq!(app.get(AUDIT).send().await.status, 401);
    let owner = app.person("owner@shop.example").await;
    let mut refusals = Vec::new();
    let missing = bob_core::id::TenantId::new().to_string();
    for other in
        [app.rival.id.to_string(), "rival".to_owned(), missing, "no-such".to_owned(), "%20".to_owned()]
    {
        let answer = app.get(&format!("{AUDIT}?business_id={other}")).bearer(&owner.token).send().await;
        assert_eq!(answer.status, 404, "{other}");
        let mut problem = answer.json();
        problem.as_object_mut().unwrap().remove("request_id");
        refusals.push(problem);
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "a business that is another's is one that is not there");
    for row in rows(&app, &owner, "").await {
        assert!(!row.to_string().contains(&app.rival.id.to_string()));
    }
}

#[tokio::test]
async fn an_audit_is_filtered_and_read_in_pages() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let visitor = app.say(RETURNS).send().await;
    let turn = visitor.json()["turn_id"].as_str().unwrap().to_owned();
    let anna = owner.body["user"]["id"].as_str().unwrap();

    assert_eq!(operations(&rows(&app, &owner, &format!("principal={anna}")).await), ["open_login"]);
    let of_turn = rows(&app, &owner, &format!("subject={turn}")).await;
    assert_eq!(operations(&of_turn), ["finish_turn", "begin_turn"]);
    let conversation = of_turn[0]["part_of"].as_str().unwrap();
    assert_eq!(rows(&app, &owner, &format!("subject={conversation}")).await, of_turn);
    assert_eq!(operations(&rows(&app, &owner, "operation=add_").await), ["add_widget_key"; 2]);
    assert_eq!(rows(&app, &owner, "to=2026-11-22T12:00:00Z").await, [Value::Null; 0]);
    assert_eq!(rows(&app, &owner, "from=2026-11-22T13:00:00%2B01:00").await, rows(&app, &owner, "").await);

    let whole = rows(&app, &owner, "").await;
    let (mut read, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("{AUDIT}?limit=2{cursor}")).bearer(&owner.token).send().await.json();
        read.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(read, whole);
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let long = format!("operation={}", "a".repeat(65));
    for query in [
        "principal=anna",
        "principal=",
        "principal=0190000000007000800000000000000f",
        "principal=%7B01900000-0000-7000-8000-00000000000f%7D",
        "subject=1",
        "subject=%00",
        "operation=",
        "operation=%25",
        "operation=begin_turn%27%20OR%201=1",
        "operation=Begin",
        "operation=%C3%A4",
        "operation=a&operation=b",
        &long,
        "from=yesterday",
        "from=2026-11-22",
        "from=2026-13-01T00:00:00Z",
        "from=",
        "to=1795348800",
        "to=2026-11-22T12:00:00",
        "to=%ff",
        "limit=0",
        "limit=201",
        "cursor=x",
        "business_id=shop&business_id=shop",
    ] {
        let answer = app.get(&format!("{AUDIT}?{query}")).bearer(&owner.token).send().await;
        assert_eq!((answer.status, &*answer.code()), (400, "invalid_query"), "{query}: {}", answer.text());
    }
}

#[tokio::test]
async fn what_platform_people_read_of_a_business_stands_in_its_audit_once_a_minute() {
    let app = app().await;
    let auditor = app.platform("auditor@bob.example").await;
    let admin = app.platform("admin@bob.example").await;
    let read = async |person: &SignedIn, path: &str| {
        let answer = app.get(path).bearer(&person.token).send().await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    };
    for _ in 0..3 {
        read(&auditor, "/api/tenants/{shop}/usage").await;
        read(&auditor, "/api/tenants/shop/usage").await;
    }
    assert_eq!(stored(&app, "platform_read").await, 1);
    read(&auditor, "/api/tenants/{shop}/ledger").await;
    read(&auditor, "/api/tenants/{rival}/usage").await;
    read(&admin, "/api/tenants/{shop}/usage").await;
    assert_eq!(stored(&app, "platform_read").await, 3);
    app.clock.advance(Duration::from_secs(60));
    read(&auditor, "/api/tenants/{shop}/usage").await;
    assert_eq!(stored(&app, "platform_read").await, 4);

    let owner = app.person("owner@shop.example").await;
    let rows = rows(&app, &owner, "operation=platform_read").await;
    assert_eq!(rows[0]["reason"], "GET /api/tenants/{tenant}/usage");
    assert_eq!(
        (&rows[0]["principal"]["name"], &rows[0]["principal"]["platform"]),
        (&json!("Platform"), &json!(true))
    );
    assert_eq!(rows[0]["subject"], app.shop.id.to_string());
    read(&owner, "/api/customer-portal/usage").await;
    assert_eq!(stored(&app, "platform_read").await, 4, "a business's own people read their own");
}

#[tokio::test]
async fn what_cannot_be_noted_is_not_read() {
    let app = app().await;
    let auditor = app.platform("auditor@bob.example").await;
    let read = || app.get("/api/tenants/{shop}/usage").bearer(&auditor.token).send();
    app.store.fail(Fault::GoneFor("note_read"));
    assert_eq!((read().await.status, read().await.status), (503, 503));
    app.store.fail(Fault::None);
    assert_eq!(read().await.status, 200);
    assert_eq!(stored(&app, "platform_read").await, 1);
}
