//! Server-sent events (WHATWG HTML, 9.2): a turn's events on the wire, and those of conversations.

use std::fmt::{Display, Write as _};
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bob_core::chat::TurnEvents;
use bob_core::limit::StreamGuard;
use bob_core::turn::TurnEvent;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;
use sync_wrapper::SyncWrapper;
use tokio::time::{Instant, Sleep};

use crate::body::BobBody;
use crate::wire::chat::EventWriter;

/// How long the line may be silent before a comment shows that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// One event as text: `id`, `event` and one `data` line of JSON. An event that passes has no `id`.
pub(crate) fn event(id: Option<&dyn Display>, name: &str, data: &impl Serialize) -> Bytes {
    // JSON holds no raw line break, so one data line is enough.
    let data = serde_json::to_string(data).unwrap_or_else(|_| "{}".to_owned());
    let mut text = String::with_capacity(data.len() + name.len() + 32);
    if let Some(id) = id {
        let _ = writeln!(text, "id: {id}");
    }
    let _ = write!(text, "event: {name}\ndata: {data}\n\n");
    text.into()
}

/// Events, written as they come.
#[derive(Debug)]
pub(crate) struct EventBody {
    source: Source,
    heartbeat: Pin<Box<Sleep>>,
    done: bool,
    /// Counts this stream for its caller's address while it is open.
    _guard: StreamGuard,
}

/// Where events come from.
#[derive(Debug)]
enum Source {
    /// A turn, which has an end.
    Turn { events: TurnEvents, writer: EventWriter },
    /// Whatever happens, as long as somebody may listen.
    Live(SyncWrapper<BoxStream<'static, Bytes>>),
}

impl Source {
    /// The next chunk, and whether it is the last.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Bytes, bool)>> {
        match self {
            Self::Turn { events, writer } => events.poll_next(cx).map(|next| {
                let (id, event) = next?;
                Some((writer.write(id, &event), TurnEvent::is_last(&event)))
            }),
            Self::Live(chunks) => chunks.get_mut().poll_next_unpin(cx).map(|next| Some((next?, false))),
        }
    }
}

impl EventBody {
    pub(crate) fn new(events: TurnEvents, writer: EventWriter, guard: StreamGuard) -> Self {
        Self::of(Source::Turn { events, writer }, guard)
    }

    pub(crate) fn live(chunks: BoxStream<'static, Bytes>, guard: StreamGuard) -> Self {
        Self::of(Source::Live(SyncWrapper::new(chunks)), guard)
    }

    fn of(source: Source, guard: StreamGuard) -> Self {
        let heartbeat = Box::pin(tokio::time::sleep(HEARTBEAT));
        Self { source, heartbeat, done: false, _guard: guard }
    }

    /// The next chunk; behind the last event the stream ends.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.done {
            return Poll::Ready(None);
        }
        if let Poll::Ready(next) = self.source.poll_next(cx) {
            self.heartbeat.as_mut().reset(Instant::now() + HEARTBEAT);
            self.done = next.as_ref().is_none_or(|(_, last)| *last);
            return Poll::Ready(next.map(|(chunk, _)| chunk));
        }
        if self.heartbeat.as_mut().poll(cx).is_ready() {
            self.heartbeat.as_mut().reset(Instant::now() + HEARTBEAT);
            // The timer must be polled again to wake this task next time.
            cx.waker().wake_by_ref();
            return Poll::Ready(Some(Bytes::from_static(b": still here\n\n")));
        }
        Poll::Pending
    }
}

/// Headers of a stream: proxies must not gather it.
pub(crate) fn mark_as_events(response: &mut Response<BobBody>) {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
}
