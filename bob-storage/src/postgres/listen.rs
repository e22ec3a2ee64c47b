//! Hears of tenants whose snapshots changed, on whatever node.

use bob_core::id::TenantId;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio::time::{Duration, sleep};

/// The channel on which the database tells of them.
const CHANNEL: &str = "bob_tenant";

/// How many changes a reader may be behind; one that is further behind forgets everything it knows.
const BEHIND: usize = 256;

/// How long to wait before connecting again. Until then readers ask for versions, as they do anyway.
const RETRY: Duration = Duration::from_secs(5);

/// A connection that listens; it ends with this.
#[derive(Debug)]
pub(super) struct Listener {
    changes: broadcast::Sender<TenantId>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Starts listening on the current runtime.
    pub(super) fn start(connect: PgConnectOptions) -> Self {
        let (changes, _) = broadcast::channel(BEHIND);
        let heard = changes.clone();
        let task = tokio::spawn(async move {
            loop {
                if let Err(error) = listen(&connect, &heard).await {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "changes are not heard for now"
                    );
                }
                sleep(RETRY).await;
            }
        });
        Self { changes, task }
    }

    /// The tenants that change from now on.
    pub(super) fn changes(&self) -> broadcast::Receiver<TenantId> {
        self.changes.subscribe()
    }

    pub(super) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn listen(
    connect: &PgConnectOptions,
    changes: &broadcast::Sender<TenantId>,
) -> Result<(), sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(connect.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    // None when the connection was lost.
    while let Some(told) = listener.try_recv().await? {
        if let Ok(tenant) = told.payload().parse() {
            // Nobody may be interested.
            let _ = changes.send(tenant);
        }
    }
    Ok(())
}
