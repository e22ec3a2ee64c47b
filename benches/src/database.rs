//! The databases that are measured on: an empty one for each of those who are compared.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Result;
use crate::postgres::{self, Server};
use crate::report::Report;
use crate::sqlite::File;
use crate::world::keyring;
use bob_core::id::TenantId;
use bob_core::storage::SharedStorage;
use bob_storage::{PostgresOptions, PostgresStorage, SqliteOptions, SqliteStorage};

/// Where databases are made.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A file each, in the temporary folder.
    Sqlite,
    /// All on one server.
    Postgres(Arc<Server>),
}

impl Kind {
    /// Both kinds; only SQLite, and a row that says why, when there is no PostgreSQL.
    pub async fn all(bench: &str, report: &mut Report) -> Vec<Self> {
        match Server::find().await {
            Ok(server) => vec![Self::Sqlite, Self::Postgres(server)],
            Err(why) => {
                report.skip(bench, &format!("PostgreSQL: {why}"));
                vec![Self::Sqlite]
            }
        }
    }

    /// An empty database.
    pub async fn make(&self) -> Result<Database> {
        match self {
            Self::Sqlite => Ok(Database::Sqlite(File::new()?)),
            Self::Postgres(server) => Ok(Database::Postgres(server.database().await?)),
        }
    }

    /// How long the database's own processes have worked so far; SQLite has none, and those of another machine are not
    /// seen.
    pub fn cpu(&self) -> Result<Option<Duration>> {
        match self {
            Self::Sqlite => Ok(None),
            Self::Postgres(server) => server.cpu(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        })
    }
}

/// When a commit is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commits {
    /// Once it is on disk, as always but here.
    Synced,
    /// Before that, to see what it costs.
    Unsynced,
}

/// A database of one of those who are compared; it is removed with this.
#[derive(Debug)]
pub enum Database {
    Sqlite(File),
    Postgres(postgres::Database),
}

impl Database {
    /// Bob's storage in it.
    pub async fn storage(&self, commits: Commits) -> Result<SharedStorage> {
        Ok(match self {
            Self::Sqlite(file) => {
                let mut options = SqliteOptions::file(file.path());
                if commits == Commits::Unsynced {
                    options = options.unsynced_commits();
                }
                Arc::new(SqliteStorage::open(options, keyring()?).await?)
            }
            Self::Postgres(database) => {
                let mut address = database.address();
                if commits == Commits::Unsynced {
                    address.push_str("&options=-csynchronous_commit%3Doff");
                }
                let options: PostgresOptions = address.parse()?;
                Arc::new(PostgresStorage::open(options, keyring()?).await?)
            }
        })
    }

    /// The answer of a query for one number.
    pub async fn number(&self, sql: &'static str) -> Result<i64> {
        Ok(match self {
            Self::Sqlite(file) => sqlx::query_scalar(sql).fetch_one(&mut file.connect().await?).await?,
            Self::Postgres(database) => {
                sqlx::query_scalar(sql).fetch_one(&mut database.connect().await?).await?
            }
        })
    }

    /// The answer of a query for one number of a tenant, which is its parameter.
    pub async fn number_of(&self, tenant: TenantId, sql: &'static str) -> Result<i64> {
        let named = tenant.as_uuid();
        Ok(match self {
            Self::Sqlite(file) => {
                sqlx::query_scalar(sql).bind(named).fetch_one(&mut file.connect().await?).await?
            }
            Self::Postgres(database) => {
                let mut connection = database.connect().await?;
                postgres::see(&mut connection, tenant).await?;
                sqlx::query_scalar(sql).bind(named).fetch_one(&mut connection).await?
            }
        })
    }

    /// Fails unless a tenant's conversations have two messages for each of `turns`, and no others.
    pub async fn check_turns(&self, tenant: TenantId, turns: usize) -> Result<()> {
        let stored = self.messages_of(tenant).await?;
        if stored == 2 * turns {
            return Ok(());
        }
        Err(format!("{turns} turns were answered and {stored} messages stored").into())
    }

    /// How many messages a tenant's conversations have.
    pub async fn messages_of(&self, tenant: TenantId) -> Result<usize> {
        let count = "SELECT count(*) FROM bob_messages WHERE tenant_id = $1";
        Ok(usize::try_from(self.number_of(tenant, count).await?)?)
    }
}
