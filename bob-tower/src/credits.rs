//! What a business has to spend, how it came and went, and granting more.

use bob_core::credit::{CreditChange, CreditChanged};
use http::{Response, StatusCode};

use crate::auth::business;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::idempotency;
use crate::page::PageQuery;
use crate::problem::Problem;
use crate::request::{parse_json, require_json};
use crate::wire::credits::{CreditsRequest, EntryView, LedgerView, UsageView};
use crate::wire::json;

/// `GET /api/customer-portal/usage` and `GET /api/tenants/{tenant}/usage`
pub(crate) async fn usage(call: Call) -> Result<Response<BobBody>, Problem> {
    let tenant = &business(&call).await?.tenant;
    let usage = call.mounted.bob.storage().credit_usage(&tenant.id).await?;
    json(StatusCode::OK, &UsageView::new(tenant, &usage))
}

/// `GET /api/customer-portal/ledger?limit=&cursor=` and `GET /api/tenants/{tenant}/ledger?limit=&cursor=`
pub(crate) async fn ledger(call: Call) -> Result<Response<BobBody>, Problem> {
    let PageQuery { limit, before } = PageQuery::read(call.head.uri.query())?;
    let tenant = business(&call).await?.tenant.id;
    let page = call.mounted.bob.storage().ledger(&tenant, before, limit).await?;
    json(StatusCode::OK, &LedgerView::from(&page))
}

/// `POST /api/tenants/{tenant}/credits`: grants credits, or takes some back.
///
/// Under an `Idempotency-Key` the change happens once, however often it is sent: the key gives it its identifier.
pub(crate) async fn change(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    let body = call.read_body().await?;
    let change: CreditChange = parse_json::<CreditsRequest>(&body)?.try_into()?;
    let tenant = business(&call).await?.tenant.id;
    let act = call.deed()?.because(change.reason());
    let change = match idempotency::identifier(&call, tenant, &[])? {
        Some(id) => change.under(id),
        None => change,
    };
    let entered = |entry| json(StatusCode::CREATED, &EntryView::from(&entry));
    match call.mounted.bob.storage().change_credits(&act, &tenant, change).await? {
        CreditChanged::Entered(entry) => entered(entry),
        CreditChanged::Repeated(entry) => {
            let mut response = entered(entry)?;
            idempotency::mark_replayed(response.headers_mut());
            Ok(response)
        }
        CreditChanged::Insufficient => Err(Problem::credits_insufficient()),
        CreditChanged::Excessive => Err(Problem::credits_excessive()),
        CreditChanged::Mismatch => Err(Problem::idempotency_mismatch()),
        other => {
            tracing::error!(?other, "a change of credits came to something unknown here");
            Err(Problem::internal())
        }
    }
}
