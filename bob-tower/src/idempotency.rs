//! Calls that are sent twice: the key that names one, and the header that says so.

use bob_core::turn::IdempotencyKey;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

use crate::problem::Problem;
use crate::request::single;

/// What the client named this call.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let key = single(headers, "idempotency-key")?.map(str::parse).transpose();
    key.map_err(|_| {
        Problem::unprocessable(
            "idempotency_key_invalid",
            "An Idempotency-Key has 1 to 255 visible ASCII characters.",
        )
    })
}

/// Tells a caller that the answer is an earlier one, and nothing was done again.
pub(crate) fn mark_replayed(headers: &mut HeaderMap) {
    headers.insert(HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"));
}
