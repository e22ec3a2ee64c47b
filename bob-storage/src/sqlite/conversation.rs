//! Conversations.

use async_trait::async_trait;
use bob_core::conversation::{Conversation, ConversationKey, Door, History, Owner, Ownership};
use bob_core::id::{AccountId, ConversationId, TenantId, TurnId, VisitorId};
use bob_core::storage::{ConversationStore, Result};
use bob_core::turn::TurnState;

use super::error::failed;
use super::rows::{Cells, blob, count, message};
use super::turn::{FoundTurn, find};
use super::{SqliteStorage, not_found};

#[async_trait]
impl ConversationStore for SqliteStorage {
    async fn conversation(&self, tenant: &TenantId, key: &ConversationKey) -> Result<Option<Conversation>> {
        const OPERATION: &str = "conversation";
        let found = sqlx::query(
            "SELECT c.conversation_id, c.owner, c.epoch, c.language, c.person_wanted_at, c.started_at
             FROM bob_tenants t
             LEFT JOIN bob_conversations c ON c.tenant_id = t.tenant_id AND c.session_index = $2
                 AND c.visitor_id = $3
             WHERE t.tenant_id = $1",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(self.vault().session_index(tenant, key.door, &key.session).to_vec())
        .bind(blob(key.visitor.as_uuid()))
        .fetch_optional(self.readers())
        .await
        .map_err(failed(OPERATION))?;
        let row = found.ok_or_else(|| not_found(OPERATION))?;
        let mut cells = Cells::of(&row, OPERATION);
        let Some(id) = cells.optional_id(ConversationId::from_uuid)? else { return Ok(None) };
        Ok(Some(Conversation {
            id,
            key: key.clone(),
            ownership: Ownership {
                owner: cells.optional_id(AccountId::from_uuid)?.map_or(Owner::Bot, Owner::Person),
                epoch: cells.number()?,
            },
            language: cells.optional_parsed()?,
            person_wanted_at: cells.optional_time()?,
            started_at: cells.time()?,
        }))
    }

    async fn history(
        &self,
        tenant: &TenantId,
        conversation: &ConversationId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<History> {
        const OPERATION: &str = "history";
        // The latest first, and one more than wanted, which tells whether there are older ones; a conversation without
        // any has one row of nulls.
        let mut rows = sqlx::query(
            "SELECT c.visitor_id, v.key, m.number, m.message_id, m.turn_id, m.role, m.at, m.content, m.author
             FROM bob_conversations c
             LEFT JOIN bob_visitors v ON v.tenant_id = c.tenant_id AND v.visitor_id = c.visitor_id
             LEFT JOIN bob_messages m ON m.tenant_id = c.tenant_id AND m.conversation_id = c.conversation_id
                 AND m.number < $3
             WHERE c.tenant_id = $1 AND c.conversation_id = $2
             ORDER BY m.number DESC
             LIMIT $4 + 0",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(blob(conversation.as_uuid()))
        .bind(before.map_or(i64::MAX, count))
        .bind(i64::from(limit) + 1)
        .fetch_all(self.readers())
        .await
        .map_err(failed(OPERATION))?;
        let first = rows.first().ok_or_else(|| not_found(OPERATION))?;
        let mut cells = Cells::of(first, OPERATION);
        let (visitor, key) = (cells.id(VisitorId::from_uuid)?, cells.take()?);
        if cells.take::<Option<i64>>()?.is_none() {
            return Ok(History::default());
        }
        let seal = self.stored_seal(tenant, visitor, key, OPERATION).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let messages = rows.iter().rev().map(|row| message(&mut Cells::of(row, OPERATION).skip(2), &seal));
        let messages = messages.collect::<Result<Vec<_>>>()?;
        let next = messages.first().filter(|_| more).map(|first| first.number);
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
        let found = find(tenant, turn).fetch_optional(self.readers()).await.map_err(failed(OPERATION))?;
        let row = found.ok_or_else(|| not_found(OPERATION))?;
        let found = FoundTurn::read(&row, OPERATION)?;
        if found.visitor != *visitor || found.door != door {
            return Err(not_found(OPERATION));
        }
        if let Some(lease) = found.open() {
            return Ok(TurnState::Open(lease));
        }
        let seal = self.stored_seal(tenant, *visitor, found.key.as_deref(), OPERATION).await?;
        found.state(&seal)
    }

    async fn ownership(&self, tenant: &TenantId, conversation: &ConversationId) -> Result<Ownership> {
        const OPERATION: &str = "ownership";
        let found = sqlx::query(
            "SELECT owner, epoch FROM bob_conversations WHERE tenant_id = $1 AND conversation_id = $2",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(blob(conversation.as_uuid()))
        .fetch_optional(self.readers())
        .await
        .map_err(failed(OPERATION))?;
        let row = found.ok_or_else(|| not_found(OPERATION))?;
        let mut cells = Cells::of(&row, OPERATION);
        let owner = cells.optional_id(AccountId::from_uuid)?.map_or(Owner::Bot, Owner::Person);
        Ok(Ownership { owner, epoch: cells.number()? })
    }
}
