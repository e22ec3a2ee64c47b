//! What can go wrong with a store, named by what the caller can do about it.

use std::fmt;

/// What the caller can do about a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StorageErrorKind {
    /// It is not there, or it belongs to another tenant; callers cannot tell which.
    NotFound,
    /// It is there already, or changed meanwhile.
    Conflict,
    /// It has another version than the caller said; they must look again. Nothing was written.
    Stale,
    /// The database cannot be used at the moment (locked, full, gone); try again later. Nothing was written.
    Unavailable,
    /// The stored data does not make sense, or the database is not one of Bob's.
    Corrupt,
}

impl fmt::Display for StorageErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "not found",
            Self::Conflict => "conflict",
            Self::Stale => "stale",
            Self::Unavailable => "unavailable",
            Self::Corrupt => "corrupt",
        })
    }
}

/// A store failed; [`kind`](Self::kind) says what the caller can do about it.
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {kind}")]
pub struct StorageError {
    kind: StorageErrorKind,
    operation: &'static str,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StorageError {
    /// A failure without a deeper cause.
    #[must_use]
    pub fn new(kind: StorageErrorKind, operation: &'static str) -> Self {
        Self { kind, operation, source: None }
    }

    /// A failure with its cause, which is for logs and never for answers.
    pub fn because(
        kind: StorageErrorKind,
        operation: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, operation, source: Some(source.into()) }
    }

    /// What the caller can do.
    #[must_use]
    pub fn kind(&self) -> StorageErrorKind {
        self.kind
    }

    /// What was tried.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }
}
