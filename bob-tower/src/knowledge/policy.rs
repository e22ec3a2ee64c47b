//! Whether approved texts are published at once or together, and publishing those that wait.

use http::{Response, StatusCode};

use crate::auth::business;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::problem::Problem;
use crate::request::{parse_json, require_json};
use crate::wire::json;
use crate::wire::knowledge::{PolicyRequest, PolicyView, ReleaseView};

/// `GET /api/customer-portal/knowledge/policy`
pub(crate) async fn policy(call: Call) -> Result<Response<BobBody>, Problem> {
    let gathers_releases = business(&call).await?.gathers_releases;
    json(StatusCode::OK, &PolicyView { gathers_releases })
}

/// `PUT /api/customer-portal/knowledge/policy`
pub(crate) async fn set_policy(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    let PolicyRequest { gathers_releases } = parse_json(&call.read_body().await?)?;
    let tenant = business(&call).await?.tenant.id;
    call.mounted.bob.storage().gather_releases(&call.deed()?, &tenant, gathers_releases).await?;
    call.mounted.bob.directory().forget(&tenant);
    json(StatusCode::OK, &PolicyView { gathers_releases })
}

/// `POST /api/customer-portal/publish`: publishes all that is approved, as one release.
pub(crate) async fn publish(call: Call) -> Result<Response<BobBody>, Problem> {
    let tenant = business(&call).await?.tenant.id;
    let release = call.mounted.bob.storage().publish_knowledge(&call.deed()?, &tenant).await?;
    call.mounted.bob.directory().forget(&tenant);
    json(StatusCode::OK, &ReleaseView { release })
}
