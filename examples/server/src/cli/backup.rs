//! `bob-server backup`

use std::error::Error;
use std::io::Write as _;

use bob_storage::sqlite::backup;

use crate::options::CopyOptions;

/// Copies the database to a new file, whether a server is running on it or not.
pub async fn run(options: CopyOptions) -> Result<(), Box<dyn Error>> {
    let database = options.database("pg_dump")?;
    backup(&database, &options.file).await.map_err(|error| Failed {
        from: database.path().display().to_string(),
        to: options.file.display().to_string(),
        error,
    })?;
    let key = options.key_file(&database);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} is backed up in {}.", database.path().display(), options.file.display())?;
    writeln!(
        out,
        "The root key {} is not in it, and without the key the backup is of no use.",
        key.display()
    )?;
    writeln!(out, "Keep a copy of the key too, in another place.")?;
    Ok(())
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
#[error("{from} was not backed up in {to}")]
struct Failed {
    from: String,
    to: String,
    #[source]
    error: bob_storage::BackupError,
}
