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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::id::{KnowledgeId, TenantId};
    use crate::knowledge::Synonyms;
    use crate::knowledge::{Audience, KnowledgeStatus, KnowledgeText, KnowledgeVersion, passages_of};

    /// Gives each tenant one text that names it, and counts how often it is asked.
    #[derive(Debug, Default)]
    struct Counted {
        reads: AtomicUsize,
        failures: AtomicUsize,
    }

    #[async_trait]
    impl PassageSource for Counted {
        async fn passages(
            &self,
            scope: &Scope,
        ) -> Result<(Vec<Passage>, Synonyms), Box<dyn std::error::Error + Send + Sync>> {
            tokio::task::yield_now().await;
            self.reads.fetch_add(1, Ordering::SeqCst);
            let fails =
                self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if fails.is_ok() {
                return Err("the database is away".into());
            }
            let text = KnowledgeText::new(
                Language::EN,
                "Returns",
                &format!("{} release{}.", scope.tenant, scope.release),
            );
            let version = KnowledgeVersion {
                item: KnowledgeId::new(),
                number: 1,
                status: KnowledgeStatus::Published,
                text: text?,
                changed_at: jiff::Timestamp::UNIX_EPOCH,
            };
            Ok((passages_of(&version), Synonyms::new()))
        }
    }

    fn retriever() -> (Arc<Counted>, LexicalRetriever) {
        let source = Arc::new(Counted::default());
        (Arc::clone(&source), LexicalRetriever::new(source))
    }

    fn scope(release: u64) -> Scope {
        Scope { tenant: TenantId::new(), release, audience: Audience::Public }
    }

    async fn sentence(retriever: &LexicalRetriever, scope: &Scope) -> String {
        let found = retriever.retrieve(scope, Language::EN, "returns", 3).await.unwrap();
        found.hits[0].passage.sentences[0].clone()
    }

    #[tokio::test]
    async fn an_index_is_built_once_however_many_ask_at_the_same_time() {
        let (source, retriever) = retriever();
        let scope = scope(1);
        let (one, other, third) = tokio::join!(
            sentence(&retriever, &scope),
            sentence(&retriever, &scope),
            retriever.familiarity(&scope, "returns"),
        );
        assert_eq!(one, other);
        assert_eq!(third.unwrap(), [(Language::EN, 1.0)]);
        assert_eq!(source.reads.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn every_tenant_and_release_finds_its_own_texts_only() {
        let (_, retriever) = retriever();
        let (one, other) = (scope(1), scope(1));
        let next = Scope { release: 2, ..one };
        for scope in [one, other, next, one] {
            let expected = format!("{} release{}.", scope.tenant, scope.release);
            assert_eq!(sentence(&retriever, &scope).await, expected);
        }
    }

    #[tokio::test]
    async fn a_failure_is_told_and_may_be_tried_again() {
        let (source, retriever) = retriever();
        source.failures.store(1, Ordering::SeqCst);
        let scope = scope(1);
        let failed = retriever.retrieve(&scope, Language::EN, "returns", 3).await.unwrap_err();
        assert_eq!(std::error::Error::source(&failed).unwrap().to_string(), "the database is away");
        assert!(sentence(&retriever, &scope).await.contains("release1"));
    }

    #[tokio::test]
    async fn an_index_without_room_is_built_again_and_answers_the_same() {
        let (source, retriever) = retriever();
        let retriever = retriever.with_room(1);
        let (one, other) = (scope(1), scope(1));
        let before = sentence(&retriever, &one).await;
        sentence(&retriever, &other).await;
        assert_eq!(sentence(&retriever, &one).await, before);
        assert_eq!(source.reads.load(Ordering::SeqCst), 3);
    }
}
