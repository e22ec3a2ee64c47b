//! Closing turns that are not answered.

use bob_core::act::Act;
use bob_core::credit::{LedgerKind, MilliCredits, threshold};
use bob_core::id::{ConversationId, TenantId, TurnId};
use bob_core::outbox::{EventKind, EventSubject};
use bob_core::storage::Result;

use super::super::audit::{Subject, note};
use super::super::credit::{Movement, enter, read_usage};
use super::super::outbox::tell;
use super::super::rows::{Cells, blob, micros};
use super::super::writer::Unit;
use super::hold::Hold;

const OPERATION: &str = "give_up_turn";

/// Settles what an open turn used of what it holds and gives back the rest; answers the threshold that this passed.
pub(super) async fn settle(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    turn: &TurnId,
    cost: MilliCredits,
) -> Result<Option<u8>> {
    let Some(hold) = Hold::of(unit, tenant, turn, OPERATION).await? else { return Ok(None) };
    let used = MilliCredits(cost.0.clamp(0, hold.reserved.0));
    let usage = read_usage(unit, tenant, OPERATION).await?;
    let passed = threshold(MilliCredits(usage.used.0 + used.0), usage.allowance);
    let update = sqlx::query(
        "UPDATE bob_credits
         SET reserved = reserved - $2, settled = settled + $3, used = used + $3, threshold = max(threshold, $4)
         WHERE tenant_id = $1",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(hold.reserved.0)
    .bind(used.0)
    .bind(i64::from(passed));
    unit.execute(update).await?;
    if used > MilliCredits::ZERO {
        let movement = Movement {
            kind: LedgerKind::Settlement,
            amount: MilliCredits(-used.0),
            turn: Some(*turn),
            reason: None,
            change: None,
        };
        enter(unit, act, tenant, movement).await?;
    }
    hold.spend(unit, tenant, MilliCredits(used.0 - hold.reserved.0)).await?;
    Ok((passed > usage.threshold).then_some(passed))
}

/// Gives back all that a lost turn holds; nothing is used by that, so no threshold is passed either.
async fn release(unit: &mut Unit<'_>, tenant: &TenantId, turn: &TurnId) -> Result<()> {
    let Some(hold) = Hold::of(unit, tenant, turn, OPERATION).await? else { return Ok(()) };
    let update = sqlx::query("UPDATE bob_credits SET reserved = reserved - $2 WHERE tenant_id = $1")
        .bind(blob(tenant.as_uuid()))
        .bind(hold.reserved.0);
    unit.execute(update).await?;
    hold.spend(unit, tenant, MilliCredits(-hold.reserved.0)).await
}

/// Gives up an open turn: frees its conversation and releases all that was reserved.
pub(super) async fn give_up(unit: &mut Unit<'_>, act: &Act, tenant: &TenantId, turn: &TurnId) -> Result<()> {
    release(unit, tenant, turn).await?;
    let update = sqlx::query(
        "UPDATE bob_turns SET state = 'abandoned', closed_at = $3
         WHERE tenant_id = $1 AND turn_id = $2 AND state = 'open' RETURNING conversation_id",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(turn.as_uuid()))
    .bind(micros(act.at));
    let Some(row) = unit.row(update).await? else { return Ok(()) };
    let conversation = Cells::of(&row, OPERATION).id(ConversationId::from_uuid)?;
    let free = sqlx::query(
        "UPDATE bob_conversations SET open_turn = NULL
         WHERE tenant_id = $1 AND conversation_id = $2 AND open_turn = $3",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(conversation.as_uuid()))
    .bind(blob(turn.as_uuid()));
    unit.execute(free).await?;
    let about =
        EventSubject { conversation: Some(conversation), turn: Some(*turn), ..EventSubject::default() };
    tell(unit, act, tenant, &[EventKind::TurnAbandoned], about).await?;
    // Whoever comes across a lost turn did nothing to it that their address should be kept for.
    let act = Act { address: None, ..act.clone() };
    let subject = Subject(Some(turn.as_uuid()), Some(conversation.as_uuid()));
    note(unit, Some(tenant), &act, OPERATION, subject).await
}
