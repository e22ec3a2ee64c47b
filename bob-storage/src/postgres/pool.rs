//! Connections that are lent out one at a time.
//!
//! One that was dropped in the middle of something is closed instead of being lent again, so nothing needs to be tested
//! or repaired; one that died while it lay here is replaced by whoever notices ([`Lent::is_fresh`]). No wait is without
//! a bound.

use std::fmt;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a connection may lie unused: firewalls forget them after a while, and say nothing.
const STALE: Duration = Duration::from_secs(5 * 60);

/// At most so many connections, made as they are needed.
pub(super) struct Pool {
    connect: PgConnectOptions,
    /// How long to wait for a connection, be it a new one or one that another caller has.
    acquire: Duration,
    /// How long to wait for the answer to a statement.
    answer: Duration,
    slots: Semaphore,
    idle: Mutex<Vec<(PgConnection, Instant)>>,
}

/// A connection of one caller.
pub(super) struct Lent<'p> {
    pool: &'p Pool,
    connection: PgConnection,
    fresh: bool,
    _slot: SemaphorePermit<'p>,
}

/// Waits no longer than `patience`.
pub(super) async fn within<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let late = |_| sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time"));
    tokio::time::timeout(patience, work).await.unwrap_or_else(|elapsed| Err(late(elapsed)))
}

impl Pool {
    pub(super) fn new(
        connect: PgConnectOptions,
        connections: usize,
        acquire: Duration,
        answer: Duration,
    ) -> Self {
        let slots = Semaphore::new(connections);
        Self { connect, acquire, answer, slots, idle: Mutex::default() }
    }

    /// A new connection, which is not counted.
    pub(super) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        within(self.acquire, self.connect.connect()).await
    }

    /// The answer to a statement, or an error when it takes longer than the server should ever let it.
    pub(super) async fn answer<T>(
        &self,
        statement: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        within(self.answer, statement).await
    }

    /// A connection that was used a moment ago, or a new one.
    pub(super) async fn lend(&self) -> Result<Lent<'_>, sqlx::Error> {
        let closed = |_| sqlx::Error::PoolClosed;
        let slot = within(self.acquire, async { self.slots.acquire().await.map_err(closed) }).await?;
        let (connection, fresh) = match self.unused() {
            Some(connection) => (connection, false),
            None => (self.connect().await?, true),
        };
        Ok(Lent { pool: self, connection, fresh, _slot: slot })
    }

    /// The connection that was used last, so that those which are too many grow stale.
    fn unused(&self) -> Option<PgConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < STALE);
        idle.pop().map(|(connection, _)| connection)
    }

    /// Lends no more, and closes what lies here; what is lent is closed when it comes back.
    pub(super) async fn close(&self) {
        self.slots.close();
        while let Some(connection) = self.unused() {
            // The server notices either way.
            let _ = within(self.acquire, connection.close()).await;
        }
    }
}

impl Lent<'_> {
    /// Whether it was made just now, so that it cannot have died while nobody looked.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }

    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Gives the connection to the next caller; it must be outside of any transaction, and all answers read.
    pub(super) fn give_back(self) {
        if !self.pool.slots.is_closed() {
            let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push((self.connection, Instant::now()));
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}
