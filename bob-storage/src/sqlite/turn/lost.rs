//! Taking up a turn that nothing came of.

use bob_core::conversation::{Door, SessionId};
use bob_core::id::{ConversationId, MessageId, TurnId, VisitorId};
use bob_core::storage::Result;

use super::super::error::corrupt;
use super::super::rows::{Cells, blob, micros};
use super::super::writer::Unit;
use super::begin::OPERATION;
use super::call::Call;
use super::odds::Odds;

/// A turn without an answer whose call is repeated: whoever repeats it is the same visitor and goes on in the same
/// conversation, and may be given a token if the first caller might have been.
pub(super) struct LostTurn {
    turn: TurnId,
    conversation: ConversationId,
    pub(super) visitor: VisitorId,
    pub(super) proven: bool,
    pub(super) door: Door,
    pub(super) session: SessionId,
}

impl LostTurn {
    /// The turn of an earlier call under one of the scopes.
    pub(super) async fn of(unit: &mut Unit<'_>, call: &Odds) -> Result<Option<Self>> {
        for scope in call.start.idempotency.iter().flat_map(|claim| &claim.scopes) {
            let select = sqlx::query(
                "SELECT t.turn_id, t.conversation_id, t.visitor_id, t.proven, c.door, c.session, v.key
                 FROM bob_idempotency i
                 JOIN bob_turns t ON t.tenant_id = i.tenant_id AND t.turn_id = i.turn_id
                 JOIN bob_conversations c ON c.tenant_id = t.tenant_id AND c.conversation_id = t.conversation_id
                 JOIN bob_visitors v ON v.tenant_id = t.tenant_id AND v.visitor_id = t.visitor_id
                 WHERE i.tenant_id = $1 AND i.scope = $2 AND i.until > $3
                   AND (v.trust IS NOT 'verified' OR v.visitor_id = $4)",
            )
            .bind(blob(call.tenant.tenant.as_uuid()))
            .bind(scope.as_bytes().to_vec())
            .bind(micros(call.act.at))
            .bind(blob(call.start.visitor.visitor().as_uuid()));
            let Some(row) = unit.row(select).await? else { continue };
            let mut cells = Cells::of(&row, OPERATION);
            let (turn, conversation) = (cells.id(TurnId::from_uuid)?, cells.id(ConversationId::from_uuid)?);
            let (visitor, proven) = (cells.id(VisitorId::from_uuid)?, cells.take()?);
            let door = cells.named(Door::from_name)?;
            let (session, key): (&[u8], &[u8]) = (cells.take()?, cells.take()?);
            let seal = call.tenant.visitor(visitor, key);
            let session = seal.and_then(|seal| seal.open_session(&conversation, session));
            let session = session.map_err(|error| corrupt(OPERATION, error))?;
            return Ok(Some(Self { turn, conversation, visitor, proven, door, session }));
        }
        Ok(None)
    }
}

/// Hands the question of a lost turn to the one that repeats it, where it stands; answers the message.
pub(super) async fn take_up(
    unit: &mut Unit<'_>,
    call: &Call,
    lost: Option<&LostTurn>,
    turn: &TurnId,
) -> Result<Option<MessageId>> {
    let Some(lost) = lost else { return Ok(None) };
    let update = sqlx::query(
        "UPDATE bob_messages SET turn_id = $4 WHERE tenant_id = $1 AND conversation_id = $2 AND turn_id = $3
         RETURNING message_id",
    )
    .bind(blob(call.seal.tenant.as_uuid()))
    .bind(blob(lost.conversation.as_uuid()))
    .bind(blob(lost.turn.as_uuid()))
    .bind(blob(turn.as_uuid()));
    let row = unit.row(update).await?;
    row.map(|row| Cells::of(&row, OPERATION).id(MessageId::from_uuid)).transpose()
}
