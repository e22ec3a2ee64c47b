//! The writing side of the queue.

use std::fmt;

use sqlx::{Connection as _, SqliteConnection, query};
use tokio::sync::mpsc;

use super::super::open::SqliteOptions;
use super::job::{Job, Lost, Place};
use super::log::Log;
use super::roll_back;

/// How many jobs share one transaction at most: more would make the first wait for the last.
const BATCH: usize = 256;

/// What comes through the queue.
pub(super) enum Message {
    Job(Box<dyn Job>),
    Stop,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Job(_) => "Job",
            Self::Stop => "Stop",
        })
    }
}

/// Takes what waits, batch by batch.
pub(super) struct Task {
    jobs: mpsc::Receiver<Message>,
    /// None while the last one broke and no new one could be opened.
    connection: Option<SqliteConnection>,
    log: Log,
    options: SqliteOptions,
}

impl Task {
    pub(super) fn new(
        jobs: mpsc::Receiver<Message>,
        connection: SqliteConnection,
        options: SqliteOptions,
    ) -> Self {
        Self { jobs, connection: Some(connection), log: Log::of(&options), options }
    }

    pub(super) async fn run(mut self) {
        let mut waiting = Vec::with_capacity(BATCH);
        while self.jobs.recv_many(&mut waiting, BATCH).await > 0 {
            let mut batch = Vec::with_capacity(waiting.len());
            for message in waiting.drain(..) {
                match message {
                    Message::Job(job) => batch.push(job),
                    Message::Stop => self.jobs.close(),
                }
            }
            let committed = self.transaction(&mut batch).await;
            if let Err(lost) = &committed {
                tracing::warn!(writes = batch.len(), cause = ?lost.cause, "a batch of writes was not stored");
            }
            for job in batch {
                job.answer(committed.as_ref().copied());
            }
        }
        self.end().await;
    }

    /// Runs a batch in one transaction; when this fails, nothing of it was stored.
    async fn transaction(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), Lost> {
        let Some(last) = batch.len().checked_sub(1) else { return Ok(()) };
        self.log.make_room(&self.options).await?;
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.writer().await?,
        };
        for (at, job) in batch.iter_mut().enumerate() {
            let place = Place { first: at == 0, last: at == last };
            if let Err(lost) = job.run(&mut connection, place).await {
                // One that cannot be freed of its transaction is given up, and a new one is opened for the next batch.
                self.connection = roll_back(&mut connection).await.is_ok().then_some(connection);
                return Err(lost);
            }
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// Moves everything into the database file, so that it alone is all there is, and lets go of it.
    async fn end(self) {
        let Some(mut connection) = self.connection else { return };
        let moved = query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await;
        let closed = connection.close().await;
        if let Err(error) = moved.map(|_| ()).and(closed) {
            // Nothing is lost: the next one to open the file reads the log.
            tracing::warn!(error = &error as &dyn std::error::Error, "the last checkpoint failed");
        }
    }
}
