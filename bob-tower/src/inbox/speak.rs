//! Speaking in the place of Bob: take, reply, hand back, close.

use bob_core::conversation::{
    Hindrance, MessageText, Owner, SpeakerChange, SpeakerChanged, SpeakerStep, Standing,
};
use bob_core::id::{MessageId, TenantId};
use bob_core::inbox::{PersonReply, Replied};
use http::{Response, StatusCode};

use super::{named, view};
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::etag::{mark_version, wanted_version};
use crate::idempotency;
use crate::problem::Problem;
use crate::request::{parse_json, require_json};
use crate::wire::chat::MessageView;
use crate::wire::inbox::{ReplyRequest, SpeakerRequest, SpeakerView};
use crate::wire::json;

/// `POST /api/customer-portal/conversations/{conversation}/take`
pub(crate) async fn take(call: Call) -> Result<Response<BobBody>, Problem> {
    change(call, SpeakerStep::Take).await
}

/// `POST /api/customer-portal/conversations/{conversation}/return`
pub(crate) async fn hand_back(call: Call) -> Result<Response<BobBody>, Problem> {
    change(call, SpeakerStep::HandBack).await
}

/// `POST /api/customer-portal/conversations/{conversation}/close`
pub(crate) async fn close(call: Call) -> Result<Response<BobBody>, Problem> {
    change(call, SpeakerStep::Close).await
}

async fn change(mut call: Call, step: SpeakerStep) -> Result<Response<BobBody>, Problem> {
    let body = call.read_body().await?;
    let request: SpeakerRequest = if body.is_empty() {
        SpeakerRequest::default()
    } else {
        require_json(call.headers())?;
        parse_json(&body)?
    };
    let expected = request.epoch.or(wanted_version(call.headers())?);
    let (tenant, conversation) = named(&call).await?;
    let change = SpeakerChange { step, person: call.person()?.account, expected };
    let inbox = call.mounted.bob.inbox();
    match inbox.change_speaker(&call.deed()?, &tenant, &conversation, change).await? {
        SpeakerChanged::Done(_) | SpeakerChanged::Unchanged(_) => {}
        SpeakerChanged::Refused { why, standing } => {
            return Err(refused(&call, &tenant, why, &standing).await?);
        }
        other => {
            tracing::error!(?other, "a change of speaker came to something unknown here");
            return Err(Problem::internal());
        }
    }
    let entry = inbox.entry(&tenant, &conversation).await?;
    let mut response = json(StatusCode::OK, &view(&call, &tenant, &entry).await?)?;
    mark_version(response.headers_mut(), entry.standing.ownership.epoch);
    Ok(response)
}

/// `POST /api/customer-portal/conversations/{conversation}/reply`
///
/// Under an `Idempotency-Key` the message is stored once, however often it is sent: the key gives it its identifier.
pub(crate) async fn reply(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    let body = call.read_body().await?;
    let request: ReplyRequest = parse_json(&body)?;
    let text =
        MessageText::parse(&request.text).map_err(|error| Problem::field("text", error.to_string()))?;
    let expected = request.epoch.or(wanted_version(call.headers())?);
    let (tenant, conversation) = named(&call).await?;
    let given = idempotency::identifier(&call, tenant, &[&conversation.to_string()])?;
    let message = given.map_or_else(MessageId::new, MessageId::from_uuid);
    let person = call.person()?.account;
    let inbox = call.mounted.bob.inbox();
    let reply = PersonReply { message, person, text, expected };
    let replied = inbox.reply(&call.deed()?, &tenant, &conversation, reply).await?;
    let (message, repeated) = match replied {
        Replied::Stored(message) => (message, false),
        Replied::Repeated(message) => (message, true),
        Replied::Mismatch => return Err(Problem::idempotency_mismatch()),
        Replied::Refused { why, standing } => return Err(refused(&call, &tenant, why, &standing).await?),
        other => {
            tracing::error!(?other, "a reply came to something unknown here");
            return Err(Problem::internal());
        }
    };
    let name = inbox.name(&tenant, &person).await?;
    let mut response = json(StatusCode::CREATED, &MessageView::new(&message, Some(&name)))?;
    if repeated {
        idempotency::mark_replayed(response.headers_mut());
    }
    Ok(response)
}

/// `POST /api/customer-portal/conversations/{conversation}/typing`: shown to the visitor for a moment, not stored.
pub(crate) async fn typing(call: Call) -> Result<Response<BobBody>, Problem> {
    let (tenant, conversation) = named(&call).await?;
    call.mounted.bob.inbox().typing(&tenant, &conversation, call.person()?.account).await?;
    let mut response = Response::new(BobBody::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// Why it was refused, and who speaks instead.
async fn refused(
    call: &Call,
    tenant: &TenantId,
    why: Hindrance,
    standing: &Standing,
) -> Result<Problem, Problem> {
    let problem = Problem::from(why);
    if !matches!(why, Hindrance::Taken | Hindrance::NotTheOwner) {
        return Ok(problem);
    }
    let name = match standing.ownership.owner {
        Owner::Person(person) => Some(call.mounted.bob.inbox().name(tenant, &person).await?),
        _ => None,
    };
    let speaker = SpeakerView::new(standing.ownership.owner, name);
    Ok(problem.spoken_by(speaker, standing.ownership.epoch))
}
