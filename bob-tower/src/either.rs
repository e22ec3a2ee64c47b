//! Bob's answer or the app's: the types that hold either.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::body::{BobBody, BoxError};
use crate::layer::Never;

pin_project! {
    /// The body of Bob or of the app behind it.
    #[project = EitherBodyProj]
    #[derive(Debug)]
    pub enum EitherBody<R> {
        /// Bob's.
        Bob {
            /// The body.
            #[pin]
            body: BobBody,
        },
        /// The app's.
        App {
            /// The body.
            #[pin]
            body: R,
        },
    }
}

impl<R> Body for EitherBody<R>
where
    R: Body,
    R::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = MountBodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, MountBodyError>>> {
        match self.project() {
            EitherBodyProj::Bob { body } => {
                body.poll_frame(cx).map(|next| next.map(|frame| frame.map_err(|error| MountBodyError(error.into()))))
            }
            EitherBodyProj::App { body } => body.poll_frame(cx).map(|next| {
                let frame = next?.map(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())));
                Some(frame.map_err(|error| MountBodyError(error.into())))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Bob { body } => body.is_end_stream(),
            Self::App { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Bob { body } => body.size_hint(),
            Self::App { body } => body.size_hint(),
        }
    }
}

/// The app's body broke off.
#[derive(Debug, thiserror::Error)]
#[error("the body broke off")]
pub struct MountBodyError(#[source] BoxError);

pin_project! {
    /// The answer of Bob or of the app behind it, to come.
    #[project = EitherFutureProj]
    #[derive(Debug)]
    pub enum EitherFuture<F, G> {
        /// Bob's.
        Bob {
            /// The answer.
            #[pin]
            future: F,
        },
        /// The app's.
        App {
            /// The answer.
            #[pin]
            future: G,
        },
    }
}

impl<F, G, R, E> Future for EitherFuture<F, G>
where
    F: Future<Output = Result<Response<BobBody>, Never>>,
    G: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<EitherBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            EitherFutureProj::Bob { future } => future.poll(cx).map(|answer| match answer {
                Ok(answer) => Ok(answer.map(|body| EitherBody::Bob { body })),
                Err(never) => match never {},
            }),
            EitherFutureProj::App { future } => {
                future.poll(cx).map(|answer| answer.map(|answer| answer.map(|body| EitherBody::App { body })))
            }
        }
    }
}
