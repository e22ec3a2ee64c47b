//! The one task that writes: it takes whatever waits, runs it in one transaction, and answers once that is on disk.
//!
//! Many turns share one fsync that way, without a timer: while one batch is being committed, the next one gathers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bob_core::storage::{Result, StorageError, StorageErrorKind};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Connection as _, Sqlite, SqliteConnection};
use tokio::sync::{mpsc, oneshot, watch};

use super::error::{failed, kind_of};
use super::open::SqliteOptions;

/// How many jobs share one transaction at most: more would make the first wait for the last.
const BATCH: usize = 256;

/// What a job does to the database.
pub(super) type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'c>>;

/// The way to the writer; the task ends when the last of these is gone and the queue is empty.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    ended: watch::Receiver<()>,
}

enum Message {
    Job(Box<dyn Job>),
    Stop,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Job(_) => "Job",
            Self::Stop => "Stop",
        })
    }
}

impl Writer {
    /// Starts the task on the current runtime.
    pub(super) fn start(connection: SqliteConnection, options: SqliteOptions) -> Self {
        let (queue, jobs) = mpsc::channel(options.queue);
        let (running, ended) = watch::channel(());
        tokio::spawn(async move {
            Task { jobs, options, connection: Some(connection) }.run().await;
            drop(running);
        });
        Self { queue, ended }
    }

    /// Runs `work` in a transaction and answers once it is committed; what it wrote is undone when it fails.
    ///
    /// The work runs even if the caller goes away meanwhile.
    pub(super) async fn run<T, W>(&self, operation: &'static str, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: for<'u> FnOnce(&'u mut Unit<'_>) -> Work<'u, T> + Send + 'static,
    {
        self.queue(operation, true, work).await
    }

    /// As [`run`](Self::run), for work that writes with a single statement and cannot fail behind it, or calls
    /// [`guard`](Unit::guard) before it writes otherwise: a savepoint of its own is a statement more each.
    pub(super) async fn run_atomic<T, W>(&self, operation: &'static str, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: for<'u> FnOnce(&'u mut Unit<'_>) -> Work<'u, T> + Send + 'static,
    {
        self.queue(operation, false, work).await
    }

    async fn queue<T, W>(&self, operation: &'static str, guarded: bool, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: for<'u> FnOnce(&'u mut Unit<'_>) -> Work<'u, T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Pending { operation, guarded, work: Some(work), result: None, reply });
        if self.queue.try_send(Message::Job(job)).is_err() {
            return Err(StorageError::because(
                StorageErrorKind::Unavailable,
                operation,
                "the queue is full or closed",
            ));
        }
        let ended = |_| StorageError::because(StorageErrorKind::Unavailable, operation, "the writer ended");
        answer.await.unwrap_or_else(|gone| Err(ended(gone)))
    }

    /// Lets the task finish what is queued, and waits until it has ended.
    pub(super) async fn close(&self) {
        // A closed channel means that it ends already.
        let _ = self.queue.send(Message::Stop).await;
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

/// A job's part of the transaction.
pub(super) struct Unit<'c> {
    connection: &'c mut SqliteConnection,
    operation: &'static str,
    alone: bool,
    undo: Undo,
}

/// What must be rolled back should the job fail now.
#[derive(Debug, Clone, Copy)]
enum Undo {
    /// Nothing: what failed has undone itself.
    Nothing,
    /// To the savepoint around the job.
    Job,
    /// The transaction, which has no other job.
    Everything,
}

/// What became of a job.
enum Ran {
    /// It did what it should.
    Done,
    /// It failed, and nothing of it is left in the transaction.
    Undone,
    /// It failed, and the transaction with it.
    Spoilt,
}

/// A statement with its parameters.
pub(super) type Query = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

impl<'c> Unit<'c> {
    fn new(connection: &'c mut SqliteConnection, operation: &'static str, alone: bool) -> Self {
        Self { connection, operation, alone, undo: Undo::Nothing }
    }

    /// Runs a statement and answers its rows.
    pub(super) async fn rows(&mut self, query: Query) -> Result<Vec<SqliteRow>> {
        query.fetch_all(&mut *self.connection).await.map_err(failed(self.operation))
    }

    /// Runs a statement to its end and answers its first row.
    pub(super) async fn row(&mut self, query: Query) -> Result<Option<SqliteRow>> {
        Ok(self.rows(query).await?.into_iter().next())
    }

    /// Runs a statement and answers how many rows it changed.
    pub(super) async fn execute(&mut self, query: Query) -> Result<u64> {
        let done = query.execute(&mut *self.connection).await.map_err(failed(self.operation))?;
        Ok(done.rows_affected())
    }

    /// Makes sure that all that follows can be undone.
    pub(super) async fn guard(&mut self) -> Result<()> {
        match self.undo {
            Undo::Nothing if self.alone => self.undo = Undo::Everything,
            Undo::Nothing => {
                self.execute(sqlx::query("SAVEPOINT job")).await?;
                self.undo = Undo::Job;
            }
            Undo::Job | Undo::Everything => {}
        }
        Ok(())
    }

    /// Leaves the transaction to the next job.
    async fn leave(mut self, failed: Option<StorageErrorKind>) -> Ran {
        let left = match (self.undo, failed) {
            (Undo::Everything, Some(_)) => return Ran::Spoilt,
            // A full or broken disk makes SQLite roll everything back, and not say so.
            (Undo::Nothing, Some(StorageErrorKind::Unavailable)) => return Ran::Spoilt,
            (Undo::Nothing | Undo::Everything, None) | (Undo::Nothing, Some(_)) => Ok(0),
            (Undo::Job, None) => self.execute(sqlx::query("RELEASE job")).await,
            (Undo::Job, Some(_)) => self.execute(sqlx::query("ROLLBACK TO job; RELEASE job")).await,
        };
        match left {
            Ok(_) if failed.is_none() => Ran::Done,
            Ok(_) => Ran::Undone,
            // The savepoint is gone, and the transaction with it.
            Err(_) => Ran::Spoilt,
        }
    }
}

/// What waits in the queue.
trait Job: Send {
    /// Runs it inside of the transaction, which it may have for itself.
    fn run<'u>(
        &'u mut self,
        connection: &'u mut SqliteConnection,
        alone: bool,
    ) -> Pin<Box<dyn Future<Output = Ran> + Send + 'u>>;

    /// Answers the caller, once it is known what became of the transaction.
    fn answer(self: Box<Self>, committed: std::result::Result<(), &Lost>);
}

/// Why a whole transaction came to nothing.
struct Lost {
    kind: StorageErrorKind,
    cause: Option<Arc<sqlx::Error>>,
}

impl Lost {
    fn error(&self, operation: &'static str) -> StorageError {
        match &self.cause {
            Some(cause) => StorageError::because(self.kind, operation, Arc::clone(cause)),
            None => StorageError::because(self.kind, operation, "another write of the batch failed for all"),
        }
    }
}

impl From<sqlx::Error> for Lost {
    fn from(error: sqlx::Error) -> Self {
        Self { kind: kind_of(&error), cause: Some(Arc::new(error)) }
    }
}

struct Pending<T, W> {
    operation: &'static str,
    guarded: bool,
    work: Option<W>,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, W> Job for Pending<T, W>
where
    T: Send + 'static,
    W: for<'u> FnOnce(&'u mut Unit<'_>) -> Work<'u, T> + Send + 'static,
{
    fn run<'u>(
        &'u mut self,
        connection: &'u mut SqliteConnection,
        alone: bool,
    ) -> Pin<Box<dyn Future<Output = Ran> + Send + 'u>> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return Ran::Undone };
            let mut unit = Unit::new(connection, self.operation, alone);
            let ready = if self.guarded { unit.guard().await } else { Ok(()) };
            let spoilt = ready.is_err();
            let result = match ready {
                Ok(()) => work(&mut unit).await,
                Err(error) => Err(error),
            };
            let failed = result.as_ref().err().map(StorageError::kind);
            self.result = Some(result);
            if spoilt { Ran::Spoilt } else { unit.leave(failed).await }
        })
    }

    fn answer(self: Box<Self>, committed: std::result::Result<(), &Lost>) {
        let result = match (self.result, committed) {
            // It failed by itself; what became of the others is not its caller's concern.
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(done)), Ok(())) => Ok(done),
            (_, Err(lost)) => Err(lost.error(self.operation)),
            (None, Ok(())) => Err(StorageError::new(StorageErrorKind::Unavailable, self.operation)),
        };
        // Nobody may be waiting any more.
        let _ = self.reply.send(result);
    }
}

/// The writing side of the queue.
struct Task {
    jobs: mpsc::Receiver<Message>,
    options: SqliteOptions,
    /// None while the last one broke and no new one could be opened.
    connection: Option<SqliteConnection>,
}

impl Task {
    async fn run(mut self) {
        let mut waiting = Vec::with_capacity(BATCH);
        while self.jobs.recv_many(&mut waiting, BATCH).await > 0 {
            let mut batch = Vec::with_capacity(waiting.len());
            for message in waiting.drain(..) {
                match message {
                    Message::Job(job) => batch.push(job),
                    Message::Stop => self.jobs.close(),
                }
            }
            let committed = self.transaction(&mut batch).await;
            if let Err(lost) = &committed {
                tracing::warn!(writes = batch.len(), cause = ?lost.cause, "a batch of writes was not stored");
            }
            for job in batch {
                job.answer(committed.as_ref().copied());
            }
        }
        self.end().await;
    }

    /// Runs a batch in one transaction; when this fails, nothing of it was stored.
    async fn transaction(&mut self, batch: &mut [Box<dyn Job>]) -> std::result::Result<(), Lost> {
        let alone = match batch {
            [] => return Ok(()),
            [_] => true,
            _ => false,
        };
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.writer().await?,
        };
        if let Err(error) = sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await {
            self.keep(connection).await;
            return Err(error.into());
        }
        for job in batch {
            if let Ran::Spoilt = job.run(&mut connection, alone).await {
                self.keep(connection).await;
                return Err(Lost { kind: StorageErrorKind::Unavailable, cause: None });
            }
        }
        if let Err(error) = sqlx::query("COMMIT").execute(&mut connection).await {
            self.keep(connection).await;
            return Err(error.into());
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// Keeps a connection for the next batch after something went wrong, if it is free of any transaction.
    async fn keep(&mut self, mut connection: SqliteConnection) {
        let rolled_back = sqlx::query("ROLLBACK").execute(&mut connection).await;
        let free = match &rolled_back {
            Ok(_) => true,
            Err(sqlx::Error::Database(error)) => error.message().contains("no transaction is active"),
            Err(_) => false,
        };
        self.connection = free.then_some(connection);
    }

    /// Moves everything into the database file, so that it alone is all there is, and lets go of it.
    async fn end(self) {
        let Some(mut connection) = self.connection else { return };
        let moved = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await;
        let closed = connection.close().await;
        if let Err(error) = moved.map(|_| ()).and(closed) {
            // Nothing is lost: the next one to open the file reads the log.
            tracing::warn!(error = &error as &dyn std::error::Error, "the last checkpoint failed");
        }
    }
}
