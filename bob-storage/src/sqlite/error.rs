//! What can go wrong with SQLite, told in the words of the ports.

use bob_core::storage::{StorageError, StorageErrorKind};
use sqlx::error::DatabaseError;

use crate::error::OpenError;

/// SQLite's primary result codes that mean "not now": busy, locked, no memory, read-only, interrupted, I/O error, full,
/// cannot open, protocol.
const NOT_NOW: [i32; 9] = [5, 6, 7, 8, 9, 10, 13, 14, 15];

/// SQLite's primary result code for a database whose pages make no sense.
const DAMAGED: i32 = 11;

/// The columns whose uniqueness is a promise of the ports: a second one is a conflict, not a broken database.
const TAKEN: [&str; 10] = [
    "bob_tenants.tenant_id",
    "bob_keys.tenant_id",
    "bob_tenants.slug",
    "bob_tenant_hosts.host",
    "bob_accounts.account_id",
    "bob_accounts.email_index",
    "bob_widget_keys.tenant_id, bob_widget_keys.key",
    "bob_knowledge_items.tenant_id, bob_knowledge_items.item_id",
    "bob_turns.tenant_id, bob_turns.turn_id",
    "bob_personas.tenant_id, bob_personas.persona_id, bob_personas.version",
];

/// The primary result code of an error, without SQLite's extensions.
fn code(error: &dyn DatabaseError) -> Option<i32> {
    let code: i32 = error.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// What a caller can do about a failed statement.
pub(crate) fn kind_of(error: &sqlx::Error) -> StorageErrorKind {
    let error = match error {
        sqlx::Error::Database(error) => error.as_ref(),
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => return StorageErrorKind::Unavailable,
        _ => return StorageErrorKind::Corrupt,
    };
    if code(error).is_some_and(|code| NOT_NOW.contains(&code)) {
        return StorageErrorKind::Unavailable;
    }
    let named = |columns: &&str| error.message().contains(*columns);
    if error.is_unique_violation() && TAKEN.iter().any(named) {
        return StorageErrorKind::Conflict;
    }
    StorageErrorKind::Corrupt
}

/// Whether the file itself is damaged.
pub(super) fn is_damage(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(code) == Some(DAMAGED)
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

/// Whether another process was in the way of opening a database for a moment.
pub(super) fn is_busy(error: &OpenError) -> bool {
    let told = error.cause().and_then(sqlx::Error::as_database_error);
    told.and_then(code).is_some_and(|code| matches!(code, 5 | 6))
}
