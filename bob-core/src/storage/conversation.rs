//! Conversations.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::conversation::{Conversation, ConversationKey, History, Ownership};
use crate::id::{ConversationId, TenantId, TurnId, VisitorId};
use crate::turn::TurnState;

/// Reading conversations.
#[async_trait]
pub trait ConversationStore: fmt::Debug + Send + Sync {
    /// The conversation of a key; `None` when there is none.
    async fn conversation(&self, tenant: &TenantId, key: &ConversationKey) -> Result<Option<Conversation>>;

    /// The latest messages of a conversation before number `before` (`None`: before the end), at most `limit`, oldest
    /// first.
    ///
    /// Superseded answers are no part of it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such conversation.
    async fn history(
        &self,
        tenant: &TenantId,
        conversation: &ConversationId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<History>;

    /// A turn of a visitor through a door.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such turn or it is another visitor's.
    async fn turn(
        &self,
        tenant: &TenantId,
        door: crate::conversation::Door,
        visitor: &VisitorId,
        turn: &TurnId,
    ) -> Result<TurnState>;

    /// Who speaks in a conversation.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such conversation.
    async fn ownership(&self, tenant: &TenantId, conversation: &ConversationId) -> Result<Ownership>;
}
