//! The page that one-time links lead to: choose a password.
//!
//! The token stands behind `#` in the page's address, so it reaches no server and no log; the page sends it in a body.
//! Nothing runs or shows there but what is in the file, held by hashes in the policy.

use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue};

use crate::body::BobBody;
use crate::dispatch::Call;
use crate::etag::tagged;
use crate::problem::Problem;

/// `GET /account/set-password`
pub(crate) async fn set_password(call: Call) -> Result<Response<BobBody>, Problem> {
    let page = &call.mounted.assets.set_password;
    let mut response = tagged(call.headers(), page.html.as_bytes().to_vec(), "text/html; charset=utf-8")?;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, page.policy.clone());
    headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}
