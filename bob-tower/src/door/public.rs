//! The public door: anonymous visitors on the host's own pages.

use std::sync::Arc;
use std::time::Duration;

use bob_core::act::Principal;
use bob_core::conversation::Door;
use bob_core::id::TenantId;
use bob_core::knowledge::Audience;
use bob_core::storage::TenantSnapshot;
use bob_core::tenant::TenantRef;
use bob_core::visitor::VISITOR_TOKEN_LIFETIME;
use http::Response;
use http::header::{HOST, SET_COOKIE};
use http::uri::Authority;
use url::Host;

use super::send::{self, Found};
use super::who::{Reader, Who};
use super::{claim, reads};
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::problem::Problem;
use crate::request::{parse_json, query_field, require_json, single};
use crate::wire::chat::ChatRequest;
use crate::wire::claim::ClaimRequest;
use crate::{cookie, standing};

/// The longest host that can have a name in the DNS, with its port, in bytes.
const MAX_HOST: usize = 253 + 6;

/// `POST /api/chat`
pub(crate) async fn chat(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    send::peek(&call)?;
    // Which tenant's limits count stands in the body, so it is read before the message is counted.
    let body = call.read_body().await?;
    let request: ChatRequest = parse_json(&body)?;
    let tenant = tenant(&call, request.business_id.as_deref()).await?;
    standing::require_open(&tenant)?;
    let id = tenant.tenant.id;
    let who = Who::sends(&call, &tenant, token(&call, &id)?).await?;
    let found = Found {
        tenant,
        door: Door::Public,
        visitor: who.visitor,
        trust: who.trust,
        audience: Audience::Public,
        principal: Principal::Visitor(who.visitor.visitor()),
        widget_key: None,
        repeats: Vec::new(),
    };
    let taken = send::take(&call, &found)?;
    let (mut response, proof) = send::answer(&call, found, &request, &body, taken).await?;
    let mount = &call.mounted.mount;
    if let Some((_, token)) = proof {
        let (name, path) = (mount.visitor_cookie(&id), mount.cookie_path());
        if let Some(line) = cookie::write(&name, &token, path, mount.is_secure(), VISITOR_TOKEN_LIFETIME) {
            response.headers_mut().append(SET_COOKIE, line);
        }
    }
    Ok(response)
}

/// `GET /api/chat/history?session_id=&business_id=&cursor=`
pub(crate) async fn history(call: Call) -> Result<Response<BobBody>, Problem> {
    let reader = reader(&call).await?;
    let session = query_field(call.head.uri.query(), "session_id")?.unwrap_or_default();
    reads::history(&call, Door::Public, reader, &session).await
}

/// `GET /api/chat/turns/{turn}/events`
pub(crate) async fn turn_events(call: Call) -> Result<Response<BobBody>, Problem> {
    let reader = reader(&call).await?;
    reads::turn_events(&call, Door::Public, reader).await
}

/// `GET /api/chat/conversations?business_id=&limit=&cursor=`
pub(crate) async fn conversations(call: Call) -> Result<Response<BobBody>, Problem> {
    let reader = reader(&call).await?;
    reads::conversations(&call, reader).await
}

/// `POST /api/chat/claim?business_id=`
pub(crate) async fn claim(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    send::peek(&call)?;
    let body = call.read_body().await?;
    let request: ClaimRequest = parse_json(&body)?;
    let tenant = queried_tenant(&call).await?;
    let id = tenant.tenant.id;
    let claimed = claim::answer(&call, &tenant, token(&call, &id)?, &request).await?;
    let mut response = claimed.response;
    if claimed.ended {
        let mount = &call.mounted.mount;
        let (name, path) = (mount.visitor_cookie(&id), mount.cookie_path());
        if let Some(line) = cookie::write(&name, "", path, mount.is_secure(), Duration::ZERO) {
            response.headers_mut().append(SET_COOKIE, line);
        }
    }
    Ok(response)
}

/// `GET /api/chat/events?session_id=&business_id=`
pub(crate) async fn events(call: Call) -> Result<Response<BobBody>, Problem> {
    let reader = reader(&call).await?;
    let call = Arc::new(call);
    let asked = Arc::clone(&call);
    let still = move || {
        let call = Arc::clone(&asked);
        async move { still_reads(&call, reader).await }
    };
    reads::events(&call, Door::Public, reader, still).await
}

/// Whether a reader still is who they were.
async fn still_reads(call: &Call, reader: Reader) -> bool {
    let Ok(tenant) = queried_tenant(call).await else { return false };
    let Ok(token) = token(call, &tenant.tenant.id) else { return false };
    reader.still_holds(call, &tenant, token).await
}

async fn reader(call: &Call) -> Result<Reader, Problem> {
    let tenant = queried_tenant(call).await?;
    Reader::of(call, &tenant, token(call, &tenant.tenant.id)?).await
}

async fn queried_tenant(call: &Call) -> Result<Arc<TenantSnapshot>, Problem> {
    let business = query_field(call.head.uri.query(), "business_id")?;
    let tenant = tenant(call, business.as_deref()).await?;
    standing::require_open(&tenant)?;
    Ok(tenant)
}

/// The visitor's token, or else their cookie.
fn token<'a>(call: &'a Call, tenant: &TenantId) -> Result<Option<&'a str>, Problem> {
    let cookie = call.mounted.mount.visitor_cookie(tenant);
    Ok(single(call.headers(), "x-bob-visitor")?.or_else(|| cookie::read(call.headers(), &cookie)))
}

/// The tenant that the call names, among those this mount serves, else the one of its host, else the mount's own.
pub(super) async fn tenant(call: &Call, named: Option<&str>) -> Result<Arc<TenantSnapshot>, Problem> {
    let unknown = || {
        let detail = "No such business is served here.";
        Problem::new(http::StatusCode::NOT_FOUND, "unknown_business", detail)
    };
    let directory = call.mounted.bob.directory();
    let mount = &call.mounted.mount;
    let host = host(call)?;
    if let Some(named) = named {
        let named: TenantRef = named.parse().map_err(|_| unknown())?;
        let found = directory.named(&named).await?.ok_or_else(unknown)?;
        let is = |listed: &TenantRef| match listed {
            TenantRef::Id(id) => *id == found.tenant.id,
            TenantRef::Slug(slug) => *slug == found.tenant.slug,
        };
        let by_host = host.is_some_and(|host| found.tenant.hosts.iter().any(|own| own.as_str() == host));
        let served = by_host || mount.default_tenant.iter().chain(&mount.tenants).any(is);
        return if served { Ok(found) } else { Err(unknown()) };
    }
    if let Some(host) = host
        && let Some(found) = directory.of_host(&host).await?
    {
        return Ok(found);
    }
    let default = mount.default_tenant.as_ref().ok_or_else(Problem::tenant_required)?;
    directory.named(default).await?.ok_or_else(Problem::tenant_required)
}

/// The name of the host that was called, lower-case ASCII without port and root dot; `None` for what is no name.
fn host(call: &Call) -> Result<Option<String>, Problem> {
    let authority = match call.head.uri.authority() {
        Some(authority) => Some(authority.clone()),
        None => single(call.headers(), HOST.as_str())?.and_then(|written| written.parse::<Authority>().ok()),
    };
    let Some(authority) = authority.filter(|authority| authority.as_str().len() <= MAX_HOST) else {
        return Ok(None);
    };
    Ok(match Host::parse(authority.host()) {
        Ok(Host::Domain(name)) => Some(name.strip_suffix('.').map(str::to_owned).unwrap_or(name)),
        _ => None,
    })
}
