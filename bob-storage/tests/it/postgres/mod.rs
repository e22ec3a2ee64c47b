//! PostgreSQL, on a real server.

mod claims;
mod fence;
mod open;
mod schema;
mod sealed;
mod server;
mod trouble;

use bob_core::conversation::SessionId;
use bob_core::id::{TenantId, VisitorId};
use bob_core::storage::TurnStore as _;
use bob_core::testing::fixture;
use bob_core::turn::{FinishedTurn, TurnClosing};
use bob_storage::PostgresStorage;
use sqlx::{Executor as _, PgConnection};

pub use server::Database;

/// A whole turn in a conversation of its own.
async fn answered(storage: &PostgresStorage, tenant: &TenantId) -> FinishedTurn {
    let start = fixture::start(VisitorId::new(), SessionId::mint().as_str(), "hi");
    let open = fixture::open(storage, tenant, start).await;
    match storage.finish_turn(&fixture::act(), tenant, fixture::finish(&open, "Thirty days")).await {
        Ok(TurnClosing::Stored(finished)) => *finished,
        other => panic!("the turn should have been stored: {other:?}"),
    }
}

/// Runs statements that answer nothing.
pub async fn run(connection: &mut PgConnection, sql: &'static str) {
    connection.execute(sql).await.unwrap();
}

/// Asks for one number.
async fn number(connection: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}
