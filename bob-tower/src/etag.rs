//! Content that a caller may have already (RFC 9110, 8.8.3 and 13.1.2).

use data_encoding::HEXLOWER;
use http::header::{CONTENT_TYPE, ETAG, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, Response, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::body::BobBody;
use crate::problem::Problem;
use crate::request::single;

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

/// Marks an answer with the version of the thing it shows, which `If-Match` names.
pub(crate) fn mark_version(headers: &mut HeaderMap, version: u64) {
    let tag = HeaderValue::from_str(&format!("\"{version}\""));
    headers.insert(ETAG, tag.expect("digits in quotes are a header value"));
}

/// The version that the caller's `If-Match` insists on (RFC 9110, 13.1.1); `None` when they insist on none.
///
/// Storage compares it in the transaction of the change. What is no version of ours is none that holds.
pub(crate) fn wanted_version(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(text) = single(headers, IF_MATCH.as_str())?.filter(|text| *text != "*") else { return Ok(None) };
    let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let version = version.filter(|text| !text.starts_with('+')).and_then(|text| text.parse().ok());
    version.map(Some).ok_or_else(Problem::precondition_failed)
}

fn etag(content: &[u8]) -> String {
    format!("\"{}\"", &HEXLOWER.encode(&Sha256::digest(content))[..32])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_insisted_on_by_its_tag_only() {
        let wanted = |value: &str| {
            let headers = HeaderMap::from_iter([(IF_MATCH, HeaderValue::from_str(value).unwrap())]);
            wanted_version(&headers)
        };
        assert_eq!(wanted_version(&HeaderMap::new()).unwrap(), None);
        assert_eq!(wanted("*").unwrap(), None);
        assert_eq!(wanted("\"7\"").unwrap(), Some(7));
        for text in ["7", "\"\"", "W/\"7\"", "\"+7\"", "\"-7\"", "\"7\", \"8\"", "\"seven\""] {
            assert!(wanted(text).is_err(), "{text}");
        }
    }
}
