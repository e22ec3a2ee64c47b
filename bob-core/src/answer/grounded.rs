//! The answerer that needs no model.

use super::intent::{Courtesy, Intent, asks_who_talks, intent};
use super::phrases::Phrases;
use super::reply::Reply;
use super::split::{asks, into_clauses, into_sentences};
use super::suggest::{openers, suggestions};
use super::zone::{Zone, decide};
use super::{Answer, Handoff, Outcome, Suggestion, Thresholds, quote};
use crate::language::Language;
use crate::retrieve::{Hit, Retrieval, RetrieveError, Retriever, Scope};

/// One question, as it is put to an answerer.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Whose texts may answer, and to whom.
    pub scope: &'a Scope,
    /// The language to answer in.
    pub language: Language,
    /// What the visitor wrote.
    pub question: &'a str,
}

/// Answers from approved texts alone: word for word, with citations, the same each time.
///
/// It answers when a text speaks about the question, asks back when several or only part of one do, and refuses otherwise,
/// with the offer of a person. Whoever asks for a person gets one. Everything it says is a published sentence or one of the
/// fixed [`Phrases`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GroundedAnswerer {
    thresholds: Thresholds,
}

/// So many passages are looked at for one question.
const LOOKED_AT: usize = 8;
/// An answer has so many parts.
const MOST_ANSWERS: usize = 3;
/// A passage that covers this share of the whole question leaves no part of it open.
const COVERS_ALL: f32 = 0.85;

/// A text that answers a part scores at least this share of the best for the whole.
const SUPPORT: f32 = 0.45;

/// A sentence says clearly more of a question than another with this much more coverage.
const CLEARLY_MORE: f32 = 0.02;

/// A part of the question and what was found for it.
struct Finding<'a> {
    part: &'a str,
    /// Whether it asks something.
    asks: bool,
    found: Retrieval,
    zone: Zone,
}

impl Finding<'_> {
    /// The text the answer comes from.
    fn source(&self) -> Option<[u8; 32]> {
        let best = self.found.hits.first().filter(|_| self.zone == Zone::Answer);
        best.map(|hit| hit.passage.content_hash)
    }

    /// The passage to quote: of the best text the one with the sentence that says most of the question.
    fn quoted(&self) -> Option<&Hit> {
        let best = self.found.hits.first()?;
        let says = |hit: &Hit| hit.sentence_coverage.iter().copied().fold(0.0, f32::max);
        let others =
            self.found.hits.iter().filter(|hit| hit.passage.content_hash == best.passage.content_hash);
        Some(others.fold(best, |most, hit| if says(hit) > says(most) + CLEARLY_MORE { hit } else { most }))
    }

    /// Whether it is nearly a title or question variant, which may be no question by its form: "The lamp does not work".
    fn is_near(&self, near: f32) -> bool {
        self.found.hits.first().is_some_and(|hit| hit.affinity >= near)
    }

    /// Whether the text that answers a part speaks about the whole as well: torn out of it, a clause may mean anything.
    fn supports(&self, part: &Self) -> bool {
        let best = self.found.hits.first().map_or(0.0, |hit| hit.score);
        part.source().is_some_and(|source| {
            self.found
                .hits
                .iter()
                .any(|hit| hit.passage.content_hash == source && hit.score >= SUPPORT * best)
        })
    }
}

impl GroundedAnswerer {
    /// An answerer that draws its lines at `thresholds`.
    #[must_use]
    pub fn new(thresholds: Thresholds) -> Self {
        Self { thresholds }
    }

    /// Answers one question.
    ///
    /// A greeting is answered with the first topics (`clarify`), thanks and goodbyes with a phrase (`clarify` without
    /// suggestions): there is nothing to cite, and nobody is refused. Whoever asks whether a machine talks is told so.
    ///
    /// # Errors
    ///
    /// [`RetrieveError`] when the texts could not be read.
    pub async fn answer(&self, retriever: &dyn Retriever, ask: &Ask<'_>) -> Result<Answer, RetrieveError> {
        let phrases = Phrases::for_language(ask.language);
        match intent(ask.question) {
            Intent::Person => {
                let handoff = Handoff::to(phrases.team);
                let answer = fixed(ask, Outcome::Escalated, phrases.escalated, Vec::new());
                Ok(Answer { handoff: Some(handoff), ..answer })
            }
            Intent::Courtesy(Courtesy::Greeting) => {
                let topics = openers(retriever, ask).await?;
                Ok(fixed(ask, Outcome::Clarify, phrases.greeting, topics))
            }
            Intent::Courtesy(Courtesy::Thanks) => {
                Ok(fixed(ask, Outcome::Clarify, phrases.thanks, Vec::new()))
            }
            Intent::Courtesy(Courtesy::Goodbye) => {
                Ok(fixed(ask, Outcome::Clarify, phrases.goodbye, Vec::new()))
            }
            Intent::Question(question) => self.answer_question(retriever, ask, question).await,
        }
    }

    async fn answer_question(
        &self,
        retriever: &dyn Retriever,
        ask: &Ask<'_>,
        question: &str,
    ) -> Result<Answer, RetrieveError> {
        let phrases = Phrases::for_language(ask.language);
        let whole = self.look(retriever, ask, question).await?;
        // Who talks is always told, in the business's own words if it has some.
        if asks_who_talks(question) && !(whole.zone == Zone::Answer && whole.is_near(self.thresholds.near()))
        {
            return Ok(fixed(ask, Outcome::Clarify, phrases.disclosure, vec![phrases.ask_person()]));
        }
        let parts = if self.leaves_nothing_open(&whole) && times_asked(question, ask.language) < 2 {
            Vec::new()
        } else {
            self.look_at_parts(retriever, ask, question).await?
        };
        let mut answers: Vec<&Finding<'_>> = Vec::new();
        for part in parts.iter().filter(|part| whole.supports(part)) {
            // What only tells how it came to the question is not answered, unless it is asked so.
            let is_asked = part.asks || part.is_near(self.thresholds.near());
            if is_asked && answers.iter().all(|answer| answer.source() != part.source()) {
                answers.push(part);
            }
        }
        answers.truncate(MOST_ANSWERS);
        // One text that answers everything is better than pieces of it.
        if whole.zone == Zone::Answer && answers.len() < 2 {
            answers = vec![&whole];
        }
        let mut reply = Reply::new(ask.language);
        for answer in &answers {
            if let Some(hit) = answer.quoted() {
                reply.quote(hit);
            }
        }
        if !reply.is_empty() {
            let is_left_open = |part: &Finding<'_>| part.zone != Zone::Answer && asks(part.part);
            let by_parts = !std::ptr::eq(answers[0], &whole);
            if by_parts && parts.iter().any(is_left_open) {
                reply.add(phrases.partial);
                return Ok(reply.finish(vec![phrases.ask_person()]));
            }
            return Ok(reply.finish(Vec::new()));
        }
        let meant = suggestions(
            std::iter::once(&whole.found).chain(parts.iter().map(|part| &part.found)),
            self.thresholds,
        );
        let may_be_meant = whole.zone >= Zone::Clarify || parts.iter().any(|part| part.zone >= Zone::Clarify);
        if may_be_meant && !meant.is_empty() {
            return Ok(fixed(ask, Outcome::Clarify, phrases.did_you_mean, meant));
        }
        if whole.found.salient == 0 {
            let topics = openers(retriever, ask).await?;
            return Ok(fixed(ask, Outcome::Clarify, phrases.unclear, topics));
        }
        Ok(fixed(ask, Outcome::Refused, phrases.refused, vec![phrases.ask_person()]))
    }

    /// The sentences of a message, or the clauses of those that no single text answers.
    async fn look_at_parts<'q>(
        &self,
        retriever: &dyn Retriever,
        ask: &Ask<'_>,
        question: &'q str,
    ) -> Result<Vec<Finding<'q>>, RetrieveError> {
        let mut parts = Vec::new();
        for sentence in into_sentences(question) {
            let finding = self.look(retriever, ask, sentence).await?;
            let clauses = into_clauses(sentence, ask.language);
            let is_one = self.leaves_nothing_open(&finding) && times_asked(sentence, ask.language) < 2;
            if is_one || clauses.len() < 2 {
                parts.push(finding);
                continue;
            }
            let mut findings = Vec::new();
            for clause in clauses {
                findings.push(self.look(retriever, ask, clause).await?);
            }
            // Clauses stand for their sentence only when they find more than it does.
            let mut sources: Vec<_> = findings.iter().filter_map(Finding::source).collect();
            sources.sort_unstable();
            sources.dedup();
            let finds_more = sources.len() > usize::from(finding.zone == Zone::Answer);
            if finds_more {
                parts.extend(findings);
            } else {
                parts.push(finding);
            }
        }
        Ok(parts)
    }

    async fn look<'q>(
        &self,
        retriever: &dyn Retriever,
        ask: &Ask<'_>,
        part: &'q str,
    ) -> Result<Finding<'q>, RetrieveError> {
        let mut found = retriever.retrieve(ask.scope, ask.language, part, LOOKED_AT).await?;
        found.hits.retain(|hit| quote::window(hit).is_some());
        let zone = decide(&found, &self.thresholds);
        Ok(Finding { part, asks: asks(part), found, zone })
    }

    fn leaves_nothing_open(&self, finding: &Finding<'_>) -> bool {
        finding.zone == Zone::Answer
            && finding
                .found
                .hits
                .first()
                .is_some_and(|hit| hit.coverage >= COVERS_ALL || hit.affinity >= COVERS_ALL)
    }
}

/// How many sentences or clauses ask something by themselves.
fn times_asked(question: &str, language: Language) -> usize {
    let clauses = into_sentences(question).into_iter().flat_map(|sentence| into_clauses(sentence, language));
    clauses.filter(|clause| asks(clause)).count()
}

/// An answer that is one of the fixed phrases.
fn fixed(ask: &Ask<'_>, outcome: Outcome, phrase: &str, suggestions: Vec<Suggestion>) -> Answer {
    Answer {
        outcome,
        language: ask.language,
        pieces: vec![phrase.to_owned()],
        citations: Vec::new(),
        suggestions,
        handoff: None,
    }
}
