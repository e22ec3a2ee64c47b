//! Streams that go on as long as somebody listens and may: of a conversation, and of a business's inbox.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use bob_core::conversation::{Message, Owner};
use bob_core::inbox::{ConversationEvent, ConversationEvents, HeardUpTo, InboxEvent, InboxEvents};
use bob_core::limit::StreamGuard;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use http::Response;
use tokio::time::Instant;
use uuid::Uuid;

use crate::body::BobBody;
use crate::dispatch::Call;
use crate::problem::Problem;
use crate::request::single;
use crate::sse::{self, EventBody, mark_as_events};
use crate::wire::chat::MessageView;
use crate::wire::inbox::{ClosedView, HappenedView, SpokenView, TypingView};

/// How often it is asked whether the caller still may listen: so long after a sign-out a stream goes on at most.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// How far the caller heard a conversation before.
pub(crate) fn heard(call: &Call) -> Result<Option<HeardUpTo>, Problem> {
    last_event(call, |id| id.parse().ok())
}

/// The last event of an inbox that the caller heard.
pub(crate) fn heard_of_all(call: &Call) -> Result<Option<Uuid>, Problem> {
    last_event(call, |id| Uuid::try_parse(id).ok())
}

fn last_event<T>(call: &Call, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Problem> {
    match single(call.headers(), "last-event-id")? {
        None | Some("") => Ok(None),
        Some(id) => read(id).map(Some).ok_or_else(|| {
            Problem::bad_request("invalid_header", "Last-Event-ID is not one of this stream.")
        }),
    }
}

/// Answers with a conversation's events.
pub(crate) fn conversation<F>(
    events: ConversationEvents,
    guard: StreamGuard,
    still: impl Fn() -> F + Send + Sync + 'static,
) -> Response<BobBody>
where
    F: Future<Output = bool> + Send + 'static,
{
    let chunks =
        stream::unfold((events, still, Instant::now()), |(mut events, still, asked_at)| async move {
            let (next, asked_at) = while_allowed(events.next(), &still, asked_at).await?;
            let (place, event) = next?;
            Some((told(place, &event), (events, still, asked_at)))
        });
    answer(chunks.boxed(), guard)
}

/// Answers with the events of all of a business's conversations.
pub(crate) fn inbox<F>(
    events: InboxEvents,
    guard: StreamGuard,
    still: impl Fn() -> F + Send + Sync + 'static,
) -> Response<BobBody>
where
    F: Future<Output = bool> + Send + 'static,
{
    let chunks =
        stream::unfold((events, still, Instant::now()), |(mut events, still, asked_at)| async move {
            let (next, asked_at) = while_allowed(events.next(), &still, asked_at).await?;
            let (id, event) = next?;
            Some((told_of_all(id, &event), (events, still, asked_at)))
        });
    answer(chunks.boxed(), guard)
}

fn answer(chunks: stream::BoxStream<'static, Bytes>, guard: StreamGuard) -> Response<BobBody> {
    let mut response = Response::new(BobBody::events(EventBody::live(chunks, guard)));
    mark_as_events(&mut response);
    response
}

/// What comes, as long as the caller still may hear it; and when that was last asked.
async fn while_allowed<T, F: Future<Output = bool>>(
    next: impl Future<Output = T>,
    still: &impl Fn() -> F,
    mut asked_at: Instant,
) -> Option<(T, Instant)> {
    let mut next = pin!(next);
    loop {
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(asked_at + ASK_EVERY) => {
                if !still().await {
                    return None;
                }
                asked_at = Instant::now();
            }
            came = &mut next => return Some((came, asked_at)),
        }
    }
}

fn told(place: Option<HeardUpTo>, event: &ConversationEvent) -> Bytes {
    let id = place.as_ref().map(|place| place as &dyn std::fmt::Display);
    match event {
        ConversationEvent::Said { message, name } => said(id, message, name.as_deref()),
        ConversationEvent::SpeakerChanged { ownership, name } => {
            let speaker = if ownership.owner == Owner::Bot { "bot" } else { "person" };
            let view = SpokenView { speaker, name: name.as_deref(), epoch: ownership.epoch };
            sse::event(id, "speaker.changed", &view)
        }
        ConversationEvent::Typing { name } => sse::event(id, "typing", &TypingView { name }),
        ConversationEvent::Closed => sse::event(id, "conversation.closed", &ClosedView {}),
        _ => Bytes::new(),
    }
}

fn said(id: Option<&dyn std::fmt::Display>, message: &Message, name: Option<&str>) -> Bytes {
    sse::event(id, "message", &MessageView::new(message, name))
}

fn told_of_all(id: Uuid, event: &InboxEvent) -> Bytes {
    let (name, view) = match event {
        InboxEvent::Waiting { conversation, at } => {
            ("conversation.waiting", HappenedView::new(conversation, None, *at))
        }
        InboxEvent::Updated { conversation, at } => {
            ("conversation.updated", HappenedView::new(conversation, None, *at))
        }
        InboxEvent::Said { conversation, message, at } => {
            ("message", HappenedView::new(conversation, message.as_ref(), *at))
        }
        _ => return Bytes::new(),
    };
    sse::event(Some(&id), name, &view)
}
