//! How the widget looks on a business's pages, and what it says first.

use http::{Response, StatusCode};

use crate::auth::business;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::etag::{mark_version, wanted_version};
use crate::problem::Problem;
use crate::request::{parse_json, require_json};
use crate::wire::json;
use crate::wire::widget::{SettingsRequest, SettingsView};

/// `GET /api/customer-portal/widget-settings`
pub(crate) async fn read(call: Call) -> Result<Response<BobBody>, Problem> {
    let tenant = business(&call).await?.tenant.id;
    let settings = call.mounted.bob.storage().tenant_snapshot(&tenant).await?.widget;
    let mut response = json(StatusCode::OK, &SettingsView::from(&settings))?;
    mark_version(response.headers_mut(), settings.version);
    Ok(response)
}

/// `PUT /api/customer-portal/widget-settings`: sets all of it; what is left out is as usual.
pub(crate) async fn set(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    let mut settings = parse_json::<SettingsRequest>(&call.read_body().await?)?.read()?;
    let wanted = wanted_version(call.headers())?;
    let tenant = business(&call).await?.tenant.id;
    let (storage, act) = (call.mounted.bob.storage(), call.deed()?);
    settings.version = storage.set_widget_settings(&act, &tenant, wanted, settings.clone()).await?;
    call.mounted.bob.directory().forget(&tenant);
    let mut response = json(StatusCode::OK, &SettingsView::from(&settings))?;
    mark_version(response.headers_mut(), settings.version);
    Ok(response)
}
