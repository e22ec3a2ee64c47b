//! Conversations in memory.

use async_trait::async_trait;

use super::MemoryStorage;
use super::world::TurnRowState;
use crate::conversation::{Conversation, ConversationKey, Door, History, Ownership};
use crate::id::{ConversationId, TenantId, TurnId, VisitorId};
use crate::storage::{ConversationStore, Result, StorageError, StorageErrorKind};
use crate::turn::TurnState;

#[async_trait]
impl ConversationStore for MemoryStorage {
    async fn conversation(&self, tenant: &TenantId, key: &ConversationKey) -> Result<Option<Conversation>> {
        let world = self.world();
        let shop = world.shop("conversation", tenant)?;
        Ok(shop
            .by_key
            .get(key)
            .and_then(|id| shop.conversations.get(id))
            .map(|talk| talk.conversation.clone()))
    }

    async fn history(
        &self,
        tenant: &TenantId,
        conversation: &ConversationId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<History> {
        const OPERATION: &str = "history";
        let world = self.world();
        let talk = world.shop(OPERATION, tenant)?.conversations.get(conversation);
        let talk = talk.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, OPERATION))?;
        let end =
            talk.messages.partition_point(|message| before.is_none_or(|before| message.number < before));
        let start = end.saturating_sub(limit as usize);
        let messages = talk.messages[start..end].to_vec();
        let next = messages.first().filter(|_| start > 0).map(|first| first.number);
        Ok(History { messages, next })
    }

    async fn turn(
        &self,
        tenant: &TenantId,
        door: Door,
        visitor: &VisitorId,
        turn: &TurnId,
    ) -> Result<TurnState> {
        const OPERATION: &str = "turn";
        let world = self.world();
        let shop = world.shop(OPERATION, tenant)?;
        let row = shop.turns.get(turn).filter(|row| {
            let talk = shop.conversations.get(&row.conversation);
            row.visitor == *visitor && talk.is_some_and(|talk| talk.conversation.key.door == door)
        });
        let row = row.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, OPERATION))?;
        Ok(match &row.state {
            TurnRowState::Open(lease) => TurnState::Open(*lease),
            TurnRowState::Finished(finished) => TurnState::Finished(finished.clone()),
            TurnRowState::Abandoned(answer) => TurnState::Abandoned { superseded: answer.clone() },
        })
    }

    async fn ownership(&self, tenant: &TenantId, conversation: &ConversationId) -> Result<Ownership> {
        const OPERATION: &str = "ownership";
        let world = self.world();
        let talk = world.shop(OPERATION, tenant)?.conversations.get(conversation);
        let talk = talk.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, OPERATION))?;
        Ok(talk.conversation.ownership)
    }
}
