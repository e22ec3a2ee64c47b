//! A script that takes the transaction's begin and end along.

use async_trait::async_trait;
use bob_core::storage::StorageErrorKind;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Execute as _, Sqlite, SqliteConnection, query_with};

use super::super::error::{failed, kind_of};
use super::job::{Job, Lost, Place, Promise};
use super::roll_back;

/// A statement, or several, with their parameters.
pub(in crate::sqlite) type Query = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

/// A script whose only statement that writes undoes itself when it fails.
pub(super) struct Script {
    script: Option<Query>,
    promise: Promise<Vec<SqliteRow>>,
}

impl Script {
    pub(super) fn new(script: Query, promise: Promise<Vec<SqliteRow>>) -> Self {
        Self { script: Some(script), promise }
    }
}

#[async_trait]
impl Job for Script {
    async fn run(&mut self, connection: &mut SqliteConnection, place: Place) -> Result<(), Lost> {
        let Some(script) = self.script.take() else { return Ok(()) };
        let error = match around(script, place)?.fetch_all(&mut *connection).await {
            Ok(rows) => {
                self.promise.result = Some(Ok(rows));
                return Ok(());
            }
            Err(error) => error,
        };
        // BEGIN and COMMIT fail like this, and a full or broken disk makes SQLite roll everything back, and not say so.
        if kind_of(&error) == StorageErrorKind::Unavailable {
            return Err(error.into());
        }
        self.promise.result = Some(Err(failed(self.promise.operation)(error)));
        if !place.first {
            return place.commit(connection).await;
        }
        // Whether it got as far as to begin is not known; what follows needs to.
        roll_back(connection).await?;
        if place.last { Ok(()) } else { place.begin(connection).await }
    }

    fn answer(self: Box<Self>, committed: Result<(), &Lost>) {
        self.promise.keep(committed);
    }
}

/// The script with what begins and commits the transaction, as far as that falls to its place.
fn around(mut script: Query, place: Place) -> Result<Query, sqlx::Error> {
    let parameters = script.take_arguments().map_err(sqlx::Error::Encode)?.unwrap_or_default();
    let script = script.sql();
    let begin = if place.first { "BEGIN IMMEDIATE;" } else { "" };
    let commit = if place.last { ";COMMIT" } else { "" };
    // Three literals, and nothing else.
    Ok(query_with(AssertSqlSafe([begin, script.as_str(), commit].concat()), parameters))
}
