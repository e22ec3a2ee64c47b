//! The inbox.

use async_trait::async_trait;
use bob_core::act::Act;
use bob_core::conversation::{
    Door, Hindrance, Message, Owner, Ownership, Role, SpeakerChange, SpeakerChanged, Standing, TextPart,
};
use bob_core::id::{AccountId, ConversationId, TenantId, VisitorId};
use bob_core::inbox::{InboxEntry, InboxFilter, InboxPlace, InboxState, PersonReply, Replied};
use bob_core::outbox::{EventKind, EventSubject};
use bob_core::storage::{InboxStore, Result, StorageError, StorageErrorKind};
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::audit::{Subject, note};
use super::error::{corrupt, failed};
use super::outbox::tell;
use super::rows::{Cells, blob, count, message, micros};
use super::writer::{Query, Unit};
use super::{SqliteStorage, not_found};
use crate::seal::TenantSeal;

#[async_trait]
impl InboxStore for SqliteStorage {
    async fn inbox(
        &self,
        tenant: &TenantId,
        filter: &InboxFilter,
        after: Option<InboxPlace>,
        limit: u32,
    ) -> Result<Vec<InboxEntry>> {
        const OPERATION: &str = "inbox";
        let found = list(tenant, filter, after, limit).fetch_all(self.readers()).await;
        let rows = found.map_err(failed(OPERATION))?;
        if rows.is_empty() {
            let known = sqlx::query("SELECT 1 FROM bob_tenants WHERE tenant_id = $1")
                .bind(blob(tenant.as_uuid()))
                .fetch_optional(self.readers())
                .await
                .map_err(failed(OPERATION))?;
            known.ok_or_else(|| not_found(OPERATION))?;
        }
        rows.iter().map(|row| entry(row, OPERATION)).collect()
    }

    async fn inbox_entry(&self, tenant: &TenantId, conversation: &ConversationId) -> Result<InboxEntry> {
        const OPERATION: &str = "inbox_entry";
        let found = one(tenant, conversation).fetch_optional(self.readers()).await;
        entry(&found.map_err(failed(OPERATION))?.ok_or_else(|| not_found(OPERATION))?, OPERATION)
    }

    async fn change_speaker(
        &self,
        act: &Act,
        tenant: &TenantId,
        conversation: &ConversationId,
        change: SpeakerChange,
    ) -> Result<SpeakerChanged> {
        let operation = change.step.operation();
        let (act, tenant, conversation) = (act.clone(), *tenant, *conversation);
        self.writer()
            .run(operation, move |unit| {
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
        let tenant = self.tenant_seal(tenant, REPLY).await?;
        let (act, conversation) = (act.clone(), *conversation);
        self.writer()
            .run(REPLY, move |unit| {
                Box::pin(async move { store_reply(unit, &act, &tenant, &conversation, reply).await })
            })
            .await
    }

    async fn note_reading(&self, act: &Act, tenant: &TenantId, conversation: &ConversationId) -> Result<()> {
        const OPERATION: &str = "read_conversation";
        let (act, tenant, conversation) = (act.clone(), *tenant, *conversation);
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    unit.row(one(&tenant, &conversation)).await?.ok_or_else(|| not_found(OPERATION))?;
                    let subject = Subject(Some(conversation.as_uuid()), None);
                    note(unit, Some(&tenant), &act, OPERATION, subject).await
                })
            })
            .await
    }
}

const REPLY: &str = "reply";

/// Asks for what [`entry`] reads. Each list follows an index of its own.
fn list(tenant: &TenantId, filter: &InboxFilter, after: Option<InboxPlace>, limit: u32) -> Query {
    let newest_first = filter.state != InboxState::Waiting;
    let start = match newest_first {
        true => (i64::MAX, Uuid::max()),
        false => (i64::MIN, Uuid::nil()),
    };
    let (at, id) = after.map_or(start, |after| (micros(after.at), after.id.as_uuid()));
    let bound = |sql: &'static str| {
        sqlx::query(sql)
            .bind(blob(tenant.as_uuid()))
            .bind(filter.door.map(Door::as_str))
            .bind(at)
            .bind(blob(id))
            .bind(i64::from(limit))
    };
    match filter.state {
        InboxState::Waiting => bound(
            "SELECT conversation_id, door, visitor_id, owner, epoch, language, person_wanted_at, assigned_at,
                 closed_at, open_turn IS NOT NULL, messages, active_at, started_at
             FROM bob_conversations
             WHERE tenant_id = $1 AND ($2 IS NULL OR door = $2) AND person_wanted_at IS NOT NULL
               AND (person_wanted_at, conversation_id) > ($3, $4)
             ORDER BY person_wanted_at, conversation_id LIMIT $5 + 0",
        ),
        InboxState::Of(person) => bound(
            "SELECT conversation_id, door, visitor_id, owner, epoch, language, person_wanted_at, assigned_at,
                 closed_at, open_turn IS NOT NULL, messages, active_at, started_at
             FROM bob_conversations
             WHERE tenant_id = $1 AND ($2 IS NULL OR door = $2) AND owner = $6
               AND (active_at, conversation_id) < ($3, $4)
             ORDER BY active_at DESC, conversation_id DESC LIMIT $5 + 0",
        )
        .bind(blob(person.as_uuid())),
        InboxState::Closed => bound(
            "SELECT conversation_id, door, visitor_id, owner, epoch, language, person_wanted_at, assigned_at,
                 closed_at, open_turn IS NOT NULL, messages, active_at, started_at
             FROM bob_conversations
             WHERE tenant_id = $1 AND ($2 IS NULL OR door = $2) AND closed_at IS NOT NULL
               AND (active_at, conversation_id) < ($3, $4)
             ORDER BY active_at DESC, conversation_id DESC LIMIT $5 + 0",
        ),
        state => bound(
            "SELECT conversation_id, door, visitor_id, owner, epoch, language, person_wanted_at, assigned_at,
                 closed_at, open_turn IS NOT NULL, messages, active_at, started_at
             FROM bob_conversations
             WHERE tenant_id = $1 AND ($2 IS NULL OR door = $2) AND closed_at IS NULL
               AND (owner IS NULL OR NOT $6) AND (active_at, conversation_id) < ($3, $4)
             ORDER BY active_at DESC, conversation_id DESC LIMIT $5 + 0",
        )
        .bind(state == InboxState::Bot),
    }
}

/// Asks for what [`entry`] reads.
fn one(tenant: &TenantId, conversation: &ConversationId) -> Query {
    sqlx::query(
        "SELECT conversation_id, door, visitor_id, owner, epoch, language, person_wanted_at, assigned_at, closed_at,
             open_turn IS NOT NULL, messages, active_at, started_at
         FROM bob_conversations WHERE tenant_id = $1 AND conversation_id = $2",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(conversation.as_uuid()))
}

fn entry(row: &SqliteRow, operation: &'static str) -> Result<InboxEntry> {
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
    let found = unit.row(one(tenant, conversation)).await?.ok_or_else(|| not_found(operation))?;
    let standing = entry(&found, operation)?.standing;
    let next = match standing.after(change, act.at) {
        Ok(Some(next)) => next,
        Ok(None) => return Ok(SpeakerChanged::Unchanged(standing)),
        Err(Hindrance::Stale) => return Err(StorageError::new(StorageErrorKind::Stale, operation)),
        Err(why) => return Ok(SpeakerChanged::Refused { why, standing }),
    };
    let owner = match next.ownership.owner {
        Owner::Bot => None,
        Owner::Person(person) => Some(blob(person.as_uuid())),
        _ => return Err(corrupt(operation, "an owner this version cannot store")),
    };
    let update = sqlx::query(
        "UPDATE bob_conversations
         SET owner = $3, epoch = $4, person_wanted_at = $5, assigned_at = $6, closed_at = $7
         WHERE tenant_id = $1 AND conversation_id = $2",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(conversation.as_uuid()))
    .bind(owner)
    .bind(count(next.ownership.epoch))
    .bind(next.wanted_at.map(micros))
    .bind(next.taken_at.map(micros))
    .bind(next.closed_at.map(micros));
    unit.execute(update).await?;
    let about = EventSubject { conversation: Some(*conversation), ..EventSubject::default() };
    tell(unit, act, tenant, &[change.step.event()], about).await?;
    note(unit, Some(tenant), act, operation, Subject(Some(conversation.as_uuid()), None)).await?;
    Ok(SpeakerChanged::Done(next))
}

async fn store_reply(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantSeal,
    conversation: &ConversationId,
    reply: PersonReply,
) -> Result<Replied> {
    let id = tenant.tenant;
    let found = unit.row(one(&id, conversation)).await?.ok_or_else(|| not_found(REPLY))?;
    let found = entry(&found, REPLY)?;
    let key = unit.row(super::key::key_of(&id, &found.visitor)).await?.ok_or_else(|| not_found(REPLY))?;
    let seal = tenant.visitor(found.visitor, Cells::of(&key, REPLY).skip(1).take()?);
    let seal = seal.map_err(|error| corrupt(REPLY, error))?;
    let known = sqlx::query(
        "SELECT number, message_id, turn_id, role, at, content, author FROM bob_messages
         WHERE tenant_id = $1 AND conversation_id = $2 AND message_id = $3 AND role = 'person'",
    )
    .bind(blob(id.as_uuid()))
    .bind(blob(conversation.as_uuid()))
    .bind(blob(reply.message.as_uuid()));
    if let Some(row) = unit.row(known).await? {
        let known = message(&mut Cells::of(&row, REPLY), &seal)?;
        let same = known.said.text == reply.text.as_str();
        return Ok(if same { Replied::Repeated(Box::new(known)) } else { Replied::Mismatch });
    }
    match found.standing.admits_reply(reply.person, reply.expected) {
        Ok(()) => {}
        Err(Hindrance::Stale) => return Err(StorageError::new(StorageErrorKind::Stale, REPLY)),
        Err(why) => return Ok(Replied::Refused { why, standing: found.standing }),
    }
    let content = seal.message(&reply.message, reply.text.as_str()).map_err(|error| corrupt(REPLY, error))?;
    let insert = sqlx::query(
        "UPDATE bob_conversations SET messages = messages + 1, active_at = $5
         WHERE tenant_id = $1 AND conversation_id = $2;

         INSERT INTO bob_messages (tenant_id, conversation_id, number, message_id, turn_id, role, at, content, author)
         SELECT $1, $2, c.messages, $3, zeroblob(16), 'person', $5, $6, $4
         FROM bob_conversations c WHERE c.tenant_id = $1 AND c.conversation_id = $2",
    )
    .bind(blob(id.as_uuid()))
    .bind(blob(conversation.as_uuid()))
    .bind(blob(reply.message.as_uuid()))
    .bind(blob(reply.person.as_uuid()))
    .bind(micros(act.at))
    .bind(content);
    unit.execute(insert).await?;
    let about = EventSubject {
        conversation: Some(*conversation),
        message: Some(reply.message),
        ..EventSubject::default()
    };
    tell(unit, act, &id, &[EventKind::MessageCreated], about).await?;
    let subject = Subject(Some(reply.message.as_uuid()), Some(conversation.as_uuid()));
    note(unit, Some(&id), act, REPLY, subject).await?;
    Ok(Replied::Stored(Box::new(Message {
        id: reply.message,
        turn: None,
        number: found.messages + 1,
        said: TextPart { role: Role::Person, text: reply.text.as_str().to_owned() },
        author: Some(reply.person),
        at: act.at,
        citations: Vec::new(),
        outcome: None,
    })))
}
