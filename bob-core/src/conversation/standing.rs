//! How a conversation stands, and who may change who speaks in it: the one place that decides that.

use jiff::Timestamp;

use super::{Owner, Ownership};
use crate::id::AccountId;
use crate::outbox::EventKind;

/// How a conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Who speaks.
    pub ownership: Ownership,
    /// Since when a person was asked for who has not taken over yet.
    pub wanted_at: Option<Timestamp>,
    /// Since when the person who speaks does.
    pub taken_at: Option<Timestamp>,
    /// Since when it is closed; until the visitor writes again, and then to Bob.
    pub closed_at: Option<Timestamp>,
    /// Whether Bob has a turn open in it.
    pub answering: bool,
}

/// What a person does about who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpeakerStep {
    /// Speaks from now on, in the place of Bob or of a colleague.
    Take,
    /// Lets Bob speak again.
    HandBack,
    /// Ends the conversation.
    Close,
}

impl SpeakerStep {
    /// The name under which it is audited.
    #[must_use]
    pub const fn operation(self) -> &'static str {
        match self {
            Self::Take => "take_conversation",
            Self::HandBack => "hand_back_conversation",
            Self::Close => "close_conversation",
        }
    }

    /// What the outbox tells of it.
    #[must_use]
    pub const fn event(self) -> EventKind {
        match self {
            Self::Take | Self::HandBack => EventKind::ConversationAssigned,
            Self::Close => EventKind::ConversationResolved,
        }
    }
}

/// A person's step, and what they believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpeakerChange {
    /// What is done.
    pub step: SpeakerStep,
    /// Who does it.
    pub person: AccountId,
    /// The epoch that they saw. Whoever takes a conversation from a colleague must say it.
    pub expected: Option<u64>,
}

/// Why a person's step or reply is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hindrance {
    /// The conversation is closed.
    Closed,
    /// A colleague has taken it.
    Taken,
    /// Somebody else speaks.
    NotTheOwner,
    /// Bob is answering; it cannot be closed before it has ended.
    Answering,
    /// Who speaks has changed since the person looked.
    Stale,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpeakerChanged {
    /// It stands like this now.
    Done(Standing),
    /// It stood like this already; nothing was written.
    Unchanged(Standing),
    /// It may not be done; nothing was written.
    Refused {
        /// Why.
        why: Hindrance,
        /// How it stands.
        standing: Standing,
    },
}

impl Standing {
    /// A conversation that just began: with Bob, and nobody was asked for.
    #[must_use]
    pub const fn new() -> Self {
        let ownership = Ownership { owner: Owner::Bot, epoch: 0 };
        Self { ownership, wanted_at: None, taken_at: None, closed_at: None, answering: false }
    }

    /// How it stands after a step at `at`; `None` when nothing changes by it.
    ///
    /// Each change has an epoch of its own, so that whoever spoke before is too late from then on.
    ///
    /// # Errors
    ///
    /// [`Hindrance`] says why the step may not be done.
    pub fn after(&self, change: &SpeakerChange, at: Timestamp) -> Result<Option<Self>, Hindrance> {
        let epoch = self.ownership.epoch;
        let mine = self.ownership.owner == Owner::Person(change.person);
        let stale = change.expected.is_some_and(|expected| expected != epoch);
        if self.closed_at.is_some() {
            return if change.step == SpeakerStep::Close { Ok(None) } else { Err(Hindrance::Closed) };
        }
        match (change.step, self.ownership.owner) {
            (SpeakerStep::Take, _) if mine => return Ok(None),
            (SpeakerStep::Take, Owner::Person(_)) if change.expected != Some(epoch) => {
                return Err(Hindrance::Taken);
            }
            (SpeakerStep::HandBack, Owner::Bot) => return Ok(None),
            (SpeakerStep::HandBack | SpeakerStep::Close, Owner::Person(_)) if !mine => {
                return Err(Hindrance::NotTheOwner);
            }
            _ if stale => return Err(Hindrance::Stale),
            (SpeakerStep::Close, Owner::Bot) if self.answering => return Err(Hindrance::Answering),
            _ => {}
        }
        let taken = change.step == SpeakerStep::Take;
        let owner = if taken { Owner::Person(change.person) } else { Owner::Bot };
        Ok(Some(Self {
            ownership: Ownership { owner, epoch: epoch + 1 },
            wanted_at: None,
            taken_at: taken.then_some(at),
            closed_at: (change.step == SpeakerStep::Close).then_some(at),
            answering: self.answering,
        }))
    }

    /// Whether a person may write to the visitor: only the one who speaks, and under the epoch that they believe in.
    ///
    /// # Errors
    ///
    /// [`Hindrance`] says why not.
    pub fn admits_reply(&self, person: AccountId, expected: Option<u64>) -> Result<(), Hindrance> {
        if self.closed_at.is_some() {
            return Err(Hindrance::Closed);
        }
        if self.ownership.owner != Owner::Person(person) {
            return Err(Hindrance::NotTheOwner);
        }
        let stale = expected.is_some_and(|expected| expected != self.ownership.epoch);
        if stale { Err(Hindrance::Stale) } else { Ok(()) }
    }
}

impl Default for Standing {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;
    use SpeakerStep::{Close, HandBack, Take};

    const ANNA: AccountId = AccountId::from_uuid(uuid::Uuid::from_u128(1));
    const BEN: AccountId = AccountId::from_uuid(uuid::Uuid::from_u128(2));

    fn with(owner: Owner) -> Standing {
        Standing { ownership: Ownership { owner, epoch: 4 }, ..Standing::new() }
    }

    #[test]
    fn who_may_change_who_speaks() {
        let (bot, anna) = (with(Owner::Bot), with(Owner::Person(ANNA)));
        let closed = Standing { closed_at: Some(fixture::now()), ..bot };
        let answering = Standing { answering: true, ..bot };
        let taken = Standing { answering: true, ..anna };
        let to = |owner, closed: bool| Ok(Some((owner, closed)));
        for (standing, step, person, expected, result) in [
            (bot, Take, ANNA, None, to(Owner::Person(ANNA), false)),
            (bot, Take, ANNA, Some(4), to(Owner::Person(ANNA), false)),
            (bot, Take, ANNA, Some(3), Err(Hindrance::Stale)),
            (answering, Take, ANNA, None, to(Owner::Person(ANNA), false)),
            (anna, Take, ANNA, None, Ok(None)),
            (anna, Take, ANNA, Some(3), Ok(None)),
            (anna, Take, BEN, None, Err(Hindrance::Taken)),
            (anna, Take, BEN, Some(3), Err(Hindrance::Taken)),
            (anna, Take, BEN, Some(4), to(Owner::Person(BEN), false)),
            (closed, Take, ANNA, None, Err(Hindrance::Closed)),
            (anna, HandBack, ANNA, None, to(Owner::Bot, false)),
            (anna, HandBack, ANNA, Some(3), Err(Hindrance::Stale)),
            (anna, HandBack, BEN, Some(4), Err(Hindrance::NotTheOwner)),
            (bot, HandBack, ANNA, None, Ok(None)),
            (closed, HandBack, ANNA, None, Err(Hindrance::Closed)),
            (anna, Close, ANNA, None, to(Owner::Bot, true)),
            (anna, Close, BEN, None, Err(Hindrance::NotTheOwner)),
            (bot, Close, BEN, None, to(Owner::Bot, true)),
            (bot, Close, BEN, Some(5), Err(Hindrance::Stale)),
            (answering, Close, BEN, None, Err(Hindrance::Answering)),
            (taken, Close, ANNA, None, to(Owner::Bot, true)),
            (closed, Close, BEN, None, Ok(None)),
        ] {
            let change = SpeakerChange { step, person, expected };
            let after = standing.after(&change, fixture::now());
            if let Ok(Some(after)) = after {
                assert_eq!(after.ownership.epoch, 5, "{change:?}");
            }
            let seen = after.map(|after| after.map(|now| (now.ownership.owner, now.closed_at.is_some())));
            assert_eq!(seen, result, "{standing:?} {change:?}");
        }
    }

    #[test]
    fn only_the_person_who_speaks_writes_to_the_visitor() {
        let (bot, anna) = (with(Owner::Bot), with(Owner::Person(ANNA)));
        let closed = Standing { closed_at: Some(fixture::now()), ..bot };
        for (standing, person, expected, result) in [
            (anna, ANNA, None, Ok(())),
            (anna, ANNA, Some(4), Ok(())),
            (anna, ANNA, Some(2), Err(Hindrance::Stale)),
            (anna, BEN, Some(4), Err(Hindrance::NotTheOwner)),
            (bot, ANNA, None, Err(Hindrance::NotTheOwner)),
            (closed, ANNA, None, Err(Hindrance::Closed)),
        ] {
            assert_eq!(standing.admits_reply(person, expected), result, "{standing:?} {expected:?}");
        }
    }
}
