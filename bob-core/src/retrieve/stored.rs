//! Texts from Bob's own storage.

use async_trait::async_trait;

use super::{PassageSource, Scope};
use crate::knowledge::{Passage, Synonyms, passages_of};
use crate::storage::SharedStorage;

/// Reads the published texts from storage.
#[derive(Debug)]
pub struct StoredKnowledge {
    storage: SharedStorage,
}

impl StoredKnowledge {
    /// Reads from `storage`.
    #[must_use]
    pub fn new(storage: SharedStorage) -> Self {
        Self { storage }
    }
}

#[async_trait]
impl PassageSource for StoredKnowledge {
    async fn passages(
        &self,
        scope: &Scope,
    ) -> Result<(Vec<Passage>, Synonyms), Box<dyn std::error::Error + Send + Sync>> {
        let read = self.storage.published_knowledge(&scope.tenant, scope.release, scope.audience);
        let (versions, synonyms) = read.await?;
        Ok((versions.iter().flat_map(passages_of).collect(), synonyms))
    }
}
