//! Work of any number of statements, done as a whole or not at all.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bob_core::storage::Result;
use bob_core::vault::Vault;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::super::error::failed;
use super::job::{Job, Lost, Place, Promise, run};
use super::roll_back;
use super::script::Query;

/// What a job does to the database.
pub(in crate::sqlite) type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'c>>;

/// Work and the answer to it.
pub(super) struct Whole<T, W> {
    work: Option<W>,
    vault: Arc<Vault>,
    promise: Promise<T>,
}

impl<T, W> Whole<T, W> {
    pub(super) fn new(work: W, vault: Arc<Vault>, promise: Promise<T>) -> Self {
        Self { work: Some(work), vault, promise }
    }
}

#[async_trait]
impl<T, W> Job for Whole<T, W>
where
    T: Send + 'static,
    W: for<'u> FnOnce(&'u mut Unit<'_>) -> Work<'u, T> + Send + 'static,
{
    async fn run(
        &mut self,
        connection: &mut SqliteConnection,
        place: Place,
    ) -> std::result::Result<(), Lost> {
        place.begin(connection).await?;
        // Alone it has the transaction to undo it with.
        if !place.alone() {
            run(connection, "SAVEPOINT job").await?;
        }
        let Some(work) = self.work.take() else { return place.commit(connection).await };
        let (vault, operation) = (&*self.vault, self.promise.operation);
        let result = work(&mut Unit { connection, vault, operation }).await;
        let done = result.is_ok();
        self.promise.result = Some(result);
        match (done, place.alone()) {
            (true, true) => {}
            (true, false) => run(connection, "RELEASE job").await?,
            (false, true) => return Ok(roll_back(connection).await?),
            (false, false) => run(connection, "ROLLBACK TO job; RELEASE job").await?,
        }
        place.commit(connection).await
    }

    fn answer(self: Box<Self>, committed: std::result::Result<(), &Lost>) {
        self.promise.keep(committed);
    }
}

/// A job's part of the transaction.
pub(in crate::sqlite) struct Unit<'c> {
    connection: &'c mut SqliteConnection,
    vault: &'c Vault,
    operation: &'static str,
}

impl<'c> Unit<'c> {
    /// What seals and opens content.
    pub(in crate::sqlite) fn vault(&self) -> &'c Vault {
        self.vault
    }

    /// The operation that the work is.
    pub(in crate::sqlite) fn operation(&self) -> &'static str {
        self.operation
    }

    /// Runs a statement and answers its rows.
    pub(in crate::sqlite) async fn rows(&mut self, query: Query) -> Result<Vec<SqliteRow>> {
        query.fetch_all(&mut *self.connection).await.map_err(failed(self.operation))
    }

    /// Runs a statement to its end and answers its first row.
    pub(in crate::sqlite) async fn row(&mut self, query: Query) -> Result<Option<SqliteRow>> {
        Ok(self.rows(query).await?.into_iter().next())
    }

    /// Runs a statement and answers how many rows it changed.
    pub(in crate::sqlite) async fn execute(&mut self, query: Query) -> Result<u64> {
        let done = query.execute(&mut *self.connection).await.map_err(failed(self.operation))?;
        Ok(done.rows_affected())
    }
}
