//! What can go wrong before there is a storage: addresses that name none, databases that do not open.

use std::fmt;

use bob_core::keyring::{KeyringError, KeyringErrorKind};
use bob_core::storage::StorageErrorKind;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgDatabaseError;

/// PostgreSQL's SQLSTATE for a role that may not do what it asked for.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// The text does not name a database; the message says what would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{expected}")]
pub struct ParseOptionsError {
    expected: &'static str,
}

impl ParseOptionsError {
    pub(crate) fn expected(expected: &'static str) -> Self {
        Self { expected }
    }
}

/// What the caller can do about a database that could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// It cannot be used at the moment: not there, no permission, read-only, locked, or the disk is full.
    Unavailable,
    /// A newer Bob wrote it; run that one, or restore the backup from before.
    Newer,
    /// It is no database, or its tables named `bob_…` are not the ones this Bob made.
    NotBobs,
    /// The role may not make tables there; let it create in the schema, or make it the database's owner.
    NotAllowed,
    /// There is no database of Bob's, and none was to be made.
    Missing,
    /// Its keys were wrapped by another root key; give the keyring that one.
    WrongKey,
}

impl fmt::Display for OpenErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "the database is unavailable",
            Self::Newer => "the database belongs to a newer version of Bob",
            Self::NotBobs => "the database is not one of Bob's",
            Self::NotAllowed => {
                "the role may not make tables in the database: let it create in the schema, or own it"
            }
            Self::Missing => "there is no database of Bob's",
            Self::WrongKey => "the key is not the one that this database was sealed with",
        })
    }
}

/// A database could not be opened; [`kind`](Self::kind) says what can be done about it.
///
/// It prints neither path, host nor SQL; its sources, which are for the log, may.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct OpenError {
    kind: OpenErrorKind,
    #[source]
    pub(crate) source: Box<dyn std::error::Error + Send + Sync>,
}

impl OpenError {
    pub(crate) fn because(
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

    /// What the database itself said.
    pub(crate) fn cause(&self) -> Option<&sqlx::Error> {
        match self.source.downcast_ref::<MigrateError>() {
            Some(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => Some(error),
            _ => self.source.downcast_ref::<sqlx::Error>(),
        }
    }
}

impl From<KeyringError> for OpenError {
    fn from(error: KeyringError) -> Self {
        let kind = match error.kind() {
            KeyringErrorKind::Unavailable => OpenErrorKind::Unavailable,
            _ => OpenErrorKind::WrongKey,
        };
        Self::because(kind, error)
    }
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        let of_postgres =
            error.as_database_error().and_then(|told| told.try_downcast_ref::<PgDatabaseError>());
        let kind = match of_postgres {
            Some(told) if told.code() == INSUFFICIENT_PRIVILEGE => {
                return Self::because(OpenErrorKind::NotAllowed, error);
            }
            Some(_) => crate::postgres::kind_of(&error),
            // No TLS, no server, no answer that makes sense: the same for all databases.
            None if crate::postgres::kind_of(&error) == StorageErrorKind::Unavailable => {
                StorageErrorKind::Unavailable
            }
            None => crate::sqlite::kind_of(&error),
        };
        let kind = match kind {
            StorageErrorKind::Unavailable => OpenErrorKind::Unavailable,
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
