//! Bob as a tower service.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bob_core::Bob;
use bob_core::account::{SignIn, SignInSetup};
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::assets::Assets;
use crate::body::{BobBody, BoxError, request_body};
use crate::dispatch;
use crate::mount::Mount;
use crate::noted_reads::NotedReads;
use crate::route::{Area, Routes};

/// Bob, answering HTTP: always ready, never failing, for any request body.
///
/// Cheap to clone; all clones are one mount. Paths are relative to where the host mounts it, so nest it with the
/// framework's own means (`Router::nest_service` in axum) or with [`BobLayer`](crate::BobLayer).
///
/// # Example
///
/// ```
/// # async fn example(bob: bob_core::Bob) -> Result<(), Box<dyn std::error::Error>> {
/// use bob_tower::{BobService, Mount};
///
/// let mount = Mount::at(["https://shop.example/bob"])?;
/// let app: axum::Router = axum::Router::new().nest_service("/bob", BobService::new(bob, mount));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct BobService {
    mounted: Arc<Mounted>,
}

/// What all requests to a mount share.
pub(crate) struct Mounted {
    pub(crate) bob: Bob,
    pub(crate) mount: Mount,
    pub(crate) areas: Vec<Area>,
    pub(crate) routes: Routes,
    pub(crate) assets: Assets,
    pub(crate) sign_in: SignIn,
    pub(crate) noted_reads: NotedReads,
}

impl BobService {
    /// All of Bob at one mount.
    #[must_use]
    pub fn new(bob: Bob, mount: Mount) -> Self {
        Self::only(bob, mount, Area::ALL)
    }

    /// Some areas of Bob at one mount; the paths of the others are not there.
    ///
    /// The areas are services of their own this way: chat here, the portal behind another host name.
    #[must_use]
    pub fn only(bob: Bob, mount: Mount, areas: &[Area]) -> Self {
        let sign_in = SignIn::new(SignInSetup {
            storage: Arc::clone(bob.storage()),
            keys: bob.keys().clone(),
            clock: Arc::clone(bob.clock()),
            passwords: bob.passwords().clone(),
            memory: Arc::clone(bob.sign_in_memory()),
            issuer: mount.canonical().to_owned(),
            audience: mount.canonical().to_owned(),
        })
        .expect("a mount's URL is short enough for a token");
        let (areas, routes, assets) = (areas.to_vec(), Routes::of(areas), Assets::load());
        let noted_reads = NotedReads::default();
        Self { mounted: Arc::new(Mounted { bob, mount, areas, routes, assets, sign_in, noted_reads }) }
    }

    /// Whether some route has this path.
    pub(crate) fn knows(&self, path: &str) -> bool {
        self.mounted.routes.knows(path)
    }
}

impl fmt::Debug for BobService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BobService").field("at", &self.mounted.mount.canonical()).finish_non_exhaustive()
    }
}

impl<B> Service<Request<B>> for BobService
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<BobBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        let (head, body) = request.into_parts();
        ResponseFuture(Box::pin(dispatch::answer(Arc::clone(&self.mounted), head, request_body(body))))
    }
}

/// Bob's answer, to come.
pub struct ResponseFuture(Pin<Box<dyn Future<Output = Response<BobBody>> + Send>>);

impl Future for ResponseFuture {
    type Output = Result<Response<BobBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture(…)")
    }
}
