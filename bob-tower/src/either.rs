//! Bob's answer or the app's: the types that hold either.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::body::{BobBody, BoxError};
use crate::service::ResponseFuture;

pin_project! {
    #[project = EitherProj]
    #[derive(Debug)]
    enum Either<A, B> {
        Bob { #[pin] it: A },
        App { #[pin] it: B },
    }
}

pin_project! {
    /// The body of Bob or of the app behind it.
    #[derive(Debug)]
    pub struct EitherBody<R> {
        #[pin]
        inner: Either<BobBody, R>,
    }
}

/// The app's body broke off.
#[derive(Debug, thiserror::Error)]
#[error("the body broke off")]
pub struct MountBodyError(#[source] BoxError);

impl<R> EitherBody<R> {
    fn bob(it: BobBody) -> Self {
        Self { inner: Either::Bob { it } }
    }

    fn app(it: R) -> Self {
        Self { inner: Either::App { it } }
    }
}

impl<R> Body for EitherBody<R>
where
    R: Body,
    R::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = MountBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, MountBodyError>>> {
        match self.project().inner.project() {
            EitherProj::Bob { it } => it
                .poll_frame(cx)
                .map(|next| next.map(|frame| frame.map_err(|error| MountBodyError(error.into())))),
            EitherProj::App { it } => it.poll_frame(cx).map(|next| {
                let frame =
                    next?.map(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())));
                Some(frame.map_err(|error| MountBodyError(error.into())))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Either::Bob { it } => it.is_end_stream(),
            Either::App { it } => it.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Either::Bob { it } => it.size_hint(),
            Either::App { it } => it.size_hint(),
        }
    }
}

pin_project! {
    /// The answer of Bob or of the app behind it, to come.
    #[derive(Debug)]
    pub struct EitherFuture<F> {
        #[pin]
        inner: Either<ResponseFuture, F>,
    }
}

impl<F> EitherFuture<F> {
    pub(crate) fn bob(it: ResponseFuture) -> Self {
        Self { inner: Either::Bob { it } }
    }

    pub(crate) fn app(it: F) -> Self {
        Self { inner: Either::App { it } }
    }
}

impl<F, R, E> Future for EitherFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<EitherBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().inner.project() {
            EitherProj::Bob { it } => it.poll(cx).map(|answer: Result<_, Infallible>| match answer {
                Ok(answer) => Ok(answer.map(EitherBody::bob)),
                Err(never) => match never {},
            }),
            EitherProj::App { it } => {
                it.poll(cx).map(|answer| answer.map(|answer| answer.map(EitherBody::app)))
            }
        }
    }
}
