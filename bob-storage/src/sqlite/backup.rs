//! Backup and restore: a copy of a database as it is at one moment, in one file.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use sqlx::{Connection as _, SqliteConnection};
use uuid::Uuid;

use super::SqliteStorage;
use super::migrate::{STEPS, recognize};
use super::open::SqliteOptions;
use crate::error::{OpenError, OpenErrorKind};

impl SqliteStorage {
    /// Copies the database as it is at one moment to a new file, `to`, while turns go on.
    ///
    /// The copy is checked, on disk, and readable for its owner only before it gets its name; a file of that name is
    /// never replaced. It holds every turn that was acknowledged before the call, and no key: without the root key of
    /// its time it is of no use.
    ///
    /// Writes go on meanwhile, and their log cannot be emptied until the copy is made. For a database so large that
    /// [`max_log_bytes`](SqliteOptions::max_log_bytes) is reached before, set it higher.
    ///
    /// # Errors
    ///
    /// [`BackupErrorKind`] says what can be done about each; nothing of the copy is left then.
    pub async fn backup(&self, to: &Path) -> Result<(), BackupError> {
        backup(&self.shared.options, to).await
    }
}

/// As [`SqliteStorage::backup`], for a database that another process may have open; it is not migrated.
///
/// # Errors
///
/// [`BackupErrorKind`] says what can be done about each; nothing of the copy is left then.
pub async fn backup(database: &SqliteOptions, to: &Path) -> Result<(), BackupError> {
    refuse_existing(to)?;
    let draft = Draft::beside(to)?;
    draft.fill(database).await?;
    check(&draft.file).await?;
    draft.publish(to).await
}

/// Makes a database at `to` from the backup `from`, which stays as it is.
///
/// Nothing may be at `to` yet, not even the log of a database that was there. The backup is checked before, and may be
/// of an older version of Bob; opening the database brings it up to date.
///
/// # Errors
///
/// [`BackupErrorKind`] says what can be done about each; nothing is left at `to` then.
pub async fn restore(from: &Path, to: &Path) -> Result<(), BackupError> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = to.as_os_str().to_owned();
        name.push(suffix);
        refuse_existing(Path::new(&name))?;
    }
    check(from).await?;
    let draft = Draft::beside(to)?;
    draft.fill(&SqliteOptions::file(from)).await?;
    draft.publish(to).await
}

fn refuse_existing(path: &Path) -> Result<(), BackupError> {
    match path.symlink_metadata() {
        Ok(_) => Err(io::Error::from(io::ErrorKind::AlreadyExists).into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Holds that a file is a sound database of Bob's.
async fn check(path: &Path) -> Result<(), BackupError> {
    let mut connection = SqliteOptions::file(path).reader().await?;
    let held = hold(&mut connection).await;
    connection.close().await?;
    held
}

async fn hold(connection: &mut SqliteConnection) -> Result<(), BackupError> {
    let found: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut *connection).await?;
    if found != "ok" {
        return Err(BackupError { kind: BackupErrorKind::Damaged, source: found.into() });
    }
    Ok(recognize(connection, STEPS).await?)
}

/// A copy that has no name of its own yet; it goes away unless it is published.
struct Draft {
    file: PathBuf,
}

impl Draft {
    fn beside(to: &Path) -> Result<Self, BackupError> {
        let name = to.file_name().ok_or(io::Error::from(io::ErrorKind::IsADirectory))?;
        let file = to.with_file_name(format!(".{}.{}.new", name.to_string_lossy(), Uuid::now_v7().simple()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&file)?;
        Ok(Self { file })
    }

    /// Copies all of a database as it is at one moment, by a connection of its own.
    async fn fill(&self, from: &SqliteOptions) -> Result<(), BackupError> {
        let into = self.file.to_str().ok_or(io::Error::from(io::ErrorKind::InvalidFilename))?.to_owned();
        let mut connection = from.reader().await?;
        let copied = sqlx::query("VACUUM INTO $1").bind(into).execute(&mut connection).await;
        connection.close().await?;
        copied?;
        Ok(())
    }

    /// Puts the copy on disk and then gives it its name, if nobody has taken that meanwhile.
    async fn publish(self, to: &Path) -> Result<(), BackupError> {
        let to = to.to_owned();
        let published = tokio::task::spawn_blocking(move || {
            File::open(&self.file)?.sync_all()?;
            std::fs::hard_link(&self.file, &to)?;
            drop(self);
            let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        });
        Ok(published.await.map_err(io::Error::other)??)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // What cannot be removed is left under a name that says what it is.
        let _ = std::fs::remove_file(&self.file);
    }
}

/// What the caller can do about a copy that was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BackupErrorKind {
    /// Something is at the target; choose another name, or move it away yourself.
    Exists,
    /// A file cannot be used at the moment: not there, no permission, locked, or the disk is full.
    Unavailable,
    /// The file is not sound; use an older backup.
    Damaged,
    /// A newer Bob wrote it; use that one.
    Newer,
    /// The file is no database of Bob's.
    NotBobs,
}

impl fmt::Display for BackupErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exists => "there is something under that name already, or the log (-wal, -shm) of what was there, and nothing is overwritten",
            Self::Unavailable => "a file cannot be read or written",
            Self::Damaged => "the file is damaged",
            Self::Newer => "the database belongs to a newer version of Bob",
            Self::NotBobs => "the file is not one of Bob's databases",
        })
    }
}

/// A copy was not made; [`kind`](Self::kind) says what can be done about it.
///
/// It prints neither path nor SQL; its sources, which are for the log, may.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct BackupError {
    kind: BackupErrorKind,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl BackupError {
    /// What can be done about it.
    #[must_use]
    pub fn kind(&self) -> BackupErrorKind {
        self.kind
    }
}

impl From<io::Error> for BackupError {
    fn from(error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::AlreadyExists => BackupErrorKind::Exists,
            _ => BackupErrorKind::Unavailable,
        };
        Self { kind, source: error.into() }
    }
}

impl From<OpenError> for BackupError {
    fn from(error: OpenError) -> Self {
        let kind = match error.kind() {
            OpenErrorKind::Unavailable | OpenErrorKind::NotAllowed => BackupErrorKind::Unavailable,
            OpenErrorKind::Newer => BackupErrorKind::Newer,
            OpenErrorKind::NotBobs | OpenErrorKind::Missing | OpenErrorKind::WrongKey => {
                BackupErrorKind::NotBobs
            }
        };
        Self { kind, source: error.source }
    }
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        if super::error::is_damage(&error) {
            return Self { kind: BackupErrorKind::Damaged, source: error.into() };
        }
        OpenError::from(error).into()
    }
}
