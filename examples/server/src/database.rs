//! The database and its keys, as the options name them.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bob_core::keyring::Keyring;
use bob_core::storage::SharedStorage;
use bob_storage::{PostgresOptions, PostgresStorage, SqliteOptions, SqliteStorage};

use crate::keys::{KeyFile, RootKeys};
use crate::options::DatabaseOptions;

/// Which database, not opened yet.
pub enum Database {
    /// A file.
    Sqlite(SqliteOptions),
    /// A server that several nodes share.
    Postgres(Box<PostgresOptions>),
}

/// A database that was opened.
pub enum OpenDatabase {
    Sqlite(SqliteStorage),
    Postgres(PostgresStorage),
}

impl Database {
    /// The database that the options name.
    pub fn named(options: &DatabaseOptions) -> Result<Self, Box<dyn Error>> {
        let url = &options.database_url;
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            return Ok(Self::Postgres(Box::new(url.parse()?)));
        }
        match url.parse() {
            Ok(sqlite) => Ok(Self::Sqlite(sqlite)),
            Err(_) => Err("BOB_DATABASE_URL begins with sqlite:// or postgres://".into()),
        }
    }

    /// Opens it with its keys, and brings its tables up to date.
    pub async fn open(self, options: &DatabaseOptions) -> Result<OpenDatabase, Box<dyn Error>> {
        let keyring = self.keyring(options)?;
        Ok(match self {
            Self::Sqlite(database) => OpenDatabase::Sqlite(SqliteStorage::open(database, keyring).await?),
            Self::Postgres(database) => {
                OpenDatabase::Postgres(PostgresStorage::open(*database, keyring).await?)
            }
        })
    }

    /// Opens it only if Bob has made it before: whoever changes its keys must not found another one by mistake.
    pub async fn open_existing(self, options: &DatabaseOptions) -> Result<OpenDatabase, Box<dyn Error>> {
        let existing = match self {
            Self::Sqlite(database) => Self::Sqlite(database.existing()),
            Self::Postgres(database) => Self::Postgres(Box::new(database.existing())),
        };
        existing.open(options).await
    }

    /// Where the key file is, if the keys are not given otherwise.
    pub fn key_file(&self, options: &DatabaseOptions) -> PathBuf {
        let beside = match self {
            Self::Sqlite(database) => database.path().parent().unwrap_or(Path::new("")),
            Self::Postgres(_) => Path::new(""),
        };
        options.key_file.clone().unwrap_or_else(|| beside.join("bob.key"))
    }

    /// Where the keys are, for people.
    pub fn keys_place(&self, options: &DatabaseOptions) -> String {
        match options.keys {
            Some(_) => "BOB_KEYS".to_owned(),
            None => self.key_file(options).display().to_string(),
        }
    }

    /// A first key is made beside a new file; the nodes of a cluster must all be given the same one.
    fn keyring(&self, options: &DatabaseOptions) -> Result<Arc<dyn Keyring>, Box<dyn Error>> {
        if let Some(keys) = &options.keys {
            let keys: RootKeys = keys.parse().map_err(|error| format!("BOB_KEYS: {error}"))?;
            return Ok(Arc::new(keys.keyring()));
        }
        let may_make = match self {
            Self::Sqlite(database) => !database.path().exists(),
            Self::Postgres(_) => false,
        };
        Ok(Arc::new(KeyFile::open(&self.key_file(options), may_make)?))
    }
}

impl OpenDatabase {
    /// The storage in it.
    pub fn storage(&self) -> SharedStorage {
        match self {
            Self::Sqlite(storage) => Arc::new(storage.clone()),
            Self::Postgres(storage) => Arc::new(storage.clone()),
        }
    }

    /// Lets what is queued be written, and lets go of it.
    pub async fn close(self) {
        match self {
            Self::Sqlite(storage) => storage.close().await,
            Self::Postgres(storage) => storage.close().await,
        }
    }
}
