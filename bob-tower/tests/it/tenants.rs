//! Businesses over HTTP: who sees and changes what of them.

use bob_core::account::AccountKind;
use bob_core::storage::TenantStore as _;
use serde_json::{Value, json};

use crate::harness::{Answer, App, Fault, SignedIn, app};

const SHOP: &str = "/api/tenants/{shop}";

#[track_caller]
fn check(answer: &Answer, status: u16, code: &str, row: &str) {
    assert_eq!((answer.status, &*answer.code()), (status, code), "{row}: {}", answer.text());
}

async fn patch(app: &App, person: &SignedIn, body: Value) -> Answer {
    app.ask("PATCH", SHOP).json(&body).bearer(&person.token).send().await
}

/// The pointers of what is wrong with a body.
fn pointers(answer: &Answer) -> Vec<String> {
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| error["pointer"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_business_tells_about_itself_and_everybody_in_it_reads_that() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let told = json!({
        "name": " Shop & Söhne ",
        "languages": ["de", "en-GB"],
        "hosts": ["Help.Shop.Example"],
        "contact": {"email": "Help@Shop.example", "phone": "040 123", "address": "Am Markt 1\nHamburg", "website": null},
        "hours": {
            "week": {"monday": [{"from": "09:00", "to": "12:00"}, {"from": "13:00", "to": "17:00"}], "sunday": [{"from": "20:00", "to": "02:00"}]},
            "holidays": [{"date": "2026-12-25", "name": "Weihnachten"}, {"date": "2026-12-24", "name": "Heiligabend", "hours": [{"from": "09:00", "to": "12:00"}]}],
        },
        "time_zone": "europe/berlin",
        "visitor_budget_millicredits": 5_000,
    });

    let answer = patch(&app, &owner, told).await;

    assert_eq!((answer.status, answer.header("etag")), (200, Some("\"2\"")), "{}", answer.text());
    let expected = json!({
        "id": app.shop.id.to_string(),
        "slug": "shop",
        "name": "Shop & Söhne",
        "languages": ["de", "en"],
        "hosts": ["help.shop.example"],
        "contact": {"email": "help@shop.example", "phone": "040 123", "address": "Am Markt 1\nHamburg", "website": null},
        "hours": {
            "week": {
                "monday": [{"from": "09:00", "to": "12:00"}, {"from": "13:00", "to": "17:00"}],
                "tuesday": [], "wednesday": [], "thursday": [], "friday": [], "saturday": [],
                "sunday": [{"from": "20:00", "to": "02:00"}],
            },
            "holidays": [
                {"date": "2026-12-24", "name": "Heiligabend", "hours": [{"from": "09:00", "to": "12:00"}]},
                {"date": "2026-12-25", "name": "Weihnachten", "hours": []},
            ],
        },
        "time_zone": "Europe/Berlin",
        "plan": null,
        "billing_day": 1,
        "visitor_budget_millicredits": 5_000,
        "status": "active",
        "suspended_at": null,
        "suspended_reason": null,
        "deletes_at": null,
        "version": 2,
    });
    assert_eq!(answer.json(), expected);
    for email in ["viewer@shop.example", "agent@shop.example"] {
        let person = app.person(email).await;
        for path in [SHOP, "/api/tenants/shop"] {
            let read = app.get(path).bearer(&person.token).send().await;
            assert_eq!((read.status, read.json()), (200, expected.clone()), "{email}");
        }
    }
    let cleared =
        patch(&app, &owner, json!({"hours": null, "contact": {}, "visitor_budget_millicredits": null})).await;
    let view = cleared.json();
    assert_eq!((&view["hours"], &view["visitor_budget_millicredits"]), (&Value::Null, &Value::Null));
    assert_eq!(
        (&view["contact"]["phone"], &view["name"]),
        (&Value::Null, &json!("Shop & Söhne")),
        "absent stays"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_business_is_named() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let many: Vec<String> = (0..21).map(|number| format!("h{number}.shop.example")).collect();
    for (body, pointer) in [
        (json!({"name": ""}), "/name"),
        (json!({"name": "a\u{0}b"}), "/name"),
        (json!({"name": null, "slug": "other"}), "/slug"),
        (json!({"languages": []}), "/languages"),
        (json!({"languages": ["en", "en-US"]}), "/languages"),
        (json!({"languages": ["klingon!"]}), "/languages"),
        (json!({"hosts": ["shop.example", "127.0.0.1"]}), "/hosts/1"),
        (json!({"hosts": ["co.uk"]}), "/hosts/0"),
        (json!({"hosts": ["localhost"]}), "/hosts/0"),
        (json!({"hosts": ["https://shop.example"]}), "/hosts/0"),
        (json!({"hosts": ["shop.example", "SHOP.example."]}), "/hosts"),
        (json!({"hosts": many}), "/hosts"),
        (json!({"contact": {"email": "nobody"}}), "/contact/email"),
        (json!({"contact": {"phone": "call me"}}), "/contact/phone"),
        (json!({"contact": {"website": "javascript:alert(1)"}}), "/contact/website"),
        (json!({"contact": {"fax": "1"}}), "/contact/fax"),
        (json!({"hours": {"week": {"monday": [{"from": "9", "to": "17:00"}]}}}), "/hours"),
        (
            json!({"hours": {"week": {"monday": [{"from": "09:00", "to": "12:00"}, {"from": "11:00", "to": "13:00"}]}}}),
            "/hours",
        ),
        (json!({"hours": {"week": {"funday": []}}}), "/hours/week/funday"),
        (json!({"hours": {"holidays": [{"date": "25.12.2026", "name": "x"}]}}), "/hours"),
        (json!({"hours": {"holidays": [{"date": "2026-02-30", "name": "x"}]}}), "/hours"),
        (json!({"time_zone": "Mars/Olympus"}), "/time_zone"),
        (json!({"time_zone": "../../etc/passwd"}), "/time_zone"),
        (json!({"visitor_budget_millicredits": -1}), "/visitor_budget_millicredits"),
        (json!({"standing": {}}), "/standing"),
    ] {
        let answer = patch(&app, &owner, body.clone()).await;
        assert_eq!(
            (answer.status, pointers(&answer)),
            (422, vec![pointer.to_owned()]),
            "{body}: {}",
            answer.text()
        );
    }
    let known = app.get(SHOP).bearer(&owner.token).send().await;
    assert_eq!(known.json()["version"], 1, "nothing of it was stored");
}

#[tokio::test]
async fn plan_and_billing_day_are_the_platforms() {
    let app = app().await;
    let (owner, admin) = (app.person("owner@shop.example").await, app.platform("admin@bob.example").await);
    for body in [json!({"plan": "Enterprise"}), json!({"plan": null}), json!({"billing_day": 3})] {
        check(&patch(&app, &owner, body).await, 403, "permission_denied", "an owner");
    }
    let answer = patch(&app, &admin, json!({"plan": "Pro", "billing_day": 31})).await;
    assert_eq!((&answer.json()["plan"], &answer.json()["billing_day"]), (&json!("Pro"), &json!(31)));
    check(&patch(&app, &admin, json!({"plan": "Gold"})).await, 422, "validation_failed", "no such plan");
    check(&patch(&app, &admin, json!({"billing_day": 32})).await, 422, "validation_failed", "no such day");
}

#[tokio::test]
async fn who_holds_no_permission_changes_nothing_and_a_strange_business_is_not_there() {
    let app = app().await;
    for (email, kind, own) in [
        ("manager@shop.example", AccountKind::Tenant, 403),
        ("viewer@shop.example", AccountKind::Tenant, 403),
        ("auditor@bob.example", AccountKind::Platform, 403),
        ("owner@rival.example", AccountKind::Tenant, 404),
    ] {
        let person = match kind {
            AccountKind::Tenant => app.person(email).await,
            AccountKind::Platform => app.platform(email).await,
        };
        for (method, path) in [("PATCH", SHOP), ("DELETE", SHOP), ("POST", "/api/tenants/{shop}/restore")] {
            let answer = app.ask(method, path).json(&json!({})).bearer(&person.token).send().await;
            assert_eq!(answer.status, own, "{email} {method} {path}: {}", answer.text());
        }
        for (method, path) in
            [("POST", "/api/tenants/{shop}/suspend"), ("POST", "/api/tenants"), ("POST", "/api/onboarding")]
        {
            let answer =
                app.ask(method, path).json(&json!({"reason": "x"})).bearer(&person.token).send().await;
            check(&answer, 403, "permission_denied", &format!("{email} {method} {path}"));
        }
    }
    let rival = app.person("owner@rival.example").await;
    check(&app.get("/api/tenants").bearer(&rival.token).send().await, 403, "permission_denied", "the list");
    for path in [
        SHOP,
        "/api/tenants/shop",
        "/api/tenants/nobody",
        "/api/tenants/00000000-0000-0000-0000-000000000000",
        "/api/tenants/%00",
    ] {
        check(&app.get(path).bearer(&rival.token).send().await, 404, "not_found", path);
    }
    let shop = app.store.tenant_snapshot(&app.shop.id).await.unwrap().tenant;
    assert_eq!(shop.revision, 1);
}

#[tokio::test]
async fn a_change_is_made_at_the_version_that_was_read() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let change = async |name: &str, version: &str| {
        let ask = app.ask("PATCH", SHOP).json(&json!({"name": name})).bearer(&owner.token);
        ask.header("if-match", version).send().await
    };
    assert_eq!(change("First", "\"1\"").await.status, 200);
    check(&change("Late", "\"1\"").await, 412, "precondition_failed", "an old version");
    check(&change("Odd", "\"x\"").await, 412, "precondition_failed", "no version of ours");
    assert_eq!(change("Any", "*").await.json()["version"], 3);
    // Those who insist on nothing lose nothing to each other.
    let (a, b, c) = tokio::join!(
        patch(&app, &owner, json!({"name": "Both"})),
        patch(&app, &owner, json!({"contact": {"phone": "040 123"}})),
        patch(&app, &owner, json!({"languages": ["de"]})),
    );
    assert_eq!([a.status, b.status, c.status], [200, 200, 200]);
    let shop = app.get(SHOP).bearer(&owner.token).send().await.json();
    let told = (&shop["name"], &shop["contact"]["phone"], &shop["languages"], &shop["version"]);
    assert_eq!(told, (&json!("Both"), &json!("040 123"), &json!(["de"]), &json!(6)));
}

#[tokio::test]
async fn a_host_has_one_business_and_the_mounts_own_is_no_tenants_to_take() {
    let app = app().await;
    let (owner, admin) = (app.person("owner@shop.example").await, app.platform("admin@bob.example").await);
    let hosts = |host: &str| json!({"hosts": [host]});
    check(&patch(&app, &owner, hosts("rival.example")).await, 409, "host_taken", "another's");
    check(
        &patch(&app, &owner, hosts("RIVAL.example.")).await,
        409,
        "host_taken",
        "another's, spelled otherwise",
    );
    check(&patch(&app, &owner, hosts("bob.example")).await, 409, "host_taken", "the mount's own");
    assert_eq!(patch(&app, &owner, hosts("new.shop.example")).await.status, 200);
    // Felt at once on this node.
    let asked = app.say("Hello").header("host", "new.shop.example").send().await;
    assert_eq!(asked.status, 200, "{}", asked.text());
    assert_eq!(patch(&app, &admin, hosts("bob.example")).await.status, 200, "the platform may");
    assert_eq!(patch(&app, &owner, json!({"hosts": ["bob.example", "b.shop.example"]})).await.status, 200);
}

#[tokio::test]
async fn platform_people_list_all_businesses_in_pages() {
    let app = app().await;
    let mut ids = [app.shop.id.to_string(), app.rival.id.to_string()];
    ids.sort();
    for email in ["admin@bob.example", "operator@bob.example", "auditor@bob.example"] {
        let person = app.platform(email).await;
        let page = async |query: &str| {
            let answer = app.get(&format!("/api/tenants{query}")).bearer(&person.token).send().await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            answer.json()
        };
        let first = page("?limit=1").await;
        assert_eq!((&first["items"][0]["id"], &first["next_cursor"]), (&json!(ids[0]), &json!(ids[0])));
        let second = page(&format!("?limit=1&cursor={}", ids[0])).await;
        assert_eq!((&second["items"][0]["id"], &second["next_cursor"]), (&json!(ids[1]), &Value::Null));
        assert_eq!(page("").await["items"].as_array().unwrap().len(), 2);
    }
    let admin = app.platform("admin@bob.example").await;
    for query in ["?limit=0", "?limit=201", "?cursor=x"] {
        let answer = app.get(&format!("/api/tenants{query}")).bearer(&admin.token).send().await;
        check(&answer, 400, "invalid_query", query);
    }
}

#[tokio::test]
async fn a_new_business_has_a_name_that_nobody_else_can_take_for_his() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    let create = async |body: Value| app.post("/api/tenants").json(&body).bearer(&admin.token).send().await;
    let made =
        create(json!({"slug": "bakery", "name": "Bakery", "plan": "Starter", "time_zone": "Asia/Tokyo"}))
            .await;
    assert_eq!((made.status, made.header("etag")), (201, Some("\"1\"")), "{}", made.text());
    let view = made.json();
    assert_eq!(
        (&view["slug"], &view["time_zone"], &view["languages"]),
        (&json!("bakery"), &json!("Asia/Tokyo"), &json!(["en"]))
    );
    let usage = app.get("/api/tenants/bakery/usage").bearer(&admin.token).send().await.json();
    assert_eq!(usage["balance"]["granted_millicredits"], 15_000_000);

    check(&create(json!({"slug": "bakery", "name": "Other"})).await, 409, "slug_taken", "twice");
    check(
        &create(json!({"slug": "b2", "name": "B", "hosts": ["shop.example"]})).await,
        409,
        "host_taken",
        "a host",
    );
    for slug in
        ["www", "api", "admin", "widget", "bob", "A", "-a", "a.b", "", "00000000-0000-0000-0000-000000000000"]
    {
        let answer = create(json!({"slug": slug, "name": "B"})).await;
        assert_eq!(
            (answer.status, pointers(&answer)),
            (422, vec!["/slug".to_owned()]),
            "{slug}: {}",
            answer.text()
        );
    }
    check(
        &create(json!({"slug": "b3", "name": "B", "plan": "Gold"})).await,
        422,
        "validation_failed",
        "no plan",
    );

    let once = async |body: Value| {
        let ask = app.post("/api/tenants").json(&body).bearer(&admin.token);
        ask.header("idempotency-key", "one").send().await
    };
    let (first, again) = (
        once(json!({"slug": "cafe", "name": "Café"})).await,
        once(json!({"slug": "cafe", "name": "Café"})).await,
    );
    assert_eq!((first.status, first.header("idempotent-replayed")), (201, None));
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")));
    assert_eq!(first.json(), again.json());
    check(&once(json!({"slug": "cafe", "name": "Other"})).await, 422, "idempotency_mismatch", "another name");
    check(&once(json!({"slug": "other", "name": "Café"})).await, 422, "idempotency_mismatch", "another slug");
}

#[tokio::test]
async fn when_the_database_is_gone_nothing_is_made() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    for operation in ["change_tenant", "onboard", "change_standing", "tenants"] {
        app.store.fail(Fault::GoneFor(operation));
        let ask = match operation {
            "change_tenant" => app.ask("PATCH", SHOP).json(&json!({"name": "x"})),
            "onboard" => app.post("/api/tenants").json(&json!({"slug": "x", "name": "x"})),
            "change_standing" => app.ask("DELETE", SHOP),
            _ => app.get("/api/tenants"),
        };
        check(&ask.bearer(&admin.token).send().await, 503, "storage_unavailable", operation);
    }
}
