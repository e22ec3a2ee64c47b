//! Opening a turn.

use bob_core::act::Act;
use bob_core::clock::later;
use bob_core::conversation::ConversationKey;
use bob_core::credit::{MilliCredits, Reservation};
use bob_core::id::{ConversationId, TenantId, TurnId, VisitorId};
use bob_core::language::Language;
use bob_core::storage::Result;
use bob_core::turn::{
    FinishedTurn, IDEMPOTENCY_KEPT, IdempotencyScope, Lease, OpenTurn, TurnOpening, TurnStart, TurnState,
};
use bob_core::visitor::VisitorProof;
use sqlx::sqlite::SqliteRow;

use super::super::audit::{Subject, new_id, note};
use super::super::error::corrupt;
use super::super::not_found;
use super::super::rows::{Cells, blob, message, micros};
use super::super::writer::{Query, Unit};
use super::{delivered, find, give_up, lease};

pub(super) const OPERATION: &str = "begin_turn";

/// Opens a turn and stores the visitor's message, unless the tenant is unknown, the call is `known`, another
/// turn is open, or a person owns the conversation; then nothing is written.
pub(super) const PROCEDURE: &str = "
    CREATE TEMP VIEW bob_begin_turn (tenant_id, conversation_id, door, session, visitor_id, proven, by_session, turn_id,
        now, known, reserve, lease_node, lease_token, lease_until, message_id, text, audit_id, principal_kind,
        principal_id, request_id, reason, scope_1, scope_2, body, until)
    AS SELECT 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0;

    CREATE TEMP TRIGGER bob_begin_turn_now INSTEAD OF INSERT ON bob_begin_turn
    WHEN NOT NEW.known AND EXISTS (SELECT 1 FROM bob_tenants WHERE tenant_id = NEW.tenant_id)
    BEGIN
        INSERT INTO bob_conversations (tenant_id, conversation_id, door, session, visitor_id, epoch, messages,
            open_turn, disclosed_epoch, disclosed_turn, started_at)
        VALUES (NEW.tenant_id, NEW.conversation_id, NEW.door, NEW.session,
            coalesce(CASE WHEN NEW.by_session THEN
                         (SELECT c.visitor_id FROM bob_conversations c
                          WHERE c.tenant_id = NEW.tenant_id AND c.door = NEW.door AND c.session = NEW.session
                          ORDER BY c.started_at, c.conversation_id LIMIT 1)
                     END, NEW.visitor_id),
            0, 1, NEW.turn_id, 0, NEW.turn_id, NEW.now)
        ON CONFLICT (tenant_id, door, session, visitor_id) DO UPDATE
        SET messages = messages + 1, open_turn = excluded.open_turn, disclosed_epoch = epoch,
            disclosed_turn = CASE disclosed_epoch WHEN epoch THEN disclosed_turn ELSE excluded.open_turn END
        WHERE open_turn IS NULL AND owner IS NULL;

        UPDATE bob_credits SET reserved = reserved + NEW.reserve
        WHERE tenant_id = NEW.tenant_id AND changes() = 1 AND granted - settled - reserved >= NEW.reserve;

        INSERT INTO bob_turns (tenant_id, turn_id, conversation_id, visitor_id, proven, disclose, epoch, state,
            lease_node, lease_token, lease_until, reserved, started_at)
        SELECT NEW.tenant_id, NEW.turn_id, c.conversation_id, c.visitor_id,
            NEW.proven OR NOT NEW.by_session OR c.messages = 1, c.disclosed_turn = NEW.turn_id, c.epoch, 'open',
            NEW.lease_node, NEW.lease_token, NEW.lease_until, CASE changes() WHEN 1 THEN NEW.reserve END, NEW.now
        FROM bob_conversations c
        WHERE c.tenant_id = NEW.tenant_id AND c.door = NEW.door AND c.session = NEW.session
          AND c.open_turn = NEW.turn_id
          AND c.visitor_id = coalesce(CASE WHEN NEW.by_session THEN
                  (SELECT s.visitor_id FROM bob_conversations s
                   WHERE s.tenant_id = NEW.tenant_id AND s.door = NEW.door AND s.session = NEW.session
                   ORDER BY s.started_at, s.conversation_id LIMIT 1)
              END, NEW.visitor_id);

        INSERT INTO bob_messages (tenant_id, conversation_id, number, message_id, turn_id, role, at, content)
        SELECT NEW.tenant_id, c.conversation_id, c.messages, NEW.message_id, NEW.turn_id, 'visitor', NEW.now, NEW.text
        FROM bob_turns t
        JOIN bob_conversations c ON c.tenant_id = NEW.tenant_id AND c.conversation_id = t.conversation_id
        WHERE t.tenant_id = NEW.tenant_id AND t.turn_id = NEW.turn_id AND changes() = 1;

        INSERT INTO bob_audit (tenant_id, audit_id, at, principal_kind, principal_id, request_id, reason, operation,
            subject, part_of)
        SELECT NEW.tenant_id, NEW.audit_id, NEW.now, NEW.principal_kind, NEW.principal_id, NEW.request_id, NEW.reason,
            'begin_turn', NEW.turn_id, t.conversation_id
        FROM bob_turns t
        WHERE t.tenant_id = NEW.tenant_id AND t.turn_id = NEW.turn_id AND changes() = 1;

        INSERT OR REPLACE INTO bob_idempotency (tenant_id, scope, body, turn_id, until)
        SELECT NEW.tenant_id, NEW.scope_1, NEW.body, NEW.turn_id, NEW.until
        WHERE NEW.scope_1 IS NOT NULL AND changes() = 1;

        INSERT OR REPLACE INTO bob_idempotency (tenant_id, scope, body, turn_id, until)
        SELECT NEW.tenant_id, NEW.scope_2, NEW.body, NEW.turn_id, NEW.until
        WHERE NEW.scope_2 IS NOT NULL AND changes() = 1;
    END";

/// Finds out what stands in the turn's way, clears what may be cleared, and tries again.
pub(super) async fn against_odds(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    mut start: TurnStart,
) -> Result<TurnOpening> {
    if let Some(known) = repeated(unit, act, tenant, &start).await? {
        return Ok(known);
    }
    if let Some(visitor) = taken_up(unit, act, tenant, &start).await? {
        start.visitor = VisitorProof::Proven(visitor);
    }
    if let Some(obstacle) = obstacle(unit, tenant, &start).await? {
        if let Some((turn, lease)) = obstacle.open {
            if lease.holds(act.at) {
                return Ok(TurnOpening::Busy { turn, until: lease.until });
            }
            give_up(unit, act, tenant, &turn).await?;
        }
        if obstacle.person {
            let delivered = deliver(unit, act, tenant, &start, obstacle).await?;
            return Ok(TurnOpening::Delivered(Box::new(delivered)));
        }
    }
    let rows = unit.rows(open(act, tenant, &start, [None, None])).await?;
    if rows.is_empty() {
        return Err(corrupt(OPERATION, "nothing stands in the turn's way, yet it does not open"));
    }
    Ok(TurnOpening::Opened(Box::new(opened(&rows, &start)?)))
}

/// The turn's scopes, of which there are two at most.
pub(super) fn scopes(start: &TurnStart) -> [Option<Vec<u8>>; 2] {
    let claimed = start.idempotency.as_ref().map(|claim| claim.scopes.as_slice()).unwrap_or_default();
    let scope = |at: usize| claimed.get(at).map(|scope| scope.as_bytes().to_vec());
    [scope(0), scope(1)]
}

/// Whether only the session id tells who writes, and is a secret: it continues the conversation it names then.
fn by_session(start: &TurnStart) -> bool {
    matches!(start.visitor, VisitorProof::New(_)) && start.session.is_secret()
}

/// The statement that opens the turn, unless one of the scopes in `respected` is known; answers what [`opened`] reads,
/// or no row.
///
/// A bare parameter as limit would make SQLite plan the statement anew for each value.
pub(super) fn open(
    act: &Act,
    tenant: &TenantId,
    start: &TurnStart,
    respected: [Option<Vec<u8>>; 2],
) -> Query {
    let [respected_1, respected_2] = respected;
    let [scope_1, scope_2] = scopes(start);
    sqlx::query(
        "INSERT INTO bob_begin_turn VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,
             EXISTS (SELECT 1 FROM bob_idempotency WHERE tenant_id = $1 AND scope = $10 AND until > $9)
                 OR EXISTS (SELECT 1 FROM bob_idempotency WHERE tenant_id = $1 AND scope = $11 AND until > $9),
             $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26);

         SELECT t.conversation_id, t.visitor_id, t.epoch, c.language, t.disclose, t.proven, t.reserved
         FROM bob_audit a
         JOIN bob_turns t ON t.tenant_id = $1 AND t.turn_id = a.subject
         JOIN bob_conversations c ON c.tenant_id = $1 AND c.conversation_id = a.part_of
         WHERE a.tenant_id = $1 AND a.audit_id = $18;

         SELECT m.number, m.message_id, m.turn_id, m.role, m.at, m.content
         FROM bob_audit a
         JOIN bob_messages m ON m.tenant_id = $1 AND m.conversation_id = a.part_of
         WHERE a.tenant_id = $1 AND a.audit_id = $18 AND m.turn_id <> $8
         ORDER BY m.number DESC LIMIT $27 + 0",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(start.conversation.as_uuid()))
    .bind(start.door.as_str())
    .bind(start.session.as_str().to_owned())
    .bind(blob(start.visitor.visitor().as_uuid()))
    .bind(matches!(start.visitor, VisitorProof::Proven(_)))
    .bind(by_session(start))
    .bind(blob(start.turn.as_uuid()))
    .bind(micros(act.at))
    .bind(respected_1)
    .bind(respected_2)
    .bind(start.reserve.0)
    .bind(blob(start.lease.node.as_uuid()))
    .bind(start.lease.token.cast_signed())
    .bind(micros(start.lease.until))
    .bind(blob(start.message.as_uuid()))
    .bind(start.text.as_str().to_owned())
    .bind(new_id())
    .bind(act.principal.kind())
    .bind(blob(act.principal.id()))
    .bind(act.request_id.clone())
    .bind(act.reason.clone())
    .bind(scope_1)
    .bind(scope_2)
    .bind(start.idempotency.as_ref().map(|claim| claim.body.as_bytes().to_vec()))
    .bind(micros(later(act.at, IDEMPOTENCY_KEPT)))
    .bind(i64::from(start.history))
}

/// Reads what [`open`] answered: the turn, and the history with its latest message first.
pub(super) fn opened(rows: &[SqliteRow], start: &TurnStart) -> Result<OpenTurn> {
    let [turn, history @ ..] = rows else { return Err(corrupt(OPERATION, "an open turn has no row")) };
    let mut cells = Cells::of(turn, OPERATION);
    let conversation = cells.id(ConversationId::from_uuid)?;
    let visitor = cells.id(VisitorId::from_uuid)?;
    let (epoch, language) = (cells.number()?, cells.optional_parsed()?);
    let (disclose, proven) = (cells.take()?, cells.take()?);
    let reserved: Option<i64> = cells.take()?;
    Ok(OpenTurn {
        turn: start.turn,
        conversation,
        key: ConversationKey { door: start.door, visitor, session: start.session.clone() },
        proven,
        epoch,
        lease: start.lease,
        history: history.iter().rev().map(|row| message(row, OPERATION)).collect::<Result<_>>()?,
        language,
        reservation: reserved.map(|amount| Reservation { turn: start.turn, amount: MilliCredits(amount) }),
        disclose,
    })
}

/// What an earlier call under the same idempotency key came to; nothing if there was none, or nothing came of it.
async fn repeated(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    start: &TurnStart,
) -> Result<Option<TurnOpening>> {
    let Some(claim) = &start.idempotency else { return Ok(None) };
    for scope in &claim.scopes {
        let Some((same, turn)) = known(unit, act, tenant, scope, claim.body.as_bytes()).await? else {
            continue;
        };
        if !same {
            return Ok(Some(TurnOpening::Mismatch));
        }
        return Ok(match find(unit, tenant, &turn, OPERATION).await? {
            Some((_, TurnState::Finished(finished))) => Some(TurnOpening::Replayed(finished)),
            Some((_, TurnState::Open(lease))) if lease.holds(act.at) => Some(TurnOpening::Running(turn)),
            // The node is gone and nothing was answered: the repetition answers.
            _ => None,
        });
    }
    Ok(None)
}

/// The visitor of a call that nothing came of and that is repeated now: whoever repeats it is the same one, and may be
/// given a token for them if the first caller might have been.
async fn taken_up(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    start: &TurnStart,
) -> Result<Option<VisitorId>> {
    for scope in start.idempotency.iter().flat_map(|claim| &claim.scopes) {
        let select = sqlx::query(
            "SELECT t.visitor_id
             FROM bob_idempotency i
             JOIN bob_turns t ON t.tenant_id = i.tenant_id AND t.turn_id = i.turn_id
             WHERE i.tenant_id = $1 AND i.scope = $2 AND i.until > $3 AND t.proven",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(scope.as_bytes().to_vec())
        .bind(micros(act.at));
        if let Some(row) = unit.row(select).await? {
            return Cells::of(&row, OPERATION).id(VisitorId::from_uuid).map(Some);
        }
    }
    Ok(None)
}

/// Whether a scope was used with the same body, and for which turn.
async fn known(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    scope: &IdempotencyScope,
    body: &[u8; 32],
) -> Result<Option<(bool, TurnId)>> {
    let select = sqlx::query(
        "SELECT body = $4, turn_id FROM bob_idempotency WHERE tenant_id = $1 AND scope = $2 AND until > $3",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(scope.as_bytes().to_vec())
    .bind(micros(act.at))
    .bind(body.to_vec());
    let Some(row) = unit.row(select).await? else { return Ok(None) };
    let mut cells = Cells::of(&row, OPERATION);
    Ok(Some((cells.take()?, cells.id(TurnId::from_uuid)?)))
}

/// The conversation a turn would belong to, with what may keep it from opening.
struct Obstacle {
    conversation: ConversationId,
    visitor: VisitorId,
    language: Option<Language>,
    person: bool,
    open: Option<(TurnId, Lease)>,
}

async fn obstacle(unit: &mut Unit<'_>, tenant: &TenantId, start: &TurnStart) -> Result<Option<Obstacle>> {
    let select = sqlx::query(
        "SELECT c.conversation_id, c.visitor_id, c.language, c.owner IS NOT NULL, c.open_turn, o.lease_node,
             o.lease_token, o.lease_until
         FROM bob_tenants t
         LEFT JOIN bob_conversations c ON c.tenant_id = $1 AND c.door = $2 AND c.session = $3
             AND c.visitor_id = coalesce((SELECT s.visitor_id FROM bob_conversations s
                                          WHERE $4 AND s.tenant_id = $1 AND s.door = $2 AND s.session = $3
                                          ORDER BY s.started_at, s.conversation_id LIMIT 1), $5)
         LEFT JOIN bob_turns o ON o.tenant_id = $1 AND o.turn_id = c.open_turn
         WHERE t.tenant_id = $1",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(start.door.as_str())
    .bind(start.session.as_str().to_owned())
    .bind(by_session(start))
    .bind(blob(start.visitor.visitor().as_uuid()));
    let row = unit.row(select).await?.ok_or_else(|| not_found(OPERATION))?;
    let mut cells = Cells::of(&row, OPERATION);
    let Some(conversation) = cells.optional_id(ConversationId::from_uuid)? else { return Ok(None) };
    let visitor = cells.id(VisitorId::from_uuid)?;
    let (language, person) = (cells.optional_parsed()?, cells.take()?);
    let open = match cells.optional_id(TurnId::from_uuid)? {
        Some(turn) => Some((turn, lease(&mut cells)?)),
        None => None,
    };
    Ok(Some(Obstacle { conversation, visitor, language, person, open }))
}

/// Stores a message for the person who owns the conversation, as a turn that is closed already and costs nothing.
async fn deliver(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    start: &TurnStart,
    to: Obstacle,
) -> Result<FinishedTurn> {
    let proven = !by_session(start);
    let [scope, scope_too] = scopes(start);
    let insert = sqlx::query(
        "UPDATE bob_conversations SET messages = messages + 1 WHERE tenant_id = $1 AND conversation_id = $2;

         INSERT INTO bob_turns (tenant_id, turn_id, conversation_id, visitor_id, proven, disclose, epoch, state,
             lease_node, lease_token, lease_until, reserved, settled, language, started_at, closed_at)
         SELECT $1, $3, $2, c.visitor_id, $4, 0, c.epoch, 'finished', $5, $6, $7, 0, 0, c.language, $8, $8
         FROM bob_conversations c WHERE c.tenant_id = $1 AND c.conversation_id = $2;

         INSERT INTO bob_messages (tenant_id, conversation_id, number, message_id, turn_id, role, at, content)
         SELECT $1, $2, c.messages, $9, $3, 'visitor', $8, $10
         FROM bob_conversations c WHERE c.tenant_id = $1 AND c.conversation_id = $2;

         INSERT OR REPLACE INTO bob_idempotency (tenant_id, scope, body, turn_id, until)
         SELECT $1, $11, $13, $3, $14 WHERE $11 IS NOT NULL;

         INSERT OR REPLACE INTO bob_idempotency (tenant_id, scope, body, turn_id, until)
         SELECT $1, $12, $13, $3, $14 WHERE $12 IS NOT NULL",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(to.conversation.as_uuid()))
    .bind(blob(start.turn.as_uuid()))
    .bind(proven)
    .bind(blob(start.lease.node.as_uuid()))
    .bind(start.lease.token.cast_signed())
    .bind(micros(start.lease.until))
    .bind(micros(act.at))
    .bind(blob(start.message.as_uuid()))
    .bind(start.text.as_str().to_owned())
    .bind(scope)
    .bind(scope_too)
    .bind(start.idempotency.as_ref().map(|claim| claim.body.as_bytes().to_vec()))
    .bind(micros(later(act.at, IDEMPOTENCY_KEPT)));
    unit.execute(insert).await?;
    let subject = Subject(Some(start.turn.as_uuid()), Some(to.conversation.as_uuid()));
    note(unit, Some(tenant), act, OPERATION, subject).await?;
    Ok(FinishedTurn {
        turn: start.turn,
        conversation: to.conversation,
        visitor: to.visitor,
        proven,
        session: start.session.clone(),
        answer: delivered(to.language),
        persona: String::new(),
        disclose: false,
    })
}
