//! `bob-server backup`

use std::error::Error;
use std::io::Write as _;

use bob_storage::sqlite;

use crate::database::Database;
use crate::options::CopyOptions;

/// Copies the database to a new file, whether servers run on it or not.
pub async fn backup(options: CopyOptions) -> Result<(), Box<dyn Error>> {
    let database = Database::named(&options.database)?;
    let Database::Sqlite(from) = &database else {
        return Err("bob-server backs up SQLite; for PostgreSQL use pg_dump".into());
    };
    let (path, to) = (from.path().display(), options.file.display());
    sqlite::backup(from, &options.file).await.map_err(|error| Failed {
        from: path.to_string(),
        to: to.to_string(),
        error,
    })?;
    let keys = database.keys_place(&options.database);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{path} is backed up in {to}.")?;
    writeln!(out, "The keys in {keys} are not in it, and without them it cannot be read.")?;
    writeln!(out, "Keep a copy of them too, in another place.")?;
    Ok(())
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
#[error("{from} was not backed up in {to}")]
struct Failed {
    from: String,
    to: String,
    #[source]
    error: sqlite::BackupError,
}
