//! Credits on arbitrary schedules: whatever turns, grants, renewals, crashes and clocks do, in whatever order, a store
//! ends up where a plain model ends up, and what must hold holds after each step.
//!
//! A schedule is a list of small steps, so that one that fails shrinks to the few that matter. `model` says what
//! should have come of a step, `run` takes it on a store and compares.

mod model;
mod run;
mod step;

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::test_runner::{Config, TestRunner};

use crate::storage::Storage;

/// Tries so many schedules on one store, each with a tenant of its own.
///
/// # Panics
///
/// When the store comes apart from the model; with the shortest schedule that was found for it.
pub fn holds_on_any<S, F>(schedules: u32, new_store: impl FnOnce() -> F)
where
    S: Storage,
    F: Future<Output = S>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(new_store());
    let tenants = AtomicU32::new(0);
    let config = Config { cases: schedules, failure_persistence: None, ..Config::default() };
    let tried = TestRunner::new(config).run(&step::schedules(), |schedule| {
        let slug = format!("tenant-{}", tenants.fetch_add(1, Ordering::Relaxed));
        runtime.block_on(run::run(&store, &slug, &schedule));
        Ok(())
    });
    tried.unwrap_or_else(|failed| panic!("{failed}"));
}

#[cfg(test)]
mod tests {
    use crate::storage::memory::MemoryStorage;

    #[test]
    fn credits_in_memory_hold_on_many_schedules() {
        super::holds_on_any(2_000, async || MemoryStorage::new());
    }
}
