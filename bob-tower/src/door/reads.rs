//! What visitors read: their own history, and their own turns' events.

use bob_core::conversation::{ConversationKey, Door};
use bob_core::id::TurnId;
use http::{Response, StatusCode};

use super::send::parse_session;
use super::who::Reader;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::live;
use crate::page::{IdPageQuery, PageQuery};
use crate::problem::Problem;
use crate::request::{query_field, single};
use crate::sse::{EventBody, mark_as_events};
use crate::wire::chat::{EventWriter, HistoryView};
use crate::wire::claim::OwnConversationView;
use crate::wire::{ListView, json};

/// The visitor of a read must be proven: an id alone never reads anything.
pub(super) fn proof_required() -> Problem {
    Problem::unauthorized("visitor_proof_required", "Send the visitor's token, or cookie, to read.")
}

/// A page of the visitor's own conversation.
pub(super) async fn history(
    call: &Call,
    door: Door,
    Reader { tenant, visitor, .. }: Reader,
    session: &str,
) -> Result<Response<BobBody>, Problem> {
    let session = parse_session(session)?;
    let PageQuery { limit, before } = PageQuery::read(call.head.uri.query())?;
    let key = ConversationKey { door, visitor, session };
    let history = call.mounted.bob.chat().history(&tenant, &key, before, limit).await?;
    let names = call.mounted.bob.inbox().names(&tenant, &history.messages).await?;
    json(StatusCode::OK, &HistoryView::new(key.session.as_str(), &history, &names))
}

/// What happens in the visitor's own conversation, as long as `still` holds.
pub(super) async fn events<F>(
    call: &Call,
    door: Door,
    Reader { tenant, visitor, .. }: Reader,
    still: impl Fn() -> F + Send + Sync + 'static,
) -> Result<Response<BobBody>, Problem>
where
    F: Future<Output = bool> + Send + 'static,
{
    let session = query_field(call.head.uri.query(), "session_id")?.unwrap_or_default();
    let key = ConversationKey { door, visitor, session: parse_session(&session)? };
    let heard = live::heard(call)?;
    let guard = call.mounted.bob.limits().open_stream(call.address())?;
    let events = call.mounted.bob.inbox().follow_own(tenant, &key, heard).await?;
    Ok(live::conversation(events, guard, still))
}

/// A page of the visitor's own conversations, through all doors.
pub(super) async fn conversations(
    call: &Call,
    Reader { tenant, visitor, .. }: Reader,
) -> Result<Response<BobBody>, Problem> {
    let IdPageQuery { limit, after } = IdPageQuery::read(call.head.uri.query())?;
    // One more than wanted tells whether there is a next page.
    let mut own = call.mounted.bob.storage().own_conversations(&tenant, &visitor, after, limit + 1).await?;
    let more = own.len() > limit as usize;
    own.truncate(limit as usize);
    let next_cursor = own.last().filter(|_| more).map(|last| last.cursor().to_string());
    let items: Vec<OwnConversationView> = own.iter().map(Into::into).collect();
    json(StatusCode::OK, &ListView { items, next_cursor })
}

/// The events of the visitor's own turn, from where the caller left off.
pub(super) async fn turn_events(
    call: &Call,
    door: Door,
    Reader { tenant, visitor, by_token }: Reader,
) -> Result<Response<BobBody>, Problem> {
    let turn: TurnId = call.param("turn").parse().map_err(|_| Problem::not_found())?;
    let after = match single(call.headers(), "last-event-id")? {
        None | Some("") => 0,
        Some(id) => id.parse().map_err(|_| {
            Problem::bad_request("invalid_header", "Last-Event-ID is not one of this stream.")
        })?,
    };
    let guard = call.mounted.bob.limits().open_stream(call.address())?;
    let events = call.mounted.bob.chat().turn_events(&tenant, door, &visitor, &turn, after).await?;
    let proof = by_token.then(|| {
        let token = call.mounted.bob.visitor_tokens().mint(tenant, visitor, call.mounted.bob.clock().now());
        (visitor, token)
    });
    let writer = EventWriter { request_id: call.request_id.clone(), proof };
    let mut response = Response::new(BobBody::events(EventBody::new(events, writer, guard)));
    mark_as_events(&mut response);
    Ok(response)
}
