//! The embed: the scripts on customers' pages, and the line they paste.

use std::time::Duration;

use bob_core::storage::WidgetKeyStore as _;
use bob_core::testing::fixture;
use bob_tower::{BobService, Mount};
use data_encoding::BASE64;
use serde_json::json;
use sha2::{Digest as _, Sha384};

use crate::harness::{Answer, App, Ask, app, mount_at};

/// What stands between `before` and the next quote.
#[track_caller]
fn between<'a>(text: &'a str, before: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{before} is not in the script"));
    rest.split('"').next().unwrap()
}

#[track_caller]
fn check_script(answer: &Answer, cache: &str) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    for (name, value) in [
        ("content-type", "text/javascript; charset=utf-8"),
        ("cache-control", cache),
        ("access-control-allow-origin", "*"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    assert!(answer.header("etag").is_some_and(|tag| tag.starts_with('"') && tag.ends_with('"')));
    assert!(answer.set_cookies().is_empty());
}

/// The module that a script asks for has the very bytes that its integrity promises.
async fn check_module(app: &App, script: &str) {
    let name = between(script, "/widget/m/\" + \"");
    let module =
        app.get(&format!("/widget/m/{name}")).header("origin", "https://anywhere.example").send().await;
    check_script(&module, "public, max-age=31536000, immutable");
    let integrity = format!("sha384-{}", BASE64.encode(&Sha384::digest(&module.body)));
    assert_eq!(between(script, "integrity = \""), integrity);
    assert!(!module.text().contains("{{"));
}

#[tokio::test]
async fn a_tenants_script_brings_its_key_and_the_module_it_promises() {
    let app = app().await;
    let answer = app.get("/widget/{shop}/widget.js").send().await;
    check_script(&answer, "public, max-age=300");
    let script = answer.text();
    assert_eq!(between(&script, "tenant: \""), app.shop.id.to_string());
    assert_eq!(between(&script, "key: \""), app.shop.key);
    assert!(!script.contains("{{"));
    assert!(!script.contains(&app.shop.test_key) && !script.contains(&app.rival.key));
    check_module(&app, &script).await;
    let rival = app.get("/widget/{rival}/widget.js").send().await.text();
    assert_eq!(between(&rival, "key: \""), app.rival.key);
}

#[tokio::test]
async fn the_loader_is_the_same_for_everybody() {
    let app = app().await;
    let answer = app.get("/widget/loader.js").send().await;
    check_script(&answer, "public, max-age=300");
    let script = answer.text();
    assert!(!script.contains("{{") && !script.contains(&app.shop.key));
    check_module(&app, &script).await;
}

#[tokio::test]
async fn who_has_a_script_already_is_told_so() {
    let app = app().await;
    let boot = app.get("/widget/{shop}/widget.js").send().await.text();
    let module = format!("/widget/m/{}", between(&boot, "/widget/m/\" + \""));
    for path in ["/widget/{shop}/widget.js", "/widget/loader.js", &module] {
        let first = app.get(path).send().await;
        let tag = first.header("etag").unwrap().to_owned();
        let (weak, listed) = (format!("W/{tag}"), format!("\"x\", {tag}"));
        for (sent, status) in
            [(&*tag, 304), (&weak, 304), (&listed, 304), ("*", 304), ("\"x\"", 200), ("", 200)]
        {
            let again = app.get(path).header("if-none-match", sent).send().await;
            assert_eq!(again.status, status, "{path} {sent}");
            assert_eq!(again.header("etag"), Some(&*tag));
            assert_eq!(again.header("access-control-allow-origin"), Some("*"));
            assert_eq!(again.header("cache-control"), first.header("cache-control"));
            assert_eq!(again.body.is_empty(), status == 304, "{path} {sent}");
        }
        let head = app.ask("HEAD", path).send().await;
        assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, Some(&*tag)));
    }
}

#[tokio::test]
async fn a_tenant_that_is_not_there_has_no_script() {
    let app = app().await;
    for path in [
        "/widget/01890a5d-ac96-774b-bcce-b302099a8057/widget.js",
        "/widget/shop/widget.js",
        "/widget/{shop}/loader.js",
        "/widget/{shop}/",
        "/widget/m/widget-0000000000000000.mjs",
    ] {
        let answer = app.get(path).send().await;
        assert_eq!((answer.status, &*answer.code()), (404, "not_found"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
}

#[tokio::test]
async fn a_rotated_key_reaches_every_page_without_a_change_in_its_html() {
    let app = app().await;
    let script = async || app.get("/widget/{shop}/widget.js").send().await;
    let first = script().await;
    let next = fixture::widget_key(app.shop.id, &["https://shop.example"]);
    let text = next.key.as_str().to_owned();
    let day = Duration::from_secs(24 * 60 * 60);
    let ends_at = bob_core::clock::later(fixture::now(), day);
    app.store.add_widget_key(&fixture::act(), &app.shop.id, next).await.unwrap();
    app.store.end_widget_key(&fixture::act(), &app.shop.id, &app.shop.key_id, ends_at).await.unwrap();
    app.clock.advance(Duration::from_secs(1));

    let second = script().await;
    assert_eq!(between(&second.text(), "key: \""), text);
    assert_ne!(first.header("etag"), second.header("etag"));
    assert_eq!(app.widget_say("hi").send().await.status, 200, "pages with the old script go on meanwhile");
    app.clock.advance(day);
    assert_eq!(app.widget_say("hi").send().await.status, 401);
    assert_eq!(between(&script().await.text(), "key: \""), text);

    let ends_at = bob_core::clock::later(fixture::now(), day * 2);
    let id = app.bob.directory().snapshot(&app.shop.id).await.unwrap().unwrap();
    let id = id.widget_keys.iter().find(|key| key.key.as_str() == text).unwrap().id;
    app.store.end_widget_key(&fixture::act(), &app.shop.id, &id, ends_at).await.unwrap();
    app.clock.advance(day * 2);
    assert_eq!(script().await.status, 404, "without a live embed key there is nothing to embed");
}

#[tokio::test]
async fn the_code_to_paste_names_the_mount_and_the_tenant() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let admin = app.platform("admin@bob.example").await;
    let code = |service: &BobService, query: &str| {
        Ask::new(service.clone(), "GET", &format!("/api/customer-portal/widget-code{query}"))
    };
    let (shop, rival) = (app.shop.id.to_string(), app.rival.id.to_string());
    for (ask, tenant) in [
        (code(&app.service, "").bearer(&owner.token), &shop),
        (code(&app.service, "?business_id=shop").bearer(&owner.token), &shop),
        (code(&app.service, "?business_id=rival").bearer(&admin.token), &rival),
        (code(&app.service, &format!("?business_id={shop}")).bearer(&admin.token), &shop),
    ] {
        let answer = ask.send().await;
        let url = format!("https://bob.example/widget/{tenant}/widget.js");
        let html = format!("<script src=\"{url}\" async></script>");
        assert_eq!(answer.json(), json!({"html": html, "script_url": url}));
        let path = url.strip_prefix("https://bob.example").unwrap();
        assert_eq!(app.get(path).send().await.status, 200, "the script is where the code says");
    }
    for (ask, status, code) in [
        (code(&app.service, "").bearer(&admin.token), 422, "tenant_required"),
        (code(&app.service, "?business_id=nobody").bearer(&admin.token), 404, "not_found"),
        (code(&app.service, "?business_id=rival").bearer(&owner.token), 404, "not_found"),
        (code(&app.service, ""), 401, "unauthorized"),
    ] {
        let answer = ask.send().await;
        assert_eq!((answer.status, &*answer.code()), (status, code));
    }
    let viewer = app.person("viewer@shop.example").await;
    let answer = code(&app.service, "").bearer(&viewer.token).send().await;
    assert_eq!((answer.status, &*answer.code()), (403, "permission_denied"));
    assert!(answer.json()["detail"].as_str().unwrap().contains("widget.manage"));

    let mount: Mount = mount_at(&["https://bob.example/help", "http://localhost:8080"]);
    let nested = BobService::new(app.bob.clone(), mount);
    let login = Ask::new(nested.clone(), "POST", "/api/customers/auth/login");
    let login = login.json(&json!({"email": "owner@shop.example", "password": crate::harness::PASSWORD}));
    let token = login.send().await.json()["token"].as_str().unwrap().to_owned();
    let answer = code(&nested, "").bearer(&token).send().await.json();
    assert_eq!(answer["script_url"], format!("https://bob.example/help/widget/{shop}/widget.js"));
}
