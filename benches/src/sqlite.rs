//! A database file for each of those who are compared.

use std::path::PathBuf;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};
use tempfile::TempDir;

use crate::Result;

/// A database in a folder of its own, which is removed with this.
#[derive(Debug)]
pub struct File {
    folder: TempDir,
}

impl File {
    /// One that is still to be made, in the temporary folder.
    pub fn new() -> Result<Self> {
        Ok(Self { folder: tempfile::tempdir()? })
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("bench.db")
    }

    /// How those written by hand open it, as Bob does: a commit is answered once it is on disk.
    pub fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(self.path())
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging()
    }

    /// A connection of somebody else to it.
    pub async fn connect(&self) -> Result<SqliteConnection> {
        Ok(self.options().connect().await?)
    }
}
