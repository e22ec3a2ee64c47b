//! What credits should be, told the slow way: entries and turns are kept, everything else is added up from them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::step::Talk;
use crate::clock::later;
use crate::credit::LedgerKind;
use crate::id::TurnId;
use crate::outbox::EventKind;
use crate::turn::LEASE;

/// What an event is told by: its kind, its turn and its number.
pub(super) type Told = (&'static str, Option<TurnId>, Option<u64>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Answered,
    Lost,
}

/// Somebody with a daily budget: visitors and widget keys, numbered apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spender {
    pub(super) name: (&'static str, usize),
    pub(super) most: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Turn {
    pub(super) id: TurnId,
    pub(super) talk: Talk,
    pub(super) epoch: u64,
    pub(super) until: Timestamp,
    pub(super) state: State,
    /// None when nothing was within reach.
    pub(super) held: Option<i64>,
    pub(super) used: i64,
    pub(super) spenders: Vec<Spender>,
    pub(super) day: i32,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Owned {
    pub(super) epoch: u64,
    pub(super) by_person: bool,
}

#[derive(Debug)]
pub(super) enum Opening {
    Busy,
    Delivered,
    Opened(Option<i64>),
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) now: Timestamp,
    pub(super) entries: Vec<(LedgerKind, i64, Option<TurnId>)>,
    pub(super) turns: Vec<Turn>,
    pub(super) talks: BTreeMap<Talk, Owned>,
    /// What happened in the current step.
    pub(super) events: Vec<Told>,
    /// How many entries there were when the period began, and what of it the plan gave.
    pub(super) period: (usize, i64),
    pub(super) threshold: u8,
}

impl Model {
    pub(super) fn new(now: Timestamp, credits: i64) -> Self {
        let mut model = Self {
            now,
            entries: Vec::new(),
            turns: Vec::new(),
            talks: BTreeMap::new(),
            events: Vec::new(),
            period: (0, credits),
            threshold: 0,
        };
        model.enter(LedgerKind::Grant, credits, None);
        model
    }

    fn enter(&mut self, kind: LedgerKind, amount: i64, turn: Option<TurnId>) {
        if amount != 0 {
            self.entries.push((kind, amount, turn));
        }
    }

    fn tell(&mut self, kinds: &[EventKind], turn: Option<TurnId>, number: Option<u64>) {
        self.events.extend(kinds.iter().map(|kind| (kind.as_str(), turn, number)));
    }

    /// What turns used, of these entries.
    fn settled_in(entries: &[(LedgerKind, i64, Option<TurnId>)]) -> i64 {
        -entries.iter().filter(|entry| entry.0 == LedgerKind::Settlement).map(|entry| entry.1).sum::<i64>()
    }

    pub(super) fn settled(&self) -> i64 {
        Self::settled_in(&self.entries)
    }

    pub(super) fn granted(&self) -> i64 {
        self.entries.iter().map(|entry| entry.1).sum::<i64>() + self.settled()
    }

    pub(super) fn reserved(&self) -> i64 {
        self.turns.iter().filter(|turn| turn.state == State::Open).filter_map(|turn| turn.held).sum()
    }

    fn available(&self) -> i64 {
        self.granted() - self.settled() - self.reserved()
    }

    pub(super) fn used(&self) -> i64 {
        Self::settled_in(&self.entries[self.period.0.min(self.entries.len())..])
    }

    pub(super) fn allowance(&self) -> i64 {
        self.entries.iter().map(|entry| entry.1).sum::<i64>() + self.used()
    }

    /// The highest threshold that the period's use has reached.
    fn reached(&self) -> u8 {
        let (used, allowance) = (self.used(), self.allowance());
        match used {
            ..=0 => 0,
            _ if used >= allowance => 100,
            _ if used * 10 >= allowance * 8 => 80,
            _ => 0,
        }
    }

    /// What a spender's turns of a day used or hold.
    pub(super) fn spent(&self, spender: &Spender, day: i32) -> i64 {
        let theirs = self.turns.iter().filter(|turn| turn.day == day && turn.spenders.contains(spender));
        theirs
            .filter_map(|turn| turn.held.map(|held| if turn.state == State::Open { held } else { turn.used }))
            .sum()
    }

    fn within_reach(&self, step: i64, spenders: &[Spender], day: i32) -> bool {
        step <= self.available()
            && spenders.iter().all(|spender| {
                let spends = |turn: &&Turn| turn.held.is_some() && turn.spenders.contains(spender);
                let is_over = self.turns.iter().filter(spends).any(|turn| turn.day > day);
                step <= if is_over { 0 } else { spender.most - self.spent(spender, day) }
            })
    }

    pub(super) fn begin(
        &mut self,
        id: TurnId,
        talk: Talk,
        ladder: &[i64],
        spenders: &[Spender],
        day: i32,
    ) -> Opening {
        let open = self.turns.iter().position(|turn| turn.talk == talk && turn.state == State::Open);
        if let Some(open) = open {
            if self.now < self.turns[open].until {
                return Opening::Busy;
            }
            self.lose(open);
        }
        let is_new = !self.talks.contains_key(&talk);
        let owned = *self.talks.entry(talk).or_default();
        if owned.by_person {
            self.tell(&[EventKind::MessageCreated], Some(id), None);
            return Opening::Delivered;
        }
        let held = ladder.iter().copied().find(|step| self.within_reach(*step, spenders, day));
        let mut kinds = vec![EventKind::MessageCreated];
        kinds.extend(is_new.then_some(EventKind::ConversationStarted));
        let is_used_up = held.is_none() && ladder.iter().all(|step| *step > self.available());
        let is_told = is_used_up && self.threshold < 100;
        if is_told {
            self.threshold = 100;
            kinds.push(EventKind::CreditsThreshold);
        }
        self.tell(&kinds, Some(id), is_told.then_some(100));
        let until = later(self.now, LEASE);
        let spenders = spenders.to_vec();
        let state = State::Open;
        self.turns.push(Turn { id, talk, epoch: owned.epoch, until, state, held, used: 0, spenders, day });
        Opening::Opened(held)
    }

    /// Whether a turn's holder still holds it.
    fn holds(&self, turn: usize) -> bool {
        let turn = &self.turns[turn];
        turn.state == State::Open && self.now < turn.until && self.talks[&turn.talk].epoch == turn.epoch
    }

    pub(super) fn extend(&mut self, turn: usize, more: i64, stale: bool) -> Option<i64> {
        let Turn { held, spenders, day, .. } = self.turns[turn].clone();
        let held = held.filter(|_| !stale && self.holds(turn) && self.within_reach(more, &spenders, day))?;
        self.turns[turn].held = Some(held + more);
        Some(held + more)
    }

    pub(super) fn renew(&mut self, turn: usize) -> bool {
        let holds = self.holds(turn);
        if holds {
            self.turns[turn].until = later(self.now, LEASE);
        }
        holds
    }

    /// Whether the answer is stored.
    pub(super) fn finish(&mut self, turn: usize, cost: i64, stale: bool) -> bool {
        if self.turns[turn].state != State::Open {
            return self.turns[turn].state == State::Answered;
        }
        let stored = !stale && self.holds(turn) && !self.talks[&self.turns[turn].talk].by_person;
        let it = &mut self.turns[turn];
        it.state = if stored { State::Answered } else { State::Lost };
        it.used = it.held.map_or(0, |held| cost.min(held).max(0));
        let (id, used) = (it.id, it.used);
        self.enter(LedgerKind::Settlement, -used, Some(id));
        let mut kinds = vec![if stored { EventKind::MessageCreated } else { EventKind::TurnAbandoned }];
        let held = self.turns[turn].held.is_some();
        let passed = Some(self.reached()).filter(|reached| held && *reached > self.threshold);
        if let Some(passed) = passed {
            self.threshold = passed;
            kinds.push(EventKind::CreditsThreshold);
        }
        self.tell(&kinds, Some(id), passed.map(u64::from));
        stored
    }

    fn lose(&mut self, turn: usize) {
        self.turns[turn].state = State::Lost;
        self.tell(&[EventKind::TurnAbandoned], Some(self.turns[turn].id), None);
    }

    pub(super) fn sweep(&mut self) {
        for turn in 0..self.turns.len() {
            if self.turns[turn].state == State::Open && self.turns[turn].until <= self.now {
                self.lose(turn);
            }
        }
    }

    pub(super) fn hand(&mut self, talk: Talk) {
        let owned = self.talks.get_mut(&talk).unwrap();
        *owned = Owned { epoch: owned.epoch + 1, by_person: !owned.by_person };
        self.tell(&[EventKind::ConversationAssigned], None, None);
    }

    /// Whether it can be made.
    pub(super) fn change(&mut self, amount: i64) -> bool {
        if self.available() + amount < 0 {
            return false;
        }
        let kind = if amount > 0 { LedgerKind::Grant } else { LedgerKind::Correction };
        self.enter(kind, amount, None);
        self.threshold = self.threshold.min(self.reached());
        self.tell(&[EventKind::CreditsChanged], None, Some(self.entries.len() as u64));
        true
    }

    pub(super) fn begin_period(&mut self, credits: i64) {
        let expired = (self.period.1 - self.used()).max(0).min(self.available());
        self.enter(LedgerKind::Expiry, -expired, None);
        self.enter(LedgerKind::Renewal, credits, None);
        self.period = (self.entries.len(), credits);
        self.threshold = 0;
        self.tell(&[EventKind::CreditsChanged], None, Some(self.entries.len() as u64));
    }
}
