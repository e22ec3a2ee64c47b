//! Widget keys over HTTP: made, changed, put in each other's place and revoked; and how the widget looks.

use std::time::Duration;

use bob_core::limit::LimitRates;
use bob_core::storage::TenantStore as _;
use bob_core::widget_key::WidgetKey;
use serde_json::{Value, json};

use crate::harness::{Answer, App, Ask, RETURNS, SHOP_PAGE, Setup, SignedIn, app};

const KEYS: &str = "/api/customer-portal/widget-keys";
const SETTINGS: &str = "/api/customer-portal/widget-settings";
const HOUR: Duration = Duration::from_secs(60 * 60);

fn call(app: &App, who: &SignedIn, method: &str, path: &str, body: &Value) -> Ask {
    let ask = app.ask(method, path).bearer(&who.token);
    if body.is_null() { ask } else { ask.json(body) }
}

/// A message from a page of `origin` under a key.
async fn say(app: &App, key: &str, origin: &str) -> Answer {
    let ask = app.post("/api/widget/chat").header("x-widget-key", key).header("origin", origin);
    ask.json(&json!({ "message": RETURNS })).send().await
}

async fn made(app: &App, who: &SignedIn, body: Value) -> Value {
    let answer = call(app, who, "POST", KEYS, &body).send().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name}: {value}"))
}

fn path(key: &Value) -> String {
    format!("{KEYS}/{}", text(key, "id"))
}

#[tokio::test]
async fn a_new_key_opens_the_chat_to_its_pages_at_once_and_to_no_others() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let body = json!({
        "name": " Blog ", "origins": ["https://BLOG.shop.example:443", "https://*.bücher.example"],
        "messages_per_minute": 30, "daily_budget_millicredits": 5_000,
    });
    let answer = call(&app, &owner, "POST", KEYS, &body).send().await;
    assert_eq!((answer.status, answer.header("etag")), (201, Some("\"1\"")));
    let key = answer.json();
    assert_eq!(
        key,
        json!({
            "id": key["id"], "name": "Blog", "mode": "live", "key": key["key"],
            "origins": ["https://blog.shop.example", "https://*.xn--bcher-kva.example"], "embed": false,
            "messages_per_minute": 30, "daily_budget_millicredits": 5_000, "version": 1, "live": true, "ends_at": null,
        })
    );
    let page = "https://a.xn--bcher-kva.example";
    for (origin, status) in [("https://blog.shop.example", 200), (page, 200), (SHOP_PAGE, 403), ("null", 403)]
    {
        assert_eq!(say(&app, text(&key, "key"), origin).await.status, status, "{origin}");
    }
    let listed = call(&app, &owner, "GET", KEYS, &Value::Null).send().await.json();
    assert_eq!(listed["items"][0], key, "its people read it at any time");
    assert_eq!(listed["items"].as_array().unwrap().len(), 4);
    let mut read = Vec::new();
    let mut next = format!("{KEYS}?limit=3");
    loop {
        let page = call(&app, &owner, "GET", &next, &Value::Null).send().await.json();
        read.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("{KEYS}?limit=3&cursor={cursor}");
    }
    assert_eq!(json!(read), listed["items"]);
}

#[tokio::test]
async fn what_would_open_too_much_is_refused_with_a_sentence() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let many: Vec<String> = (0..201).map(|n| format!("https://s{n}.example")).collect();
    for (body, pointer, part) in [
        (json!({}), "/origins", "required"),
        (json!({"origins": []}), "/origins", "at least one"),
        (json!({"origins": many}), "/origins", "at most 200"),
        (json!({"origins": ["https://*.co.uk"]}), "/origins/0", "public suffix"),
        (json!({"origins": ["https://a.example", "https://*.github.io"]}), "/origins/1", "public suffix"),
        (json!({"origins": ["http://shop.example"]}), "/origins/0", "https"),
        (json!({"origins": ["http://*.shop.example"]}), "/origins/0", "https"),
        (json!({"origins": ["*"]}), "/origins/0", "https://shop.example"),
        (json!({"origins": ["null"]}), "/origins/0", "https://shop.example"),
        (json!({"origins": ["https://shop.example/x"]}), "/origins/0", "https://shop.example"),
        (json!({"origins": ["https://shop.example", "https://SHOP.example"]}), "/origins/1", "already"),
        (json!({"origins": [7]}), "/origins/0", "kind"),
        (json!({"mode": "test", "origins": [SHOP_PAGE]}), "/origins/0", "this machine"),
        (json!({"mode": "test", "origins": ["http://localhost"], "embed": true}), "/embed", "test key"),
        (json!({"mode": "Live", "origins": [SHOP_PAGE]}), "/mode", "live or test"),
        (json!({"name": "a\nb", "origins": [SHOP_PAGE]}), "/name", "one line"),
        (json!({"name": "x".repeat(101), "origins": [SHOP_PAGE]}), "/name", "100"),
        (json!({"messages_per_minute": 0, "origins": [SHOP_PAGE]}), "/messages_per_minute", "At least 1"),
        (json!({"messages_per_minute": -1, "origins": [SHOP_PAGE]}), "/messages_per_minute", "kind"),
        (
            json!({"daily_budget_millicredits": -1, "origins": [SHOP_PAGE]}),
            "/daily_budget_millicredits",
            "0 to",
        ),
        (json!({"key": "pk_live_mine", "origins": [SHOP_PAGE]}), "/key", "no such field"),
    ] {
        let answer = call(&app, &owner, "POST", KEYS, &body).send().await;
        let problem = answer.json();
        assert_eq!((answer.status, &problem["errors"][0]["pointer"]), (422, &json!(pointer)), "{body:.80}");
        assert!(text(&problem["errors"][0], "detail").contains(part), "{problem}");
    }
    assert_eq!(app.store.writes(), ["open_login"]);
}

#[tokio::test]
async fn a_test_key_is_for_pages_of_this_machine() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let key = made(&app, &owner, json!({"mode": "test", "origins": ["http://127.0.0.1:3000"]})).await;
    assert!(text(&key, "key").starts_with("pk_test_"));
    assert_eq!(say(&app, text(&key, "key"), "http://127.0.0.1:3000").await.status, 200);
    assert_eq!(say(&app, text(&key, "key"), "http://127.0.0.1:3001").await.status, 403);
    let change = json!({"origins": [SHOP_PAGE]});
    assert_eq!(call(&app, &owner, "PATCH", &path(&key), &change).send().await.status, 422);
}

#[tokio::test]
async fn a_change_is_felt_at_once_and_follows_the_version_it_was_made_for() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let key = made(&app, &owner, json!({"origins": [SHOP_PAGE], "daily_budget_millicredits": 7})).await;
    let change =
        |body: Value, tag: &str| call(&app, &owner, "PATCH", &path(&key), &body).header("if-match", tag);

    let answer = change(json!({"origins": ["https://new.example"], "name": "New"}), "\"1\"").send().await;
    assert_eq!((answer.status, answer.header("etag")), (200, Some("\"2\"")));
    assert_eq!(answer.json()["daily_budget_millicredits"], 7, "what is not named stays");
    assert_eq!(say(&app, text(&key, "key"), SHOP_PAGE).await.status, 403);
    let cleared = change(json!({"daily_budget_millicredits": null}), "\"2\"").send().await.json();
    assert_eq!((&cleared["daily_budget_millicredits"], &cleared["name"]), (&json!(null), &json!("New")));
    assert_eq!(say(&app, text(&key, "key"), "https://new.example").await.status, 200);
    for stale in ["\"1\"", "\"2\"", "\"4\"", "\"18446744073709551615\"", "\"x\"", "W/\"3\""] {
        let answer = change(json!({"name": "Stale"}), stale).send().await;
        assert_eq!((answer.status, &*answer.code()), (412, "precondition_failed"), "{stale}");
    }
    let plain = call(&app, &owner, "PATCH", &path(&key), &json!({"name": "Last"})).send().await;
    assert_eq!((plain.status, &plain.json()["version"]), (200, &json!(4)));

    // What was on the list before it was forbidden may stay, and only that.
    let old = format!("{KEYS}/{}", app.shop.key_id);
    let keep = json!({"origins": ["http://plain.example", SHOP_PAGE]});
    assert_eq!(call(&app, &owner, "PATCH", &old, &keep).send().await.status, 200);
    let more = json!({"origins": ["http://plain.example", "http://other.example"]});
    assert_eq!(call(&app, &owner, "PATCH", &old, &more).send().await.status, 422);
}

#[tokio::test]
async fn a_rotated_key_lives_on_for_its_overlap_and_its_settings_for_good() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let rotate = async |key: &Value, body: Value| {
        call(&app, &owner, "POST", &format!("{}/rotate", path(key)), &body).send().await
    };
    let old =
        made(&app, &owner, json!({"name": "A", "origins": [SHOP_PAGE], "messages_per_minute": 40})).await;
    let answer = rotate(&old, json!({})).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let new = answer.json();
    for same in ["name", "mode", "origins", "embed", "messages_per_minute"] {
        assert_eq!(new[same], old[same], "{same}");
    }
    assert!(new["key"] != old["key"] && new["id"] != old["id"] && new["replaces"]["id"] == old["id"]);
    for (hours, status) in [(0, 200), (23, 200), (1, 401)] {
        app.clock.advance(HOUR * hours);
        assert_eq!(say(&app, text(&old, "key"), SHOP_PAGE).await.status, status, "{hours} hours on");
        assert_eq!(say(&app, text(&new, "key"), SHOP_PAGE).await.status, 200);
    }

    let embed = json!({"id": app.shop.key_id.to_string()});
    let owner = app.person("owner@shop.example").await;
    let rotate = async |key: &Value, body: Value| {
        call(&app, &owner, "POST", &format!("{}/rotate", path(key)), &body).send().await
    };
    for (key, body, pointer) in [
        (&embed, json!({"overlap_hours": 23}), "/overlap_hours"),
        (&embed, json!({"overlap_hours": 1, "reason": "leaked"}), "/overlap_hours"),
        (&embed, json!({"overlap_hours": 721}), "/overlap_hours"),
        (&embed, json!({"overlap_hours": 4_294_967_295_u32}), "/overlap_hours"),
        (&embed, json!({"overlap_hours": -1}), "/overlap_hours"),
        (&embed, json!({"overlap_hours": 0}), "/reason"),
        (&embed, json!({"overlap_hours": 0, "reason": " "}), "/reason"),
        (&embed, json!({"overlap_hours": 0, "reason": "x".repeat(501)}), "/reason"),
        (&new, json!({"overlap_hours": 721}), "/overlap_hours"),
        (&new, json!({"overlap": 1}), "/overlap"),
    ] {
        let problem = rotate(key, body.clone()).await;
        assert_eq!(
            (problem.status, &problem.json()["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{body:.60}"
        );
    }
    let leaked = rotate(&embed, json!({"overlap_hours": 0, "reason": "It was in a log."})).await;
    assert_eq!(leaked.status, 201);
    assert_eq!(say(&app, &app.shop.key, SHOP_PAGE).await.code(), "unknown_widget_key", "at once");
    let script = app.get("/widget/{shop}/widget.js").send().await.text();
    assert!(script.contains(text(&leaked.json(), "key")), "pages get the new one without a change");
    let again = rotate(&embed, json!({})).await;
    assert_eq!((again.status, &*again.code()), (409, "key_ended"));
    let short = rotate(&new, json!({"overlap_hours": 1})).await;
    assert_eq!(short.status, 201, "a key that pages name themselves may end sooner");
    assert_eq!(rotate(&new, json!({})).await.code(), "key_ended", "an end is set already");
}

#[tokio::test]
async fn a_revoked_key_is_refused_from_the_next_call_on() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let key = made(&app, &owner, json!({"origins": [SHOP_PAGE], "embed": true})).await;
    assert_eq!(say(&app, text(&key, "key"), SHOP_PAGE).await.status, 200);
    for again in [false, true] {
        assert_eq!(call(&app, &owner, "DELETE", &path(&key), &Value::Null).send().await.status, 204);
        let answer = say(&app, text(&key, "key"), SHOP_PAGE).await;
        assert_eq!((answer.status, &*answer.code()), (401, "unknown_widget_key"), "{again}");
    }
    let change = call(&app, &owner, "PATCH", &path(&key), &json!({"name": "x"})).send().await;
    assert_eq!((change.status, &*change.code()), (409, "key_ended"));
    let listed = call(&app, &owner, "GET", KEYS, &Value::Null).send().await.json();
    assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["live"]), (&key["id"], &json!(false)));

    let code =
        async || call(&app, &owner, "GET", "/api/customer-portal/widget-code", &Value::Null).send().await;
    assert_eq!(code().await.status, 200);
    let last = format!("{KEYS}/{}", app.shop.key_id);
    call(&app, &owner, "DELETE", &last, &Value::Null).send().await;
    let none = code().await;
    assert_eq!((none.status, &*none.code()), (409, "no_embed_key"));
}

#[tokio::test]
async fn a_business_has_at_most_fifty_live_keys() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let body = json!({"origins": [SHOP_PAGE]});
    let now = bob_core::testing::fixture::now();
    let live = async || {
        let keys = app.store.tenant_snapshot(&app.shop.id).await.unwrap().widget_keys;
        keys.iter().filter(|key: &&WidgetKey| key.is_live(now)).count()
    };
    for _ in live().await..50 {
        made(&app, &owner, body.clone()).await;
    }
    let answer = call(&app, &owner, "POST", KEYS, &body).send().await;
    assert_eq!((answer.status, &*answer.code()), (409, "key_limit"));
    let first = format!("{KEYS}/{}", app.shop.key_id);
    let rotate =
        async |body: Value| call(&app, &owner, "POST", &format!("{first}/rotate"), &body).send().await;
    assert_eq!(rotate(json!({})).await.code(), "key_limit");
    assert_eq!(live().await, 50);
    assert_eq!(rotate(json!({"overlap_hours": 0, "reason": "leaked"})).await.status, 201);
    assert_eq!(live().await, 50);
}

#[tokio::test]
async fn a_keys_own_limit_holds_below_the_mounts_and_never_above() {
    let mut limits = LimitRates::unlimited();
    limits.key = bob_core::limit::Rate::per_minute(5);
    let app = Setup::new().limits(limits).run().await;
    let owner = app.person("owner@shop.example").await;
    let above = json!({"origins": [SHOP_PAGE], "messages_per_minute": 6});
    let answer = call(&app, &owner, "POST", KEYS, &above).send().await;
    assert_eq!(answer.json()["errors"][0]["pointer"], "/messages_per_minute");
    let key = made(&app, &owner, json!({"origins": [SHOP_PAGE], "messages_per_minute": 2})).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(say(&app, text(&key, "key"), SHOP_PAGE).await.status);
    }
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(say(&app, &app.shop.key, SHOP_PAGE).await.status, 200, "another key has its own");
}

#[tokio::test]
async fn anothers_key_and_a_missing_one_are_the_same_to_everybody() {
    let app = app().await;
    let (owner, rival) = (app.person("owner@shop.example").await, app.person("owner@rival.example").await);
    let theirs = made(&app, &rival, json!({"name": "CANARY", "origins": ["https://canary.example"]})).await;
    let missing = json!({"id": "01890a5d-ac96-774b-bcce-b302099a8057"});
    for (method, end, body) in
        [("PATCH", "", json!({"name": "x"})), ("DELETE", "", Value::Null), ("POST", "/rotate", json!({}))]
    {
        for key in [&theirs, &missing, &json!({"id": "x"})] {
            let answer = call(&app, &owner, method, &format!("{}{end}", path(key)), &body).send().await;
            assert_eq!((answer.status, &*answer.code()), (404, "not_found"), "{method} {key}");
            assert!(!answer.text().to_lowercase().contains("canary"));
        }
    }
    let listed = call(&app, &owner, "GET", KEYS, &Value::Null).send().await.text();
    assert!(!listed.contains("CANARY") && !listed.contains(text(&theirs, "key")));
    let named = call(&app, &owner, "GET", &format!("{KEYS}?business_id=rival"), &Value::Null).send().await;
    assert_eq!(named.status, 404);
    assert_eq!(
        say(&app, text(&theirs, "key"), "https://canary.example").await.status,
        200,
        "it still stands"
    );

    let agent = app.person("agent@shop.example").await;
    let admin = app.platform("admin@bob.example").await;
    let auditor = app.platform("auditor@bob.example").await;
    for (who, query, status) in [
        (&agent, "", 403),
        (&auditor, "?business_id=shop", 403),
        (&admin, "", 422),
        (&admin, "?business_id=rival", 200),
    ] {
        let answer = call(&app, who, "GET", &format!("{KEYS}{query}"), &Value::Null).send().await;
        assert_eq!(answer.status, status, "{query}");
    }
}

#[tokio::test]
async fn the_widgets_look_goes_out_with_its_script_and_its_config() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let usual = call(&app, &owner, "GET", SETTINGS, &Value::Null).send().await;
    assert_eq!(usual.header("etag"), Some("\"0\""));
    assert_eq!(
        usual.json(),
        json!({
            "position": "right", "colour": null, "text_colour": null, "contrast": null, "greeting": {}, "launcher": {},
        })
    );
    let hostile = "</script><img src=x onerror=alert(1)> \"{{key}}\" \u{2028}";
    let body = json!({
        "position": "left", "colour": "#FFCC00", "greeting": {"en": hostile, "de-AT": "Grüß Gott"},
        "launcher": {"en": "Ask <us>"},
    });
    let set = call(&app, &owner, "PUT", SETTINGS, &body).header("if-match", "\"0\"").send().await;
    assert_eq!((set.status, set.header("etag")), (200, Some("\"1\"")), "{}", set.text());
    let view = set.json();
    assert_eq!((&view["colour"], &view["text_colour"]), (&json!("#ffcc00"), &json!("#000000")));
    assert!(view["contrast"].as_f64().unwrap() > 4.5);
    assert_eq!(call(&app, &owner, "GET", SETTINGS, &Value::Null).send().await.json(), view);
    let stale = call(&app, &owner, "PUT", SETTINGS, &body).header("if-match", "\"0\"").send().await;
    assert_eq!(stale.status, 412);

    let config = app.widget("GET", "/api/widget/{shop}/config").send().await.json();
    assert_eq!(config["greeting"]["en"], hostile.trim());
    assert_eq!(config["greeting"]["de"], "Grüß Gott");
    assert_ne!(config["greeting"]["ja"], json!(null), "what is not set is as usual");
    assert_eq!((&config["position"], &config["text_colour"]), (&json!("left"), &json!("#000000")));
    let script = app.get("/widget/{shop}/widget.js").send().await.text();
    let look = script.split_once("look = ").unwrap().1.split_once(";\n").unwrap().0;
    let look: Value = serde_json::from_str(look).unwrap();
    assert_eq!(
        look,
        json!({
            "position": "left", "colour": "#ffcc00", "text_colour": "#000000", "launcher": {"en": "Ask <us>"},
        })
    );
    let rival = app.get("/widget/{rival}/widget.js").send().await.text();
    assert!(!rival.contains("Ask <us>") && rival.contains("\"position\":\"right\""));
}

#[tokio::test]
async fn a_look_out_of_its_bounds_is_refused() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let many: serde_json::Map<String, Value> =
        (b'a'..b'v').map(|letter| (format!("x{}", char::from(letter)), json!("Hi"))).collect();
    for (body, pointer) in [
        (json!({"position": "top"}), "/position"),
        (json!({"colour": "red"}), "/colour"),
        (json!({"colour": "#fff"}), "/colour"),
        (json!({"colour": "#ffcc00;}"}), "/colour"),
        (json!({"greeting": {"en": ""}}), "/greeting"),
        (json!({"greeting": {"en": "x".repeat(501)}}), "/greeting"),
        (json!({"greeting": {"en": "a\u{0}b"}}), "/greeting"),
        (json!({"greeting": {"english": "Hi"}}), "/greeting"),
        (json!({"greeting": {"en": "Hi", "en-GB": "Hello"}}), "/greeting"),
        (json!({"greeting": many}), "/greeting"),
        (json!({"launcher": {"en": "x".repeat(41)}}), "/launcher"),
        (json!({"launcher": {"en": 7}}), "/launcher/en"),
        (json!({"style": "body{}"}), "/style"),
    ] {
        let answer = call(&app, &owner, "PUT", SETTINGS, &body).send().await;
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{body:.60}"
        );
    }
    let agent = app.person("agent@shop.example").await;
    assert_eq!(call(&app, &agent, "PUT", SETTINGS, &json!({})).send().await.status, 403);
}
