//! Connections: accepted, bounded in time and number, and closed politely.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use bob_tower::ClientAddr;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

/// How long a client may take to send its headers.
const HEADER_TIME: Duration = Duration::from_secs(10);

/// How many connections are open at most; further ones wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 8_192;

/// Serves `app` until `stopped`, then waits for what is open, `patience` at most.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    stopped: impl Future<Output = ()>,
    patience: Duration,
) {
    // HTTP/1 only, and without upgrades: telling versions apart waits for the first bytes before any timeout begins.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    // hyper's header timeout needs a timer; without one its default is silently off.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIME);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut stopped = std::pin::pin!(stopped);
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = &mut stopped => break,
        };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or the peer is gone already: wait a moment and go on.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = &mut stopped => break,
        };
        let _ = stream.set_nodelay(true);
        let app = app.clone();
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ClientAddr(peer.ip()));
            app.clone().oneshot(request)
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            // A connection that breaks off is the client's business.
            let _ = watched.await;
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(patience, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were still open at the deadline");
    }
}
