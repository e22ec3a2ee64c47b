//! Takes the steps of a schedule on a store and on the model, and holds one against the other.

use jiff::Timestamp;
use uuid::Uuid;

use super::model::{Model, Opening, Spender, State, Told};
use super::step::{Begin, KEYS, Schedule, Step, Talk, VISITORS};
use crate::clock::later;
use crate::conversation::{ConversationKey, Door, SpeakerChange, SpeakerStep};
use crate::credit::{Billing, Budgets, CreditChange, CreditChanged, Ladder, MilliCredits};
use crate::id::{AccountId, ConversationId, TenantId, VisitorId, WidgetKeyId};
use crate::storage::Storage;
use crate::testing::books::audited;
use crate::testing::fixture;
use crate::turn::{LEASE, Lease, OpenTurn, TurnClosing, TurnFinish, TurnOpening, TurnStart};

/// What a visitor, and a widget key, may use up in a day.
const VISITOR_BUDGET: i64 = 5_000;
const KEY_BUDGET: i64 = 8_000;

/// Runs a schedule to its end, after which all leases run out.
pub(super) async fn run(store: &dyn Storage, slug: &str, schedule: &Schedule) {
    let tenant = fixture::tenant_with(store, slug, MilliCredits(schedule.credits)).await;
    let mut world = World {
        store,
        tenant,
        visitors: std::array::from_fn(|_| VisitorId::new()),
        person: AccountId::new(),
        keys: std::array::from_fn(|_| WidgetKeyId::new()),
        opened: Vec::new(),
        latest_change: None,
        read: None,
        model: Model::new(fixture::now(), schedule.credits),
    };
    world.check().await;
    for step in &schedule.steps {
        world.take(step).await;
        world.check().await;
    }
    world.model.now = later(world.model.now, LEASE);
    world.take(&Step::Sweep).await;
    world.check().await;
    assert_eq!(world.model.reserved(), 0, "nothing is held when all leases have run out");
}

struct World<'a> {
    store: &'a dyn Storage,
    tenant: TenantId,
    visitors: [VisitorId; VISITORS],
    person: AccountId,
    keys: [WidgetKeyId; KEYS],
    /// The store's turns, in the order of the model's.
    opened: Vec<OpenTurn>,
    latest_change: Option<CreditChange>,
    read: Option<Uuid>,
    model: Model,
}

impl World<'_> {
    fn act(&self) -> crate::act::Act {
        fixture::act_at(self.model.now)
    }

    /// The turn that a step names, once there is one.
    fn named(&self, turn: usize) -> Option<usize> {
        turn.checked_rem(self.opened.len())
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Begin(begin) => self.begin(begin).await,
            Step::Extend { turn, more, stale } => self.extend(*turn, *more, *stale).await,
            Step::Renew { turn } => self.renew(*turn).await,
            Step::Finish { turn, cost, stale } => self.finish(*turn, *cost, *stale).await,
            Step::Hand { talk } => self.hand(*talk).await,
            Step::Sweep => {
                self.store.sweep_turns(&self.act(), 10_000).await.unwrap();
                self.model.sweep();
            }
            Step::Change { amount } => self.change(*amount).await,
            Step::ChangeAgain => self.change_again().await,
            Step::BeginPeriod { credits, is_next } => self.begin_period(*credits, *is_next).await,
            Step::Pass { seconds } => {
                let passed = std::time::Duration::from_secs(seconds.unsigned_abs());
                self.model.now = later(self.model.now, passed);
            }
        }
    }

    async fn begin(&mut self, begin: &Begin) {
        let Begin { talk, key, has_visitor_budget, is_behind, ladder } = begin;
        let day = Billing::none().day_of(self.model.now) - i32::from(*is_behind);
        let visitor = has_visitor_budget.then_some(VISITOR_BUDGET);
        let key = key.map(|key| (key, KEY_BUDGET));
        let budgets = Budgets {
            day,
            visitor: visitor.map(MilliCredits),
            key: key.map(|(key, most)| (self.keys[key], MilliCredits(most))),
        };
        let visitor = visitor.map(|most| Spender { name: ("visitor", talk.visitor), most });
        let key = key.map(|(key, most)| Spender { name: ("key", key), most });
        let spenders: Vec<_> = visitor.into_iter().chain(key).collect();
        let start = TurnStart {
            lease: Lease::new(crate::id::NodeId::new(), 1, self.model.now),
            reserve: Ladder::of(ladder.iter().copied().map(MilliCredits)),
            budgets,
            ..fixture::start(self.visitors[talk.visitor], &session(*talk), "hi")
        };
        let id = start.turn;
        let opening = self.store.begin_turn(&self.act(), &self.tenant, start).await.unwrap();
        match (self.model.begin(id, *talk, ladder, &spenders, day), opening) {
            (Opening::Busy, TurnOpening::Busy { .. }) | (Opening::Delivered, TurnOpening::Delivered(_)) => {}
            (Opening::Opened(held), TurnOpening::Opened(open)) => {
                assert_eq!(open.reservation.map(|reservation| reservation.amount.0), held, "{begin:?}");
                self.opened.push(*open);
            }
            (expected, came) => panic!("{begin:?} should be {expected:?}, is {came:?}"),
        }
    }

    async fn extend(&mut self, turn: usize, more: i64, stale: bool) {
        let Some(turn) = self.named(turn) else { return };
        let open = &self.opened[turn];
        let lease = if stale { fixture::lease(self.model.now) } else { open.lease };
        let amount = MilliCredits(more);
        let extended =
            self.store.extend_turn(&self.act(), &self.tenant, &open.turn, &lease, amount).await.unwrap();
        assert_eq!(extended.map(|reservation| reservation.amount.0), self.model.extend(turn, more, stale));
    }

    async fn renew(&mut self, turn: usize) {
        let Some(turn) = self.named(turn) else { return };
        let (act, open) = (self.act(), &mut self.opened[turn]);
        let renewed = self.store.renew_turn(&act, &self.tenant, &open.turn, &open.lease).await.unwrap();
        assert_eq!(renewed.is_some(), self.model.renew(turn));
        open.lease = renewed.unwrap_or(open.lease);
    }

    async fn finish(&mut self, turn: usize, cost: i64, stale: bool) {
        let Some(turn) = self.named(turn) else { return };
        let open = &self.opened[turn];
        let lease = if stale { fixture::lease(self.model.now) } else { open.lease };
        let finish = TurnFinish { lease, cost: MilliCredits(cost), ..fixture::finish(open, "1") };
        let closing = self.store.finish_turn(&self.act(), &self.tenant, finish).await.unwrap();
        let stored = matches!(closing, TurnClosing::Stored(_));
        assert_eq!(stored, self.model.finish(turn, cost, stale));
    }

    async fn hand(&mut self, talk: Talk) {
        let Some(owned) = self.model.talks.get(&talk).copied() else { return };
        let step = if owned.by_person { SpeakerStep::HandBack } else { SpeakerStep::Take };
        let change = SpeakerChange { step, person: self.person, expected: Some(owned.epoch) };
        let conversation = self.conversation(talk).await;
        fixture::step(self.store, &self.tenant, &conversation, change).await;
        self.model.hand(talk);
    }

    async fn conversation(&self, talk: Talk) -> ConversationId {
        let visitor = self.visitors[talk.visitor];
        let key = ConversationKey { door: Door::Public, visitor, session: session(talk).parse().unwrap() };
        self.store.conversation(&self.tenant, &key).await.unwrap().expect("it has begun").id
    }

    async fn change(&mut self, amount: i64) {
        let change = fixture::change(amount);
        let changed = self.store.change_credits(&self.act(), &self.tenant, change.clone()).await.unwrap();
        if self.model.change(amount) {
            assert_eq!(fixture::entered(changed).number, self.model.entries.len() as u64);
            self.latest_change = Some(change);
        } else {
            assert_eq!(changed, CreditChanged::Insufficient);
        }
    }

    async fn change_again(&mut self) {
        let Some(change) = self.latest_change.clone() else { return };
        let again = self.store.change_credits(&self.act(), &self.tenant, change.clone()).await.unwrap();
        let CreditChanged::Repeated(entry) = again else { panic!("{change:?} was entered, now {again:?}") };
        assert_eq!((entry.amount, entry.reason.as_deref()), (change.amount(), Some(change.reason())));
    }

    async fn begin_period(&mut self, credits: i64, is_next: bool) {
        let end = self.store.credit_usage(&self.tenant).await.unwrap().to;
        let due = if is_next { end } else { Timestamp::UNIX_EPOCH };
        let renewal = fixture::renewal(due, credits);
        assert_eq!(self.store.renew_credits(&self.act(), &self.tenant, renewal).await.unwrap(), is_next);
        if is_next {
            self.model.begin_period(credits);
        }
    }

    /// Holds the store against the model, and both against what must always hold.
    async fn check(&mut self) {
        let (books, model) = (audited(self.store, &self.tenant).await, &mut self.model);
        let balance = books.usage.balance;
        let told = (balance.granted.0, balance.reserved.0, balance.settled.0);
        assert_eq!(told, (model.granted(), model.reserved(), model.settled()), "granted, reserved, settled");
        let usage = &books.usage;
        let told = (usage.used.0, usage.allowance.0, usage.included.0, usage.threshold);
        let expected = (model.used(), model.allowance(), model.period.1, model.threshold);
        assert_eq!(told, expected, "used, allowance, included, threshold");
        let entries: Vec<_> =
            books.entries.iter().map(|entry| (entry.kind, entry.amount.0, entry.turn)).collect();
        assert_eq!(entries, model.entries);

        for turn in &model.turns {
            assert!(turn.state == State::Open || turn.used <= turn.held.unwrap_or(0), "{turn:?}");
            for spender in &turn.spenders {
                assert!(model.spent(spender, turn.day) <= spender.most, "{spender:?} on day {}", turn.day);
            }
        }

        let events = self.store.outbox(&self.tenant, self.read, 1_000).await.unwrap();
        self.read = events.last().map(|event| event.id).or(self.read);
        let told = events.iter().map(|event| (event.kind.as_str(), event.subject.turn, event.subject.number));
        let mut told: Vec<Told> = told.collect();
        let mut expected = std::mem::take(&mut model.events);
        told.sort();
        expected.sort();
        assert_eq!(told, expected, "the outbox tells what happened and nothing else");
    }
}

fn session(talk: Talk) -> String {
    format!("s{}", talk.session)
}
