//! What a business has to spend, how it came and went, and granting more.

use bob_core::act::Act;
use bob_core::credit::{CreditChange, LedgerEntry};
use bob_core::id::TenantId;
use bob_core::storage::{Storage, StorageErrorKind};
use bob_core::turn::IdempotencyScope;
use http::{Response, StatusCode};
use uuid::{Builder, Uuid};

use crate::auth::business;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::idempotency;
use crate::page::PageQuery;
use crate::problem::Problem;
use crate::request::{parse_json, require_json};
use crate::wire::credits::{CreditsRequest, EntryView, LedgerView, UsageView, Wanted};
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
    let Wanted { kind, amount, reason } = parse_json::<CreditsRequest>(&body)?.try_into()?;
    let tenant = business(&call).await?.tenant.id;
    let act = call.act(call.person()?.principal()).because(reason.clone());
    let known = identifier(&call, &act, tenant)?;
    let id = known.unwrap_or_else(Uuid::now_v7);
    let storage = &**call.mounted.bob.storage();
    let change = CreditChange { id, kind, amount, reason };
    let entry = enter(storage, &act, tenant, change, known.is_some()).await?;
    let mut response = json(StatusCode::CREATED, &EntryView::from(&entry))?;
    // An entry has the time of the act that made it, so one of another time was made before.
    if known.is_some() && entry.at != act.at {
        idempotency::mark_replayed(response.headers_mut());
    }
    Ok(response)
}

/// The identifier that the call's `Idempotency-Key` gives a change: the same for the same business, person and key.
fn identifier(call: &Call, act: &Act, tenant: TenantId) -> Result<Option<Uuid>, Problem> {
    let Some(key) = idempotency::key(call.headers())? else { return Ok(None) };
    let person = act.principal.id().to_string();
    let scope = IdempotencyScope::new(tenant, &key, &[call.head.method.as_str(), call.path, &person]);
    let mut half = [0; 16];
    half.copy_from_slice(&scope.as_bytes()[..16]);
    Ok(Some(Builder::from_custom_bytes(half).into_uuid()))
}

/// Enters a change; a conflict is either that less is left, or that its key was used for another one.
async fn enter(
    storage: &dyn Storage,
    act: &Act,
    tenant: TenantId,
    change: CreditChange,
    has_key: bool,
) -> Result<LedgerEntry, Problem> {
    let amount = change.amount;
    match storage.change_credits(act, &tenant, change).await {
        Err(error) if error.kind() == StorageErrorKind::Conflict => {
            let left = storage.credit_balance(&tenant).await?.available();
            let is_covered = left.0 + amount.0 >= 0;
            Err(if has_key && is_covered {
                Problem::idempotency_mismatch()
            } else {
                Problem::credits_insufficient()
            })
        }
        entered => Ok(entered?),
    }
}
