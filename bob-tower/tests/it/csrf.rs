//! Under the session cookie, whatever changes something needs the session's own CSRF token and an own page.

use serde_json::{Value, json};

use crate::harness::{App, Ask, OWN, SignedIn, app};

/// Every call that changes something and that a person signs in for, as the API's own description tells: no route that
/// is added later is forgotten.
async fn changing(app: &App) -> Vec<(String, String)> {
    let document = app.get("/openapi.json").send().await.json();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let by_cookie = operation["security"].as_array().is_some_and(|all| {
                all.iter().any(|needs| needs.as_object().unwrap().contains_key("session"))
            });
            if by_cookie && method != "get" {
                found.push((method.to_uppercase(), filled(path)));
            }
        }
    }
    found
}

/// The path with something in the place of its parameters.
fn filled(path: &str) -> String {
    let parts = path
        .split('/')
        .map(|part| if part.starts_with('{') { "01997b2c-0000-7000-8000-000000000000" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn ask(app: &App, (method, path): &(String, String), person: &SignedIn) -> Ask {
    app.ask(method, path).header("cookie", &person.cookie).json(&json!({}))
}

#[tokio::test]
async fn every_call_that_changes_something_needs_the_sessions_own_token() {
    let app = app().await;
    let (person, same, other) = (
        app.person("agent@shop.example").await,
        app.person("agent@shop.example").await,
        app.person("owner@shop.example").await,
    );
    let calls = changing(&app).await;
    let methods: std::collections::BTreeSet<&str> = calls.iter().map(|(method, _)| method.as_str()).collect();
    assert!(methods.contains("POST") && methods.contains("DELETE"), "{methods:?}");
    let right = person.csrf.as_str();
    let (longer, cut, turned) = (format!("{right}x"), &right[1..], right.chars().rev().collect::<String>());
    let rows: Vec<(&str, Vec<&str>)> = vec![
        ("missing", vec![]),
        ("empty", vec![""]),
        ("made up", vec!["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]),
        ("of another sign-in of the same person", vec![&same.csrf]),
        ("of somebody else", vec![&other.csrf]),
        ("longer", vec![&longer]),
        ("cut short", vec![cut]),
        ("turned round", vec![&turned]),
        ("the cookie itself", vec![person.cookie.split_once('=').unwrap().1]),
        ("the access token", vec![&person.token]),
        ("twice, both right", vec![right, right]),
        ("twice, the first right", vec![right, "x"]),
        ("twice, the second right", vec!["x", right]),
    ];
    for call in &calls {
        for (what, tokens) in &rows {
            let ask =
                tokens.iter().fold(ask(&app, call, &person), |ask, token| ask.header("x-csrf-token", token));
            let answer = ask.send().await;
            assert_eq!((answer.status, &*answer.code()), (403, "csrf_failed"), "{call:?}: {what}");
        }
    }
    assert_eq!(
        app.get("/api/auth/me").header("cookie", &person.cookie).send().await.status,
        200,
        "nothing ended it"
    );
}

#[tokio::test]
async fn every_call_that_changes_something_comes_from_an_own_page() {
    let app = app().await;
    let person = app.person("agent@shop.example").await;
    let rows: &[&[(&str, &str)]] = &[
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", OWN)],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://evil.example")],
        &[("origin", "https://shop.example")],
        &[("origin", "null")],
    ];
    for call in changing(&app).await {
        for headers in rows {
            let ask = ask(&app, &call, &person).header("x-csrf-token", &person.csrf);
            let answer = ask.headers(headers.iter().copied()).send().await;
            assert_eq!((answer.status, &*answer.code()), (403, "csrf_failed"), "{call:?} {headers:?}");
        }
    }
}

#[tokio::test]
async fn with_the_token_and_an_own_page_a_call_is_as_good_as_under_bearer() {
    let app = app().await;
    for call in changing(&app).await {
        for headers in [&[("sec-fetch-site", "same-origin")][..], &[("origin", OWN)], &[]] {
            let person = app.person("agent@shop.example").await;
            let by_cookie = ask(&app, &call, &person).header("x-csrf-token", &person.csrf);
            let answer = by_cookie.headers(headers.iter().copied()).send().await;
            assert!(!answer.text().contains("csrf_failed"), "{call:?} {headers:?}: {}", answer.text());
            let person = app.person("agent@shop.example").await;
            let (method, path) = &call;
            let bearer = app.ask(method, path).bearer(&person.token).json(&json!({})).send().await;
            assert_eq!(answer.status, bearer.status, "{call:?} {headers:?}");
        }
    }
}

#[tokio::test]
async fn a_new_sign_in_has_a_new_token_and_a_refresh_keeps_it() {
    let app = app().await;
    let old = app.person("agent@shop.example").await;
    let refreshed =
        app.post("/api/auth/refresh").json(&json!({"refresh_token": old.refresh})).send().await.json();
    assert_eq!(refreshed["csrf_token"], Value::from(old.csrf.clone()), "the same sign-in");
    let new = app.person("agent@shop.example").await;
    assert_ne!(new.csrf, old.csrf);
    let begin = |cookie: &str, csrf: &str| {
        app.post("/api/chat/session").header("cookie", cookie).header("x-csrf-token", csrf).send()
    };
    assert_eq!(begin(&new.cookie, &old.csrf).await.code(), "csrf_failed");
    assert_eq!(begin(&new.cookie, &new.csrf).await.status, 201);
}

#[tokio::test]
async fn reading_needs_no_token() {
    let app = app().await;
    let person = app.person("agent@shop.example").await;
    for path in ["/api/auth/me", "/api/auth/sessions"] {
        for method in ["GET", "HEAD"] {
            let ask =
                app.ask(method, path).header("cookie", &person.cookie).header("sec-fetch-site", "cross-site");
            assert_eq!(ask.send().await.status, 200, "{method} {path}: no other page reads the answer");
        }
    }
}
