//! Opening a turn.

use bob_core::act::Act;
use bob_core::clock::later;
use bob_core::conversation::ConversationKey;
use bob_core::credit::{MilliCredits, Reservation};
use bob_core::id::{ConversationId, NodeId, TenantId, TurnId, VisitorId};
use bob_core::language::Language;
use bob_core::storage::Result;
use bob_core::turn::{
    FinishedTurn, IDEMPOTENCY_KEPT, IdempotencyScope, Lease, OpenTurn, TurnOpening, TurnStart, TurnState,
};
use bob_core::visitor::VisitorProof;

use super::super::audit::{Subject, new_id, record};
use super::super::error::corrupt;
use super::super::not_found;
use super::super::rows::{Cells, blob, message, micros};
use super::super::writer::Unit;
use super::{delivered, find, give_up};

pub(super) const OPERATION: &str = "begin_turn";

/// Opens the turn in one go where it can be; else finds out what stands in its way, clears what may be cleared, and
/// tries again.
pub(super) async fn begin(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    start: &TurnStart,
) -> Result<TurnOpening> {
    if let Some(open) = open(unit, act, tenant, start, scopes(start)).await? {
        return Ok(TurnOpening::Opened(Box::new(open)));
    }
    unit.guard().await?;
    if let Some(known) = repeated(unit, act, tenant, start).await? {
        return Ok(known);
    }
    if let Some(obstacle) = obstacle(unit, tenant, start).await? {
        if let Some((turn, lease)) = obstacle.open {
            if lease.holds(act.at) {
                return Ok(TurnOpening::Busy { turn, until: lease.until });
            }
            give_up(unit, act, tenant, &turn).await?;
        }
        if obstacle.person {
            let delivered = deliver(unit, act, tenant, start, obstacle).await?;
            return Ok(TurnOpening::Delivered(Box::new(delivered)));
        }
    }
    let open = open(unit, act, tenant, start, [None, None]).await?;
    let open =
        open.ok_or_else(|| corrupt(OPERATION, "nothing stands in the turn's way, yet it does not open"))?;
    Ok(TurnOpening::Opened(Box::new(open)))
}

/// The turn's scopes, of which there are two at most.
fn scopes(start: &TurnStart) -> [Option<Vec<u8>>; 2] {
    let claimed = start.idempotency.as_ref().map(|claim| claim.scopes.as_slice()).unwrap_or_default();
    let scope = |at: usize| claimed.get(at).map(|scope| scope.as_bytes().to_vec());
    [scope(0), scope(1)]
}

/// Whether only the session id tells who writes, and is a secret: it continues the conversation it names then.
fn by_session(start: &TurnStart) -> bool {
    matches!(start.visitor, VisitorProof::New(_)) && start.session.is_secret()
}

/// Opens the turn, unless the tenant is unknown, one of the scopes in `respected` is, another turn is open, or a person
/// owns the conversation; then nothing is written.
async fn open(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    start: &TurnStart,
    respected: [Option<Vec<u8>>; 2],
) -> Result<Option<OpenTurn>> {
    let [respected, respected_too] = respected;
    let [scope, scope_too] = scopes(start);
    let script = sqlx::query(
        "SAVEPOINT script;

         INSERT INTO bob_conversations (tenant_id, conversation_id, door, session, visitor_id, epoch, messages,
             open_turn, disclosed_epoch, disclosed_turn, started_at)
         SELECT $1, $2, $3, $4,
             coalesce((SELECT c.visitor_id FROM bob_conversations c
                       WHERE $5 AND c.tenant_id = $1 AND c.door = $3 AND c.session = $4
                       ORDER BY c.started_at, c.conversation_id LIMIT 1), $6),
             0, 1, $7, 0, $7, $8
         FROM bob_tenants t
         WHERE t.tenant_id = $1
           AND NOT EXISTS (SELECT 1 FROM bob_idempotency i
                           WHERE i.tenant_id = $1 AND i.scope IN ($9, $10) AND i.until > $8)
         ON CONFLICT (tenant_id, door, session, visitor_id) DO UPDATE
         SET messages = messages + 1, open_turn = $7, disclosed_epoch = epoch,
             disclosed_turn = CASE disclosed_epoch WHEN epoch THEN disclosed_turn ELSE $7 END
         WHERE open_turn IS NULL AND owner IS NULL
         RETURNING conversation_id, visitor_id, epoch, language, disclosed_turn = $7,
             $12 OR NOT $5 OR messages = 1;

         UPDATE bob_credits SET reserved = reserved + $11
         WHERE tenant_id = $1 AND changes() = 1 AND granted - settled - reserved >= $11;

         INSERT INTO bob_turns (tenant_id, turn_id, conversation_id, visitor_id, proven, disclose, epoch, state,
             lease_node, lease_token, lease_until, reserved, started_at)
         SELECT $1, $7, c.conversation_id, c.visitor_id, $12 OR NOT $5 OR c.messages = 1, c.disclosed_turn = $7,
             c.epoch, 'open', $13, $14, $15, CASE changes() WHEN 1 THEN $11 END, $8
         FROM bob_conversations c
         WHERE c.tenant_id = $1 AND c.door = $3 AND c.session = $4 AND c.open_turn = $7
           AND c.visitor_id = coalesce((SELECT s.visitor_id FROM bob_conversations s
                                        WHERE $5 AND s.tenant_id = $1 AND s.door = $3 AND s.session = $4
                                        ORDER BY s.started_at, s.conversation_id LIMIT 1), $6)
         RETURNING reserved;

         SELECT m.number, m.message_id, m.turn_id, m.role, m.at, m.content
         FROM bob_turns t
         JOIN bob_messages m ON m.tenant_id = $1 AND m.conversation_id = t.conversation_id
         WHERE t.tenant_id = $1 AND t.turn_id = $7
         ORDER BY m.number DESC LIMIT $16;

         INSERT INTO bob_messages (tenant_id, conversation_id, number, message_id, turn_id, role, at, content)
         SELECT $1, c.conversation_id, c.messages, $17, $7, 'visitor', $8, $18
         FROM bob_turns t
         JOIN bob_conversations c ON c.tenant_id = $1 AND c.conversation_id = t.conversation_id
         WHERE t.tenant_id = $1 AND t.turn_id = $7 AND changes() = 1;

         INSERT INTO bob_audit (tenant_id, audit_id, at, principal_kind, principal_id, request_id, reason, operation,
             subject, part_of)
         SELECT $1, $19, $8, $20, $21, $22, $23, 'begin_turn', $7, t.conversation_id
         FROM bob_turns t WHERE t.tenant_id = $1 AND t.turn_id = $7 AND changes() = 1;

         INSERT OR REPLACE INTO bob_idempotency (tenant_id, scope, body, turn_id, until)
         SELECT $1, s.scope, $26, $7, $27 FROM (SELECT $24 AS scope UNION SELECT $25) s
         WHERE s.scope IS NOT NULL AND changes() = 1;

         RELEASE script",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(start.conversation.as_uuid()))
    .bind(start.door.as_str())
    .bind(start.session.as_str().to_owned())
    .bind(by_session(start))
    .bind(blob(start.visitor.visitor().as_uuid()))
    .bind(blob(start.turn.as_uuid()))
    .bind(micros(act.at))
    .bind(respected)
    .bind(respected_too)
    .bind(start.reserve.0)
    .bind(matches!(start.visitor, VisitorProof::Proven(_)))
    .bind(blob(start.lease.node.as_uuid()))
    .bind(start.lease.token.cast_signed())
    .bind(micros(start.lease.until))
    .bind(i64::from(start.history))
    .bind(blob(start.message.as_uuid()))
    .bind(start.text.as_str().to_owned())
    .bind(new_id())
    .bind(act.principal.kind())
    .bind(blob(act.principal.id()))
    .bind(act.request_id.clone())
    .bind(act.reason.clone())
    .bind(scope)
    .bind(scope_too)
    .bind(start.idempotency.as_ref().map(|claim| claim.body.as_bytes().to_vec()))
    .bind(micros(later(act.at, IDEMPOTENCY_KEPT)));
    let rows = unit.script(script).await?;
    let [conversation, reserved, history @ ..] = rows.as_slice() else { return Ok(None) };

    let mut cells = Cells::of(conversation, OPERATION);
    let conversation = cells.id(ConversationId::from_uuid)?;
    let visitor = cells.id(VisitorId::from_uuid)?;
    let (epoch, language) = (cells.number()?, cells.optional_parsed()?);
    let (disclose, proven) = (cells.take()?, cells.take()?);
    let reserved: Option<i64> = Cells::of(reserved, OPERATION).take()?;
    let history = history.iter().rev().map(|row| message(row, OPERATION)).collect::<Result<_>>()?;
    Ok(Some(OpenTurn {
        turn: start.turn,
        conversation,
        key: ConversationKey { door: start.door, visitor, session: start.session.clone() },
        proven,
        epoch,
        lease: start.lease,
        history,
        language,
        reservation: reserved.map(|amount| Reservation { turn: start.turn, amount: MilliCredits(amount) }),
        disclose,
    }))
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
        Some(turn) => {
            let node = cells.id(NodeId::from_uuid)?;
            let token = cells.take::<i64>()?.cast_unsigned();
            Some((turn, Lease { node, token, until: cells.time()? }))
        }
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
         SELECT $1, s.scope, $13, $3, $14 FROM (SELECT $11 AS scope UNION SELECT $12) s WHERE s.scope IS NOT NULL",
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
    record(unit, Some(tenant), act, OPERATION, subject).await?;
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
