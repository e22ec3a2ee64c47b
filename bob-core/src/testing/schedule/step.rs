//! The steps of a schedule, and how arbitrary ones are made.

use proptest::prelude::*;

/// What may happen. Turns are named by their place among all that were opened so far.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A visitor writes.
    Begin(Begin),
    /// A turn reserves more; another node's lease is shown when `stale`.
    Extend { turn: usize, more: i64, stale: bool },
    /// A node renews its lease.
    Renew { turn: usize },
    /// A turn is finished, perhaps again, late or by somebody else, perhaps for more than it holds.
    Finish { turn: usize, cost: i64, stale: bool },
    /// A person takes the conversation over, or gives it back.
    Hand { talk: Talk },
    /// Turns whose lease ran out are given up. That a node is gone is a turn that nobody renews.
    Sweep,
    /// Credits are granted or taken back.
    Change { amount: i64 },
    /// The latest change is sent again.
    ChangeAgain,
    /// A node begins the next period, or the one that has begun already.
    BeginPeriod { credits: i64, is_next: bool },
    /// Time passes.
    Pass { seconds: i64 },
}

/// A visitor and one of their sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Talk {
    pub(super) visitor: usize,
    pub(super) session: usize,
}

/// A message of a visitor.
#[derive(Debug, Clone)]
pub(super) struct Begin {
    pub(super) talk: Talk,
    /// The widget key it comes with.
    pub(super) key: Option<usize>,
    pub(super) has_visitor_budget: bool,
    /// Whether the node's calendar is still at the day before.
    pub(super) is_behind: bool,
    pub(super) ladder: Vec<i64>,
}

/// How many visitors, sessions of each, and widget keys there are: few, so that they meet.
pub(super) const VISITORS: usize = 3;
const SESSIONS: usize = 2;
pub(super) const KEYS: usize = 2;

/// What a tenant begins with, and what happens to it.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    pub(super) credits: i64,
    pub(super) steps: Vec<Step>,
}

pub(super) fn schedules() -> impl Strategy<Value = Schedule> {
    (0..20_000_i64, prop::collection::vec(step(), 1..60))
        .prop_map(|(credits, steps)| Schedule { credits, steps })
}

fn step() -> impl Strategy<Value = Step> {
    let turn = || 0..8_usize;
    let rarely = || prop::bool::weighted(0.1);
    let seconds = prop::sample::select(vec![1, 6, 14, 15, 3_600, 24 * 3_600, 31 * 24 * 3_600]);
    prop_oneof![
        8 => begin().prop_map(Step::Begin),
        3 => (turn(), 0..3_000_i64, rarely()).prop_map(|(turn, more, stale)| Step::Extend { turn, more, stale }),
        2 => turn().prop_map(|turn| Step::Renew { turn }),
        6 => (turn(), -1..5_000_i64, rarely()).prop_map(|(turn, cost, stale)| Step::Finish { turn, cost, stale }),
        1 => talk().prop_map(|talk| Step::Hand { talk }),
        2 => Just(Step::Sweep),
        2 => (-6_000..6_000_i64).prop_filter("a change", |amount| *amount != 0).prop_map(|amount| Step::Change { amount }),
        1 => Just(Step::ChangeAgain),
        1 => (prop_oneof![Just(0), 1..9_000_i64], prop::bool::weighted(0.8))
            .prop_map(|(credits, is_next)| Step::BeginPeriod { credits, is_next }),
        3 => seconds.prop_map(|seconds| Step::Pass { seconds }),
    ]
}

fn talk() -> impl Strategy<Value = Talk> {
    (0..VISITORS, 0..SESSIONS).prop_map(|(visitor, session)| Talk { visitor, session })
}

fn begin() -> impl Strategy<Value = Begin> {
    let ladder = prop::collection::vec(prop_oneof![9 => 1..4_000_i64, 1 => Just(0)], 1..4);
    let key = prop::option::of(0..KEYS);
    (talk(), key, any::<bool>(), prop::bool::weighted(0.1), ladder).prop_map(
        |(talk, key, has_visitor_budget, is_behind, mut ladder)| {
            ladder.sort_by(|a, b| b.cmp(a));
            Begin { talk, key, has_visitor_budget, is_behind, ladder }
        },
    )
}
