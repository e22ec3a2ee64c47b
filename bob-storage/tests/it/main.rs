//! All of bob-storage against real files.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper that fails is a test that fails")]

mod backup;
mod claims;
mod commit;
mod keys;
mod log;
mod open;
mod postgres;
mod schema;
mod sealed;
mod trouble;
mod upgrade;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bob_core::conversation::SessionId;
use bob_core::id::{TenantId, VisitorId};
use bob_core::keyring::{Keyring, LocalKeyring};
use bob_core::storage::{StorageError, StorageErrorKind, TurnStore as _};
use bob_core::testing::fixture;
use bob_core::turn::{FinishedTurn, TurnClosing, TurnStart};
use bob_core::visitor::VisitorProof;
use bob_storage::{SqliteOptions, SqliteStorage};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tempfile::TempDir;

/// Storage in a folder that goes away with it.
struct Fresh {
    storage: SqliteStorage,
    folder: TempDir,
}

/// An empty database.
async fn fresh() -> Fresh {
    fresh_with(|options| options).await
}

/// An empty database with other options.
async fn fresh_with(change: impl FnOnce(SqliteOptions) -> SqliteOptions) -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let options = change(SqliteOptions::file(file_in(&folder)));
    Fresh { storage: SqliteStorage::open(options, keyring()).await.unwrap(), folder }
}

/// The host's keyring, the same in each test.
fn keyring() -> Arc<dyn Keyring> {
    Arc::new(LocalKeyring::from_root([7; 32]))
}

/// Opens a database that is there, or makes it.
async fn open(path: PathBuf) -> SqliteStorage {
    SqliteStorage::open(SqliteOptions::file(path), keyring()).await.unwrap()
}

fn file_in(folder: &TempDir) -> PathBuf {
    folder.path().join("bob.db")
}

impl Fresh {
    fn path(&self) -> PathBuf {
        file_in(&self.folder)
    }

    /// A connection of somebody else to the same file.
    async fn beside(&self) -> SqliteConnection {
        beside(&self.path()).await
    }
}

async fn beside(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

/// Runs statements that answer nothing.
async fn run(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

/// Asks for one number.
async fn number(connection: &mut SqliteConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

/// A first message of a visitor who proves nothing: storing it asks the database nothing before.
fn stranger(session: &str) -> TurnStart {
    let visitor = VisitorProof::New(VisitorId::new());
    TurnStart { visitor, ..fixture::start(VisitorId::new(), session, "hi") }
}

/// A whole turn in a conversation of its own.
async fn answered(storage: &SqliteStorage, tenant: &TenantId) -> FinishedTurn {
    let start = TurnStart { session_is_new: true, ..stranger(SessionId::mint().as_str()) };
    let open = fixture::open(storage, tenant, start).await;
    match storage.finish_turn(&fixture::act(), tenant, fixture::finish(&open, "Thirty days")).await {
        Ok(TurnClosing::Stored(finished)) => *finished,
        other => panic!("the turn should have been stored: {other:?}"),
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, StorageError>, kind: StorageErrorKind) {
    assert_eq!(result.unwrap_err().kind(), kind);
}
