//! Those who ask Bob in process, all at a time, and what their turns cost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock::Stopwatch;
use crate::database::Kind;
use crate::report::Rounds;
use crate::world::{self, Talk, World};
use crate::{Error, Result};

/// Asks, waits for the answer, and asks again.
#[derive(Debug)]
pub struct Caller {
    pub world: Arc<World>,
    /// The conversations that are gone on with, by turns; without one, each question begins its own.
    pub talks: Vec<Talk>,
}

impl Caller {
    /// So many callers, each with a conversation of 20 messages.
    pub async fn continuing(world: &Arc<World>, callers: usize) -> Result<Vec<Arc<Self>>> {
        let mut all = Vec::new();
        for _ in 0..callers {
            let talks = vec![world.talk().await?];
            all.push(Arc::new(Self { world: Arc::clone(world), talks }));
        }
        Ok(all)
    }
}

/// When callers stop asking.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// After so long, and one question at least.
    Passed(Duration),
    /// After so many questions each.
    Asked(usize),
}

/// What a case's turns came to in each round.
#[derive(Debug, Default)]
pub struct Turns {
    /// Turns a second.
    pub rate: Rounds,
    /// Microseconds of this process's CPU a turn.
    pub cpu: Rounds,
    /// The same with the database's own processes.
    pub with_database: Rounds,
    /// Context switches a turn, of this process.
    pub switches: Rounds,
    /// How many turns there were in all.
    pub count: usize,
}

impl Turns {
    /// One round: all callers ask at a time.
    pub async fn measure(&mut self, callers: &[Arc<Caller>], until: Until, on: Option<&Kind>) -> Result<()> {
        let database = || on.map_or(Ok(None), Kind::cpu);
        let (before, watch) = (database()?, Stopwatch::start()?);
        let mut busy = tokio::task::JoinSet::new();
        for caller in callers {
            busy.spawn(ask(Arc::clone(caller), until));
        }
        let mut turns = 0;
        while let Some(caller) = busy.join_next().await {
            turns += caller??;
        }
        let (elapsed, after) = (watch.stop()?, database()?);
        let micros = |cpu: Duration| cpu.as_secs_f64() * 1e6 / turns as f64;
        self.rate.add(turns as f64 / elapsed.wall.as_secs_f64());
        self.cpu.add(micros(elapsed.cpu));
        if let Some((before, after)) = before.zip(after) {
            self.with_database.add(micros(elapsed.cpu + after.saturating_sub(before)));
        }
        self.switches.add(elapsed.switches as f64 / turns as f64);
        self.count += turns;
        Ok(())
    }

    /// CPU a turn, with the database's own processes where they are seen.
    pub fn all_cpu(&self) -> &Rounds {
        if self.with_database.is_empty() { &self.cpu } else { &self.with_database }
    }
}

async fn ask(caller: Arc<Caller>, until: Until) -> std::result::Result<usize, Error> {
    let began = Instant::now();
    let mut turns = 0;
    loop {
        let talk = caller.talks.get(turns % caller.talks.len().max(1));
        caller.world.ask(world::question(turns), talk).await?;
        turns += 1;
        let done = match until {
            Until::Passed(span) => began.elapsed() >= span,
            Until::Asked(most) => turns >= most,
        };
        if done {
            return Ok(turns);
        }
    }
}
