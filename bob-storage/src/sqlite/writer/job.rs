//! What waits in the queue: its place in a transaction, and its answer.

use std::sync::Arc;

use async_trait::async_trait;
use bob_core::storage::{Result, StorageError, StorageErrorKind};
use sqlx::{SqliteConnection, query};
use tokio::sync::oneshot;

use super::super::error::kind_of;

/// One job of a transaction.
#[async_trait]
pub(super) trait Job: Send {
    /// Runs it at its place. When its own work fails, nothing of that is left and the transaction goes on.
    ///
    /// # Errors
    ///
    /// When the transaction is lost, and with it what all its jobs wrote.
    async fn run(&mut self, connection: &mut SqliteConnection, place: Place)
    -> std::result::Result<(), Lost>;

    /// Answers the caller, once it is known what became of the transaction.
    fn answer(self: Box<Self>, committed: std::result::Result<(), &Lost>);
}

/// Where in its transaction a job stands: the first begins it, the last commits it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) first: bool,
    pub(super) last: bool,
}

impl Place {
    pub(super) fn alone(self) -> bool {
        self.first && self.last
    }

    pub(super) async fn begin(self, connection: &mut SqliteConnection) -> std::result::Result<(), Lost> {
        if self.first { run(connection, "BEGIN IMMEDIATE").await } else { Ok(()) }
    }

    pub(super) async fn commit(self, connection: &mut SqliteConnection) -> std::result::Result<(), Lost> {
        if self.last { run(connection, "COMMIT").await } else { Ok(()) }
    }
}

/// Runs a statement without which the transaction is lost.
pub(super) async fn run(
    connection: &mut SqliteConnection,
    sql: &'static str,
) -> std::result::Result<(), Lost> {
    query(sql).execute(connection).await?;
    Ok(())
}

/// Why a whole transaction came to nothing.
pub(super) struct Lost {
    kind: StorageErrorKind,
    pub(super) cause: Arc<dyn std::error::Error + Send + Sync>,
}

impl Lost {
    /// For a reason that is no error of the database.
    pub(super) fn unavailable(why: &'static str) -> Self {
        Self { kind: StorageErrorKind::Unavailable, cause: Arc::from(Box::from(why)) }
    }
}

impl From<sqlx::Error> for Lost {
    fn from(error: sqlx::Error) -> Self {
        Self { kind: kind_of(&error), cause: Arc::new(error) }
    }
}

/// The answer that a caller waits for.
pub(super) struct Promise<T> {
    pub(super) operation: &'static str,
    pub(super) result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T> Promise<T> {
    pub(super) fn new(operation: &'static str, reply: oneshot::Sender<Result<T>>) -> Self {
        Self { operation, result: None, reply }
    }

    /// Answers.
    pub(super) fn keep(self, committed: std::result::Result<(), &Lost>) {
        let result = match (self.result, committed) {
            // It failed by itself; what became of the others is not its caller's concern.
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(done)), Ok(())) => Ok(done),
            (_, Err(lost)) => Err(StorageError::because(lost.kind, self.operation, Arc::clone(&lost.cause))),
            (None, Ok(())) => Err(StorageError::new(StorageErrorKind::Unavailable, self.operation)),
        };
        // Nobody may be waiting any more.
        let _ = self.reply.send(result);
    }
}
