//! Who listens to which conversation on this node, and what wakes them.
//!
//! The hub carries no messages. It only says that something changed; whoever is woken reads storage from where they
//! left off. So it keeps two numbers for each conversation that is listened to, however slow a listener is, and a
//! listener who missed a wake misses nothing.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};

use super::feed::Feed;
use crate::id::{AccountId, ConversationId, TenantId};
use crate::storage::SharedStorage;

/// How often other nodes' doings are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(700);

/// A conversation of a tenant, or all of them.
type Topic = (TenantId, Option<ConversationId>);

/// Something happened in a conversation, on whatever node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stir {
    /// The business.
    pub tenant: TenantId,
    /// The conversation.
    pub conversation: ConversationId,
    /// Who is writing at the moment, when that is all that happened: nothing is stored then.
    pub typing: Option<AccountId>,
}

/// What a listener compares with what they saw last.
#[derive(Debug, Clone, Copy, Default)]
struct Stirred {
    changes: u64,
    typed: u64,
    typist: Option<AccountId>,
}

/// Those who listen on this node.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    topics: Mutex<HashMap<Topic, watch::Sender<Stirred>>>,
}

impl Hub {
    /// Listens to a conversation, or to all of a tenant.
    pub(crate) fn listen(
        self: &Arc<Self>,
        tenant: TenantId,
        conversation: Option<ConversationId>,
    ) -> Listening {
        let topic = (tenant, conversation);
        let receiver = self.topics().entry(topic).or_default().subscribe();
        Listening { hub: Arc::clone(self), topic, receiver: Some(receiver), typed: 0 }
    }

    /// Wakes those who listen to a conversation or to its tenant.
    pub(crate) fn stir(&self, stir: Stir) {
        let topics = self.topics();
        if topics.is_empty() {
            return;
        }
        let Stir { tenant, conversation, typing } = stir;
        if let Some(topic) = topics.get(&(tenant, Some(conversation))) {
            topic.send_modify(|stirred| match typing {
                Some(_) => (stirred.typed, stirred.typist) = (stirred.typed + 1, typing),
                None => stirred.changes += 1,
            });
        }
        if let Some(topic) = topics.get(&(tenant, None)).filter(|_| typing.is_none()) {
            topic.send_modify(|stirred| stirred.changes += 1);
        }
    }

    /// Hears for ever what other nodes do: from the database where it tells of it, and by looking where it does not.
    pub(crate) async fn follow(&self, storage: SharedStorage) {
        let mut told = storage.stirs();
        let mut feeds: HashMap<TenantId, Feed> = HashMap::new();
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                stir = hear(&mut told) => match stir {
                    Some(stir) => self.stir(stir),
                    None => told = None,
                },
                _ = look.tick() => self.look(&storage, &mut feeds).await,
            }
        }
    }

    async fn look(&self, storage: &SharedStorage, feeds: &mut HashMap<TenantId, Feed>) {
        let tenants: HashSet<TenantId> = self.topics().keys().map(|(tenant, _)| *tenant).collect();
        feeds.retain(|tenant, _| tenants.contains(tenant));
        for tenant in tenants {
            let feed = feeds.entry(tenant).or_insert_with(Feed::from_now);
            match feed.read(&**storage, &tenant).await {
                Ok(events) => {
                    let conversations: HashSet<ConversationId> =
                        events.iter().filter_map(|event| event.subject.conversation).collect();
                    for conversation in conversations {
                        self.stir(Stir { tenant, conversation, typing: None });
                    }
                }
                Err(error) => tracing::debug!(error = ?error, "other nodes' messages are not seen for now"),
            }
        }
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<Topic, watch::Sender<Stirred>>> {
        // The map is right after each step.
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn is_silent(&self) -> bool {
        self.topics().is_empty()
    }
}

/// The next thing that the database tells; `None` when it tells nothing any more. Never comes when it never does.
async fn hear(told: &mut Option<broadcast::Receiver<Stir>>) -> Option<Stir> {
    let Some(receiver) = told else { return std::future::pending().await };
    loop {
        match receiver.recv().await {
            Ok(stir) => return Some(stir),
            // What was missed is found by looking.
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return None,
        }
    }
}

/// Listens to a topic; it ends with this.
#[derive(Debug)]
pub(crate) struct Listening {
    hub: Arc<Hub>,
    topic: Topic,
    /// None only while it is dropped.
    receiver: Option<watch::Receiver<Stirred>>,
    typed: u64,
}

impl Listening {
    /// Waits until something happened since the last time.
    pub(crate) async fn stirred(&mut self) {
        if let Some(receiver) = &mut self.receiver
            && receiver.changed().await.is_ok()
        {
            return;
        }
        // The hub holds the sender as long as anybody listens.
        std::future::pending::<()>().await;
    }

    /// Who has been writing since this was last asked.
    pub(super) fn typist(&mut self) -> Option<AccountId> {
        let stirred = *self.receiver.as_ref()?.borrow();
        let new = stirred.typed != std::mem::replace(&mut self.typed, stirred.typed);
        stirred.typist.filter(|_| new)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut topics = self.hub.topics();
        self.receiver = None;
        if topics.get(&self.topic).is_some_and(|topic| topic.receiver_count() == 0) {
            topics.remove(&self.topic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stir(tenant: TenantId, conversation: ConversationId, typing: Option<AccountId>) -> Stir {
        Stir { tenant, conversation, typing }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stir_wakes_those_who_listen_there_and_nobody_else() {
        let hub = Arc::new(Hub::default());
        let (tenant, talk) = (TenantId::new(), ConversationId::new());
        let wakes = async |listening: &mut Listening| {
            tokio::time::timeout(Duration::from_millis(1), listening.stirred()).await.is_ok()
        };
        let mut here = hub.listen(tenant, Some(talk));
        let mut all = hub.listen(tenant, None);
        let mut beside = hub.listen(tenant, Some(ConversationId::new()));
        let mut elsewhere = hub.listen(TenantId::new(), None);

        hub.stir(stir(tenant, talk, None));
        hub.stir(stir(tenant, talk, None));
        assert!(wakes(&mut here).await && wakes(&mut all).await);
        assert!(!wakes(&mut here).await, "two stirs are one wake");
        assert!(!wakes(&mut beside).await && !wakes(&mut elsewhere).await);

        let anna = AccountId::new();
        assert_eq!(here.typist(), None);
        hub.stir(stir(tenant, talk, Some(anna)));
        assert!(wakes(&mut here).await && !wakes(&mut all).await, "typing is for those in the conversation");
        assert_eq!((here.typist(), here.typist()), (Some(anna), None));
    }

    #[tokio::test]
    async fn nothing_is_kept_of_those_who_have_gone() {
        let hub = Arc::new(Hub::default());
        let (tenant, talk) = (TenantId::new(), ConversationId::new());
        let (one, two) = (hub.listen(tenant, Some(talk)), hub.listen(tenant, Some(talk)));
        drop(one);
        assert!(!hub.is_silent());
        drop(two);
        assert!(hub.is_silent());
    }
}
