//! Which language a visitor is answered in.

use crate::language::Language;
use crate::language::detect::{Evidence, decide};
use crate::retrieve::{RetrieveError, Retriever, Scope};

/// Decides which of a business's `languages` a question is answered in; the first one is its default.
///
/// Asks the texts only when the question itself leaves the language open.
///
/// # Errors
///
/// [`RetrieveError`] when the texts could not be read.
pub async fn decide_language(
    retriever: &dyn Retriever,
    scope: &Scope,
    question: &str,
    languages: &[Language],
    conversation: Option<Language>,
    accept: &[Language],
) -> Result<Language, RetrieveError> {
    let familiarity = retriever.familiarity(scope, question).await?;
    Ok(decide(&Evidence { question, languages, familiarity: &familiarity, conversation, accept }))
}
