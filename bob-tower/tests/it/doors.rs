//! The doors: who is answered, as whom, and how the answer looks.

use std::collections::BTreeSet;

use bob_core::conversation::{ConversationKey, Door};
use bob_core::credit::MilliCredits;
use bob_core::storage::{ConversationStore as _, TenantStore as _};
use bob_core::testing::fixture;
use bob_core::visitor::VISITOR_TOKEN_LIFETIME;
use bob_tower::Mount;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, App, Ask, OWN, RETURNS, Setup, app, knowledge, mount_at};

const FIELDS: &[&str] = &[
    "citations",
    "confirmation",
    "disclosure",
    "handoff",
    "language",
    "outcome",
    "persona",
    "reply",
    "session_id",
    "suggestions",
    "turn_id",
];

fn names(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// A reply has the fields of the contract and no others, and each of its citations can be looked up.
#[track_caller]
fn check_reply(answer: &Answer, with_token: bool) -> Value {
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let reply = answer.json();
    let token = with_token.then_some("visitor_token");
    assert_eq!(names(&reply), FIELDS.iter().copied().chain(token).collect());
    for id in ["turn_id", "session_id"] {
        assert!(reply[id].is_string(), "{id}");
    }
    assert_eq!(reply["turn_id"].as_str().unwrap().parse::<Uuid>().unwrap().get_version_num(), 7);
    check_citations(&reply);
    reply
}

/// Every number in brackets has its source, every source its number, and each quotes an approved text word for word.
#[track_caller]
fn check_citations(reply: &Value) {
    let text = reply["reply"].as_str().unwrap_or_default();
    let approved = knowledge();
    for (at, citation) in (1..).zip(reply["citations"].as_array().unwrap()) {
        assert_eq!(names(citation), BTreeSet::from(["content_hash", "index", "quote", "title", "url"]));
        assert_eq!(citation["index"], at);
        assert!(text.contains(&format!("[{at}]")), "{text}");
        let source = approved.iter().find(|(_, text)| {
            citation["content_hash"] == format!("sha256:{}", HEXLOWER.encode(&text.content_hash()))
        });
        let (_, source) = source.expect("the hash is one of an approved text");
        assert_eq!(citation["title"], source.title());
        assert_eq!(citation["url"].as_str(), source.url());
        assert!(source.body().contains(citation["quote"].as_str().unwrap()), "{citation}");
    }
    let next = format!("[{}]", reply["citations"].as_array().unwrap().len() + 1);
    assert!(!text.contains(&next), "a number without a source: {text}");
}

#[tokio::test]
async fn the_public_door_answers_from_approved_texts_in_the_visitors_language() {
    let app = app().await;
    for (message, language, quote) in [
        (RETURNS, "en", "Unworn items can be returned within 30 days."),
        ("Wie lange kann ich etwas zurückgeben?", "de", "innerhalb von 30 Tagen"),
        ("返品はいつまでできますか？", "ja", "30日以内に返品できます"),
    ] {
        let reply = check_reply(&app.say(message).send().await, true);
        assert_eq!((&reply["outcome"], &reply["language"]), (&json!("answered"), &json!(language)));
        assert!(reply["reply"].as_str().unwrap().contains(quote), "{reply}");
        assert!(!reply["citations"].as_array().unwrap().is_empty());
        assert_eq!(reply["persona"], "Bob");
    }
}

#[tokio::test]
async fn outcomes_are_told_with_what_belongs_to_them() {
    let app = app().await;
    let refused = check_reply(&app.say("How do I bake bread?").send().await, true);
    assert_eq!((&refused["outcome"], &refused["handoff"]), (&json!("refused"), &Value::Null));
    let escalated = check_reply(&app.say("I want to talk to a person").send().await, true);
    assert_eq!(
        (&escalated["outcome"], &escalated["handoff"]),
        (&json!("escalated"), &json!({"to": "our team"}))
    );
    let suggestions = refused["suggestions"].as_array().unwrap();
    assert!((1..=3).contains(&suggestions.len()));
    assert!(suggestions.iter().all(|one| names(one) == BTreeSet::from(["question", "title"])));
    assert_eq!(app.settled().await, 0, "neither costs anything");
}

#[tokio::test]
async fn the_machine_introduces_itself_on_the_first_turn_only() {
    let app = app().await;
    let first = app.say(RETURNS).send().await;
    assert_eq!(first.json()["disclosure"], "You are talking to an AI assistant.");
    let session = first.json()["session_id"].clone();
    let again = app.post("/api/chat").json(&json!({"message": RETURNS, "session_id": session}));
    let again = again.header("cookie", &first.cookie()).send().await;
    assert_eq!(again.json()["disclosure"], Value::Null);
}

#[tokio::test]
async fn a_person_who_took_over_gets_the_message_and_the_visitor_no_reply() {
    let app = app().await;
    let first = app.say(RETURNS).send().await;
    let token = first.json()["visitor_token"].as_str().unwrap().to_owned();
    let session = first.json()["session_id"].as_str().unwrap().to_owned();
    let visitor = app.bob.visitor_tokens().verify(&token, app.shop.id, fixture::now()).unwrap();
    let key = ConversationKey { door: Door::Public, visitor, session: session.parse().unwrap() };
    let found = app.store.conversation(&app.shop.id, &key).await.unwrap().unwrap();
    fixture::take(&*app.store, &app.shop.id, &found.id).await;

    let body = json!({"message": "Are you there?", "session_id": session});
    let told = app.post("/api/chat").json(&body).header("x-bob-visitor", &token).send().await;
    let reply = check_reply(&told, true);

    assert_eq!((&reply["outcome"], &reply["reply"]), (&json!("delivered"), &Value::Null));
}

#[tokio::test]
async fn a_tenant_without_credits_answers_politely() {
    let app = app().await;
    let mut poor = fixture::onboarding("poor");
    poor.credits = MilliCredits::ZERO;
    app.store.onboard(&fixture::act(), poor).await.unwrap();
    let answer = app.say(RETURNS).header("host", "poor.example").send().await;
    assert_eq!((answer.status, &answer.json()["outcome"]), (200, &json!("limited")));
}

#[tokio::test]
async fn the_widget_door_answers_at_both_of_its_addresses() {
    let app = app().await;
    for path in ["/api/widget/chat", "/api/widget/{shop}/chat"] {
        let answer = app.widget("POST", path).json(&json!({"message": RETURNS})).send().await;
        let reply = check_reply(&answer, true);
        assert_eq!(reply["outcome"], "answered", "{path}");
        assert!(answer.set_cookies().is_empty(), "this door knows no cookies");
    }
    for own in ["shop".to_owned(), app.shop.id.to_string()] {
        let body = json!({"message": RETURNS, "business_id": own});
        assert_eq!(app.widget("POST", "/api/widget/chat").json(&body).send().await.status, 200, "{own}");
    }
}

#[tokio::test]
async fn the_widgets_settings_greet_in_every_language_of_the_business() {
    let app = app().await;
    let config = app.widget("GET", "/api/widget/{shop}/config").send().await;
    assert_eq!(config.status, 200);
    let config = config.json();
    assert_eq!(config["tenant_id"], app.shop.id.to_string());
    assert_eq!(config["languages"], json!(["en", "de", "ja"]));
    assert_eq!(names(&config["greeting"]), BTreeSet::from(["de", "en", "ja"]));
}

#[tokio::test]
async fn signed_in_people_are_answered_as_themselves_and_from_staff_texts_too() {
    let app = app().await;
    let agent = app.person("agent@shop.example").await;
    let ask = |message: &str| app.post("/api/chat/message").json(&json!({ "message": message }));
    let answer = ask("What is the staff discount?").bearer(&agent.token).send().await;
    let reply = check_reply(&answer, false);
    assert!(reply["reply"].as_str().unwrap().contains("40 percent"), "{reply}");
    assert!(answer.set_cookies().is_empty());
    let public = app.say("What is the staff discount?").send().await.json();
    assert_ne!(public["outcome"], "answered");

    let by_cookie = ask(RETURNS).header("cookie", &agent.cookie).header("x-csrf-token", &agent.csrf);
    assert_eq!(by_cookie.send().await.status, 200);
}

#[tokio::test]
async fn the_signed_in_door_without_proof_is_never_another_door() {
    let app = app().await;
    let visitor = app.say(RETURNS).send().await;
    let token = visitor.json()["visitor_token"].as_str().unwrap().to_owned();
    let agent = app.person("agent@shop.example").await;
    app.store.forget();
    let broken = format!("Bearer {}x", agent.token);
    let proofs: &[&[(&str, &str)]] = &[
        &[],
        &[("authorization", "Bearer x")],
        &[("authorization", "Bearer ")],
        &[("authorization", "Bearer")],
        &[("authorization", "")],
        &[("authorization", &broken)],
        &[("authorization", "Basic YTpi")],
        &[("authorization", &agent.token)],
        &[("authorization", "Bearer x"), ("cookie", &agent.cookie), ("x-csrf-token", &agent.csrf)],
        &[("cookie", "__Host-bob_session=x")],
        &[("cookie", "__Host-bob_session=")],
        &[("cookie", "bob_session=x")],
        &[("x-bob-visitor", &token)],
        &[("cookie", &visitor.cookie())],
        &[("x-widget-key", &app.shop.key), ("origin", "https://shop.example")],
        &[("x-csrf-token", &agent.csrf)],
    ];
    for proof in proofs {
        for (method, path) in [
            ("POST", "/api/chat/message"),
            ("POST", "/api/chat/session"),
            ("GET", "/api/chat/history/s"),
            ("GET", "/api/chat/message/turns/01890a5d-ac96-774b-bcce-b302099a8057/events"),
        ] {
            let ask = app.ask(method, path).json(&json!({"message": RETURNS}));
            let answer = ask.headers(proof.iter().copied()).send().await;
            assert_eq!((answer.status, &*answer.code()), (401, "unauthorized"), "{path} {proof:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
    assert_eq!(app.store.writes(), [""; 0]);
}

#[tokio::test]
async fn looking_on_is_not_talking() {
    let app = app().await;
    let viewer = app.person("viewer@shop.example").await;
    let auditor = app.platform("auditor@bob.example").await;
    for person in [viewer, auditor] {
        for (method, path) in [
            ("POST", "/api/chat/message"),
            ("POST", "/api/chat/session"),
            ("GET", "/api/chat/history/s"),
            ("GET", "/api/chat/history/s?business_id=rival"),
        ] {
            let ask = app.ask(method, path).json(&json!({"message": "hi", "business_id": "nobody"}));
            let answer = ask.bearer(&person.token).send().await;
            assert_eq!((answer.status, &*answer.code()), (403, "permission_denied"), "{path}");
            assert!(answer.json()["detail"].as_str().unwrap().contains("chat.manage"));
        }
    }
}

#[tokio::test]
async fn another_tenant_is_not_there_for_a_tenants_person() {
    let app = app().await;
    let agent = app.person("agent@shop.example").await;
    let says = |business: &str| json!({"message": RETURNS, "business_id": business});
    let rival = app.rival.id.to_string();
    let strip = |answer: Answer| {
        let mut body = answer.json();
        body.as_object_mut().unwrap().remove("request_id");
        (answer.status, body)
    };
    let ask = |business: &str| app.post("/api/chat/message").json(&says(business)).bearer(&agent.token);
    let missing = strip(ask("nobody").send().await);
    assert_eq!((missing.0, &missing.1["code"]), (404, &json!("not_found")));
    for other in ["rival", &rival, "01890a5d-ac96-774b-bcce-b302099a8057", "", "Shop", "../shop"] {
        assert_eq!(strip(ask(other).send().await), missing, "{other}");
        let session = app.post("/api/chat/session").json(&json!({"business_id": other}));
        assert_eq!(strip(session.bearer(&agent.token).send().await), missing, "{other}");
    }
    for own in ["shop".to_owned(), app.shop.id.to_string()] {
        assert_eq!(ask(&own).send().await.status, 200, "{own}");
    }
}

#[tokio::test]
async fn a_platform_person_names_a_tenant_or_gets_the_hosts() {
    let app = app().await;
    let admin = app.platform("admin@bob.example").await;
    let rival = app.rival.id.to_string();
    let session = async |body: Value, host: &str| {
        let ask = app.post("/api/chat/session").json(&body).bearer(&admin.token).header("host", host);
        let answer = ask.send().await;
        (answer.status, answer.json())
    };
    let (status, view) = session(json!({"business_id": "rival"}), "bob.example").await;
    assert_eq!((status, &view["business_id"]), (201, &json!(rival)));
    let (status, view) = session(json!({}), "rival.example").await;
    assert_eq!((status, &view["business_id"]), (201, &json!(rival)));
    let (status, view) = session(json!({}), "bob.example").await;
    assert_eq!((status, &view["business_id"]), (201, &json!(app.shop.id.to_string())), "the mount's own");
    let (status, problem) = session(json!({"business_id": "nobody"}), "bob.example").await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")));

    let nobodys = Setup::new().mount(Mount::at([OWN]).unwrap()).run().await;
    let admin = nobodys.platform("admin@bob.example").await;
    let answer = nobodys.post("/api/chat/session").bearer(&admin.token).send().await;
    assert_eq!((answer.status, &*answer.code()), (422, "tenant_required"));
}

#[tokio::test]
async fn a_session_is_made_with_or_without_a_name() {
    let app = app().await;
    let agent = app.person("agent@shop.example").await;
    let empty = app.post("/api/chat/session").bearer(&agent.token).send().await;
    assert_eq!(empty.status, 201);
    let view = empty.json();
    assert_eq!(names(&view), BTreeSet::from(["business_id", "language", "persona", "session_id"]));
    assert_eq!((&view["persona"], &view["language"]), (&json!("Bob"), &json!("en")));
    assert_eq!(view["session_id"].as_str().unwrap().parse::<Uuid>().unwrap().get_version_num(), 4);

    let named = app.post("/api/chat/session").json(&json!({"session_id": "session_123"}));
    let named = named.bearer(&agent.token).send().await;
    assert_eq!((named.status, &named.json()["session_id"]), (201, &json!("session_123")));
    for (body, status) in [
        (json!({"session_id": "a b"}), 422),
        (json!({"persona_id": "01890a5d-ac96-774b-bcce-b302099a8057"}), 422),
        (json!({"persona_id": null, "session_id": null}), 201),
        (json!({"name": "x"}), 422),
        (json!([]), 422),
    ] {
        let answer = app.post("/api/chat/session").json(&body).bearer(&agent.token).send().await;
        assert_eq!(answer.status, status, "{body}");
    }
}

#[tokio::test]
async fn the_public_door_serves_the_hosts_tenants_and_no_others() {
    let app = app().await;
    let (shop, rival) = (app.shop.id.to_string(), app.rival.id.to_string());
    for (host, business, served) in [
        ("bob.example", None, Ok("shop")),
        ("bob.example", Some("shop"), Ok("shop")),
        ("bob.example", Some(&*shop), Ok("shop")),
        ("bob.example", Some("rival"), Err("unknown_business")),
        ("bob.example", Some(&*rival), Err("unknown_business")),
        ("bob.example", Some("nobody"), Err("unknown_business")),
        ("bob.example", Some(""), Err("unknown_business")),
        ("bob.example", Some("Shop"), Err("unknown_business")),
        ("bob.example", Some("01890a5d-ac96-774b-bcce-b302099a8057"), Err("unknown_business")),
        ("rival.example", None, Ok("rival")),
        ("RIVAL.example:8443", None, Ok("rival")),
        ("rival.example.", None, Ok("rival")),
        ("rival.example", Some("rival"), Ok("rival")),
        ("rival.example", Some("shop"), Ok("shop")),
        ("127.0.0.1:8080", None, Ok("shop")),
        ("[::1]:8080", None, Ok("shop")),
        ("not a host", None, Ok("shop")),
    ] {
        let mut body = json!({"message": RETURNS});
        if let Some(business) = business {
            body["business_id"] = json!(business);
        }
        let answer = app.post("/api/chat").json(&body).header("host", host).send().await;
        match served {
            Ok(slug) => {
                let tenant = if slug == "shop" { app.shop.id } else { app.rival.id };
                let token = answer.json()["visitor_token"].as_str().unwrap().to_owned();
                let proven = app.bob.visitor_tokens().verify(&token, tenant, fixture::now());
                assert!(proven.is_ok(), "{host} {business:?}");
            }
            Err(code) => assert_eq!((answer.status, &*answer.code()), (404, code), "{host} {business:?}"),
        }
    }
    let nobodys = Setup::new().mount(Mount::at([OWN]).unwrap()).run().await;
    let answer = nobodys.say(RETURNS).send().await;
    assert_eq!((answer.status, &*answer.code()), (422, "tenant_required"));
    let forwarded = nobodys.say(RETURNS).header("x-forwarded-host", "rival.example").send().await;
    assert_eq!(forwarded.code(), "tenant_required", "X-Forwarded-Host is never read");
}

#[tokio::test]
async fn the_visitor_cookie_is_bound_to_the_mount_and_the_tenant() {
    let days = VISITOR_TOKEN_LIFETIME.as_secs();
    for (urls, path, secure) in [
        (&["https://bob.example"][..], "/", true),
        (&["https://bob.example/help/bob/"], "/help/bob", true),
        (&["http://localhost:8080", "https://bob.example"], "/", false),
    ] {
        let app = Setup::new().mount(mount_at(urls)).run().await;
        let answer = app.say(RETURNS).send().await;
        let line = answer.set_cookies().remove(0);
        let simple = app.shop.id.as_uuid().simple().to_string();
        let token = answer.json()["visitor_token"].as_str().unwrap().to_owned();
        let secure = if secure { "; Secure" } else { "" };
        let name = format!("bob_visitor_{}", &simple[24..]);
        let expected = format!("{name}={token}; Path={path}; Max-Age={days}; HttpOnly; SameSite=Lax{secure}");
        assert_eq!(line, expected);
    }
}

#[tokio::test]
async fn visitors_of_two_tenants_keep_two_cookies() {
    let app = app().await;
    let shop = app.say(RETURNS).send().await;
    let rival = app.say(RETURNS).header("host", "rival.example").send().await;
    assert_ne!(shop.cookie().split('=').next(), rival.cookie().split('=').next());
    let both = format!("{}; {}", shop.cookie(), rival.cookie());
    for (host, first) in [("bob.example", &shop), ("rival.example", &rival)] {
        let session = first.json()["session_id"].as_str().unwrap().to_owned();
        let history = app.get(&format!("/api/chat/history?session_id={session}"));
        let history = history.header("host", host).header("cookie", &both).send().await;
        assert_eq!(history.status, 200, "{host}");
    }
    let stolen = rival.json()["visitor_token"].as_str().unwrap().to_owned();
    let read = app.get("/api/chat/history?session_id=s").header("x-bob-visitor", &stolen).send().await;
    assert_eq!((read.status, &*read.code()), (401, "visitor_proof_required"), "a token is its tenant's");
}

/// One way in to each of the three doors, with proof: how to say something and how to read.
struct Way {
    says: Box<dyn Fn(&App, &str) -> Ask>,
    reads: &'static str,
    proof: Vec<(&'static str, String)>,
}

impl Way {
    fn prove(&self, ask: Ask) -> Ask {
        ask.headers(self.proof.iter().map(|(name, value)| (*name, &**value)))
    }
}

async fn ways(app: &App) -> Vec<Way> {
    let agent = app.person("agent@shop.example").await;
    let public = app.say("hi").send().await.json()["visitor_token"].as_str().unwrap().to_owned();
    let widget = app.widget_say("hi").send().await.json()["visitor_token"].as_str().unwrap().to_owned();
    let body = |session: &str| json!({"message": RETURNS, "session_id": session});
    vec![
        Way {
            says: Box::new(move |app, session| app.post("/api/chat").json(&body(session))),
            reads: "/api/chat/history?session_id=",
            proof: vec![("x-bob-visitor", public)],
        },
        Way {
            says: Box::new(move |app, session| app.post("/api/widget/chat").json(&body(session))),
            reads: "/api/widget/{shop}/history?session_id=",
            proof: vec![
                ("x-bob-visitor", widget),
                ("x-widget-key", app.shop.key.clone()),
                ("origin", "https://shop.example".to_owned()),
            ],
        },
        Way {
            says: Box::new(move |app, session| app.post("/api/chat/message").json(&body(session))),
            reads: "/api/chat/history/",
            proof: vec![("authorization", format!("Bearer {}", agent.token))],
        },
    ]
}

#[tokio::test]
async fn a_conversation_reads_back_page_by_page_without_gaps() {
    let app = app().await;
    for way in ways(&app).await {
        for _ in 0..3 {
            assert_eq!(way.prove((way.says)(&app, "s")).send().await.status, 200);
        }
        let mark = if way.reads.contains('?') { '&' } else { '?' };
        let whole = way.prove(app.get(&format!("{}s", way.reads))).send().await.json();
        let items = whole["items"].as_array().unwrap().clone();
        assert_eq!(
            (items.len(), &whole["session_id"], &whole["next_cursor"]),
            (6, &json!("s"), &Value::Null)
        );
        for (item, role) in items.iter().zip(["visitor", "bot"].into_iter().cycle()) {
            let fields = ["at", "citations", "id", "name", "outcome", "role", "text", "turn_id"];
            assert_eq!(names(item), BTreeSet::from(fields));
            assert_eq!(item["role"], role);
        }
        assert_eq!(items[1]["outcome"], "answered");
        assert_eq!(items[1]["citations"].as_array().unwrap().len(), 1);

        let (mut pages, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let next = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let path = format!("{}s{mark}limit=4{next}", way.reads);
            let page = way.prove(app.get(&path)).send().await.json();
            pages.splice(0..0, page["items"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        assert_eq!(pages, items);
        for (query, status) in [("limit=0", 400), ("limit=201", 400), ("cursor=x", 400), ("limit=200", 200)] {
            let path = format!("{}s{mark}{query}", way.reads);
            assert_eq!(way.prove(app.get(&path)).send().await.status, status, "{query}");
        }
    }
}

#[tokio::test]
async fn a_conversation_belongs_to_its_door_and_its_visitor() {
    let app = app().await;
    let ways = ways(&app).await;
    for way in &ways {
        assert_eq!(way.prove((way.says)(&app, "mine")).send().await.status, 200);
    }
    let strangers = self::ways(&app).await;
    for (way, stranger) in ways.iter().zip(&strangers).take(2) {
        let read = stranger.prove(app.get(&format!("{}mine", way.reads))).send().await;
        assert_eq!((read.status, &*read.code()), (404, "not_found"), "a stranger");
    }
    let public_at_widget = app.widget("GET", "/api/widget/{shop}/history?session_id=mine");
    let public_at_widget = public_at_widget.header("x-bob-visitor", &ways[0].proof[0].1).send().await;
    assert_eq!(public_at_widget.status, 404, "the same visitor behind another door");
    let owner = app.person("owner@shop.example").await;
    let colleague = app.get("/api/chat/history/mine").bearer(&owner.token).send().await;
    assert_eq!(colleague.status, 404, "a colleague's own conversation");
}

#[tokio::test]
async fn nothing_is_read_without_proof() {
    let app = app().await;
    let session = Uuid::new_v4().to_string();
    let body = json!({"message": RETURNS, "session_id": session});
    let public = app.post("/api/chat").json(&body).send().await;
    assert_eq!(public.status, 200);
    let widget = app.widget("POST", "/api/widget/chat").json(&body).send().await;
    let turns = [&public, &widget].map(|answer| answer.json()["turn_id"].as_str().unwrap().to_owned());
    let forged = "A".repeat(public.json()["visitor_token"].as_str().unwrap().len());
    for token in [None, Some("x"), Some(&*forged)] {
        for ask in [
            app.get(&format!("/api/chat/history?session_id={session}")),
            app.get(&format!("/api/chat/turns/{}/events", turns[0])),
            app.widget("GET", &format!("/api/widget/{{shop}}/history?session_id={session}")),
            app.widget("GET", &format!("/api/widget/{{shop}}/turns/{}/events", turns[1])),
        ] {
            let answer = ask.headers(token.map(|token| ("x-bob-visitor", token))).send().await;
            assert_eq!((answer.status, &*answer.code()), (401, "visitor_proof_required"));
        }
    }
}

#[tokio::test]
async fn a_secret_session_continues_without_proof_and_names_nobody() {
    let app = app().await;
    for session in [Uuid::new_v4().to_string(), Uuid::now_v7().to_string()] {
        let body = json!({"message": RETURNS, "session_id": session});
        let first = app.post("/api/chat").json(&body).send().await;
        assert!(first.json()["visitor_token"].is_string(), "who begins it is given a token");
        let second = app.post("/api/chat").json(&body).send().await;
        assert_eq!(second.status, 200);
        assert_eq!(second.json()["disclosure"], Value::Null, "the same conversation goes on");
        assert_eq!(second.json().get("visitor_token"), None, "but who it is of is not told");
        assert!(second.set_cookies().is_empty());
        let streamed = app.post("/api/chat").json(&body).events().send().await.events();
        assert_eq!(streamed[0].data.get("visitor_token"), None);
        assert_eq!(streamed.last().unwrap().data.get("visitor_token"), None);

        let other_door = app.widget("POST", "/api/widget/chat").json(&body).send().await;
        assert!(other_door.json()["disclosure"].is_string(), "another door, another conversation");
    }
}

#[tokio::test]
async fn a_guessable_session_without_proof_is_a_fresh_conversation() {
    let app = app().await;
    for session in
        ["session_123", "00000000-0000-0000-0000-000000000000", "c232ab00-9414-11ec-b3c8-9f6bdeced846"]
    {
        let body = json!({"message": RETURNS, "session_id": session});
        let tokens = [
            app.post("/api/chat").json(&body).send().await.json(),
            app.post("/api/chat").json(&body).send().await.json(),
        ];
        assert!(tokens.iter().all(|reply| reply["disclosure"].is_string()), "{session}");
        assert_ne!(tokens[0]["visitor_token"], tokens[1]["visitor_token"]);
    }
}
