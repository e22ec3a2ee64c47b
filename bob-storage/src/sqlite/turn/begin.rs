//! Opening a turn.

use bob_core::act::Act;
use bob_core::clock::later;
use bob_core::conversation::ConversationKey;
use bob_core::credit::{Budgets, MilliCredits, Reservation};
use bob_core::id::ConversationId;
use bob_core::storage::Result;
use bob_core::turn::{IDEMPOTENCY_KEPT, OpenTurn, TurnStart};
use sqlx::sqlite::SqliteRow;

use super::super::audit::NewRow;
use super::super::error::corrupt;
use super::super::outbox;
use super::super::rows::{Cells, blob, message, micros};
use super::super::writer::Query;
use super::call::{Call, Scope};
use crate::seal::TenantSeal;

pub(super) const OPERATION: &str = "begin_turn";

/// Opens a turn and stores the visitor's message, unless the call is `known`, it was sealed with a key that is not the
/// stored one, the visitor has ended, the session turns out to continue another visitor's conversation, another turn is
/// open, or a person owns the conversation; then nothing is written.
///
/// `text` is null when the message stands there already; `reach` is what credits and budgets leave, nothing of a day that
/// is over; `told` whether the credits are too few for any step for the first time.
pub(super) const PROCEDURE: &str = "
    CREATE TEMP VIEW bob_begin_turn (tenant_id, new_conversation_id, door, session_index, session, visitor_id, known_key,
        new_key, proven, by_session, turn_id, now, lease_node, lease_token, lease_until, reserve_1, reserve_2, reserve_3,
        budget_day, visitor_budget, key_id, key_budget, message_id, text, audit_id, principal_kind, principal_id,
        request_id, reason, via, by_platform, address, event_id, scope_1, body_1, scope_2, body_2, until, known,
        conversation_id, reach, told)
    AS SELECT 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0;

    CREATE TEMP TRIGGER bob_begin_turn_now INSTEAD OF INSERT ON bob_begin_turn
    WHEN NOT NEW.known
      AND (SELECT CASE WHEN ended_at IS NULL THEN key ELSE x'00' END FROM bob_visitors
           WHERE tenant_id = NEW.tenant_id AND visitor_id = NEW.visitor_id) IS NEW.known_key
      AND (NOT NEW.by_session
           OR coalesce((SELECT c.visitor_id FROM bob_conversations c
                        LEFT JOIN bob_visitors v ON v.tenant_id = c.tenant_id AND v.visitor_id = c.visitor_id
                        WHERE c.tenant_id = NEW.tenant_id AND c.session_index = NEW.session_index
                          AND v.trust IS NOT 'verified' AND v.ended_at IS NULL
                        ORDER BY c.started_at, c.conversation_id LIMIT 1), NEW.visitor_id) = NEW.visitor_id)
    BEGIN
        INSERT INTO bob_conversations (tenant_id, conversation_id, door, session_index, session, visitor_id, epoch,
            messages, open_turn, active_at, started_at)
        VALUES (NEW.tenant_id, coalesce(NEW.conversation_id, NEW.new_conversation_id), NEW.door, NEW.session_index,
            NEW.session, NEW.visitor_id, 0, 1, NEW.turn_id, NEW.now, NEW.now)
        ON CONFLICT (tenant_id, conversation_id) DO UPDATE
        SET messages = messages + (NEW.text IS NOT NULL), open_turn = excluded.open_turn,
            active_at = excluded.active_at, closed_at = NULL
        WHERE open_turn IS NULL AND owner IS NULL AND session_index = excluded.session_index
          AND visitor_id = excluded.visitor_id;

        SELECT raise(IGNORE) WHERE changes() = 0;

        INSERT INTO bob_turns (tenant_id, turn_id, conversation_id, visitor_id, proven, disclose, epoch, state,
            lease_node, lease_token, lease_until, reserved, budget_day, visitor_budget, key_id, key_budget, started_at)
        SELECT NEW.tenant_id, NEW.turn_id, c.conversation_id, NEW.visitor_id,
            NEW.proven OR NEW.by_session AND NEW.conversation_id IS NULL, c.disclosed_epoch IS NOT c.epoch, c.epoch, 'open',
            NEW.lease_node, NEW.lease_token, NEW.lease_until,
            CASE WHEN NEW.reserve_1 <= NEW.reach THEN NEW.reserve_1 WHEN NEW.reserve_2 <= NEW.reach THEN NEW.reserve_2
                 WHEN NEW.reserve_3 <= NEW.reach THEN NEW.reserve_3 END,
            NEW.budget_day, NEW.visitor_budget, NEW.key_id, NEW.key_budget, NEW.now
        FROM bob_conversations c
        WHERE c.tenant_id = NEW.tenant_id AND c.conversation_id = coalesce(NEW.conversation_id, NEW.new_conversation_id);

        INSERT INTO bob_messages (tenant_id, conversation_id, number, message_id, turn_id, role, at, content)
        SELECT NEW.tenant_id, c.conversation_id, c.messages, NEW.message_id, NEW.turn_id, 'visitor', NEW.now, NEW.text
        FROM bob_conversations c
        WHERE NEW.text IS NOT NULL AND c.tenant_id = NEW.tenant_id
          AND c.conversation_id = coalesce(NEW.conversation_id, NEW.new_conversation_id);

        UPDATE bob_credits
        SET reserved = reserved + coalesce(
                CASE WHEN NEW.reserve_1 <= NEW.reach THEN NEW.reserve_1 WHEN NEW.reserve_2 <= NEW.reach THEN NEW.reserve_2
                     WHEN NEW.reserve_3 <= NEW.reach THEN NEW.reserve_3 END, 0),
            threshold = CASE WHEN NEW.told THEN 100 ELSE threshold END
        WHERE tenant_id = NEW.tenant_id;

        INSERT INTO bob_spending (tenant_id, spender_id, day, spent)
        SELECT NEW.tenant_id, NEW.visitor_id, NEW.budget_day, t.reserved
        FROM bob_turns t
        WHERE NEW.visitor_budget IS NOT NULL AND t.tenant_id = NEW.tenant_id AND t.turn_id = NEW.turn_id
          AND t.reserved IS NOT NULL
        ON CONFLICT (tenant_id, spender_id) DO UPDATE
        SET spent = CASE day WHEN excluded.day THEN spent ELSE 0 END + excluded.spent, day = excluded.day
        WHERE day <= excluded.day;

        INSERT INTO bob_spending (tenant_id, spender_id, day, spent)
        SELECT NEW.tenant_id, NEW.key_id, NEW.budget_day, t.reserved
        FROM bob_turns t
        WHERE NEW.key_budget IS NOT NULL AND t.tenant_id = NEW.tenant_id AND t.turn_id = NEW.turn_id
          AND t.reserved IS NOT NULL
        ON CONFLICT (tenant_id, spender_id) DO UPDATE
        SET spent = CASE day WHEN excluded.day THEN spent ELSE 0 END + excluded.spent, day = excluded.day
        WHERE day <= excluded.day;

        INSERT INTO bob_outbox (tenant_id, event_id, at, kinds, conversation_id, turn_id, message_id, number)
        SELECT NEW.tenant_id, NEW.event_id, NEW.now,
            CASE WHEN NEW.conversation_id IS NULL THEN 'conversation.started ' ELSE '' END
                || CASE WHEN NEW.text IS NOT NULL THEN 'message.created ' ELSE '' END
                || CASE WHEN NEW.told THEN 'credits.threshold' ELSE '' END,
            coalesce(NEW.conversation_id, NEW.new_conversation_id), NEW.turn_id, NEW.message_id,
            CASE WHEN NEW.told THEN 100 END
        WHERE NEW.text IS NOT NULL OR NEW.told;

        INSERT INTO bob_audit (tenant_id, audit_id, at, principal_kind, principal_id, request_id, reason, operation,
            subject, part_of, via, by_platform, address)
        VALUES (NEW.tenant_id, NEW.audit_id, NEW.now, NEW.principal_kind, NEW.principal_id, NEW.request_id, NEW.reason,
            'begin_turn', NEW.turn_id, coalesce(NEW.conversation_id, NEW.new_conversation_id), NEW.via, NEW.by_platform,
            NEW.address);

        INSERT OR REPLACE INTO bob_idempotency (tenant_id, scope, body, turn_id, until)
        SELECT NEW.tenant_id, NEW.scope_1, NEW.body_1, NEW.turn_id, NEW.until WHERE NEW.scope_1 IS NOT NULL;

        INSERT OR REPLACE INTO bob_idempotency (tenant_id, scope, body, turn_id, until)
        SELECT NEW.tenant_id, NEW.scope_2, NEW.body_2, NEW.turn_id, NEW.until WHERE NEW.scope_2 IS NOT NULL;

        INSERT INTO bob_visitors (tenant_id, visitor_id, key, created_at)
        SELECT NEW.tenant_id, NEW.visitor_id, NEW.new_key, NEW.now WHERE NEW.new_key IS NOT NULL;
    END";

/// Whether a call that was sent before opens a turn again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repetition {
    Refused,
    Opens,
}

/// Opens the turn and answers it, or no row.
macro_rules! open {
    () => {
        "
    INSERT INTO bob_begin_turn VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
        $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $39, $40, $41, $30, $31, $32, $33, $34, $35,
        $36 AND (EXISTS (SELECT 1 FROM bob_idempotency WHERE tenant_id = $1 AND scope = $31 AND until > $12)
            OR EXISTS (SELECT 1 FROM bob_idempotency WHERE tenant_id = $1 AND scope = $33 AND until > $12)),
        (SELECT conversation_id FROM bob_conversations
         WHERE tenant_id = $1 AND session_index = $4 AND visitor_id = $6),
        min((SELECT granted - settled - reserved FROM bob_credits WHERE tenant_id = $1),
            CASE WHEN $20 IS NULL THEN 9223372036854775807
                 ELSE $20 - coalesce((SELECT CASE WHEN day = $19 THEN spent WHEN day > $19 THEN $20 END
                                      FROM bob_spending WHERE tenant_id = $1 AND spender_id = $6), 0) END,
            CASE WHEN $22 IS NULL THEN 9223372036854775807
                 ELSE $22 - coalesce((SELECT CASE WHEN day = $19 THEN spent WHEN day > $19 THEN $22 END
                                      FROM bob_spending WHERE tenant_id = $1 AND spender_id = $21), 0) END),
        (SELECT threshold < 100 AND granted - settled - reserved < $37 FROM bob_credits WHERE tenant_id = $1));

    SELECT t.conversation_id, t.epoch, c.language, t.disclose, t.proven, t.reserved
    FROM bob_audit a
    JOIN bob_turns t ON t.tenant_id = $1 AND t.turn_id = a.subject
    JOIN bob_conversations c ON c.tenant_id = $1 AND c.conversation_id = a.part_of
    WHERE a.tenant_id = $1 AND a.audit_id = $25"
    };
}

/// Opens the turn and answers it, or no row.
const OPEN: &str = open!();

/// As [`OPEN`], and answers the messages before it behind that, the latest first. A bare parameter as limit would make
/// SQLite plan it anew for each value.
const OPEN_AND_HISTORY: &str = concat!(
    open!(),
    ";
    SELECT m.number, m.message_id, m.turn_id, m.role, m.at, m.content, m.author
    FROM bob_audit a
    JOIN bob_messages m ON m.tenant_id = $1 AND m.conversation_id = a.part_of
    WHERE a.tenant_id = $1 AND a.audit_id = $25 AND m.turn_id <> $11
    ORDER BY m.number DESC LIMIT $38 + 0"
);

/// The statement that opens the turn; answers what [`opened`] reads, or no row.
pub(super) fn open(
    act: &Act,
    start: &TurnStart,
    call: &Call,
    tenant: &TenantSeal,
    repetition: Repetition,
) -> Result<Query> {
    let row = NewRow::of(act, &tenant.tenant, &tenant.key, OPERATION)?;
    let key = call.seal.key.wrapped().to_vec();
    let (known_key, new_key) = if call.key_is_new { (None, Some(key)) } else { (Some(key), None) };
    let step = |at: usize| start.reserve.steps().get(at).map(|step| step.0);
    let Budgets { day, visitor: visitor_budget, key: key_budget } = start.budgets;
    let any_budget = visitor_budget.is_some() || key_budget.is_some();
    let scope = |scope: &Option<Scope>| scope.as_ref().map(|scope| scope.scope.clone());
    let body = |scope: &Option<Scope>| scope.as_ref().map(|scope| scope.body.clone());
    let [first, second] = &call.scopes;
    // Only a model reads the history.
    let query = sqlx::query(if start.history == 0 { OPEN } else { OPEN_AND_HISTORY })
        .bind(blob(call.seal.tenant.as_uuid()))
        .bind(blob(start.conversation.as_uuid()))
        .bind(start.door.as_str())
        .bind(call.session_index.clone())
        .bind(call.session.clone())
        .bind(blob(call.seal.visitor.as_uuid()))
        .bind(known_key)
        .bind(new_key)
        .bind(call.proven)
        .bind(call.by_session)
        .bind(blob(start.turn.as_uuid()))
        .bind(micros(act.at))
        .bind(blob(start.lease.node.as_uuid()))
        .bind(start.lease.token.cast_signed())
        .bind(micros(start.lease.until))
        .bind(step(0))
        .bind(step(1))
        .bind(step(2))
        .bind(any_budget.then_some(i64::from(day)))
        .bind(visitor_budget.map(|budget| budget.0))
        .bind(key_budget.map(|(key, _)| blob(key.as_uuid())))
        .bind(key_budget.map(|(_, budget)| budget.0))
        .bind(blob(call.message.as_uuid()))
        .bind(call.text.clone())
        .bind(row.id())
        .bind(act.principal.kind())
        .bind(blob(act.principal.id()))
        .bind(act.request_id.clone())
        .bind(act.reason.clone())
        .bind(outbox::new_id())
        .bind(scope(first))
        .bind(body(first))
        .bind(scope(second))
        .bind(body(second))
        .bind(micros(later(act.at, IDEMPOTENCY_KEPT)))
        .bind(repetition == Repetition::Refused)
        .bind(start.reserve.steps().iter().min().map_or(i64::MAX, |least| least.0))
        .bind(i64::from(start.history))
        .bind(act.via.as_str())
        .bind(act.by_platform)
        .bind(row.address);
    Ok(query)
}

/// Reads what [`open`] answered: the turn, and the history with its latest message first.
pub(super) fn opened(rows: &[SqliteRow], start: &TurnStart, call: &Call) -> Result<OpenTurn> {
    let [turn, history @ ..] = rows else { return Err(corrupt(OPERATION, "an open turn has no row")) };
    let mut cells = Cells::of(turn, OPERATION);
    let conversation = cells.id(ConversationId::from_uuid)?;
    let (epoch, language) = (cells.number()?, cells.optional_parsed()?);
    let (disclose, proven) = (cells.take()?, cells.take()?);
    let reserved: Option<i64> = cells.take()?;
    let history = history.iter().rev().map(|row| message(&mut Cells::of(row, OPERATION), &call.seal));
    Ok(OpenTurn {
        turn: start.turn,
        conversation,
        key: ConversationKey { door: start.door, visitor: call.seal.visitor, session: start.session.clone() },
        proven,
        epoch,
        lease: start.lease,
        history: history.collect::<Result<_>>()?,
        language,
        reservation: reserved.map(|amount| Reservation { turn: start.turn, amount: MilliCredits(amount) }),
        disclose,
    })
}
