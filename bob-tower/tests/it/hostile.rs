//! Requests that mean no good, or know no better: each gets its problem, stores nothing and hurts nobody else.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bob_tower::BoxError;
use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::{Full, StreamBody};
use serde_json::json;
use tokio::time::Instant;

use crate::harness::{Answer, App, Ask, RETURNS, SHOP_PAGE, app};

/// A problem as the contract has it, whatever it is about.
#[track_caller]
fn check_problem(answer: &Answer, status: u16, code: &str, row: &str) {
    assert_eq!((answer.status, &*answer.code()), (status, code), "{row}: {}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{row}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{row}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{row}");
    assert!(answer.set_cookies().is_empty(), "{row}");
    let problem = answer.json();
    assert_eq!(problem["status"], status, "{row}");
    assert_eq!(problem["request_id"].as_str(), answer.header("x-request-id"), "{row}");
    for text in ["type", "title", "detail"] {
        assert!(problem[text].as_str().is_some_and(|text| !text.is_empty()), "{row}: {text}");
    }
    for error in problem["errors"].as_array().unwrap() {
        for text in ["pointer", "code", "detail"] {
            assert!(error[text].is_string(), "{row}: {text}");
        }
    }
    let told = answer.text();
    for secret in ["serde", "panicked", "src/", "line 1", "column", "bob_core", "watched"] {
        assert!(!told.contains(secret), "{row}: {told}");
    }
}

async fn check_alive(app: &App, row: &str) {
    assert_eq!(app.say("hi").send().await.status, 200, "after {row}");
    app.store.forget();
}

fn nested(depth: usize) -> String {
    format!(r#"{{"message":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth))
}

/// Bodies of messages, with what is wrong with them.
fn bodies() -> Vec<(&'static str, Vec<u8>, u16, &'static str)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let says = |message: &str| json!({ "message": message }).to_string().into_bytes();
    let session = |session: &str| json!({"message": "hi", "session_id": session}).to_string().into_bytes();
    let long = "a".repeat(129);
    vec![
        ("nothing", text(""), 400, "malformed_json"),
        ("white space", text(" \n"), 400, "malformed_json"),
        ("half an object", text("{"), 400, "malformed_json"),
        ("a quote that never ends", text(r#"{"message":"hi"#), 400, "malformed_json"),
        ("two objects", text(r#"{"message":"hi"}{"message":"hi"}"#), 400, "malformed_json"),
        ("a comma too many", text(r#"{"message":"hi",}"#), 400, "malformed_json"),
        ("single quotes", text("{'message':'hi'}"), 400, "malformed_json"),
        ("a comment", text(r#"{"message":"hi"} // hi"#), 400, "malformed_json"),
        ("a byte order mark", text("\u{feff}{\"message\":\"hi\"}"), 400, "malformed_json"),
        ("NaN", text(r#"{"message":NaN}"#), 400, "malformed_json"),
        ("half a surrogate", text(r#"{"message":"\ud800"}"#), 400, "malformed_json"),
        ("a raw line break in a string", text("{\"message\":\"a\nb\"}"), 400, "malformed_json"),
        ("Latin-1", b"{\"message\":\"\xfc\"}".to_vec(), 400, "malformed_json"),
        ("overlong UTF-8", b"{\"message\":\"\xc0\xaf\"}".to_vec(), 400, "malformed_json"),
        (
            "UTF-16",
            "{\"message\":\"hi\"}".encode_utf16().flat_map(u16::to_le_bytes).collect(),
            400,
            "malformed_json",
        ),
        ("a form", text("message=hi"), 400, "malformed_json"),
        ("XML", text("<message>hi</message>"), 400, "malformed_json"),
        ("a deep array", text(&"[".repeat(60_000)), 400, "malformed_json"),
        ("a deep object", text(&r#"{"message":"#.repeat(5_000)), 400, "malformed_json"),
        ("a deep message", text(&nested(5_000)), 422, "validation_failed"),
        ("an array", text(r#"["hi"]"#), 422, "validation_failed"),
        ("a string", text(r#""hi""#), 422, "validation_failed"),
        ("null", text("null"), 422, "validation_failed"),
        ("a number", text("1"), 422, "validation_failed"),
        ("an empty object", text("{}"), 422, "validation_failed"),
        ("a message that is a number", text(r#"{"message":1}"#), 422, "validation_failed"),
        ("a message that is null", text(r#"{"message":null}"#), 422, "validation_failed"),
        ("a message that is a list", text(r#"{"message":["hi"]}"#), 422, "validation_failed"),
        ("a number beyond all bounds", text(r#"{"message":1e999999}"#), 400, "malformed_json"),
        ("the message twice", text(r#"{"message":"hi","message":"hi"}"#), 422, "validation_failed"),
        ("an unknown field", text(r#"{"message":"hi","admin":true}"#), 422, "unknown_field"),
        ("a field in another case", text(r#"{"Message":"hi"}"#), 422, "unknown_field"),
        ("a prototype", text(r#"{"message":"hi","__proto__":{}}"#), 422, "unknown_field"),
        ("a field with NUL", text(r#"{"message\u0000":"hi"}"#), 422, "unknown_field"),
        ("an empty message", says(""), 422, "validation_failed"),
        ("a message of white space", says(" \t\n\u{3000}\u{a0}"), 422, "validation_failed"),
        ("8,001 characters", says(&"x".repeat(8_001)), 422, "validation_failed"),
        ("8,001 characters of four bytes", says(&"😀".repeat(8_001)), 422, "validation_failed"),
        ("NUL", says("a\0b"), 422, "validation_failed"),
        ("10,000 combining marks", says(&format!("a{}", "\u{301}".repeat(10_000))), 422, "validation_failed"),
        ("an empty session", session(""), 422, "validation_failed"),
        ("a session with a space", session("a b"), 422, "validation_failed"),
        ("a session with a slash", session("../../etc/passwd"), 422, "validation_failed"),
        ("a session with a line break", session("a\r\nset-cookie: x=y"), 422, "validation_failed"),
        ("a session in another alphabet", session("сессия"), 422, "validation_failed"),
        ("a session with NUL", session("a\0"), 422, "validation_failed"),
        ("a session of 129 characters", session(&long), 422, "validation_failed"),
        ("a session that is a number", text(r#"{"message":"hi","session_id":1}"#), 422, "validation_failed"),
        (
            "a business that is an object",
            text(r#"{"message":"hi","business_id":{}}"#),
            422,
            "validation_failed",
        ),
        ("65,537 bytes", vec![b' '; 65_537], 413, "payload_too_large"),
        ("a megabyte", vec![b'['; 1_000_000], 413, "payload_too_large"),
    ]
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_refused_at_every_door() {
    let app = app().await;
    let agent = app.person("agent@shop.example").await;
    app.store.forget();
    for (row, body, status, code) in bodies() {
        for (door, ask) in [
            ("public", app.post("/api/chat")),
            ("widget", app.widget("POST", "/api/widget/chat")),
            ("signed in", app.post("/api/chat/message").bearer(&agent.token)),
        ] {
            let ask = ask.header("content-type", "application/json").body(body.clone());
            check_problem(&ask.send().await, status, code, &format!("{row}, {door}"));
        }
        assert_eq!(app.store.writes(), [""; 0], "{row}");
        check_alive(&app, row).await;
    }
}

#[tokio::test]
async fn sign_in_takes_the_same_bodies_no_better() {
    let app = app().await;
    for path in ["/api/auth/login", "/api/customers/auth/login", "/api/auth/refresh"] {
        for (row, body, status, code) in bodies() {
            let answer = app.post(path).header("content-type", "application/json").body(body).send().await;
            // A message is no field of these calls, and what nobody reads is not decoded.
            let (status, code) = match status {
                422 if answer.code() == "unknown_field" => (422, "unknown_field"),
                400 if matches!(row, "half a surrogate" | "a number beyond all bounds") => {
                    (422, "unknown_field")
                }
                _ => (status, code),
            };
            check_problem(&answer, status, code, &format!("{row}, {path}"));
        }
    }
    for body in [
        json!({"email": "owner@shop.example", "password": ""}),
        json!({"email": "owner@shop.example", "password": "x".repeat(1_025)}),
        json!({"email": "owner@shop.example"}),
    ] {
        let answer = app.post("/api/customers/auth/login").json(&body).send().await;
        check_problem(&answer, 422, "validation_failed", "a password out of bounds");
    }
    assert_eq!(app.store.writes(), [""; 0]);
}

#[tokio::test]
async fn what_is_wrong_is_pointed_at() {
    let app = app().await;
    for (body, pointer, code) in [
        (r#"{}"#, "/message", "required"),
        (r#"{"message":""}"#, "/message", "invalid"),
        (r#"{"message":"hi","session_id":"a b"}"#, "/session_id", "invalid"),
        (r#"{"message":"hi","a/b~c":1}"#, "/a~1b~0c", "unknown_field"),
        (r#"{"message":"hi","message":"hi"}"#, "/message", "duplicate_field"),
        (r#"[]"#, "", "invalid_type"),
    ] {
        let answer = app.post("/api/chat").header("content-type", "application/json").body(body).send().await;
        let error = answer.json()["errors"][0].clone();
        assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{body}");
    }
    let long = format!(r#"{{"message":"hi","{}":1}}"#, "x".repeat(60_000));
    let answer = app.post("/api/chat").header("content-type", "application/json").body(long).send().await;
    check_problem(&answer, 422, "unknown_field", "a name of 60,000 letters");
    assert!(answer.body.len() < 1_000, "it is not told back whole");
}

/// What is odd about a request besides its body: headers, and what comes of it.
const HEADERS: &[(&[(&str, &[u8])], u16, &str)] = &[
    (&[], 415, "unsupported_media_type"),
    (&[("content-type", b"text/plain")], 415, "unsupported_media_type"),
    (&[("content-type", b"application/x-www-form-urlencoded")], 415, "unsupported_media_type"),
    (&[("content-type", b"multipart/form-data; boundary=x")], 415, "unsupported_media_type"),
    (&[("content-type", b"application/json; charset=latin1")], 415, "unsupported_media_type"),
    (&[("content-type", b"application/json, text/plain")], 415, "unsupported_media_type"),
    (&[("content-type", b"application/problem+json")], 415, "unsupported_media_type"),
    (&[("content-type", b"application/jso\xf1")], 400, "invalid_header"),
    (&[("content-type", b"application/json"), ("content-type", b"text/plain")], 400, "duplicate_header"),
    (&[("content-type", b"application/json"), ("idempotency-key", b"\xff\xfe")], 400, "invalid_header"),
    (&[("content-type", b"application/json"), ("x-bob-visitor", b"\xff\xfe")], 400, "invalid_header"),
    (
        &[("content-type", b"application/json"), ("x-bob-visitor", b"a"), ("x-bob-visitor", b"b")],
        400,
        "duplicate_header",
    ),
    (&[("content-type", b"application/json"), ("origin", b"\xff")], 400, "invalid_header"),
    (&[("content-type", b"application/json"), ("host", b"\xff.example")], 400, "invalid_header"),
    (
        &[("content-type", b"application/json"), ("host", b"a.example"), ("host", b"b.example")],
        400,
        "duplicate_header",
    ),
    (
        &[
            ("content-type", b"application/json"),
            ("sec-fetch-site", b"same-origin"),
            ("sec-fetch-site", b"none"),
        ],
        400,
        "duplicate_header",
    ),
    (&[("content-type", b"application/json"), ("content-length", b"70000")], 413, "payload_too_large"),
];

#[tokio::test]
async fn headers_that_do_not_fit_are_refused() {
    let app = app().await;
    for (headers, status, code) in HEADERS {
        let ask = app.post("/api/chat").body(json!({"message": RETURNS}).to_string());
        let ask = headers.iter().fold(ask, |ask, (name, value)| ask.header_bytes(name, value));
        check_problem(&ask.send().await, *status, code, &format!("{headers:?}"));
        assert_eq!(app.store.writes(), [""; 0], "{headers:?}");
        check_alive(&app, &format!("{headers:?}")).await;
    }
}

#[tokio::test]
async fn odd_headers_that_mean_nothing_hurt_nobody() {
    let app = app().await;
    let long = "x".repeat(10_000);
    let headers: &[(&str, &[u8])] = &[
        ("accept-language", b"\xff\xfe"),
        ("accept-language", b"de;q=oops, *;q=9, x-klingon, ,,"),
        ("accept", b"\xff"),
        ("accept", b"text/event-stream;q=0"),
        ("cookie", b"\xff\xfe; =; ;;; a"),
        ("cookie", b"bob_visitor_00000000=x"),
        ("user-agent", b"\xff<script>"),
        ("x-request-id", b"not-yours"),
        ("x-forwarded-for", b"127.0.0.1"),
        ("x-http-method-override", b"DELETE"),
        ("x-bob-visitor", b"x"),
        ("x-bob-visitor", long.as_bytes()),
        ("forwarded", b"for=\"[::1"),
        ("content-length", b"x"),
        ("expect", b"100-continue"),
    ];
    for (name, value) in headers {
        let answer = app.say(RETURNS).header_bytes(name, value).send().await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        assert_ne!(answer.header("x-request-id"), Some("not-yours"));
    }
    let several = app.say("返品").header("accept-language", "ja").header("accept-language", "en;q=0.1");
    assert_eq!(several.send().await.status, 200, "a list may stand in several lines");
}

/// Addresses that are not there, or not like this: method, path, status, code.
const ADDRESSES: &[(&str, &str, u16, &str)] = &[
    ("GET", "/", 404, "not_found"),
    ("GET", "/api", 404, "not_found"),
    ("POST", "/api/chat/", 404, "not_found"),
    ("POST", "//api/chat", 404, "not_found"),
    ("POST", "/api//chat", 404, "not_found"),
    ("POST", "/API/chat", 404, "not_found"),
    ("POST", "/api/chat%2f", 404, "not_found"),
    ("POST", "/api%2fchat", 404, "not_found"),
    ("POST", "/api/%63hat", 404, "not_found"),
    ("POST", "/api/chat;x=1", 404, "not_found"),
    ("POST", "/api/../api/chat", 404, "not_found"),
    ("GET", "/widget/../api/health", 404, "not_found"),
    ("GET", "/widget/m/..%2f..%2fCargo.toml", 404, "not_found"),
    ("GET", "/widget/m/%2e%2e", 404, "not_found"),
    ("GET", "/widget/m/widget.mjs", 404, "not_found"),
    ("GET", "/widget/m/", 404, "not_found"),
    ("GET", "/widget/x/widget.js", 404, "not_found"),
    ("GET", "/widget/%ff/widget.js", 404, "not_found"),
    ("GET", "/widget/%00/widget.js", 404, "not_found"),
    ("GET", "/widget/{shop}%00/widget.js", 404, "not_found"),
    ("GET", "/widget/%7B{shop}%7D/widget.js", 404, "not_found"),
    ("GET", "/api/chat/turns/%ff/events", 404, "not_found"),
    ("GET", "/api/chat/history", 422, "validation_failed"),
    ("GET", "/api/chat/history?session_id=%ff", 400, "invalid_query"),
    ("GET", "/api/chat/history?session_id=a&session_id=b", 400, "invalid_query"),
    ("GET", "/api/chat/history?session_id=%00", 422, "validation_failed"),
    ("GET", "/api/chat/history?session_id=a%0d%0aset-cookie:%20x=y", 422, "validation_failed"),
    ("GET", "/api/chat/history?session_id=%2e%2e%2f", 422, "validation_failed"),
    ("GET", "/api/chat/history?session_id=s&business_id=%27%3b--", 404, "unknown_business"),
    ("GET", "/api/chat/history?session_id=s&cursor=-1", 400, "invalid_query"),
    ("GET", "/api/chat/history?session_id=s&cursor=99999999999999999999", 400, "invalid_query"),
    ("GET", "/api/chat/history?session_id=s&limit=1e9", 400, "invalid_query"),
    ("GET", "/api/chat", 405, "method_not_allowed"),
    ("HEAD", "/api/chat", 405, ""),
    ("PUT", "/api/chat", 405, "method_not_allowed"),
    ("DELETE", "/api/chat", 405, "method_not_allowed"),
    ("PATCH", "/api/chat", 405, "method_not_allowed"),
    ("TRACE", "/api/chat", 405, "method_not_allowed"),
    ("CONNECT", "/api/chat", 405, "method_not_allowed"),
    ("OPTIONS", "/api/chat", 405, "method_not_allowed"),
    ("BREW", "/api/chat", 405, "method_not_allowed"),
    ("post", "/api/chat", 405, "method_not_allowed"),
    ("POST", "/api/health", 405, "method_not_allowed"),
    ("POST", "/api/auth/me", 405, "method_not_allowed"),
    ("GET", "/api/auth/login", 405, "method_not_allowed"),
    ("POST", "/widget/loader.js", 405, "method_not_allowed"),
    ("TRACE", "/api/auth/me", 405, "method_not_allowed"),
];

#[tokio::test]
async fn addresses_that_are_not_there_answer_like_any_other() {
    let app = app().await;
    let visitor = app.say("hi").send().await.json()["visitor_token"].as_str().unwrap().to_owned();
    app.store.forget();
    for (method, path, status, code) in ADDRESSES {
        let row = format!("{method} {path}");
        let ask = app.ask(method, path).json(&json!({"message": RETURNS})).header("x-bob-visitor", &visitor);
        let answer = ask.send().await;
        if *method == "HEAD" {
            assert_eq!((answer.status, answer.body.len()), (*status, 0), "{row}");
        } else {
            check_problem(&answer, *status, code, &row);
        }
        let allow = answer.header("allow");
        match (*status, allow) {
            (405, Some(allow)) => assert!(!allow.split(", ").any(|one| one == *method), "{row}: {allow}"),
            (405, None) => panic!("{row}: a 405 says what is allowed"),
            _ => assert_eq!(allow, None, "{row}"),
        }
        assert_eq!(app.store.writes(), [""; 0], "{row}");
        check_alive(&app, &row).await;
    }
    let allow = app.post("/api/health").send().await;
    assert_eq!(allow.header("allow"), Some("GET, HEAD"));
}

#[tokio::test]
async fn a_very_long_address_is_an_address_that_is_not_there() {
    let app = app().await;
    let visitor = app.say("hi").send().await.json()["visitor_token"].as_str().unwrap().to_owned();
    for (path, status, code) in [
        (format!("/{}", "a".repeat(60_000)), 404, "not_found"),
        (format!("/{}", "a/".repeat(30_000)), 404, "not_found"),
        (format!("/widget/{}/widget.js", "%41".repeat(20_000)), 404, "not_found"),
        (format!("/api/chat/history?session_id={}", "a".repeat(60_000)), 422, "validation_failed"),
        (format!("/api/chat/history?session_id=s{}", "&x=y".repeat(15_000)), 404, "not_found"),
    ] {
        let answer = app.get(&path).header("x-bob-visitor", &visitor).send().await;
        check_problem(&answer, status, code, &path[..40]);
        assert!(answer.body.len() < 1_000, "it is not told back");
    }
    check_alive(&app, "long addresses").await;
}

#[tokio::test]
async fn what_is_just_within_its_bounds_is_answered() {
    let app = app().await;
    let longest = "a".repeat(128);
    for message in [
        "x".repeat(8_000),
        format!("  {}  ", "x".repeat(8_000)),
        format!("a{}", "\u{301}".repeat(7_999)),
        "😀".repeat(8_000),
        "\u{202e}\u{200f}\u{feff}abc".to_owned(),
        "<script>alert(1)</script>'; DROP TABLE turns; --".to_owned(),
        "\u{1}\u{7f}\u{85}\u{2028} a".to_owned(),
        "؟؟؟ ¿¿¿ 。。。".to_owned(),
    ] {
        let body = json!({"message": message, "session_id": longest});
        for ask in [app.post("/api/chat").json(&body), app.post("/api/chat").json(&body).events()] {
            let answer = ask.send().await;
            assert_eq!(answer.status, 200, "{message:.20}: {}", answer.text());
        }
    }
    let mut exact = br#"{"message":"hi"}"#.to_vec();
    exact.resize(65_536, b' ');
    let answer = app.post("/api/chat").header("content-type", "application/json").body(exact).send().await;
    assert_eq!(answer.status, 200, "65,536 bytes are allowed");
}

/// A body that comes in pieces, each after a wait.
fn slow(pieces: Vec<(Duration, &'static str)>) -> impl Body<Data = Bytes, Error = Infallible> + Send {
    StreamBody::new(futures_util::stream::unfold(pieces.into_iter(), |mut pieces| async {
        let (wait, piece) = pieces.next()?;
        tokio::time::sleep(wait).await;
        Some((Ok(Frame::data(Bytes::from_static(piece.as_bytes()))), pieces))
    }))
}

fn json_ask(app: &App, door: &str) -> Ask {
    let ask = if door == "widget" { app.widget("POST", "/api/widget/chat") } else { app.post("/api/chat") };
    ask.header("content-type", "application/json")
}

#[tokio::test(start_paused = true)]
async fn a_body_has_ten_seconds_to_arrive() {
    let app = app().await;
    let second = Duration::from_secs(1);
    for door in ["public", "widget"] {
        let begun = Instant::now();
        let drip = vec![(second, " "); 1_000];
        let answer = Answer::of(json_ask(&app, door).send_with(slow(drip)).await).await;
        check_problem(&answer, 408, "request_timeout", door);
        assert_eq!(begun.elapsed().as_secs(), 10, "{door}: however steadily it drips");
        let never = Answer::of(json_ask(&app, door).send_with(slow(vec![(second * 3_600, " ")])).await).await;
        check_problem(&never, 408, "request_timeout", door);
        assert_eq!(app.store.writes(), [""; 0], "{door}");
        let patient = vec![(second * 4, r#"{"mess"#), (second * 5, r#"age":"hi"}"#)];
        let answer = Answer::of(json_ask(&app, door).send_with(slow(patient)).await).await;
        assert_eq!(answer.status, 200, "{door}: nine seconds are enough");
        app.store.forget();
    }
}

/// A body that never ends and says nothing about its length; it counts what was asked of it.
struct Endless(std::sync::Arc<std::sync::atomic::AtomicUsize>);

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.fetch_add(1_024, std::sync::atomic::Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 1_024])))))
    }
}

#[tokio::test]
async fn an_endless_body_is_read_no_further_than_its_bound() {
    let app = app().await;
    for door in ["public", "widget"] {
        let read = std::sync::Arc::default();
        let answer =
            Answer::of(json_ask(&app, door).send_with(Endless(std::sync::Arc::clone(&read))).await).await;
        check_problem(&answer, 413, "payload_too_large", door);
        assert!(read.load(std::sync::atomic::Ordering::Relaxed) <= 66 * 1_024, "{door}");
        let read = std::sync::Arc::default();
        let announced = json_ask(&app, door).header("content-length", "1000000");
        let answer = Answer::of(announced.send_with(Endless(std::sync::Arc::clone(&read))).await).await;
        check_problem(&answer, 413, "payload_too_large", door);
        assert_eq!(
            read.load(std::sync::atomic::Ordering::Relaxed),
            0,
            "what is announced is not read at all"
        );
    }
    let refused = std::sync::Arc::default();
    let page = app.post("/api/widget/chat").header("origin", SHOP_PAGE);
    let answer = Answer::of(page.send_with(Endless(std::sync::Arc::clone(&refused))).await).await;
    assert_eq!((answer.status, refused.load(std::sync::atomic::Ordering::Relaxed)), (401, 0));
    check_alive(&app, "endless bodies").await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_message() {
    let app = app().await;
    for door in ["public", "widget"] {
        let pieces: Vec<Result<Frame<Bytes>, BoxError>> =
            vec![Ok(Frame::data(Bytes::from_static(br#"{"message":"hi"}"#))), Err("the peer is gone".into())];
        let body = StreamBody::new(futures_util::stream::iter(pieces));
        let answer = Answer::of(json_ask(&app, door).send_with(body).await).await;
        check_problem(&answer, 400, "body_broke_off", door);
        assert!(!answer.text().contains("the peer is gone"));
        assert_eq!(app.store.writes(), [""; 0], "{door}");
    }
    let trailers: Vec<Result<Frame<Bytes>, Infallible>> = vec![
        Ok(Frame::data(Bytes::from_static(br#"{"message":"#))),
        Ok(Frame::data(Bytes::new())),
        Ok(Frame::data(Bytes::from_static(br#""hi"}"#))),
        Ok(Frame::trailers(http::HeaderMap::from_iter([(
            http::header::HOST,
            "evil.example".parse().unwrap(),
        )]))),
    ];
    let body = StreamBody::new(futures_util::stream::iter(trailers));
    let answer = Answer::of(json_ask(&app, "public").send_with(body).await).await;
    assert_eq!(answer.status, 200, "empty pieces and trailers change nothing: {}", answer.text());
}

#[tokio::test]
async fn a_call_without_a_body_does_not_wait_for_one() {
    let app = app().await;
    let read = std::sync::Arc::default();
    let answer = app.get("/api/health").send_with(Endless(std::sync::Arc::clone(&read))).await;
    assert_eq!(answer.status(), 200);
    let answer = app.get("/nowhere").send_with(Full::new(Bytes::from_static(b"x"))).await;
    assert_eq!(answer.status(), 404);
    assert_eq!(read.load(std::sync::atomic::Ordering::Relaxed), 0);
}
