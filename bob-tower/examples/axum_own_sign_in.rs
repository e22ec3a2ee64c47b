//! Bob in an axum app that signs its people in itself: a middleware tells Bob who they are and what they may do.

use std::{error::Error, sync::Arc};

use axum::extract::Request;
use axum::http::{HeaderMap, header::COOKIE};
use axum::{Router, middleware::map_request};
use bob_core::account::TenantRole;
use bob_core::{Bob, id::TenantId, storage::memory::MemoryStorage};
use bob_tower::{BobService, HostPrincipal, Mount};
use uuid::Uuid;

/// What the app knows of somebody who signed in to it.
struct User {
    id: Uuid,
    name: String,
    business: TenantId,
    is_lead: bool,
}

/// The app's own sessions; yours are looked up by the cookie.
async fn signed_in(headers: &HeaderMap) -> Option<User> {
    headers.get(COOKIE)?.to_str().ok()?.strip_prefix("app_session=").and(None)
}

async fn tell_bob_who_signed_in(mut request: Request) -> Request {
    if let Some(user) = signed_in(request.headers()).await {
        let role = if user.is_lead { TenantRole::Manager } else { TenantRole::Agent };
        let person = HostPrincipal::of_business(user.id, user.name, user.business, role.permissions());
        request.extensions_mut().insert(person);
    }
    request
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let bob = Bob::build(Arc::new(MemoryStorage::new())).build().await?;
    let _running = bob.start()?;
    let bob = BobService::new(bob, Mount::at(["http://127.0.0.1:3000/bob"])?);
    let app: Router = Router::new().nest_service("/bob", bob).layer(map_request(tell_bob_who_signed_in));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app).await?)
}
