//! Bob's storage ports on databases.
//!
//! One folder a database, with the same file names in each, so that a diff between two shows only the dialect.
//! [`sqlite`] is the embedded default, [`postgres`] is for clusters.

mod erase;
mod error;
pub mod postgres;
mod record;
mod seal;
pub mod sqlite;

pub use error::{OpenError, OpenErrorKind, ParseOptionsError};
pub use postgres::{PostgresOptions, PostgresStorage};
pub use sqlite::{BackupError, BackupErrorKind, SqliteOptions, SqliteStorage};
