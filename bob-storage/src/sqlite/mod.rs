//! All storage ports on SQLite: one file, one writer that groups commits, several readers.

mod account;
mod audit;
mod backup;
mod claim;
mod conversation;
mod credit;
mod error;
mod identity;
mod import;
mod inbox;
mod key;
mod knowledge;
mod link;
mod login;
mod member;
mod migrate;
mod open;
mod outbox;
mod persona;
mod pricebook;
mod release;
mod rows;
mod signing_key;
mod standing;
mod tenant;
mod turn;
mod version;
mod visitor;
mod widget_key;
mod writer;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bob_core::keyring::{Keyring, PurposeKeys};
use bob_core::storage::{Result, Storage, StorageError, StorageErrorKind};
use bob_core::vault::Vault;
use jiff::Timestamp;
use sqlx::SqlitePool;

use error::failed;
use rows::{Cells, micros};
use writer::Writer;

use crate::error::OpenError;

pub use backup::{BackupError, BackupErrorKind, backup, restore};
pub(crate) use error::kind_of;
pub use open::SqliteOptions;

/// Storage in one SQLite file. Clones share it.
///
/// Writes go through one task that runs whatever waits in one transaction and answers when it is on disk
/// (`synchronous=FULL`), so many turns share one `fsync`; reads have connections of their own and never wait for a
/// write. Several processes may share the file.
///
/// When the last clone is dropped, the writer finishes what is queued and ends; [`close`](Self::close) waits for that.
///
/// ```
/// use std::sync::Arc;
///
/// use bob_core::keyring::LocalKeyring;
/// use bob_core::storage::{Storage as _, TenantStore as _};
/// use bob_core::tenant::TenantRef;
/// use bob_storage::{SqliteOptions, SqliteStorage};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("bob.db");
/// // Yours comes from a file or a key service, and stays the same.
/// let keyring = LocalKeyring::from_root([7; 32]);
/// let storage = SqliteStorage::open(SqliteOptions::file(path), Arc::new(keyring)).await?;
/// storage.check().await?;
/// assert_eq!(storage.find_tenant(&TenantRef::Slug("shop".parse()?)).await?, None);
/// storage.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteStorage {
    shared: Arc<Shared>,
}

struct Shared {
    vault: Arc<Vault>,
    writer: Writer,
    readers: SqlitePool,
    options: SqliteOptions,
}

impl SqliteStorage {
    /// Opens a database, makes it if there is none, and brings its tables up to date.
    ///
    /// What visitors and people say and are rests sealed in it, under keys that `keyring` wraps: all who open the file
    /// need a keyring with the same root key, and without one its content is lost. A keyring that is not the one the
    /// database was founded with is refused, and nothing is changed.
    ///
    /// Starts the writer on the current tokio runtime, which must outlive the storage.
    ///
    /// # Errors
    ///
    /// [`OpenErrorKind`](crate::OpenErrorKind) says what can be done about each.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time enabled.
    pub async fn open(
        options: SqliteOptions,
        keyring: Arc<dyn Keyring>,
    ) -> std::result::Result<Self, OpenError> {
        let (connection, vault) = options.prepare(&keyring).await?;
        let readers = options.reader_pool();
        let vault = Arc::new(vault);
        let writer = Writer::start(connection, Arc::clone(&vault), options.clone());
        Ok(Self { shared: Arc::new(Shared { vault, writer, readers, options }) })
    }

    /// Lets what is queued be written, moves everything into the one file, and closes it.
    ///
    /// Every later call, on any clone, is answered with [`StorageErrorKind::Unavailable`].
    pub async fn close(&self) {
        // Readers first, so that none of them holds up the writer's last checkpoint.
        self.shared.readers.close().await;
        self.shared.writer.close().await;
    }

    fn vault(&self) -> &Vault {
        &self.shared.vault
    }

    /// The vault, for work that runs on the writer's task.
    fn shared_vault(&self) -> Arc<Vault> {
        Arc::clone(&self.shared.vault)
    }

    fn writer(&self) -> &Writer {
        &self.shared.writer
    }

    fn readers(&self) -> &SqlitePool {
        &self.shared.readers
    }
}

impl fmt::Debug for SqliteStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStorage").finish_non_exhaustive()
    }
}

#[async_trait]
impl Storage for SqliteStorage {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn purpose_keys(&self) -> &PurposeKeys {
        self.vault().purpose_keys()
    }

    async fn check(&self) -> Result<()> {
        const OPERATION: &str = "check";
        let now = micros(Timestamp::now());
        let write = sqlx::query("INSERT OR REPLACE INTO bob_health (node, at) VALUES (0, $1)").bind(now);
        self.writer().run(OPERATION, move |unit| Box::pin(async { unit.execute(write).await })).await?;
        let row = sqlx::query("SELECT at FROM bob_health WHERE node = 0").fetch_one(self.readers()).await;
        let read: i64 = Cells::of(&row.map_err(failed(OPERATION))?, OPERATION).take()?;
        // Another process may have checked in between.
        if read >= now { Ok(()) } else { Err(StorageError::new(StorageErrorKind::Unavailable, OPERATION)) }
    }
}

/// Nothing of that name, or another tenant's.
fn not_found(operation: &'static str) -> StorageError {
    StorageError::new(StorageErrorKind::NotFound, operation)
}
