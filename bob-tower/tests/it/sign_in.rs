//! Signing in, staying signed in, and leaving.

use std::collections::BTreeSet;
use std::time::Duration;

use bob_core::account::{
    FAILURES_PER_ACCOUNT, FAILURES_PER_ACCOUNT_AND_ADDRESS, FAILURES_PER_ADDRESS, IDLE, LOGIN_CACHE_AGE,
    LONGEST, THROTTLE_WINDOW,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::harness::{Answer, App, Ask, PASSWORD, Setup, app, mount_at};

const CUSTOMER: &str = "/api/customers/auth/login";
const PLATFORM: &str = "/api/auth/login";

fn login(app: &App, path: &str, email: &str, password: &str) -> Ask {
    app.post(path).json(&json!({"email": email, "password": password}))
}

fn without_request_id(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("request_id").expect("every problem has one");
    (answer.status, body)
}

fn names(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// One part of a JWT, decoded.
fn part(token: &str, at: usize) -> Value {
    let part = token.split('.').nth(at).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

#[tokio::test]
async fn both_logins_answer_as_the_contract_says() {
    let app = app().await;
    for (path, email, kind, role) in [
        (CUSTOMER, "owner@shop.example", "tenant", "owner"),
        ("/api/customer/auth/login", "viewer@shop.example", "tenant", "viewer"),
        (CUSTOMER, "  Agent@SHOP.example ", "tenant", "agent"),
        (PLATFORM, "admin@bob.example", "platform", "owner"),
        (PLATFORM, "auditor@bob.example", "platform", "auditor"),
    ] {
        let answer = login(&app, path, email, PASSWORD).send().await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{email}");
        let body = answer.json();
        let fields =
            ["csrf_token", "expires_in", "memberships", "refresh_token", "token", "token_type", "user"];
        assert_eq!(names(&body), BTreeSet::from(fields));
        assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(600)));
        let user = &body["user"];
        let fields = ["email", "id", "kind", "name", "permissions", "roles", "tenant_id"];
        assert_eq!(names(user), BTreeSet::from(fields));
        assert_eq!((&user["kind"], &user["roles"]), (&json!(kind), &json!([role])), "{email}");
        assert_eq!(user["email"], email.trim().to_lowercase());
        let tenant = (kind == "tenant").then(|| app.shop.id.to_string());
        assert_eq!(user["tenant_id"].as_str(), tenant.as_deref(), "{email}");
        assert_eq!(body["memberships"].as_array().unwrap().len(), usize::from(kind == "tenant"));

        let token = body["token"].as_str().unwrap();
        assert_eq!((&part(token, 0)["alg"], &part(token, 0)["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
        let claims = part(token, 1);
        assert_eq!((&claims["aud"], &claims["sub"]), (&json!("https://bob.example/"), &user["id"]));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
        assert!(claims["sid"].is_string());
    }
}

#[tokio::test]
async fn the_session_cookie_is_the_mounts_own() {
    let seconds = LONGEST.as_secs();
    for (urls, name, secure) in [
        (&["https://bob.example"][..], "__Host-bob_session", "; Secure"),
        (&["https://bob.example/help/bob"], "__Host-bob_session_help_bob", "; Secure"),
        (&["http://localhost:8080"], "bob_session", ""),
        (&["http://127.0.0.1:8080/bob", "https://bob.example"], "bob_session_bob", ""),
    ] {
        let app = Setup::new().mount(mount_at(urls)).run().await;
        let answer = login(&app, CUSTOMER, "owner@shop.example", PASSWORD).send().await;
        let cookie = answer.cookie();
        let (found, value) = cookie.split_once('=').unwrap();
        assert_eq!(found, name);
        let line = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        assert_eq!(answer.set_cookies(), [line]);
        assert!(!answer.text().contains(value), "scripts never see it");
    }
}

#[tokio::test]
async fn what_was_wrong_is_not_told() {
    let app = app().await;
    let wrong = login(&app, CUSTOMER, "owner@shop.example", "wrong").send().await;
    assert_eq!((wrong.status, &*wrong.code()), (401, "invalid_credentials"));
    assert!(wrong.set_cookies().is_empty());
    for (path, email, password, business) in [
        (CUSTOMER, "nobody@shop.example", PASSWORD, None),
        (CUSTOMER, "nobody@shop.example", "wrong", None),
        (CUSTOMER, "no address", PASSWORD, None),
        (CUSTOMER, "", PASSWORD, None),
        (CUSTOMER, "owner@shop.example\0", PASSWORD, None),
        (CUSTOMER, "admin@bob.example", PASSWORD, None),
        (CUSTOMER, "owner@shop.example", PASSWORD, Some("rival")),
        (CUSTOMER, "owner@shop.example", PASSWORD, Some("nobody")),
        (CUSTOMER, "owner@shop.example", PASSWORD, Some("No Slug")),
        (CUSTOMER, "both@work.example", "wrong", None),
        (CUSTOMER, "both@work.example", PASSWORD, Some("nobody")),
        (PLATFORM, "owner@shop.example", PASSWORD, None),
        (PLATFORM, "admin@bob.example", "wrong", None),
        (PLATFORM, "nobody@bob.example", "wrong", None),
    ] {
        let mut body = json!({"email": email, "password": password});
        if let Some(business) = business {
            body["business_id"] = json!(business);
        }
        let answer = app.post(path).json(&body).send().await;
        assert_eq!(without_request_id(&answer), without_request_id(&wrong), "{email} {business:?}");
        let names = |answer: &Answer| answer.headers.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&answer), names(&wrong), "{email}");
    }
    let platform =
        app.post(PLATFORM).json(&json!({"email": "a@b.c", "password": "x", "business_id": "shop"}));
    assert_eq!(platform.send().await.code(), "unknown_field", "platform people have no business to name");
}

#[tokio::test]
async fn who_belongs_to_several_businesses_chooses() {
    let app = app().await;
    let open = login(&app, CUSTOMER, "both@work.example", PASSWORD).send().await;
    assert_eq!((open.status, &*open.code()), (409, "choose_business"));
    assert_eq!(open.header("content-type"), Some("application/problem+json"));
    assert!(open.set_cookies().is_empty());
    let list = open.json()["memberships"].clone();
    let businesses: Vec<_> = list.as_array().unwrap().iter().map(|one| one["slug"].clone()).collect();
    assert_eq!(businesses, ["rival", "shop"]);
    assert_eq!(names(&list[0]), BTreeSet::from(["name", "role", "slug", "tenant_id"]));
    for (named, tenant, role) in
        [("shop".to_owned(), app.shop.id, "manager"), (app.rival.id.to_string(), app.rival.id, "viewer")]
    {
        let body = json!({"email": "both@work.example", "password": PASSWORD, "business_id": named});
        let answer = app.post(CUSTOMER).json(&body).send().await.json();
        assert_eq!(answer["user"]["tenant_id"], tenant.to_string());
        assert_eq!(answer["user"]["roles"], json!([role]));
        assert_eq!(answer["memberships"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn me_tells_who_is_signed_in_by_either_proof() {
    let app = app().await;
    let person = app.person("agent@shop.example").await;
    for ask in [
        app.get("/api/auth/me").bearer(&person.token),
        app.get("/api/auth/me").header("cookie", &person.cookie),
        app.get("/api/auth/me").header("authorization", &format!("bearer  {} ", person.token)),
    ] {
        let me = ask.send().await;
        assert_eq!((me.status, me.header("cache-control")), (200, Some("no-store")));
        let me = me.json();
        assert_eq!(names(&me), BTreeSet::from(["csrf_token", "memberships", "user"]));
        assert_eq!((&me["user"], &me["csrf_token"]), (&person.body["user"], &json!(person.csrf)));
    }
}

#[tokio::test]
async fn a_proof_that_does_not_hold_is_nobody() {
    let app = app().await;
    let person = app.person("agent@shop.example").await;
    let other = Setup::new().mount(mount_at(&["https://bob.example/other"])).run().await;
    let foreign = other.person("agent@shop.example").await;
    let [head, claims, signature] =
        <[&str; 3]>::try_from(person.token.split('.').collect::<Vec<_>>()).unwrap();
    let encode = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let none = format!("{}.{claims}.", encode(r#"{"alg":"none","typ":"at+jwt"}"#));
    let hmac = format!("{}.{claims}.{signature}", encode(r#"{"alg":"HS256","typ":"at+jwt"}"#));
    let jwt = format!("{}.{claims}.{signature}", encode(r#"{"alg":"EdDSA","typ":"JWT"}"#));
    let platform = encode(&part(&person.token, 1).to_string().replace("tenant", "platform"));
    let risen = format!("{head}.{platform}.{signature}");
    let cut = format!("{head}.{claims}");
    let swapped = format!("{head}.{claims}.{}", foreign.token.split('.').nth(2).unwrap());
    let tokens =
        ["", "x", &none, &hmac, &jwt, &risen, &cut, &swapped, &foreign.token, &person.refresh, &person.csrf];
    for token in tokens {
        for ask in [
            app.get("/api/auth/me").bearer(token),
            app.get("/api/auth/me").bearer(token).header("cookie", &person.cookie),
        ] {
            let answer = ask.send().await;
            assert_eq!((answer.status, &*answer.code()), (401, "unauthorized"), "{token}");
        }
    }
    let (name, value) = person.cookie.split_once('=').unwrap();
    let (upper, cut) = (value.to_uppercase(), &value[..value.len() - 1]);
    let cookies = ["", "x", &upper, cut, &person.refresh, &person.token];
    for cookie in cookies.map(|value| format!("{name}={value}")).into_iter().chain([
        format!("{name}x={value}"),
        format!("bob_session={value}"),
        format!("{name}=x; {name}={value}"),
        format!("{name}={value}; {name}=x"),
    ]) {
        assert_eq!(app.get("/api/auth/me").header("cookie", &cookie).send().await.status, 401, "{cookie}");
    }
    let two = app.get("/api/auth/me").bearer(&person.token).bearer(&person.token).send().await;
    assert_eq!((two.status, &*two.code()), (401, "unauthorized"));
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_sign_in() {
    let app = app().await;
    let person = app.person("agent@shop.example").await;
    let refresh =
        async |token: &str| app.post("/api/auth/refresh").json(&json!({"refresh_token": token})).send().await;
    app.clock.advance(Duration::from_secs(600));
    assert_eq!(
        app.get("/api/auth/me").bearer(&person.token).send().await.status,
        401,
        "ten minutes are over"
    );

    let next = refresh(&person.refresh).await;
    assert_eq!(next.status, 200);
    assert!(next.set_cookies().is_empty(), "the cookie stays as it is");
    let next = next.json();
    assert_eq!(names(&next), names(&person.body));
    assert_eq!((&next["user"], &next["csrf_token"]), (&person.body["user"], &json!(person.csrf)));
    let (token, follower) = (next["token"].as_str().unwrap(), next["refresh_token"].as_str().unwrap());
    assert_eq!(app.get("/api/auth/me").bearer(token).send().await.status, 200);

    let reuse = refresh(&person.refresh).await;
    assert_eq!((reuse.status, &*reuse.code()), (401, "unauthorized"));
    assert_eq!(refresh(follower).await.status, 401);
    assert_eq!(app.get("/api/auth/me").bearer(token).send().await.status, 401);
    assert_eq!(app.get("/api/auth/me").header("cookie", &person.cookie).send().await.status, 401);
    for broken in ["", "x", &person.token, &person.refresh[1..]] {
        assert_eq!(refresh(broken).await.status, 401, "{broken}");
    }
}

#[tokio::test]
async fn leaving_ends_everything_that_one_holds() {
    let app = app().await;
    for by_cookie in [true, false] {
        let person = app.person("agent@shop.example").await;
        let elsewhere = app.person("agent@shop.example").await;
        let ask = app.post("/api/auth/logout");
        let ask = if by_cookie {
            ask.header("cookie", &person.cookie).header("x-csrf-token", &person.csrf)
        } else {
            ask.bearer(&person.token)
        };
        let left = ask.send().await;
        assert_eq!((left.status, left.body.len()), (204, 0));
        let line = "__Host-bob_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(left.set_cookies(), [line]);
        assert_eq!(
            app.get("/api/auth/me").bearer(&person.token).send().await.status,
            401,
            "the JWT dies too"
        );
        assert_eq!(app.get("/api/auth/me").header("cookie", &person.cookie).send().await.status, 401);
        let refresh = app.post("/api/auth/refresh").json(&json!({"refresh_token": person.refresh}));
        assert_eq!(refresh.send().await.status, 401);
        assert_eq!(
            app.get("/api/auth/me").bearer(&elsewhere.token).send().await.status,
            200,
            "another sign-in"
        );
    }
}

#[tokio::test]
async fn leaving_under_the_cookie_needs_the_csrf_token() {
    let app = app().await;
    let person = app.person("agent@shop.example").await;
    let bare = app.post("/api/auth/logout").header("cookie", &person.cookie).send().await;
    assert_eq!((bare.status, &*bare.code()), (403, "csrf_failed"));
    assert_eq!(app.get("/api/auth/me").bearer(&person.token).send().await.status, 200, "still there");
}

#[tokio::test]
async fn a_sign_in_ends_by_itself() {
    let app = app().await;
    let me = async |cookie: &str| app.get("/api/auth/me").header("cookie", cookie).send().await.status;
    let idle = app.person("agent@shop.example").await;
    app.clock.advance(IDLE);
    assert_eq!(me(&idle.cookie).await, 401, "after 30 minutes without use");

    let busy = app.person("agent@shop.example").await;
    let steps = LONGEST.as_secs() / 1_200;
    for _ in 1..steps {
        app.clock.advance(Duration::from_secs(1_200));
        assert_eq!(me(&busy.cookie).await, 200);
    }
    app.clock.advance(Duration::from_secs(1_200));
    assert_eq!(me(&busy.cookie).await, 401, "after 12 hours in any case");
}

#[tokio::test]
async fn another_mount_of_the_same_bob_hears_of_a_logout_within_five_seconds() {
    let app = app().await;
    let second = bob_tower::BobService::new(app.bob.clone(), mount_at(&["https://bob.example"]));
    let person = app.person("agent@shop.example").await;
    let me =
        async || Ask::new(second.clone(), "GET", "/api/auth/me").bearer(&person.token).send().await.status;
    assert_eq!(me().await, 200);
    assert_eq!(app.post("/api/auth/logout").bearer(&person.token).send().await.status, 204);
    app.clock.advance(LOGIN_CACHE_AGE);
    assert_eq!(me().await, 401);
}

#[tokio::test]
async fn guessing_is_slowed_down_for_known_and_unknown_accounts_alike() {
    for email in ["owner@shop.example", "nobody@shop.example"] {
        let app = app().await;
        for _ in 0..FAILURES_PER_ACCOUNT_AND_ADDRESS {
            assert_eq!(login(&app, CUSTOMER, email, "wrong").send().await.status, 401);
        }
        let refused = login(&app, CUSTOMER, email, PASSWORD).send().await;
        assert_eq!((refused.status, &*refused.code()), (429, "too_many_attempts"), "{email}");
        let after = refused.header("retry-after").unwrap();
        assert_eq!(refused.header("ratelimit"), Some(&*format!("\"sign-in\";r=0;t={after}")));
        assert_eq!(refused.header("ratelimit-policy"), Some("\"sign-in\";q=10;w=900"));
        assert!(after.parse::<u64>().unwrap() <= THROTTLE_WINDOW.as_secs());
        let neighbour = login(&app, CUSTOMER, "agent@shop.example", PASSWORD).send().await;
        assert_eq!(neighbour.status, 200, "another account from the same address");
        let elsewhere = login(&app, CUSTOMER, "owner@shop.example", PASSWORD).peer("192.0.2.2");
        assert_eq!(elsewhere.send().await.status, 200, "the owner from another address");
        app.clock.advance(THROTTLE_WINDOW);
        assert_eq!(login(&app, CUSTOMER, "owner@shop.example", PASSWORD).send().await.status, 200);
    }
}

#[tokio::test]
async fn an_address_that_guesses_at_many_accounts_is_shut_out() {
    let app = app().await;
    for n in 0..FAILURES_PER_ADDRESS {
        let email = format!("person{n}@shop.example");
        assert_eq!(login(&app, CUSTOMER, &email, "wrong").send().await.status, 401);
    }
    let refused = login(&app, CUSTOMER, "owner@shop.example", PASSWORD).send().await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("ratelimit-policy"), Some("\"sign-in-address\";q=50;w=900"));
    let elsewhere = login(&app, CUSTOMER, "owner@shop.example", PASSWORD).peer("192.0.2.2");
    assert_eq!(elsewhere.send().await.status, 200);
}

#[tokio::test]
async fn the_public_keys_check_the_tokens_and_hold_no_secret() {
    let app = app().await;
    let person = app.person("agent@shop.example").await;
    let answer = app.get("/.well-known/jwks.json").send().await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("public, max-age=300")));
    let key = answer.json()["keys"][0].clone();
    assert_eq!(names(&key), BTreeSet::from(["alg", "crv", "kid", "kty", "use", "x"]), "and no d");
    assert_eq!((&key["kty"], &key["crv"], &key["alg"]), (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA")));
    assert_eq!(key["kid"], part(&person.token, 0)["kid"]);
    assert_eq!(BASE64URL_NOPAD.decode(key["x"].as_str().unwrap().as_bytes()).unwrap().len(), 32);
}

#[tokio::test]
async fn an_idempotency_key_does_not_show_a_secret_twice() {
    let app = app().await;
    let ask = || {
        let ask = login(&app, CUSTOMER, "owner@shop.example", PASSWORD);
        ask.header("idempotency-key", "5f0c3c9e-9d1b-4a6e-8f0a-2b7c1d9e4f33")
    };
    let (first, second) = (ask().send().await, ask().send().await);
    assert_eq!((first.status, second.status), (200, 200));
    assert_ne!(first.json()["token"], second.json()["token"]);
    assert_ne!(first.cookie(), second.cookie());
    assert_eq!(second.header("idempotent-replayed"), None);
}

#[tokio::test(start_paused = true)]
async fn an_account_guessed_from_everywhere_is_answered_later_and_its_owner_still_gets_in() {
    for email in ["owner@shop.example", "nobody@shop.example"] {
        let app = app().await;
        for n in 0..FAILURES_PER_ACCOUNT {
            let ask = login(&app, CUSTOMER, email, "wrong").peer(&format!("10.0.{}.{}", n / 200, n % 200));
            assert_eq!(ask.send().await.status, 401);
        }
        let began = tokio::time::Instant::now();
        let status = login(&app, CUSTOMER, email, PASSWORD).peer("192.0.2.9").send().await.status;
        assert_eq!(status, if email.starts_with("owner") { 200 } else { 401 }, "never refused");
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(100) && took < Duration::from_secs(3), "{email}: {took:?}");
    }
}

#[tokio::test]
async fn a_throttle_counts_over_both_logins_and_all_mounts() {
    let app = app().await;
    let second = bob_tower::BobService::new(app.bob.clone(), mount_at(&["https://bob.example/other"]));
    for n in 0..FAILURES_PER_ACCOUNT_AND_ADDRESS {
        let path = if n % 2 == 0 { CUSTOMER } else { PLATFORM };
        let body = json!({"email": "admin@bob.example", "password": "wrong"});
        assert_eq!(Ask::new(second.clone(), "POST", path).json(&body).send().await.status, 401);
    }
    let refused = login(&app, PLATFORM, "admin@bob.example", PASSWORD).send().await;
    assert_eq!((refused.status, &*refused.code()), (429, "too_many_attempts"));
}
