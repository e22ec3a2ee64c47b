//! `bob-server restore`

use std::error::Error;
use std::io::Write as _;

use bob_storage::sqlite::restore;

use crate::options::CopyOptions;

/// Makes the database from a backup; there must be none yet.
pub async fn run(options: CopyOptions) -> Result<(), Box<dyn Error>> {
    let database = options.database("pg_restore")?;
    restore(&options.file, database.path()).await.map_err(|error| Failed {
        from: options.file.display().to_string(),
        to: database.path().display().to_string(),
        error,
    })?;
    let key = options.key_file(&database);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} is restored from {}.", database.path().display(), options.file.display())?;
    if key.exists() {
        writeln!(out, "{} must be the root key of the time of the backup.", key.display())?;
    } else {
        writeln!(out, "Put the root key of the time of the backup at {} before you start.", key.display())?;
    }
    Ok(())
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
#[error("{to} was not restored from {from}")]
struct Failed {
    from: String,
    to: String,
    #[source]
    error: bob_storage::BackupError,
}
