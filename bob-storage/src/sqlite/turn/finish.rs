//! Closing a turn.

use bob_core::act::Act;
use bob_core::answer::Outcome;
use bob_core::outbox::{EventKind, names_of};
use bob_core::storage::Result;
use bob_core::turn::{FinishedTurn, TurnFinish};

use super::super::audit::NewRow;
use super::super::error::corrupt;
use super::super::outbox;
use super::super::rows::{blob, count, micros};
use super::super::writer::Query;
use crate::record;
use crate::seal::VisitorSeal;

pub(super) const OPERATION: &str = "finish_turn";

/// Stores an answer and settles its turn, if lease, epoch and the visitor's key still hold; else nothing is written.
///
/// `waited` says since when a person is wanted already: who waits is not told of again. `number` is the place of Bob's
/// message, `reserved` what the turn holds, `threshold` the one that was passed before.
pub(super) const PROCEDURE: &str = "
    CREATE TEMP VIEW bob_finish_turn (tenant_id, turn_id, conversation_id, visitor_id, key, lease_node, lease_token, now,
        epoch, cost, language, persona, persona_id, persona_version, knowledge_release, pricebook_version, wants_person,
        message_id, content, audit_id, principal_kind, principal_id, request_id, reason, via, by_platform, address,
        event_id, kinds, number, reserved, budget_day, threshold, waited)
    AS SELECT 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0;

    CREATE TEMP TRIGGER bob_finish_turn_now INSTEAD OF INSERT ON bob_finish_turn
    WHEN NEW.number IS NOT NULL
      AND (SELECT key FROM bob_visitors WHERE tenant_id = NEW.tenant_id AND visitor_id = NEW.visitor_id) = NEW.key
    BEGIN
        UPDATE bob_turns
        SET state = 'finished', settled = min(NEW.cost, coalesce(NEW.reserved, 0)), answer = NEW.number,
            language = NEW.language, persona = NEW.persona, persona_id = NEW.persona_id,
            persona_version = NEW.persona_version, knowledge_release = NEW.knowledge_release,
            pricebook_version = NEW.pricebook_version, closed_at = NEW.now
        WHERE tenant_id = NEW.tenant_id AND turn_id = NEW.turn_id AND conversation_id = NEW.conversation_id
          AND visitor_id = NEW.visitor_id AND state = 'open' AND lease_node = NEW.lease_node
          AND lease_token = NEW.lease_token AND lease_until > NEW.now;

        SELECT raise(IGNORE) WHERE changes() = 0;

        UPDATE bob_conversations
        SET open_turn = NULL, messages = NEW.number, language = NEW.language, disclosed_epoch = NEW.epoch,
            person_wanted_at = CASE WHEN NEW.wants_person THEN coalesce(person_wanted_at, NEW.now)
                                    ELSE person_wanted_at END
        WHERE tenant_id = NEW.tenant_id AND conversation_id = NEW.conversation_id;

        INSERT INTO bob_messages (tenant_id, conversation_id, number, message_id, turn_id, role, at, content)
        VALUES (NEW.tenant_id, NEW.conversation_id, NEW.number, NEW.message_id, NEW.turn_id, 'bot', NEW.now, NEW.content);

        UPDATE bob_credits
        SET reserved = reserved - NEW.reserved, settled = settled + min(NEW.cost, NEW.reserved),
            used = used + min(NEW.cost, NEW.reserved), entries = entries + (min(NEW.cost, NEW.reserved) > 0),
            threshold = max(threshold, CASE WHEN used + min(NEW.cost, NEW.reserved) <= 0 THEN 0
                                            WHEN used + min(NEW.cost, NEW.reserved) >= allowance THEN 100
                                            WHEN (used + min(NEW.cost, NEW.reserved)) * 5 >= allowance * 4 THEN 80
                                            ELSE 0 END)
        WHERE NEW.reserved IS NOT NULL AND tenant_id = NEW.tenant_id;

        INSERT INTO bob_ledger (tenant_id, number, at, kind, amount, balance, turn_id)
        SELECT NEW.tenant_id, c.entries, NEW.now, 'settlement', -min(NEW.cost, NEW.reserved), c.granted - c.settled,
            NEW.turn_id
        FROM bob_credits c
        WHERE min(NEW.cost, NEW.reserved) > 0 AND c.tenant_id = NEW.tenant_id;

        UPDATE bob_spending SET spent = max(spent - (NEW.reserved - min(NEW.cost, NEW.reserved)), 0)
        WHERE NEW.reserved > NEW.cost AND NEW.budget_day IS NOT NULL AND tenant_id = NEW.tenant_id
          AND spender_id = (SELECT CASE WHEN t.visitor_budget IS NOT NULL THEN t.visitor_id END FROM bob_turns t
                            WHERE t.tenant_id = NEW.tenant_id AND t.turn_id = NEW.turn_id)
          AND day = NEW.budget_day;

        UPDATE bob_spending SET spent = max(spent - (NEW.reserved - min(NEW.cost, NEW.reserved)), 0)
        WHERE NEW.reserved > NEW.cost AND NEW.budget_day IS NOT NULL AND tenant_id = NEW.tenant_id
          AND spender_id = (SELECT t.key_id FROM bob_turns t
                            WHERE t.tenant_id = NEW.tenant_id AND t.turn_id = NEW.turn_id)
          AND day = NEW.budget_day;

        INSERT INTO bob_outbox (tenant_id, event_id, at, kinds, conversation_id, turn_id, message_id, number)
        SELECT NEW.tenant_id, NEW.event_id, NEW.now,
            NEW.kinds || CASE WHEN NEW.wants_person AND NEW.waited IS NULL THEN ' conversation.escalated' ELSE '' END
                || CASE WHEN c.threshold > NEW.threshold THEN ' credits.threshold' ELSE '' END,
            NEW.conversation_id, NEW.turn_id, NEW.message_id,
            CASE WHEN c.threshold > NEW.threshold THEN c.threshold END
        FROM bob_credits c
        WHERE c.tenant_id = NEW.tenant_id;

        INSERT INTO bob_audit (tenant_id, audit_id, at, principal_kind, principal_id, request_id, reason, operation,
            subject, part_of, via, by_platform, address)
        VALUES (NEW.tenant_id, NEW.audit_id, NEW.now, NEW.principal_kind, NEW.principal_id, NEW.request_id, NEW.reason,
            'finish_turn', NEW.turn_id, NEW.conversation_id, NEW.via, NEW.by_platform, NEW.address);
    END";

/// The statement that stores the answer, if it still may be given; answers a row if it did.
pub(super) fn store(act: &Act, finish: &TurnFinish, seal: &VisitorSeal, row: NewRow) -> Result<Query> {
    let answer = record::of_answer(&finish.answer).map_err(|error| corrupt(OPERATION, error))?;
    let content = seal.message(&finish.message, &answer).map_err(|error| corrupt(OPERATION, error))?;
    let versions = &finish.versions;
    let statement = sqlx::query(
        "INSERT INTO bob_finish_turn VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
             $18, $19, $20, $21, $22, $23, $24, $27, $28, $29, $25, $26,
             (SELECT messages + 1 FROM bob_conversations
              WHERE tenant_id = $1 AND conversation_id = $3 AND epoch = $9 AND owner IS NULL),
             (SELECT reserved FROM bob_turns WHERE tenant_id = $1 AND turn_id = $2),
             (SELECT budget_day FROM bob_turns WHERE tenant_id = $1 AND turn_id = $2),
             (SELECT threshold FROM bob_credits WHERE tenant_id = $1),
             (SELECT person_wanted_at FROM bob_conversations WHERE tenant_id = $1 AND conversation_id = $3));

         SELECT 1 FROM bob_audit WHERE tenant_id = $1 AND audit_id = $20",
    )
    .bind(blob(seal.tenant.as_uuid()))
    .bind(blob(finish.turn.as_uuid()))
    .bind(blob(finish.conversation.as_uuid()))
    .bind(blob(seal.visitor.as_uuid()))
    .bind(seal.key.wrapped().to_vec())
    .bind(blob(finish.lease.node.as_uuid()))
    .bind(finish.lease.token.cast_signed())
    .bind(micros(act.at))
    .bind(count(finish.epoch))
    .bind(finish.cost.0.max(0))
    .bind(finish.answer.language.as_str().to_owned())
    .bind(finish.persona.clone())
    .bind(blob(versions.persona.0.as_uuid()))
    .bind(i64::from(versions.persona.1))
    .bind(count(versions.knowledge))
    .bind(i64::from(versions.pricebook))
    .bind(finish.answer.outcome.wants_person())
    .bind(blob(finish.message.as_uuid()))
    .bind(content)
    .bind(row.id())
    .bind(act.principal.kind())
    .bind(blob(act.principal.id()))
    .bind(act.request_id.clone())
    .bind(act.reason.clone())
    .bind(outbox::new_id())
    .bind(names_of(&happened(finish.answer.outcome)))
    .bind(act.via.as_str())
    .bind(act.by_platform)
    .bind(row.address);
    Ok(statement)
}

/// What an answer that is stored makes happen, besides a threshold and that a person is wanted.
fn happened(outcome: Outcome) -> Vec<EventKind> {
    let mut happened = vec![EventKind::MessageCreated];
    happened.extend((outcome == Outcome::Refused).then_some(EventKind::TurnRefused));
    happened
}

/// A turn whose answer was stored.
pub(super) fn stored(finish: TurnFinish) -> FinishedTurn {
    FinishedTurn {
        turn: finish.turn,
        conversation: finish.conversation,
        visitor: finish.key.visitor,
        proven: finish.proven,
        session: finish.key.session,
        answer: finish.answer,
        persona: finish.persona,
        disclose: finish.disclose,
    }
}
