//! The embed: the scripts that bring the widget onto customers' pages, and the line they paste.

use bob_core::id::TenantId;
use bob_core::storage::TenantSnapshot;
use bob_core::widget_key::WidgetKey;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use jiff::Timestamp;

use crate::auth::business;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::etag::tagged;
use crate::problem::Problem;
use crate::wire::embed::WidgetCodeView;
use crate::wire::json;
use crate::wire::widget::LookView;

const SHORT: HeaderValue = HeaderValue::from_static("public, max-age=300");
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// `GET /widget/{tenant}/widget.js`
pub(crate) async fn boot(call: Call) -> Result<Response<BobBody>, Problem> {
    let id: TenantId = call.param("tenant").parse().map_err(|_| Problem::not_found())?;
    let tenant = call.mounted.bob.directory().snapshot(&id).await?.ok_or_else(Problem::not_found)?;
    let key = embed_key(&tenant, call.mounted.bob.clock().now()).ok_or_else(Problem::not_found)?;
    let look = serde_json::to_string(&LookView::from(&tenant.widget)).map_err(|_| Problem::internal())?;
    let script = call.mounted.assets.boot(&id.to_string(), key.key.as_str(), &look);
    file(&call, script.into_bytes(), SHORT)
}

/// The key that the embed hands out; during a rotation two are live, and pages get the one that stays.
fn embed_key(tenant: &TenantSnapshot, now: Timestamp) -> Option<&WidgetKey> {
    let live = tenant.widget_keys.iter().filter(|key| key.settings.embed && key.is_live(now));
    live.max_by_key(|key| (key.ends_at.unwrap_or(Timestamp::MAX), key.id))
}

/// `GET /widget/loader.js`
pub(crate) async fn loader(call: Call) -> Result<Response<BobBody>, Problem> {
    let script = call.mounted.assets.loader().as_bytes().to_vec();
    file(&call, script, SHORT)
}

/// `GET /widget/m/{file}`: the module, under the name that its content gives it.
pub(crate) async fn module(call: Call) -> Result<Response<BobBody>, Problem> {
    if call.param("file") != call.mounted.assets.module_name {
        return Err(Problem::not_found());
    }
    let module = call.mounted.assets.module().as_bytes().to_vec();
    file(&call, module, FOR_EVER)
}

/// `GET /api/customer-portal/widget-code`: the line a customer pastes into their pages.
pub(crate) async fn widget_code(call: Call) -> Result<Response<BobBody>, Problem> {
    let tenant = business(&call).await?;
    if embed_key(&tenant, call.mounted.bob.clock().now()).is_none() {
        let detail = "No live key is marked for the embed. Mark one, or make one with \"embed\": true.";
        return Err(Problem::new(StatusCode::CONFLICT, "no_embed_key", detail));
    }
    json(StatusCode::OK, &code(&call, &tenant.tenant.id))
}

/// The line of a business.
pub(crate) fn code(call: &Call, tenant: &TenantId) -> WidgetCodeView {
    let url = format!("{}widget/{tenant}/widget.js", call.mounted.mount.canonical());
    let html = format!("<script src=\"{url}\" async></script>");
    WidgetCodeView { html, script_url: url }
}

/// A script that any page may load; who has it already is told so.
fn file(call: &Call, content: Vec<u8>, cache: HeaderValue) -> Result<Response<BobBody>, Problem> {
    let mut response = tagged(call.headers(), content, "text/javascript; charset=utf-8")?;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, cache);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let cross_origin = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(cross_origin, HeaderValue::from_static("cross-origin"));
    Ok(response)
}
