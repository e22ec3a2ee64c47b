//! A queue of calls of one function: whatever waits is one statement, and one transaction.
//!
//! Many turns share one way to the database and one fsync like that, without a timer: while one batch is being
//! committed, the next one gathers. Each call is its own row of the statement; what one of them runs into is its own
//! answer. A batch is ordered by tenant, so that two batches never wait for each other in a circle.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bob_core::storage::{Result, StorageError, StorageErrorKind};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments as _, Encode, PgConnection, Postgres, SqlStr, Type};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::error::{corrupt, is_clash, is_locked, is_lost, kind_of, unavailable};
use super::pool::Pool;

/// How many calls share one transaction at most: more would make the first wait for the last.
const BATCH: usize = 128;

/// How long a caller waits. What still is in the queue by then is not done any more.
const PATIENCE: Duration = Duration::from_secs(7);

/// How often a batch is tried again that met another transaction or a broken connection.
const TRIES: u32 = 3;

/// What is called, once for each row.
pub(super) trait Call: Send + Sync + 'static {
    /// What it is called in errors.
    const OPERATION: &'static str;

    /// Whose rows it writes.
    fn tenant(&self) -> Uuid;

    /// The parameters of a batch: an array for each column. `again` when the calls may have been done already.
    fn arguments(calls: &[&Self], again: bool) -> std::result::Result<PgArguments, sqlx::error::BoxDynError>;
}

/// The way to the queue; its task ends when this is gone and the queue is empty.
pub(super) struct Lane<C> {
    queue: mpsc::Sender<Message<C>>,
    ended: watch::Receiver<()>,
}

struct Waiting<C> {
    call: C,
    reply: oneshot::Sender<Result<PgRow>>,
}

enum Message<C> {
    Call(Waiting<C>),
    Stop,
}

impl<C: Call> Lane<C> {
    /// Starts the task on the current runtime.
    pub(super) fn start(pool: Pool, statement: SqlStr, queue: usize) -> Self {
        let (queue, calls) = mpsc::channel(queue);
        let (running, ended) = watch::channel(());
        tokio::spawn(async move {
            Task { pool, statement, calls, connection: None }.run().await;
            drop(running);
        });
        Self { queue, ended }
    }

    /// Calls the function and answers its row, once that is committed. Whoever goes away or has waited for 7 seconds
    /// leaves it open whether a call that was under way is done.
    pub(super) async fn call(&self, call: C) -> Result<PgRow> {
        let (reply, answer) = oneshot::channel();
        if self.queue.try_send(Message::Call(Waiting { call, reply })).is_err() {
            return Err(unavailable(C::OPERATION, "the queue is full or closed"));
        }
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(answered) => answered.unwrap_or_else(|_| Err(unavailable(C::OPERATION, "the queue ended"))),
            Err(_) => Err(unavailable(C::OPERATION, "the database did not answer in time")),
        }
    }

    /// Lets the task finish what is queued, and waits until it has ended.
    pub(super) async fn close(&self) {
        // A closed channel means that it ends already.
        let _ = self.queue.send(Message::Stop).await;
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

impl<C> fmt::Debug for Lane<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").finish_non_exhaustive()
    }
}

/// The writing side of the queue.
struct Task<C> {
    pool: Pool,
    statement: SqlStr,
    calls: mpsc::Receiver<Message<C>>,
    /// None until the first call, and after the last one broke.
    connection: Option<PgConnection>,
}

impl<C: Call> Task<C> {
    async fn run(mut self) {
        let mut waiting = Vec::with_capacity(BATCH);
        while self.calls.recv_many(&mut waiting, BATCH).await > 0 {
            let mut batch = Vec::with_capacity(waiting.len());
            for message in waiting.drain(..) {
                match message {
                    Message::Call(call) => batch.push(call),
                    Message::Stop => self.calls.close(),
                }
            }
            // Nobody waits for these any more.
            batch.retain(|waiting: &Waiting<C>| !waiting.reply.is_closed());
            batch.sort_by_key(|waiting| waiting.call.tenant());
            if !batch.is_empty() {
                self.serve(batch).await;
            }
        }
    }

    /// Does all calls of a batch at once; one by one when one of them spoils it for the others.
    async fn serve(&mut self, batch: Vec<Waiting<C>>) {
        let calls: Vec<&C> = batch.iter().map(|waiting| &waiting.call).collect();
        match self.attempt(&calls).await {
            Ok(rows) => {
                for (waiting, row) in batch.into_iter().zip(rows) {
                    // Nobody may be waiting any more.
                    let _ = waiting.reply.send(Ok(row));
                }
            }
            Err(Failure::Alone(error)) if batch.len() > 1 => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a batch of turns is written one by one"
                );
                let mut locked = None;
                for waiting in batch {
                    let tenant = waiting.call.tenant();
                    let row = if locked == Some(tenant) {
                        Err(unavailable(C::OPERATION, "somebody holds the tenant's credits"))
                    } else {
                        self.alone(&waiting.call).await
                    };
                    if row.as_ref().is_err_and(|error| error.kind() == StorageErrorKind::Unavailable) {
                        locked = Some(tenant);
                    }
                    let _ = waiting.reply.send(row);
                }
            }
            Err(failure) => {
                let (kind, error) = failure.shared();
                tracing::warn!(turns = batch.len(), error = &*error as &dyn std::error::Error, "not stored");
                for waiting in batch {
                    let error = StorageError::because(kind, C::OPERATION, Arc::clone(&error));
                    let _ = waiting.reply.send(Err(error));
                }
            }
        }
    }

    async fn alone(&mut self, call: &C) -> Result<PgRow> {
        match self.attempt(&[call]).await {
            Ok(rows) => {
                rows.into_iter().next().ok_or_else(|| corrupt(C::OPERATION, "the function answered no row"))
            }
            Err(failure) => {
                let (kind, error) = failure.shared();
                Err(StorageError::because(kind, C::OPERATION, error))
            }
        }
    }

    /// One statement; tried again where that is safe.
    async fn attempt(&mut self, calls: &[&C]) -> std::result::Result<Vec<PgRow>, Failure> {
        let mut again = false;
        let mut tries = 0;
        loop {
            tries += 1;
            // Nothing more can be learned from a server that cannot be reached, and others wait.
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => self.pool.connect().await.map_err(Failure::All)?,
            };
            let arguments =
                C::arguments(calls, again).map_err(|error| Failure::All(sqlx::Error::Encode(error)))?;
            let statement = sqlx::query_with(self.statement.clone(), arguments);
            let failed = match self.pool.answer(statement.fetch_all(&mut connection)).await {
                Ok(rows) if rows.len() == calls.len() => {
                    self.connection = Some(connection);
                    return Ok(rows);
                }
                Ok(_) => return Err(Failure::All(sqlx::Error::RowNotFound)),
                Err(error) => error,
            };
            if is_lost(&failed) {
                again = true;
            } else {
                self.connection = Some(connection);
                if !is_clash(&failed) {
                    let all = kind_of(&failed) == StorageErrorKind::Unavailable && !is_locked(&failed);
                    return Err(if all { Failure::All(failed) } else { Failure::Alone(failed) });
                }
            }
            if tries == TRIES {
                return Err(Failure::All(failed));
            }
        }
    }
}

/// Why a statement came to nothing.
enum Failure {
    /// One call may have spoilt it for the others.
    Alone(sqlx::Error),
    /// It would be the same for each of them.
    All(sqlx::Error),
}

impl Failure {
    fn shared(self) -> (StorageErrorKind, Arc<sqlx::Error>) {
        let (Self::Alone(error) | Self::All(error)) = self;
        (kind_of(&error), Arc::new(error))
    }
}

/// The parameters of a batch: each column of its calls as an array.
pub(super) struct Columns<'c, C> {
    calls: &'c [&'c C],
    arguments: PgArguments,
}

impl<'c, C> Columns<'c, C> {
    pub(super) fn of(calls: &'c [&'c C]) -> Self {
        Self { calls, arguments: PgArguments::default() }
    }

    /// Adds the next column.
    pub(super) fn add<T>(
        &mut self,
        cell: impl Fn(&'c C) -> T,
    ) -> std::result::Result<&mut Self, sqlx::error::BoxDynError>
    where
        Vec<T>: Encode<'c, Postgres> + Type<Postgres>,
    {
        self.arguments.add(self.calls.iter().map(|call| cell(call)).collect::<Vec<T>>())?;
        Ok(self)
    }

    pub(super) fn end(self) -> PgArguments {
        self.arguments
    }

    /// Adds what is the same for all calls, and ends.
    pub(super) fn and<T>(mut self, common: T) -> std::result::Result<PgArguments, sqlx::error::BoxDynError>
    where
        T: for<'q> Encode<'q, Postgres> + Type<Postgres>,
    {
        self.arguments.add(common)?;
        Ok(self.arguments)
    }
}
