//! Who belongs to a business and to the platform: inviting, changing, removing.

use std::sync::Arc;

use bob_core::account::LOGIN_CACHE_AGE;
use bob_core::mail::{MailErrorKind, MemoryMailer};
use bob_core::pricebook::{Allowance, Pricebook};
use bob_tower::BobService;
use serde_json::{Value, json};

use crate::harness::{Answer, App, Ask, OWN, PASSWORD, Setup, SignedIn, mount_at};

const GOOD: &str = "four small blue boats";

async fn app() -> (App, Arc<MemoryMailer>) {
    let mailer = Arc::new(MemoryMailer::default());
    let given = Arc::clone(&mailer);
    (Setup::new().build(|bob| bob.mailer(given)).run().await, mailer)
}

/// The token of the link in a mail.
fn token(mailer: &MemoryMailer) -> String {
    let mail = mailer.all().pop().unwrap();
    let (_, token) = mail.text().split_once("#token=").unwrap();
    token.lines().next().unwrap().to_owned()
}

fn invite(app: &App, by: &SignedIn, path: &str, email: &str, role: &str) -> Ask {
    let body = json!({"email": email, "name": "Nora New", "role": role});
    app.post(path).bearer(&by.token).json(&body)
}

async fn accept(app: &App, token: &str) -> Answer {
    app.post("/api/auth/invitation").json(&json!({"token": token, "password": GOOD})).send().await
}

fn login(app: &App, path: &str, email: &str, password: &str) -> Ask {
    app.post(path).json(&json!({"email": email, "password": password}))
}

/// The identifier of one of the people in a list.
async fn id_of(app: &App, by: &SignedIn, path: &str, email: &str) -> String {
    let list = app.get(path).bearer(&by.token).send().await.json();
    let found = list["items"].as_array().unwrap().iter().find(|one| one["email"] == email);
    found.unwrap_or_else(|| panic!("{email} is not in {list}"))["id"].as_str().unwrap().to_owned()
}

fn patch(app: &App, by: &SignedIn, path: &str, body: Value) -> Ask {
    app.ask("PATCH", path).bearer(&by.token).json(&body)
}

#[tokio::test]
async fn somebody_is_invited_chooses_a_password_and_signs_in() {
    let (app, mailer) = app().await;
    let owner = app.person("owner@shop.example").await;
    let invited = invite(&app, &owner, "/api/users", "Nora@New.example", "agent").send().await;
    assert_eq!((invited.status, &invited.json()["mail"]), (201, &json!("sent")), "{}", invited.text());
    let view = invited.json();
    assert_eq!((&view["email"], &view["role"]), (&json!("nora@new.example"), &json!("agent")));
    assert_eq!((&view["state"], &view["name"]), (&json!("invited"), &json!("Nora New")));
    assert_eq!(invited.header("etag").unwrap(), format!("\"{}\"", view["version"]));

    let mail = mailer.next().await;
    assert_eq!((mail.to().as_str(), mail.subject()), ("nora@new.example", "shop invites you"));
    assert!(mail.text().contains(&format!("{OWN}/account/set-password#token=bi_")), "{}", mail.text());
    let before = login(&app, "/api/customers/auth/login", "nora@new.example", GOOD).send().await;
    assert_eq!(before.status, 401);

    let body = json!({"token": token(&mailer), "password": GOOD, "name": "Nora"});
    let accepted = app.post("/api/auth/invitation").json(&body).send().await;
    assert_eq!((accepted.status, accepted.body.len()), (204, 0), "{}", accepted.text());
    let signed_in = login(&app, "/api/customers/auth/login", "nora@new.example", GOOD).send().await;
    assert_eq!((signed_in.status, &signed_in.json()["user"]["name"]), (200, &json!("Nora")));
    let id = view["id"].as_str().unwrap();
    let now = app.get(&format!("/api/users/{id}")).bearer(&owner.token).send().await.json();
    assert_eq!((&now["state"], &now["name"]), (&json!("active"), &json!("Nora")));
    let again = accept(&app, &token(&mailer)).await;
    assert_eq!((again.status, &*again.code()), (422, "link_invalid"));
}

#[tokio::test]
async fn an_address_that_is_known_joins_at_once_and_is_told() {
    let (app, mailer) = app().await;
    let owner = app.person("owner@shop.example").await;
    let joined = invite(&app, &owner, "/api/users", "owner@rival.example", "viewer").send().await;
    let view = joined.json();
    assert_eq!((joined.status, &view["state"], &view["name"]), (201, &json!("active"), &json!("Nora New")));
    let mail = mailer.next().await;
    assert_eq!(mail.subject(), "You belong to shop now");
    assert!(!mail.text().contains("token"), "{}", mail.text());
    let again = invite(&app, &owner, "/api/users", "owner@rival.example", "agent").send().await;
    assert_eq!((again.status, &*again.code()), (409, "already_member"));
    let chosen = json!({"email": "owner@rival.example", "password": PASSWORD, "business_id": "shop"});
    let there = app.post("/api/customers/auth/login").json(&chosen).send().await;
    assert_eq!((there.status, &there.json()["user"]["roles"]), (200, &json!(["viewer"])));
    assert_eq!(there.json()["user"]["name"], "Anna", "what a business calls somebody stays its own");
}

#[tokio::test]
async fn an_invitation_stands_whether_its_mail_leaves_or_not_and_is_sent_again() {
    let (app, mailer) = app().await;
    let owner = app.person("owner@shop.example").await;
    mailer.fail(Some(MailErrorKind::Unavailable));
    let invited = invite(&app, &owner, "/api/users", "nora@new.example", "agent").send().await;
    assert_eq!((invited.status, &invited.json()["mail"]), (201, &json!("failed")));
    mailer.fail(None);
    let again_at = format!("/api/users/{}/invite", invited.json()["id"].as_str().unwrap());
    let again = app.post(&again_at).bearer(&owner.token).send().await;
    assert_eq!((again.status, &again.json()["mail"]), (200, &json!("sent")), "{}", again.text());
    let first = token(&mailer);
    assert_eq!(app.post(&again_at).bearer(&owner.token).send().await.status, 200);
    assert_eq!(accept(&app, &first).await.code(), "link_invalid", "a newer one ended it");
    assert_eq!(accept(&app, &token(&mailer)).await.status, 204);
    let needless = app.post(&again_at).bearer(&owner.token).send().await;
    assert_eq!((needless.status, &*needless.code()), (409, "not_invited"));

    let without = crate::harness::app().await;
    let owner = without.person("owner@shop.example").await;
    let invited = invite(&without, &owner, "/api/users", "nora@new.example", "agent").send().await;
    assert_eq!((invited.status, &invited.json()["mail"]), (201, &json!("none")));
}

#[tokio::test]
async fn seats_are_held_to_the_plan() {
    let mut book = Pricebook::first();
    book.plans[0].seats = Allowance::UpTo(6);
    let plan = book.plans[0].name.clone();
    let setup = Setup::new().pricebook(book).shop(move |shop| shop.tenant.billing.plan = Some(plan));
    let app = setup.run().await;
    let owner = app.person("owner@shop.example").await;
    assert_eq!(invite(&app, &owner, "/api/users", "six@new.example", "agent").send().await.status, 201);
    let seventh = invite(&app, &owner, "/api/users", "seven@new.example", "agent").send().await;
    assert_eq!((seventh.status, &*seventh.code()), (409, "seat_limit"));
    let six = id_of(&app, &owner, "/api/users", "six@new.example").await;
    let path = format!("/api/users/{six}");
    assert_eq!(app.ask("DELETE", &path).bearer(&owner.token).send().await.status, 204);
    assert_eq!(invite(&app, &owner, "/api/users", "seven@new.example", "agent").send().await.status, 201);
}

#[tokio::test]
async fn people_are_listed_in_pages_of_their_own_business() {
    let (app, _) = app().await;
    let owner = app.person("owner@shop.example").await;
    let (mut emails, mut path) = (Vec::new(), "/api/users?limit=2".to_owned());
    for _ in 0..3 {
        let page = app.get(&path).bearer(&owner.token).send().await.json();
        emails.extend(
            page["items"].as_array().unwrap().iter().map(|one| one["email"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/users?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    emails.sort();
    let all = ["agent@", "manager@", "owner@", "viewer@"].map(|name| format!("{name}shop.example"));
    assert_eq!(emails, ["both@work.example".to_owned()].into_iter().chain(all).collect::<Vec<_>>().sorted());
}

trait Sorted {
    fn sorted(self) -> Self;
}

impl Sorted for Vec<String> {
    fn sorted(mut self) -> Self {
        self.sort();
        self
    }
}

#[tokio::test]
async fn the_last_owner_stays_and_versions_are_honoured() {
    let (app, mailer) = app().await;
    let owner = app.person("owner@shop.example").await;
    let own = format!("/api/users/{}", owner.body["user"]["id"].as_str().unwrap());
    for body in [json!({"role": "agent"}), json!({"disabled": true})] {
        let kept = patch(&app, &owner, &own, body).send().await;
        assert_eq!((kept.status, &*kept.code()), (409, "last_owner"));
    }
    let kept = app.ask("DELETE", &own).bearer(&owner.token).send().await;
    assert_eq!((kept.status, &*kept.code()), (409, "last_owner"));

    let second = invite(&app, &owner, "/api/users", "nora@new.example", "owner").send().await;
    let still = app.ask("DELETE", &own).bearer(&owner.token).send().await;
    assert_eq!(still.code(), "last_owner", "who was only invited cannot sign in");
    accept(&app, &token(&mailer)).await;
    let nora = format!("/api/users/{}", second.json()["id"].as_str().unwrap());
    let stale = patch(&app, &owner, &nora, json!({"name": "N."})).header("if-match", "\"1\"").send().await;
    assert_eq!((stale.status, &*stale.code()), (412, "precondition_failed"));
    let tag = app.get(&nora).bearer(&owner.token).send().await.header("etag").unwrap().to_owned();
    let named = patch(&app, &owner, &nora, json!({"name": "N."})).header("if-match", &tag).send().await;
    assert_eq!((named.status, &named.json()["name"]), (200, &json!("N.")));
    assert_ne!(named.header("etag").unwrap(), tag);
    assert_eq!(app.ask("DELETE", &own).bearer(&owner.token).send().await.status, 204);
    assert_eq!(app.get("/api/users").bearer(&owner.token).send().await.status, 401, "felt here at once");
}

#[tokio::test]
async fn another_node_refuses_who_was_removed_or_disabled_within_five_seconds() {
    let (app, _) = app().await;
    // Another process: the same store, and a memory of its own.
    let storage = Arc::clone(&app.store) as bob_core::storage::SharedStorage;
    let clock = Arc::clone(&app.clock) as Arc<dyn bob_core::clock::Clock>;
    let bob = bob_core::Bob::build(storage).clock(clock).build().await.unwrap();
    let other = BobService::new(bob, mount_at(&[OWN]));
    let owner = app.person("owner@shop.example").await;
    let admin = app.platform("admin@bob.example").await;
    for (email, how) in [
        ("agent@shop.example", "DELETE"),
        ("viewer@shop.example", "PATCH"),
        ("manager@shop.example", "ACCOUNT"),
    ] {
        let person = app.person(email).await;
        let me = || Ask::new(other.clone(), "GET", "/api/auth/me").bearer(&person.token);
        assert_eq!(me().send().await.status, 200);
        let id = id_of(&app, &owner, "/api/users", email).await;
        let done = match how {
            "DELETE" => app.ask("DELETE", &format!("/api/users/{id}")).bearer(&owner.token),
            "PATCH" => patch(&app, &owner, &format!("/api/users/{id}"), json!({"disabled": true})),
            _ => patch(&app, &admin, &format!("/api/platform/accounts/{id}"), json!({"disabled": true})),
        };
        assert!(done.send().await.status < 300);
        let here = app.get("/api/auth/me").bearer(&person.token).send().await;
        assert_eq!(here.status, 401, "{how}: here at once");
        app.clock.advance(LOGIN_CACHE_AGE);
        assert_eq!(me().send().await.status, 401, "{how}: there within five seconds");
        let again = login(&app, "/api/customers/auth/login", email, PASSWORD).send().await;
        assert_eq!(again.status, 401, "{how}");
    }
}

#[tokio::test]
async fn only_who_holds_the_permission_manages_people_and_nobody_grants_more_than_they_may() {
    let (app, _) = app().await;
    let owner = app.person("owner@shop.example").await;
    let agent = id_of(&app, &owner, "/api/users", "agent@shop.example").await;
    let one = format!("/api/users/{agent}");
    let body = json!({"email": "x@new.example", "name": "X", "role": "viewer"});
    let calls = |of: &SignedIn, users: &str, one: &str| {
        [
            app.get(users).bearer(&of.token),
            app.post(users).bearer(&of.token).json(&body),
            app.get(one).bearer(&of.token),
            patch(&app, of, one, json!({"role": "viewer"})),
            app.ask("DELETE", one).bearer(&of.token),
            app.post(&format!("{one}/invite")).bearer(&of.token),
        ]
    };
    for email in ["manager@shop.example", "agent@shop.example", "viewer@shop.example"] {
        let person = app.person(email).await;
        for call in calls(&person, "/api/users", &one) {
            let refused = call.send().await;
            assert_eq!((refused.status, &*refused.code()), (403, "permission_denied"), "{email}");
        }
    }
    for email in ["operator@bob.example", "auditor@bob.example"] {
        let person = app.platform(email).await;
        for call in calls(&person, "/api/platform/users", &format!("/api/platform/users/{agent}")) {
            assert_eq!(call.send().await.status, 403, "{email}");
        }
    }
    for call in calls(&owner, "/api/platform/users", &format!("/api/platform/users/{agent}")) {
        assert_eq!(call.send().await.status, 403, "an owner of a business is nobody on the platform");
    }
    let admin = app.platform("admin@bob.example").await;
    assert_eq!(app.get("/api/users").bearer(&admin.token).send().await.code(), "tenant_required");
    let of_shop = app.get("/api/users?business_id=shop").bearer(&admin.token).send().await;
    assert_eq!((of_shop.status, of_shop.json()["items"].as_array().unwrap().len()), (200, 5));
}

#[tokio::test]
async fn anothers_people_are_not_there() {
    let (app, _) = app().await;
    let (owner, rival) = (app.person("owner@shop.example").await, app.person("owner@rival.example").await);
    let theirs = id_of(&app, &rival, "/api/users", "owner@rival.example").await;
    let missing = uuid::Uuid::now_v7().to_string();
    let without_id = |answer: Answer| {
        let mut body = answer.json();
        body.as_object_mut().unwrap().remove("request_id");
        (answer.status, body)
    };
    for (method, tail, body) in [
        ("GET", "", None),
        ("PATCH", "", Some(json!({"disabled": true}))),
        ("DELETE", "", None),
        ("POST", "/invite", None),
    ] {
        let ask = async |id: &str| {
            let ask = app.ask(method, &format!("/api/users/{id}{tail}")).bearer(&owner.token);
            let ask = if let Some(body) = &body { ask.json(body) } else { ask };
            without_id(ask.send().await)
        };
        let nobody = ask(&missing).await;
        assert_eq!(nobody.0, 404, "{method}");
        for id in [&*theirs, "nonsense", "0", "%2e%2e"] {
            assert_eq!(ask(id).await, nobody, "{method} {id}");
        }
    }
    let there = app.get("/api/users?business_id=rival").bearer(&owner.token).send().await;
    assert_eq!(there.status, 404);
}

#[tokio::test]
async fn platform_people_are_invited_changed_and_removed_by_their_owner() {
    let (app, mailer) = app().await;
    let admin = app.platform("admin@bob.example").await;
    let users = "/api/platform/users";
    let invited = invite(&app, &admin, users, "nora@new.example", "operator").send().await;
    assert_eq!((invited.status, &invited.json()["state"]), (201, &json!("invited")), "{}", invited.text());
    assert_eq!(mailer.next().await.subject(), "Bob invites you");
    assert_eq!(accept(&app, &token(&mailer)).await.status, 204);
    let nora = login(&app, "/api/auth/login", "nora@new.example", GOOD).send().await.json();
    assert_eq!(nora["user"]["roles"], json!(["operator"]));
    let tenants_role = invite(&app, &admin, users, "x@new.example", "agent").send().await;
    assert_eq!((tenants_role.status, &tenants_role.json()["errors"][0]["pointer"]), (422, &json!("/role")));

    let one = format!("{users}/{}", nora["user"]["id"].as_str().unwrap());
    let auditor = patch(&app, &admin, &one, json!({"role": "auditor", "name": "N. N."})).send().await;
    assert_eq!((auditor.status, &auditor.json()["role"]), (200, &json!("auditor")));
    let shut_out = patch(&app, &admin, &one, json!({"disabled": true})).send().await;
    assert_eq!((shut_out.status, &shut_out.json()["state"]), (200, &json!("disabled")));
    let token = nora["token"].as_str().unwrap();
    assert_eq!(app.get("/api/auth/me").bearer(token).send().await.status, 401);
    assert_eq!(app.ask("DELETE", &one).bearer(&admin.token).send().await.status, 204);
    assert_eq!(app.get(&one).bearer(&admin.token).send().await.status, 404);

    let own = format!("{users}/{}", admin.body["user"]["id"].as_str().unwrap());
    for ask in
        [patch(&app, &admin, &own, json!({"role": "auditor"})), app.ask("DELETE", &own).bearer(&admin.token)]
    {
        let kept = ask.send().await;
        assert_eq!((kept.status, &*kept.code()), (409, "last_owner"));
    }
    let sole = id_of(&app, &admin, "/api/users?business_id=rival", "owner@rival.example").await;
    let kept = patch(&app, &admin, &format!("/api/platform/accounts/{sole}"), json!({"disabled": true}))
        .send()
        .await;
    assert_eq!((kept.status, &*kept.code()), (409, "last_owner"), "a business keeps an owner too");
}

#[tokio::test]
async fn what_does_not_fit_is_named_and_nobody_is_invited() {
    let (app, mailer) = app().await;
    let owner = app.person("owner@shop.example").await;
    let long = "x".repeat(201);
    app.store.forget();
    for (email, name, role, pointer) in [
        ("nobody", "X", "agent", "/email"),
        ("a@b.example\r\nBcc: x@evil.example", "X", "agent", "/email"),
        ("a@b.example, x@evil.example", "X", "agent", "/email"),
        ("", "X", "agent", "/email"),
        ("a@b.example", "", "agent", "/name"),
        ("a@b.example", "  ", "agent", "/name"),
        ("a@b.example", "X\r\nBcc: x@evil.example", "agent", "/name"),
        ("a@b.example", "X\u{0}", "agent", "/name"),
        ("a@b.example", &long, "agent", "/name"),
        ("a@b.example", "X", "root", "/role"),
        ("a@b.example", "X", "Owner", "/role"),
        ("a@b.example", "X", "operator", "/role"),
        ("a@b.example", "X", "", "/role"),
    ] {
        let body = json!({"email": email, "name": name, "role": role});
        let refused = app.post("/api/users").bearer(&owner.token).json(&body).send().await;
        let problem = refused.json();
        assert_eq!((refused.status, &problem["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}");
    }
    let odd = invite(&app, &owner, "/api/users", "a>;<evil@b.example", "agent").send().await;
    assert_eq!(
        (odd.status, &odd.json()["mail"]),
        (201, &json!("sent")),
        "the memory mailer takes everything"
    );
    assert_eq!(app.store.writes(), ["add_member"]);
    assert_eq!(mailer.all().len(), 1);
}
