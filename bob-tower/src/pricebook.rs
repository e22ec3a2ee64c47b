//! `GET /api/pricebook`: what plans cost and hold, and what answers cost.

use http::Response;
use http::header::{CACHE_CONTROL, HeaderValue};

use crate::body::BobBody;
use crate::dispatch::Call;
use crate::etag::tagged;
use crate::problem::Problem;
use crate::wire::pricebook::PricebookView;

/// The version that holds, for everybody; the same for a minute.
pub(crate) async fn published(call: Call) -> Result<Response<BobBody>, Problem> {
    let book = call.mounted.bob.pricebooks().current().await?;
    let content = serde_json::to_vec(&PricebookView::from(&*book)).map_err(|_| Problem::internal())?;
    let mut response = tagged(call.headers(), content, "application/json")?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    Ok(response)
}
