//! A whole turn at the public door, in process: what Bob does between a request and its response.

use std::sync::Arc;
use std::time::Instant;

use bob_core::limit::LimitRates;
use bob_core::storage::SharedStorage;
use bob_core::storage::memory::MemoryStorage;
use bob_storage::{SqliteOptions, SqliteStorage};
use tempfile::TempDir;

use crate::clock::Stopwatch;
use crate::report::{Goal, Report, Rounds};
use crate::world::{self, TEXTS, World};
use crate::{Effort, Result};

#[derive(Debug, Clone, Copy)]
enum Store {
    Memory,
    Sqlite,
}

#[derive(Debug, Clone, Copy)]
enum Talks {
    /// Each message begins a conversation.
    New,
    /// Each caller goes on with a conversation of 20 messages or more.
    Continued,
}

struct Case {
    store: Store,
    talks: Talks,
    callers: usize,
    limits: LimitRates,
    rate: Rounds,
    cpu: Rounds,
    switches: Rounds,
}

impl Case {
    fn new(store: Store, talks: Talks, callers: usize, limits: LimitRates) -> Self {
        let (rate, cpu, switches) = Default::default();
        Self { store, talks, callers, limits, rate, cpu, switches }
    }

    fn name(&self) -> String {
        let store = match self.store {
            Store::Memory => "memory",
            Store::Sqlite => "SQLite",
        };
        let talks = match self.talks {
            Talks::New => "new conversations",
            Talks::Continued => "continued ones",
        };
        format!("{store}, {talks}, {} at a time", self.callers)
    }

    /// One round, on a store of its own.
    async fn measure(&mut self, effort: Effort) -> Result<()> {
        let (storage, folder) = self.storage().await?;
        let shop = world::shop(TEXTS, Vec::new())?;
        let world = Arc::new(World::start(storage, folder, shop, self.limits).await?);
        // The index is built with the first turn.
        world.talk().await?;
        let mut talks = Vec::new();
        for _ in 0..self.callers {
            talks.push(match self.talks {
                Talks::New => None,
                Talks::Continued => Some(world.talk().await?),
            });
        }
        let watch = Stopwatch::start()?;
        let until = Instant::now() + effort.span();
        let mut callers = tokio::task::JoinSet::new();
        for talk in talks {
            let world = Arc::clone(&world);
            callers.spawn(async move {
                let mut turns = 0;
                while turns == 0 || Instant::now() < until {
                    world.ask(world::question(turns), talk.as_ref()).await?;
                    turns += 1;
                }
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(turns)
            });
        }
        let mut turns = 0;
        while let Some(caller) = callers.join_next().await {
            turns += caller??;
        }
        let elapsed = watch.stop()?;
        Arc::into_inner(world).ok_or("a caller goes on")?.stop().await?;
        self.rate.add(turns as f64 / elapsed.wall.as_secs_f64());
        self.cpu.add(elapsed.cpu.as_secs_f64() * 1e6 / turns as f64);
        self.switches.add(elapsed.switches as f64 / turns as f64);
        Ok(())
    }

    async fn storage(&self) -> Result<(SharedStorage, Option<TempDir>)> {
        match self.store {
            Store::Memory => Ok((Arc::new(MemoryStorage::new()), None)),
            Store::Sqlite => {
                let folder = tempfile::tempdir()?;
                let options = SqliteOptions::file(folder.path().join("bob.db"));
                Ok((Arc::new(SqliteStorage::open(options, world::keyring()?).await?), Some(folder)))
            }
        }
    }
}

/// Turns on both stores, new and continued, one at a time and 32; then with limits that count.
pub fn run(effort: Effort, report: &mut Report) -> Result<()> {
    let runtime = world::runtime()?;
    let mut cases = Vec::new();
    for store in [Store::Memory, Store::Sqlite] {
        for talks in [Talks::New, Talks::Continued] {
            for callers in [1, 32] {
                cases.push(Case::new(store, talks, callers, LimitRates::unlimited()));
            }
        }
    }
    // The two that are compared stand side by side.
    let counted = cases.len();
    cases.push(Case::new(Store::Memory, Talks::Continued, 32, LimitRates::unlimited()));
    cases.push(Case::new(Store::Memory, Talks::Continued, 32, generous()));
    for _ in 0..effort.rounds() {
        for case in &mut cases {
            runtime.block_on(case.measure(effort))?;
        }
    }
    for case in &cases[..counted] {
        report.add("turn", case.name(), "turns/s", &case.rate);
        report.add("turn", case.name(), "µs CPU a turn", &case.cpu);
        report.add("turn", case.name(), "context switches a turn", &case.switches);
    }
    let limits = cases[counted + 1].cpu.by(&cases[counted].cpu);
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
