//! The turn pipeline: what happens between a visitor's message and Bob's answer.
//!
//! A turn is entered once ([`Chat::send`]) and stored twice: [`begin_turn`](crate::storage::TurnStore::begin_turn)
//! before anything is answered, [`finish_turn`](crate::storage::TurnStore::finish_turn) with the answer. In between it
//! is a task of its own, so that a caller who goes away does not lose it.

mod live;
mod model;
mod task;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::act::Act;
use crate::answer::GroundedAnswerer;
use crate::clock::{Clock, until};
use crate::conversation::{ConversationKey, Door, History, MessageText, SessionId};
use crate::id::{ConversationId, NodeId, TenantId, TurnId, VisitorId, WidgetKeyId};
use crate::inbox::{Hub, Stir};
use crate::knowledge::Audience;
use crate::language::Language;
use crate::life::{Life, NotRunning};
use crate::llm::LanguageModel;
use crate::pricebook::Pricebooks;
use crate::retrieve::Retriever;
use crate::storage::{SharedStorage, StorageError, StorageErrorKind, TenantSnapshot};
use crate::turn::{IdempotencyClaim, TurnState};
use crate::visitor::{TrustLevel, VisitorProof};

pub use live::TurnEvents;

/// How often another node's turn is asked about.
const POLL: Duration = Duration::from_millis(250);

/// A message at the door, parsed and allowed.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// The business it is for.
    pub tenant: Arc<TenantSnapshot>,
    /// The door it came through.
    pub door: Door,
    /// The widget key it came with, on the door that needs one.
    pub widget_key: Option<WidgetKeyId>,
    /// Who sends it.
    pub visitor: VisitorProof,
    /// How sure it is who that is; what is only for people who are known asks for this.
    pub trust: TrustLevel,
    /// The visitor's name for the conversation; minted when absent.
    pub session: Option<SessionId>,
    /// What it says.
    pub text: MessageText,
    /// What the sender may be answered from.
    pub audience: Audience,
    /// The languages the sender's browser asks for, best first.
    pub accepts: Vec<Language>,
    /// How a repetition of the call is known.
    pub idempotency: Option<IdempotencyClaim>,
}

/// A message that was taken.
#[derive(Debug)]
pub struct Sent {
    /// The turn it began, or was answered by before.
    pub turn: TurnId,
    /// The visitor, if the caller may be given a token for them.
    pub visitor: Option<VisitorId>,
    /// Whether the answer comes from an earlier call with the same idempotency key.
    pub replayed: bool,
    /// The answer, as it comes.
    pub events: TurnEvents,
}

/// A message was not taken; nothing was stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// Bob has not been started, or is being stopped.
    #[error(transparent)]
    NotRunning(#[from] NotRunning),
    /// The business's doors are closed.
    #[error("the business is suspended, or is being deleted")]
    Closed,
    /// Another turn of the conversation is open.
    #[error("the conversation is busy")]
    Busy {
        /// That turn.
        turn: TurnId,
        /// When to try again.
        retry_after: Duration,
    },
    /// The same call is being answered.
    #[error("the turn is in progress")]
    InProgress {
        /// Its turn.
        turn: TurnId,
        /// When to try again.
        retry_after: Duration,
    },
    /// The idempotency key was used with another body.
    #[error("the idempotency key was used with another body")]
    IdempotencyMismatch,
    /// The visitor was claimed by somebody who signed in; they are a stranger now.
    #[error("the visitor has ended")]
    VisitorEnded,
    /// Storage did not take it.
    #[error("the message could not be stored")]
    Storage(#[from] StorageError),
}

/// The turn pipeline of one Bob.
#[derive(Debug, Clone)]
pub struct Chat {
    inner: Arc<Pipeline>,
}

#[derive(Debug)]
struct Pipeline {
    storage: SharedStorage,
    clock: Arc<dyn Clock>,
    retriever: Arc<dyn Retriever>,
    answerer: GroundedAnswerer,
    /// The best first; what is spent on one is bounded by the pricebook.
    models: Vec<Arc<dyn LanguageModel>>,
    pricebooks: Arc<Pricebooks>,
    node: NodeId,
    leases: AtomicU64,
    live: live::LiveTurns,
    hub: Arc<Hub>,
    life: Arc<Life>,
}

/// What a pipeline is made of.
pub(crate) struct ChatParts {
    pub(crate) storage: SharedStorage,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) retriever: Arc<dyn Retriever>,
    pub(crate) answerer: GroundedAnswerer,
    pub(crate) models: Vec<Arc<dyn LanguageModel>>,
    pub(crate) pricebooks: Arc<Pricebooks>,
    pub(crate) node: NodeId,
    pub(crate) hub: Arc<Hub>,
    pub(crate) life: Arc<Life>,
}

impl Chat {
    pub(crate) fn new(parts: ChatParts) -> Self {
        let ChatParts { storage, clock, retriever, answerer, models, pricebooks, node, hub, life } = parts;
        let (leases, live) = (AtomicU64::new(1), live::LiveTurns::default());
        let inner = Pipeline {
            storage,
            clock,
            retriever,
            answerer,
            models,
            pricebooks,
            node,
            leases,
            live,
            hub,
            life,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Takes a message and begins its turn; the answer comes through [`Sent::events`].
    ///
    /// The turn goes on when this future, or the events, are dropped.
    ///
    /// # Errors
    ///
    /// See [`SendError`]; nothing is stored then.
    pub async fn send(&self, act: Act, message: NewMessage) -> Result<Sent, SendError> {
        if !message.tenant.tenant.standing.is_open() {
            return Err(SendError::Closed);
        }
        let (opened, opening) = oneshot::channel();
        let turn = task::run(Arc::clone(&self.inner), act, message, opened);
        self.inner.life.spawn(turn)?;
        match opening.await {
            Ok(sent) => sent,
            // Only a turn that panicked sends nothing.
            Err(_) => Err(StorageError::new(StorageErrorKind::Unavailable, "begin_turn").into()),
        }
    }

    /// The events of a visitor's turn behind number `after`, live ones as they come.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is no such turn or it is another visitor's.
    pub async fn turn_events(
        &self,
        tenant: &TenantId,
        door: Door,
        visitor: &VisitorId,
        turn: &TurnId,
        after: u64,
    ) -> Result<TurnEvents, StorageError> {
        if let Some(events) = self.inner.live.listen(tenant, door, visitor, turn, after) {
            return Ok(events);
        }
        match self.inner.storage.turn(tenant, door, visitor, turn).await? {
            TurnState::Open(_) => Ok(self.follow(*tenant, door, *visitor, *turn, after)),
            ended => Ok(TurnEvents::ended(ended, after)),
        }
    }

    /// A page of the visitor's own conversation: the latest messages before number `before`, oldest first.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when the visitor has no such conversation.
    pub async fn history(
        &self,
        tenant: &TenantId,
        key: &ConversationKey,
        before: Option<u64>,
        limit: u32,
    ) -> Result<History, StorageError> {
        let found = self.inner.storage.conversation(tenant, key).await?;
        let found = found.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, "history"))?;
        self.inner.storage.history(tenant, &found.id, before, limit).await
    }

    /// Follows a turn that another process answers, until it is finished or given up.
    fn follow(
        &self,
        tenant: TenantId,
        door: Door,
        visitor: VisitorId,
        turn: TurnId,
        after: u64,
    ) -> TurnEvents {
        let (sender, events) = TurnEvents::channel();
        let pipeline = Arc::clone(&self.inner);
        let following = async move {
            let ended = loop {
                match pipeline.storage.turn(&tenant, door, &visitor, &turn).await {
                    Ok(TurnState::Open(lease)) if lease.holds(pipeline.clock.now()) => {}
                    Ok(TurnState::Open(_)) | Err(_) => break TurnState::Abandoned { superseded: None },
                    Ok(ended) => break ended,
                }
                if sender.is_closed() {
                    return;
                }
                tokio::time::sleep(POLL).await;
            };
            live::send_ended(&sender, ended, after);
        };
        // When Bob is not running, nobody follows and the events end at once.
        let _ = self.inner.life.spawn(following);
        events
    }
}

impl Pipeline {
    /// Wakes those who listen to a conversation.
    fn stir(&self, tenant: TenantId, conversation: ConversationId) {
        self.hub.stir(Stir { tenant, conversation, typing: None });
    }

    fn lease(&self, now: Timestamp) -> crate::turn::Lease {
        crate::turn::Lease::new(self.node, self.leases.fetch_add(1, Ordering::Relaxed), now)
    }

    fn busy(&self, turn: TurnId, lease_ends: Timestamp) -> SendError {
        let retry_after =
            until(self.clock.now(), lease_ends).clamp(Duration::from_secs(1), Duration::from_secs(2));
        SendError::Busy { turn, retry_after }
    }
}
