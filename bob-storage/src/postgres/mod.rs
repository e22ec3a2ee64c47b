//! All storage ports on PostgreSQL: any number of nodes on one database.

mod account;
mod audit;
mod claim;
mod conversation;
mod credit;
mod error;
mod functions;
mod identity;
mod import;
mod inbox;
mod keys;
mod knowledge;
mod lane;
mod link;
mod listen;
mod login;
mod member;
mod migrate;
mod open;
mod outbox;
mod persona;
mod pool;
mod pricebook;
mod release;
mod rows;
mod signing_key;
mod standing;
mod tenant;
mod turn;
mod unit;
mod version;
mod visitor;
mod widget_key;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bob_core::id::TenantId;
use bob_core::inbox::Stir;
use bob_core::keyring::{Keyring, PurposeKeys};
use bob_core::storage::{Result, Storage, StorageError, StorageErrorKind};
use bob_core::vault::Vault;
use jiff::Timestamp;
use sqlx::{PgConnection, Row as _};
use tokio::sync::broadcast;

use functions::Functions;
use lane::Lane;
use listen::Listener;
use pool::Pool;
use rows::{Cells, micros};
use turn::{Begin, Finish};

use crate::error::OpenError;

pub(crate) use error::kind_of;
pub use open::PostgresOptions;

/// Storage in a PostgreSQL database, which any number of nodes share. Clones share the connections.
///
/// Each transaction of a turn is one call of a function in the database; calls that wait together are one statement and
/// are committed together. Everything else is a transaction of its own. A lease is counted by the database's clock.
///
/// Rows are fenced by tenant in the database too (row-level security, forced on the owner): a statement that forgets
/// the tenant sees nothing. [`warnings`](Storage::warnings) says when the database role is exempt from that.
///
/// When the connection breaks while a transaction other than a turn's is being committed, the answer is
/// [`Unavailable`](StorageErrorKind::Unavailable) and nobody knows whether it was. Turns are asked again by
/// their identifiers, so that each is opened and closed once; only when the database stays away is the answer
/// `Unavailable`, and a turn that was opened is then given up with its lease.
///
/// When the last clone is dropped, turns that wait are still written. What was lost is connected to again by the next
/// call; no wait is longer than the timeouts of [`PostgresOptions`].
#[derive(Clone)]
pub struct PostgresStorage {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Pool,
    begins: Lane<Begin>,
    finishes: Lane<Finish>,
    functions: Functions,
    listener: Listener,
    vault: Vault,
    warnings: Vec<&'static str>,
    time_from_acts: bool,
}

impl PostgresStorage {
    /// Opens a database, which must exist, and brings its tables up to date; `keyring` opens its keys, or founds them in
    /// an empty one.
    ///
    /// Starts the queues of turns, and a listener for changes, on the current tokio runtime, which must outlive the
    /// storage.
    ///
    /// # Errors
    ///
    /// [`OpenErrorKind`](crate::OpenErrorKind) says what can be done about each.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time enabled.
    pub async fn open(
        options: PostgresOptions,
        keyring: Arc<dyn Keyring>,
    ) -> std::result::Result<Self, OpenError> {
        let pool = options.pool();
        let functions = Functions::of_this_version();
        let mut connection = pool.connect().await?;
        let platform =
            migrate::migrate(&mut connection, &functions, &*keyring, migrate::STEPS, !options.existing)
                .await?;
        let warnings = warnings(&mut connection).await?;
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        drop(connection);
        let vault = Vault::open(keyring, &platform).await?;
        let shared = Shared {
            begins: Lane::start(options.pool_of_lanes(1), functions.named(turn::BEGIN), options.queue),
            finishes: Lane::start(options.pool_of_lanes(1), functions.named(turn::FINISH), options.queue),
            listener: Listener::start(options.listening()),
            pool,
            functions,
            vault,
            warnings,
            time_from_acts: options.time_from_acts,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Lets the turns that wait be written, and closes all connections.
    ///
    /// Every later call, on any clone, is answered with [`StorageErrorKind::Unavailable`].
    pub async fn close(&self) {
        self.shared.listener.stop();
        self.shared.begins.close().await;
        self.shared.finishes.close().await;
        self.shared.pool.close().await;
    }

    fn pool(&self) -> &Pool {
        &self.shared.pool
    }

    fn vault(&self) -> &Vault {
        &self.shared.vault
    }

    /// What leases are counted by: the database's own clock when none.
    fn time(&self, at: Timestamp) -> Option<i64> {
        self.shared.time_from_acts.then(|| micros(at))
    }
}

/// What an operator should change about the database.
async fn warnings(connection: &mut PgConnection) -> std::result::Result<Vec<&'static str>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT row_security_active('bob_tenants'), current_setting('synchronous_commit') <> 'off',
             current_setting('fsync') = 'on'",
    )
    .fetch_one(connection)
    .await?;
    let facts = [
        "the database role is a superuser or has BYPASSRLS, so row-level security does not hold: give Bob a role of its own",
        "synchronous_commit is off, so what was acknowledged may be lost in a crash: turn it on for Bob's role",
        "fsync is off, so a crash may destroy the database: turn it on",
    ];
    let mut warnings = Vec::new();
    for (at, warning) in facts.into_iter().enumerate() {
        if !row.try_get::<bool, _>(at)? {
            warnings.push(warning);
        }
    }
    Ok(warnings)
}

impl fmt::Debug for PostgresStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStorage").finish_non_exhaustive()
    }
}

#[async_trait]
impl Storage for PostgresStorage {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn purpose_keys(&self) -> &PurposeKeys {
        self.vault().purpose_keys()
    }

    fn warnings(&self) -> &[&'static str] {
        &self.shared.warnings
    }

    fn changes(&self) -> Option<broadcast::Receiver<TenantId>> {
        Some(self.shared.listener.changes())
    }

    fn stirs(&self) -> Option<broadcast::Receiver<Stir>> {
        Some(self.shared.listener.stirs())
    }

    async fn tell_stir(&self, stir: Stir) -> Result<()> {
        const OPERATION: &str = "tell_stir";
        let tell = sqlx::query("SELECT pg_notify('bob_conversation', $1)").bind(listen::payload(&stir));
        self.row(OPERATION, tell).await?;
        Ok(())
    }

    async fn check(&self) -> Result<()> {
        const OPERATION: &str = "check";
        let now = micros(Timestamp::now());
        let write = sqlx::query(
            "INSERT INTO bob_health (node, at) VALUES (0, $1)
             ON CONFLICT (node) DO UPDATE SET at = greatest(bob_health.at, excluded.at)
             RETURNING at",
        )
        .bind(now);
        let written = self.row(OPERATION, write).await?;
        let read: i64 = match &written {
            Some(row) => Cells::of(row, OPERATION).take()?,
            None => return Err(StorageError::new(StorageErrorKind::Unavailable, OPERATION)),
        };
        if read >= now { Ok(()) } else { Err(StorageError::new(StorageErrorKind::Unavailable, OPERATION)) }
    }
}

/// Nothing of that name, or another tenant's.
fn not_found(operation: &'static str) -> StorageError {
    StorageError::new(StorageErrorKind::NotFound, operation)
}
