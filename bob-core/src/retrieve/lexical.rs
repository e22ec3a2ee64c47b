//! The retriever that is always there.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::shelf::Shelf;
use super::{Index, PassageSource, Retrieval, RetrieveError, Retriever, Scope};
use crate::knowledge::Passage;
use crate::language::Language;

/// Retrieval by words, in process, deterministic, offline.
///
/// The index of a scope is built on its first use, once however many ask at the same time, and kept while there is room:
/// 64 MiB unless [`with_room`](Self::with_room) says otherwise.
#[derive(Debug)]
pub struct LexicalRetriever {
    source: Arc<dyn PassageSource>,
    // Held for a look-up only, never while an index is built or searched.
    shelf: Mutex<Shelf>,
}

/// The room for indexes that is kept unless said otherwise, in bytes.
pub const DEFAULT_ROOM: usize = 64 * 1024 * 1024;

impl LexicalRetriever {
    /// A retriever over the texts of `source`.
    #[must_use]
    pub fn new(source: Arc<dyn PassageSource>) -> Self {
        Self { source, shelf: Mutex::new(Shelf::new(DEFAULT_ROOM)) }
    }

    /// Keeps indexes of at most `bytes` together, though always the one used last.
    #[must_use]
    pub fn with_room(self, bytes: usize) -> Self {
        Self { shelf: Mutex::new(Shelf::new(bytes)), ..self }
    }

    async fn index(&self, scope: &Scope) -> Result<Arc<Index>, RetrieveError> {
        let slot = self.shelf().slot(scope);
        if let Some(index) = slot.get() {
            return Ok(Arc::clone(index));
        }
        let built = slot.get_or_try_init(|| self.build(scope)).await.map(Arc::clone);
        let mut shelf = self.shelf();
        match built {
            Ok(_) => shelf.tidy(),
            Err(_) => shelf.forget_empty(scope),
        }
        built
    }

    async fn build(&self, scope: &Scope) -> Result<Arc<Index>, RetrieveError> {
        let (passages, synonyms) = self.source.passages(scope).await.map_err(RetrieveError)?;
        let audience = scope.audience;
        let build = move || Arc::new(Index::build(audience, passages, &synonyms));
        // A large release takes longer than other tasks of the same thread should wait.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => runtime.spawn_blocking(build).await.map_err(|lost| RetrieveError(lost.into())),
            Err(_) => Ok(build()),
        }
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Retriever for LexicalRetriever {
    async fn retrieve(
        &self,
        scope: &Scope,
        language: Language,
        question: &str,
        limit: usize,
    ) -> Result<Retrieval, RetrieveError> {
        Ok(self.index(scope).await?.search(language, question, limit))
    }

    async fn familiarity(
        &self,
        scope: &Scope,
        question: &str,
    ) -> Result<Vec<(Language, f32)>, RetrieveError> {
        Ok(self.index(scope).await?.familiarity(question))
    }

    async fn openers(
        &self,
        scope: &Scope,
        language: Language,
        limit: usize,
    ) -> Result<Vec<Arc<Passage>>, RetrieveError> {
        Ok(self.index(scope).await?.openers(language, limit))
    }
}
