//! The events of a turn: what a stream sends and, taken together, the reply.

use super::FinishedTurn;
use crate::answer::Citation;
use crate::conversation::SessionId;
use crate::id::TurnId;

/// Why a turn ended without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TurnFailure {
    /// The database did not take the answer; what was said does not count.
    Storage,
    /// A person or another node took the conversation meanwhile.
    Superseded,
    /// The server gave the turn up, as at a shutdown past its deadline.
    Cancelled,
}

/// One event of a turn; events are numbered from 1 in the order in which they are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TurnEvent {
    /// The message is stored.
    Started {
        /// The turn.
        turn: TurnId,
        /// The visitor's name for the conversation.
        session: SessionId,
    },
    /// A released piece of the answer.
    Delta(String),
    /// A source, sent behind the first piece that cites it.
    Citation(Citation),
    /// The answer is stored; this is all of it.
    Completed(Box<FinishedTurn>),
    /// There will be no answer.
    Failed(TurnFailure),
}

impl TurnEvent {
    /// Whether no event follows.
    #[must_use]
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Completed(_) | Self::Failed(_))
    }
}

/// All events of an answered turn: the same ones, with the same numbers, that a live stream of it sent.
#[must_use]
pub fn events_of(turn: &FinishedTurn) -> Vec<TurnEvent> {
    let mut events = vec![TurnEvent::Started { turn: turn.turn, session: turn.session.clone() }];
    let mut cited = Cited::default();
    for piece in &turn.answer.pieces {
        events.push(TurnEvent::Delta(piece.clone()));
        events.extend(cited.newly_in(piece, &turn.answer.citations).map(TurnEvent::Citation));
    }
    events.push(TurnEvent::Completed(Box::new(turn.clone())));
    events
}

/// Which sources a stream has named already.
#[derive(Debug, Default)]
pub(crate) struct Cited(Vec<u32>);

impl Cited {
    /// The sources that `piece` cites and no piece before it did.
    pub(crate) fn newly_in<'a>(
        &'a mut self,
        piece: &'a str,
        citations: &'a [Citation],
    ) -> impl Iterator<Item = Citation> + 'a {
        citations.iter().filter_map(move |citation| {
            let new = !self.0.contains(&citation.index) && piece.contains(&format!("[{}]", citation.index));
            new.then(|| {
                self.0.push(citation.index);
                citation.clone()
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Answer, Outcome};
    use crate::id::{ConversationId, VisitorId};
    use crate::language::Language;

    fn citation(index: u32) -> Citation {
        Citation { index, title: "T".to_owned(), url: None, quote: "q".to_owned(), content_hash: [0; 32] }
    }

    #[test]
    fn a_source_follows_the_first_piece_that_cites_it() {
        let turn = FinishedTurn {
            turn: TurnId::new(),
            conversation: ConversationId::new(),
            visitor: VisitorId::new(),
            proven: true,
            session: SessionId::mint(),
            answer: Answer {
                outcome: Outcome::Answered,
                language: Language::EN,
                pieces: vec!["One [1].".to_owned(), " Two [2], again [1].".to_owned()],
                citations: vec![citation(1), citation(2)],
                suggestions: Vec::new(),
                handoff: None,
            },
            persona: "Bob".to_owned(),
            disclose: false,
        };
        let events = events_of(&turn);
        assert!(matches!(
            &events[..],
            [
                TurnEvent::Started { .. },
                TurnEvent::Delta(_),
                TurnEvent::Citation(Citation { index: 1, .. }),
                TurnEvent::Delta(_),
                TurnEvent::Citation(Citation { index: 2, .. }),
                TurnEvent::Completed(_),
            ]
        ));
    }
}
