//! A function for each transaction, which the server runs at one go.

use async_trait::async_trait;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Executor as _, PgConnection};
use uuid::Uuid;

use super::{Bound, ByHand, Conversation};
use crate::Result;

pub struct Postgres {
    connection: PgConnection,
    conversation: Conversation,
}

const FUNCTIONS: [&str; 2] = [
    concat!(
        "CREATE FUNCTION open_by_hand(uuid, uuid, uuid, uuid, uuid, uuid, bigint, bytea, uuid)
         RETURNS SETOF bob_messages LANGUAGE plpgsql AS $$
         BEGIN
         PERFORM set_config('bob.tenant', $1::text, true);",
        opening!(),
        "RETURN QUERY ",
        history!(),
        "END $$"
    ),
    concat!(
        "CREATE FUNCTION close_by_hand(uuid, uuid, uuid, uuid, uuid, uuid, bigint, bytea, uuid)
         RETURNS void LANGUAGE plpgsql AS $$
         BEGIN
         PERFORM set_config('bob.tenant', $1::text, true);",
        closing!(),
        "END $$"
    ),
];

impl Postgres {
    pub async fn prepare(mut connection: PgConnection, conversation: Conversation) -> Result<Self> {
        for function in FUNCTIONS {
            connection.execute(function).await?;
        }
        Ok(Self { connection, conversation })
    }

    fn visitor(&self) -> Uuid {
        self.conversation.visitor.as_uuid()
    }
}

#[async_trait]
impl ByHand for Postgres {
    async fn open(&mut self, turn: Uuid) -> Result<usize> {
        let bound = self.conversation.bound(turn, self.conversation.contents[0], self.visitor());
        let call = call("SELECT * FROM open_by_hand($1, $2, $3, $4, $5, $6, $7, $8, $9)", bound);
        Ok(call.fetch_all(&mut self.connection).await?.len())
    }

    async fn close(&mut self, turn: Uuid) -> Result<()> {
        let bound = self.conversation.bound(turn, self.conversation.contents[1], self.visitor());
        let call = call("SELECT close_by_hand($1, $2, $3, $4, $5, $6, $7, $8, $9)", bound);
        call.execute(&mut self.connection).await?;
        Ok(())
    }
}

fn call(sql: &'static str, bound: Bound) -> Query<'static, sqlx::Postgres, PgArguments> {
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
