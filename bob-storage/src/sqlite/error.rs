//! What can go wrong with SQLite, told in the words of the ports.

use std::fmt;

use bob_core::storage::{StorageError, StorageErrorKind};
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;

/// SQLite's primary result codes that mean "not now": busy, locked, no memory, read-only, interrupted, I/O error, full,
/// cannot open, protocol.
const NOT_NOW: [i32; 9] = [5, 6, 7, 8, 9, 10, 13, 14, 15];

/// SQLite's primary result code for a database whose pages make no sense.
const DAMAGED: i32 = 11;

/// SQLite's primary result code for a file that is no database.
const NOT_A_DATABASE: i32 = 26;

/// The columns whose uniqueness is a promise of the ports: a second one is a conflict, not a broken database.
const TAKEN: [&str; 8] = [
    "bob_tenants.tenant_id",
    "bob_tenants.slug",
    "bob_tenant_hosts.host",
    "bob_accounts.account_id",
    "bob_accounts.email",
    "bob_widget_keys.tenant_id, bob_widget_keys.key",
    "bob_knowledge_items.tenant_id, bob_knowledge_items.item_id",
    "bob_turns.tenant_id, bob_turns.turn_id",
];

/// The primary result code of an error, without SQLite's extensions.
fn code(error: &dyn DatabaseError) -> Option<i32> {
    let code: i32 = error.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// What a caller can do about a failed statement.
pub(super) fn kind_of(error: &sqlx::Error) -> StorageErrorKind {
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

/// What the caller can do about a database that could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// It cannot be used at the moment: no such folder, no permission, read-only, locked, or the disk is full.
    Unavailable,
    /// A newer Bob wrote it; run that one, or restore the backup from before.
    Newer,
    /// The file is no SQLite database, or its tables named `bob_…` are not the ones this Bob made.
    NotBobs,
}

impl fmt::Display for OpenErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "the database is unavailable",
            Self::Newer => "the database belongs to a newer version of Bob",
            Self::NotBobs => "the file is not one of Bob's databases",
        })
    }
}

/// A database could not be opened; [`kind`](Self::kind) says what can be done about it.
///
/// It prints neither path nor SQL; its sources, which are for the log, may.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct OpenError {
    kind: OpenErrorKind,
    #[source]
    pub(super) source: Box<dyn std::error::Error + Send + Sync>,
}

impl OpenError {
    pub(super) fn because(
        kind: OpenErrorKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, source: source.into() }
    }

    /// What can be done about it.
    #[must_use]
    pub fn kind(&self) -> OpenErrorKind {
        self.kind
    }

    /// Whether another process was in the way for a moment.
    pub(super) fn is_busy(&self) -> bool {
        let cause = match self.source.downcast_ref::<MigrateError>() {
            Some(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => Some(error),
            _ => self.source.downcast_ref::<sqlx::Error>(),
        };
        cause
            .and_then(sqlx::Error::as_database_error)
            .and_then(code)
            .is_some_and(|code| matches!(code, 5 | 6))
    }
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        let database = error.as_database_error();
        let kind = match database.and_then(code) {
            Some(NOT_A_DATABASE) => OpenErrorKind::NotBobs,
            _ if kind_of(&error) == StorageErrorKind::Unavailable => OpenErrorKind::Unavailable,
            _ => OpenErrorKind::NotBobs,
        };
        Self::because(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_error_prints_no_cause() {
        let error = OpenError::from(sqlx::Error::Io(std::io::Error::other("/secret/path")));
        assert_eq!(error.kind(), OpenErrorKind::Unavailable);
        assert_eq!(error.to_string(), "the database is unavailable");
    }
}
