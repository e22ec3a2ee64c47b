//! The outbox: what happened, one row a transaction.

use async_trait::async_trait;
use bob_core::act::Act;
use bob_core::id::{ConversationId, MessageId, PersonaId, TenantId, TurnId};
use bob_core::outbox::{EventKind, EventSubject, OutboxEvent, events_of_row, names_of, new_row_id};
use bob_core::storage::{OutboxStore, Result};
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::SqliteStorage;
use super::error::failed;
use super::rows::{Cells, blob, count, micros};
use super::writer::Unit;

/// A new row's identifier, as it is stored.
pub(super) fn new_id() -> Vec<u8> {
    blob(new_row_id())
}

/// Writes down what happened, in the transaction in which it did.
pub(super) async fn tell(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    kinds: &[EventKind],
    subject: EventSubject,
) -> Result<()> {
    let insert = sqlx::query(
        "INSERT INTO bob_outbox (tenant_id, event_id, at, kinds, conversation_id, turn_id, message_id, persona_id,
             number)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(new_id())
    .bind(micros(act.at))
    .bind(names_of(kinds))
    .bind(subject.conversation.map(|id| blob(id.as_uuid())))
    .bind(subject.turn.map(|id| blob(id.as_uuid())))
    .bind(subject.message.map(|id| blob(id.as_uuid())))
    .bind(subject.persona.map(|id| blob(id.as_uuid())))
    .bind(subject.number.map(count));
    unit.execute(insert).await?;
    Ok(())
}

#[async_trait]
impl OutboxStore for SqliteStorage {
    async fn outbox(&self, tenant: &TenantId, after: Option<Uuid>, limit: u32) -> Result<Vec<OutboxEvent>> {
        const OPERATION: &str = "outbox";
        // The row of the event itself may hold further ones, or none: hence one row more.
        let rows = sqlx::query(
            "SELECT event_id, at, kinds, conversation_id, turn_id, message_id, persona_id, number
             FROM bob_outbox WHERE tenant_id = $1 AND event_id >= $2 ORDER BY event_id LIMIT $3 + 0",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(after.map(row_of).map(blob).unwrap_or_default())
        .bind(i64::from(limit) + 1)
        .fetch_all(self.readers())
        .await
        .map_err(failed(OPERATION))?;
        let mut events = Vec::new();
        for row in &rows {
            events.extend(read(row, OPERATION)?);
        }
        events.retain(|event| after.is_none_or(|after| event.id > after));
        events.truncate(limit as usize);
        Ok(events)
    }
}

/// The row that holds an event: its position there is in the last four bits.
fn row_of(event: Uuid) -> Uuid {
    let mut bytes = event.into_bytes();
    bytes[15] &= 0xf0;
    Uuid::from_bytes(bytes)
}

/// `event_id, at, kinds, conversation_id, turn_id, message_id, persona_id, number`
fn read(row: &SqliteRow, operation: &'static str) -> Result<Vec<OutboxEvent>> {
    let mut cells = Cells::of(row, operation);
    let (id, at) = (cells.id(|id| id)?, cells.time()?);
    let kinds: &str = cells.take()?;
    let subject = EventSubject {
        conversation: cells.optional_id(ConversationId::from_uuid)?,
        turn: cells.optional_id(TurnId::from_uuid)?,
        message: cells.optional_id(MessageId::from_uuid)?,
        persona: cells.optional_id(PersonaId::from_uuid)?,
        number: cells.optional_number()?,
    };
    Ok(events_of_row(id, at, kinds, subject))
}
