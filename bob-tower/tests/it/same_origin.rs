//! The same-origin rule: which pages may call the doors that need no key.

use serde_json::json;

use crate::harness::{App, Ask, PASSWORD, RETURNS, Setup, mount_at};

async fn two_addresses() -> App {
    Setup::new().mount(mount_at(&["https://bob.example/help", "http://localhost:8080"])).run().await
}

/// `Sec-Fetch-Site`, `Origin`, and whether the call is let in.
const ROWS: &[(Option<&str>, Option<&str>, bool)] = &[
    // No browser.
    (None, None, true),
    // By Sec-Fetch-Site, whatever Origin says.
    (Some("same-origin"), None, true),
    (Some("same-origin"), Some("https://bob.example"), true),
    (Some("same-origin"), Some("https://evil.example"), true),
    (Some("same-origin"), Some("null"), true),
    (Some("same-site"), None, false),
    (Some("same-site"), Some("https://bob.example"), false),
    (Some("cross-site"), None, false),
    (Some("cross-site"), Some("https://bob.example"), false),
    (Some("cross-site"), Some("https://evil.example"), false),
    (Some("none"), None, false),
    (Some("none"), Some("https://bob.example"), false),
    (Some(""), None, false),
    (Some("Same-Origin"), None, false),
    (Some("same-origin, cross-site"), None, false),
    (Some("whatever"), Some("https://bob.example"), false),
    // By Origin.
    (None, Some("https://bob.example"), true),
    (None, Some("https://bob.example:443"), true),
    (None, Some("https://BOB.example"), true),
    (None, Some("http://localhost:8080"), true),
    (None, Some("http://localhost"), false),
    (None, Some("http://127.0.0.1:8080"), false),
    (None, Some("http://bob.example"), false),
    (None, Some("https://bob.example:8443"), false),
    (None, Some("https://www.bob.example"), false),
    (None, Some("https://bob.example.evil.example"), false),
    (None, Some("https://bob.example/help"), false),
    (None, Some("https://shop.example"), false),
    (None, Some("null"), false),
    (None, Some(""), false),
    (None, Some("*"), false),
];

fn with(ask: Ask, site: Option<&str>, origin: Option<&str>) -> Ask {
    ask.headers(site.map(|site| ("sec-fetch-site", site))).headers(origin.map(|origin| ("origin", origin)))
}

#[tokio::test]
async fn only_the_mounts_own_pages_and_no_browsers_come_in() {
    let app = two_addresses().await;
    let first = app.say(RETURNS).send().await;
    let session = first.json()["session_id"].as_str().unwrap().to_owned();
    let turn = first.json()["turn_id"].as_str().unwrap().to_owned();
    let refresh = json!({"refresh_token": "x"});
    let login = json!({"email": "owner@shop.example", "password": PASSWORD});
    let platform = json!({"email": "admin@bob.example", "password": PASSWORD});
    let rows: Vec<(&str, Box<dyn Fn() -> Ask>, u16)> = vec![
        ("public", Box::new(|| app.say(RETURNS)), 200),
        ("public, in events", Box::new(|| app.say(RETURNS).events()), 200),
        (
            "history",
            Box::new(|| {
                app.get(&format!("/api/chat/history?session_id={session}")).header("cookie", &first.cookie())
            }),
            200,
        ),
        (
            "turn",
            Box::new(|| app.get(&format!("/api/chat/turns/{turn}/events")).header("cookie", &first.cookie())),
            200,
        ),
        ("login", Box::new(|| app.post("/api/customers/auth/login").json(&login)), 200),
        ("login, alias", Box::new(|| app.post("/api/customer/auth/login").json(&login)), 200),
        ("platform login", Box::new(|| app.post("/api/auth/login").json(&platform)), 200),
        ("refresh", Box::new(|| app.post("/api/auth/refresh").json(&refresh)), 401),
    ];
    for (name, ask, inside) in &rows {
        for (site, origin, allowed) in ROWS {
            let answer = with(ask(), *site, *origin).send().await;
            if *allowed {
                assert_eq!(answer.status, *inside, "{name} {site:?} {origin:?}: {}", answer.text());
            } else {
                let refused = (answer.status, &*answer.code());
                assert_eq!(refused, (403, "cross_origin_refused"), "{name} {site:?} {origin:?}");
                assert!(answer.set_cookies().is_empty(), "{name}");
            }
            assert!(
                answer.headers.keys().all(|header| !header.as_str().starts_with("access-control")),
                "{name} sends no CORS headers"
            );
        }
    }
}

#[tokio::test]
async fn writes_under_a_cookie_need_an_own_page_and_the_csrf_token() {
    let app = two_addresses().await;
    let person = app.person("agent@shop.example").await;
    let other = app.person("owner@shop.example").await;
    let csrf = Some(&*person.csrf);
    let ask = |site: Option<&str>, origin: Option<&str>, csrf: Option<&str>| {
        let ask = app.post("/api/chat/session").header("cookie", &person.cookie);
        with(ask.headers(csrf.map(|csrf| ("x-csrf-token", csrf))), site, origin)
    };
    for (site, origin, allowed) in ROWS {
        let answer = ask(*site, *origin, csrf).send().await;
        let status = if *allowed { 201 } else { 403 };
        assert_eq!(answer.status, status, "{site:?} {origin:?}: {}", answer.text());
        if !allowed {
            assert_eq!(answer.code(), "csrf_failed");
        }
    }
    let longer = format!("{}x", person.csrf);
    for token in [None, Some(""), Some("x"), Some(&*other.csrf), Some(&*longer), Some(&person.csrf[1..])] {
        let answer = ask(Some("same-origin"), None, token).send().await;
        assert_eq!((answer.status, &*answer.code()), (403, "csrf_failed"), "{token:?}");
    }
    let bearer = app.post("/api/chat/session").bearer(&person.token).header("sec-fetch-site", "cross-site");
    assert_eq!(bearer.send().await.status, 201, "a bearer token needs neither");
    let read =
        app.get("/api/auth/me").header("cookie", &person.cookie).header("sec-fetch-site", "cross-site");
    assert_eq!(read.send().await.status, 200, "reading changes nothing, and no other page reads the answer");
}
