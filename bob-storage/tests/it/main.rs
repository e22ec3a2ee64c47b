//! All of bob-storage against real files.

#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod claims;

use bob_storage::{SqliteOptions, SqliteStorage};
use tempfile::TempDir;

/// Storage in a folder that goes away with it.
struct Fresh {
    storage: SqliteStorage,
    folder: TempDir,
}

/// An empty database.
async fn fresh() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let storage = SqliteStorage::open(SqliteOptions::file(folder.path().join("bob.db"))).await.unwrap();
    Fresh { storage, folder }
}
