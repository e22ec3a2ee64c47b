//! The signed-in door: people with `chat.manage`, who are the visitors of their own conversations.

use std::sync::Arc;

use bob_core::account::AccountKind;
use bob_core::act::Principal;
use bob_core::conversation::{Door, SessionId};
use bob_core::id::VisitorId;
use bob_core::knowledge::Audience;
use bob_core::storage::TenantSnapshot;
use bob_core::tenant::TenantRef;
use bob_core::visitor::VisitorProof;
use http::{Response, StatusCode};

use super::send::{self, Found, parse_session};
use super::{public, reads};
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::problem::Problem;
use crate::request::{parse_json, query_field, require_json};
use crate::wire::chat::{ChatRequest, SessionRequest, SessionView};
use crate::wire::json;

/// `POST /api/chat/session`
pub(crate) async fn session(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let body = call.read_body().await?;
    let request: SessionRequest = if body.is_empty() {
        SessionRequest::default()
    } else {
        require_json(call.headers())?;
        parse_json(&body)?
    };
    let tenant = tenant(&call, request.business_id.as_deref()).await?;
    let session =
        request.session_id.as_deref().map(parse_session).transpose()?.unwrap_or_else(SessionId::mint);
    let persona = &tenant.persona;
    if request.persona_id.is_some_and(|id| id != persona.id.to_string()) {
        return Err(Problem::field("persona_id", "There is no such published persona."));
    }
    let view = SessionView {
        session_id: session.as_str().to_owned(),
        business_id: tenant.tenant.id.to_string(),
        persona: persona.name.clone(),
        language: tenant.tenant.default_language().to_string(),
    };
    json(StatusCode::CREATED, &view)
}

/// `POST /api/chat/message`
pub(crate) async fn message(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    send::peek(&call)?;
    let body = call.read_body().await?;
    let request: ChatRequest = parse_json(&body)?;
    let tenant = tenant(&call, request.business_id.as_deref()).await?;
    let account = call.person()?.account;
    let found = Found {
        tenant,
        door: Door::SignedIn,
        visitor: VisitorProof::Proven(as_visitor(&call)?),
        audience: Audience::Staff,
        principal: Principal::Account(account),
        counted: None,
        repeats: Vec::new(),
    };
    let taken = send::take(&call, &found)?;
    let (response, _) = send::answer(&call, found, &request, &body, taken).await?;
    Ok(response)
}

/// `GET /api/chat/history/{session}`
pub(crate) async fn history(call: Call) -> Result<Response<BobBody>, Problem> {
    let tenant = queried_tenant(&call).await?;
    reads::history(&call, tenant.tenant.id, Door::SignedIn, as_visitor(&call)?, call.param("session")).await
}

/// `GET /api/chat/message/turns/{turn}/events`
pub(crate) async fn turn_events(call: Call) -> Result<Response<BobBody>, Problem> {
    let tenant = queried_tenant(&call).await?;
    reads::turn_events(&call, tenant.tenant.id, Door::SignedIn, as_visitor(&call)?).await
}

async fn queried_tenant(call: &Call) -> Result<Arc<TenantSnapshot>, Problem> {
    let named = query_field(call.head.uri.query(), "business_id")?;
    tenant(call, named.as_deref()).await
}

/// On this door the visitor is the person who signed in.
fn as_visitor(call: &Call) -> Result<VisitorId, Problem> {
    Ok(VisitorId::from_uuid(call.person()?.account.as_uuid()))
}

/// On this door a platform person who names no tenant gets the host's.
async fn tenant(call: &Call, named: Option<&str>) -> Result<Arc<TenantSnapshot>, Problem> {
    match own_or_named(call, named).await? {
        Some(tenant) => Ok(tenant),
        None => public::tenant(call, None).await,
    }
}

/// A tenant's person has one tenant; another one is not there for them. A platform person names one, or gets none.
pub(crate) async fn own_or_named(
    call: &Call,
    named: Option<&str>,
) -> Result<Option<Arc<TenantSnapshot>>, Problem> {
    let person = call.person()?;
    let directory = call.mounted.bob.directory();
    let named =
        named.map(|named| named.parse::<TenantRef>().map_err(|_| Problem::not_found())).transpose()?;
    match (person.kind, person.tenant) {
        (AccountKind::Tenant, Some(own)) => {
            let own = directory.snapshot(&own).await?.ok_or_else(Problem::not_found)?;
            let other = named.is_some_and(|named| {
                named != TenantRef::Id(own.tenant.id) && named != TenantRef::Slug(own.tenant.slug.clone())
            });
            if other { Err(Problem::not_found()) } else { Ok(Some(own)) }
        }
        (AccountKind::Platform, _) => match named {
            Some(named) => directory.named(&named).await?.map(Some).ok_or_else(Problem::not_found),
            None => Ok(None),
        },
        (AccountKind::Tenant, None) => Err(Problem::sign_in_required()),
    }
}
