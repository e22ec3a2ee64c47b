//! The limits that hold from the first day, as they are by default.

use std::time::Duration;

use bob_core::limit::LimitRates;
use bob_tower::Mount;
use serde_json::json;

use crate::harness::{Answer, App, Ask, OWN, SHOP_PAGE, Setup, mount_at};

async fn limited() -> App {
    Setup::new().limits(LimitRates::default()).run().await
}

async fn behind(trusted: &str) -> App {
    let mount: Mount = mount_at(&[OWN]).trusting([trusted.parse().unwrap()]);
    Setup::new().mount(mount).limits(LimitRates::default()).run().await
}

/// The `n`th address of a large network.
fn client(n: usize) -> String {
    format!("10.{}.{}.{}", n / 65_536, n / 256 % 256, n % 256)
}

/// A visitor who is known, and came from an address of their own.
async fn visitor(app: &App, n: usize) -> String {
    let answer = app.say("hi").peer(&client(60_000 + n)).send().await;
    answer.json()["visitor_token"].as_str().unwrap().to_owned()
}

#[track_caller]
fn check_refused(answer: &Answer, policy: &str, seconds: u32) {
    assert_eq!((answer.status, &*answer.code()), (429, "rate_limited"), "{policy}: {}", answer.text());
    assert_eq!(answer.header("retry-after"), Some(&*seconds.to_string()), "{policy}");
    assert_eq!(answer.header("ratelimit"), Some(&*format!("\"{policy}\";r=0;t={seconds}")));
    let allows = match policy {
        "new-visitors" => "q=30;w=60",
        "visitor" => "q=20;w=60",
        "address" => "q=60;w=60",
        "key" => "q=600;w=60",
        "tenant" => "q=1200;w=60",
        "streams" => "q=20;qu=\"concurrent-requests\"",
        other => panic!("{other}"),
    };
    assert_eq!(answer.header("ratelimit-policy"), Some(&*format!("\"{policy}\";{allows}")));
}

#[tokio::test]
async fn an_address_has_30_new_visitors_a_minute() {
    let app = limited().await;
    let known = visitor(&app, 0).await;
    for left in (0..30).rev() {
        let answer = app.say("hi").send().await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit"), Some(&*format!("\"new-visitors\";r={left}")));
        assert_eq!(answer.header("ratelimit-policy"), Some("\"new-visitors\";q=30;w=60"));
    }
    app.store.forget();
    check_refused(&app.say("hi").send().await, "new-visitors", 2);
    check_refused(&app.widget_say("hi").send().await, "new-visitors", 2);
    check_refused(&app.say("hi").events().send().await, "new-visitors", 2);
    assert_eq!(app.store.writes(), [""; 0]);
    assert_eq!(app.say("hi").header("x-bob-visitor", &known).send().await.status, 200, "who is known");
    assert_eq!(app.say("hi").peer("192.0.2.2").send().await.status, 200, "the neighbour");
    app.clock.advance(Duration::from_secs(2));
    assert_eq!(app.say("hi").send().await.status, 200, "it refills evenly");
    check_refused(&app.say("hi").send().await, "new-visitors", 2);
}

#[tokio::test]
async fn a_visitor_has_20_messages_a_minute() {
    let app = limited().await;
    let (noisy, quiet) = (visitor(&app, 0).await, visitor(&app, 1).await);
    let say = |token: &str, n: usize| app.say("hi").header("x-bob-visitor", token).peer(&client(n));
    for n in 0..20 {
        assert_eq!(say(&noisy, n).send().await.status, 200);
    }
    check_refused(&say(&noisy, 20).send().await, "visitor", 3);
    assert_eq!(say(&quiet, 20).send().await.status, 200, "another visitor at the same address");
    app.clock.advance(Duration::from_secs(3));
    assert_eq!(say(&noisy, 20).send().await.status, 200);

    let agent = app.person("agent@shop.example").await;
    let message = || app.post("/api/chat/message").json(&json!({"message": "hi"})).bearer(&agent.token);
    for n in 0..20 {
        assert_eq!(message().peer(&client(n)).send().await.status, 200);
    }
    check_refused(&message().peer(&client(20)).send().await, "visitor", 3);
}

#[tokio::test]
async fn an_address_has_60_messages_a_minute() {
    let app = limited().await;
    let mut visitors = Vec::new();
    for n in 0..4 {
        visitors.push(visitor(&app, n).await);
    }
    let say = |n: usize| app.say("hi").header("x-bob-visitor", &visitors[n]);
    for n in 0..60 {
        assert_eq!(say(n % 4).send().await.status, 200);
    }
    check_refused(&say(0).send().await, "address", 1);
    check_refused(&app.widget_say("hi").send().await, "address", 1);
    assert_eq!(say(0).peer("192.0.2.2").send().await.status, 200, "the neighbour, and the visitor");
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(say(0).send().await.status, 200);
    check_refused(&say(0).send().await, "address", 1);
}

#[tokio::test]
async fn a_key_has_600_messages_a_minute() {
    let app = limited().await;
    for n in 0..600 {
        assert_eq!(app.widget_say("hi").peer(&client(n)).send().await.status, 200);
    }
    check_refused(&app.widget_say("hi").peer(&client(600)).send().await, "key", 1);
    let other = app.post("/api/widget/chat").json(&json!({"message": "hi"}));
    let other = other.header("x-widget-key", &app.shop.test_key).header("origin", "http://localhost:3000");
    assert_eq!(other.send().await.status, 200, "another key of the tenant");
    assert_eq!(app.say("hi").send().await.status, 200, "another door");
    app.clock.advance(Duration::from_millis(100));
    assert_eq!(app.widget_say("hi").peer(&client(601)).send().await.status, 200);
}

#[tokio::test]
async fn a_tenant_has_1200_messages_a_minute() {
    let app = limited().await;
    for n in 0..1_200 {
        assert_eq!(app.say("hi").peer(&client(n)).send().await.status, 200);
    }
    check_refused(&app.say("hi").peer(&client(1_200)).send().await, "tenant", 1);
    check_refused(&app.widget_say("hi").peer(&client(1_201)).send().await, "tenant", 1);
    let rival = app.say("hi").header("host", "rival.example").peer(&client(1_202)).send().await;
    assert_eq!(rival.status, 200, "another tenant");
    app.clock.advance(Duration::from_millis(50));
    assert_eq!(app.say("hi").peer(&client(1_203)).send().await.status, 200);
}

#[tokio::test]
async fn a_refused_caller_drains_nothing_that_others_share() {
    let mut limits = LimitRates::default();
    limits.tenant.count = 100;
    let app = Setup::new().limits(limits).run().await;
    let refused = async |ask: &dyn Fn() -> Ask| {
        let mut refused = 0;
        for _ in 0..150 {
            refused += usize::from(ask().send().await.status == 429);
        }
        refused
    };
    assert_eq!(refused(&|| app.say("hi")).await, 120, "30 new visitors went through");
    let open =
        futures_util::future::join_all((0..20).map(|_| app.say("hi").peer("192.0.2.2").events().stream()));
    let open = open.await;
    let streams = refused(&|| app.say("hi").peer("192.0.2.2").events()).await;
    assert_eq!(streams, 150, "no stream is left");
    drop(open);
    for n in 0..50 {
        assert_eq!(app.say("hi").peer(&client(n)).send().await.status, 200, "neighbour {n}");
    }
}

#[tokio::test]
async fn an_address_has_20_open_streams() {
    let app = limited().await;
    let token = visitor(&app, 0).await;
    let first = app.say("hi").header("x-bob-visitor", &token).send().await.json();
    let turn = first["turn_id"].as_str().unwrap().to_owned();
    let read = || app.get(&format!("/api/chat/turns/{turn}/events")).header("x-bob-visitor", &token);
    let mut open = Vec::new();
    for n in 0..20 {
        open.push(if n < 10 { app.say("hi").events().stream().await } else { read().stream().await });
    }
    app.store.forget();
    check_refused(&app.say("hi").events().send().await, "streams", 5);
    check_refused(&app.widget_say("hi").events().send().await, "streams", 5);
    check_refused(&read().send().await, "streams", 5);
    assert_eq!(app.store.writes(), [""; 0]);
    assert_eq!(app.say("hi").send().await.status, 200, "an answer in JSON is no stream");
    assert_eq!(read().peer("192.0.2.2").send().await.status, 200, "the neighbour");
    drop(open.pop());
    assert_eq!(read().send().await.status, 200, "a stream that is closed makes room");
}

#[tokio::test]
async fn a_refused_stream_leaves_its_place() {
    let app = limited().await;
    for _ in 0..30 {
        assert_eq!(app.say("hi").send().await.status, 200);
    }
    for _ in 0..40 {
        check_refused(&app.say("hi").events().send().await, "new-visitors", 2);
    }
    let broken = async || app.post("/api/chat").json(&json!({"message": ""})).peer("192.0.2.3").events();
    for _ in 0..25 {
        assert_eq!(broken().await.send().await.status, 422);
        app.clock.advance(Duration::from_secs(2));
    }
    let known = visitor(&app, 1).await;
    let answer = app.say("hi").header("x-bob-visitor", &known).events().send().await;
    assert_eq!(answer.status, 200);
}

/// The trusted network, the peer, what it says about its client, and the client who is counted.
const PROXIES: &[(&str, &str, &[(&str, &str)], &str)] = &[
    ("10.0.0.0/8", "192.0.2.1", &[("x-forwarded-for", "203.0.113.9")], "192.0.2.1"),
    ("10.0.0.0/8", "192.0.2.1", &[("forwarded", "for=203.0.113.9")], "192.0.2.1"),
    ("10.0.0.0/8", "10.0.0.1", &[("x-forwarded-for", "203.0.113.9")], "203.0.113.9"),
    ("10.0.0.0/8", "10.0.0.1", &[("x-forwarded-for", "1.1.1.1, 203.0.113.9")], "203.0.113.9"),
    ("10.0.0.0/8", "10.0.0.1", &[("x-forwarded-for", "1.1.1.1, 203.0.113.9, 10.9.9.9")], "203.0.113.9"),
    ("10.0.0.0/8", "10.0.0.1", &[("forwarded", "for=\"[2001:db8:1:2::1]:4711\"")], "2001:db8:1:2::1"),
    ("10.0.0.0/8", "10.0.0.1", &[("x-forwarded-for", "unknown")], "10.0.0.1"),
    ("10.0.0.0/8", "10.0.0.1", &[("x-real-ip", "203.0.113.9")], "10.0.0.1"),
];

#[tokio::test]
async fn only_a_trusted_proxy_names_its_client() {
    for row @ (trusted, peer, headers, counted) in PROXIES {
        let app = behind(trusted).await;
        for _ in 0..30 {
            let answer = app.say("hi").peer(peer).headers(headers.iter().copied()).send().await;
            assert_eq!(answer.status, 200, "{row:?}");
        }
        let direct = app.say("hi").peer(counted).send().await;
        assert_eq!(direct.status, 429, "{row:?}: it was counted as {counted}");
        assert_eq!(app.say("hi").peer("198.51.100.77").send().await.status, 200, "{row:?}");
    }
}

#[tokio::test]
async fn one_network_of_ipv6_is_one_caller_and_nobody_knows_is_one_too() {
    let app = limited().await;
    for n in 0..30 {
        assert_eq!(app.say("hi").peer(&format!("2001:db8:1:2::{n:x}")).send().await.status, 200);
        assert_eq!(app.say("hi").without_peer().send().await.status, 200);
    }
    check_refused(&app.say("hi").peer("2001:db8:1:2:ffff::1").send().await, "new-visitors", 2);
    assert_eq!(app.say("hi").peer("2001:db8:1:3::1").send().await.status, 200);
    let spoofed = app.say("hi").without_peer().header("x-forwarded-for", "203.0.113.9").send().await;
    check_refused(&spoofed, "new-visitors", 2);
    let page = app.widget_say("hi").without_peer().send().await;
    assert_eq!(
        page.header("access-control-allow-origin"),
        Some(SHOP_PAGE),
        "a page may read when to come back"
    );
}
