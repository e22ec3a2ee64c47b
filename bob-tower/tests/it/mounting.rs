//! Where Bob can be mounted: any framework, any body, as often as one likes.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use bob_core::storage::TenantStore as _;
use bob_tower::{
    Area, BobBody, BobLayer, BobService, BodyError, BoxError, ClientAddr, EitherBody, Mount, MountBodyError,
    ResponseFuture,
};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

use crate::harness::{Answer, App, Ask, PASSWORD, RETURNS, Setup, app, mount_at};

fn is_send<T: Send>() {}
fn is_sync<T: Sync>() {}
fn is_error<T: std::error::Error + Send + Sync + 'static>() {}

fn is_service_for<B>()
where
    BobService:
        Service<Request<B>, Response = Response<BobBody>, Error = Infallible, Future = ResponseFuture>,
{
}

fn is_layer_for<B>()
where
    BobLayer: tower::Layer<BobService>,
    bob_tower::BobMount<BobService>: Service<Request<B>, Response = Response<EitherBody<BobBody>>>,
{
}

#[test]
fn the_types_are_what_frameworks_ask_for() {
    fn everywhere<T: Clone + Send + Sync + 'static>() {}
    everywhere::<BobService>();
    everywhere::<BobLayer>();
    everywhere::<bob_tower::BobMount<BobService>>();
    is_send::<ResponseFuture>();
    is_send::<BobBody>();
    is_sync::<BobBody>();
    is_send::<EitherBody<BobBody>>();
    is_sync::<EitherBody<BobBody>>();
    is_error::<BodyError>();
    is_error::<MountBodyError>();

    is_service_for::<hyper::body::Incoming>();
    is_service_for::<axum::body::Body>();
    is_service_for::<Full<Bytes>>();
    is_service_for::<Empty<Bytes>>();
    is_service_for::<String>();
    is_service_for::<BoxBody<Bytes, BoxError>>();
    is_service_for::<http_body_util::combinators::UnsyncBoxBody<Bytes, BoxError>>();
    is_service_for::<BobBody>();
    is_layer_for::<hyper::body::Incoming>();
    is_layer_for::<axum::body::Body>();
}

fn says(message: &str) -> String {
    json!({ "message": message }).to_string()
}

fn message<B>(path: &str, body: B) -> Request<B> {
    let request = Request::post(path).header("content-type", "application/json");
    request.extension(ClientAddr([192, 0, 2, 1].into())).body(body).unwrap()
}

#[tokio::test]
async fn every_kind_of_body_is_read() {
    let app = app().await;
    let text = says(RETURNS);
    let bytes = Bytes::from(text.clone());
    let full = Full::new(bytes.clone());
    let boxed: BoxBody<Bytes, BoxError> = full.clone().map_err(|never| match never {}).boxed();
    // A cell makes the stream !Sync, as the streams of some clients are.
    let cell = std::cell::Cell::new(Some(bytes.clone()));
    let unsync = StreamBody::new(futures_util::stream::poll_fn(move |_| {
        std::task::Poll::Ready(cell.take().map(|bytes| Ok::<_, std::io::Error>(Frame::data(bytes))))
    }));
    let chained = StreamBody::new(futures_util::stream::iter(
        text.as_bytes()
            .chunks(3)
            .map(Bytes::copy_from_slice)
            .map(|piece| Ok::<_, Infallible>(Frame::data(piece)))
            .collect::<Vec<_>>(),
    ));
    let service = || app.service.clone();
    let answers: Vec<Response<BobBody>> = vec![
        service().oneshot(message("/api/chat", text.clone())).await.unwrap(),
        service().oneshot(message("/api/chat", full)).await.unwrap(),
        service().oneshot(message("/api/chat", boxed)).await.unwrap(),
        service().oneshot(message("/api/chat", unsync)).await.unwrap(),
        service().oneshot(message("/api/chat", chained)).await.unwrap(),
        service().oneshot(message("/api/chat", axum::body::Body::from(text.clone()))).await.unwrap(),
        service()
            .oneshot(message("/api/chat", Full::new(std::io::Cursor::new(text.into_bytes()))))
            .await
            .unwrap(),
    ];
    for (at, answer) in answers.into_iter().enumerate() {
        let answer = Answer::of(answer).await;
        assert_eq!((answer.status, &answer.json()["outcome"]), (200, &json!("answered")), "body {at}");
    }
}

#[tokio::test]
async fn one_clone_answers_many_at_once() {
    let app = app().await;
    let calls: Vec<_> = (0..50)
        .map(|_| tokio::spawn(app.service.clone().oneshot(message("/api/chat", says(RETURNS)))))
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().status(), 200);
    }
}

/// Speaks HTTP/1.1 with a service over a pipe and gives all it answers.
async fn over_http1<S, B>(service: S, request: &str) -> String
where
    S: Service<Request<hyper::body::Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let serving = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(server), TowerToHyperService::new(service));
    let talking = async {
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    };
    let (_, answer) = tokio::join!(serving, talking);
    answer
}

fn raw(method: &str, path: &str, more: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: bob.example\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{more}\r\n{body}"
    )
}

#[tokio::test]
async fn hyper_serves_it_on_a_connection() {
    let app = app().await;
    let answer = over_http1(app.service.clone(), &raw("POST", "/api/chat", "", &says(RETURNS))).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains(r#""outcome":"answered""#),
        "{answer}"
    );
    let stream = raw("POST", "/api/chat", "Accept: text/event-stream\r\n", &says(RETURNS));
    let answer = over_http1(app.service.clone(), &stream).await;
    assert!(
        answer.contains("transfer-encoding: chunked") && answer.contains("event: turn.completed"),
        "{answer}"
    );
    let head = over_http1(app.service.clone(), &raw("HEAD", "/api/health", "", "")).await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let layered = BobLayer::new("/bob", app.service.clone()).unwrap().layer(app.service.clone());
    let answer = over_http1(layered, &raw("GET", "/bob/api/health", "", "")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn smuggled_lines_stay_values() {
    let app = app().await;
    for more in [
        "X-Widget-Key: a\r\n b\r\n",
        "Origin : https://bob.example\r\n",
        "Origin: https://bob.example\rX: y\r\n",
        "X: a\0b\r\n",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: identity, chunked, x\r\n",
    ] {
        let answer = over_http1(app.service.clone(), &raw("POST", "/api/chat", more, &says(RETURNS))).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{more:?}: {answer}");
    }
    assert_eq!(app.store.writes(), [""; 0]);
}

async fn nested() -> (App, BobService) {
    let app = Setup::new().mount(mount_at(&["https://bob.example/bob"])).run().await;
    let service = app.service.clone();
    (app, service)
}

async fn ask_axum(router: Router, method: &str, path: &str, body: String) -> Answer {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let request =
        request.extension(ClientAddr([192, 0, 2, 1].into())).body(axum::body::Body::from(body)).unwrap();
    Answer::of(router.oneshot(request).await.unwrap()).await
}

#[tokio::test]
async fn axum_nests_it_under_a_prefix() {
    let (_app, service) = nested().await;
    let router = || Router::new().route("/", get(async || "the shop")).nest_service("/bob", service.clone());
    let reply = ask_axum(router(), "POST", "/bob/api/chat", says(RETURNS)).await;
    assert_eq!((reply.status, &reply.json()["outcome"]), (200, &json!("answered")));
    assert!(reply.set_cookies()[0].contains("; Path=/bob;"), "{:?}", reply.set_cookies());
    assert_eq!(ask_axum(router(), "GET", "/", String::new()).await.text(), "the shop");
    assert_eq!(ask_axum(router(), "GET", "/bob/nowhere", String::new()).await.code(), "not_found");
    assert_eq!(
        ask_axum(router(), "POST", "/api/chat", says(RETURNS)).await.status,
        404,
        "not without the prefix"
    );
    let fallback = Router::new().route("/", get(async || "the shop")).fallback_service(service.clone());
    assert_eq!(ask_axum(fallback, "GET", "/api/health", String::new()).await.status, 200);
}

#[tokio::test]
async fn a_layer_answers_below_its_prefix_and_lets_the_rest_through() {
    let (_app, service) = nested().await;
    let layer = BobLayer::new("/bob", service).unwrap();
    let router = || {
        let shop = Router::new().route("/", get(async || "the shop")).route("/bobby", get(async || "Bobby"));
        layer.layer(shop)
    };
    let ask = async |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = request.body(axum::body::Body::from(says(RETURNS))).unwrap();
        Answer::of(router().oneshot(request).await.unwrap()).await
    };
    for (method, path, status, text) in [
        ("POST", "/bob/api/chat", 200, "answered"),
        ("GET", "/bob/api/health", 200, "ready"),
        ("GET", "/bob/api/health?x=1", 200, "ready"),
        ("GET", "/bob", 404, "not_found"),
        ("GET", "/bob/", 404, "not_found"),
        ("GET", "/bob/nowhere", 404, "not_found"),
        ("GET", "/", 200, "the shop"),
        ("GET", "/bobby", 200, "Bobby"),
        ("POST", "/api/chat", 404, ""),
        ("GET", "/BOB/api/health", 404, ""),
    ] {
        let answer = ask(method, path).await;
        assert!(answer.status == status && answer.text().contains(text), "{path}: {}", answer.text());
        assert_eq!(
            answer.header("x-request-id").is_some(),
            path.starts_with("/bob") && path != "/bobby",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_layer_at_the_root_takes_only_what_bob_knows() {
    let app = app().await;
    let shop = service_fn(async |request: Request<String>| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(format!(
            "the shop at {}",
            request.uri().path()
        )))))
    });
    let service = BobLayer::new("", app.service.clone()).unwrap().layer(shop);
    for (method, path, status, text) in [
        ("POST", "/api/chat", 200, "answered"),
        ("GET", "/api/chat", 405, "method_not_allowed"),
        ("GET", "/", 200, "the shop at /"),
        ("GET", "/api/orders", 200, "the shop at /api/orders"),
        ("GET", "/api/chat/", 200, "the shop at /api/chat/"),
    ] {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let answered = service.clone().oneshot(request.body(says(RETURNS)).unwrap()).await.unwrap();
        let answer = Answer::of(answered).await;
        assert!(answer.status == status && answer.text().contains(text), "{path}: {}", answer.text());
    }
}

#[test]
fn a_prefix_is_plain() {
    let service = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(app()).service
    };
    let service = service();
    for (prefix, fits) in [
        ("", true),
        ("/bob", true),
        ("/help/bob", true),
        ("/", false),
        ("bob", false),
        ("/bob/", false),
        ("/bob?x", false),
        ("/bob#x", false),
    ] {
        assert_eq!(BobLayer::new(prefix, service.clone()).is_ok(), fits, "{prefix}");
    }
}

#[tokio::test]
async fn two_bobs_in_one_process_keep_two_sign_ins() {
    let one = Setup::new().mount(mount_at(&["https://host.example/one"])).run().await;
    let two = Setup::new().mount(mount_at(&["https://host.example/two"])).run().await;
    let router =
        || Router::new().nest_service("/one", one.service.clone()).nest_service("/two", two.service.clone());
    let login = json!({"email": "owner@shop.example", "password": PASSWORD}).to_string();
    let mut jar = Vec::new();
    let mut tokens = Vec::new();
    for mount in ["/one", "/two"] {
        let answer =
            ask_axum(router(), "POST", &format!("{mount}/api/customers/auth/login"), login.clone()).await;
        tokens.push(answer.json()["token"].as_str().unwrap().to_owned());
        jar.push(answer.cookie());
    }
    assert_eq!(jar[0].split('=').next(), Some("__Host-bob_session_one"));
    assert_eq!(jar[1].split('=').next(), Some("__Host-bob_session_two"));
    let me = async |mount: &str, name: &str, value: &str| {
        let request = Request::get(format!("{mount}/api/auth/me")).header(name, value);
        let answered = router().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
        Answer::of(answered).await
    };
    let all = jar.join("; ");
    for (mount, app) in [("/one", &one), ("/two", &two)] {
        let answer = me(mount, "cookie", &all).await;
        assert_eq!(answer.json()["user"]["tenant_id"], app.shop.id.to_string(), "{mount}");
    }
    assert_eq!(me("/one", "cookie", &jar[1]).await.status, 401);
    assert_eq!(
        me("/one", "authorization", &format!("Bearer {}", tokens[1])).await.status,
        401,
        "another audience"
    );
    assert_eq!(me("/two", "authorization", &format!("Bearer {}", tokens[1])).await.status, 200);
}

#[tokio::test]
async fn two_mounts_of_one_bob_share_its_tenants_and_not_its_tokens() {
    let app = app().await;
    let second = BobService::new(app.bob.clone(), mount_at(&["https://second.example/bob"]));
    let person = app.person("owner@shop.example").await;
    let me = Ask::new(second.clone(), "GET", "/api/auth/me").bearer(&person.token).send().await;
    assert_eq!(me.status, 401, "the token is for the first mount");
    let said = Ask::new(second, "POST", "/api/chat").json(&json!({"message": RETURNS})).send().await;
    assert_eq!(said.status, 200);
    assert!(app.settled().await > 0);
}

#[tokio::test]
async fn an_area_by_itself_has_its_own_paths_only() {
    let app = app().await;
    let all = [
        (Area::Operations, "GET", "/api/health"),
        (Area::Operations, "GET", "/.well-known/jwks.json"),
        (Area::Chat, "POST", "/api/chat"),
        (Area::Chat, "POST", "/api/chat/message"),
        (Area::Widget, "POST", "/api/widget/chat"),
        (Area::Widget, "GET", "/widget/loader.js"),
        (Area::Account, "POST", "/api/auth/login"),
        (Area::Account, "GET", "/api/auth/me"),
        (Area::Portal, "GET", "/api/customer-portal/widget-code"),
        (Area::Operations, "GET", "/api/pricebook"),
        (Area::Portal, "GET", "/api/customer-portal/ledger"),
        (Area::Control, "POST", "/api/tenants/shop/credits"),
    ];
    for area in Area::ALL {
        let service = BobService::only(app.bob.clone(), mount_at(&["https://bob.example"]), &[*area]);
        for (of, method, path) in all {
            let answer =
                Ask::new(service.clone(), method, path).json(&json!({"message": RETURNS})).send().await;
            assert_eq!(answer.status != 404, of == *area, "{path} in {area:?}");
        }
    }
}

#[tokio::test]
async fn a_mount_without_chat_still_shares_the_sign_in_of_one_that_has_it() {
    let app = app().await;
    let chat = BobService::only(app.bob.clone(), mount_at(&["https://bob.example"]), &[Area::Chat]);
    let person = app.person("agent@shop.example").await;
    let ask = Ask::new(chat, "POST", "/api/chat/message").json(&json!({"message": RETURNS}));
    assert_eq!(ask.bearer(&person.token).send().await.status, 200);
}

#[tokio::test]
async fn absolute_addresses_come_from_the_mount_and_never_from_the_request() {
    let app = app().await;
    let tenant = app.store.tenant_snapshot(&app.shop.id).await.unwrap().tenant.id;
    let owner = app.person("owner@shop.example").await;
    let answer = app.get("/api/customer-portal/widget-code").bearer(&owner.token);
    let answer = answer.headers([
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "host=evil.example;proto=http"),
    ]);
    let url = answer.send().await.json()["script_url"].clone();
    assert_eq!(url, format!("https://bob.example/widget/{tenant}/widget.js"));
    let request: Request<Empty<Bytes>> =
        Request::get("https://evil.example/api/health").body(Empty::new()).unwrap();
    let answered = Arc::new(app).service.clone().oneshot(request).await.unwrap();
    assert_eq!(answered.status(), 200, "an address in absolute form is the same address");
    assert!(Mount::at(["https://bob.example"]).is_ok());
}
