//! Whether a Bob is running, and the tasks it runs.

use std::future::Future;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Bob takes no turns at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotRunning {
    /// `start` was not called yet.
    #[error("Bob has not been started")]
    NotStarted,
    /// It is being stopped; open turns still finish.
    #[error("Bob is being stopped")]
    Draining,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    New,
    Running(Handle),
    Draining,
}

/// The life of one Bob: its state and its tasks.
#[derive(Debug, Default)]
pub(crate) struct Life {
    state: Mutex<State>,
    turns: TaskTracker,
    draining: CancellationToken,
    workers: Mutex<Vec<AbortHandle>>,
}

impl Life {
    /// From now on turns are taken; `false` when it was started before.
    pub(crate) fn start(&self, on: Handle) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let new = matches!(*state, State::New);
        if new {
            *state = State::Running(on);
        }
        new
    }

    pub(crate) fn state(&self) -> Result<(), NotRunning> {
        match &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::New => Err(NotRunning::NotStarted),
            State::Running(_) => Ok(()),
            State::Draining => Err(NotRunning::Draining),
        }
    }

    /// Runs a turn's task, which a drain waits for.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Result<(), NotRunning> {
        match &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::New => Err(NotRunning::NotStarted),
            State::Draining => Err(NotRunning::Draining),
            State::Running(runtime) => {
                self.turns.spawn_on(task, runtime);
                Ok(())
            }
        }
    }

    /// Runs a worker, which a drain ends.
    pub(crate) fn spawn_worker(&self, worker: impl Future<Output = ()> + Send + 'static) {
        if let State::Running(runtime) = &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            let handle = runtime.spawn(worker).abort_handle();
            self.workers.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
        }
    }

    /// Is cancelled when a drain begins: for what would otherwise go on as long as somebody listens.
    pub(crate) fn draining(&self) -> CancellationToken {
        self.draining.clone()
    }

    /// Takes no more turns, waits for the open ones, ends the workers; `false` when turns were left at the deadline.
    pub(crate) async fn drain(&self, deadline: Duration) -> bool {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::Draining;
        self.draining.cancel();
        self.turns.close();
        let in_time = tokio::time::timeout(deadline, self.turns.wait()).await.is_ok();
        for worker in self.workers.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            worker.abort();
        }
        in_time
    }
}
