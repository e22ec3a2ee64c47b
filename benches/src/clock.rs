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
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The second field is a file name in brackets, which may hold anything; 14 and 15 are user's and kernel's ticks.
    let behind = stat.rsplit_once(')').ok_or("/proc/self/stat is not as expected")?.1;
    let ticks: Vec<u32> = behind.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
    match ticks[..] {
        [user, system] => Ok(TICK * (user + system)),
        _ => Err("/proc/self/stat is not as expected".into()),
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
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = stat.split_whitespace().next().ok_or("/proc/thread-self/schedstat is empty")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}
