//! One's own sign-ins, and how an end of one is felt.

use std::sync::Arc;
use std::time::Duration;

use bob_core::Bob;
use bob_core::account::{LOGIN_CACHE_AGE, PasswordCost, Passwords};
use bob_core::clock::Clock;
use bob_core::storage::SharedStorage;
use bob_tower::BobService;
use serde_json::{Value, json};

use crate::harness::{App, Ask, Fault, OWN, PASSWORD, SignedIn, app, mount_at};

const MINE: &str = "/api/auth/sessions";

async fn list(app: &App, person: &SignedIn) -> Vec<Value> {
    let answer = app.get(MINE).bearer(&person.token).send().await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.text());
    answer.json()["items"].as_array().unwrap().clone()
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// The sign-in of the business that somebody names.
async fn both_at(app: &App, business: &str) -> SignedIn {
    let body = json!({"email": "both@work.example", "password": PASSWORD, "business_id": business});
    let answer = app.post("/api/customers/auth/login").json(&body).send().await;
    let text = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
    let (token, refresh, csrf) = (text("token"), text("refresh_token"), text("csrf_token"));
    SignedIn { token, refresh, csrf, cookie: answer.cookie(), body: answer.json() }
}

async fn me(app: &App, person: &SignedIn) -> u16 {
    app.get("/api/auth/me").bearer(&person.token).send().await.status
}

#[tokio::test]
async fn a_list_tells_when_and_where_and_nothing_else() {
    let app = app().await;
    let (rival, shop) = (both_at(&app, "rival").await, both_at(&app, "shop").await);
    app.person("agent@shop.example").await;
    let items = list(&app, &rival).await;
    assert_eq!(items.len(), 2, "other people's are not there");
    let [latest, first] = &items[..] else { unreachable!() };
    let mut shown = first.clone();
    shown.as_object_mut().unwrap().remove("id").unwrap();
    assert_eq!(
        shown,
        json!({
            "kind": "tenant", "tenant_id": app.rival.id.to_string(), "started_at": "2026-11-22T12:00:00Z",
            "idle_until": "2026-11-22T12:30:00Z", "ends_at": "2026-11-23T00:00:00Z", "current": true,
        })
    );
    assert_eq!((&latest["tenant_id"], &latest["current"]), (&json!(app.shop.id.to_string()), &json!(false)));
    assert_eq!(ids(&list(&app, &shop).await), ids(&items), "the same list wherever they ask from");

    let page = app.get(&format!("{MINE}?limit=1")).bearer(&rival.token).send().await.json();
    assert_eq!(
        (ids(page["items"].as_array().unwrap())[0], &page["next_cursor"]),
        (ids(&items)[0], &latest["id"])
    );
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = app.get(&format!("{MINE}?limit=1&cursor={cursor}")).bearer(&rival.token).send().await.json();
    assert_eq!(
        (ids(rest["items"].as_array().unwrap())[0], &rest["next_cursor"]),
        (ids(&items)[1], &Value::Null)
    );
    for query in ["limit=0", "limit=201", "cursor=x"] {
        let refused = app.get(&format!("{MINE}?{query}")).bearer(&rival.token).send().await;
        assert_eq!((refused.status, &*refused.code()), (400, "invalid_query"), "{query}");
    }
}

#[tokio::test]
async fn one_is_ended_from_elsewhere_and_only_by_its_own_person() {
    let app = app().await;
    let (here, there) = (app.person("agent@shop.example").await, app.person("agent@shop.example").await);
    let owner = app.person("owner@shop.example").await;
    let admin = app.platform("admin@bob.example").await;
    let of_there = ids(&list(&app, &there).await)[0].to_owned();
    let end = async |person: &SignedIn, id: &str| {
        app.ask("DELETE", &format!("{MINE}/{id}")).bearer(&person.token).send().await
    };
    let missing = end(&here, "01997b2c-0000-7000-8000-000000000000").await;
    assert_eq!((missing.status, &*missing.code()), (404, "not_found"));
    for (person, id) in
        [(&owner, &*of_there), (&admin, &of_there), (&here, "x"), (&here, "end-others"), (&here, "%ff")]
    {
        let answer = end(person, id).await;
        assert_eq!(answer.status, if id == "end-others" { 405 } else { 404 }, "{id}");
    }
    assert_eq!(me(&app, &there).await, 200, "nobody else ended it");
    let ended = end(&here, &of_there).await;
    assert_eq!((ended.status, ended.body.len()), (204, 0));
    assert_eq!((me(&app, &there).await, me(&app, &here).await), (401, 200));
    let refresh = app.post("/api/auth/refresh").json(&json!({"refresh_token": there.refresh}));
    assert_eq!(refresh.send().await.status, 401);
    assert_eq!(end(&here, &of_there).await.status, 404, "it is over");
    assert!(!ids(&list(&app, &here).await).contains(&&*of_there));
}

#[tokio::test]
async fn all_others_are_ended_in_one_call_in_every_business() {
    let app = app().await;
    let (here, there, rival) =
        (both_at(&app, "shop").await, both_at(&app, "shop").await, both_at(&app, "rival").await);
    let stranger = app.person("agent@shop.example").await;
    let bare = app.post(&format!("{MINE}/end-others")).header("cookie", &here.cookie).send().await;
    assert_eq!(bare.code(), "csrf_failed");
    let ask = || app.post(&format!("{MINE}/end-others")).header("cookie", &here.cookie);
    let ended = ask().header("x-csrf-token", &here.csrf).send().await;
    assert_eq!((ended.status, ended.json()), (200, json!({"ended": 2})));
    for (person, status) in [(&here, 200), (&there, 401), (&rival, 401), (&stranger, 200)] {
        assert_eq!(me(&app, person).await, status);
    }
    let again = ask().header("x-csrf-token", &here.csrf).send().await;
    assert_eq!(again.json(), json!({"ended": 0}));
}

/// Another node on the same storage.
async fn other_node(app: &App) -> BobService {
    let bob = Bob::build(Arc::clone(&app.store) as SharedStorage)
        .clock(Arc::clone(&app.clock) as Arc<dyn Clock>)
        .passwords(Passwords::new(PasswordCost::FOR_TESTS))
        .build()
        .await
        .unwrap();
    BobService::new(bob, mount_at(&[OWN]))
}

#[tokio::test]
async fn an_end_on_one_node_is_felt_on_another_within_five_seconds() {
    for end in ["logout", "end one", "end others", "reuse"] {
        let app = app().await;
        let other = other_node(&app).await;
        let (person, elsewhere) =
            (app.person("agent@shop.example").await, app.person("agent@shop.example").await);
        let by_token =
            async || Ask::new(other.clone(), "GET", "/api/auth/me").bearer(&person.token).send().await.status;
        let by_cookie = async || {
            Ask::new(other.clone(), "GET", "/api/auth/me")
                .header("cookie", &person.cookie)
                .send()
                .await
                .status
        };
        assert_eq!((by_token().await, by_cookie().await), (200, 200), "the other node knows it now");
        let refresh = app.post("/api/auth/refresh").json(&json!({"refresh_token": person.refresh}));
        let used = refresh.send().await.json()["refresh_token"].as_str().unwrap().to_owned();
        let ended = match end {
            "logout" => app.post("/api/auth/logout").bearer(&person.token).send().await.status,
            "end one" => {
                let id = ids(&list(&app, &elsewhere).await)[1].to_owned();
                app.ask("DELETE", &format!("{MINE}/{id}")).bearer(&elsewhere.token).send().await.status
            }
            "end others" => {
                app.post(&format!("{MINE}/end-others")).bearer(&elsewhere.token).send().await.status
            }
            _ => {
                let again = app.post("/api/auth/refresh").json(&json!({"refresh_token": person.refresh}));
                again.send().await.status
            }
        };
        assert!(matches!(ended, 200 | 204 | 401), "{end}: {ended}");
        app.clock.advance(LOGIN_CACHE_AGE - Duration::from_micros(1));
        assert_eq!(by_token().await, 200, "{end}: what was read is believed until then");
        app.clock.advance(Duration::from_micros(1));
        assert_eq!((by_token().await, by_cookie().await), (401, 401), "{end}");
        let next = Ask::new(other.clone(), "POST", "/api/auth/refresh").json(&json!({"refresh_token": used}));
        assert_eq!(next.send().await.status, 401, "{end}");
    }
}

#[tokio::test]
async fn without_its_store_no_door_that_signs_in_opens() {
    let app = app().await;
    let person = app.person("owner@shop.example").await;
    let document = app.get("/openapi.json").send().await.json();
    app.clock.advance(LOGIN_CACHE_AGE);
    for fault in
        [Fault::GoneFor("login"), Fault::GoneFor("account"), Fault::GoneFor("signing_keys"), Fault::Gone]
    {
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                if operation["security"]
                    .as_array()
                    .is_none_or(|all| !all.iter().any(|one| one["bearer"].is_array()))
                {
                    continue;
                }
                let path = path.replace(['{', '}'], "");
                let method = method.to_uppercase();
                let mut asks = vec![app.ask(&method, &path).bearer(&person.token)];
                // Cookies are not signed.
                if fault != Fault::GoneFor("signing_keys") {
                    let by_cookie = app.ask(&method, &path).header("cookie", &person.cookie);
                    asks.push(by_cookie.header("x-csrf-token", &person.csrf));
                }
                app.store.fail(fault);
                for ask in asks {
                    let answer = ask.send().await;
                    let refused = (answer.status, &*answer.code());
                    assert_eq!(refused, (503, "storage_unavailable"), "{fault:?} {method} {path}");
                }
                app.store.fail(Fault::None);
            }
        }
        let answer = app.get("/api/auth/me").bearer(&person.token).send().await;
        assert_eq!(answer.status, 200, "it opens again");
        app.clock.advance(LOGIN_CACHE_AGE);
    }
}
