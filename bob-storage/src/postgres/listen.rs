//! Hears of tenants whose snapshots changed, and of what happens in conversations, on whatever node.

use bob_core::id::{ConversationId, TenantId};
use bob_core::inbox::Stir;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio::time::{Duration, sleep};

/// The channel on which the database tells of tenants.
const TENANTS: &str = "bob_tenant";

/// The channel on which it tells of conversations that somebody waits for.
const CONVERSATIONS: &str = "bob_conversation";

/// How many changes a reader may be behind; one that is further behind forgets everything it knows.
const BEHIND: usize = 256;

/// How long to wait before connecting again. Until then readers ask for versions, as they do anyway.
const RETRY: Duration = Duration::from_secs(5);

/// A connection that listens; it ends with this.
#[derive(Debug)]
pub(super) struct Listener {
    changes: broadcast::Sender<TenantId>,
    stirs: broadcast::Sender<Stir>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Starts listening on the current runtime.
    pub(super) fn start(connect: PgConnectOptions) -> Self {
        let (changes, _) = broadcast::channel(BEHIND);
        let (stirs, _) = broadcast::channel(BEHIND);
        let heard = (changes.clone(), stirs.clone());
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
        Self { changes, stirs, task }
    }

    /// The tenants that change from now on.
    pub(super) fn changes(&self) -> broadcast::Receiver<TenantId> {
        self.changes.subscribe()
    }

    /// What happens in conversations from now on.
    pub(super) fn stirs(&self) -> broadcast::Receiver<Stir> {
        self.stirs.subscribe()
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
    (changes, stirs): &(broadcast::Sender<TenantId>, broadcast::Sender<Stir>),
) -> Result<(), sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(connect.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen_all([TENANTS, CONVERSATIONS]).await?;
    // None when the connection was lost.
    while let Some(told) = listener.try_recv().await? {
        // Nobody may be interested.
        if told.channel() == CONVERSATIONS {
            let _ = stir(told.payload()).map(|stir| stirs.send(stir));
        } else if let Ok(tenant) = told.payload().parse() {
            let _ = changes.send(tenant);
        }
    }
    Ok(())
}

/// What the database is to tell of a stir: tenant, conversation, and who types if that is all.
pub(super) fn payload(stir: &Stir) -> String {
    let typist = stir.typing.map(|person| format!(" {person}")).unwrap_or_default();
    format!("{} {}{typist}", stir.tenant, stir.conversation)
}

fn stir(payload: &str) -> Option<Stir> {
    let mut words = payload.split(' ');
    let (tenant, conversation) = (words.next()?.parse().ok()?, words.next()?.parse::<ConversationId>().ok()?);
    let typing = words.next().map(str::parse).transpose().ok()?;
    Some(Stir { tenant, conversation, typing })
}

#[cfg(test)]
mod tests {
    use bob_core::id::AccountId;

    use super::*;

    #[test]
    fn a_stir_reads_back_as_it_was_told() {
        for typing in [None, Some(AccountId::new())] {
            let told = Stir { tenant: TenantId::new(), conversation: ConversationId::new(), typing };
            assert_eq!(stir(&payload(&told)), Some(told));
        }
        for text in ["", "a b", "0190a5d0-ac96-774b-bcce-b302099a8057"] {
            assert_eq!(stir(text), None, "{text}");
        }
    }
}
