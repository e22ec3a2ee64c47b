//! The one task that writes: it takes whatever waits, runs it in one transaction, and answers once that is on disk.
//!
//! Many turns share one fsync that way, without a timer: while one batch is being committed, the next one gathers.

mod job;
mod log;
mod script;
mod task;
mod whole;

use std::sync::Arc;

use bob_core::storage::{Result, StorageError, StorageErrorKind};
use bob_core::vault::Vault;
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, query};
use tokio::sync::{mpsc, oneshot, watch};

use super::open::SqliteOptions;
use job::{Job, Promise};
use script::Script;
use task::{Message, Task};
use whole::Whole;

pub(super) use script::Query;
pub(super) use whole::{Unit, Work};

/// The way to the writer; the task ends when the last of these is gone and the queue is empty.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    vault: Arc<Vault>,
    ended: watch::Receiver<()>,
}

impl Writer {
    /// Starts the task on the current runtime.
    pub(super) fn start(connection: SqliteConnection, vault: Arc<Vault>, options: SqliteOptions) -> Self {
        let (queue, jobs) = mpsc::channel(options.queue);
        let (running, ended) = watch::channel(());
        let task = Task::new(jobs, connection, options);
        tokio::spawn(async move {
            task.run().await;
            drop(running);
        });
        Self { queue, vault, ended }
    }

    /// Runs `work` in a transaction and answers once it is committed; what it wrote is undone when it fails.
    ///
    /// The work runs even if the caller goes away meanwhile.
    pub(super) async fn run<T, W>(&self, operation: &'static str, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: for<'u> FnOnce(&'u mut Unit<'_>) -> Work<'u, T> + Send + 'static,
    {
        let vault = Arc::clone(&self.vault);
        self.queue(operation, |promise| Box::new(Whole::new(work, vault, promise))).await
    }

    /// Runs a script and answers its rows once it is committed: one statement that writes, and then any that read.
    ///
    /// As [`run`](Self::run), and faster: alone it goes to SQLite's thread and back once, because a single statement is a
    /// transaction by itself, and in a batch it needs no savepoint, because a single statement undoes itself. For that
    /// only its first one may write, and those that read behind it must not fail.
    pub(super) async fn script(&self, operation: &'static str, script: Query) -> Result<Vec<SqliteRow>> {
        self.queue(operation, |promise| Box::new(Script::new(script, promise))).await
    }

    async fn queue<T>(
        &self,
        operation: &'static str,
        job: impl FnOnce(Promise<T>) -> Box<dyn Job>,
    ) -> Result<T> {
        let unavailable = |why| StorageError::because(StorageErrorKind::Unavailable, operation, why);
        let (reply, answer) = oneshot::channel();
        if self.queue.try_send(Message::Job(job(Promise::new(operation, reply)))).is_err() {
            return Err(unavailable("the queue is full or closed"));
        }
        answer.await.unwrap_or_else(|_| Err(unavailable("the writer ended")))
    }

    /// Lets the task finish what is queued, and waits until it has ended.
    pub(super) async fn close(&self) {
        // A closed channel means that it ends already.
        let _ = self.queue.send(Message::Stop).await;
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

/// Leaves no transaction open; one that SQLite has rolled back by itself is none.
async fn roll_back(connection: &mut SqliteConnection) -> std::result::Result<(), sqlx::Error> {
    match query("ROLLBACK").execute(connection).await {
        Err(sqlx::Error::Database(error)) if error.message().contains("no transaction is active") => Ok(()),
        rolled_back => rolled_back.map(|_| ()),
    }
}
