//! Content that a caller may have already (RFC 9110, 8.8.3 and 13.1.2).

use data_encoding::HEXLOWER;
use http::header::{CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use http::{HeaderMap, Response, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::body::BobBody;
use crate::problem::Problem;

/// Answers with `content` and its fingerprint; who has it already is told so with 304.
pub(crate) fn tagged(
    asked: &HeaderMap,
    content: Vec<u8>,
    content_type: &'static str,
) -> Result<Response<BobBody>, Problem> {
    let tag = etag(&content);
    let known = asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|line| line.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    let mut response = if known.any(|known| known == tag || known == "*") {
        let mut response = Response::new(BobBody::default());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        Response::new(BobBody::from(content))
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(ETAG, HeaderValue::from_str(&tag).map_err(|_| Problem::internal())?);
    Ok(response)
}

fn etag(content: &[u8]) -> String {
    format!("\"{}\"", &HEXLOWER.encode(&Sha256::digest(content))[..32])
}
