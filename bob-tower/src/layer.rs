//! Bob in front of an app: everything below a prefix is Bob's, the rest falls through.

use std::task::{Context, Poll};

use http::uri::{PathAndQuery, Uri};
use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::body::BoxError;
use crate::either::{EitherBody, EitherFuture};
use crate::service::BobService;

/// Puts Bob in front of a service, below a path prefix.
///
/// This mounts Bob in anything that is a tower service, also where the framework has no way to nest one.
#[derive(Debug, Clone)]
pub struct BobLayer {
    prefix: String,
    bob: BobService,
}

/// A prefix cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a prefix starts with / and does not end with one, as /bob; the root has the prefix \"\"")]
pub struct PrefixError;

impl BobLayer {
    /// Bob below `prefix`, such as `/bob`; with `""` every path that Bob knows is Bob's.
    ///
    /// # Errors
    ///
    /// [`PrefixError`] when the prefix does not start with a slash or ends in one.
    pub fn new(prefix: &str, bob: BobService) -> Result<Self, PrefixError> {
        let plain = prefix.starts_with('/') && !prefix.ends_with('/') && !prefix.contains(['?', '#']);
        if !prefix.is_empty() && !plain {
            return Err(PrefixError);
        }
        Ok(Self { prefix: prefix.to_owned(), bob })
    }
}

impl<S> Layer<S> for BobLayer {
    type Service = BobMount<S>;

    fn layer(&self, inner: S) -> BobMount<S> {
        BobMount { layer: self.clone(), inner }
    }
}

/// A service with Bob in front of it.
#[derive(Debug, Clone)]
pub struct BobMount<S> {
    layer: BobLayer,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for BobMount<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<EitherBody<R>>;
    type Error = S::Error;
    type Future = EitherFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // Bob is always ready.
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match below(&self.layer.prefix, request.uri())
            .filter(|uri| !self.layer.prefix.is_empty() || self.layer.bob.knows(uri.path()))
        {
            Some(uri) => {
                *request.uri_mut() = uri;
                EitherFuture::bob(self.layer.bob.call(request))
            }
            None => EitherFuture::app(self.inner.call(request)),
        }
    }
}

/// The address without the prefix, if it is below it: `/bobby` is not below `/bob`.
fn below(prefix: &str, uri: &Uri) -> Option<Uri> {
    let rest = uri.path().strip_prefix(prefix)?;
    if !(rest.is_empty() || rest.starts_with('/')) {
        return None;
    }
    let path = if rest.is_empty() { "/" } else { rest };
    let path_and_query = match uri.query() {
        Some(query) => format!("{path}?{query}").parse::<PathAndQuery>(),
        None => path.parse(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_segments_are_a_prefix() {
        let check = |prefix, uri: &str| below(prefix, &uri.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(check("/bob", "/bob/api/chat?x=1").as_deref(), Some("/api/chat?x=1"));
        assert_eq!(check("/bob", "/bob").as_deref(), Some("/"));
        assert_eq!(check("/bob", "/bob?x").as_deref(), Some("/?x"));
        assert_eq!(check("/bob", "/bobby/api"), None);
        assert_eq!(check("/bob", "/api/bob"), None);
        assert_eq!(check("/bob", "http://h.example/bob/api").as_deref(), Some("http://h.example/api"));
        assert_eq!(check("", "/api/chat").as_deref(), Some("/api/chat"));
    }
}
