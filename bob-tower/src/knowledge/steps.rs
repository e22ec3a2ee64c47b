//! The steps of a text: handed in, approved or sent back, and taken out again.

use bob_core::id::TenantId;
use bob_core::knowledge::{KnowledgeItem, KnowledgeStatus};
use http::{Response, StatusCode};

use super::{item_of, show, wanted_number};
use crate::auth::business;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::problem::Problem;
use crate::request::{parse_json, require_json};
use crate::wire::knowledge::RejectRequest;
use crate::wire::reason;

/// `POST /api/customer-portal/knowledge/{id}/submit`: hands the latest version in for review.
pub(crate) async fn submit(call: Call) -> Result<Response<BobBody>, Problem> {
    let (tenant, found) = known(&call).await?;
    let latest = require_latest(&found, KnowledgeStatus::Draft, "Only a draft can be submitted")?;
    let (item, to) = (found.latest.item, KnowledgeStatus::Review);
    call.mounted.bob.storage().move_knowledge(&call.deed()?, &tenant, &item, latest, to).await?;
    show(&call, &item, StatusCode::OK).await
}

/// `POST /api/customer-portal/knowledge/{id}/approve`: approves what is in review and publishes it, unless the business
/// gathers releases.
pub(crate) async fn approve(call: Call) -> Result<Response<BobBody>, Problem> {
    let (tenant, found) = known(&call).await?;
    let latest = require_latest(&found, KnowledgeStatus::Review, "Only what is in review can be approved")?;
    let now = call.mounted.bob.clock().now();
    if found.latest.text.expires_at().is_some_and(|end| end <= now) {
        let detail = "This text has expired. Write another draft with a later expires_at.";
        return Err(Problem::new(StatusCode::CONFLICT, "expired", detail));
    }
    let item = found.latest.item;
    call.mounted.bob.storage().approve_knowledge(&call.deed()?, &tenant, &item, latest).await?;
    call.mounted.bob.directory().forget(&tenant);
    show(&call, &item, StatusCode::OK).await
}

/// `POST /api/customer-portal/knowledge/{id}/reject {reason}`: sends what is in review back to its author.
pub(crate) async fn reject(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    let request: RejectRequest = parse_json(&call.read_body().await?)?;
    let why = reason(&request.reason)?;
    let (tenant, found) = known(&call).await?;
    let latest = require_latest(&found, KnowledgeStatus::Review, "Only what is in review can be rejected")?;
    let (act, item) = (call.deed()?.because(why), found.latest.item);
    let storage = call.mounted.bob.storage();
    storage.move_knowledge(&act, &tenant, &item, latest, KnowledgeStatus::Draft).await?;
    show(&call, &item, StatusCode::OK).await
}

/// `POST /api/customer-portal/knowledge/{id}/expire`: takes the published version out, from the next answer on.
pub(crate) async fn expire(call: Call) -> Result<Response<BobBody>, Problem> {
    let (tenant, found) = known(&call).await?;
    let Some(published) = &found.published else {
        return Err(wrong_status("Only what is published can expire; nothing of this item is."));
    };
    let (item, number) = (published.item, published.number);
    let storage = call.mounted.bob.storage();
    storage.move_knowledge(&call.deed()?, &tenant, &item, number, KnowledgeStatus::Retired).await?;
    call.mounted.bob.directory().forget(&tenant);
    show(&call, &item, StatusCode::OK).await
}

/// The item in the path, in the version that the caller's `If-Match` names.
///
/// What becomes of it in between, storage finds out: a draft that was replaced is retired and takes no further step.
async fn known(call: &Call) -> Result<(TenantId, KnowledgeItem), Problem> {
    let (item, wanted) = (item_of(call)?, wanted_number(call.headers())?);
    let tenant = business(call).await?.tenant.id;
    let found = call.mounted.bob.storage().knowledge_item(&tenant, &item).await?;
    if wanted.is_some_and(|wanted| wanted != found.latest.number) {
        return Err(Problem::precondition_failed());
    }
    Ok((tenant, found))
}

fn require_latest(found: &KnowledgeItem, status: KnowledgeStatus, rule: &str) -> Result<u32, Problem> {
    let latest = &found.latest;
    if latest.status == status {
        return Ok(latest.number);
    }
    Err(wrong_status(&format!("{rule}; version {} is {}.", latest.number, latest.status)))
}

fn wrong_status(detail: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, "wrong_status", detail)
}
