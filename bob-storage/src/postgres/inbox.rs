//! The inbox.

use async_trait::async_trait;
use bob_core::act::Act;
use bob_core::conversation::{
    Door, Hindrance, Message, Owner, Ownership, Role, SpeakerChange, SpeakerChanged, Standing, TextPart,
};
use bob_core::id::{AccountId, ConversationId, TenantId, VisitorId};
use bob_core::inbox::{InboxEntry, InboxFilter, InboxPlace, InboxState, PersonReply, Replied, Stir};
use bob_core::outbox::{EventKind, EventSubject};
use bob_core::storage::{InboxStore, Result, StorageError, StorageErrorKind};
use bob_core::vault::{DataKey, VisitorKey};
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::audit::{Subject, note};
use super::error::corrupt;
use super::keys::sealed;
use super::listen::payload;
use super::outbox::tell;
use super::rows::{Cells, count, message, micros};
use super::unit::{Query, Unit};
use super::{PostgresStorage, not_found};
use crate::seal::VisitorSeal;

#[async_trait]
impl InboxStore for PostgresStorage {
    async fn inbox(
        &self,
        tenant: &TenantId,
        filter: &InboxFilter,
        after: Option<InboxPlace>,
        limit: u32,
    ) -> Result<Vec<InboxEntry>> {
        const OPERATION: &str = "inbox";
        let rows = self.rows(OPERATION, list(tenant, filter, after, limit)).await?;
        if rows.is_empty() {
            let known = sqlx::query(
                "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
                 CROSS JOIN LATERAL (SELECT tenant_id FROM bob_tenants WHERE tenant_id = f.tenant OFFSET 0) r",
            )
            .bind(tenant.as_uuid());
            self.row(OPERATION, known).await?.ok_or_else(|| not_found(OPERATION))?;
        }
        rows.iter().map(|row| entry(row, OPERATION)).collect()
    }

    async fn inbox_entry(&self, tenant: &TenantId, conversation: &ConversationId) -> Result<InboxEntry> {
        const OPERATION: &str = "inbox_entry";
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT conversation_id, door, visitor_id, owner, epoch, language, person_wanted_at, assigned_at,
                     closed_at, open_turn IS NOT NULL, messages, active_at, started_at
                 FROM bob_conversations
                 WHERE tenant_id = f.tenant AND conversation_id = $2
                 OFFSET 0) r",
        )
        .bind(tenant.as_uuid())
        .bind(conversation.as_uuid());
        entry(&self.row(OPERATION, question).await?.ok_or_else(|| not_found(OPERATION))?, OPERATION)
    }

    async fn change_speaker(
        &self,
        act: &Act,
        tenant: &TenantId,
        conversation: &ConversationId,
        change: SpeakerChange,
    ) -> Result<SpeakerChanged> {
        let (act, tenant, conversation) = (act.clone(), *tenant, *conversation);
        self.run(change.step.operation(), &tenant, move |unit| {
            Box::pin(async move { change_speaker(unit, &act, &tenant, &conversation, &change).await })
        })
        .await
    }

    async fn reply(
        &self,
        act: &Act,
        tenant: &TenantId,
        conversation: &ConversationId,
        reply: PersonReply,
    ) -> Result<Replied> {
        let key = self.tenant_key(REPLY, tenant).await?;
        let (act, tenant, conversation) = (act.clone(), *tenant, *conversation);
        self.run(REPLY, &tenant, move |unit| {
            Box::pin(async move { store_reply(unit, &act, &tenant, &key, &conversation, reply).await })
        })
        .await
    }

    async fn note_reading(&self, act: &Act, tenant: &TenantId, conversation: &ConversationId) -> Result<()> {
        const OPERATION: &str = "read_conversation";
        let (act, tenant, conversation) = (act.clone(), *tenant, *conversation);
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                locked(unit, &tenant, &conversation, OPERATION).await?;
                let subject = Subject(Some(conversation.as_uuid()), None);
                note(unit, Some(&tenant), &act, OPERATION, subject).await
            })
        })
        .await
    }
}

const REPLY: &str = "reply";

/// Asks for what [`entry`] reads. Each list follows an index of its own.
fn list(tenant: &TenantId, filter: &InboxFilter, after: Option<InboxPlace>, limit: u32) -> Query<'static> {
    let newest_first = filter.state != InboxState::Waiting;
    let start = match newest_first {
        true => (i64::MAX, Uuid::max()),
        false => (i64::MIN, Uuid::nil()),
    };
    let (at, id) = after.map_or(start, |after| (micros(after.at), after.id.as_uuid()));
    let bound = |sql: &'static str| {
        sqlx::query(sql)
            .bind(tenant.as_uuid())
            .bind(filter.door.map(Door::as_str))
            .bind(at)
            .bind(id)
            .bind(i64::from(limit))
    };
    match filter.state {
        InboxState::Waiting => bound(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT conversation_id, door, visitor_id, owner, epoch, language, person_wanted_at, assigned_at,
                     closed_at, open_turn IS NOT NULL, messages, active_at, started_at
                 FROM bob_conversations
                 WHERE tenant_id = f.tenant AND ($2::text IS NULL OR door = $2) AND person_wanted_at IS NOT NULL
                   AND (person_wanted_at, conversation_id) > ($3, $4)
                 ORDER BY person_wanted_at, conversation_id LIMIT $5) r
             ORDER BY r.person_wanted_at, r.conversation_id",
        ),
        InboxState::Of(person) => bound(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT conversation_id, door, visitor_id, owner, epoch, language, person_wanted_at, assigned_at,
                     closed_at, open_turn IS NOT NULL, messages, active_at, started_at
                 FROM bob_conversations
                 WHERE tenant_id = f.tenant AND ($2::text IS NULL OR door = $2) AND owner = $6
                   AND (active_at, conversation_id) < ($3, $4)
                 ORDER BY active_at DESC, conversation_id DESC LIMIT $5) r
             ORDER BY r.active_at DESC, r.conversation_id DESC",
        )
        .bind(person.as_uuid()),
        InboxState::Closed => bound(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT conversation_id, door, visitor_id, owner, epoch, language, person_wanted_at, assigned_at,
                     closed_at, open_turn IS NOT NULL, messages, active_at, started_at
                 FROM bob_conversations
                 WHERE tenant_id = f.tenant AND ($2::text IS NULL OR door = $2) AND closed_at IS NOT NULL
                   AND (active_at, conversation_id) < ($3, $4)
                 ORDER BY active_at DESC, conversation_id DESC LIMIT $5) r
             ORDER BY r.active_at DESC, r.conversation_id DESC",
        ),
        state => bound(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT conversation_id, door, visitor_id, owner, epoch, language, person_wanted_at, assigned_at,
                     closed_at, open_turn IS NOT NULL, messages, active_at, started_at
                 FROM bob_conversations
                 WHERE tenant_id = f.tenant AND ($2::text IS NULL OR door = $2) AND closed_at IS NULL
                   AND (owner IS NULL OR NOT $6) AND (active_at, conversation_id) < ($3, $4)
                 ORDER BY active_at DESC, conversation_id DESC LIMIT $5) r
             ORDER BY r.active_at DESC, r.conversation_id DESC",
        )
        .bind(state == InboxState::Bot),
    }
}

fn entry(row: &PgRow, operation: &'static str) -> Result<InboxEntry> {
    let mut cells = Cells::of(row, operation);
    let id = cells.id(ConversationId::from_uuid)?;
    let door = cells.named(Door::from_name)?;
    let visitor = cells.id(VisitorId::from_uuid)?;
    let owner = cells.optional_id(AccountId::from_uuid)?.map_or(Owner::Bot, Owner::Person);
    let ownership = Ownership { owner, epoch: cells.number()? };
    let language = cells.optional_parsed()?;
    let (wanted_at, taken_at) = (cells.optional_time()?, cells.optional_time()?);
    let (closed_at, open): (Option<Timestamp>, bool) = (cells.optional_time()?, cells.take()?);
    let answering = open && owner == Owner::Bot;
    let standing = Standing { ownership, wanted_at, taken_at, closed_at, answering };
    let messages = cells.number()?;
    let (active_at, started_at) = (cells.time()?, cells.time()?);
    Ok(InboxEntry { id, door, visitor, language, standing, messages, active_at, started_at })
}

async fn change_speaker(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    conversation: &ConversationId,
    change: &SpeakerChange,
) -> Result<SpeakerChanged> {
    let operation = change.step.operation();
    let standing = locked(unit, tenant, conversation, operation).await?.standing;
    let next = match standing.after(change, act.at) {
        Ok(Some(next)) => next,
        Ok(None) => return Ok(SpeakerChanged::Unchanged(standing)),
        Err(Hindrance::Stale) => return Err(StorageError::new(StorageErrorKind::Stale, operation)),
        Err(why) => return Ok(SpeakerChanged::Refused { why, standing }),
    };
    let owner = match next.ownership.owner {
        Owner::Bot => None,
        Owner::Person(person) => Some(person.as_uuid()),
        _ => return Err(corrupt(operation, "an owner this version cannot store")),
    };
    let update = sqlx::query(
        "UPDATE bob_conversations
         SET owner = $3, epoch = $4, person_wanted_at = $5, assigned_at = $6, closed_at = $7
         WHERE tenant_id = $1 AND conversation_id = $2",
    )
    .bind(tenant.as_uuid())
    .bind(conversation.as_uuid())
    .bind(owner)
    .bind(count(next.ownership.epoch))
    .bind(next.wanted_at.map(micros))
    .bind(next.taken_at.map(micros))
    .bind(next.closed_at.map(micros));
    unit.execute(update).await?;
    let about = EventSubject { conversation: Some(*conversation), ..EventSubject::default() };
    tell(unit, tenant, act, &[change.step.event()], about).await?;
    note(unit, Some(tenant), act, operation, Subject(Some(conversation.as_uuid()), None)).await?;
    wake(unit, tenant, conversation).await?;
    Ok(SpeakerChanged::Done(next))
}

/// Reads a conversation, which nobody else changes until this is committed.
async fn locked(
    unit: &mut Unit<'_>,
    tenant: &TenantId,
    conversation: &ConversationId,
    operation: &'static str,
) -> Result<InboxEntry> {
    let question = sqlx::query(
        "SELECT conversation_id, door, visitor_id, owner, epoch, language, person_wanted_at, assigned_at, closed_at,
             open_turn IS NOT NULL, messages, active_at, started_at
         FROM bob_conversations WHERE tenant_id = $1 AND conversation_id = $2 FOR UPDATE",
    )
    .bind(tenant.as_uuid())
    .bind(conversation.as_uuid());
    let row = unit.row(question).await?.ok_or_else(|| not_found(operation))?;
    entry(&row, operation)
}

/// Tells all nodes, once this is committed.
async fn wake(unit: &mut Unit<'_>, tenant: &TenantId, conversation: &ConversationId) -> Result<()> {
    let stir = Stir { tenant: *tenant, conversation: *conversation, typing: None };
    unit.execute(sqlx::query("SELECT pg_notify('bob_conversation', $1)").bind(payload(&stir))).await?;
    Ok(())
}

async fn store_reply(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    tenant_key: &DataKey,
    conversation: &ConversationId,
    reply: PersonReply,
) -> Result<Replied> {
    let found = locked(unit, tenant, conversation, REPLY).await?;
    let visitor = found.visitor;
    let key = sqlx::query("SELECT key FROM bob_visitors WHERE tenant_id = $1 AND visitor_id = $2")
        .bind(tenant.as_uuid())
        .bind(visitor.as_uuid());
    let key = unit.row(key).await?.ok_or_else(|| not_found(REPLY))?;
    let wrapped: &[u8] = Cells::of(&key, REPLY).take()?;
    let key = VisitorKey::open(tenant_key, tenant, &visitor, wrapped).map_err(sealed(REPLY))?;
    let seal = VisitorSeal { tenant: *tenant, visitor, key };
    let known = sqlx::query(
        "SELECT number, message_id, turn_id, role, at, content, author FROM bob_messages
         WHERE tenant_id = $1 AND conversation_id = $2 AND message_id = $3 AND role = 'person'",
    )
    .bind(tenant.as_uuid())
    .bind(conversation.as_uuid())
    .bind(reply.message.as_uuid());
    if let Some(row) = unit.row(known).await? {
        let known = message(&row, &seal, REPLY)?;
        let same = known.said.text == reply.text.as_str();
        return Ok(if same { Replied::Repeated(Box::new(known)) } else { Replied::Mismatch });
    }
    match found.standing.admits_reply(reply.person, reply.expected) {
        Ok(()) => {}
        Err(Hindrance::Stale) => return Err(StorageError::new(StorageErrorKind::Stale, REPLY)),
        Err(why) => return Ok(Replied::Refused { why, standing: found.standing }),
    }
    let content = seal.message(&reply.message, reply.text.as_str()).map_err(sealed(REPLY))?;
    let place = sqlx::query(
        "UPDATE bob_conversations SET messages = messages + 1, active_at = $3
         WHERE tenant_id = $1 AND conversation_id = $2",
    )
    .bind(tenant.as_uuid())
    .bind(conversation.as_uuid())
    .bind(micros(act.at));
    unit.execute(place).await?;
    let number = found.messages + 1;
    let insert = sqlx::query(
        "INSERT INTO bob_messages (tenant_id, conversation_id, number, message_id, turn_id, role, at, content, author)
         VALUES ($1, $2, $3, $4, $5, 'person', $6, $7, $8)",
    )
    .bind(tenant.as_uuid())
    .bind(conversation.as_uuid())
    .bind(count(number))
    .bind(reply.message.as_uuid())
    .bind(Uuid::nil())
    .bind(micros(act.at))
    .bind(content)
    .bind(reply.person.as_uuid());
    unit.execute(insert).await?;
    let about = EventSubject {
        conversation: Some(*conversation),
        message: Some(reply.message),
        ..EventSubject::default()
    };
    tell(unit, tenant, act, &[EventKind::MessageCreated], about).await?;
    let subject = Subject(Some(reply.message.as_uuid()), Some(conversation.as_uuid()));
    note(unit, Some(tenant), act, REPLY, subject).await?;
    wake(unit, tenant, conversation).await?;
    Ok(Replied::Stored(Box::new(Message {
        id: reply.message,
        turn: None,
        number,
        said: TextPart { role: Role::Person, text: reply.text.as_str().to_owned() },
        author: Some(reply.person),
        at: act.at,
        citations: Vec::new(),
        outcome: None,
    })))
}
