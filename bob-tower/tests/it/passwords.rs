//! Choosing passwords: with the current one, by a link, and by one that was forgotten.

use std::sync::Arc;
use std::time::Duration;

use bob_core::account::LinkPurpose;
use bob_core::mail::{Mail, MemoryMailer};
use bob_core::people::RESET_EVERY;
use serde_json::{Value, json};

use crate::harness::{Answer, App, PASSWORD, Setup};

const CUSTOMER: &str = "/api/customers/auth/login";
const GOOD: &str = "four small blue boats";

async fn app() -> (App, Arc<MemoryMailer>) {
    let mailer = Arc::new(MemoryMailer::default());
    let given = Arc::clone(&mailer);
    (Setup::new().build(|bob| bob.mailer(given)).run().await, mailer)
}

fn token(mail: &Mail) -> String {
    let (_, token) = mail.text().split_once("#token=").unwrap();
    token.lines().next().unwrap().to_owned()
}

async fn forgot(app: &App, email: &str, peer: &str) -> Answer {
    app.post("/api/auth/forgot").json(&json!({"email": email})).peer(peer).send().await
}

async fn reset(app: &App, token: &str, password: &str) -> Answer {
    app.post("/api/auth/reset").json(&json!({"token": token, "password": password})).send().await
}

async fn login(app: &App, email: &str, password: &str) -> Answer {
    app.post(CUSTOMER).json(&json!({"email": email, "password": password})).send().await
}

/// Everything of an answer but its request id.
fn told(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "x-request-id");
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    (answer.status, headers, answer.text())
}

#[tokio::test]
async fn a_forgotten_password_is_chosen_anew_and_all_sign_ins_end() {
    let (app, mailer) = app().await;
    let before = app.person("owner@shop.example").await;
    assert_eq!(forgot(&app, "Owner@SHOP.example", "192.0.2.1").await.status, 202);
    let mail = mailer.next().await;
    assert_eq!((mail.to().as_str(), mail.subject()), ("owner@shop.example", "Choose another password"));
    let token = token(&mail);
    let weak = reset(&app, &token, "owner@shop.example").await;
    assert_eq!((weak.status, &weak.json()["errors"][0]["pointer"]), (422, &json!("/password")));
    assert_eq!(reset(&app, &token, GOOD).await.status, 204, "a weak one did not use the link up");
    assert_eq!(reset(&app, &token, GOOD).await.code(), "link_invalid");
    assert_eq!(app.get("/api/auth/me").bearer(&before.token).send().await.status, 401);
    let old = app.post("/api/auth/refresh").json(&json!({"refresh_token": before.refresh})).send().await;
    assert_eq!(old.status, 401);
    assert_eq!(login(&app, "owner@shop.example", PASSWORD).await.status, 401);
    assert_eq!(login(&app, "owner@shop.example", GOOD).await.status, 200);
    let notice = mailer.next().await;
    assert_eq!((notice.to().as_str(), notice.subject()), ("owner@shop.example", "Your password was changed"));
}

#[tokio::test]
async fn known_and_unknown_addresses_are_answered_alike_and_only_known_ones_get_mail() {
    let (app, mailer) = app().await;
    let known = forgot(&app, "owner@shop.example", "192.0.2.1").await;
    assert_eq!((known.status, known.body.len()), (202, 0));
    for unknown in ["nobody@shop.example", "no address", "", "owner@shop.example\0", "a@b@c"] {
        assert_eq!(told(&forgot(&app, unknown, "192.0.2.1").await), told(&known), "{unknown:?}");
    }
    mailer.next().await;
    app.running.unwrap().drain(Duration::from_secs(60)).await;
    assert_eq!(mailer.all().len(), 1, "a drain waits for mail that is on its way");
}

#[tokio::test]
async fn nobody_is_flooded_with_links() {
    let (app, mailer) = app().await;
    for attempt in 0..5 {
        let peer = format!("192.0.2.{attempt}");
        assert_eq!(forgot(&app, "owner@shop.example", &peer).await.status, 202);
    }
    let first = token(&mailer.next().await);
    app.clock.advance(RESET_EVERY);
    forgot(&app, "owner@shop.example", "192.0.2.9").await;
    let second = token(&mailer.next().await);
    assert_eq!(mailer.all().len(), 2);
    assert_eq!(reset(&app, &first, GOOD).await.code(), "link_invalid", "the newer one ended it");
    app.clock.advance(LinkPurpose::Reset.lifetime());
    assert_eq!(reset(&app, &second, GOOD).await.code(), "link_invalid", "an hour is over");
}

#[tokio::test]
async fn asking_too_often_is_refused_alike_for_known_and_unknown_addresses() {
    let (app, _) = app().await;
    let refused = async |email: &str, peer: &str| {
        for _ in 0..10 {
            assert_eq!(forgot(&app, email, peer).await.status, 202);
        }
        let mut refused = forgot(&app, email, peer).await;
        let mut body = refused.json();
        body.as_object_mut().unwrap().remove("request_id");
        refused.body = body.to_string().into();
        refused
    };
    let known = refused("owner@shop.example", "192.0.2.1").await;
    assert_eq!((known.status, &*known.code()), (429, "too_many_attempts"));
    let unknown = refused("nobody@shop.example", "192.0.2.2").await;
    let without_length = |answer: &Answer| {
        let mut told = told(answer);
        told.1.retain(|(name, _)| name != "content-length");
        told
    };
    assert_eq!(without_length(&unknown), without_length(&known));
    assert_eq!(login(&app, "owner@shop.example", PASSWORD).await.status, 200, "signing in is another thing");
}

#[tokio::test]
async fn links_that_do_not_hold_are_one_and_the_same() {
    let (app, mailer) = app().await;
    forgot(&app, "owner@shop.example", "192.0.2.1").await;
    let good = token(&mailer.next().await);
    let without_id = |answer: &Answer| {
        let mut body: Value = answer.json();
        body.as_object_mut().unwrap().remove("request_id");
        (answer.status, body)
    };
    let expected = without_id(&reset(&app, "", GOOD).await);
    assert_eq!((expected.0, &expected.1["code"]), (422, &json!("link_invalid")));
    let mut damaged: Vec<String> = (0..good.len())
        .map(|at| {
            let mut token = good.clone().into_bytes();
            token[at] = if token[at] == b'a' { b'b' } else { b'a' };
            String::from_utf8(token).unwrap()
        })
        .collect();
    damaged.extend([
        good.to_uppercase(),
        format!("{good} "),
        format!("{good}a"),
        good.replacen("bp_", "bi_", 1),
        good[..good.len() - 1].to_owned(),
        "x".repeat(10_000),
        "../../etc/passwd\0".to_owned(),
    ]);
    assert!(damaged.len() > 100);
    app.store.forget();
    for token in damaged {
        for path in ["/api/auth/reset", "/api/auth/invitation"] {
            let body = json!({"token": token, "password": GOOD});
            let answer = app.post(path).json(&body).send().await;
            assert_eq!(without_id(&answer), expected, "{path} {token}");
        }
    }
    let elsewhere = json!({"token": good, "password": GOOD});
    let invitation = app.post("/api/auth/invitation").json(&elsewhere).send().await;
    assert_eq!(without_id(&invitation), expected, "a reset is no invitation");
    assert_eq!(app.store.writes(), [""; 0]);
    assert_eq!(reset(&app, &good, GOOD).await.status, 204, "and the good one is still good");
}

#[tokio::test]
async fn a_new_password_must_be_good_wherever_it_is_set() {
    let (app, mailer) = app().await;
    forgot(&app, "owner@shop.example", "192.0.2.1").await;
    let token = token(&mailer.next().await);
    let owner = app.person("owner@shop.example").await;
    let long = "a b ".repeat(33);
    for (password, code) in [
        ("", "password_too_short"),
        ("short77", "password_too_short"),
        (&*long, "password_too_long"),
        ("password123", "password_common"),
        ("Sunshine1!", "password_common"),
        ("owner@shop.example", "password_guessable"),
        ("my SHOP is open", "password_guessable"),
        ("Anna and the boats", "password_guessable"),
    ] {
        let by_link = reset(&app, &token, password).await.json();
        assert_eq!(
            (&by_link["errors"][0]["code"], &by_link["errors"][0]["pointer"]),
            (&json!(code), &json!("/password"))
        );
        let body = json!({"current_password": PASSWORD, "new_password": password});
        let changed = app.post("/api/auth/password").bearer(&owner.token).json(&body).send().await.json();
        assert_eq!(
            (&changed["errors"][0]["code"], &changed["errors"][0]["pointer"]),
            (&json!(code), &json!("/new_password")),
            "{password}"
        );
    }
    assert_eq!(login(&app, "owner@shop.example", PASSWORD).await.status, 200, "nothing was changed");
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_they_stay_signed_in() {
    let (app, mailer) = app().await;
    for (email, kind) in [("owner@shop.example", "tenant"), ("admin@bob.example", "platform")] {
        let at = if kind == "tenant" { CUSTOMER } else { "/api/auth/login" };
        let (here, there) = (app.sign_in_at(at, email).await, app.sign_in_at(at, email).await);
        let change = |current: &str| {
            let body = json!({"current_password": current, "new_password": GOOD});
            app.post("/api/auth/password").header("cookie", &here.cookie).json(&body)
        };
        let without_csrf = change(PASSWORD).send().await;
        assert_eq!((without_csrf.status, &*without_csrf.code()), (403, "csrf_failed"));
        let wrong = change("wrong one").header("x-csrf-token", &here.csrf).send().await;
        assert_eq!((wrong.status, &*wrong.code()), (403, "current_password_wrong"));
        let changed = change(PASSWORD).header("x-csrf-token", &here.csrf).send().await;
        assert_eq!(
            (changed.status, &changed.json()["user"]["kind"]),
            (200, &json!(kind)),
            "{}",
            changed.text()
        );
        let cookie = changed.cookie();
        assert_ne!(cookie, here.cookie);
        for (cookie, status) in [(&cookie, 200), (&here.cookie, 401), (&there.cookie, 401)] {
            assert_eq!(app.get("/api/auth/me").header("cookie", cookie).send().await.status, status);
        }
        assert_eq!(app.get("/api/auth/me").bearer(&there.token).send().await.status, 401);
        let mail = mailer.next().await;
        assert_eq!((mail.to().as_str(), mail.subject()), (email, "Your password was changed"));
    }
    let nobody = app.post("/api/auth/password").json(&json!({"current_password": "x", "new_password": GOOD}));
    assert_eq!(nobody.send().await.status, 401);
}

#[tokio::test]
async fn the_owner_of_an_account_is_told_of_a_hundred_failures_once() {
    let (app, mailer) = app().await;
    let guess = async |email: &str, from: usize, to: usize| {
        for attempt in from..to {
            let peer = format!("10.0.{}.{}", attempt / 200, attempt % 200);
            let body = json!({"email": email, "password": "wrong"});
            app.post(CUSTOMER).json(&body).peer(&peer).send().await;
        }
    };
    guess("nobody@shop.example", 0, 100).await;
    guess("owner@shop.example", 100, 199).await;
    assert_eq!(mailer.all().len(), 0);
    guess("owner@shop.example", 199, 202).await;
    let mail = mailer.next().await;
    assert_eq!(
        (mail.to().as_str(), mail.subject()),
        ("owner@shop.example", "Many failed attempts to sign in")
    );
    app.running.unwrap().drain(Duration::from_secs(60)).await;
    assert_eq!(mailer.all().len(), 1);
}

#[tokio::test]
async fn mail_speaks_the_language_of_the_business() {
    let mailer = Arc::new(MemoryMailer::default());
    let given = Arc::clone(&mailer);
    let setup = Setup::new().build(|bob| bob.mailer(given));
    let app = setup.shop(|shop| shop.tenant.languages.swap(0, 1)).run().await;
    forgot(&app, "owner@shop.example", "192.0.2.1").await;
    assert_eq!(mailer.next().await.subject(), "Ein anderes Passwort wählen");
}

#[tokio::test]
async fn pages_of_other_origins_cannot_use_links() {
    let (app, _) = app().await;
    for path in ["/api/auth/forgot", "/api/auth/invitation", "/api/auth/reset"] {
        let body = json!({"email": "owner@shop.example", "token": "x", "password": GOOD});
        let refused = app.post(path).json(&body).header("origin", "https://evil.example").send().await;
        assert_eq!((refused.status, &*refused.code()), (403, "cross_origin_refused"), "{path}");
        assert_eq!(app.get(path).send().await.status, 405, "{path}");
        let unknown = app.post(path).json(&json!({"x": 1})).send().await;
        assert_eq!(unknown.code(), "unknown_field", "{path}");
    }
}

#[tokio::test]
async fn the_page_behind_links_runs_nothing_but_itself() {
    let (app, _) = app().await;
    let page = app.get("/account/set-password").send().await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'sha256-") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let text = page.text();
    for id in ["name", "password", "again"] {
        assert!(text.contains(&format!("<label for=\"{id}\"")), "{id} has a label");
    }
    let known = app.get("/account/set-password").header("if-none-match", page.header("etag").unwrap());
    assert_eq!(known.send().await.status, 304);
}

#[tokio::test]
async fn without_a_start_nothing_is_promised() {
    let app = Setup::new().not_started().run().await;
    let answer = forgot(&app, "owner@shop.example", "192.0.2.1").await;
    assert_eq!((answer.status, &*answer.code()), (503, "not_started"));
}
