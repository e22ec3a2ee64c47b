//! Signing keys in memory.

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryStorage;
use crate::account::SigningKey;
use crate::act::Act;
use crate::storage::{Result, SigningKeyStore};

#[async_trait]
impl SigningKeyStore for MemoryStorage {
    async fn signing_keys(&self, now: Timestamp) -> Result<Vec<SigningKey>> {
        let world = self.world();
        Ok(world.signing_keys.iter().filter(|key| key.is_published(now)).cloned().collect())
    }

    async fn add_signing_key(&self, act: &Act, key: SigningKey) -> Result<bool> {
        let mut world = self.world();
        if world.signing_keys.iter().any(|known| known.number >= key.number) {
            return Ok(false);
        }
        if let Some(before) = world.signing_keys.iter_mut().find(|known| known.ends_at.is_none()) {
            before.signs_until = Some(key.signs_from);
            before.ends_at = Some(SigningKey::end_of(key.signs_from));
        }
        world.signing_keys.retain(|known| known.is_published(act.at));
        world.signing_keys.push(key);
        world.record(None, "add_signing_key", act);
        Ok(true)
    }

    async fn replace_signing_keys(&self, act: &Act, key: SigningKey) -> Result<bool> {
        let mut world = self.world();
        if world.signing_keys.iter().any(|known| known.number >= key.number) {
            return Ok(false);
        }
        world.signing_keys = vec![key];
        world.record(None, "replace_signing_keys", act);
        Ok(true)
    }
}
