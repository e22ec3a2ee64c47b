//! One transaction of one caller, and questions that are a single statement.
//!
//! Whatever is asked for says whose rows it may see: the database hides all others (row-level security), so a condition
//! that was forgotten shows nothing. A transaction sets that first. A question does it within its own statement, which
//! spares the way there and back: `bob.tenant` is set by a subquery that the rest depends on for each of its rows
//! (`CROSS JOIN LATERAL`), and `OFFSET 0` keeps the planner from merging the two, so that the setting comes first.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bob_core::id::TenantId;
use bob_core::storage::{Result, StorageError};
use bob_core::vault::Vault;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Execute as _, Executor as _, Postgres, SqlStr};

use super::PostgresStorage;
use super::error::{corrupt, failed, is_lost, unavailable};
use super::pool::{Lent, Pool};

/// How long a question may take, all in all.
const QUESTION: Duration = Duration::from_secs(7);

/// A statement with its parameters.
pub(super) type Query<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

/// What a caller does within a transaction.
pub(super) type Work<'u, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'u>>;

/// A transaction that sees one tenant.
pub(super) struct Unit<'p> {
    pool: &'p Pool,
    vault: &'p Vault,
    lent: Lent<'p>,
    operation: &'static str,
}

impl PostgresStorage {
    /// Runs `work` in a transaction that sees one tenant, and answers once it is committed; what it wrote is undone when
    /// it fails, or when its caller goes away.
    pub(super) async fn run<T, W>(&self, operation: &'static str, tenant: &TenantId, work: W) -> Result<T>
    where
        W: for<'u> FnOnce(&'u mut Unit<'_>) -> Work<'u, T>,
    {
        let mut unit = self.begin("BEGIN", operation, tenant).await?;
        let done = work(&mut unit).await;
        unit.end(done).await
    }

    /// As [`run`](Self::run), for work that only reads: all it sees is of one moment.
    pub(super) async fn at_one_moment<T, W>(
        &self,
        operation: &'static str,
        tenant: &TenantId,
        work: W,
    ) -> Result<T>
    where
        W: for<'u> FnOnce(&'u mut Unit<'_>) -> Work<'u, T>,
    {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let mut unit = self.begin(begin, operation, tenant).await?;
        let done = work(&mut unit).await;
        unit.end(done).await
    }

    /// Begins a transaction; connections that died unnoticed are left behind, since nothing was asked of them yet.
    async fn begin(
        &self,
        begin: &'static str,
        operation: &'static str,
        tenant: &TenantId,
    ) -> Result<Unit<'_>> {
        let pool = self.pool();
        loop {
            let mut lent = pool.lend().await.map_err(failed(operation))?;
            let begun = async {
                lent.connection().execute(begin).await?;
                sqlx::query("SELECT set_config('bob.tenant', $1::uuid::text, true)")
                    .bind(tenant.as_uuid())
                    .execute(lent.connection())
                    .await
            };
            match pool.answer(begun).await {
                Ok(_) => return Ok(Unit { pool, vault: self.vault(), lent, operation }),
                Err(error) if is_lost(&error) && !lent.is_fresh() => {}
                Err(error) => return Err(failed(operation)(error)),
            }
        }
    }

    /// The rows of a question: one statement that sets by itself whose rows it sees.
    pub(super) async fn rows(&self, operation: &'static str, question: Query<'_>) -> Result<Vec<PgRow>> {
        // Waiting for a connection, making one and waiting for the answer may add up, and be done twice.
        match tokio::time::timeout(QUESTION, self.ask(operation, question)).await {
            Ok(answered) => answered,
            Err(_) => Err(unavailable(operation, "the database did not answer in time")),
        }
    }

    async fn ask(&self, operation: &'static str, question: Query<'_>) -> Result<Vec<PgRow>> {
        let (sql, arguments) = taken_apart(operation, question)?;
        loop {
            let mut lent = self.pool().lend().await.map_err(failed(operation))?;
            let ask = sqlx::query_with(sql.clone(), arguments.clone()).fetch_all(lent.connection());
            match self.pool().answer(ask).await {
                Err(error) if is_lost(&error) && !lent.is_fresh() => {}
                Err(error) => {
                    if !is_lost(&error) {
                        lent.give_back();
                    }
                    return Err(failed(operation)(error));
                }
                Ok(rows) => {
                    lent.give_back();
                    return Ok(rows);
                }
            }
        }
    }

    /// The first row of a question.
    pub(super) async fn row(&self, operation: &'static str, question: Query<'_>) -> Result<Option<PgRow>> {
        Ok(self.rows(operation, question).await?.into_iter().next())
    }
}

/// A statement that may be asked again.
fn taken_apart(operation: &'static str, mut query: Query<'_>) -> Result<(SqlStr, PgArguments)> {
    let arguments = query.take_arguments().map_err(|error| corrupt(operation, error))?;
    Ok((query.sql(), arguments.unwrap_or_default()))
}

impl<'p> Unit<'p> {
    /// What seals and opens content.
    pub(super) fn vault(&self) -> &'p Vault {
        self.vault
    }

    /// The operation that the work is.
    pub(super) fn operation(&self) -> &'static str {
        self.operation
    }

    /// Runs a statement and answers its rows.
    pub(super) async fn rows(&mut self, query: Query<'_>) -> Result<Vec<PgRow>> {
        let asked = query.fetch_all(self.lent.connection());
        self.pool.answer(asked).await.map_err(failed(self.operation))
    }

    /// Runs a statement to its end and answers its first row.
    pub(super) async fn row(&mut self, query: Query<'_>) -> Result<Option<PgRow>> {
        Ok(self.rows(query).await?.into_iter().next())
    }

    /// Runs a statement and answers how many rows it changed.
    pub(super) async fn execute(&mut self, query: Query<'_>) -> Result<u64> {
        let asked = query.execute(self.lent.connection());
        let done = self.pool.answer(asked).await.map_err(failed(self.operation))?;
        Ok(done.rows_affected())
    }

    /// Commits what was done, or undoes what was not.
    async fn end<T>(mut self, done: Result<T>) -> Result<T> {
        let last = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
        match self.pool.answer(self.lent.connection().execute(last)).await {
            Ok(_) => {
                self.lent.give_back();
                done
            }
            Err(error) => done.and_then(|_| Err::<T, StorageError>(failed(self.operation)(error))),
        }
    }
}
