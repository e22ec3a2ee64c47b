//! Every promise of the ports, each on a file of its own.

use std::cell::RefCell;

use bob_storage::SqliteStorage;
use tempfile::TempDir;

use crate::fresh;

thread_local! {
    /// The folders go away with the thread of their test, which is after its storage.
    static FOLDERS: RefCell<Vec<TempDir>> = const { RefCell::new(Vec::new()) };
}

async fn new_store() -> SqliteStorage {
    let fresh = fresh().await;
    FOLDERS.with_borrow_mut(|folders| folders.push(fresh.folder));
    fresh.storage
}

bob_core::storage_claims!(new_store);
