//! The pricebook is public, and the same for a minute.

use bob_core::credit::MilliCredits;
use bob_core::pricebook::{ModelRate, Pricebook};
use serde_json::json;

use crate::harness::{Fault, RETURNS, Setup, WARNING, app};

#[tokio::test]
async fn everybody_reads_what_plans_and_answers_cost() {
    let mut book = Pricebook::first();
    book.rates.models.push(ModelRate {
        model: "small".to_owned(),
        input: MilliCredits(1),
        output: MilliCredits(2_500),
    });
    let app = Setup::new().pricebook(book).run().await;
    let answer = app.get("/api/pricebook").header("origin", "https://elsewhere.example").send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "version": 1,
            "effective_at": "2026-01-01T00:00:00Z",
            "plans": [
                {"name": "Starter", "monthly": {"amount_minor": 7_900, "currency": "USD"},
                 "credits": 15_000, "seats": 3, "integrations": 1, "support": "email"},
                {"name": "Pro", "monthly": {"amount_minor": 24_900, "currency": "USD"},
                 "credits": 75_000, "seats": 10, "integrations": 3, "support": "priority"},
                {"name": "Enterprise", "monthly": {"amount_minor": 89_900, "currency": "USD"},
                 "credits": 250_000, "seats": null, "integrations": 10, "support": "dedicated"},
            ],
            "rates": {
                "grounded_answer_millicredits": 1_000,
                "tool_call_millicredits": 500,
                "plugin_cpu_second_millicredits": 1_000,
                "plugin_egress_mib_millicredits": 200,
                "models": [
                    {"model": "small", "input_per_1000_tokens_millicredits": 1,
                     "output_per_1000_tokens_millicredits": 2_500},
                    {"model": "*", "input_per_1000_tokens_millicredits": 500,
                     "output_per_1000_tokens_millicredits": 2_000},
                ],
            },
        })
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
    let fence: Vec<_> =
        answer.headers.keys().filter(|name| name.as_str().contains("control-allow")).collect();
    assert!(fence.is_empty(), "{fence:?}");
}

#[tokio::test]
async fn who_has_the_pricebook_already_is_told_so() {
    let app = app().await;
    let first = app.get("/api/pricebook").send().await;
    let tag = first.header("etag").unwrap().to_owned();
    for (known, status) in [
        (tag.clone(), 304),
        (format!("W/{tag}"), 304),
        (format!("\"other\", {tag}"), 304),
        ("*".to_owned(), 304),
        ("\"other\"".to_owned(), 200),
        (tag.trim_matches('"').to_owned(), 200),
        (String::new(), 200),
    ] {
        let answer = app.get("/api/pricebook").header("if-none-match", &known).send().await;
        assert_eq!((answer.status, answer.body.is_empty()), (status, status == 304), "{known}");
        assert_eq!(answer.header("etag"), Some(&*tag), "{known}");
        assert_eq!(answer.header("cache-control"), Some("public, max-age=60"), "{known}");
    }
    let head = app.ask("HEAD", "/api/pricebook").send().await;
    assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, Some(&*tag)));
}

#[tokio::test]
async fn without_a_pricebook_nothing_is_priced_and_nothing_answered() {
    let app = Setup::new().not_started().run().await;
    app.store.fail(Fault::GoneFor("published_pricebook"));
    let running = app.bob.start().unwrap();
    let pricebook = app.get("/api/pricebook").send().await;
    assert_eq!((pricebook.status, &*pricebook.code()), (503, "storage_unavailable"));
    assert_eq!(pricebook.header("cache-control"), Some("no-store"));
    for (door, ask) in app.doors(RETURNS).await {
        let answer = ask().send().await;
        assert_eq!((answer.status, &*answer.code()), (503, "storage_unavailable"), "{door}");
        assert!(answer.header("retry-after").is_some(), "{door}");
    }
    assert!(!app.store.writes().contains(&"begin_turn"), "nothing was stored");

    app.store.fail(Fault::None);
    assert_eq!(app.say(RETURNS).send().await.json()["outcome"], "answered");
    // What was read once is good enough while the database is away.
    app.clock.advance(std::time::Duration::from_secs(60));
    app.store.fail(Fault::GoneFor("published_pricebook"));
    assert_eq!(app.get("/api/pricebook").send().await.status, 200);
    assert_eq!(app.say(RETURNS).send().await.json()["outcome"], "answered");
    drop(running);
}

#[tokio::test]
async fn health_names_every_worker_and_what_should_be_changed() {
    let app = app().await;
    let beats = || async {
        let health = app.get("/api/health").send().await.json();
        assert_eq!(health["storage"]["warnings"], json!([WARNING]));
        let workers = health["workers"].as_array().unwrap().clone();
        let names: Vec<_> = workers.iter().map(|worker| worker["name"].clone()).collect();
        assert_eq!(names, ["sweeper", "renewals", "signing_keys", "erasures"]);
        workers.iter().all(|worker| worker["last_beat"] == "2026-11-22T12:00:00Z")
    };
    for _ in 0..1_000 {
        if beats().await {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("a worker does not work");
}
