//! What Bob is compared with over HTTP: handlers written by hand that do as little as a chat can do.
//!
//! They read JSON, look the key up in a map, check the origin by one comparison, read the latest 20 messages, and store
//! the visitor's message and a fixed answer in one transaction. They search nothing, limit nothing, seal nothing, know
//! no turns, leases, credits, languages or audit, and cannot be asked twice without answering twice.

mod postgres;
mod sqlite;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::Result;
use crate::database::Database;

/// As long as Bob's answers are.
const ANSWER: &str = "Unworn items can be returned within 30 days of delivery. [1]";

/// How many messages a handler reads.
const HISTORY: &str = "SELECT role, text FROM messages WHERE session = $1 ORDER BY id DESC LIMIT 20";

/// Which of the two is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A transaction a request, and a row for each message of the history: what one writes first.
    Naive,
    /// Whatever waits is stored in one transaction, and the history is read as one value: what one writes once that is
    /// too slow.
    Tuned,
}

/// A handler's state.
#[derive(Debug)]
pub struct Rival {
    keys: HashMap<String, String>,
    store: Box<dyn Store>,
}

/// What a handler asks of its database.
#[async_trait]
trait Store: fmt::Debug + Send + Sync {
    /// The latest messages, with who said each.
    async fn history(&self, session: &str) -> Result<Vec<(String, String)>>;

    /// Stores what the visitor said, and the answer.
    async fn store(&self, said: Said) -> Result<()>;
}

#[derive(Debug)]
struct Said {
    session: String,
    message: String,
}

/// What waits to be stored, and who is to be told.
type Waiting = (Said, oneshot::Sender<()>);

/// Hands over what is to be stored and waits until it is.
async fn grouped(queue: &mpsc::Sender<Waiting>, said: Said) -> Result<()> {
    let (reply, stored) = oneshot::channel();
    queue.send((said, reply)).await.map_err(|_| "the writer is gone")?;
    Ok(stored.await?)
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
    /// Makes its table in an empty database.
    pub async fn open(kind: Kind, database: &Database, key: &str, origin: &str) -> Result<Arc<Self>> {
        let store: Box<dyn Store> = match (database, kind) {
            (Database::Sqlite(file), Kind::Naive) => Box::new(sqlite::Naive::open(file).await?),
            (Database::Sqlite(file), Kind::Tuned) => Box::new(sqlite::Tuned::open(file).await?),
            (Database::Postgres(database), Kind::Naive) => Box::new(postgres::Naive::open(database).await?),
            (Database::Postgres(database), Kind::Tuned) => Box::new(postgres::Tuned::open(database).await?),
        };
        Ok(Arc::new(Self { keys: HashMap::from([(key.to_owned(), origin.to_owned())]), store }))
    }

    /// The handler, where Bob's widget door would be.
    pub fn app(self: &Arc<Self>) -> Router {
        Router::new().route("/api/widget/chat", post(chat)).with_state(Arc::clone(self))
    }
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
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
    let session = message.session_id.unwrap_or_else(|| Uuid::new_v4().to_string());
    let history = rival.store.history(&session).await.map_err(failed)?;
    let said = Said { session: session.clone(), message: message.message };
    rival.store.store(said).await.map_err(failed)?;
    Ok(Json(Reply { session_id: session, reply: ANSWER, history: history.len() }))
}
