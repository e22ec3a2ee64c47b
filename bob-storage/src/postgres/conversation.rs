//! Conversations.

use async_trait::async_trait;
use bob_core::conversation::{Conversation, ConversationKey, Door, History, Owner, Ownership};
use bob_core::id::{AccountId, ConversationId, TenantId, TurnId, VisitorId};
use bob_core::storage::{ConversationStore, Result};
use bob_core::turn::TurnState;
use sqlx::Row as _;

use super::error::failed;
use super::rows::{Cells, count, message};
use super::{PostgresStorage, not_found};

#[async_trait]
impl ConversationStore for PostgresStorage {
    async fn conversation(&self, tenant: &TenantId, key: &ConversationKey) -> Result<Option<Conversation>> {
        const OPERATION: &str = "conversation";
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT c.conversation_id, c.owner, c.epoch, c.language, c.person_wanted_at, c.started_at
                 FROM bob_tenants t
                 LEFT JOIN bob_conversations c ON c.tenant_id = t.tenant_id AND c.session_index = $2
                     AND c.visitor_id = $3
                 WHERE t.tenant_id = f.tenant
                 OFFSET 0) r",
        )
        .bind(tenant.as_uuid())
        .bind(self.vault().session_index(tenant, key.door, &key.session).to_vec())
        .bind(key.visitor.as_uuid());
        let found = self.row(OPERATION, question).await?;
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
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT m.number, m.message_id, m.turn_id, m.role, m.at, m.content, m.author, c.visitor_id
                 FROM bob_conversations c
                 LEFT JOIN bob_messages m ON m.tenant_id = c.tenant_id AND m.conversation_id = c.conversation_id
                     AND m.number < $3
                 WHERE c.tenant_id = f.tenant AND c.conversation_id = $2
                 ORDER BY m.number DESC
                 LIMIT $4) r
             ORDER BY r.number DESC",
        )
        .bind(tenant.as_uuid())
        .bind(conversation.as_uuid())
        .bind(before.map_or(i64::MAX, count))
        .bind(i64::from(limit) + 1);
        let mut rows = self.rows(OPERATION, question).await?;
        let first = rows.first().ok_or_else(|| not_found(OPERATION))?;
        if first.try_get::<Option<i64>, _>(0).map_err(failed(OPERATION))?.is_none() {
            return Ok(History::default());
        }
        let visitor = VisitorId::from_uuid(first.try_get(7).map_err(failed(OPERATION))?);
        let seal =
            self.visitor_seal(OPERATION, tenant, &visitor).await?.ok_or_else(|| not_found(OPERATION))?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let messages =
            rows.iter().rev().map(|row| message(row, &seal, OPERATION)).collect::<Result<Vec<_>>>()?;
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
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT t.turn_id, t.conversation_id, t.visitor_id, t.proven, t.disclose, t.state, t.lease_node,
                     t.lease_token, t.lease_until, t.language, t.persona, t.superseded, c.session,
                     m.message_id, m.content
                 FROM bob_turns t
                 JOIN bob_conversations c ON c.tenant_id = t.tenant_id AND c.conversation_id = t.conversation_id
                 LEFT JOIN bob_messages m ON m.tenant_id = t.tenant_id AND m.conversation_id = t.conversation_id
                     AND m.number = t.answer
                 WHERE t.tenant_id = f.tenant AND t.turn_id = $2 AND t.visitor_id = $3 AND c.door = $4
                 OFFSET 0) r",
        )
        .bind(tenant.as_uuid())
        .bind(turn.as_uuid())
        .bind(visitor.as_uuid())
        .bind(door.as_str());
        let found = self.row(OPERATION, question).await?;
        let row = found.ok_or_else(|| not_found(OPERATION))?;
        Ok(self.state(OPERATION, tenant, &row).await?.1)
    }

    async fn ownership(&self, tenant: &TenantId, conversation: &ConversationId) -> Result<Ownership> {
        const OPERATION: &str = "ownership";
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT owner, epoch FROM bob_conversations
                 WHERE tenant_id = f.tenant AND conversation_id = $2
                 OFFSET 0) r",
        )
        .bind(tenant.as_uuid())
        .bind(conversation.as_uuid());
        let row = self.row(OPERATION, question).await?.ok_or_else(|| not_found(OPERATION))?;
        let mut cells = Cells::of(&row, OPERATION);
        let owner = cells.optional_id(AccountId::from_uuid)?.map_or(Owner::Bot, Owner::Person);
        Ok(Ownership { owner, epoch: cells.number()? })
    }
}
