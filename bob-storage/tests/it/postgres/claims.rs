//! Every promise of the ports, each on a database of its own.

use std::cell::RefCell;

use bob_storage::PostgresStorage;

use super::Database;

thread_local! {
    /// The databases go away with the thread of their test, which is after its storage.
    static DATABASES: RefCell<Vec<Database>> = const { RefCell::new(Vec::new()) };
}

async fn new_store() -> PostgresStorage {
    let database = Database::new().await;
    let storage = database.open().await;
    DATABASES.with_borrow_mut(|databases| databases.push(database));
    storage
}

bob_core::storage_claims!(new_store);
