//! What can go wrong with PostgreSQL, told in the words of the ports.

use bob_core::storage::{StorageError, StorageErrorKind};
use sqlx::error::DatabaseError;

/// The SQLSTATEs that mean "not now", by how they begin: no connection, wrong password, no such database, deadlock or
/// another clash of transactions, out of disk, memory or connections, locked, stopped by an operator or a timeout,
/// read-only, not allowed, an error of the system.
const NOT_NOW: [&str; 11] = ["08", "28", "3D", "40", "42501", "53", "55", "57", "25006", "25P03", "58"];

/// SQLSTATEs of a connection that is of no use any more.
const ENDED: [&str; 6] = ["57P01", "57P02", "57P03", "57P05", "25P03", READ_ONLY];

/// The SQLSTATE of a session that may only read: it may have begun before that was changed, so another is tried.
const READ_ONLY: &str = "25006";

/// The constraints whose uniqueness is a promise of the ports: a second one is a conflict, not a broken database.
const TAKEN: [&str; 10] = [
    "bob_tenants_pkey",
    "bob_tenants_slug",
    "bob_tenant_hosts_pkey",
    "bob_accounts_pkey",
    "bob_accounts_email",
    "bob_widget_keys_pkey",
    "bob_widget_keys_key",
    "bob_knowledge_items_pkey",
    "bob_turns_pkey",
    "bob_personas_pkey",
];

fn has_code(error: &dyn DatabaseError, codes: &[&str]) -> bool {
    error.code().is_some_and(|code| codes.iter().any(|begin| code.starts_with(begin)))
}

/// What a caller can do about a failed statement.
pub(crate) fn kind_of(error: &sqlx::Error) -> StorageErrorKind {
    let error = match error {
        sqlx::Error::Database(error) => error.as_ref(),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::PoolClosed => {
            return StorageErrorKind::Unavailable;
        }
        _ => return StorageErrorKind::Corrupt,
    };
    if has_code(error, &NOT_NOW) {
        return StorageErrorKind::Unavailable;
    }
    let taken = |name: &str| TAKEN.contains(&name);
    if error.is_unique_violation() && error.constraint().is_some_and(taken) {
        return StorageErrorKind::Conflict;
    }
    StorageErrorKind::Corrupt
}

/// Whether the connection is gone, and nothing is known of what was sent through it.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => has_code(error.as_ref(), &ENDED),
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

/// Whether the database undid the transaction because it met another one, and it may be run again.
pub(super) fn is_clash(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| has_code(error, &["40001", "40P01"]))
}

/// Whether somebody else held a row for longer than a statement waits.
pub(super) fn is_locked(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| has_code(error, &["55P03"]))
}

/// Names the operation that a statement failed in.
pub(super) fn failed(operation: &'static str) -> impl FnOnce(sqlx::Error) -> StorageError {
    move |error| StorageError::because(kind_of(&error), operation, error)
}

/// Names the operation that met a row which makes no sense.
pub(super) fn corrupt(
    operation: &'static str,
    why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StorageError {
    StorageError::because(StorageErrorKind::Corrupt, operation, why)
}

/// Names the operation that the database is not there for.
pub(super) fn unavailable(
    operation: &'static str,
    why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StorageError {
    StorageError::because(StorageErrorKind::Unavailable, operation, why)
}
