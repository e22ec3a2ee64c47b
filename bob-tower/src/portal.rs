//! Pages for a business's people: plain files that call the API as any other client does.

use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY};

use crate::body::BobBody;
use crate::dispatch::Call;
use crate::etag::tagged;
use crate::problem::Problem;

const PAGE: &str = include_str!("../assets/inbox/inbox.html");
const SCRIPT: &str = include_str!("../assets/inbox/inbox.mjs");
const STYLE: &str = include_str!("../assets/inbox/inbox.css");

/// Nothing but the page's own files and calls: no inline script or style, no frame around it, no form that leaves.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'none'; \
     base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
);

/// `GET /portal/inbox`
pub(crate) async fn inbox(call: Call) -> Result<Response<BobBody>, Problem> {
    let mut response = file(&call, PAGE, "text/html; charset=utf-8")?;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    headers.insert(opener, HeaderValue::from_static("same-origin"));
    Ok(response)
}

/// `GET /portal/inbox.mjs`
pub(crate) async fn inbox_script(call: Call) -> Result<Response<BobBody>, Problem> {
    file(&call, SCRIPT, "text/javascript; charset=utf-8")
}

/// `GET /portal/inbox.css`
pub(crate) async fn inbox_style(call: Call) -> Result<Response<BobBody>, Problem> {
    file(&call, STYLE, "text/css; charset=utf-8")
}

/// A file that is the same for everybody; who has it already is told so.
fn file(call: &Call, content: &str, content_type: &'static str) -> Result<Response<BobBody>, Problem> {
    let mut response = tagged(call.headers(), content.as_bytes().to_vec(), content_type)?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}
