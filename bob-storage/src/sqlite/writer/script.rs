//! A script that needs no savepoint, and alone no transaction around it.

use async_trait::async_trait;
use bob_core::storage::StorageErrorKind;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Sqlite, SqliteConnection};

use super::super::error::{failed, kind_of};
use super::job::{Job, Lost, Place, Promise};

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
        // Alone it needs no transaction around it: its only statement that writes is one.
        if !place.alone() {
            place.begin(connection).await?;
        }
        match script.fetch_all(&mut *connection).await {
            // A full or broken disk makes SQLite roll everything back, and not say so.
            Err(error) if kind_of(&error) == StorageErrorKind::Unavailable => return Err(error.into()),
            ran => self.promise.result = Some(ran.map_err(failed(self.promise.operation))),
        }
        if place.alone() { Ok(()) } else { place.commit(connection).await }
    }

    fn answer(self: Box<Self>, committed: Result<(), &Lost>) {
        self.promise.keep(committed);
    }
}
