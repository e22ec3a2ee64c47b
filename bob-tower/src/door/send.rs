//! From a door's finding to a turn, and from the turn to an answer.

use std::sync::Arc;

use bob_core::act::Principal;
use bob_core::chat::{NewMessage, SendError, Sent};
use bob_core::conversation::{Door, MessageText, SessionId};
use bob_core::id::{TenantId, VisitorId, WidgetKeyId};
use bob_core::identity::IdentityMode;
use bob_core::knowledge::Audience;
use bob_core::language::parse_accept_language;
use bob_core::limit::{Allowed, Counted, StreamGuard};
use bob_core::storage::TenantSnapshot;
use bob_core::turn::{BodyHash, IdempotencyClaim, IdempotencyScope, TurnEvent, TurnFailure};
use bob_core::visitor::{TrustLevel, VisitorProfile, VisitorProof};
use http::header::ACCEPT_LANGUAGE;
use http::{Method, Response};

use crate::body::BobBody;
use crate::dispatch::Call;
use crate::problem::Problem;
use crate::request::{list, wants_events};
use crate::sse::{EventBody, mark_as_events};
use crate::wire::chat::{ChatRequest, EventWriter};
use crate::{idempotency, rate_limit};

/// What a door found out about a message.
pub(super) struct Found {
    pub(super) tenant: Arc<TenantSnapshot>,
    pub(super) door: Door,
    pub(super) visitor: VisitorProof,
    pub(super) trust: TrustLevel,
    pub(super) audience: Audience,
    /// On whose behalf it is recorded.
    pub(super) principal: Principal,
    /// The widget key it came with, whose limit and budget it counts against too.
    pub(super) widget_key: Option<WidgetKeyId>,
    /// What besides the key an anonymous first call must repeat to be known again.
    pub(super) repeats: Vec<String>,
}

/// Refuses a caller whose address has used up its messages, before the body is read that says for whom this one is.
pub(super) fn peek(call: &Call) -> Result<(), Problem> {
    let now = call.mounted.bob.clock().now();
    Ok(call.mounted.bob.limits().peek(&[Counted::Address(call.address())], now)?)
}

/// A message was within its limits.
pub(super) struct Taken {
    /// What is left of the tightest one.
    allowed: Option<Allowed>,
    /// The stream that is opened for it, when the caller wants events.
    stream: Option<StreamGuard>,
}

/// Counts a message against every limit it falls under.
///
/// The stream comes first: it is given back when the message is refused, while a message could not be.
pub(super) fn take(call: &Call, found: &Found) -> Result<Taken, Problem> {
    let limits = call.mounted.bob.limits();
    let stream = wants_events(call.headers()).then(|| limits.open_stream(call.address())).transpose()?;
    let (address, tenant) = (call.address(), found.tenant.tenant.id);
    let of_visitor = match found.visitor {
        VisitorProof::Proven(visitor) => Counted::Visitor(tenant, visitor),
        VisitorProof::New(_) => Counted::NewVisitor(address),
    };
    let mut counted = vec![Counted::Address(address), of_visitor];
    if let Some(id) = found.widget_key {
        let key = found.tenant.widget_keys.iter().find(|key| key.id == id);
        counted.push(Counted::Key(id, key.and_then(|key| key.settings.messages_per_minute)));
    }
    counted.push(Counted::Tenant(tenant));
    let allowed = limits.take(&counted, call.mounted.bob.clock().now())?;
    Ok(Taken { allowed, stream })
}

/// Sends the message and answers it, whole or in events as the caller asks.
pub(super) async fn answer(
    call: &Call,
    mut found: Found,
    request: &ChatRequest,
    body: &[u8],
    taken: Taken,
) -> Result<(Response<BobBody>, Option<(VisitorId, String)>), Problem> {
    let session = request.session_id.as_deref().map(parse_session).transpose()?;
    let text =
        MessageText::parse(&request.message).map_err(|error| Problem::field("message", error.to_string()))?;
    let (tenant, said) = (found.tenant.tenant.id, said_of(&found, request)?);
    let trust = if said.is_some() { TrustLevel::Identified } else { found.trust };
    let accepts = parse_accept_language(&list(call.headers(), ACCEPT_LANGUAGE.as_str()));
    let message = |found: &Found| {
        let message = NewMessage {
            tenant: Arc::clone(&found.tenant),
            door: found.door,
            widget_key: found.widget_key,
            visitor: found.visitor,
            trust,
            session: session.clone(),
            text: text.clone(),
            audience: found.audience,
            accepts: accepts.clone(),
            idempotency: idempotency(call, found, body)?,
        };
        Ok::<_, Problem>((call.act(found.principal), message))
    };
    let (act, first) = message(&found)?;
    let sent = match call.mounted.bob.chat().send(act, first).await {
        // Their token proves nothing any more: they are a stranger, and count as one.
        Err(SendError::VisitorEnded) => {
            let stranger = VisitorId::new();
            let now = call.mounted.bob.clock().now();
            call.mounted.bob.limits().take(&[Counted::NewVisitor(call.address())], now)?;
            found.visitor = VisitorProof::New(stranger);
            found.principal = Principal::Visitor(stranger);
            let (act, again) = message(&found)?;
            call.mounted.bob.chat().send(act, again).await
        }
        sent => sent,
    };
    let Sent { visitor: of_turn, replayed, mut events, .. } = sent?;
    if let (Some(visitor), Some(profile)) = (of_turn, said) {
        introduce(call, tenant, visitor, profile).await;
    }
    let now = call.mounted.bob.clock().now();
    // A token is for visitors whom nothing else proves; it would outlive a sign-in, or an identity.
    let proof = of_turn
        .filter(|_| found.trust < TrustLevel::Verified)
        .map(|visitor| (visitor, call.mounted.bob.visitor_tokens().mint(tenant, visitor, now)));
    let writer = EventWriter { request_id: call.request_id.clone(), proof: proof.clone() };
    let mut response = match taken.stream {
        Some(guard) => {
            let mut response = Response::new(BobBody::events(EventBody::new(events, writer, guard)));
            mark_as_events(&mut response);
            response
        }
        None => {
            let mut last = None;
            while let Some((_, event)) = events.next().await {
                last = Some(event);
            }
            match last {
                Some(TurnEvent::Completed(turn)) => writer.reply_json(&turn)?,
                Some(TurnEvent::Failed(failure)) => return Err(failure.into()),
                _ => return Err(TurnFailure::Cancelled.into()),
            }
        }
    };
    if replayed {
        idempotency::mark_replayed(response.headers_mut());
    }
    rate_limit::mark(response.headers_mut(), taken.allowed);
    Ok((response, proof))
}

/// What the page says of a visitor whom nothing proves; where identities are enforced, an unproven word counts nothing.
fn said_of(found: &Found, request: &ChatRequest) -> Result<Option<VisitorProfile>, Problem> {
    let Some(said) = &request.visitor else { return Ok(None) };
    let email = said.email.as_deref().map(str::parse).transpose();
    let email = email.map_err(|_| Problem::field("visitor", "The email is no e-mail address."))?;
    let wrong = || Problem::field("visitor", "A name has 1 to 200 characters, on one line.");
    let profile = VisitorProfile::said(said.name.clone(), email).ok_or_else(wrong)?;
    let enforced = found.tenant.identity.policy.mode == IdentityMode::Enforce;
    let empty = profile == VisitorProfile::default();
    Ok((found.trust == TrustLevel::Anonymous && !enforced && !empty).then_some(profile))
}

/// Keeps what the page said of the visitor. Their question is stored already, so they are answered all the same.
async fn introduce(call: &Call, tenant: TenantId, visitor: VisitorId, profile: VisitorProfile) {
    let act = call.act(Principal::Visitor(visitor));
    let kept = call.mounted.bob.identities().introduce(&act, &tenant, visitor, profile).await;
    if let Err(error) = kept {
        tracing::warn!(%visitor, error = ?error, "what a page said of a visitor was not kept");
    }
}

pub(super) fn parse_session(text: &str) -> Result<SessionId, Problem> {
    text.parse::<SessionId>().map_err(|error| Problem::field("session_id", error.to_string()))
}

fn idempotency(call: &Call, found: &Found, body: &[u8]) -> Result<Option<IdempotencyClaim>, Problem> {
    let Some(key) = idempotency::key(call.headers())? else { return Ok(None) };
    let tenant = found.tenant.tenant.id;
    let scope = |principal: &[&str]| {
        let mut parts = vec![found.door.as_str(), Method::POST.as_str(), call.path];
        parts.extend(principal);
        IdempotencyScope::new(tenant, &key, &parts)
    };
    let of_visitor = scope(&["visitor", &found.visitor.visitor().to_string()]);
    let scopes = match found.visitor {
        VisitorProof::Proven(_) => vec![of_visitor],
        VisitorProof::New(_) if !key.is_strong() => {
            let detail = "Before a visitor is known the key itself must be unguessable: a random UUID, or 128 bits in base64url.";
            return Err(Problem::unprocessable("idempotency_key_weak", detail));
        }
        VisitorProof::New(_) => {
            let repeats: Vec<&str> =
                ["key"].into_iter().chain(found.repeats.iter().map(String::as_str)).collect();
            vec![scope(&repeats), of_visitor]
        }
    };
    Ok(Some(IdempotencyClaim { scopes, body: BodyHash::of(body) }))
}
