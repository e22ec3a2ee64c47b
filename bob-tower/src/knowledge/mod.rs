//! The texts a business stands by: writing them, and their way to the visitor.

mod import;
mod policy;
mod steps;

use bob_core::id::KnowledgeId;
use bob_core::knowledge::{Audience, KnowledgeFilter, KnowledgeStatus};
use http::{HeaderMap, Response, StatusCode};

use crate::auth::business;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::etag::{mark_version, wanted_version};
use crate::page::IdPageQuery;
use crate::problem::Problem;
use crate::request::{parse_json, query_field, require_json};
use crate::wire::knowledge::{ItemEntryView, ItemView, KnowledgeRequest};
use crate::wire::{ListView, json};

pub(crate) use import::import;
pub(crate) use policy::{policy, publish, set_policy};
pub(crate) use steps::{approve, expire, reject, submit};

/// The longest body of a text, in bytes: as many characters of four bytes as one may have, and the rest of it.
const MAX_TEXT: usize = 128 * 1024;

/// `GET /api/customer-portal/knowledge?status=&language=&audience=&title=&limit=&cursor=`
pub(crate) async fn list(call: Call) -> Result<Response<BobBody>, Problem> {
    let page = IdPageQuery::read(call.head.uri.query())?;
    let filter = filter(call.head.uri.query())?;
    let tenant = business(&call).await?.tenant.id;
    let after = page.after.map(KnowledgeId::from_uuid);
    let storage = call.mounted.bob.storage();
    let mut entries = storage.knowledge_items(&tenant, &filter, after, page.limit + 1).await?;
    let more = entries.len() > page.limit as usize;
    entries.truncate(page.limit as usize);
    let next_cursor = entries.last().filter(|_| more).map(|last| last.item.to_string());
    let now = call.mounted.bob.clock().now();
    let items = entries.iter().map(|entry| ItemEntryView::new(entry, now)).collect();
    json(StatusCode::OK, &ListView { items, next_cursor })
}

fn filter(query: Option<&str>) -> Result<KnowledgeFilter, Problem> {
    let wrong = |detail: &str| Problem::bad_request("invalid_query", detail);
    let status = query_field(query, "status")?.map(|name| {
        let detail = "status is draft, review, approved, published or retired.";
        KnowledgeStatus::from_name(&name).ok_or_else(|| wrong(detail))
    });
    let language = query_field(query, "language")?
        .map(|tag| tag.parse().map_err(|_| wrong("language is a tag such as en or de.")));
    let audience = query_field(query, "audience")?
        .map(|name| Audience::from_name(&name).ok_or_else(|| wrong("audience is public or staff.")));
    let title = query_field(query, "title")?;
    if title.as_ref().is_some_and(|title| title.contains('\0')) {
        return Err(wrong("title holds no NUL."));
    }
    Ok(KnowledgeFilter {
        status: status.transpose()?,
        language: language.transpose()?,
        audience: audience.transpose()?,
        title,
    })
}

/// `POST /api/customer-portal/knowledge`: a new item with a first draft.
pub(crate) async fn add(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let request = text_of(&mut call).await?;
    let tenant = business(&call).await?;
    let now = call.mounted.bob.clock().now();
    let text = request.into_text(tenant.tenant.default_language(), now)?;
    let item = KnowledgeId::new();
    let storage = call.mounted.bob.storage();
    storage.add_knowledge(&call.deed()?, &tenant.tenant.id, &item, text).await?;
    show(&call, &item, StatusCode::CREATED).await
}

/// `GET /api/customer-portal/knowledge/{id}`
pub(crate) async fn read(call: Call) -> Result<Response<BobBody>, Problem> {
    let item = item_of(&call)?;
    show(&call, &item, StatusCode::OK).await
}

/// `PUT /api/customer-portal/knowledge/{id}`: the next draft of an item.
pub(crate) async fn draft(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let request = text_of(&mut call).await?;
    let (item, latest) = (item_of(&call)?, wanted_number(call.headers())?);
    let tenant = business(&call).await?;
    let now = call.mounted.bob.clock().now();
    let text = request.into_text(tenant.tenant.default_language(), now)?;
    let storage = call.mounted.bob.storage();
    storage.draft_knowledge(&call.deed()?, &tenant.tenant.id, &item, latest, text).await?;
    show(&call, &item, StatusCode::OK).await
}

/// `DELETE /api/customer-portal/knowledge/{id}`: retires all of it and takes it off the list.
pub(crate) async fn remove(call: Call) -> Result<Response<BobBody>, Problem> {
    let (item, latest) = (item_of(&call)?, wanted_number(call.headers())?);
    let tenant = business(&call).await?.tenant.id;
    call.mounted.bob.storage().remove_knowledge(&call.deed()?, &tenant, &item, latest).await?;
    call.mounted.bob.directory().forget(&tenant);
    let mut response = Response::new(BobBody::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

async fn text_of(call: &mut Call) -> Result<KnowledgeRequest, Problem> {
    require_json(call.headers())?;
    parse_json(&call.read_body_within(MAX_TEXT).await?)
}

/// The item in the path; what is no identifier names nothing.
fn item_of(call: &Call) -> Result<KnowledgeId, Problem> {
    call.param("id").parse().map_err(|_| Problem::not_found())
}

/// The version that the caller's `If-Match` insists on.
fn wanted_number(headers: &HeaderMap) -> Result<Option<u32>, Problem> {
    let number = |version: u64| u32::try_from(version).map_err(|_| Problem::precondition_failed());
    wanted_version(headers)?.map(number).transpose()
}

/// The item as it is now, marked with its latest version.
async fn show(call: &Call, item: &KnowledgeId, status: StatusCode) -> Result<Response<BobBody>, Problem> {
    let tenant = business(call).await?.tenant.id;
    let found = call.mounted.bob.storage().knowledge_item(&tenant, item).await?;
    let now = call.mounted.bob.clock().now();
    let mut response = json(status, &ItemView::new(&found, now))?;
    mark_version(response.headers_mut(), found.latest.number.into());
    Ok(response)
}
