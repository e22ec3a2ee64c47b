//! The handlers' SQLite: WAL, a commit answered once it is on disk, several readers, one that writes.

use async_trait::async_trait;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{Connection as _, SqliteConnection, SqlitePool};
use tokio::sync::mpsc;

use super::{ANSWER, HISTORY, Said, Store, Waiting, grouped};
use crate::Result;
use crate::sqlite::File;

/// How many writes share a transaction at most, as in Bob's store.
const BATCH: usize = 256;

/// Writers take turns on one connection.
#[derive(Debug)]
pub struct Naive {
    readers: SqlitePool,
    writer: SqlitePool,
}

/// One task writes.
#[derive(Debug)]
pub struct Tuned {
    readers: SqlitePool,
    queue: mpsc::Sender<Waiting>,
}

/// Makes the table, and connections that read.
async fn prepare(file: &File) -> Result<(SqlitePool, SqliteConnection)> {
    let mut connection = file.connect().await?;
    sqlx::query(
        "CREATE TABLE messages (
             id INTEGER PRIMARY KEY, session TEXT NOT NULL, role TEXT NOT NULL, text TEXT NOT NULL,
             at INTEGER NOT NULL DEFAULT (unixepoch()));
         CREATE INDEX messages_session ON messages (session, id)",
    )
    .execute(&mut connection)
    .await?;
    Ok((pool(file, 4).await?, connection))
}

async fn pool(file: &File, connections: u32) -> Result<SqlitePool> {
    let options = SqlitePoolOptions::new().max_connections(connections).test_before_acquire(false);
    Ok(options.connect_with(file.options()).await?)
}

impl Naive {
    pub async fn open(file: &File) -> Result<Self> {
        let (readers, _) = prepare(file).await?;
        Ok(Self { readers, writer: pool(file, 1).await? })
    }
}

#[async_trait]
impl Store for Naive {
    async fn history(&self, session: &str) -> Result<Vec<(String, String)>> {
        Ok(sqlx::query_as(HISTORY).bind(session.to_owned()).fetch_all(&self.readers).await?)
    }

    async fn store(&self, said: Said) -> Result<()> {
        let mut transaction = self.writer.begin().await?;
        for (role, text) in [("visitor", said.message), ("bot", ANSWER.to_owned())] {
            sqlx::query("INSERT INTO messages (session, role, text) VALUES ($1, $2, $3)")
                .bind(said.session.clone())
                .bind(role)
                .bind(text)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }
}

impl Tuned {
    pub async fn open(file: &File) -> Result<Self> {
        let (readers, connection) = prepare(file).await?;
        let (queue, waiting) = mpsc::channel(1_024);
        tokio::spawn(write(connection, waiting));
        Ok(Self { readers, queue })
    }
}

/// Ends, and leaves those who wait without an answer, when a write fails.
async fn write(mut connection: SqliteConnection, mut waiting: mpsc::Receiver<Waiting>) -> Result<()> {
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
    Ok(connection.close().await?)
}

#[async_trait]
impl Store for Tuned {
    async fn history(&self, session: &str) -> Result<Vec<(String, String)>> {
        let messages: String = sqlx::query_scalar(
            "SELECT json_group_array(json_array(role, text))
             FROM (SELECT role, text FROM messages WHERE session = $1 ORDER BY id DESC LIMIT 20)",
        )
        .bind(session.to_owned())
        .fetch_one(&self.readers)
        .await?;
        Ok(serde_json::from_str(&messages)?)
    }

    async fn store(&self, said: Said) -> Result<()> {
        grouped(&self.queue, said).await
    }
}
