//! `bob-server restore`

use std::error::Error;
use std::io::Write as _;

use bob_storage::sqlite;

use crate::database::Database;
use crate::options::CopyOptions;

/// Makes the database from a backup; there must be none yet.
pub async fn restore(options: CopyOptions) -> Result<(), Box<dyn Error>> {
    let database = Database::named(&options.database)?;
    let Database::Sqlite(to) = &database else {
        return Err("bob-server restores SQLite; for PostgreSQL use pg_restore".into());
    };
    let (from, path) = (options.file.display(), to.path().display());
    sqlite::restore(&options.file, to.path()).await.map_err(|error| Failed {
        from: from.to_string(),
        to: path.to_string(),
        error,
    })?;
    let keys = database.keys_place(&options.database);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{path} is restored from {from}.")?;
    writeln!(out, "Before you start: the keys of the time of the backup must be in {keys}.")?;
    Ok(())
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
#[error("{to} was not restored from {from}")]
struct Failed {
    from: String,
    to: String,
    #[source]
    error: sqlite::BackupError,
}
