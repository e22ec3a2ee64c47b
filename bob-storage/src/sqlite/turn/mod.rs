//! Turns: each of the two transactions of one writes with a single statement, as long as nothing stands in its way.
//!
//! SQLite's thread is a long way off, so a turn goes there once: it inserts into a view whose trigger holds the several
//! statements ([`PROCEDURES`]), and reads back what came of it. Views and triggers are the writer connection's own and
//! are never stored. Within a trigger the statements are chained by `changes()`: each writes only if the one before it
//! did, so the first one decides for all. As any statement, the insert is undone as a whole when it fails. None of them
//! makes SQLite build a table on the way (`UPDATE … FROM`, `UNION`, `IN`, reading what it inserts into), which costs as
//! much as they do.

mod begin;
mod finish;

use async_trait::async_trait;
use bob_core::act::Act;
use bob_core::answer::{Answer, Outcome};
use bob_core::conversation::SessionId;
use bob_core::id::{ConversationId, NodeId, TenantId, TurnId, VisitorId};
use bob_core::language::Language;
use bob_core::storage::{Result, TurnStore};
use bob_core::turn::{FinishedTurn, Lease, TurnClosing, TurnFinish, TurnOpening, TurnStart, TurnState};
use sqlx::sqlite::SqliteRow;

use super::audit::{Subject, note};
use super::error::{corrupt, failed};
use super::record;
use super::rows::{Cells, blob, micros};
use super::writer::Unit;
use super::{SqliteStorage, not_found};

/// What a connection must have run before it can open and finish turns.
pub(super) const PROCEDURES: [&str; 2] = [begin::PROCEDURE, finish::PROCEDURE];

#[async_trait]
impl TurnStore for SqliteStorage {
    async fn begin_turn(&self, act: &Act, tenant: &TenantId, start: TurnStart) -> Result<TurnOpening> {
        let open = begin::open(act, tenant, &start, begin::scopes(&start));
        let rows = self.writer().script(begin::OPERATION, open).await?;
        if !rows.is_empty() {
            return Ok(TurnOpening::Opened(Box::new(begin::opened(&rows, &start)?)));
        }
        let (act, tenant) = (act.clone(), *tenant);
        self.writer()
            .run(begin::OPERATION, move |unit| {
                Box::pin(async move { begin::against_odds(unit, &act, &tenant, start).await })
            })
            .await
    }

    async fn renew_turn(
        &self,
        act: &Act,
        tenant: &TenantId,
        turn: &TurnId,
        lease: &Lease,
    ) -> Result<Option<Lease>> {
        const OPERATION: &str = "renew_turn";
        let renewed = lease.renewed(act.at);
        let update = sqlx::query(
            "UPDATE bob_turns AS t SET lease_until = $6
             WHERE t.tenant_id = $1 AND t.turn_id = $2 AND t.state = 'open'
               AND t.lease_node = $3 AND t.lease_token = $4 AND t.lease_until > $5
               AND EXISTS (SELECT 1 FROM bob_conversations c
                           WHERE c.tenant_id = $1 AND c.conversation_id = t.conversation_id AND c.epoch = t.epoch)
             RETURNING 1",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(blob(turn.as_uuid()))
        .bind(blob(lease.node.as_uuid()))
        .bind(lease.token.cast_signed())
        .bind(micros(act.at))
        .bind(micros(renewed.until));
        if !self.writer().script(OPERATION, update).await?.is_empty() {
            return Ok(Some(renewed));
        }
        let known = sqlx::query("SELECT 1 FROM bob_turns WHERE tenant_id = $1 AND turn_id = $2")
            .bind(blob(tenant.as_uuid()))
            .bind(blob(turn.as_uuid()))
            .fetch_optional(self.readers())
            .await
            .map_err(failed(OPERATION))?;
        known.map(|_| None).ok_or_else(|| not_found(OPERATION))
    }

    async fn finish_turn(&self, act: &Act, tenant: &TenantId, finish: TurnFinish) -> Result<TurnClosing> {
        let content = record::of_answer(&finish.answer).map_err(|error| corrupt(finish::OPERATION, error))?;
        let store = finish::store(act, tenant, &finish, content.clone());
        let rows = self.writer().script(finish::OPERATION, store).await?;
        if let [row, ..] = &rows[..] {
            return Ok(TurnClosing::Stored(Box::new(finish::stored(row, finish)?)));
        }
        let (act, tenant) = (act.clone(), *tenant);
        self.writer()
            .run(finish::OPERATION, move |unit| {
                Box::pin(async move { finish::too_late(unit, &act, &tenant, &finish, content).await })
            })
            .await
    }

    async fn sweep_turns(&self, act: &Act, limit: u32) -> Result<u32> {
        const OPERATION: &str = "sweep_turns";
        let act = act.clone();
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    let find = sqlx::query(
                        "SELECT tenant_id, turn_id FROM bob_turns
                         WHERE state = 'open' AND lease_until <= $1
                         ORDER BY lease_until LIMIT $2 + 0",
                    )
                    .bind(micros(act.at))
                    .bind(i64::from(limit));
                    let lost = unit.rows(find).await?;
                    for row in &lost {
                        let mut cells = Cells::of(row, OPERATION);
                        let (tenant, turn) = (cells.id(TenantId::from_uuid)?, cells.id(TurnId::from_uuid)?);
                        give_up(unit, &act, &tenant, &turn).await?;
                    }
                    let forget = sqlx::query(
                        "DELETE FROM bob_idempotency WHERE (tenant_id, scope) IN
                             (SELECT tenant_id, scope FROM bob_idempotency WHERE until <= $1
                              ORDER BY until LIMIT 10000)",
                    )
                    .bind(micros(act.at));
                    unit.execute(forget).await?;
                    u32::try_from(lost.len()).map_err(|error| corrupt(OPERATION, error))
                })
            })
            .await
    }
}

/// Gives up an open turn: frees its conversation and releases all that was reserved.
async fn give_up(unit: &mut Unit<'_>, act: &Act, tenant: &TenantId, turn: &TurnId) -> Result<()> {
    let update = sqlx::query(
        "UPDATE bob_credits SET reserved = bob_credits.reserved - coalesce(t.reserved, 0)
         FROM bob_turns t
         WHERE bob_credits.tenant_id = $1 AND t.tenant_id = $1 AND t.turn_id = $2 AND t.state = 'open';
         UPDATE bob_conversations SET open_turn = NULL
         FROM bob_turns t
         WHERE t.tenant_id = $1 AND t.turn_id = $2 AND t.state = 'open' AND bob_conversations.tenant_id = $1
           AND bob_conversations.conversation_id = t.conversation_id AND open_turn = $2;
         UPDATE bob_turns SET state = 'abandoned', closed_at = $3
         WHERE tenant_id = $1 AND turn_id = $2 AND state = 'open'",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(turn.as_uuid()))
    .bind(micros(act.at));
    unit.execute(update).await?;
    note(unit, Some(tenant), act, "give_up_turn", Subject(Some(turn.as_uuid()), None)).await
}

/// A turn of a tenant, and the conversation it belongs to.
async fn find(
    unit: &mut Unit<'_>,
    tenant: &TenantId,
    turn: &TurnId,
    operation: &'static str,
) -> Result<Option<(ConversationId, TurnState)>> {
    let select = sqlx::query(
        "SELECT t.turn_id, t.conversation_id, t.visitor_id, t.proven, t.disclose, t.state, t.lease_node,
             t.lease_token, t.lease_until, t.language, t.persona, t.superseded, c.session, m.content
         FROM bob_turns t
         JOIN bob_conversations c ON c.tenant_id = t.tenant_id AND c.conversation_id = t.conversation_id
         LEFT JOIN bob_messages m ON m.tenant_id = t.tenant_id AND m.conversation_id = t.conversation_id
             AND m.number = t.answer
         WHERE t.tenant_id = $1 AND t.turn_id = $2",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(turn.as_uuid()));
    let found = unit.row(select).await?;
    found.map(|row| state(&row, operation)).transpose()
}

/// `turn_id, conversation_id, visitor_id, proven, disclose, state, lease_node, lease_token, lease_until, language,
/// persona, superseded`, the conversation's `session` and the `content` of Bob's message
pub(super) fn state(row: &SqliteRow, operation: &'static str) -> Result<(ConversationId, TurnState)> {
    let mut cells = Cells::of(row, operation);
    let (turn, conversation) = (cells.id(TurnId::from_uuid)?, cells.id(ConversationId::from_uuid)?);
    let visitor = cells.id(VisitorId::from_uuid)?;
    let (proven, disclose) = (cells.take()?, cells.take()?);
    let state: &str = cells.take()?;
    let lease = lease(&mut cells)?;
    let language: Option<Language> = cells.optional_parsed()?;
    let persona: Option<String> = cells.take()?;
    let superseded: Option<&str> = cells.take()?;
    let session: SessionId = cells.parsed()?;
    let content: Option<&str> = cells.take()?;
    let read = |content| record::answer(content).map_err(|error| corrupt(operation, error));
    let state = match state {
        "open" => TurnState::Open(lease),
        "abandoned" => TurnState::Abandoned { superseded: superseded.map(read).transpose()?.map(Box::new) },
        _ => TurnState::Finished(Box::new(FinishedTurn {
            turn,
            conversation,
            visitor,
            proven,
            session,
            answer: content.map_or_else(|| Ok(delivered(language)), read)?,
            persona: persona.unwrap_or_default(),
            disclose,
        })),
    };
    Ok((conversation, state))
}

/// `lease_node, lease_token, lease_until`
fn lease(cells: &mut Cells<'_>) -> Result<Lease> {
    Ok(Lease {
        node: cells.id(NodeId::from_uuid)?,
        token: cells.take::<i64>()?.cast_unsigned(),
        until: cells.time()?,
    })
}

/// What is answered to a message that a person will answer.
fn delivered(language: Option<Language>) -> Answer {
    Answer {
        outcome: Outcome::Delivered,
        language: language.unwrap_or(Language::EN),
        pieces: Vec::new(),
        citations: Vec::new(),
        suggestions: Vec::new(),
        handoff: None,
    }
}
