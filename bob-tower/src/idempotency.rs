//! Calls that are sent twice: the key that names one, and the header that says so.

use bob_core::id::TenantId;
use bob_core::turn::{IdempotencyKey, IdempotencyScope};
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use uuid::{Builder, Uuid};

use crate::dispatch::Call;
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

/// The identifier that the call's `Idempotency-Key` gives what it makes: the same for the same business, person, thing
/// and key.
pub(crate) fn identifier(call: &Call, tenant: TenantId, about: &[&str]) -> Result<Option<Uuid>, Problem> {
    let Some(key) = key(call.headers())? else { return Ok(None) };
    let person = call.person()?.account.to_string();
    let parts = [&[call.head.method.as_str(), call.path, &person], about].concat();
    let scope = IdempotencyScope::new(tenant, &key, &parts);
    let mut half = [0; 16];
    half.copy_from_slice(&scope.as_bytes()[..16]);
    Ok(Some(Builder::from_custom_bytes(half).into_uuid()))
}

/// Tells a caller that the answer is an earlier one, and nothing was done again.
pub(crate) fn mark_replayed(headers: &mut HeaderMap) {
    headers.insert(HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"));
}
