//! Closing a turn.

use bob_core::act::Act;
use bob_core::answer::Outcome;
use bob_core::conversation::SessionId;
use bob_core::id::{TenantId, VisitorId};
use bob_core::storage::Result;
use bob_core::turn::{FinishedTurn, TurnClosing, TurnFinish, TurnState};

use super::super::audit::{Subject, new_id, record};
use super::super::error::corrupt;
use super::super::not_found;
use super::super::record;
use super::super::rows::{Cells, blob, count, micros};
use super::super::writer::Unit;
use super::find;

pub(super) const OPERATION: &str = "finish_turn";

/// Stores the answer in one go if lease and epoch still hold; else finds out what became of the turn.
pub(super) async fn finish(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    finish: TurnFinish,
) -> Result<TurnClosing> {
    let content = record::of_answer(&finish.answer).map_err(|error| corrupt(OPERATION, error))?;
    if let Some(stored) = store(unit, act, tenant, &finish, &content).await? {
        return Ok(TurnClosing::Stored(Box::new(FinishedTurn {
            turn: finish.turn,
            conversation: finish.conversation,
            visitor: stored.visitor,
            proven: stored.proven,
            session: stored.session,
            answer: finish.answer,
            persona: finish.persona,
            disclose: stored.disclose,
        })));
    }
    let (conversation, state) =
        find(unit, tenant, &finish.turn, OPERATION).await?.ok_or_else(|| not_found(OPERATION))?;
    if conversation != finish.conversation {
        return Err(not_found(OPERATION));
    }
    if let TurnState::Finished(finished) = state {
        return Ok(TurnClosing::Stored(finished));
    }
    unit.guard().await?;
    supersede(unit, act, tenant, &finish, content).await?;
    Ok(TurnClosing::Superseded)
}

/// What only storage knows of a finished turn.
struct Stored {
    visitor: VisitorId,
    proven: bool,
    session: SessionId,
    disclose: bool,
}

async fn store(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    finish: &TurnFinish,
    content: &str,
) -> Result<Option<Stored>> {
    let versions = &finish.versions;
    let script = sqlx::query(
        "SAVEPOINT script;

         UPDATE bob_turns AS t
         SET state = 'finished', settled = min(max($8, 0), coalesce(t.reserved, 0)), answer = c.messages + 1,
             language = $9, persona = $10, persona_id = $11, persona_version = $12, knowledge_release = $13,
             pricebook_version = $14, closed_at = $6
         FROM bob_conversations c
         WHERE t.tenant_id = $1 AND t.turn_id = $2 AND t.conversation_id = $3 AND t.state = 'open'
           AND t.lease_node = $4 AND t.lease_token = $5 AND t.lease_until > $6
           AND c.tenant_id = $1 AND c.conversation_id = $3 AND c.epoch = $7 AND c.owner IS NULL
         RETURNING proven, disclose;

         UPDATE bob_credits
         SET reserved = bob_credits.reserved - coalesce(t.reserved, 0), settled = bob_credits.settled + t.settled
         FROM bob_turns t
         WHERE bob_credits.tenant_id = $1 AND t.tenant_id = $1 AND t.turn_id = $2 AND changes() = 1;

         UPDATE bob_conversations
         SET open_turn = NULL, messages = messages + 1, language = $9,
             person_wanted_at = CASE WHEN $15 THEN coalesce(person_wanted_at, $6) ELSE person_wanted_at END
         WHERE tenant_id = $1 AND conversation_id = $3 AND changes() = 1
         RETURNING visitor_id, session;

         INSERT INTO bob_messages (tenant_id, conversation_id, number, message_id, turn_id, role, at, content)
         SELECT $1, $3, t.answer, $16, $2, 'bot', $6, $17
         FROM bob_turns t WHERE t.tenant_id = $1 AND t.turn_id = $2 AND changes() = 1;

         INSERT INTO bob_audit (tenant_id, audit_id, at, principal_kind, principal_id, request_id, reason, operation,
             subject, part_of)
         SELECT $1, $18, $6, $19, $20, $21, $22, 'finish_turn', $2, $3 WHERE changes() = 1;

         RELEASE script",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(finish.turn.as_uuid()))
    .bind(blob(finish.conversation.as_uuid()))
    .bind(blob(finish.lease.node.as_uuid()))
    .bind(finish.lease.token.cast_signed())
    .bind(micros(act.at))
    .bind(count(finish.epoch))
    .bind(finish.cost.0)
    .bind(finish.answer.language.as_str().to_owned())
    .bind(finish.persona.clone())
    .bind(blob(versions.persona.0.as_uuid()))
    .bind(i64::from(versions.persona.1))
    .bind(count(versions.knowledge))
    .bind(i64::from(versions.pricebook))
    .bind(finish.answer.outcome == Outcome::Escalated)
    .bind(blob(finish.message.as_uuid()))
    .bind(content.to_owned())
    .bind(new_id())
    .bind(act.principal.kind())
    .bind(blob(act.principal.id()))
    .bind(act.request_id.clone())
    .bind(act.reason.clone());
    let rows = unit.script(script).await?;
    let [turn, conversation] = rows.as_slice() else { return Ok(None) };
    let (mut turn, mut conversation) = (Cells::of(turn, OPERATION), Cells::of(conversation, OPERATION));
    Ok(Some(Stored {
        proven: turn.take()?,
        disclose: turn.take()?,
        visitor: conversation.id(VisitorId::from_uuid)?,
        session: conversation.parsed()?,
    }))
}

/// Keeps an answer that came too late for the record; if the turn is open still, settles it and frees the conversation.
async fn supersede(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    finish: &TurnFinish,
    content: String,
) -> Result<()> {
    let update = sqlx::query(
        "UPDATE bob_credits
         SET reserved = bob_credits.reserved - coalesce(t.reserved, 0),
             settled = bob_credits.settled + min(max($4, 0), coalesce(t.reserved, 0))
         FROM bob_turns t
         WHERE bob_credits.tenant_id = $1 AND t.tenant_id = $1 AND t.turn_id = $2 AND t.state = 'open';

         UPDATE bob_conversations SET open_turn = NULL
         WHERE tenant_id = $1 AND conversation_id = $3 AND open_turn = $2;

         UPDATE bob_turns
         SET settled = CASE state WHEN 'open' THEN min(max($4, 0), coalesce(reserved, 0)) ELSE settled END,
             state = 'abandoned', superseded = $5, closed_at = $6
         WHERE tenant_id = $1 AND turn_id = $2",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(finish.turn.as_uuid()))
    .bind(blob(finish.conversation.as_uuid()))
    .bind(finish.cost.0)
    .bind(content)
    .bind(micros(act.at));
    unit.execute(update).await?;
    let subject = Subject(Some(finish.turn.as_uuid()), Some(finish.conversation.as_uuid()));
    record(unit, Some(tenant), act, OPERATION, subject).await
}
