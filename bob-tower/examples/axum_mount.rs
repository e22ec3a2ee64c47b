//! Bob in an axum app, below `/bob`, on the database that the reference server made in this folder.

use std::{error::Error, net::SocketAddr, sync::Arc, time::Duration};

use axum::extract::{ConnectInfo, Request};
use axum::{Router, middleware::map_request, routing::get};
use bob_core::{Bob, keyring::LocalKeyring, tenant::TenantRef};
use bob_storage::{SqliteOptions, SqliteStorage};
use bob_tower::{BobService, ClientAddr, Mount};

async fn tell_bob_who_calls(ConnectInfo(peer): ConnectInfo<SocketAddr>, mut request: Request) -> Request {
    request.extensions_mut().insert(ClientAddr(peer.ip()));
    request
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let keyring: LocalKeyring = std::fs::read_to_string("bob.key")?.parse()?;
    let storage = SqliteStorage::open(SqliteOptions::file("bob.db"), Arc::new(keyring)).await?;
    let bob = Bob::build(Arc::new(storage)).build().await?;
    let running = bob.start()?;
    let shop: TenantRef = "office16852-platform".parse()?;
    let mount = Mount::at(["http://127.0.0.1:3000/bob"])?.default_tenant(shop);
    let app = Router::new()
        .route("/", get(|| async { "my own app" }))
        .nest_service("/bob", BobService::new(bob, mount))
        .layer(map_request(tell_bob_who_calls))
        .into_make_service_with_connect_info::<SocketAddr>();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    running.drain(Duration::from_secs(30)).await;
    Ok(())
}
