//! What a visitor may have meant.

use super::{Ask, Suggestion, Thresholds};
use crate::knowledge::Passage;
use crate::retrieve::{Hit, Retrieval, RetrieveError, Retriever};

/// At most so many things are offered.
const MOST: usize = 3;
/// What covers or resembles less of the question than this is not offered.
const LEAST: f32 = 0.25;
/// What scores less than this share of the best is not offered.
const SHARE: f32 = 0.45;

/// The topics of a business, for somebody who has not asked anything yet.
pub(super) async fn openers(
    retriever: &dyn Retriever,
    ask: &Ask<'_>,
) -> Result<Vec<Suggestion>, RetrieveError> {
    let passages = retriever.openers(ask.scope, ask.language, MOST).await?;
    Ok(passages.iter().map(|passage| suggestion(passage, None)).collect())
}

/// The texts that some retrieval found, best first, each once.
pub(super) fn suggestions<'a>(
    found: impl Iterator<Item = &'a Retrieval>,
    lines: Thresholds,
) -> Vec<Suggestion> {
    let mut offered: Vec<(&Hit, Suggestion)> = Vec::new();
    let least = LEAST.min(lines.clarify());
    for retrieval in found {
        let best = retrieval.hits.first().map_or(0.0, |hit| hit.score);
        for hit in &retrieval.hits {
            let is_close = hit.coverage >= least || hit.affinity >= least;
            if offered.len() == MOST || !is_close || hit.score < SHARE * best {
                continue;
            }
            let new = suggestion(&hit.passage, hit.nearest);
            let is_known = offered.iter().any(|(other, known)| {
                other.passage.content_hash == hit.passage.content_hash || known.title == new.title
            });
            if !is_known {
                offered.push((hit, new));
            }
        }
    }
    offered.into_iter().map(|(_, suggestion)| suggestion).collect()
}

/// Offers a text by the question variant that is closest to what was asked.
fn suggestion(passage: &Passage, nearest: Option<usize>) -> Suggestion {
    let question = nearest.and_then(|at| passage.questions.get(at)).or_else(|| passage.questions.first());
    Suggestion {
        title: passage.title.to_string(),
        question: question.map_or_else(|| passage.title.to_string(), Clone::clone),
    }
}
