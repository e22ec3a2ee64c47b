//! Server-sent events (WHATWG HTML, 9.2): a turn's events on the wire.

use std::fmt::Write as _;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bob_core::chat::TurnEvents;
use bob_core::limit::StreamGuard;
use bob_core::turn::TurnEvent;
use bytes::Bytes;
use serde::Serialize;
use tokio::time::{Instant, Sleep};

use crate::wire::chat::EventWriter;

/// How long the line may be silent before a comment shows that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// One event as text: `id`, `event` and one `data` line of JSON.
pub(crate) fn event(id: u64, name: &str, data: &impl Serialize) -> Bytes {
    // JSON holds no raw line break, so one data line is enough.
    let data = serde_json::to_string(data).unwrap_or_else(|_| "{}".to_owned());
    let mut text = String::with_capacity(data.len() + name.len() + 32);
    let _ = write!(text, "id: {id}\nevent: {name}\ndata: {data}\n\n");
    text.into()
}

/// The events of one turn, written as they come.
#[derive(Debug)]
pub(crate) struct EventBody {
    events: TurnEvents,
    writer: EventWriter,
    heartbeat: Pin<Box<Sleep>>,
    done: bool,
    /// Counts this stream for its caller's address while it is open.
    _guard: StreamGuard,
}

impl EventBody {
    pub(crate) fn new(events: TurnEvents, writer: EventWriter, guard: StreamGuard) -> Self {
        let heartbeat = Box::pin(tokio::time::sleep(HEARTBEAT));
        Self { events, writer, heartbeat, done: false, _guard: guard }
    }

    /// The next chunk; behind the last event the stream ends.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.done {
            return Poll::Ready(None);
        }
        if let Poll::Ready(next) = self.events.poll_next(cx) {
            self.heartbeat.as_mut().reset(Instant::now() + HEARTBEAT);
            let Some((id, turn_event)) = next else {
                self.done = true;
                return Poll::Ready(None);
            };
            self.done = TurnEvent::is_last(&turn_event);
            return Poll::Ready(Some(self.writer.write(id, &turn_event)));
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
