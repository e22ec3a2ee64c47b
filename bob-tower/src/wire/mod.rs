//! What stands in bodies: requests end in `Request`, answers in `View`.

pub(crate) mod audit;
pub(crate) mod chat;
pub(crate) mod claim;
pub(crate) mod credits;
pub(crate) mod embed;
pub(crate) mod health;
pub(crate) mod hours;
pub(crate) mod identity;
pub(crate) mod inbox;
pub(crate) mod knowledge;
pub(crate) mod password;
pub(crate) mod people;
pub(crate) mod personas;
pub(crate) mod pricebook;
pub(crate) mod sign_in;
pub(crate) mod tenants;
pub(crate) mod widget;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use serde::{Deserialize, Deserializer, Serialize};
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

/// A field that may be left out, which keeps what is there, or be null, which takes it away.
pub(crate) fn left_out_or_null<'de, T, D>(reader: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(reader).map(Some)
}

/// A person's reason: 1 to 500 characters.
pub(crate) fn reason(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if !(1..=500).contains(&text.chars().count()) || text.contains('\0') {
        return Err(Problem::field("reason", "A reason has 1 to 500 characters."));
    }
    Ok(text.to_owned())
}

/// What an error of ours says, as a sentence for people.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let cause = error.to_string();
    let mut letters = cause.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
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
