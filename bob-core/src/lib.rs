//! Bob's words, rules, ports and the turn: what happens, and never how it is carried.
//!
//! A visitor's message becomes a *turn*: it is stored, answered from approved knowledge, and stored again with its
//! answer. [`Bob`] is the whole of it; [`chat`] is the pipeline; everything it needs from outside is a port:
//! [`storage`], [`llm`], [`retrieve`], [`clock`]. There is no SQL here, no framework, no environment variable, no
//! global.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use bob_core::Bob;
//! use bob_core::storage::memory::MemoryStorage;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bob = Bob::build(Arc::new(MemoryStorage::new())).build().await?;
//! let running = bob.start()?;
//! assert!(bob.health().await.storage_works);
//! assert!(running.drain(std::time::Duration::from_secs(5)).await);
//! # Ok(())
//! # }
//! ```

// Whose, who, when.
pub mod account;
pub mod act;
pub mod audit;
pub mod clock;
pub mod id;
pub mod identity;
pub mod keyring;
pub mod mail;
pub mod people;
pub mod secret;
pub mod tenant;
pub mod vault;
pub mod visitor;

// The fence and the limits.
pub mod limit;
pub mod origin;
pub mod widget_key;

// What Bob knows, and how he speaks.
pub mod knowledge;
pub mod language;
pub mod persona;
pub mod retrieve;
pub mod text;

// A turn.
pub mod answer;
pub mod chat;
pub mod conversation;
pub mod credit;
pub mod gate;
pub mod inbox;
pub mod llm;
pub mod outbox;
pub mod pricebook;
pub mod turn;

// Everything together.
mod bob;
pub mod directory;
pub mod life;
pub mod storage;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use bob::{AlreadyStarted, Bob, BobBuilder, BuildError, Health, Running};
