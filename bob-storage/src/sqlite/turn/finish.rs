//! Closing a turn.

use bob_core::act::Act;
use bob_core::answer::Outcome;
use bob_core::id::{TenantId, VisitorId};
use bob_core::storage::Result;
use bob_core::turn::{FinishedTurn, TurnClosing, TurnFinish, TurnState};
use sqlx::sqlite::SqliteRow;

use super::super::audit::{Subject, new_id, note};
use super::super::not_found;
use super::super::rows::{Cells, blob, count, micros};
use super::super::writer::{Query, Unit};
use super::find;

pub(super) const OPERATION: &str = "finish_turn";

/// Stores an answer and settles its turn, if lease and epoch still hold; else nothing is written.
pub(super) const PROCEDURE: &str = "
    CREATE TEMP VIEW bob_finish_turn (tenant_id, turn_id, conversation_id, lease_node, lease_token, now, epoch, cost,
        language, persona, persona_id, persona_version, knowledge_release, pricebook_version, escalated, message_id,
        content, audit_id, principal_kind, principal_id, request_id, reason)
    AS SELECT 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0;

    CREATE TEMP TRIGGER bob_finish_turn_now INSTEAD OF INSERT ON bob_finish_turn
    BEGIN
        UPDATE bob_turns
        SET state = 'finished', settled = min(max(NEW.cost, 0), coalesce(reserved, 0)),
            answer = (SELECT messages + 1 FROM bob_conversations
                      WHERE tenant_id = NEW.tenant_id AND conversation_id = NEW.conversation_id),
            language = NEW.language, persona = NEW.persona, persona_id = NEW.persona_id,
            persona_version = NEW.persona_version, knowledge_release = NEW.knowledge_release,
            pricebook_version = NEW.pricebook_version, closed_at = NEW.now
        WHERE tenant_id = NEW.tenant_id AND turn_id = NEW.turn_id AND conversation_id = NEW.conversation_id
          AND state = 'open' AND lease_node = NEW.lease_node AND lease_token = NEW.lease_token
          AND lease_until > NEW.now
          AND EXISTS (SELECT 1 FROM bob_conversations
                      WHERE tenant_id = NEW.tenant_id AND conversation_id = NEW.conversation_id
                        AND epoch = NEW.epoch AND owner IS NULL);

        UPDATE bob_credits
        SET reserved = reserved - (SELECT coalesce(t.reserved, 0) FROM bob_turns t
                                   WHERE t.tenant_id = NEW.tenant_id AND t.turn_id = NEW.turn_id),
            settled = settled + (SELECT t.settled FROM bob_turns t
                                 WHERE t.tenant_id = NEW.tenant_id AND t.turn_id = NEW.turn_id)
        WHERE tenant_id = NEW.tenant_id AND changes() = 1;

        UPDATE bob_conversations
        SET open_turn = NULL, messages = messages + 1, language = NEW.language,
            person_wanted_at = CASE WHEN NEW.escalated THEN coalesce(person_wanted_at, NEW.now)
                                    ELSE person_wanted_at END
        WHERE tenant_id = NEW.tenant_id AND conversation_id = NEW.conversation_id AND changes() = 1;

        INSERT INTO bob_messages (tenant_id, conversation_id, number, message_id, turn_id, role, at, content)
        SELECT NEW.tenant_id, NEW.conversation_id, t.answer, NEW.message_id, NEW.turn_id, 'bot', NEW.now, NEW.content
        FROM bob_turns t WHERE t.tenant_id = NEW.tenant_id AND t.turn_id = NEW.turn_id AND changes() = 1;

        INSERT INTO bob_audit (tenant_id, audit_id, at, principal_kind, principal_id, request_id, reason, operation,
            subject, part_of)
        SELECT NEW.tenant_id, NEW.audit_id, NEW.now, NEW.principal_kind, NEW.principal_id, NEW.request_id, NEW.reason,
            'finish_turn', NEW.turn_id, NEW.conversation_id
        WHERE changes() = 1;
    END";

/// Finds out what became of the turn, and keeps the answer for the record if it may not be given any more.
pub(super) async fn too_late(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    finish: &TurnFinish,
    content: String,
) -> Result<TurnClosing> {
    let found = find(unit, tenant, &finish.turn, OPERATION).await?;
    match found.filter(|(conversation, _)| *conversation == finish.conversation) {
        None => Err(not_found(OPERATION)),
        Some((_, TurnState::Finished(finished))) => Ok(TurnClosing::Stored(finished)),
        Some(_) => {
            supersede(unit, act, tenant, finish, content).await?;
            Ok(TurnClosing::Superseded)
        }
    }
}

/// The statement that stores the answer, if lease and epoch still hold; answers what [`stored`] reads, or no row.
pub(super) fn store(act: &Act, tenant: &TenantId, finish: &TurnFinish, content: String) -> Query {
    let versions = &finish.versions;
    sqlx::query(
        "INSERT INTO bob_finish_turn VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
             $18, $19, $20, $21, $22);

         SELECT t.visitor_id, t.proven, c.session, t.disclose
         FROM bob_audit a
         JOIN bob_turns t ON t.tenant_id = $1 AND t.turn_id = a.subject
         JOIN bob_conversations c ON c.tenant_id = $1 AND c.conversation_id = a.part_of
         WHERE a.tenant_id = $1 AND a.audit_id = $18",
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
    .bind(content)
    .bind(new_id())
    .bind(act.principal.kind())
    .bind(blob(act.principal.id()))
    .bind(act.request_id.clone())
    .bind(act.reason.clone())
}

/// Reads what [`store`] answered.
pub(super) fn stored(row: &SqliteRow, finish: TurnFinish) -> Result<FinishedTurn> {
    let mut cells = Cells::of(row, OPERATION);
    Ok(FinishedTurn {
        turn: finish.turn,
        conversation: finish.conversation,
        visitor: cells.id(VisitorId::from_uuid)?,
        proven: cells.take()?,
        session: cells.parsed()?,
        answer: finish.answer,
        persona: finish.persona,
        disclose: cells.take()?,
    })
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
    note(unit, Some(tenant), act, OPERATION, subject).await
}
