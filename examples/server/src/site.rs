//! The demo shop's pages, with the widget in them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use bob_core::Bob;
use bob_core::id::TenantId;
use bob_core::knowledge::{Audience, KnowledgeVersion, Synonyms};
use bob_core::language::Language;
use bob_core::storage::StorageError;
use bob_core::tenant::TenantRef;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::demo;

const INDEX: &str = include_str!("../demo/site/index.html");
const HELP: &str = include_str!("../demo/site/help.html");
const STYLE: &str = include_str!("../demo/site/style.css");

/// Nothing but what comes from here: no inline script, no inline style, no other site.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The pages; none when there is no demo.
pub fn pages(bob: &Bob, demo: bool) -> Router {
    if !demo {
        return Router::new();
    }
    Router::new()
        .route("/", get(index))
        .route("/site/style.css", get(style))
        .route("/help", get(|| async { Redirect::temporary("help/en") }))
        .route("/help/{language}", get(help))
        .layer(from_fn(identified))
        .with_state(Arc::new(bob.clone()))
}

/// Gives every answer its id, as Bob's own answers have one.
async fn identified(request: Request, next: Next) -> Response {
    let id = Uuid::now_v7().to_string();
    let mut response = next.run(request).instrument(tracing::info_span!("request", %id)).await;
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn index(State(bob): State<Arc<Bob>>) -> Response {
    match tenant(&bob).await {
        Some(tenant) => page(INDEX.replace("{{widget}}", &script(&tenant, ""))),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn style() -> Response {
    let css = HeaderValue::from_static("text/css; charset=utf-8");
    ([(header::CONTENT_TYPE, css)], STYLE).into_response()
}

async fn help(State(bob): State<Arc<Bob>>, Path(language): Path<String>) -> Response {
    let Some(tenant) = tenant(&bob).await else { return StatusCode::NOT_FOUND.into_response() };
    let known = tenant.languages.iter().find(|known| known.as_str() == language);
    let Some(language) = known else { return StatusCode::NOT_FOUND.into_response() };
    let Ok((versions, _)) = published(&bob, &tenant.id).await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let items: String =
        versions.iter().filter(|version| version.text.language() == *language).map(article).collect();
    let title = match *language {
        Language::DE => "Hilfe",
        Language::JA => "ヘルプ",
        _ => "Help",
    };
    page(
        HELP.replace("{{lang}}", language.as_str())
            .replace("{{title}}", title)
            .replace("{{widget}}", &script(&tenant, "../"))
            .replace("{{items}}", &items),
    )
}

/// What visitors are answered from now.
async fn published(bob: &Bob, tenant: &TenantId) -> Result<(Vec<KnowledgeVersion>, Synonyms), StorageError> {
    let release = bob.storage().tenant_snapshot(tenant).await?.release_at(bob.clock().now());
    bob.storage().published_knowledge(tenant, release, Audience::Public).await
}

async fn tenant(bob: &Bob) -> Option<bob_core::tenant::Tenant> {
    let named = TenantRef::Slug(demo::SLUG.parse().ok()?);
    bob.directory().named(&named).await.ok().flatten().map(|snapshot| snapshot.tenant.clone())
}

fn script(tenant: &bob_core::tenant::Tenant, up: &str) -> String {
    format!("<script src=\"{up}widget/{}/widget.js\" async></script>", tenant.id)
}

/// One text, under the anchor its citations link to.
fn article(version: &KnowledgeVersion) -> String {
    let anchor = version.text.url().and_then(|url| url.rsplit_once('#')).map_or("", |(_, anchor)| anchor);
    let paragraphs: String = version
        .text
        .body()
        .split("\n\n")
        .map(|paragraph| format!("<p>{}</p>", escaped(paragraph.trim())))
        .collect();
    format!(
        "<article id=\"{}\"><h2>{}</h2>{paragraphs}</article>\n",
        escaped(anchor),
        escaped(version.text.title())
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn page(html: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("same-origin")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, html).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use axum::body::Body;
    use axum::http::Method;
    use bob_core::storage::memory::MemoryStorage;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn every_answer_of_the_site_has_an_id_of_its_own() {
        let storage = Arc::new(MemoryStorage::new());
        let bob = Bob::build(storage).build().await.unwrap();
        let mut ids = HashSet::new();
        for (method, path, status) in [
            (Method::GET, "/site/style.css", 200),
            (Method::HEAD, "/site/style.css", 200),
            (Method::GET, "/help", 307),
            (Method::GET, "/help/en", 404),
            (Method::GET, "/", 404),
            (Method::POST, "/", 405),
        ] {
            let row = format!("{method} {path}");
            let request = Request::builder().method(method).uri(path).header("x-request-id", "not-yours");
            let answer = pages(&bob, true).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(answer.status(), status, "{row}");
            assert_eq!(answer.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{row}");
            let id: Uuid = answer.headers()["x-request-id"].to_str().unwrap().parse().unwrap();
            assert!(ids.insert(id), "{row}");
        }
    }
}
