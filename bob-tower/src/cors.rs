//! The fence of the widget door: which pages' browsers may read its answers.
//!
//! A preflight cannot carry a key, so it is decided by all live keys of the tenant in its path, or of all tenants. The
//! real request is decided by its own key.

use bob_core::origin::{CorsDecision, Origin};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap,
    HeaderValue, ORIGIN, VARY,
};
use http::{Response, StatusCode};

use crate::body::BobBody;
use crate::problem::Problem;
use crate::request::single;

const METHODS: HeaderValue = HeaderValue::from_static("POST, GET, OPTIONS");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "content-type, x-widget-key, x-bob-visitor, x-bob-identity, idempotency-key, last-event-id",
);
const EXPOSED: HeaderValue =
    HeaderValue::from_static("retry-after, ratelimit, ratelimit-policy, idempotent-replayed, x-request-id");
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Answers a preflight as `decide` judges its origin.
pub(crate) fn preflight(
    headers: &HeaderMap,
    decide: impl FnOnce(Option<&Origin>) -> CorsDecision,
) -> Result<Response<BobBody>, Problem> {
    let origin = single(headers, ORIGIN.as_str())?;
    let parsed = origin.and_then(|origin| origin.parse::<Origin>().ok());
    let asks = single(headers, ACCESS_CONTROL_REQUEST_METHOD.as_str())?.is_some();
    let echo = origin.filter(|_| asks && decide(parsed.as_ref()) == CorsDecision::Echo);
    let Some(origin) = echo.and_then(|origin| HeaderValue::from_str(origin).ok()) else {
        return Err(refused());
    };
    let mut response = Response::new(BobBody::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    Ok(response)
}

/// What a page learns that is on no list.
pub(crate) fn refused() -> Problem {
    Problem::forbidden("origin_not_allowed", "Pages of this origin may not call this address.")
}

/// An origin that a key allowed: it is echoed on every answer, errors included.
#[derive(Debug, Clone)]
pub(crate) struct AllowedOrigin(pub(crate) HeaderValue);

impl AllowedOrigin {
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.0.clone());
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

/// Every answer of the widget door depends on the origin, whatever it says.
pub(crate) fn vary(headers: &mut HeaderMap) {
    headers.append(VARY, HeaderValue::from_static("Origin"));
}
