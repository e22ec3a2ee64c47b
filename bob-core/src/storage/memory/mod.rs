//! All storage ports in memory: for tests, for trying Bob out, and as the plainest telling of what the ports promise.
//!
//! Nothing survives the process. One lock makes each method one transaction.

mod account;
mod audit;
mod claim;
mod conversation;
mod credit;
mod identity;
mod inbox;
mod knowledge;
mod link;
mod member;
mod persona;
mod purse;
mod signing_key;
mod tenant;
mod turn;
mod visitor;
mod widget_key;
mod world;

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Result, Storage};
use crate::keyring::{PurposeKeys, random_bytes};
use world::World;

/// Storage that forgets.
#[derive(Debug)]
pub struct MemoryStorage {
    world: Mutex<World>,
    keys: PurposeKeys,
}

impl Default for MemoryStorage {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStorage {
    /// An empty store with keys of its own.
    ///
    /// # Panics
    ///
    /// When the operating system gives no random bytes.
    #[must_use]
    pub fn new() -> Self {
        let root = random_bytes().expect("the operating system gives random bytes");
        Self { world: Mutex::default(), keys: PurposeKeys::from_root(root) }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        // Methods check before they change, so a panic between the two cannot leave half a change.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Storage for MemoryStorage {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn purpose_keys(&self) -> &PurposeKeys {
        &self.keys
    }

    async fn check(&self) -> Result<()> {
        drop(self.world());
        Ok(())
    }
}
