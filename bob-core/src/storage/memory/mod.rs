//! All storage ports in memory: for tests, for trying Bob out, and as the plainest telling of what the ports promise.
//!
//! Nothing survives the process. One lock makes each method one transaction.

mod account;
mod conversation;
mod knowledge;
mod tenant;
mod turn;
mod world;

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Result, Storage};
use world::World;

/// Storage that forgets.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    world: Mutex<World>,
}

impl MemoryStorage {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
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

    async fn check(&self) -> Result<()> {
        drop(self.world());
        Ok(())
    }
}
