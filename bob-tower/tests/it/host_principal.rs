//! People whom the embedding host signs in itself, and an authoriser of the host's own.

use std::sync::Arc;

use async_trait::async_trait;
use bob_core::account::{Asked, Authoriser, Permission, PermissionSet, PlatformRole, TenantRole, Undecided};
use bob_core::audit::{AuditFilter, AuditQuery};
use bob_core::id::TenantId;
use bob_core::storage::AuditStore as _;
use bob_tower::HostPrincipal;
use serde_json::json;
use uuid::Uuid;

use crate::harness::{App, Ask, OWN, RETURNS, Setup, app, mount_at};

const MESSAGE: &str = "/api/chat/message";
const USAGE: &str = "/api/customer-portal/usage";

fn of(tenant: TenantId, role: TenantRole) -> HostPrincipal {
    HostPrincipal::of_business(Uuid::now_v7(), "Hanna", tenant, role.permissions()).not_ambient()
}

fn of_platform(role: PlatformRole) -> HostPrincipal {
    HostPrincipal::of_platform(Uuid::now_v7(), "Paul", role.permissions()).not_ambient()
}

async fn status(ask: Ask) -> (u16, String) {
    let answer = ask.send().await;
    let code = if answer.status < 400 { String::new() } else { answer.code() };
    (answer.status, code)
}

#[tokio::test]
async fn the_hosts_people_talk_through_the_signed_in_door_and_the_audit_tells_them_apart() {
    let app = app().await;
    let id = Uuid::now_v7();
    let agent = TenantRole::Agent.permissions();
    let hanna = HostPrincipal::of_business(id, "Hanna", app.shop.id, agent).not_ambient();
    let say = json!({"message": RETURNS, "session_id": "s"});

    let answer = app.post(MESSAGE).json(&say).by_host(&hanna).send().await;
    assert_eq!(answer.json()["outcome"], "answered", "{}", answer.text());
    let read = |person: &HostPrincipal| app.get("/api/chat/history/s").by_host(person).send();
    assert_eq!(read(&hanna).await.json()["items"].as_array().unwrap().len(), 2);
    let other = of(app.shop.id, TenantRole::Owner);
    assert_ne!(read(&other).await.text(), read(&hanna).await.text(), "a conversation is its person's own");

    let filter = AuditFilter { principal: Some(id), ..AuditFilter::default() };
    let query = AuditQuery { filter, behind: None, limit: 10, look_at: 1_000 };
    let rows = app.store.audit(&app.shop.id, query).await.unwrap().rows;
    let told: Vec<_> = rows.iter().map(|row| (row.principal.kind(), &*row.operation)).collect();
    assert_eq!(told, [("host", "finish_turn"), ("host", "begin_turn")]);
    assert!(rows.iter().all(|row| row.address.is_some() && !row.by_platform));
}

#[tokio::test]
async fn the_hosts_people_see_their_own_business_with_what_the_host_gave_them() {
    let app = app().await;
    let (owner, agent) = (of(app.shop.id, TenantRole::Owner), of(app.shop.id, TenantRole::Agent));
    let stranger = of(TenantId::new(), TenantRole::Owner);
    let (admin, auditor) = (of_platform(PlatformRole::Owner), of_platform(PlatformRole::Auditor));
    let nobody = HostPrincipal::of_platform(Uuid::now_v7(), "Nina", PermissionSet::default()).not_ambient();
    let grant = json!({"amount_millicredits": 1, "reason": "why not"});
    let named = |business: &str| format!("{USAGE}?business_id={business}");
    let credits = || app.post("/api/tenants/{shop}/credits").json(&grant);
    let rows: Vec<(&str, Ask, &HostPrincipal, u16, &str)> = vec![
        ("own", app.get(USAGE), &owner, 200, ""),
        ("own, named", app.get(&named("shop")), &owner, 200, ""),
        ("another's", app.get(&named("rival")), &owner, 404, "not_found"),
        ("nobody's", app.get(&named("no-such")), &owner, 404, "not_found"),
        ("without the permission", app.get(USAGE), &agent, 403, "permission_denied"),
        ("without any", app.get(&named("shop")), &nobody, 403, "permission_denied"),
        ("of a business that is not there", app.get(USAGE), &stranger, 404, "not_found"),
        ("of the platform, naming none", app.get(USAGE), &auditor, 422, "tenant_required"),
        ("of the platform", app.get(&named("rival")), &auditor, 200, ""),
        ("for the platform only", credits(), &owner, 403, "permission_denied"),
        ("for others of the platform", credits(), &auditor, 403, "permission_denied"),
        ("a grant", credits(), &admin, 201, ""),
        ("about a sign-in of Bob's", app.post("/api/auth/logout"), &admin, 403, "own_sign_in_required"),
    ];
    for (name, ask, person, expected, code) in rows {
        assert_eq!(status(ask.by_host(person)).await, (expected, code.to_owned()), "{name}");
    }
}

#[tokio::test]
async fn pages_learn_who_the_host_signed_in() {
    let app = app().await;
    let agent = of(app.shop.id, TenantRole::Agent);
    let me = app.get("/api/auth/me").by_host(&agent).send().await.json();
    let user = &me["user"];
    assert_eq!((&user["name"], &user["kind"]), (&json!("Hanna"), &json!("tenant")));
    assert_eq!(user["tenant_id"], app.shop.id.to_string());
    assert_eq!(user["permissions"], json!(["chat.manage", "conversation.read", "conversation.reply"]));
    assert_eq!((&user["email"], &me["csrf_token"], &user["roles"]), (&json!(null), &json!(null), &json!([])));
}

#[tokio::test]
async fn only_the_extension_counts() {
    let app = app().await;
    let person = format!("{:?}", of(app.shop.id, TenantRole::Owner));
    for name in ["host-principal", "x-host-principal", "hostprincipal", "x-forwarded-user", "remote-user"] {
        for value in [&*person, &app.shop.id.to_string(), "owner"] {
            let ask = app.get(USAGE).header(name, value);
            assert_eq!(status(ask).await, (401, "unauthorized".to_owned()), "{name}: {value}");
        }
    }
}

#[tokio::test]
async fn an_ambient_sign_in_changes_something_only_from_an_own_page_that_its_browser_vouches_for() {
    let app = app().await;
    let ambient =
        HostPrincipal::of_business(Uuid::now_v7(), "Hanna", app.shop.id, TenantRole::Agent.permissions());
    let deliberate = ambient.clone().not_ambient();
    let evil = "https://evil.example";
    let rows: &[(Option<&str>, Option<&str>, bool)] = &[
        (None, None, false),
        (Some("same-origin"), None, true),
        (Some("same-origin"), Some(OWN), true),
        (Some("same-origin"), Some(evil), true),
        (Some("same-site"), Some(OWN), false),
        (Some("cross-site"), Some(OWN), false),
        (Some("none"), None, false),
        (Some(""), None, false),
        (None, Some(OWN), true),
        (None, Some(evil), false),
        (None, Some("null"), false),
        (None, Some(""), false),
        (None, Some("https://bob.example.evil.example"), false),
    ];
    for (site, origin, allowed) in rows {
        let ask = |person: &HostPrincipal, method: &str, path: &str| {
            let ask = app.ask(method, path).by_host(person);
            ask.headers(site.map(|site| ("sec-fetch-site", site)))
                .headers(origin.map(|origin| ("origin", origin)))
        };
        let (expected, code) = if *allowed { (201, "") } else { (403, "csrf_failed") };
        let written = status(ask(&ambient, "POST", "/api/chat/session")).await;
        assert_eq!(written, (expected, code.to_owned()), "{site:?} {origin:?}");
        let read = status(ask(&ambient, "GET", "/api/chat/history/s?business_id=rival")).await;
        assert_eq!(read.0, 404, "reading changes nothing: {site:?} {origin:?}");
        let by_client = status(ask(&deliberate, "POST", "/api/chat/session")).await;
        assert_eq!(by_client.0, 201, "a client that proves itself needs neither: {site:?} {origin:?}");
    }
}

#[tokio::test]
async fn two_sign_ins_at_once_are_refused_and_what_is_not_bobs_is_the_hosts() {
    let app = app().await;
    let host = of(app.shop.id, TenantRole::Owner);
    let (mine, over) = (app.person("owner@shop.example").await, app.person("owner@shop.example").await);
    app.post("/api/auth/logout").bearer(&over.token).send().await;
    let ask = || app.get(USAGE).by_host(&host);
    let two = (401, "two_sign_ins".to_owned());
    assert_eq!(status(ask().bearer(&mine.token)).await, two);
    assert_eq!(status(ask().header("cookie", &mine.cookie)).await, two);
    assert_eq!(status(ask().bearer("of-the-host").header("cookie", &mine.cookie)).await, two);
    for (name, value) in [
        ("authorization", "Bearer of-the-host"),
        ("authorization", "Basic aG9zdDpob3N0"),
        ("authorization", &format!("Bearer {}", over.token)),
        ("cookie", &over.cookie),
        ("cookie", "host_session=1"),
    ] {
        assert_eq!(status(ask().header(name, value)).await.0, 200, "{name}: {value}");
    }
}

/// Lets nobody near the rival, everybody read figures, and knows nothing of audits.
#[derive(Debug)]
struct Picky {
    rival: std::sync::OnceLock<TenantId>,
}

#[async_trait]
impl Authoriser for Picky {
    async fn allows(&self, asked: Asked) -> Result<bool, Undecided> {
        if asked.tenant.is_some() && asked.tenant == self.rival.get().copied() {
            return Ok(false);
        }
        match asked.permission {
            Permission::AnalyticsRead | Permission::TenantManage => Ok(true),
            Permission::AuditRead => Err(Undecided::because("the directory does not answer")),
            permission => Ok(asked.held.contains(permission)),
        }
    }
}

async fn picky() -> App {
    let picky = Arc::new(Picky { rival: std::sync::OnceLock::new() });
    let mount = mount_at(&[OWN]).authoriser(Arc::clone(&picky) as Arc<dyn Authoriser>);
    let app = Setup::new().mount(mount).run().await;
    picky.rival.set(app.rival.id).unwrap();
    app
}

#[tokio::test]
async fn an_authoriser_allows_less_than_roles_or_more_but_moves_no_fence() {
    let app = picky().await;
    let (agent, stranger) = (app.person("agent@shop.example").await, app.person("owner@rival.example").await);
    let admin = app.platform("admin@bob.example").await;
    let grant = json!({"amount_millicredits": 1, "reason": "why not"});
    let rows: Vec<(&str, Ask, &str, u16, &str)> = vec![
        ("more than the role", app.get(USAGE), &agent.token, 200, ""),
        ("less than the role", app.get(USAGE), &stranger.token, 403, "permission_denied"),
        (
            "another's",
            app.get("/api/customer-portal/usage?business_id=rival"),
            &agent.token,
            404,
            "not_found",
        ),
        (
            "what is the platform's",
            app.post("/api/tenants/{shop}/credits").json(&grant),
            &agent.token,
            403,
            "permission_denied",
        ),
        (
            "as the role says",
            app.get("/api/customer-portal/widget-code"),
            &agent.token,
            403,
            "permission_denied",
        ),
        ("a business", app.get("/api/tenants/shop/usage"), &admin.token, 200, ""),
        ("one that is kept from them", app.get("/api/tenants/rival/usage"), &admin.token, 404, "not_found"),
        ("undecided", app.get("/api/audit"), &admin.token, 503, "permission_undecided"),
    ];
    for (name, ask, token, expected, code) in rows {
        assert_eq!(status(ask.bearer(token)).await, (expected, code.to_owned()), "{name}");
    }
}
