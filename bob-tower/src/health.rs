//! `GET /api/health`

use http::{Response, StatusCode};

use crate::body::BobBody;
use crate::dispatch::Call;
use crate::problem::Problem;
use crate::wire::health::HealthView;
use crate::wire::json;

/// Says how Bob is: 200 when turns are taken, else 503, with the same body.
pub(crate) async fn health(call: Call) -> Result<Response<BobBody>, Problem> {
    let view = HealthView::from(call.mounted.bob.health().await);
    let status = if view.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, &view)
}
