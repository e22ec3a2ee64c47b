//! Where an index gets its texts from.

use std::fmt;

use async_trait::async_trait;

use super::Scope;
use crate::knowledge::{Passage, Synonyms};

/// Reads the published passages of a scope.
///
/// A release never changes, so the same scope always gives the same passages in the same order; the first texts of a
/// language are the ones a visitor is offered who has not asked anything yet.
#[async_trait]
pub trait PassageSource: fmt::Debug + Send + Sync + 'static {
    /// Everything an answer in `scope` may quote, in all languages, and the tenant's synonyms.
    ///
    /// # Errors
    ///
    /// Whatever kept the texts from being read; it may be tried again.
    async fn passages(
        &self,
        scope: &Scope,
    ) -> Result<(Vec<Passage>, Synonyms), Box<dyn std::error::Error + Send + Sync>>;
}
