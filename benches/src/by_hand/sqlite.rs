//! A script for each transaction, which SQLite's thread runs at one go.

use async_trait::async_trait;
use sqlx::SqliteConnection;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use uuid::Uuid;

use super::{Bound, ByHand, Conversation};
use crate::Result;

pub struct Sqlite {
    pub connection: SqliteConnection,
    pub conversation: Conversation,
}

const OPEN: &str = concat!("BEGIN IMMEDIATE;", opening!(), history!(), "COMMIT");
const CLOSE: &str = concat!("BEGIN IMMEDIATE;", closing!(), "COMMIT");

#[async_trait]
impl ByHand for Sqlite {
    async fn open(&mut self, turn: Uuid) -> Result<usize> {
        let bound = self.conversation.bound(turn, self.conversation.contents[0], self.visitor());
        Ok(script(OPEN, bound).fetch_all(&mut self.connection).await?.len())
    }

    async fn close(&mut self, turn: Uuid) -> Result<()> {
        let bound = self.conversation.bound(turn, self.conversation.contents[1], self.visitor());
        script(CLOSE, bound).execute(&mut self.connection).await?;
        Ok(())
    }
}

impl Sqlite {
    fn visitor(&self) -> Uuid {
        self.conversation.visitor.as_uuid()
    }
}

fn script(sql: &'static str, bound: Bound) -> Query<'static, sqlx::Sqlite, SqliteArguments> {
    sqlx::query(sql)
        .bind(bound.tenant)
        .bind(bound.conversation)
        .bind(bound.turn)
        .bind(bound.message)
        .bind(bound.audit)
        .bind(bound.event)
        .bind(bound.at)
        .bind(bound.content)
        .bind(bound.other)
}
