//! Calls that are sent twice: the key that names one, and the header that says so.

use bob_core::account::PLATFORM_REALM;
use bob_core::act::Act;
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

/// The identifier that the call's `Idempotency-Key` gives what it makes: the same for the same person, path and key.
pub(crate) fn identifier(call: &Call, act: &Act) -> Result<Option<Uuid>, Problem> {
    identifier_in(call, act, call.person()?.tenant.unwrap_or(PLATFORM_REALM))
}

/// The same for what is made in a business.
pub(crate) fn identifier_in(call: &Call, act: &Act, tenant: TenantId) -> Result<Option<Uuid>, Problem> {
    let Some(key) = key(call.headers())? else { return Ok(None) };
    let person = act.principal.id().to_string();
    let scope = IdempotencyScope::new(tenant, &key, &[call.head.method.as_str(), call.path, &person]);
    let mut half = [0; 16];
    half.copy_from_slice(&scope.as_bytes()[..16]);
    Ok(Some(Builder::from_custom_bytes(half).into_uuid()))
}

/// Tells a caller that the answer is an earlier one, and nothing was done again.
pub(crate) fn mark_replayed(headers: &mut HeaderMap) {
    headers.insert(HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"));
}
