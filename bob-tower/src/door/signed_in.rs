//! The signed-in door: people with `chat.manage`, who are the visitors of their own conversations.

use std::sync::Arc;

use bob_core::conversation::{Door, SessionId};
use bob_core::id::VisitorId;
use bob_core::knowledge::Audience;
use bob_core::storage::TenantSnapshot;
use bob_core::visitor::{TrustLevel, VisitorProof};
use http::{Response, StatusCode};

use super::send::{self, Found, parse_session};
use super::who::Reader;
use super::{public, reads};
use crate::auth::own_or_named;
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
    let found = Found {
        tenant,
        door: Door::SignedIn,
        visitor: VisitorProof::Proven(as_visitor(&call)?),
        trust: TrustLevel::Verified,
        audience: Audience::Staff,
        principal: call.person()?.principal(),
        widget_key: None,
        repeats: Vec::new(),
    };
    let taken = send::take(&call, &found)?;
    let (response, _) = send::answer(&call, found, &request, &body, taken).await?;
    Ok(response)
}

/// `GET /api/chat/history/{session}`
pub(crate) async fn history(call: Call) -> Result<Response<BobBody>, Problem> {
    let tenant = queried_tenant(&call).await?;
    reads::history(&call, Door::SignedIn, reader(&call, &tenant)?, call.param("session")).await
}

/// `GET /api/chat/message/turns/{turn}/events`
pub(crate) async fn turn_events(call: Call) -> Result<Response<BobBody>, Problem> {
    let tenant = queried_tenant(&call).await?;
    reads::turn_events(&call, Door::SignedIn, reader(&call, &tenant)?).await
}

async fn queried_tenant(call: &Call) -> Result<Arc<TenantSnapshot>, Problem> {
    let named = query_field(call.head.uri.query(), "business_id")?;
    tenant(call, named.as_deref()).await
}

/// A person reads by their sign-in, never by a token.
fn reader(call: &Call, tenant: &TenantSnapshot) -> Result<Reader, Problem> {
    Ok(Reader { tenant: tenant.tenant.id, visitor: as_visitor(call)?, by_token: false })
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
