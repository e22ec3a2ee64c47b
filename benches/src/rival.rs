//! What Bob is compared with over HTTP: handlers written by hand that do as little as a chat can do.
//!
//! They read JSON, look the key up in a map, check the origin by one comparison, read the latest 20 messages, and store
//! the visitor's message and a fixed answer in one transaction. They search nothing, limit nothing, know no turns,
//! leases, credits, languages or audit, and cannot be asked twice without answering twice.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::Result;

/// As long as Bob's answers are.
const ANSWER: &str = "Unworn items can be returned within 30 days of delivery. [1]";

/// How many writes share a transaction at most, as in Bob's store.
const BATCH: usize = 256;

/// Which of the two is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A transaction a request, on a connection that writers take in turns: what one writes first.
    Naive,
    /// One task that stores whatever waits in one transaction: what one writes once that is too slow.
    Tuned,
}

/// A handler's state.
#[derive(Debug)]
pub struct Rival {
    keys: HashMap<String, String>,
    readers: SqlitePool,
    writes: Writes,
}

#[derive(Debug)]
enum Writes {
    Each(SqlitePool),
    Grouped(mpsc::Sender<(Said, oneshot::Sender<()>)>),
}

#[derive(Debug)]
struct Said {
    session: String,
    message: String,
}

#[derive(Debug, Deserialize)]
struct Message {
    message: String,
    session_id: Option<String>,
}

#[derive(Debug, Serialize)]
struct Reply {
    session_id: String,
    reply: &'static str,
    history: usize,
}

impl Rival {
    /// Opens a database of its own in `folder`.
    pub async fn open(kind: Kind, folder: &Path, key: &str, origin: &str) -> Result<Arc<Self>> {
        let options = SqliteConnectOptions::new()
            .filename(folder.join("rival.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        let mut connection = options.connect().await?;
        sqlx::query(
            "CREATE TABLE messages (
                 id INTEGER PRIMARY KEY, session TEXT NOT NULL, role TEXT NOT NULL, text TEXT NOT NULL,
                 at INTEGER NOT NULL DEFAULT (unixepoch()));
             CREATE INDEX messages_session ON messages (session, id)",
        )
        .execute(&mut connection)
        .await?;
        let pool = |most| SqlitePoolOptions::new().max_connections(most).test_before_acquire(false);
        let readers = pool(4).connect_with(options.clone()).await?;
        let writes = match kind {
            Kind::Naive => Writes::Each(pool(1).connect_with(options).await?),
            Kind::Tuned => {
                let (queue, waiting) = mpsc::channel(1_024);
                tokio::spawn(write_grouped(connection, waiting));
                Writes::Grouped(queue)
            }
        };
        Ok(Arc::new(Self { keys: HashMap::from([(key.to_owned(), origin.to_owned())]), readers, writes }))
    }

    /// The handler, where Bob's widget door would be.
    pub fn app(self: &Arc<Self>) -> Router {
        Router::new().route("/api/widget/chat", post(chat)).with_state(Arc::clone(self))
    }

    async fn store(&self, said: Said) -> std::result::Result<(), sqlx::Error> {
        match &self.writes {
            Writes::Each(pool) => {
                let mut transaction = pool.begin().await?;
                insert("visitor", &said.session, &said.message).execute(&mut *transaction).await?;
                insert("bot", &said.session, ANSWER).execute(&mut *transaction).await?;
                transaction.commit().await
            }
            Writes::Grouped(queue) => {
                let (reply, stored) = oneshot::channel();
                queue.send((said, reply)).await.map_err(|_| sqlx::Error::WorkerCrashed)?;
                stored.await.map_err(|_| sqlx::Error::WorkerCrashed)
            }
        }
    }
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, sqlx::sqlite::SqliteArguments>;

fn insert<'q>(role: &'q str, session: &'q str, text: &'q str) -> Query<'q> {
    sqlx::query("INSERT INTO messages (session, role, text) VALUES ($1, $2, $3)")
        .bind(session.to_owned())
        .bind(role.to_owned())
        .bind(text.to_owned())
}

/// Ends, and leaves those who wait without an answer, when a write fails.
async fn write_grouped(
    mut connection: SqliteConnection,
    mut waiting: mpsc::Receiver<(Said, oneshot::Sender<()>)>,
) -> std::result::Result<(), sqlx::Error> {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let mut transaction = connection.begin().await?;
        for (said, _) in &batch {
            sqlx::query(
                "INSERT INTO messages (session, role, text) VALUES ($1, 'visitor', $2), ($1, 'bot', $3)",
            )
            .bind(said.session.clone())
            .bind(said.message.clone())
            .bind(ANSWER)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        for (_, reply) in batch.drain(..) {
            let _ = reply.send(());
        }
    }
    connection.close().await
}

async fn chat(
    State(rival): State<Arc<Rival>>,
    headers: HeaderMap,
    Json(message): Json<Message>,
) -> std::result::Result<Json<Reply>, StatusCode> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let allowed =
        header("x-widget-key").and_then(|key| rival.keys.get(key)).ok_or(StatusCode::UNAUTHORIZED)?;
    if header("origin") != Some(allowed) {
        return Err(StatusCode::FORBIDDEN);
    }
    let failed = |_: sqlx::Error| StatusCode::INTERNAL_SERVER_ERROR;
    let session = message.session_id.unwrap_or_else(|| Uuid::new_v4().to_string());
    let history: Vec<(String, String)> =
        sqlx::query_as("SELECT role, text FROM messages WHERE session = $1 ORDER BY id DESC LIMIT 20")
            .bind(session.clone())
            .fetch_all(&rival.readers)
            .await
            .map_err(failed)?;
    rival.store(Said { session: session.clone(), message: message.message }).await.map_err(failed)?;
    Ok(Json(Reply { session_id: session, reply: ANSWER, history: history.len() }))
}
