//! Knowledge over HTTP: written, reviewed, published, expired and imported; and what visitors are answered from.

use std::sync::Arc;
use std::time::Duration;

use bob_core::Bob;
use bob_core::clock::Clock;
use bob_core::storage::SharedStorage;
use bob_core::testing::fixture;
use bob_tower::BobService;
use serde_json::{Value, json};

use crate::harness::{Answer, App, Ask, RETURNS, SignedIn, app, mount_at};

const KNOWLEDGE: &str = "/api/customer-portal/knowledge";
const IMPORT: &str = "/api/customer-portal/knowledge/import";

/// What visitors ask about the texts of these tests.
const PARKING: &str = "Where can I park my bicycle?";

fn parking(body: &str) -> Value {
    json!({"title": "Bicycle parking", "body": body, "questions": [PARKING], "language": "en"})
}

fn call(app: &App, who: &SignedIn, method: &str, path: &str, body: &Value) -> Ask {
    let ask = app.ask(method, path).bearer(&who.token);
    if body.is_null() { ask } else { ask.json(body) }
}

async fn step(app: &App, who: &SignedIn, item: &Value, step: &str) -> Answer {
    call(app, who, "POST", &format!("{}/{step}", path(item)), &Value::Null).send().await
}

async fn drafted(app: &App, who: &SignedIn, body: &Value) -> Value {
    let answer = call(app, who, "POST", KNOWLEDGE, body).send().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

async fn published(app: &App, who: &SignedIn, body: &Value) -> Value {
    let item = drafted(app, who, body).await;
    assert_eq!(step(app, who, &item, "submit").await.status, 200);
    let answer = step(app, who, &item, "approve").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn path(item: &Value) -> String {
    format!("{KNOWLEDGE}/{}", item["id"].as_str().unwrap())
}

/// What a visitor of the shop is told.
async fn told(app: &App, question: &str) -> String {
    told_by(&app.service, question).await
}

async fn told_by(service: &BobService, question: &str) -> String {
    let ask = Ask::new(service.clone(), "POST", "/api/chat").json(&json!({ "message": question }));
    let answer = ask.send().await.json();
    answer["reply"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_text_goes_its_way_and_the_next_answer_is_from_it() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    assert!(!told(&app, PARKING).await.contains("courtyard"));
    let item = drafted(&app, &owner, &parking("Bicycles stand in the courtyard.")).await;
    assert_eq!(
        (&item["status"], &item["version"], &item["published"]),
        (&json!("draft"), &json!(1), &json!(null))
    );
    for (action, status) in [("submit", "review"), ("approve", "published")] {
        assert!(!told(&app, PARKING).await.contains("courtyard"), "before it is approved");
        let answer = step(&app, &owner, &item, action).await;
        assert_eq!((answer.status, &answer.json()["status"]), (200, &json!(status)), "{action}");
    }
    let now = told(&app, PARKING).await;
    assert!(now.contains("Bicycles stand in the courtyard"), "{now}");

    let next = call(&app, &owner, "PUT", &path(&item), &parking("Bicycles stand on the roof.")).send().await;
    assert_eq!((next.status, next.header("etag")), (200, Some("\"2\"")));
    let next = next.json();
    assert_eq!((&next["status"], &next["published"]["version"]), (&json!("draft"), &json!(1)));
    assert!(told(&app, PARKING).await.contains("courtyard"), "the published one stands meanwhile");
    for action in ["submit", "approve"] {
        assert_eq!(step(&app, &owner, &item, action).await.status, 200);
    }
    let now = told(&app, PARKING).await;
    assert!(now.contains("roof") && !now.contains("courtyard"), "{now}");
    let gone = step(&app, &owner, &item, "expire").await;
    assert_eq!((gone.status, &gone.json()["published"]), (200, &json!(null)));
    assert!(!told(&app, PARKING).await.contains("roof"), "what expired leaves the next answer");
    assert_eq!(app.store.writes().iter().filter(|write| **write == "approve_knowledge").count(), 2);
}

#[tokio::test]
async fn a_removed_text_leaves_the_next_answer_and_the_list() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let item = published(&app, &owner, &parking("Bicycles stand in the courtyard.")).await;
    assert!(told(&app, PARKING).await.contains("courtyard"));
    let stale =
        call(&app, &owner, "DELETE", &path(&item), &Value::Null).header("if-match", "\"2\"").send().await;
    assert_eq!(stale.status, 412);
    let gone =
        call(&app, &owner, "DELETE", &path(&item), &Value::Null).header("if-match", "\"1\"").send().await;
    assert_eq!(gone.status, 204);
    assert!(!told(&app, PARKING).await.contains("courtyard"));
    assert_eq!(call(&app, &owner, "GET", &path(&item), &Value::Null).send().await.status, 404);
    assert_eq!(call(&app, &owner, "DELETE", &path(&item), &Value::Null).send().await.status, 404);
    let list = call(&app, &owner, "GET", KNOWLEDGE, &Value::Null).send().await.text();
    assert!(!list.contains("Bicycle"));
}

#[tokio::test]
async fn another_node_answers_from_what_was_published_within_a_second() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let other = Bob::build(Arc::clone(&app.store) as SharedStorage)
        .clock(Arc::clone(&app.clock) as Arc<dyn Clock>)
        .build()
        .await
        .unwrap();
    let _running = other.start().unwrap();
    let other = BobService::new(other, mount_at(&[crate::harness::OWN]));
    // It knows the shop, and has answered from its texts.
    assert!(told_by(&other, RETURNS).await.contains("30 days"));
    let item = published(&app, &owner, &parking("Bicycles stand in the courtyard.")).await;
    assert!(told(&app, PARKING).await.contains("courtyard"), "here at once");
    assert!(!told_by(&other, PARKING).await.contains("courtyard"), "there it is still what it was");
    app.clock.advance(Duration::from_secs(1));
    assert!(told_by(&other, PARKING).await.contains("courtyard"), "a second later there too");

    step(&app, &owner, &item, "expire").await;
    assert!(!told(&app, PARKING).await.contains("courtyard"));
    app.clock.advance(Duration::from_secs(1));
    assert!(!told_by(&other, PARKING).await.contains("courtyard"));
}

#[tokio::test]
async fn a_text_with_an_end_is_gone_at_its_moment_on_every_node_without_a_change() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let mut body = parking("Bicycles stand in the courtyard until Friday.");
    body["expires_at"] = json!((fixture::now() + jiff::SignedDuration::from_mins(5)).to_string());
    let item = published(&app, &owner, &body).await;
    let other = Bob::build(Arc::clone(&app.store) as SharedStorage)
        .clock(Arc::clone(&app.clock) as Arc<dyn Clock>)
        .build()
        .await
        .unwrap();
    let _running = other.start().unwrap();
    let other = BobService::new(other, mount_at(&[crate::harness::OWN]));
    app.clock.advance(Duration::from_secs(5 * 60) - Duration::from_micros(1));
    let services = [("one", &app.service), ("other", &other)];
    for (node, service) in services {
        assert!(told_by(service, PARKING).await.contains("Friday"), "{node}");
    }
    app.store.forget();
    app.clock.advance(Duration::from_micros(1));
    for (node, service) in services {
        assert!(!told_by(service, PARKING).await.contains("Friday"), "{node}");
    }
    let changed = app.store.writes().into_iter().any(|write| write.contains("knowledge"));
    assert!(!changed, "nobody had to work for it");
    let read = call(&app, &owner, "GET", &path(&item), &Value::Null).send().await.json();
    assert_eq!((&read["expired"], &read["published"]["expired"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn staff_texts_answer_staff_only() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let mut body = parking("Colleagues find the shed key in drawer seven.");
    body["audience"] = json!("staff");
    published(&app, &owner, &body).await;
    for answer in [app.say(PARKING).send().await, app.widget_say(PARKING).send().await] {
        assert!(!answer.text().contains("drawer"), "{}", answer.text());
    }
    let ask = app.post("/api/chat/message").json(&json!({"message": PARKING})).bearer(&owner.token);
    assert!(ask.send().await.text().contains("drawer seven"));
}

#[tokio::test]
async fn a_step_out_of_turn_is_refused_and_says_where_the_text_stands() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let item = drafted(&app, &owner, &parking("One.")).await;
    let reject = |reason: Value| call(&app, &owner, "POST", &format!("{}/reject", path(&item)), &reason);
    for action in ["approve", "expire"] {
        let answer = step(&app, &owner, &item, action).await;
        assert_eq!((answer.status, &*answer.code()), (409, "wrong_status"), "{action}");
    }
    assert_eq!(reject(json!({"reason": "Too short."})).send().await.code(), "wrong_status");
    step(&app, &owner, &item, "submit").await;
    let again = step(&app, &owner, &item, "submit").await;
    assert!(again.json()["detail"].as_str().unwrap().contains("version 1 is review"));
    for reason in [json!({}), json!({"reason": ""}), json!({"reason": "x".repeat(501)}), json!({"reason": 7})]
    {
        assert_eq!(reject(reason).send().await.status, 422);
    }
    let back = reject(json!({"reason": "Too short."})).header("if-match", "\"1\"").send().await;
    assert_eq!((back.status, &back.json()["status"]), (200, &json!("draft")));
    for stale in ["\"2\"", "\"4294967296\"", "\"x\""] {
        for action in ["submit", "approve", "expire"] {
            let ask = call(&app, &owner, "POST", &format!("{}/{action}", path(&item)), &Value::Null);
            assert_eq!(ask.header("if-match", stale).send().await.status, 412, "{action} {stale}");
        }
    }

    let mut ended = parking("Over soon.");
    ended["expires_at"] = json!((fixture::now() + jiff::SignedDuration::from_secs(60)).to_string());
    let late = drafted(&app, &owner, &ended).await;
    step(&app, &owner, &late, "submit").await;
    app.clock.advance(Duration::from_secs(60));
    let answer = step(&app, &owner, &late, "approve").await;
    assert_eq!((answer.status, &*answer.code()), (409, "expired"));
}

#[tokio::test]
async fn releases_are_gathered_where_the_business_wants_it() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let policy = "/api/customer-portal/knowledge/policy";
    assert_eq!(
        call(&app, &owner, "GET", policy, &Value::Null).send().await.json(),
        json!({"gathers_releases": false})
    );
    let set = call(&app, &owner, "PUT", policy, &json!({"gathers_releases": true})).send().await;
    assert_eq!(set.status, 200);
    let item = drafted(&app, &owner, &parking("Bicycles stand in the courtyard.")).await;
    step(&app, &owner, &item, "submit").await;
    let approved = step(&app, &owner, &item, "approve").await.json();
    assert_eq!((&approved["status"], &approved["published"]), (&json!("approved"), &json!(null)));
    assert!(!told(&app, PARKING).await.contains("courtyard"));
    let release = call(&app, &owner, "POST", "/api/customer-portal/publish", &Value::Null).send().await;
    assert_eq!((release.status, &release.json()["release"]), (200, &json!(2)));
    assert!(told(&app, PARKING).await.contains("courtyard"));
}

#[tokio::test]
async fn texts_out_of_their_bounds_are_refused_by_name() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let (widest, long) = ("\u{1f6b2}".repeat(20_000), "x".repeat(20_001));
    let item = drafted(&app, &owner, &parking(&widest)).await;
    assert_eq!(item["body"], json!(widest), "20,000 characters of four bytes each");
    let past = fixture::now().to_string();
    let questions: Vec<String> = (0..51).map(|n| format!("q{n}?")).collect();
    for (field, value, pointer) in [
        ("title", json!(""), "/title"),
        ("title", json!("t".repeat(201)), "/title"),
        ("title", json!("two\nlines"), "/title"),
        ("title", json!(null), "/title"),
        ("body", json!(" \n "), "/body"),
        ("body", json!(long), "/body"),
        ("body", json!("a\u{0}b"), "/body"),
        ("language", json!("english"), "/language"),
        ("language", json!(""), "/language"),
        ("questions", json!(questions), "/questions"),
        ("questions", json!([""]), "/questions"),
        ("questions", json!("How?"), "/questions"),
        ("url", json!("javascript:alert(1)"), "/url"),
        ("url", json!("/relative"), "/url"),
        ("audience", json!("everybody"), "/audience"),
        ("expires_at", json!("tomorrow"), "/expires_at"),
        ("expires_at", json!("2031-01-01"), "/expires_at"),
        ("expires_at", json!(past), "/expires_at"),
        ("status", json!("published"), "/status"),
        ("id", json!("01890a5d-ac96-774b-bcce-b302099a8057"), "/id"),
    ] {
        let mut body = parking("Fine.");
        body[field] = value;
        for (method, path) in [("POST", KNOWLEDGE.to_owned()), ("PUT", path(&item))] {
            let answer = call(&app, &owner, method, &path, &body).send().await;
            let problem = answer.json();
            assert_eq!((answer.status, &problem["errors"][0]["pointer"]), (422, &json!(pointer)), "{field}");
        }
    }
    let huge = call(&app, &owner, "POST", KNOWLEDGE, &parking(&"x".repeat(131_072))).send().await;
    assert_eq!((huge.status, &*huge.code()), (413, "payload_too_large"));
    for query in
        ["status=live", "language=x", "audience=all", "limit=0", "cursor=x", "title=%00", "title=a&title=b"]
    {
        let answer = call(&app, &owner, "GET", &format!("{KNOWLEDGE}?{query}"), &Value::Null).send().await;
        assert_eq!((answer.status, &*answer.code()), (400, "invalid_query"), "{query}");
    }
}

#[tokio::test]
async fn a_list_shows_what_its_filters_name_in_pages() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    drafted(&app, &owner, &parking("One.")).await;
    let list = async |query: &str| {
        let answer = call(&app, &owner, "GET", &format!("{KNOWLEDGE}{query}"), &Value::Null).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let titles = |list: &Value| -> Vec<String> {
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["title"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(titles(&list("").await).len(), 6);
    for (query, expected) in [
        ("?status=draft", &["Bicycle parking"][..]),
        ("?language=de", &["Rückgabe"]),
        ("?audience=staff", &["Discount for staff"]),
        ("?title=PARKING", &["Bicycle parking"]),
        ("?title=%E8%BF%94&language=ja", &["返品"]),
        ("?title=%25", &[]),
        ("?status=retired", &[]),
    ] {
        assert_eq!(titles(&list(query).await), expected, "{query}");
    }
    let (mut read, mut next) = (Vec::new(), "?limit=4".to_owned());
    loop {
        let page = list(&next).await;
        read.extend(titles(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("?limit=4&cursor={cursor}");
    }
    assert_eq!(read, titles(&list("").await));
}

#[tokio::test]
async fn anothers_text_and_a_missing_one_are_the_same_to_everybody() {
    let app = app().await;
    let (owner, rival) = (app.person("owner@shop.example").await, app.person("owner@rival.example").await);
    let theirs = drafted(&app, &rival, &parking("CANARY in the courtyard.")).await;
    let missing = json!({"id": "01890a5d-ac96-774b-bcce-b302099a8057"});
    for (method, end, body) in [
        ("GET", "", Value::Null),
        ("PUT", "", parking("Mine now.")),
        ("DELETE", "", Value::Null),
        ("POST", "/submit", Value::Null),
        ("POST", "/approve", Value::Null),
        ("POST", "/reject", json!({"reason": "x"})),
        ("POST", "/expire", Value::Null),
    ] {
        for item in [&theirs, &missing, &json!({"id": "x"})] {
            let answer = call(&app, &owner, method, &format!("{}{end}", path(item)), &body).send().await;
            assert_eq!((answer.status, &*answer.code()), (404, "not_found"), "{method} {end}");
            assert!(!answer.text().contains("CANARY"));
        }
    }
    let list = call(&app, &owner, "GET", KNOWLEDGE, &Value::Null).send().await.text();
    assert!(!list.contains(theirs["id"].as_str().unwrap()));
    let read = call(&app, &rival, "GET", &path(&theirs), &Value::Null).send().await.json();
    assert_eq!((&read["version"], &read["status"]), (&json!(1), &json!("draft")));

    let agent = app.person("agent@shop.example").await;
    let auditor = app.platform("auditor@bob.example").await;
    let admin = app.platform("admin@bob.example").await;
    for (who, query, status) in [
        (&agent, "", 403),
        (&auditor, "?business_id=shop", 403),
        (&admin, "", 422),
        (&admin, "?business_id=rival", 200),
    ] {
        let answer = call(&app, who, "GET", &format!("{KNOWLEDGE}{query}"), &Value::Null).send().await;
        assert_eq!(answer.status, status, "{query}");
    }
}

fn file(app: &App, who: &SignedIn, query: &str, media: &str, content: impl Into<bytes::Bytes>) -> Ask {
    app.post(&format!("{IMPORT}{query}")).bearer(&who.token).header("content-type", media).body(content)
}

#[tokio::test]
async fn a_table_is_imported_once_and_reported() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let table = "\u{feff}title,body,questions,language,url,audience\r\n\
                 Returns,Unworn items can be returned within 14 days.,How long?|When?,en,https://shop.example/r,\r\n\
                 Lockers,\"Lockers stand\r\nby the door.\",,en,,public\r\n\
                 Formula,=HYPERLINK(1),,en,,\r\n\
                 Lockers,Again.,,en,,\r\n\
                 ,No title.,,en,,\r\n";
    let failed = json!([
        {"line": 6, "title": "Lockers", "code": "duplicate_title",
         "detail": "An earlier text of the file has this title in this language."},
        {"line": 7, "title": "", "code": "title", "detail": "A title has 1 to 200 characters."},
    ]);
    let report = |dry_run: bool, created: u32, updated: u32, unchanged: u32| json!({"dry_run": dry_run, "created": created, "updated": updated, "unchanged": unchanged, "failed": failed});
    let send =
        async |query: &str| file(&app, &owner, query, "text/csv; charset=utf-8", table).send().await.json();
    let count = async || {
        let list = call(&app, &owner, "GET", KNOWLEDGE, &Value::Null).send().await.json();
        list["items"].as_array().unwrap().len()
    };
    assert_eq!(send("?dry_run=true").await, report(true, 2, 1, 0));
    assert_eq!(count().await, 5, "looking writes nothing");
    assert_eq!(send("?submit=true").await, report(false, 2, 1, 0));
    assert_eq!(count().await, 7);
    for query in ["", "?submit=true", "?submit=false&dry_run=false"] {
        assert_eq!(send(query).await, report(false, 0, 0, 3), "{query}");
    }
    let waiting = call(&app, &owner, "GET", &format!("{KNOWLEDGE}?status=review"), &Value::Null).send().await;
    assert_eq!(waiting.json()["items"].as_array().unwrap().len(), 3);
    assert!(told(&app, RETURNS).await.contains("30 days"), "nothing is published by an import");
}

#[tokio::test]
async fn a_document_is_imported_by_its_headings() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let document = "# Hilfe\n\n## Rückgabe\nIn **14** Tagen, [Liste](https://shop.example/l).\n\n## Leer\n";
    let report = file(&app, &owner, "?language=de", "text/markdown", document).send().await.json();
    assert_eq!((&report["updated"], &report["created"]), (&json!(1), &json!(0)));
    assert_eq!((&report["failed"][0]["line"], &report["failed"][0]["title"]), (&json!(6), &json!("Leer")));
    let list =
        call(&app, &owner, "GET", &format!("{KNOWLEDGE}?language=de"), &Value::Null).send().await.json();
    let item = call(&app, &owner, "GET", &path(&list["items"][0]), &Value::Null).send().await.json();
    assert_eq!(item["body"], "In 14 Tagen, Liste (https://shop.example/l).");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_refused_whole() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    app.store.forget();
    let many = format!("title,body\n{}", (0..1_001).map(|n| format!("T{n},b\n")).collect::<String>());
    let cell = format!("title,body\nA,{}\n", "x".repeat(10 * 1024 * 1024));
    let wide = format!("title,body\nA,{}\n", "x".repeat(2 * 1024 * 1024 - 20));
    for (query, media, content, status, code) in [
        ("", "text/csv", Vec::new(), 422, "unreadable_file"),
        ("", "text/csv", b"title,body\nR\xfcckgabe,b\n".to_vec(), 422, "not_utf8"),
        ("", "text/csv", b"\xff\xfet\0i\0t\0l\0e\0".to_vec(), 422, "not_utf8"),
        ("", "text/csv", b"title,body\nA,\"open\n".to_vec(), 422, "unreadable_file"),
        ("", "text/csv", b"name,text\nA,b\n".to_vec(), 422, "unreadable_file"),
        ("", "text/csv", many.into_bytes(), 422, "unreadable_file"),
        ("", "text/csv", cell.into_bytes(), 413, "payload_too_large"),
        ("", "text/markdown", b"\xfc".to_vec(), 422, "not_utf8"),
        ("", "text/markdown", b"   ".to_vec(), 422, "unreadable_file"),
        ("", "application/json", b"{}".to_vec(), 415, "unsupported_media_type"),
        ("", "text/csv; charset=latin1", b"title,body\n".to_vec(), 415, "unsupported_media_type"),
        ("", "", b"title,body\n".to_vec(), 415, "unsupported_media_type"),
        ("?dry_run=1", "text/csv", b"title,body\nA,b\n".to_vec(), 400, "invalid_query"),
        ("?submit=", "text/csv", b"title,body\nA,b\n".to_vec(), 400, "invalid_query"),
        ("?language=english", "text/csv", b"title,body\nA,b\n".to_vec(), 400, "invalid_query"),
    ] {
        let answer = file(&app, &owner, query, media, content).send().await;
        assert_eq!((answer.status, &*answer.code()), (status, code), "{query} {media}: {}", answer.text());
    }
    let report = file(&app, &owner, "", "text/csv", wide).send().await.json();
    assert_eq!((&report["created"], &report["failed"][0]["code"]), (&json!(0), &json!("body")));
    assert_eq!(app.store.writes(), [""; 0], "nothing was stored");
    let agent = app.person("agent@shop.example").await;
    assert_eq!(file(&app, &agent, "", "text/csv", "title,body\nA,b\n").send().await.status, 403);
}

#[tokio::test]
async fn a_full_file_is_stored_whole() {
    let app = app().await;
    let owner = app.person("owner@shop.example").await;
    let table =
        format!("title,body\n{}", (0..1_000).map(|n| format!("Text {n},Body {n}.\n")).collect::<String>());
    let report = file(&app, &owner, "", "text/csv", table.clone()).send().await.json();
    assert_eq!((&report["created"], &report["failed"]), (&json!(1_000), &json!([])));
    let again = file(&app, &owner, "", "text/csv", table).send().await.json();
    assert_eq!(again["unchanged"], 1_000);
}
