//! Reserving more for an open turn.

use bob_core::act::Act;
use bob_core::credit::{MilliCredits, Reservation};
use bob_core::id::{TenantId, TurnId};
use bob_core::storage::Result;
use bob_core::turn::Lease;

use super::super::audit::{Subject, note};
use super::super::credit::read_usage;
use super::super::not_found;
use super::super::rows::{Cells, blob};
use super::super::writer::Unit;
use super::find;
use super::hold::Hold;

pub(super) const OPERATION: &str = "extend_turn";

/// Reserves `more`, if the lease holds and credits and budgets reach for it.
pub(super) async fn extend(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    turn: &TurnId,
    lease: &Lease,
    more: MilliCredits,
) -> Result<Option<Reservation>> {
    let select = sqlx::query(
        "SELECT t.state = 'open' AND c.epoch = t.epoch, t.lease_node, t.lease_token, t.lease_until
         FROM bob_turns t
         JOIN bob_conversations c ON c.tenant_id = t.tenant_id AND c.conversation_id = t.conversation_id
         WHERE t.tenant_id = $1 AND t.turn_id = $2",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(turn.as_uuid()));
    let row = unit.row(select).await?.ok_or_else(|| not_found(OPERATION))?;
    let mut cells = Cells::of(&row, OPERATION);
    let (open, held) = (cells.take::<bool>()?, find::lease(&mut cells)?);
    if !open || !held.is(lease) || !held.holds(act.at) {
        return Ok(None);
    }
    let Some(hold) = Hold::of(unit, tenant, turn, OPERATION).await? else { return Ok(None) };
    let more = more.max(MilliCredits::ZERO);
    let available = read_usage(unit, tenant, OPERATION).await?.balance.available();
    let left = hold.left(unit, tenant).await?.map_or(available, |left| left.min(available));
    if more > left {
        return Ok(None);
    }
    let update = sqlx::query(
        "UPDATE bob_credits SET reserved = reserved + $3 WHERE tenant_id = $1;
         UPDATE bob_turns SET reserved = reserved + $3 WHERE tenant_id = $1 AND turn_id = $2",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(turn.as_uuid()))
    .bind(more.0);
    unit.execute(update).await?;
    hold.spend(unit, tenant, more).await?;
    note(unit, Some(tenant), act, OPERATION, Subject(Some(turn.as_uuid()), None)).await?;
    Ok(Some(Reservation { turn: *turn, amount: MilliCredits(hold.reserved.0 + more.0) }))
}
