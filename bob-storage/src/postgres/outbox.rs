//! What happened: one row a transaction, written in it.

use async_trait::async_trait;
use bob_core::act::Act;
use bob_core::id::{ConversationId, MessageId, PersonaId, TenantId, TurnId};
use bob_core::outbox::{EventKind, EventSubject, OutboxEvent, events_of_row, names_of, new_row_id};
use bob_core::storage::{OutboxStore, Result};
use uuid::Uuid;

use super::PostgresStorage;
use super::rows::{Cells, count, micros};
use super::unit::Unit;

/// Writes down what happened to a tenant.
pub(super) async fn tell(
    unit: &mut Unit<'_>,
    tenant: &TenantId,
    act: &Act,
    kinds: &[EventKind],
    subject: EventSubject,
) -> Result<()> {
    let insert = sqlx::query(
        "INSERT INTO bob_outbox (tenant_id, event_id, at, kinds, conversation_id, turn_id, message_id, persona_id,
             number)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(tenant.as_uuid())
    .bind(new_row_id())
    .bind(micros(act.at))
    .bind(names_of(kinds))
    .bind(subject.conversation.map(|conversation| conversation.as_uuid()))
    .bind(subject.turn.map(|turn| turn.as_uuid()))
    .bind(subject.message.map(|message| message.as_uuid()))
    .bind(subject.persona.map(|persona| persona.as_uuid()))
    .bind(subject.number.map(count));
    unit.execute(insert).await?;
    Ok(())
}

#[async_trait]
impl OutboxStore for PostgresStorage {
    async fn outbox(&self, tenant: &TenantId, after: Option<Uuid>, limit: u32) -> Result<Vec<OutboxEvent>> {
        const OPERATION: &str = "outbox";
        // The row of the event itself may have further ones behind it.
        let row_of = |event: Uuid| Uuid::from_u128(event.as_u128() & !0xf);
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT event_id, at, kinds, conversation_id, turn_id, message_id, persona_id, number
                 FROM bob_outbox WHERE tenant_id = f.tenant AND event_id >= $2
                 ORDER BY event_id LIMIT $3) r
             ORDER BY r.event_id",
        )
        .bind(tenant.as_uuid())
        .bind(after.map_or(Uuid::nil(), row_of))
        .bind(i64::from(limit) + 1);
        let mut events = Vec::new();
        for row in self.rows(OPERATION, question).await? {
            let mut cells = Cells::of(&row, OPERATION);
            let (id, at) = (cells.take()?, cells.time()?);
            let kinds: &str = cells.take()?;
            let subject = EventSubject {
                conversation: cells.optional_id(ConversationId::from_uuid)?,
                turn: cells.optional_id(TurnId::from_uuid)?,
                message: cells.optional_id(MessageId::from_uuid)?,
                persona: cells.optional_id(PersonaId::from_uuid)?,
                number: cells.optional_number()?,
            };
            events.extend(events_of_row(id, at, kinds, subject));
        }
        events.retain(|event| after.is_none_or(|after| event.id > after));
        events.truncate(limit as usize);
        Ok(events)
    }
}
