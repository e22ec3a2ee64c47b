//! Bodies: one concrete type out, anything in.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};

use crate::sse::EventBody;

/// Any error of a host's body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of every answer: known bytes, or a stream of events.
///
/// `Send + Sync`, with a named error, so that every framework takes it.
#[derive(Debug, Default)]
pub struct BobBody(Kind);

#[derive(Debug)]
enum Kind {
    Full(Full<Bytes>),
    Events(Box<EventBody>),
}

impl Default for Kind {
    fn default() -> Self {
        Self::Full(Full::default())
    }
}

/// A body broke off. Bob's bodies never do; the type is there for frameworks that want to name one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyError(());

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body broke off")
    }
}

impl std::error::Error for BodyError {}

impl BobBody {
    pub(crate) fn events(events: EventBody) -> Self {
        Self(Kind::Events(Box::new(events)))
    }
}

impl From<Bytes> for BobBody {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Full(Full::new(bytes)))
    }
}

impl From<String> for BobBody {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<Vec<u8>> for BobBody {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl Body for BobBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.get_mut().0 {
            Kind::Full(full) => Pin::new(full).poll_frame(cx).map_err(|never| match never {}),
            Kind::Events(events) => {
                events.poll_chunk(cx).map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Full(full) => full.is_end_stream(),
            Kind::Events(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Full(full) => full.size_hint(),
            Kind::Events(_) => SizeHint::default(),
        }
    }
}

/// A request's body, whatever the host made it of.
pub(crate) type RequestBody = UnsyncBoxBody<Bytes, RequestBodyError>;

/// The host's body broke off.
#[derive(Debug, thiserror::Error)]
#[error("the request's body broke off")]
pub(crate) struct RequestBodyError(#[source] BoxError);

pub(crate) fn request_body<B>(body: B) -> RequestBody
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    body.map_frame(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
        .map_err(|error| RequestBodyError(error.into()))
        .boxed_unsync()
}
