//! Retrieval: which published passages speak about a question.
//!
//! [`Retriever`] is the port; [`LexicalRetriever`] the one that is always there: BM25F in process, the same on every
//! database, deterministic and offline. It gets its texts from a [`PassageSource`] and keeps an immutable [`Index`] per
//! scope.

mod ask;
mod build;
mod index;
mod language_index;
mod lexical;
mod meanings;
mod pieces;
mod question;
mod reading;
mod search;
mod shelf;
mod source;
mod spelling;
mod stored;
mod thesaurus;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::id::TenantId;
use crate::knowledge::{Audience, Passage};
use crate::language::Language;

pub use index::Index;
pub use lexical::{DEFAULT_ROOM, LexicalRetriever};
pub use source::PassageSource;
pub use stored::StoredKnowledge;

/// Whose texts may be searched, and as whom: without a scope there is no search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The business whose texts are searched; no other's ever are.
    pub tenant: TenantId,
    /// The release of its knowledge; each publication makes a new one.
    pub release: u64,
    /// Who asks.
    pub audience: Audience,
}

/// What was found for one question.
#[derive(Debug, Clone, Default)]
pub struct Retrieval {
    /// The best passages, best first, at most as many as were asked for; none scores zero.
    pub hits: Vec<Hit>,
    /// How many different things the question is about, known or not; none when it is made of grammar and courtesy.
    pub salient: usize,
    /// The words of the question that carry meaning and that no text of this scope and language knows.
    pub unknown: Vec<String>,
}

/// One passage and how well it speaks about the question.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The passage.
    pub passage: Arc<Passage>,
    /// The rank score; comparable within one retrieval only.
    pub score: f32,
    /// How much of the question's weighted meaning the passage covers, 0 to 1; comparable between retrievals.
    pub coverage: f32,
    /// How close the question is to the title or a question variant of the text as a whole, 0 to 1; 1 is the same words.
    pub affinity: f32,
    /// How many of the things the question is about the passage speaks about.
    pub matched: usize,
    /// Which question variant is closest to what was asked, if any has a word in common with it.
    pub nearest: Option<usize>,
    /// For each sentence of the passage, how much of the question it covers by itself, 0 to 1.
    pub sentence_coverage: Vec<f32>,
}

/// The texts could not be searched.
#[derive(Debug, thiserror::Error)]
#[error("the knowledge could not be searched")]
pub struct RetrieveError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Finds passages.
///
/// The same scope, language and question always find the same.
#[async_trait]
pub trait Retriever: fmt::Debug + Send + Sync + 'static {
    /// The passages of `language` in `scope` that speak about `question`, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`RetrieveError`] when the texts could not be read.
    async fn retrieve(
        &self,
        scope: &Scope,
        language: Language,
        question: &str,
        limit: usize,
    ) -> Result<Retrieval, RetrieveError>;

    /// For each language with texts in `scope`, the share of the words of `question` that its texts know, 0 to 1.
    ///
    /// # Errors
    ///
    /// [`RetrieveError`] when the texts could not be read.
    async fn familiarity(&self, scope: &Scope, question: &str)
    -> Result<Vec<(Language, f32)>, RetrieveError>;

    /// The titles a visitor is offered who has not asked anything yet, at most `limit`: the first texts of `language`.
    ///
    /// # Errors
    ///
    /// [`RetrieveError`] when the texts could not be read.
    async fn openers(
        &self,
        scope: &Scope,
        language: Language,
        limit: usize,
    ) -> Result<Vec<Arc<Passage>>, RetrieveError>;
}
