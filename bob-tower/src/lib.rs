//! Bob as tower services that any Rust HTTP framework can mount.
//!
//! - [`BobService`] answers HTTP; [`BobLayer`] puts it in front of an app below a path prefix.
//! - [`Mount`] says where it stands: its public URLs, the proxies it trusts, the tenants it serves.
//! - [`ClientAddr`] is how the host tells the caller's address, [`HostPrincipal`] how it tells whom it signed in itself.
//!
//! The way of a request: `service` → `dispatch` (request id, panics, headers every answer has) → `route` (the table:
//! method, path, who may) → `same_origin`, `cors` or `auth` (who calls) → `door` or another answering file → `wire`.
//! Only `problem` knows which failure of storage, turns and limits has which status.

#![cfg_attr(test, allow(clippy::needless_pass_by_value, reason = "tests are data"))]

mod account_page;
mod assets;
mod audit;
mod auth;
mod body;
mod client;
mod cookie;
mod cors;
mod credits;
mod dispatch;
mod door;
mod either;
mod embed;
mod etag;
mod health;
mod host_principal;
mod idempotency;
mod inbox;
mod knowledge;
mod layer;
mod live;
mod mount;
mod noted_reads;
mod onboarding;
mod openapi;
mod page;
mod people;
mod personas;
mod portal;
mod pricebook;
mod problem;
mod rate_limit;
mod request;
mod route;
mod same_origin;
mod service;
mod sse;
mod standing;
mod tenants;
mod visitor_identity;
mod widget_keys;
mod widget_settings;
mod wire;

pub use body::{BobBody, BodyError, BoxError};
pub use client::{ClientAddr, Network, ParseNetworkError};
pub use either::{EitherBody, EitherFuture, MountBodyError};
pub use host_principal::HostPrincipal;
pub use layer::{BobLayer, BobMount, PrefixError};
pub use mount::{GenericPreflight, Mount, MountError};
pub use openapi::openapi_json;
pub use route::Area;
pub use service::{BobService, ResponseFuture};
