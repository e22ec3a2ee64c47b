//! The handlers' PostgreSQL.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Executor as _, PgConnection, PgPool};
use tokio::sync::{Mutex, mpsc};

use super::{ANSWER, HISTORY, Said, Store, Waiting, grouped};
use crate::Result;
use crate::postgres::Database;

/// How many writes share a transaction at most, as in Bob's store.
const BATCH: usize = 128;

/// A connection of the pool for each transaction.
#[derive(Debug)]
pub struct Naive {
    pool: PgPool,
}

/// Two tasks write, so that the next batch does not wait for the first one's commit.
#[derive(Debug)]
pub struct Tuned {
    readers: PgPool,
    queue: mpsc::Sender<Waiting>,
}

/// Makes the table, and a pool of sqlx's own default size.
async fn prepare(database: &Database) -> Result<PgPool> {
    let mut connection = database.connect().await?;
    connection
        .execute(
            "CREATE TABLE messages (
                 id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, session text NOT NULL, role text NOT NULL,
                 text text NOT NULL, at timestamptz NOT NULL DEFAULT now());
             CREATE INDEX messages_session ON messages (session, id)",
        )
        .await?;
    Ok(PgPoolOptions::new().test_before_acquire(false).connect(&database.address()).await?)
}

impl Naive {
    pub async fn open(database: &Database) -> Result<Self> {
        Ok(Self { pool: prepare(database).await? })
    }
}

#[async_trait]
impl Store for Naive {
    async fn history(&self, session: &str) -> Result<Vec<(String, String)>> {
        Ok(sqlx::query_as(HISTORY).bind(session).fetch_all(&self.pool).await?)
    }

    async fn store(&self, said: Said) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        for (role, text) in [("visitor", said.message.as_str()), ("bot", ANSWER)] {
            sqlx::query("INSERT INTO messages (session, role, text) VALUES ($1, $2, $3)")
                .bind(&said.session)
                .bind(role)
                .bind(text)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }
}

impl Tuned {
    pub async fn open(database: &Database) -> Result<Self> {
        let readers = prepare(database).await?;
        let (queue, waiting) = mpsc::channel(1_024);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..2 {
            tokio::spawn(write(database.connect().await?, Arc::clone(&waiting)));
        }
        Ok(Self { readers, queue })
    }
}

/// Ends, and leaves those who wait without an answer, when a write fails.
async fn write(mut connection: PgConnection, waiting: Arc<Mutex<mpsc::Receiver<Waiting>>>) -> Result<()> {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.lock().await.recv_many(&mut batch, BATCH).await > 0 {
        let (sessions, texts): (Vec<&str>, Vec<&str>) =
            batch.iter().map(|(said, _): &Waiting| (said.session.as_str(), said.message.as_str())).unzip();
        sqlx::query(
            "INSERT INTO messages (session, role, text)
             SELECT said.session, one.role, coalesce(one.text, said.text)
             FROM unnest($1::text[], $2::text[]) AS said (session, text)
             CROSS JOIN (VALUES (1, 'visitor', NULL), (2, 'bot', $3)) AS one (place, role, text)
             ORDER BY one.place",
        )
        .bind(sessions)
        .bind(texts)
        .bind(ANSWER)
        .execute(&mut connection)
        .await?;
        for (_, reply) in batch.drain(..) {
            let _ = reply.send(());
        }
    }
    Ok(())
}

#[async_trait]
impl Store for Tuned {
    async fn history(&self, session: &str) -> Result<Vec<(String, String)>> {
        let messages: String = sqlx::query_scalar(
            "SELECT coalesce(json_agg(json_build_array(role, text)), '[]')::text
             FROM (SELECT role, text FROM messages WHERE session = $1 ORDER BY id DESC LIMIT 20) latest",
        )
        .bind(session)
        .fetch_one(&self.readers)
        .await?;
        Ok(serde_json::from_str(&messages)?)
    }

    async fn store(&self, said: Said) -> Result<()> {
        grouped(&self.queue, said).await
    }
}
