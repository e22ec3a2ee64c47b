//! What it costs that an answer waits until its commit is on disk.

use std::sync::Arc;

use crate::callers::{Caller, Turns, Until};
use crate::database::{Commits, Database, Kind};
use crate::report::{Goal, Report};
use crate::world::{self, HISTORY, Setup, TEXTS, World};
use crate::{Effort, Result};

/// How many ask at a time, and how much of the turns a second must be left.
const CASES: [(usize, f64); 2] = [(32, 0.55), (128, 0.8)];

/// Bob as always, and Bob who answers before a commit is on disk, by turns.
pub fn run(effort: Effort, report: &mut Report) -> Result<()> {
    let runtime = world::runtime()?;
    for kind in runtime.block_on(Kind::all("durability", report)) {
        for (callers, least) in CASES {
            let [synced, unsynced] = runtime.block_on(compare(effort, &kind, callers))?;
            let case = |what: &str| format!("{kind}, {callers} at a time, {what}");
            report.add("durability", case("synced commits"), "turns/s", &synced.rate);
            report.add("durability", case("unsynced commits"), "turns/s", &unsynced.rate);
            let left = synced.rate.by(&unsynced.rate);
            report.against(Goal::AtLeast(least), "durability", case("synced : unsynced"), "", &left);
        }
    }
    Ok(())
}

async fn compare(effort: Effort, kind: &Kind, callers: usize) -> Result<[Turns; 2]> {
    let mut synced = Side::open(kind, Commits::Synced, callers).await?;
    let mut unsynced = Side::open(kind, Commits::Unsynced, callers).await?;
    for _ in 0..effort.rounds() {
        for side in [&mut synced, &mut unsynced] {
            side.turns.measure(&side.callers, Until::Passed(effort.span()), None).await?;
        }
    }
    Ok([synced.close().await?, unsynced.close().await?])
}

/// One of the two.
struct Side {
    database: Database,
    world: Arc<World>,
    callers: Vec<Arc<Caller>>,
    turns: Turns,
}

impl Side {
    async fn open(kind: &Kind, commits: Commits, callers: usize) -> Result<Self> {
        let database = kind.make().await?;
        let storage = database.storage(commits).await?;
        let shop = world::shop(TEXTS, Vec::new())?;
        let world = Arc::new(World::start(storage, shop, Setup::default()).await?);
        let callers = Caller::continuing(&world, callers).await?;
        Ok(Self { database, world, callers, turns: Turns::default() })
    }

    /// Every turn that was answered must stand in the database.
    async fn close(self) -> Result<Turns> {
        let Self { database, world, callers, turns } = self;
        database.check_turns(world.tenant, callers.len() * HISTORY + turns.count).await?;
        drop(callers);
        Arc::into_inner(world).ok_or("a caller goes on")?.stop().await?;
        Ok(turns)
    }
}
