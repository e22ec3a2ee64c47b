//! What the HTTP contract promises: one sentence a test, in process, on the memory store, with a clock that is moved.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so")]
#![allow(clippy::needless_pass_by_value, clippy::type_complexity, reason = "tests are tables of data")]

mod audit;
mod budgets;
mod claiming;
mod cors;
mod credits;
mod csrf;
mod doors;
mod embed;
mod harness;
mod host_principal;
mod hostile;
mod idempotency;
mod identity;
mod inbox;
mod knowledge;
mod limits;
mod matrix;
mod mounting;
mod onboarding;
mod outages;
mod passwords;
mod people;
mod permissions;
mod personas;
mod pricebook;
mod same_origin;
mod sessions;
mod sign_in;
mod standing;
mod streaming;
mod tenants;
mod tokens;
mod widget_keys;
