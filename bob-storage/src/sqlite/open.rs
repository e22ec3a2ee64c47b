//! Options and connections.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bob_core::keyring::Keyring;
use bob_core::vault::Vault;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};

use super::error::is_busy;
use super::migrate::{STEPS, migrate};
use super::turn::PROCEDURES;
use crate::error::{OpenError, OpenErrorKind, ParseOptionsError};

/// What an address must be.
const EXPECTED: &str = "write sqlite:// and the path of a file, such as sqlite://bob.db";

/// How long to wait before a database that somebody else is just creating is tried again.
const RETRY: Duration = Duration::from_millis(10);

/// How a database file is opened.
///
/// ```
/// use std::time::Duration;
///
/// use bob_storage::SqliteOptions;
///
/// let options: SqliteOptions = "sqlite://bob.db".parse()?;
/// let options = options.busy_timeout(Duration::from_secs(2)).readers(8);
/// # Ok::<(), bob_storage::ParseOptionsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    path: PathBuf,
    pub(super) busy_timeout: Duration,
    readers: u32,
    pub(super) queue: usize,
    max_bytes: Option<u64>,
    pub(super) max_log_bytes: u64,
    existing: bool,
    synchronous: SqliteSynchronous,
}

impl SqliteOptions {
    /// Opens the file at `path`, and makes it if there is none; its folder must exist.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            busy_timeout: Duration::from_secs(5),
            readers: 4,
            queue: 1_024,
            max_bytes: None,
            max_log_bytes: 64 << 20,
            existing: false,
            synchronous: SqliteSynchronous::Full,
        }
    }

    /// Opens only a database that Bob has made before; nothing is made, and without one the error is
    /// [`OpenErrorKind::Missing`].
    #[must_use]
    pub fn existing(mut self) -> Self {
        self.existing = true;
        self
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How long to wait for another process that has the file locked; 5 seconds.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// How many connections read at a time, at least one; 4.
    #[must_use]
    pub fn readers(mut self, readers: u32) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How many writes may wait, at least one; 1,024. A write that finds the queue full is refused at once.
    #[must_use]
    pub fn queue(mut self, writes: usize) -> Self {
        self.queue = writes.max(1);
        self
    }

    /// How large the file may grow; without a bound. Past it writes are refused as on a full disk, and reads go on.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// How large the write-ahead log beside the file may grow, at least 16 MiB; 64 MiB. Past three quarters of it writes
    /// are refused until it can be emptied, which somebody can only prevent by reading for a long time; the last quarter
    /// is for the writes under way.
    #[must_use]
    pub fn max_log_bytes(mut self, bytes: u64) -> Self {
        self.max_log_bytes = bytes.max(16 << 20);
        self
    }

    /// Answers before what was committed is on disk (`synchronous=NORMAL`): for measuring what that costs. When power
    /// fails, turns that were acknowledged are lost; the database stays whole.
    #[must_use]
    pub fn unsynced_commits(mut self) -> Self {
        self.synchronous = SqliteSynchronous::Normal;
        self
    }

    /// What every connection shares. The busy timeout comes first, so that the pragmas behind it may wait.
    fn connect(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .busy_timeout(self.busy_timeout)
            .foreign_keys(true)
            .statement_cache_capacity(64)
            .pragma("temp_store", "MEMORY")
            .disable_statement_logging()
    }

    /// A connection that writes, to a database whose tables are up to date.
    pub(super) async fn writer(&self) -> Result<SqliteConnection, sqlx::Error> {
        let mut connection = self.connect_to_write().await?;
        prepare_procedures(&mut connection).await?;
        Ok(connection)
    }

    /// Moves the write-ahead log into the database file and empties it, unless somebody still reads from it after
    /// `patience`; tells whether it did.
    ///
    /// On a connection of its own: the writer's keeps its longer patience.
    pub(super) async fn empty_log(&self, patience: Duration) -> Result<bool, sqlx::Error> {
        let mut connection = self.connect().busy_timeout(patience).connect().await?;
        let moved = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut connection).await;
        connection.close().await?;
        moved.map(|busy: i64| busy == 0)
    }

    async fn connect_to_write(&self) -> Result<SqliteConnection, sqlx::Error> {
        let options = self.connect().journal_mode(SqliteJournalMode::Wal).synchronous(self.synchronous);
        let mut connection = options.connect().await?;
        if let Some(bytes) = self.max_bytes {
            let size: i64 = sqlx::query_scalar("PRAGMA page_size").fetch_one(&mut connection).await?;
            let pages = bytes / u64::try_from(size).unwrap_or(4_096).max(1);
            let pages = i64::try_from(pages.max(1)).unwrap_or(i64::MAX);
            // A pragma takes no parameters, and a number is safe to write out.
            let bound = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
            sqlx::query(bound).execute(&mut connection).await?;
        }
        Ok(connection)
    }

    /// One connection that reads.
    pub(super) async fn reader(&self) -> Result<SqliteConnection, sqlx::Error> {
        self.connect().read_only(true).connect().await
    }

    /// Connections that read, made as they are needed.
    pub(super) fn reader_pool(&self) -> SqlitePool {
        SqlitePoolOptions::new()
            .max_connections(self.readers)
            .acquire_timeout(self.busy_timeout.max(Duration::from_secs(1)))
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(self.connect().read_only(true))
    }

    /// Makes the file if there is none, for its owner's eyes only, and brings its tables up to date.
    pub(super) async fn prepare(
        &self,
        keyring: &Arc<dyn Keyring>,
    ) -> Result<(SqliteConnection, Vault), OpenError> {
        if self.existing && !self.path.exists() {
            return Err(OpenError::because(OpenErrorKind::Missing, "the file is not there"));
        }
        create(&self.path).map_err(|error| OpenError::because(OpenErrorKind::Unavailable, error))?;
        // Turning WAL on needs the file alone and does not wait for that, so two who begin together must try again.
        let patience = Instant::now() + self.busy_timeout;
        loop {
            match self.prepare_once(keyring).await {
                Err(error) if is_busy(&error) && Instant::now() < patience => tokio::time::sleep(RETRY).await,
                prepared => return prepared,
            }
        }
    }

    async fn prepare_once(&self, keyring: &Arc<dyn Keyring>) -> Result<(SqliteConnection, Vault), OpenError> {
        let mut connection = self.connect_to_write().await?;
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await?;
        if !mode.eq_ignore_ascii_case("wal") {
            let why = "the file system has no shared memory, which WAL needs";
            return Err(OpenError::because(OpenErrorKind::Unavailable, why));
        }
        let vault = migrate(&mut connection, STEPS, keyring, !self.existing).await?;
        prepare_procedures(&mut connection).await?;
        Ok((connection, vault))
    }
}

async fn prepare_procedures(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    for procedure in PROCEDURES {
        sqlx::raw_sql(procedure).execute(&mut *connection).await?;
    }
    Ok(())
}

impl FromStr for SqliteOptions {
    type Err = ParseOptionsError;

    /// Reads `sqlite://` and a path, relative (`sqlite://bob.db`) or absolute (`sqlite:///var/lib/bob.db`).
    fn from_str(url: &str) -> Result<Self, ParseOptionsError> {
        if !url.starts_with("sqlite:") || url.contains('?') || url.contains(":memory:") {
            return Err(ParseOptionsError::expected(EXPECTED));
        }
        let options =
            SqliteConnectOptions::from_str(url).map_err(|_| ParseOptionsError::expected(EXPECTED))?;
        let path = options.get_filename();
        // SQLite would read `file:` as an address with parameters of its own.
        if path.as_os_str().is_empty() || path.to_str().is_none_or(|path| path.starts_with("file:")) {
            return Err(ParseOptionsError::expected(EXPECTED));
        }
        Ok(Self::file(path))
    }
}

/// SQLite gives its own two files beside it the same permissions.
fn create(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use bob_core::keyring::LocalKeyring;
    use bob_core::storage::StorageErrorKind;

    use super::*;

    async fn pragma(connection: &mut SqliteConnection, sql: &'static str) -> String {
        let row = sqlx::query(sql).fetch_one(connection).await.unwrap();
        let text = sqlx::Row::try_get::<String, _>(&row, 0);
        text.unwrap_or_else(|_| sqlx::Row::get::<i64, _>(&row, 0).to_string())
    }

    #[tokio::test]
    async fn the_writer_syncs_each_commit_and_readers_only_read() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::file(folder.path().join("bob.db"));
        let keyring: Arc<dyn Keyring> = Arc::new(LocalKeyring::from_root([7; 32]));
        let (mut writer, _) = options.prepare(&keyring).await.unwrap();
        assert_eq!(pragma(&mut writer, "PRAGMA journal_mode").await, "wal");
        assert_eq!(pragma(&mut writer, "PRAGMA synchronous").await, "2");
        assert_eq!(pragma(&mut writer, "PRAGMA foreign_keys").await, "1");
        assert_eq!(pragma(&mut writer, "PRAGMA busy_timeout").await, "5000");
        let mut reader = options.reader_pool().acquire().await.unwrap();
        let written = sqlx::query("UPDATE bob_tenants SET name = ''").execute(&mut *reader).await;
        assert_eq!(super::super::error::kind_of(&written.unwrap_err()), StorageErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn commits_are_answered_unsynced_only_where_that_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::file(folder.path().join("bob.db"));
        let keyring: Arc<dyn Keyring> = Arc::new(LocalKeyring::from_root([7; 32]));
        let (mut writer, _) = options.unsynced_commits().prepare(&keyring).await.unwrap();
        assert_eq!(pragma(&mut writer, "PRAGMA synchronous").await, "1");
    }

    #[track_caller]
    fn check(url: &str, path: Option<&str>) {
        let read = url.parse::<SqliteOptions>().ok().map(|options| options.path);
        assert_eq!(read, path.map(PathBuf::from), "{url}");
    }

    #[test]
    fn a_url_names_a_file() {
        check("sqlite://bob.db", Some("bob.db"));
        check("sqlite:bob.db", Some("bob.db"));
        check("sqlite://data/bob.db", Some("data/bob.db"));
        check("sqlite:///var/lib/bob.db", Some("/var/lib/bob.db"));
    }

    #[test]
    fn what_names_no_file_is_refused() {
        for url in [
            "",
            "bob.db",
            "sqlite://",
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite://bob.db?mode=memory",
            "sqlite://file:bob.db%3Fmode=memory",
            "postgres://localhost/bob",
        ] {
            check(url, None);
        }
    }
}
