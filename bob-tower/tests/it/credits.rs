//! Usage, the ledger and grants: each business sees its own, platform people name one, and only they grant.

use std::collections::BTreeSet;
use std::time::Duration;

use bob_core::credit::{Billing, CreditChange, MilliCredits};
use bob_core::id::TenantId;
use bob_core::storage::CreditStore as _;
use serde_json::{Value, json};

use crate::harness::{Answer, App, Ask, Fault, OWN, RETURNS, Setup, SignedIn, app};

const USAGE: &str = "/api/customer-portal/usage";
const LEDGER: &str = "/api/customer-portal/ledger";
const CREDITS: &str = "/api/tenants/{shop}/credits";

fn grant(amount: i64, reason: &str) -> Value {
    json!({"amount_millicredits": amount, "reason": reason})
}

/// A change that must be entered; answers the entry.
async fn enter(app: &App, person: &SignedIn, body: &Value) -> Value {
    let answer = app.post(CREDITS).json(body).bearer(&person.token).send().await;
    assert_eq!(answer.status, 201, "{body}: {}", answer.text());
    answer.json()
}

#[track_caller]
fn check(answer: &Answer, status: u16, code: &str, row: &str) {
    assert_eq!((answer.status, &*answer.code()), (status, code), "{row}: {}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{row}");
}

/// A problem without what differs from request to request.
#[track_caller]
fn told(answer: &Answer) -> Value {
    let mut problem = answer.json();
    problem.as_object_mut().unwrap().remove("request_id");
    problem
}

async fn granted(app: &App, tenant: &TenantId) -> i64 {
    app.store.credit_balance(tenant).await.unwrap().granted.0
}

#[tokio::test]
async fn usage_tells_where_a_business_stands() {
    let app = Setup::new().shop(|shop| {
        shop.credits = MilliCredits::credits(10);
        shop.tenant.billing = Billing { plan: Some("Starter".to_owned()), ..Billing::none() };
    });
    let app = app.run().await;
    for _ in 0..8 {
        assert_eq!(app.say(RETURNS).send().await.json()["outcome"], "answered");
    }
    let viewer = app.person("viewer@shop.example").await;
    let admin = app.platform("admin@bob.example").await;
    let expected = json!({
        "tenant_id": app.shop.id.to_string(),
        "plan": "Starter",
        "period": {
            "from": "2026-11-22T12:00:00Z",
            "to": "2026-12-01T00:00:00Z",
            "allowance_millicredits": 10_000,
            "included_millicredits": 10_000,
            "used_millicredits": 8_000,
            "threshold_percent": 80,
        },
        "balance": {
            "granted_millicredits": 10_000,
            "settled_millicredits": 8_000,
            "reserved_millicredits": 0,
            "available_millicredits": 2_000,
        },
    });
    for (path, person) in [
        (USAGE, &viewer),
        ("/api/customer-portal/usage?business_id=shop", &viewer),
        ("/api/tenants/shop/usage", &viewer),
        ("/api/tenants/{shop}/usage", &viewer),
        ("/api/customer-portal/usage?business_id=shop", &admin),
        ("/api/tenants/shop/usage", &admin),
        ("/api/tenants/{shop}/usage", &admin),
    ] {
        let answer = app.get(path).bearer(&person.token).send().await;
        assert_eq!((answer.status, answer.json()), (200, expected.clone()), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
}

#[tokio::test]
async fn the_ledger_tells_every_movement_with_its_cause_the_latest_first() {
    let app = app().await;
    let turn = app.say(RETURNS).send().await.json()["turn_id"].clone();
    let admin = app.platform("operator@bob.example").await;
    app.clock.advance(Duration::from_secs(60));
    enter(&app, &admin, &grant(500, " A gift. ")).await;
    enter(&app, &admin, &grant(-250, "Too much.")).await;
    let owner = app.person("owner@shop.example").await;
    let answer = app.get(LEDGER).bearer(&owner.token).send().await;
    let entry = |number, at: &str, kind: &str, amount, balance, turn: &Value, reason: Value| {
        json!({
            "number": number, "at": at, "kind": kind, "amount_millicredits": amount,
            "balance_millicredits": balance, "turn_id": turn, "reason": reason,
        })
    };
    let (noon, later, none) = ("2026-11-22T12:00:00Z", "2026-11-22T12:01:00Z", &Value::Null);
    assert_eq!(
        answer.json(),
        json!({
            "items": [
                entry(4, later, "correction", -250, 999_250, none, json!("Too much.")),
                entry(3, later, "grant", 500, 999_500, none, json!("A gift.")),
                entry(2, noon, "settlement", -1_000, 999_000, &turn, Value::Null),
                entry(1, noon, "grant", 1_000_000, 1_000_000, none, json!("onboarding")),
            ],
            "next_cursor": null,
        })
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn the_ledger_is_read_page_by_page_without_gaps() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    for number in 2..=61 {
        enter(&app, &admin, &grant(number, "more")).await;
    }
    for (limit, sizes) in [("limit=25&", vec![25, 25, 11]), ("", vec![50, 11]), ("limit=200&", vec![61])] {
        let (mut read, mut pages, mut cursor) = (Vec::new(), Vec::new(), None::<String>);
        loop {
            let from = cursor.map(|cursor| format!("cursor={cursor}")).unwrap_or_default();
            let path = format!("/api/tenants/shop/ledger?{limit}{from}");
            let page = app.get(&path).bearer(&admin.token).send().await.json();
            let items = page["items"].as_array().unwrap();
            pages.push(items.len());
            read.extend(items.iter().map(|item| item["number"].as_u64().unwrap()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        assert_eq!((pages, read), (sizes, (1..=61).rev().collect::<Vec<_>>()), "{limit}");
    }
}

#[tokio::test]
async fn who_may_do_what_is_decided_by_role_and_before_anything_is_looked_up() {
    let app = app().await;
    let people = [
        ("owner@shop.example", false, [200, 200, 200, 200, 403]),
        ("manager@shop.example", false, [200, 200, 200, 200, 403]),
        ("agent@shop.example", false, [403, 403, 403, 403, 403]),
        ("viewer@shop.example", false, [200, 200, 200, 200, 403]),
        ("admin@bob.example", true, [422, 422, 200, 200, 201]),
        ("operator@bob.example", true, [422, 422, 200, 200, 201]),
        ("auditor@bob.example", true, [422, 422, 200, 200, 403]),
    ];
    let calls = [
        ("GET", USAGE),
        ("GET", LEDGER),
        ("GET", "/api/tenants/{shop}/usage"),
        ("GET", "/api/tenants/{shop}/ledger"),
        ("POST", CREDITS),
    ];
    for (email, is_platform, statuses) in people {
        let person = if is_platform { app.platform(email).await } else { app.person(email).await };
        for ((method, path), status) in calls.into_iter().zip(statuses) {
            let row = format!("{email}: {method} {path}");
            let send = |path: &str| app.ask(method, path).json(&grant(1, "one")).bearer(&person.token).send();
            let answer = send(path).await;
            assert_eq!(answer.status, status, "{row}: {}", answer.text());
            match status {
                403 => {
                    check(&answer, 403, "permission_denied", &row);
                    let needs = if method == "GET" { "analytics.read" } else { "tenant.manage" };
                    assert!(answer.json()["detail"].as_str().unwrap().contains(needs), "{row}");
                    let other = path.replace("{shop}", "no-such-business");
                    assert_eq!(
                        told(&send(&other).await),
                        told(&answer),
                        "{row}, of a business that is not there"
                    );
                }
                422 => check(&answer, 422, "tenant_required", &row),
                _ => {}
            }
        }
    }
    for (method, path) in calls {
        let answer = app.ask(method, path).json(&grant(1, "one")).send().await;
        check(&answer, 401, "unauthorized", path);
    }
    assert_eq!(granted(&app, &app.shop.id).await, 1_000_002, "two of them granted one");
}

#[tokio::test]
async fn another_businesss_ledger_and_a_missing_one_are_the_same() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    let body = grant(4_711, "canary: a secret of the rival");
    let planted = app.post("/api/tenants/rival/credits").json(&body).bearer(&admin.token).send().await;
    assert_eq!(planted.status, 201);
    let owner = app.person("owner@shop.example").await;
    let missing = TenantId::new().to_string();
    let rival = app.rival.id.to_string();
    let mut answers = Vec::new();
    for named in ["rival", &*rival, &*missing, "no-such-business", "%00", "a%20b", "SHOP", "%ff"] {
        for what in ["usage", "ledger"] {
            for path in [
                format!("/api/tenants/{named}/{what}"),
                format!("/api/tenants/{named}/{what}?business_id=shop"),
                format!("/api/customer-portal/{what}?business_id={named}"),
            ] {
                let answer = app.get(&path).bearer(&owner.token).send().await;
                if named == "%ff" && path.starts_with("/api/customer-portal") {
                    check(&answer, 400, "invalid_query", &path);
                    continue;
                }
                check(&answer, 404, "not_found", &path);
                answers.push(told(&answer).to_string());
            }
        }
    }
    assert_eq!(answers.iter().collect::<BTreeSet<_>>().len(), 1, "{answers:?}");
    for path in [USAGE, LEDGER, "/api/tenants/shop/ledger"] {
        let shown = app.get(path).bearer(&owner.token).send().await.text();
        assert!(!shown.contains("canary") && !shown.contains("4711"), "{path}: {shown}");
    }
    for path in [format!("/api/tenants/{missing}/ledger"), "/api/tenants/no-such-business/usage".to_owned()] {
        check(&app.get(&path).bearer(&admin.token).send().await, 404, "not_found", &path);
    }
    let to_nobody = app.post(&format!("/api/tenants/{missing}/credits")).json(&grant(1, "one"));
    check(&to_nobody.bearer(&admin.token).send().await, 404, "not_found", "a grant to nobody");
    let rivals = app.person("owner@rival.example").await;
    assert!(app.get(LEDGER).bearer(&rivals.token).send().await.text().contains("canary"));
}

#[tokio::test]
async fn credits_are_granted_and_taken_back_as_far_as_they_are_there() {
    let app = Setup::new().shop(|shop| shop.credits = MilliCredits::ZERO).run().await;
    let admin = app.platform("admin@bob.example").await;
    let change = |amount: i64, kind: Option<&str>| {
        let mut body = grant(amount, "because");
        if let Some(kind) = kind {
            body["kind"] = json!(kind);
        }
        body
    };
    for (amount, kind, entered, balance) in [
        (1_000, None, "grant", 1_000),
        (-400, None, "correction", 600),
        (200, Some("grant"), "grant", 800),
        (100, Some("correction"), "correction", 900),
        (-900, Some("correction"), "correction", 0),
    ] {
        let entry = enter(&app, &admin, &change(amount, kind)).await;
        assert_eq!(
            (&entry["kind"], &entry["amount_millicredits"], &entry["balance_millicredits"]),
            (&json!(entered), &json!(amount), &json!(balance))
        );
    }
    let too_much = app.post(CREDITS).json(&change(-1, None)).bearer(&admin.token).send().await;
    check(&too_much, 409, "credits_insufficient", "nothing is left");
    assert_eq!(granted(&app, &app.shop.id).await, 0);
}

#[tokio::test]
async fn more_than_can_be_counted_is_not_granted() {
    let app = Setup::new().shop(|shop| shop.credits = CreditChange::MOST_GRANTED).run().await;
    let admin = app.platform("admin@bob.example").await;
    let refused = app.post(CREDITS).json(&grant(1, "one more")).bearer(&admin.token).send().await;
    check(&refused, 422, "validation_failed", "all is granted");
    assert_eq!(refused.json()["errors"][0]["pointer"], "/amount_millicredits");
    enter(&app, &admin, &grant(-1, "one less")).await;
    enter(&app, &admin, &grant(1, "one more")).await;
}

#[tokio::test]
async fn a_change_that_is_sent_twice_under_its_key_is_entered_once() {
    let app = app().await;
    let (admin, operator) =
        (app.platform("admin@bob.example").await, app.platform("operator@bob.example").await);
    let send = |path: &str, person: &SignedIn, key: &str, body: &Value| {
        app.post(path).json(body).bearer(&person.token).header("idempotency-key", key).send()
    };
    let first = send(CREDITS, &admin, "march", &grant(500, "march")).await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (201, None));
    app.clock.advance(Duration::from_millis(1));
    for path in [CREDITS, "/api/tenants/shop/credits"] {
        let again = send(path, &admin, "march", &grant(500, "march")).await;
        assert_eq!((again.status, again.json()), (201, first.json()), "{path}");
        assert_eq!(again.header("idempotent-replayed"), Some("true"), "{path}");
    }
    let correction = json!({"amount_millicredits": 500, "reason": "march", "kind": "correction"});
    for body in [
        grant(501, "march"),
        grant(500, "april"),
        grant(-500, "march"),
        grant(-2_000_000_000, "march"),
        correction,
    ] {
        check(&send(CREDITS, &admin, "march", &body).await, 422, "idempotency_mismatch", &body.to_string());
    }
    assert_eq!(granted(&app, &app.shop.id).await, 1_000_500);

    for (path, person, key) in [
        (CREDITS, &operator, "march"),
        (CREDITS, &admin, "april"),
        ("/api/tenants/rival/credits", &admin, "march"),
    ] {
        let other = send(path, person, key, &grant(500, "march")).await;
        assert_eq!((other.status, other.header("idempotent-replayed")), (201, None), "{path} {key}");
    }
    let more = grant(-2_000_000_000, "all and more");
    check(&send(CREDITS, &admin, "may", &more).await, 409, "credits_insufficient", "under a key of its own");
    for key in ["", "a b", &"k".repeat(256)] {
        check(&send(CREDITS, &admin, key, &grant(1, "one")).await, 422, "idempotency_key_invalid", key);
    }
    let body = grant(500, "without a key");
    let (one, two) = (enter(&app, &admin, &body).await, enter(&app, &admin, &body).await);
    assert_ne!(one["number"], two["number"]);
}

#[tokio::test]
async fn a_change_that_could_not_be_stored_is_not_acknowledged_and_may_be_sent_again() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    let send = || {
        let ask = app.post(CREDITS).json(&grant(500, "once")).bearer(&admin.token);
        ask.header("idempotency-key", "once").send()
    };
    app.store.fail(Fault::GoneFor("change_credits"));
    let lost = send().await;
    check(&lost, 503, "storage_unavailable", "the database is gone");
    assert!(lost.header("retry-after").is_some());
    app.store.fail(Fault::None);
    app.clock.advance(Duration::from_secs(2));
    let entered = send().await;
    assert_eq!((entered.status, entered.header("idempotent-replayed")), (201, None));
    assert_eq!(granted(&app, &app.shop.id).await, 1_000_500);
}

#[tokio::test]
async fn parallel_repetitions_enter_one_change() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    let send = || {
        let ask = app.post(CREDITS).json(&grant(500, "once")).bearer(&admin.token);
        ask.header("idempotency-key", "once").send()
    };
    let answers = futures_util::future::join_all((0..8).map(|_| send())).await;
    for answer in &answers {
        assert_eq!((answer.status, answer.json()), (201, answers[0].json()));
    }
    let replayed = answers.iter().filter(|answer| answer.header("idempotent-replayed") == Some("true"));
    assert_eq!(replayed.count(), 7, "all but the one that was entered");
    assert_eq!(granted(&app, &app.shop.id).await, 1_000_500);
}

#[tokio::test]
async fn a_fresh_key_is_never_taken_for_a_used_one_however_the_balance_moves() {
    let app = Setup::new().shop(|shop| shop.credits = MilliCredits(1_000)).run().await;
    let admin = app.platform("admin@bob.example").await;
    let (app, admin) = (&app, &admin);
    let send = async |key: String, amount: i64| {
        let ask = app.post(CREDITS).json(&grant(amount, "because")).bearer(&admin.token);
        ask.header("idempotency-key", &key).send().await
    };
    let take_and_give_back = async |taker: usize| {
        let mut refused = 0;
        for round in 0..25 {
            let taken = send(format!("take-{taker}-{round}"), -1_000).await;
            if taken.status == 201 {
                let given = send(format!("give-{taker}-{round}"), 1_000).await;
                assert_eq!(given.status, 201, "{}", given.text());
            } else {
                check(&taken, 409, "credits_insufficient", &format!("round {round} of taker {taker}"));
                refused += 1;
            }
        }
        refused
    };
    let refused: usize = futures_util::future::join_all((0..8).map(take_and_give_back)).await.iter().sum();
    assert!((1..200).contains(&refused), "some were refused and some were not: {refused}");
    assert_eq!(granted(app, &app.shop.id).await, 1_000);
}

/// Bodies of changes, with what is wrong with them.
fn bodies() -> Vec<(&'static str, String, u16, &'static str)> {
    let amount = |amount: &str| format!(r#"{{"amount_millicredits":{amount},"reason":"because"}}"#);
    let reason = |reason: &str| grant(1, reason).to_string();
    vec![
        ("nothing", String::new(), 400, "malformed_json"),
        ("a list", "[1]".to_owned(), 422, "validation_failed"),
        ("no amount", r#"{"reason":"because"}"#.to_owned(), 422, "validation_failed"),
        ("no reason", r#"{"amount_millicredits":1}"#.to_owned(), 422, "validation_failed"),
        ("an amount without a unit", r#"{"amount":1,"reason":"because"}"#.to_owned(), 422, "unknown_field"),
        ("an amount of nothing", amount("0"), 422, "validation_failed"),
        ("an amount of minus nothing", amount("-0"), 422, "validation_failed"),
        ("half a thousandth", amount("1.5"), 422, "validation_failed"),
        ("a whole number with a point", amount("1.0"), 422, "validation_failed"),
        ("a whole number with an exponent", amount("1e3"), 422, "validation_failed"),
        ("a number as text", amount(r#""1""#), 422, "validation_failed"),
        ("a truth", amount("true"), 422, "validation_failed"),
        ("nothing at all", amount("null"), 422, "validation_failed"),
        ("a number beyond all bounds", amount("1e400"), 400, "malformed_json"),
        ("the least 64-bit number", amount("-9223372036854775808"), 422, "validation_failed"),
        ("the greatest 64-bit number", amount("9223372036854775807"), 422, "validation_failed"),
        ("a number of 65 bits", amount("18446744073709551616"), 422, "validation_failed"),
        ("one more than the most", amount("1000000000001"), 422, "validation_failed"),
        ("one less than the least", amount("-1000000000001"), 422, "validation_failed"),
        ("the amount twice", amount(r#"1,"amount_millicredits":2"#), 422, "validation_failed"),
        ("an empty reason", reason(""), 422, "validation_failed"),
        ("a reason of white space", reason(" \t\n\u{3000}"), 422, "validation_failed"),
        ("a reason of 501 characters", reason(&"ä".repeat(501)), 422, "validation_failed"),
        ("a reason with NUL", reason("a\0b"), 422, "validation_failed"),
        ("a reason with a line break", reason("a\r\nset-cookie: x=y"), 422, "validation_failed"),
        ("a reason with an escape", reason("a\u{1b}[2Jb"), 422, "validation_failed"),
        ("a reason with a C1 control", reason("a\u{9b}2Jb"), 422, "validation_failed"),
        (
            "a reason that is a list",
            r#"{"amount_millicredits":1,"reason":["because"]}"#.to_owned(),
            422,
            "validation_failed",
        ),
        (
            "a kind that is none",
            r#"{"amount_millicredits":1,"reason":"because","kind":"renewal"}"#.to_owned(),
            422,
            "validation_failed",
        ),
        (
            "a grant below zero",
            r#"{"amount_millicredits":-1,"reason":"because","kind":"grant"}"#.to_owned(),
            422,
            "validation_failed",
        ),
        (
            "a time of one's own",
            r#"{"amount_millicredits":1,"reason":"because","at":"2020-01-01T00:00:00Z"}"#.to_owned(),
            422,
            "unknown_field",
        ),
    ]
}

#[tokio::test]
async fn a_change_that_makes_no_sense_changes_nothing() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    app.store.forget();
    for (row, body, status, code) in bodies() {
        let ask = app.post(CREDITS).header("content-type", "application/json").body(body);
        check(&ask.bearer(&admin.token).send().await, status, code, row);
        assert_eq!(app.store.writes(), [""; 0], "{row}");
    }
    let form = app.post(CREDITS).header("content-type", "text/plain").body(grant(1, "one").to_string());
    check(&form.bearer(&admin.token).send().await, 415, "unsupported_media_type", "no JSON");
    for amount in [1_000_000_000_000, -1_000_000_000_000, 1_000_000_000_000] {
        enter(&app, &admin, &grant(amount, &"ä".repeat(500))).await;
    }
}

#[tokio::test]
async fn the_field_that_is_wrong_is_pointed_at() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    for (body, pointer) in [
        (json!({"amount_millicredits": 1.5, "reason": "because"}), "/amount_millicredits"),
        (json!({"amount_millicredits": 0, "reason": "because"}), "/amount_millicredits"),
        (json!({"reason": "because"}), "/amount_millicredits"),
        (json!({"amount_millicredits": 1, "reason": ""}), "/reason"),
        (json!({"amount_millicredits": 1, "reason": 1}), "/reason"),
        (json!({"amount_millicredits": -1, "reason": "because", "kind": "grant"}), "/kind"),
        (json!({"amount": 1, "reason": "because"}), "/amount"),
    ] {
        let answer = app.post(CREDITS).json(&body).bearer(&admin.token).send().await;
        assert_eq!((answer.status, &answer.json()["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}");
    }
}

#[tokio::test]
async fn a_page_that_cannot_be_is_refused() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    for query in [
        "limit=0",
        "limit=201",
        "limit=abc",
        "limit=1.5",
        "limit=",
        "cursor=x",
        "cursor=0",
        "cursor=-1",
        "cursor=",
    ] {
        for path in [LEDGER, "/api/tenants/shop/ledger"] {
            let answer = app.get(&format!("{path}?{query}")).bearer(&owner.token).send().await;
            check(&answer, 400, "invalid_query", &format!("{path}?{query}"));
        }
    }
    let beyond = app.get(&format!("{LEDGER}?cursor=9223372036854775807")).bearer(&owner.token).send().await;
    assert_eq!(beyond.json()["items"].as_array().unwrap().len(), 1, "a cursor beyond the end is the end");
    let before = app.get(&format!("{LEDGER}?cursor=1")).bearer(&owner.token).send().await;
    assert_eq!(before.json(), json!({"items": [], "next_cursor": null}));
}

#[tokio::test]
async fn a_grant_by_cookie_needs_the_sessions_token_and_a_page_of_ones_own() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    let by_cookie = || app.post(CREDITS).json(&grant(1, "one")).header("cookie", &admin.cookie);
    let refused: [(&str, Ask); 3] = [
        ("no token", by_cookie()),
        ("a wrong token", by_cookie().header("x-csrf-token", "wrong")),
        (
            "another page",
            by_cookie().header("x-csrf-token", &admin.csrf).header("origin", "https://elsewhere.example"),
        ),
    ];
    for (row, ask) in refused {
        check(&ask.send().await, 403, "csrf_failed", row);
    }
    assert_eq!(granted(&app, &app.shop.id).await, 1_000_000);
    let own = by_cookie().header("x-csrf-token", &admin.csrf).header("origin", OWN).send().await;
    assert_eq!(own.status, 201);
}
