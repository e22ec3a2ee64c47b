//! Onboarding in one call, and the first six steps.

use bob_core::storage::{AccountStore as _, TenantStore as _};
use serde_json::{Value, json};

use crate::harness::{Answer, App, RETURNS, SignedIn, app};

const CHECKLIST: &str = "/api/customer-portal/onboarding";

#[track_caller]
fn check(answer: &Answer, status: u16, code: &str, row: &str) {
    assert_eq!((answer.status, &*answer.code()), (status, code), "{row}: {}", answer.text());
}

fn bakery() -> Value {
    json!({
        "tenant": {"slug": "bakery", "name": "Bakery {{ locale }}", "languages": ["de", "en"], "plan": "Pro"},
        "owner": {"email": "Berta@bakery.example", "name": "Berta"},
        "origins": ["https://bakery.example", "https://*.bakery.example"],
    })
}

async fn onboard(app: &App, person: &SignedIn, body: &Value, key: Option<&str>) -> Answer {
    let ask = app.post("/api/onboarding").json(body).bearer(&person.token);
    let ask = match key {
        Some(key) => ask.header("idempotency-key", key),
        None => ask,
    };
    ask.send().await
}

#[tokio::test]
async fn one_call_makes_a_business_that_answers_its_first_visitor() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    let answer = onboard(&app, &admin, &bakery(), None).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let made = answer.json();
    let id = made["tenant"]["id"].as_str().unwrap();
    assert_eq!(made["widget_key"]["origins"], json!(["https://bakery.example", "https://*.bakery.example"]));
    assert_eq!(made["owner"], json!({"email": "berta@bakery.example", "can_sign_in": false, "mail": "none"}));
    let script = format!("https://bob.example/widget/{id}/widget.js");
    assert_eq!(made["embed"]["script_url"], json!(script));
    assert!(made["embed"]["html"].as_str().unwrap().contains(&script));

    let key = made["widget_key"]["key"].as_str().unwrap();
    let page = |origin: &str| {
        let ask = app.post("/api/widget/chat").header("x-widget-key", key).header("origin", origin);
        ask.json(&json!({"message": "Hello"}))
    };
    let said = page("https://shop.bakery.example").send().await;
    assert_eq!((said.status, &said.json()["outcome"]), (200, &json!("clarify")), "{}", said.text());
    check(&page("https://evil.example").send().await, 403, "origin_not_allowed", "another page");

    let usage = app.get("/api/tenants/bakery/usage").bearer(&admin.token).send().await.json();
    assert_eq!(
        (&usage["plan"], &usage["balance"]["granted_millicredits"]),
        (&json!("Pro"), &json!(75_000_000))
    );
    let berta = app.store.account_by_email(&"berta@bakery.example".parse().unwrap()).await.unwrap().unwrap();
    let memberships = app.store.memberships(&berta.id).await.unwrap();
    assert_eq!((memberships.len(), memberships[0].role.as_str()), (1, "owner"));
    assert!(berta.password.is_none() && berta.platform_role.is_none());
}

#[tokio::test]
async fn an_onboarding_that_is_sent_again_makes_nothing_again() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    let first = onboard(&app, &admin, &bakery(), Some("one")).await;
    app.store.forget();
    let again = onboard(&app, &admin, &bakery(), Some("one")).await;
    assert_eq!((first.status, again.status), (201, 201), "{}", again.text());
    assert_eq!((first.json(), again.header("idempotent-replayed")), (again.json(), Some("true")));
    assert!(!app.store.writes().contains(&"onboard"));

    let mut other = bakery();
    other["tenant"]["slug"] = json!("other");
    check(&onboard(&app, &admin, &other, Some("one")).await, 422, "idempotency_mismatch", "another body");
    check(&onboard(&app, &admin, &bakery(), Some("two")).await, 409, "slug_taken", "another key");
    let operator = app.platform("operator@bob.example").await;
    check(&onboard(&app, &operator, &bakery(), Some("one")).await, 409, "slug_taken", "another person's key");
    let (a, b) =
        tokio::join!(onboard(&app, &admin, &other, Some("3")), onboard(&app, &admin, &other, Some("3")));
    assert_eq!((a.status, b.status, &a.json()["tenant"]["id"]), (201, 201, &b.json()["tenant"]["id"]));
}

#[tokio::test]
async fn what_is_wrong_with_an_onboarding_is_named_and_nothing_of_it_is_made() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    app.store.forget();
    let many: Vec<String> = (0..201).map(|n| format!("https://h{n}.example")).collect();
    for (at, value, pointer) in [
        ("/tenant/slug", json!("www"), "/tenant/slug"),
        ("/tenant/slug", json!("Bakery"), "/tenant/slug"),
        ("/tenant/name", json!(" "), "/tenant/name"),
        ("/tenant/plan", json!("Gold"), "/tenant/plan"),
        ("/tenant/languages", json!([]), "/tenant/languages"),
        ("/owner/email", json!("berta"), "/owner/email"),
        ("/owner/name", json!(""), "/owner/name"),
        ("/origins", json!([]), "/origins"),
        ("/origins", json!(many), "/origins"),
        ("/origins", json!(["https://a.example", "https://*.com"]), "/origins/1"),
        ("/origins", json!(["*"]), "/origins/0"),
        ("/origins", json!(["null"]), "/origins/0"),
        ("/persona", json!({"name": "", "systemPrompt": "x"}), "/persona/name"),
        ("/persona", json!({"name": "B", "systemPrompt": "a\n{{ x }}"}), "/persona/systemPrompt"),
    ] {
        let mut body = bakery();
        if at == "/tenant/plan" || at.starts_with("/tenant") || at.starts_with("/owner") {
            *body.pointer_mut(at).unwrap() = value.clone();
        } else {
            body[&at[1..]] = value.clone();
        }
        let answer = onboard(&app, &admin, &body, None).await;
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{at} {value}: {}",
            answer.text()
        );
    }
    for missing in ["tenant", "owner", "origins"] {
        let mut body = bakery();
        body.as_object_mut().unwrap().remove(missing);
        let answer = onboard(&app, &admin, &body, None).await;
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["code"]),
            (422, &json!("required")),
            "{missing}"
        );
    }
    assert_eq!(app.store.writes(), [""; 0]);
    assert!(app.store.find_tenant(&"bakery".parse().unwrap()).await.unwrap().is_none());
}

#[tokio::test]
async fn the_checklist_tells_what_is_there_and_nothing_else() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    onboard(&app, &admin, &bakery(), None).await;
    let done = async |path: &str, person: &SignedIn| {
        let answer = app.get(path).bearer(&person.token).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let view = answer.json();
        let items = view["items"].as_array().unwrap().clone();
        assert_eq!(items.len(), 6);
        let done: Vec<String> = items
            .iter()
            .filter(|item| item["done"] == json!(true))
            .map(|item| item["step"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(view["done"], json!(done.len()));
        done
    };
    let bakery = format!("{CHECKLIST}?business_id=bakery");
    assert_eq!(done(&bakery, &admin).await, ["tenant", "channel", "origins"]);

    let owner = app.person("owner@shop.example").await;
    assert_eq!(done(CHECKLIST, &owner).await, ["tenant", "channel", "credentials", "origins"]);
    app.say(RETURNS).send().await;
    let profile = json!({"contact": {"phone": "040 123"}, "hours": {}});
    app.ask("PATCH", "/api/tenants/shop").json(&profile).bearer(&owner.token).send().await;
    let all = ["tenant", "profile", "channel", "credentials", "origins", "test_conversation"];
    assert_eq!(done(CHECKLIST, &owner).await, all);
    let viewer = app.person("viewer@shop.example").await;
    assert_eq!(done(CHECKLIST, &viewer).await, all, "a member may look");
    check(&app.get(CHECKLIST).bearer(&admin.token).send().await, 422, "tenant_required", "which?");
    check(&app.get(&bakery).bearer(&owner.token).send().await, 404, "not_found", "another's");
}
