//! The fence of the widget door, as one table: what a page's browser is told, row by row.

use bob_core::limit::LimitRates;
use bob_core::storage::WidgetKeyStore as _;
use bob_core::testing::fixture;
use bob_tower::GenericPreflight;
use serde_json::json;

use crate::harness::{Answer, App, Ask, Fault, OWN, RETURNS, SHOP_PAGE, Setup, Watched, app, mount_at};

/// The key that a row sends.
#[derive(Debug, Clone, Copy)]
enum Key {
    None,
    Shop,
    Rival,
    Test,
    Ended,
    Text(&'static str),
}

use Key::{Ended, None as NoKey, Rival, Shop, Test, Text};

impl Key {
    fn add(self, ask: Ask, app: &App) -> Ask {
        let key = match self {
            Self::None => return ask,
            Self::Shop => &app.shop.key,
            Self::Rival => &app.rival.key,
            Self::Test => &app.shop.test_key,
            Self::Ended => &app.shop.ended_key,
            Self::Text(text) => text,
        };
        ask.header("x-widget-key", key)
    }
}

const TENANT: &str = "/api/widget/{shop}/chat";
const GENERIC: &str = "/api/widget/chat";
const CONFIG: &str = "/api/widget/{shop}/config";
const UNKNOWN: &str = "/api/widget/{shop}/nothing/here";
const NOBODY: &str = "/api/widget/01890a5d-ac96-774b-bcce-b302099a8057/chat";

/// What holds for every answer of this door, whatever it says.
#[track_caller]
fn check_always(answer: &Answer, row: &str) {
    let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
    assert_eq!(vary, ["Origin"], "{row}");
    for never in ["access-control-allow-credentials", "access-control-allow-private-network"] {
        assert_eq!(answer.header(never), None, "{row}");
    }
    assert_ne!(answer.header("access-control-allow-origin"), Some("*"), "{row}");
}

/// Holds that the page of `origin`, and no other, may read the answer; or nobody's.
#[track_caller]
fn check_cors(answer: &Answer, origin: Option<&str>, row: &str) {
    check_always(answer, row);
    let origins: Vec<_> = answer.headers.get_all("access-control-allow-origin").iter().collect();
    let expected: Vec<_> = origin.into_iter().collect();
    assert_eq!(origins, expected, "{row}");
    let exposed = "retry-after, ratelimit, ratelimit-policy, idempotent-replayed, x-request-id";
    assert_eq!(answer.header("access-control-expose-headers"), origin.map(|_| exposed), "{row}");
    for of_preflights in ["methods", "headers"].map(|name| format!("access-control-allow-{name}")) {
        assert_eq!(answer.header(&of_preflights), None, "{row}");
    }
    assert_eq!(answer.header("access-control-max-age"), None, "{row}");
}

#[track_caller]
fn check_preflight(answer: &Answer, origin: Option<&str>, row: &str) {
    check_always(answer, row);
    let status = if origin.is_some() { 204 } else { 403 };
    assert_eq!(answer.status, status, "{row}: {}", answer.text());
    let headers = "content-type, x-widget-key, x-bob-visitor, x-bob-identity, idempotency-key, last-event-id";
    for (name, value) in [
        ("origin", origin),
        ("methods", origin.map(|_| "POST, GET, OPTIONS")),
        ("headers", origin.map(|_| headers)),
    ] {
        assert_eq!(answer.header(&format!("access-control-allow-{name}")), value, "{row}");
    }
    assert_eq!(answer.header("access-control-max-age"), origin.map(|_| "600"), "{row}");
    if origin.is_some() {
        assert!(answer.body.is_empty(), "{row}");
    } else {
        let any = answer.headers.keys().find(|name| name.as_str().starts_with("access-control-"));
        assert_eq!(any, None, "{row}");
        assert_eq!(answer.code(), "origin_not_allowed", "{row}");
    }
}

/// Preflights carry no key: path, the lines of `Origin`, and whether the origin may call.
const PREFLIGHTS: &[(&str, &[&str], bool)] = &[
    // Exact entries.
    (TENANT, &["https://shop.example"], true),
    (TENANT, &["https://shop.example:443"], true),
    (TENANT, &["https://SHOP.example"], true),
    (TENANT, &["HTTPS://shop.example"], true),
    (TENANT, &["https://shop.example."], true),
    (TENANT, &["http://shop.example"], false),
    (TENANT, &["https://shop.example:8443"], false),
    (TENANT, &["https://www.shop.example"], false),
    (TENANT, &["https://shop.example.evil.example"], false),
    (TENANT, &["https://evilshop.example"], false),
    (TENANT, &["https://shop.example/"], false),
    (TENANT, &["https://shop.example@evil.example"], false),
    (TENANT, &["https://ports.example:8443"], true),
    (TENANT, &["https://ports.example"], false),
    (TENANT, &["http://plain.example"], true),
    (TENANT, &["http://plain.example:80"], true),
    (TENANT, &["https://plain.example"], false),
    // Names in other alphabets are compared in ASCII, the way browsers send them.
    (TENANT, &["https://xn--bcher-kva.example"], true),
    (TENANT, &["https://bucher.example"], false),
    // Wildcards.
    (TENANT, &["https://a.pages.example"], true),
    (TENANT, &["https://a.b.pages.example"], true),
    (TENANT, &["https://pages.example"], false),
    (TENANT, &["https://evilpages.example"], false),
    (TENANT, &["https://a.pages.example:444"], false),
    (TENANT, &["http://a.pages.example"], false),
    (TENANT, &["https://.pages.example"], false),
    // What is no page of a site.
    (TENANT, &["null"], false),
    (TENANT, &[""], false),
    (TENANT, &["*"], false),
    (TENANT, &["file://"], false),
    (TENANT, &["chrome-extension://abcdef"], false),
    (TENANT, &["https://shop.example, https://shop.example"], false),
    (TENANT, &["https://shop.example https://evil.example"], false),
    (TENANT, &[], false),
    // Keys that ended, of others, or for other pages.
    (TENANT, &["https://ended.example"], false),
    (TENANT, &["https://rival.example"], false),
    (TENANT, &["http://localhost:3000"], true),
    (TENANT, &["https://staging.example"], false),
    // Other addresses of the door.
    (CONFIG, &["https://shop.example"], true),
    (CONFIG, &["https://evil.example"], false),
    ("/api/widget/{shop}/history", &["https://shop.example"], true),
    ("/api/widget/{shop}/turns/x/events", &["https://shop.example"], true),
    ("/api/widget/{shop}/nothing/here", &["https://shop.example"], true),
    ("/api/widget/{shop}/nothing/here", &["https://evil.example"], false),
    ("/api/widget/nothing/here/at/all", &["https://shop.example"], false),
    ("/api/widget/{rival}/chat", &["https://shop.example"], false),
    ("/api/widget/{rival}/chat", &["https://rival.example"], true),
    (NOBODY, &["https://shop.example"], false),
    ("/api/widget/shop/chat", &["https://shop.example"], false),
    ("/api/widget/%2e%2e/chat", &["https://shop.example"], false),
    // The address without a tenant: by all live keys of all tenants.
    (GENERIC, &["https://shop.example"], true),
    (GENERIC, &["https://rival.example"], true),
    (GENERIC, &["https://a.pages.example"], true),
    (GENERIC, &["https://ended.example"], false),
    (GENERIC, &["https://evil.example"], false),
    (GENERIC, &["null"], false),
];

#[tokio::test]
async fn a_preflight_is_answered_by_the_origins_that_may_call() {
    let app = app().await;
    for (path, origins, allowed) in PREFLIGHTS {
        let ask = app.ask("OPTIONS", path).header("access-control-request-method", "POST");
        let ask = ask.header("access-control-request-headers", "content-type, x-widget-key, x-evil");
        let ask = ask.header("access-control-request-private-network", "true");
        let answer = origins.iter().fold(ask, |ask, origin| ask.header("origin", origin)).send().await;
        check_preflight(&answer, allowed.then(|| origins[0]), &format!("{path} {origins:?}"));
    }
}

#[tokio::test]
async fn a_preflight_must_be_one() {
    let app = app().await;
    let plain = app.ask("OPTIONS", TENANT).header("origin", SHOP_PAGE).send().await;
    check_preflight(&plain, None, "without Access-Control-Request-Method");
    for name in ["origin", "access-control-request-method"] {
        let ask = app.ask("OPTIONS", TENANT).header("origin", SHOP_PAGE);
        let ask = ask.header("access-control-request-method", "POST").header(name, SHOP_PAGE);
        let answer = ask.send().await;
        assert_eq!((answer.status, &*answer.code()), (400, "duplicate_header"), "two lines of {name}");
        check_cors(&answer, None, name);
    }
    let raw = app.ask("OPTIONS", TENANT).header("access-control-request-method", "POST");
    let raw = raw.header_bytes("origin", "https://bücher.example".as_bytes()).send().await;
    assert_eq!(raw.status, 400, "not ASCII");
    check_cors(&raw, None, "not ASCII");
}

#[tokio::test]
async fn the_index_of_all_origins_can_be_turned_off() {
    let app = Setup::new().mount(mount_at(&[OWN]).generic_preflight(GenericPreflight::Off)).run().await;
    let ask = |path| app.ask("OPTIONS", path).header("access-control-request-method", "POST");
    check_preflight(&ask(GENERIC).header("origin", SHOP_PAGE).send().await, None, "off");
    check_preflight(&ask(TENANT).header("origin", SHOP_PAGE).send().await, Some(SHOP_PAGE), "tenant");
    let real = app.widget_say(RETURNS).send().await;
    assert_eq!(real.status, 200, "the real request is not a preflight");
}

/// Real requests: method, path, key, `Origin`, `Sec-Fetch-Site`, status, and the code, or `""` when it is answered.
type Row = (&'static str, &'static str, Key, Option<&'static str>, Option<&'static str>, u16, &'static str);

const PAGE: Option<&str> = Some(SHOP_PAGE);
const CROSS: Option<&str> = Some("cross-site");
const SAME: Option<&str> = Some("same-origin");

const ROWS: &[Row] = &[
    // Key and origin agree.
    ("POST", GENERIC, Shop, PAGE, CROSS, 200, ""),
    ("POST", TENANT, Shop, PAGE, CROSS, 200, ""),
    ("POST", TENANT, Shop, PAGE, None, 200, ""),
    ("POST", TENANT, Shop, Some("https://SHOP.example:443"), CROSS, 200, ""),
    ("POST", TENANT, Shop, Some("https://a.b.pages.example"), CROSS, 200, ""),
    ("POST", TENANT, Shop, Some("https://xn--bcher-kva.example"), CROSS, 200, ""),
    ("POST", TENANT, Shop, Some("http://plain.example"), CROSS, 200, ""),
    ("POST", TENANT, Shop, Some(OWN), SAME, 200, ""),
    ("POST", "/api/widget/{rival}/chat", Rival, Some("https://rival.example"), CROSS, 200, ""),
    ("POST", TENANT, Test, Some("http://localhost:3000"), CROSS, 200, ""),
    ("GET", CONFIG, Shop, PAGE, CROSS, 200, ""),
    ("HEAD", CONFIG, Shop, PAGE, CROSS, 200, ""),
    // Origins that are not on the key's list.
    ("POST", GENERIC, Shop, Some("https://evil.example"), CROSS, 403, "origin_not_allowed"),
    ("POST", TENANT, Shop, Some("https://evil.example"), SAME, 403, "origin_not_allowed"),
    ("POST", TENANT, Shop, Some("http://shop.example"), CROSS, 403, "origin_not_allowed"),
    ("POST", TENANT, Shop, Some("https://pages.example"), CROSS, 403, "origin_not_allowed"),
    ("POST", TENANT, Shop, Some("null"), CROSS, 403, "origin_not_allowed"),
    ("POST", TENANT, Shop, Some(""), CROSS, 403, "origin_not_allowed"),
    ("POST", TENANT, Shop, Some("*"), CROSS, 403, "origin_not_allowed"),
    ("POST", TENANT, Shop, Some("http://localhost:3000"), CROSS, 403, "origin_not_allowed"),
    ("POST", TENANT, Test, Some("https://staging.example"), CROSS, 403, "origin_not_allowed"),
    ("POST", TENANT, Test, PAGE, CROSS, 403, "origin_not_allowed"),
    ("POST", GENERIC, Rival, PAGE, CROSS, 403, "origin_not_allowed"),
    ("GET", CONFIG, Shop, Some("https://evil.example"), CROSS, 403, "origin_not_allowed"),
    ("GET", CONFIG, Shop, Some("null"), SAME, 403, "origin_not_allowed"),
    // No origin.
    ("POST", GENERIC, Shop, None, None, 403, "origin_required"),
    ("POST", TENANT, Shop, None, SAME, 403, "origin_required"),
    ("GET", CONFIG, Shop, None, None, 403, "origin_required"),
    ("GET", CONFIG, Shop, None, CROSS, 403, "origin_required"),
    ("GET", CONFIG, Shop, None, Some("same-site"), 403, "origin_required"),
    ("GET", CONFIG, Shop, None, Some("none"), 403, "origin_required"),
    ("GET", CONFIG, Shop, None, SAME, 200, ""),
    ("HEAD", CONFIG, Shop, None, SAME, 200, ""),
    ("GET", CONFIG, Test, None, SAME, 403, "origin_required"),
    ("DELETE", CONFIG, Shop, None, SAME, 403, "origin_required"),
    // Keys that are none, or somebody else's.
    ("POST", GENERIC, NoKey, PAGE, CROSS, 401, "unknown_widget_key"),
    ("POST", GENERIC, Text(""), PAGE, CROSS, 401, "unknown_widget_key"),
    ("POST", GENERIC, Text("pk_live_x"), PAGE, CROSS, 401, "unknown_widget_key"),
    ("POST", GENERIC, Text("*"), PAGE, CROSS, 401, "unknown_widget_key"),
    ("POST", GENERIC, Ended, PAGE, CROSS, 401, "unknown_widget_key"),
    ("POST", TENANT, Ended, PAGE, CROSS, 401, "unknown_widget_key"),
    ("POST", TENANT, Rival, PAGE, CROSS, 401, "unknown_widget_key"),
    ("POST", TENANT, Rival, Some("https://rival.example"), CROSS, 401, "unknown_widget_key"),
    ("POST", "/api/widget/{rival}/chat", Shop, PAGE, CROSS, 401, "unknown_widget_key"),
    ("POST", NOBODY, Shop, PAGE, CROSS, 401, "unknown_widget_key"),
    ("POST", "/api/widget/shop/chat", Shop, PAGE, CROSS, 401, "unknown_widget_key"),
    ("POST", TENANT, Ended, None, None, 401, "unknown_widget_key"),
    ("GET", CONFIG, NoKey, PAGE, CROSS, 401, "unknown_widget_key"),
    ("GET", CONFIG, Rival, None, SAME, 401, "unknown_widget_key"),
    // Which methods there are is told to its own pages only.
    ("DELETE", TENANT, NoKey, PAGE, CROSS, 401, "unknown_widget_key"),
    ("DELETE", TENANT, Shop, Some("https://evil.example"), CROSS, 403, "origin_not_allowed"),
    ("TRACE", TENANT, NoKey, None, None, 401, "unknown_widget_key"),
    // Nor which addresses.
    ("GET", UNKNOWN, NoKey, PAGE, CROSS, 401, "unknown_widget_key"),
    ("GET", UNKNOWN, Rival, Some("https://rival.example"), CROSS, 401, "unknown_widget_key"),
    ("POST", UNKNOWN, Shop, Some("https://evil.example"), CROSS, 403, "origin_not_allowed"),
    ("POST", UNKNOWN, Shop, None, None, 403, "origin_required"),
];

#[tokio::test]
async fn a_real_request_is_decided_by_its_key_and_its_origin_together() {
    let app = app().await;
    for row @ (method, path, key, origin, site, status, code) in ROWS {
        let says = format!("{row:?}");
        let ask = key.add(app.ask(method, path), &app).json(&json!({"message": RETURNS}));
        let ask = ask.headers(origin.map(|origin| ("origin", origin)));
        let answer = ask.headers(site.map(|site| ("sec-fetch-site", site))).send().await;
        assert_eq!(answer.status, *status, "{says}: {}", answer.text());
        if !code.is_empty() {
            assert_eq!(answer.code(), *code, "{says}");
        }
        check_cors(&answer, origin.filter(|_| *status == 200), &says);
    }
}

#[tokio::test]
async fn a_tenants_uuid_is_known_in_either_case() {
    let app = app().await;
    let path = format!("/api/widget/{}/chat", app.shop.id.to_string().to_uppercase());
    let preflight = app.ask("OPTIONS", &path).header("access-control-request-method", "POST");
    check_preflight(&preflight.header("origin", SHOP_PAGE).send().await, Some(SHOP_PAGE), &path);
    let answer = app.widget("POST", &path).json(&json!({"message": RETURNS})).send().await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn two_lines_of_key_or_origin_are_neither() {
    let app = app().await;
    for (name, value) in [("x-widget-key", &*app.shop.key), ("origin", SHOP_PAGE)] {
        let answer = app.widget_say(RETURNS).header(name, value).send().await;
        assert_eq!((answer.status, &*answer.code()), (400, "duplicate_header"), "{name}");
        check_cors(&answer, None, name);
    }
}

#[tokio::test]
async fn another_tenants_name_in_the_body_is_a_wrong_key() {
    let app = app().await;
    let rival = app.rival.id.to_string();
    for business in ["rival", &rival, "nobody", "", "SHOP"] {
        let body = json!({"message": RETURNS, "business_id": business});
        let answer = app.widget("POST", GENERIC).json(&body).send().await;
        assert_eq!((answer.status, &*answer.code()), (401, "unknown_widget_key"), "{business}");
        check_cors(&answer, PAGE, "key and origin agree, so the page may read the refusal");
    }
    assert_eq!(app.store.writes(), [""; 0]);
}

#[tokio::test]
async fn a_key_that_ends_is_refused_from_that_moment_on() {
    let app = app().await;
    assert_eq!(app.widget_say(RETURNS).send().await.status, 200);
    let (store, now) = (&*app.store, fixture::now());
    Watched::end_widget_key(store, &fixture::act(), &app.shop.id, &app.shop.key_id, now).await.unwrap();
    app.clock.advance(std::time::Duration::from_secs(1));
    let answer = app.widget_say(RETURNS).send().await;
    assert_eq!((answer.status, &*answer.code()), (401, "unknown_widget_key"));
    check_cors(&answer, None, "revoked");
    let preflight = app.ask("OPTIONS", TENANT).header("access-control-request-method", "POST");
    check_preflight(&preflight.header("origin", SHOP_PAGE).send().await, None, "revoked");
}

#[tokio::test]
async fn once_key_and_origin_agree_every_answer_is_readable() {
    let mut limits = LimitRates::unlimited();
    limits.key.count = 1;
    limits.key.per = std::time::Duration::from_secs(60);
    let app = Setup::new().limits(limits).run().await;
    let fresh = |method: &str, path: &str| app.widget(method, path);
    let first = fresh("POST", GENERIC).json(&json!({"message": "hi"})).send().await;
    assert_eq!(first.status, 200);
    let limited = fresh("POST", GENERIC).json(&json!({"message": "hi"})).send().await;
    assert_eq!(limited.status, 429);
    check_cors(&limited, PAGE, "429");
    app.clock.advance(std::time::Duration::from_secs(600));

    let json =
        |body: &str| fresh("POST", GENERIC).header("content-type", "application/json").body(body.to_owned());
    let rows: Vec<(Ask, u16, &str)> = vec![
        (json("{"), 400, "malformed_json"),
        (json("{}"), 422, "validation_failed"),
        (json(r#"{"message":""}"#), 422, "validation_failed"),
        (json(r#"{"message":"hi","x":1}"#), 422, "unknown_field"),
        (json(&" ".repeat(70_000)), 413, "payload_too_large"),
        (fresh("POST", GENERIC).body("hi"), 415, "unsupported_media_type"),
        (json(r#"{"message":"hi"}"#).header("idempotency-key", "1"), 422, "idempotency_key_weak"),
        (fresh("DELETE", TENANT), 405, "method_not_allowed"),
        (fresh("PUT", CONFIG), 405, "method_not_allowed"),
        (fresh("TRACE", GENERIC), 405, "method_not_allowed"),
        (fresh("GET", UNKNOWN), 404, "not_found"),
        (fresh("POST", UNKNOWN).body("hi"), 404, "not_found"),
        (fresh("GET", "/api/widget/{shop}/turns/x"), 404, "not_found"),
        (fresh("GET", "/api/widget/{shop}/history?session_id=s"), 401, "visitor_proof_required"),
    ];
    for (ask, status, code) in rows {
        app.clock.advance(std::time::Duration::from_secs(600));
        let answer = ask.send().await;
        assert_eq!((answer.status, &*answer.code()), (status, code));
        check_cors(&answer, PAGE, code);
    }
    for (fault, status) in [(Fault::GoneFor("begin_turn"), 503), (Fault::PanicIn("history"), 500)] {
        app.clock.advance(std::time::Duration::from_secs(600));
        let answer = if status == 503 {
            app.store.fail(fault);
            fresh("POST", GENERIC).json(&json!({"message": "hi"})).send().await
        } else {
            let token = first.json()["visitor_token"].as_str().unwrap().to_owned();
            let session = first.json()["session_id"].as_str().unwrap().to_owned();
            app.store.fail(fault);
            let path = format!("/api/widget/{{shop}}/history?session_id={session}");
            fresh("GET", &path).header("x-bob-visitor", &token).send().await
        };
        assert_eq!(answer.status, status, "{fault:?}");
        check_cors(&answer, PAGE, "the server's trouble");
        app.store.fail(Fault::None);
    }
}

#[tokio::test]
async fn the_key_is_decided_before_anything_else_is_read() {
    let app = app().await;
    let nothing_fits = || app.post(GENERIC).header("content-type", "text/plain").body("x".repeat(70_000));
    let answer = nothing_fits().header("origin", SHOP_PAGE).send().await;
    assert_eq!(answer.status, 401);
    let evil = nothing_fits().header("x-widget-key", &app.shop.key).header("origin", "https://evil.example");
    assert_eq!(evil.send().await.status, 403);
    app.store.fail(Fault::Gone);
    app.clock.advance(std::time::Duration::from_secs(1));
    let gone = app.widget_say(RETURNS).send().await;
    assert_eq!(gone.status, 503);
    check_cors(&gone, None, "whose key it is was not known");
}

#[tokio::test]
async fn other_doors_have_no_fence_to_open() {
    let app = app().await;
    for (method, path) in [
        ("OPTIONS", "/api/chat"),
        ("OPTIONS", "/api/chat/message"),
        ("OPTIONS", "/api/auth/login"),
        ("OPTIONS", "/api/health"),
    ] {
        let ask = app.ask(method, path).header("origin", SHOP_PAGE);
        let answer = ask.header("access-control-request-method", "POST").send().await;
        assert_eq!((answer.status, &*answer.code()), (405, "method_not_allowed"), "{path}");
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{path}");
    }
    for path in ["/api/widget/nothing", "/api/widget/{shop}"] {
        let unknown = app.ask("OPTIONS", path).header("origin", SHOP_PAGE).send().await;
        assert_eq!(unknown.status, 404, "{path}");
        check_cors(&unknown, None, path);
    }
}
