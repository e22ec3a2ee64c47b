//! PostgreSQL, on a real server.

mod claims;
mod server;

pub use server::{Database, keyring, skipped};
