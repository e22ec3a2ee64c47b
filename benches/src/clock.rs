//! Time that passed, and time that was worked.
//!
//! Worked time is what the kernel counted for this process, so it hardly moves when others use the machine. It is read
//! from `/proc` and therefore to be had on Linux only.

use std::time::{Duration, Instant};

use crate::Result;

/// How long a tick of `/proc/*/stat` is; the kernel shows 100 a second to programs on every common machine.
const TICK: Duration = Duration::from_millis(10);

/// Runs from [`start`](Self::start) on.
#[derive(Debug)]
pub struct Stopwatch {
    started: Instant,
    worked: Duration,
    switched: u64,
}

/// What a [`Stopwatch`] shows.
#[derive(Debug, Clone, Copy)]
pub struct Elapsed {
    /// Time that passed.
    pub wall: Duration,
    /// Time that all threads of this process worked together, in steps of 10 ms.
    pub cpu: Duration,
    /// How often threads of this process went to sleep to wait for something.
    pub switches: u64,
}

impl Stopwatch {
    /// Begins to measure.
    pub fn start() -> Result<Self> {
        Ok(Self { worked: process_cpu()?, switched: switches()?, started: Instant::now() })
    }

    /// What passed since.
    pub fn stop(self) -> Result<Elapsed> {
        let wall = self.started.elapsed();
        Ok(Elapsed {
            wall,
            cpu: process_cpu()?.saturating_sub(self.worked),
            switches: switches()?.saturating_sub(self.switched),
        })
    }
}

/// How long the threads of this process have worked, those that ended included.
fn process_cpu() -> Result<Duration> {
    let Stat { worked, .. } = Stat::read("self")?;
    Ok(worked)
}

/// How long a process, its children, and those of them that ended have worked.
///
/// Children are counted to the nanosecond, as far as they have one thread each.
pub fn family_cpu(process: u32) -> Result<Duration> {
    let parent = Stat::read(process)?;
    let mut sum = parent.worked + parent.reaped;
    for entry in std::fs::read_dir("/proc")? {
        let Ok(child) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        // One that ends meanwhile is no error.
        if Stat::read(child).is_ok_and(|stat| stat.parent == process)
            && let Ok(nanos) = schedstat(&child.to_string())
        {
            sum += nanos;
        }
    }
    Ok(sum)
}

/// The parent of a process of this machine, if that process is a `program`.
pub fn parent_of(process: u32, program: &str) -> Option<u32> {
    let name = std::fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
    (name.trim() == program).then(|| Stat::read(process).ok().map(|stat| stat.parent)).flatten()
}

/// What `/proc/*/stat` tells of a process.
struct Stat {
    parent: u32,
    worked: Duration,
    /// What its children had worked when they ended.
    reaped: Duration,
}

impl Stat {
    fn read(process: impl std::fmt::Display) -> Result<Self> {
        let strange = || "/proc/*/stat is not as expected";
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
        // The name in brackets may hold spaces.
        let behind = stat.rsplit_once(')').ok_or_else(strange)?.1;
        let fields: Vec<&str> = behind.split_whitespace().collect();
        let field = |at: usize| Ok::<u32, crate::Error>(fields.get(at).ok_or_else(strange)?.parse()?);
        Ok(Self {
            parent: field(1)?,
            worked: TICK * (field(11)? + field(12)?),
            reaped: TICK * (field(13)? + field(14)?),
        })
    }
}

/// How often the threads that live now have gone to sleep to wait for something.
fn switches() -> Result<u64> {
    let mut sum = 0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let status = std::fs::read_to_string(thread?.path().join("status"))?;
        let counters = status.lines().filter_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        sum += counters.flat_map(|number| number.trim().parse::<u64>()).sum::<u64>();
    }
    Ok(sum)
}

/// How long the calling thread has worked, to the nanosecond.
pub fn thread_cpu() -> Result<Duration> {
    schedstat("thread-self")
}

/// How long a thread, or the first one of a process, has worked.
fn schedstat(of: &str) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{of}/schedstat"))?;
    let nanos = stat.split_whitespace().next().ok_or("a schedstat is empty")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}
