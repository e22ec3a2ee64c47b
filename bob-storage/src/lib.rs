//! Bob's storage ports on databases.
//!
//! One folder a database, with the same file names in each, so that a diff between two shows only the dialect.
//! [`sqlite`] is the embedded default.

pub mod sqlite;

pub use sqlite::{
    BackupError, BackupErrorKind, OpenError, OpenErrorKind, ParseOptionsError, SqliteOptions, SqliteStorage,
};
