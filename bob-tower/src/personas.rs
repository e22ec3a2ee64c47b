//! Personas: writing versions, publishing them, and seeing what a model would be told.

use std::sync::Arc;

use bob_core::conversation::Door;
use bob_core::id::PersonaId;
use bob_core::knowledge::Passage;
use bob_core::language::Language;
use bob_core::persona::{PersonaOverview, PersonaText, Prompt, Slots, Written};
use bob_core::storage::{StorageError, StorageErrorKind, TenantSnapshot};
use http::{Response, StatusCode};

use crate::auth::business;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::etag::{mark_version, wanted_version};
use crate::idempotency;
use crate::page::{IdPageQuery, PageQuery};
use crate::problem::Problem;
use crate::request::{parse_json, query_field, require_json};
use crate::wire::personas::{PersonaRequest, PersonaVersionView, PersonaView, PreviewView};
use crate::wire::{ListView, json};

/// `GET /api/personas?limit=&cursor=`
pub(crate) async fn list(call: Call) -> Result<Response<BobBody>, Problem> {
    let IdPageQuery { limit, after } = IdPageQuery::read(call.head.uri.query())?;
    let tenant = business(&call).await?.tenant.id;
    let after = after.map(PersonaId::from_uuid);
    let mut found = call.mounted.bob.storage().personas(&tenant, after, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next_cursor = found.last().filter(|_| more).map(|last| last.latest.id.to_string());
    let items: Vec<PersonaView> = found.iter().map(Into::into).collect();
    json(StatusCode::OK, &ListView { items, next_cursor })
}

/// `POST /api/personas?publish=`: a new persona, a draft unless it is published at once.
pub(crate) async fn create(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let text = text(&mut call).await?;
    let written = written(&call)?;
    let (tenant, act) = (business(&call).await?.tenant.id, call.deed()?);
    let repeated = idempotency::identifier(&call, tenant, &[])?;
    let id = repeated.map_or_else(PersonaId::new, PersonaId::from_uuid);
    let storage = call.mounted.bob.storage();
    match storage.add_persona(&act, &tenant, &id, text.clone(), written).await {
        Ok(made) => {
            call.mounted.bob.directory().forget(&tenant);
            shown(StatusCode::CREATED, &made)
        }
        Err(error) if error.kind() == StorageErrorKind::Conflict => {
            let Ok(known) = storage.persona(&tenant, &id).await else { return Err(full()) };
            let first = storage.persona_versions(&tenant, &id, Some(2), 1).await?;
            if first.first().is_none_or(|first| first.persona.text() != text) {
                return Err(Problem::idempotency_mismatch());
            }
            let mut response = shown(StatusCode::CREATED, &known)?;
            idempotency::mark_replayed(response.headers_mut());
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

fn full() -> Problem {
    Problem::conflict("persona_limit", "There are 50 personas, or 1,000 versions of this one.")
}

/// `GET /api/personas/{persona}`
pub(crate) async fn one(call: Call) -> Result<Response<BobBody>, Problem> {
    let (tenant, id) = persona(&call).await?;
    shown(StatusCode::OK, &call.mounted.bob.storage().persona(&tenant.tenant.id, &id).await?)
}

/// `PUT /api/personas/{persona}?publish=`: a new version, a draft unless it is published at once.
pub(crate) async fn write(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let text = text(&mut call).await?;
    let written = written(&call)?;
    let (tenant, id) = persona(&call).await?;
    let (tenant, act, expected) = (tenant.tenant.id, call.deed()?, expected(&call)?);
    let storage = call.mounted.bob.storage();
    let overview = storage.write_persona(&act, &tenant, &id, expected, text, written).await;
    let overview = overview.map_err(|error| in_conflict(error, full))?;
    call.mounted.bob.directory().forget(&tenant);
    shown(StatusCode::OK, &overview)
}

/// `DELETE /api/personas/{persona}`
pub(crate) async fn delete(call: Call) -> Result<Response<BobBody>, Problem> {
    let (tenant, id) = persona(&call).await?;
    let (act, expected) = (call.deed()?, expected(&call)?);
    let deleted = call.mounted.bob.storage().delete_persona(&act, &tenant.tenant.id, &id, expected).await;
    deleted.map_err(|error| {
        let detail = "This persona is the default. Choose another default first.";
        in_conflict(error, || Problem::conflict("persona_is_default", detail))
    })?;
    let mut response = Response::new(BobBody::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// `POST /api/personas/{persona}/default`
pub(crate) async fn make_default(call: Call) -> Result<Response<BobBody>, Problem> {
    let (tenant, id) = persona(&call).await?;
    let tenant = tenant.tenant.id;
    let chosen = call.mounted.bob.storage().set_default_persona(&call.deed()?, &tenant, &id).await;
    let chosen = chosen.map_err(|error| {
        in_conflict(error, || Problem::conflict("persona_not_published", "Publish a version of it first."))
    })?;
    call.mounted.bob.directory().forget(&tenant);
    shown(StatusCode::OK, &chosen)
}

/// `GET /api/personas/{persona}/versions?limit=&cursor=`
pub(crate) async fn versions(call: Call) -> Result<Response<BobBody>, Problem> {
    let PageQuery { limit, before } = PageQuery::read(call.head.uri.query())?;
    let before = before.map(|before| u32::try_from(before).unwrap_or(u32::MAX));
    let (tenant, id) = persona(&call).await?;
    let storage = call.mounted.bob.storage();
    let mut found = storage.persona_versions(&tenant.tenant.id, &id, before, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next_cursor = found.last().filter(|_| more).map(|last| last.persona.version.to_string());
    let items: Vec<PersonaVersionView> = found.iter().map(Into::into).collect();
    json(StatusCode::OK, &ListView { items, next_cursor })
}

/// `POST /api/personas/{persona}/versions/{n}/publish`: also an older one, which takes a later one back.
pub(crate) async fn publish(call: Call) -> Result<Response<BobBody>, Problem> {
    let (tenant, id) = persona(&call).await?;
    let (tenant, act, expected) = (tenant.tenant.id, call.deed()?, expected(&call)?);
    let version = number(call.param("n")).ok_or_else(Problem::not_found)?;
    let storage = call.mounted.bob.storage();
    let overview = storage.publish_persona(&act, &tenant, &id, version, expected).await?;
    call.mounted.bob.directory().forget(&tenant);
    shown(StatusCode::OK, &overview)
}

/// `GET /api/personas/{persona}/preview?version=&locale=&channel=`
pub(crate) async fn preview(call: Call) -> Result<Response<BobBody>, Problem> {
    let query = call.head.uri.query();
    let wrong = |detail: &str| Problem::bad_request("invalid_query", detail);
    let (tenant, id) = persona(&call).await?;
    let storage = call.mounted.bob.storage();
    let found = match query_field(query, "version")? {
        None => storage.persona(&tenant.tenant.id, &id).await?.latest,
        Some(text) => {
            let version = number(&text).ok_or_else(|| wrong("version is a number."))?;
            let before = Some(version.saturating_add(1));
            let found = storage.persona_versions(&tenant.tenant.id, &id, before, 1).await?;
            let mut found = found.into_iter().map(|found| found.persona);
            found.next_back().filter(|found| found.version == version).ok_or_else(Problem::not_found)?
        }
    };
    let locale = match query_field(query, "locale")? {
        Some(text) => text.parse::<Language>().map_err(|_| wrong("locale is a language tag."))?,
        None => tenant.tenant.default_language(),
    };
    let channel = query_field(query, "channel")?;
    let channel = Door::from_name(channel.as_deref().unwrap_or("widget"));
    let channel = channel.ok_or_else(|| wrong("channel is public, widget or signed_in."))?;
    let slots = Slots::of(&tenant.tenant, locale, channel, call.mounted.bob.clock().now());
    let sources: [Arc<Passage>; 0] = [];
    let view = PreviewView {
        persona_id: id.to_string(),
        version: found.version,
        locale: locale.to_string(),
        channel: channel.as_str(),
        prompt: Prompt::build(&found, &slots, sources, Vec::new(), "").system,
    };
    json(StatusCode::OK, &view)
}

/// The persona of the path, and whose it is to be.
async fn persona(call: &Call) -> Result<(Arc<TenantSnapshot>, PersonaId), Problem> {
    let tenant = business(call).await?;
    let id = call.param("persona").parse().map_err(|_| Problem::not_found())?;
    Ok((tenant, id))
}

async fn text(call: &mut Call) -> Result<PersonaText, Problem> {
    require_json(call.headers())?;
    let body = call.read_body().await?;
    parse_json::<PersonaRequest>(&body)?.try_into()
}

/// Whether what is written is published at once.
fn written(call: &Call) -> Result<Written, Problem> {
    match query_field(call.head.uri.query(), "publish")?.as_deref() {
        None | Some("false") => Ok(Written::AsDraft),
        Some("true") => Ok(Written::Published),
        Some(_) => Err(Problem::bad_request("invalid_query", "publish is true or false.")),
    }
}

/// The latest version that the caller knows, if they insist on one.
fn expected(call: &Call) -> Result<Option<u32>, Problem> {
    let wanted = wanted_version(call.headers())?.map(u32::try_from).transpose();
    wanted.map_err(|_| Problem::precondition_failed())
}

/// A number in digits and nothing else.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// What a conflict means for this call; any other error is what it is.
fn in_conflict(error: StorageError, conflict: impl FnOnce() -> Problem) -> Problem {
    if error.kind() == StorageErrorKind::Conflict { conflict() } else { error.into() }
}

fn shown(status: StatusCode, overview: &PersonaOverview) -> Result<Response<BobBody>, Problem> {
    let mut response = json(status, &PersonaView::from(overview))?;
    mark_version(response.headers_mut(), overview.latest.version.into());
    Ok(response)
}
