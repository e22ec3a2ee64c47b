//! Whether a turn costs more when there is more of everything.

use std::sync::Arc;

use crate::callers::{Caller, Turns, Until};
use crate::database::{Commits, Database, Kind};
use crate::report::{Goal, Report};
use crate::world::{self, Setup, World};
use crate::{Effort, Result, fill};

/// How many ask at a time.
const CALLERS: usize = 32;

/// How many texts each business has.
const TEXTS: usize = 20;

/// How much dearer a turn may become.
const GOAL: Goal = Goal::AtMost(1.15);

/// Turns among few businesses and among many; then in short conversations and in long ones.
pub fn run(effort: Effort, report: &mut Report) -> Result<()> {
    let runtime = world::runtime()?;
    for kind in runtime.block_on(Kind::all("growth", report)) {
        runtime.block_on(tenants(effort, &kind, report))?;
        runtime.block_on(history(effort, &kind, report))?;
    }
    Ok(())
}

async fn tenants(effort: Effort, kind: &Kind, report: &mut Report) -> Result<()> {
    let counts = effort.pick([1_000, 100_000], [10, 100]);
    let mut few = Among::open(kind, counts[0]).await?;
    let mut many = Among::open(kind, counts[1]).await?;
    for _ in 0..effort.rounds() {
        for among in [&mut few, &mut many] {
            among.turns.measure(&among.callers, Until::Passed(effort.span()), Some(kind)).await?;
        }
    }
    let (few, many) = (few.close().await?, many.close().await?);
    add(report, &format!("{kind}, {} tenants", counts[0]), &few);
    add(report, &format!("{kind}, {} tenants", counts[1]), &many);
    let grown = many.all_cpu().by(few.all_cpu());
    report.against(
        GOAL,
        "growth",
        format!("{kind}, tenants, {} : {}, CPU", counts[1], counts[0]),
        "",
        &grown,
    );
    Ok(())
}

fn add(report: &mut Report, case: &str, turns: &Turns) {
    report.add("growth", case, "turns/s", &turns.rate);
    report.add("growth", case, "µs CPU a turn", turns.all_cpu());
}

/// Businesses that are asked, one by each caller, among those that are not.
struct Among {
    database: Database,
    world: Arc<World>,
    callers: Vec<Arc<Caller>>,
    turns: Turns,
}

impl Among {
    async fn open(kind: &Kind, count: usize) -> Result<Self> {
        let database = kind.make().await?;
        let storage = database.storage(Commits::Synced).await?;
        fill::businesses(&database, count).await?;
        let mut others = Vec::new();
        for number in 1..CALLERS {
            others.push(world::shop_named(&format!("other{number}"), TEXTS, Vec::new())?);
        }
        let asked: Vec<_> = others.iter().map(|other| Some(other.tenant.id)).chain([None]).collect();
        let setup = Setup { others, ..Setup::default() };
        let world = Arc::new(World::start(storage, world::shop(TEXTS, Vec::new())?, setup).await?);
        let mut callers = Vec::new();
        for business in asked {
            let talks = vec![world.talk_with(business, world::HISTORY).await?];
            callers.push(Arc::new(Caller { world: Arc::clone(&world), talks }));
        }
        Ok(Self { database, world, callers, turns: Turns::default() })
    }

    async fn close(self) -> Result<Turns> {
        let Self { database, world, callers, turns } = self;
        let mut stored = 0;
        for caller in &callers {
            let asked = caller.talks[0].business.unwrap_or(world.tenant);
            stored += database.messages_of(asked).await?;
        }
        if stored != 2 * (callers.len() * world::HISTORY + turns.count) {
            return Err(format!("{} turns were answered and {stored} messages stored", turns.count).into());
        }
        drop(callers);
        Arc::into_inner(world).ok_or("a caller goes on")?.stop().await?;
        Ok(turns)
    }
}

/// A model answers, because without one no turn reads its history.
async fn history(effort: Effort, kind: &Kind, report: &mut Report) -> Result<()> {
    /// How many short conversations each caller goes on with, so that they stay short.
    const SHORT: usize = 4;
    /// How many turns they have had: 10 messages.
    const HAD: usize = 5;
    let asked = effort.pick(40, SHORT);
    let database = kind.make().await?;
    let storage = database.storage(Commits::Synced).await?;
    let other = world::shop_named("other", TEXTS, Vec::new())?;
    let short = other.tenant.id;
    let setup = Setup { model: true, others: vec![other], ..Setup::default() };
    let world = Arc::new(World::start(storage, world::shop(TEXTS, Vec::new())?, setup).await?);

    let mut long_callers = Vec::new();
    for _ in 0..CALLERS {
        let talks = vec![world.talk_with(None, HAD).await?];
        long_callers.push(Arc::new(Caller { world: Arc::clone(&world), talks }));
    }
    fill::messages(&database, world.tenant).await?;
    let (mut few, mut many) = (Turns::default(), Turns::default());
    let mut begun = 0;
    for _ in 0..effort.rounds() {
        let mut callers = Vec::new();
        for _ in 0..CALLERS {
            let mut talks = Vec::new();
            for _ in 0..SHORT {
                talks.push(world.talk_with(Some(short), HAD).await?);
            }
            begun += SHORT * HAD;
            callers.push(Arc::new(Caller { world: Arc::clone(&world), talks }));
        }
        few.measure(&callers, Until::Asked(asked), Some(kind)).await?;
        many.measure(&long_callers, Until::Asked(asked), Some(kind)).await?;
    }
    database.check_turns(short, begun + few.count).await?;
    database.check_turns(world.tenant, CALLERS * 5_000 + many.count).await?;
    drop(long_callers);
    Arc::into_inner(world).ok_or("a caller goes on")?.stop().await?;

    add(report, &format!("{kind}, conversations of 10 messages"), &few);
    add(report, &format!("{kind}, conversations of 10,000 messages"), &many);
    let grown = many.all_cpu().by(few.all_cpu());
    report.against(GOAL, "growth", format!("{kind}, messages, 10,000 : 10, CPU"), "", &grown);
    Ok(())
}
