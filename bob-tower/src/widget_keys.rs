//! The keys under which customers' pages call: making them, changing them, and putting another in their place.

use bob_core::clock::later;
use bob_core::id::{TenantId, WidgetKeyId};
use bob_core::storage::{StorageError, StorageErrorKind};
use bob_core::widget_key::{MOST_KEYS, PublishableKey, WidgetKey};
use http::{Response, StatusCode};

use crate::auth::business;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::etag::{mark_version, wanted_version};
use crate::page::IdPageQuery;
use crate::problem::Problem;
use crate::request::{parse_json, require_json};
use crate::wire::widget::{ChangeKeyRequest, KeyView, NewKeyRequest, RotateRequest, RotatedView};
use crate::wire::{ListView, json};

/// `GET /api/customer-portal/widget-keys?limit=&cursor=`: the latest first, ended ones too.
pub(crate) async fn list(call: Call) -> Result<Response<BobBody>, Problem> {
    let page = IdPageQuery::read(call.head.uri.query())?;
    let tenant = business(&call).await?.tenant.id;
    let mut keys = keys(&call, &tenant).await?;
    keys.sort_by_key(|key| std::cmp::Reverse(key.id));
    keys.retain(|key| page.after.is_none_or(|after| key.id.as_uuid() < after));
    let more = keys.len() > page.limit as usize;
    keys.truncate(page.limit as usize);
    let next_cursor = keys.last().filter(|_| more).map(|last| last.id.to_string());
    let now = call.mounted.bob.clock().now();
    let items = keys.iter().map(|key| KeyView::new(key, now)).collect();
    json(StatusCode::OK, &ListView { items, next_cursor })
}

/// `POST /api/customer-portal/widget-keys`
pub(crate) async fn add(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    let request: NewKeyRequest = parse_json(&call.read_body().await?)?;
    let tenant = business(&call).await?.tenant.id;
    let (mode, settings) = request.read(call.mounted.bob.limits().key_ceiling())?;
    let text = PublishableKey::generate(mode, tenant).map_err(|_| Problem::internal())?;
    let key = WidgetKey::new(text, settings);
    let added = call.mounted.bob.storage().add_widget_key(&call.deed()?, &tenant, key.clone()).await;
    added.map_err(no_room)?;
    call.mounted.bob.directory().forget(&tenant);
    show(&call, &key, StatusCode::CREATED)
}

/// `PATCH /api/customer-portal/widget-keys/{id}`: what is named changes, the rest stays.
pub(crate) async fn change(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    let request: ChangeKeyRequest = parse_json(&call.read_body().await?)?;
    let (tenant, mut key) = known(&call).await?;
    key.settings = request.read(&key, call.mounted.bob.limits().key_ceiling())?;
    let (act, settings) = (call.deed()?, key.settings.clone());
    let storage = call.mounted.bob.storage();
    let changed = storage.change_widget_key(&act, &tenant, &key.id, key.version, settings).await;
    key.version = changed.map_err(|error| changed_meanwhile(&call, error))?;
    call.mounted.bob.directory().forget(&tenant);
    show(&call, &key, StatusCode::OK)
}

/// `DELETE /api/customer-portal/widget-keys/{id}`: the key is refused from now on.
pub(crate) async fn revoke(call: Call) -> Result<Response<BobBody>, Problem> {
    let id = id_of(&call)?;
    let tenant = business(&call).await?.tenant.id;
    let act = call.deed()?;
    call.mounted.bob.storage().end_widget_key(&act, &tenant, &id, act.at).await?;
    call.mounted.bob.directory().forget(&tenant);
    let mut response = Response::new(BobBody::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// `POST /api/customer-portal/widget-keys/{id}/rotate`: a new key with the same settings; the old one ends after a while.
pub(crate) async fn rotate(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    let request: RotateRequest = parse_json(&call.read_body().await?)?;
    let (tenant, key) = known(&call).await?;
    if key.ends_at.is_some() {
        let detail = "An end is set for this key already; the one that took its place can be rotated.";
        return Err(Problem::new(StatusCode::CONFLICT, "key_ended", detail));
    }
    let (overlap, reason) = request.read(key.settings.embed)?;
    let act = call.deed()?;
    let act = match reason {
        Some(reason) => act.because(reason),
        None => act,
    };
    let ends_at = later(act.at, overlap);
    let text = PublishableKey::generate(key.key.mode(), tenant).map_err(|_| Problem::internal())?;
    let next = WidgetKey::new(text, key.settings.clone());
    let new = (next.id, next.key.clone());
    let storage = call.mounted.bob.storage();
    let rotated = storage.rotate_widget_key(&act, &tenant, &key.id, key.version, new, ends_at).await;
    rotated.map_err(|error| match error.kind() {
        StorageErrorKind::Conflict => no_room(error),
        _ => changed_meanwhile(&call, error),
    })?;
    call.mounted.bob.directory().forget(&tenant);
    let view = RotatedView::new(&next, &key, act.at, ends_at);
    let mut response = json(StatusCode::CREATED, &view)?;
    mark_version(response.headers_mut(), next.version);
    Ok(response)
}

fn id_of(call: &Call) -> Result<WidgetKeyId, Problem> {
    call.param("id").parse().map_err(|_| Problem::not_found())
}

/// The tenant's keys as they are now, not as they were a moment ago.
async fn keys(call: &Call, tenant: &TenantId) -> Result<Vec<WidgetKey>, Problem> {
    Ok(call.mounted.bob.storage().tenant_snapshot(tenant).await?.widget_keys)
}

/// The key in the path, if it has not ended, in the version that the caller's `If-Match` names.
async fn known(call: &Call) -> Result<(TenantId, WidgetKey), Problem> {
    let (id, wanted) = (id_of(call)?, wanted_version(call.headers())?);
    let tenant = business(call).await?.tenant.id;
    let key = keys(call, &tenant).await?.into_iter().find(|key| key.id == id);
    let key = key.ok_or_else(Problem::not_found)?;
    if !key.is_live(call.mounted.bob.clock().now()) {
        let detail = "This key has ended, and stays as it was.";
        return Err(Problem::new(StatusCode::CONFLICT, "key_ended", detail));
    }
    if wanted.is_some_and(|wanted| wanted != key.version) {
        return Err(Problem::precondition_failed());
    }
    Ok((tenant, key))
}

/// A caller who insisted on a version is told that it is another one now; one who did not, that others were faster.
fn changed_meanwhile(call: &Call, error: StorageError) -> Problem {
    let insisted = matches!(wanted_version(call.headers()), Ok(Some(_)));
    match error.kind() {
        StorageErrorKind::Stale if !insisted => Problem::new(
            StatusCode::CONFLICT,
            "conflict",
            "It changed meanwhile. Read it again, then decide.",
        ),
        _ => error.into(),
    }
}

fn no_room(error: StorageError) -> Problem {
    match error.kind() {
        StorageErrorKind::Conflict => {
            let detail = format!("A business has at most {MOST_KEYS} live keys. Revoke one first.");
            Problem::new(StatusCode::CONFLICT, "key_limit", detail)
        }
        _ => error.into(),
    }
}

fn show(call: &Call, key: &WidgetKey, status: StatusCode) -> Result<Response<BobBody>, Problem> {
    let mut response = json(status, &KeyView::new(key, call.mounted.bob.clock().now()))?;
    mark_version(response.headers_mut(), key.version);
    Ok(response)
}
