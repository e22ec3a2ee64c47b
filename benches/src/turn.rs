//! A whole turn at the public door, in process: what Bob does between a request and its response.

use std::sync::Arc;

use bob_core::limit::LimitRates;
use bob_core::storage::SharedStorage;
use bob_core::storage::memory::MemoryStorage;

use crate::callers::{Caller, Turns, Until};
use crate::database::{Commits, Database, Kind};
use crate::report::{Goal, Report};
use crate::world::{self, Setup, TEXTS, World};
use crate::{Effort, Result};

#[derive(Debug, Clone, Copy)]
enum Talks {
    /// Each message begins a conversation.
    New,
    /// Each caller goes on with a conversation of 20 messages or more.
    Continued,
}

struct Case {
    /// None is memory.
    store: Option<Kind>,
    talks: Talks,
    callers: usize,
    setup: Setup,
    turns: Turns,
}

impl Case {
    fn new(store: Option<&Kind>, talks: Talks, callers: usize, setup: Setup) -> Self {
        Self { store: store.cloned(), talks, callers, setup, turns: Turns::default() }
    }

    fn name(&self) -> String {
        let store = self.store.as_ref().map_or_else(|| "memory".to_owned(), Kind::to_string);
        let talks = match self.talks {
            Talks::New => "new conversations",
            Talks::Continued => "continued ones",
        };
        format!("{store}, {talks}, {} at a time", self.callers)
    }

    /// One round, on a store of its own.
    async fn measure(&mut self, effort: Effort) -> Result<()> {
        let (storage, _database) = self.storage().await?;
        let shop = world::shop(TEXTS, Vec::new())?;
        let world = Arc::new(World::start(storage, shop, self.setup.clone()).await?);
        // The index is built with the first turn.
        world.talk().await?;
        let callers = match self.talks {
            Talks::New => {
                let caller = || Arc::new(Caller { world: Arc::clone(&world), talks: Vec::new() });
                (0..self.callers).map(|_| caller()).collect()
            }
            Talks::Continued => Caller::continuing(&world, self.callers).await?,
        };
        let until = Until::Passed(effort.span());
        self.turns.measure(&callers, until, self.store.as_ref()).await?;
        drop(callers);
        Arc::into_inner(world).ok_or("a caller goes on")?.stop().await
    }

    async fn storage(&self) -> Result<(SharedStorage, Option<Database>)> {
        match &self.store {
            None => Ok((Arc::new(MemoryStorage::new()), None)),
            Some(kind) => {
                let database = kind.make().await?;
                Ok((database.storage(Commits::Synced).await?, Some(database)))
            }
        }
    }
}

/// Turns on each store, new and continued, one at a time and 32; then with limits that count.
pub fn run(effort: Effort, report: &mut Report) -> Result<()> {
    world::runtime()?.block_on(measure(effort, report))
}

async fn measure(effort: Effort, report: &mut Report) -> Result<()> {
    let kinds = Kind::all("turn", report).await;
    let mut cases = Vec::new();
    for store in [None].into_iter().chain(kinds.iter().map(Some)) {
        for talks in [Talks::New, Talks::Continued] {
            for callers in [1, 32] {
                cases.push(Case::new(store, talks, callers, Setup::default()));
            }
        }
    }
    // The two that are compared stand side by side.
    let counted = cases.len();
    cases.push(Case::new(None, Talks::Continued, 32, Setup::default()));
    cases.push(Case::new(None, Talks::Continued, 32, Setup { limits: Some(generous()), ..Setup::default() }));
    for _ in 0..effort.rounds() {
        for case in &mut cases {
            case.measure(effort).await?;
        }
    }
    for case in &cases[..counted] {
        let Turns { rate, cpu, with_database, switches, .. } = &case.turns;
        report.add("turn", case.name(), "turns/s", rate);
        report.add("turn", case.name(), "µs CPU a turn", cpu);
        if !with_database.is_empty() {
            report.add("turn", case.name(), "µs CPU a turn, PostgreSQL's with it", with_database);
        }
        report.add("turn", case.name(), "context switches a turn", switches);
    }
    let limits = cases[counted + 1].turns.cpu.by(&cases[counted].turns.cpu);
    let case = "memory, continued ones, limits that count : that do not, CPU";
    report.against(Goal::AtMost(1.25), "turn", case, "", &limits);
    Ok(())
}

/// The default limits, so much wider that they never refuse.
fn generous() -> LimitRates {
    let mut limits = LimitRates::default();
    let LimitRates { address, visitor, new_visitors, key, tenant, .. } = &mut limits;
    for rate in [address, visitor, new_visitors, key, tenant] {
        rate.count *= 1_000_000;
    }
    limits.streams = u32::MAX;
    limits
}
