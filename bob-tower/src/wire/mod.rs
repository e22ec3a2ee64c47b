//! What stands in bodies: requests end in `Request`, answers in `View`.

pub(crate) mod audit;
pub(crate) mod chat;
pub(crate) mod credits;
pub(crate) mod embed;
pub(crate) mod health;
pub(crate) mod inbox;
pub(crate) mod pricebook;
pub(crate) mod sign_in;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::BobBody;
use crate::problem::Problem;

/// An answer of JSON.
pub(crate) fn json(status: StatusCode, view: &impl Serialize) -> Result<Response<BobBody>, Problem> {
    let body = serde_json::to_vec(view).map_err(|_| Problem::internal())?;
    let mut response = Response::new(BobBody::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListView<T> {
    pub(crate) items: Vec<T>,
    /// What `cursor` must say to get the next page; nothing behind the last one.
    pub(crate) next_cursor: Option<String>,
}

/// SHA-256 as `sha256:` and hexadecimal digits.
pub(crate) fn content_hash(hash: &[u8; 32]) -> String {
    format!("sha256:{}", data_encoding::HEXLOWER.encode(hash))
}
