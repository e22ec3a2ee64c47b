//! Giving up turns whose node is gone, and forgetting what is past its time.

use bob_core::act::Act;
use bob_core::id::{TenantId, TurnId};
use bob_core::storage::Result;

use super::super::error::corrupt;
use super::super::rows::{Cells, micros};
use super::super::writer::Unit;
use super::settle::give_up;

pub(super) const OPERATION: &str = "sweep_turns";

const DAY_IN_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// For how many days what happened can be read.
const TOLD: i64 = 7;

/// How many rows of a kind are forgotten at a time.
const MOST: i64 = 10_000;

/// Gives up turns whose lease has run out, at most `limit`, and answers how many.
pub(super) async fn sweep(unit: &mut Unit<'_>, act: &Act, limit: u32) -> Result<u32> {
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
        give_up(unit, act, &tenant, &turn).await?;
    }
    forget(unit, act).await?;
    u32::try_from(lost.len()).map_err(|error| corrupt(OPERATION, error))
}

async fn forget(unit: &mut Unit<'_>, act: &Act) -> Result<()> {
    let now = micros(act.at);
    let delete = sqlx::query(
        "DELETE FROM bob_idempotency WHERE (tenant_id, scope) IN
             (SELECT tenant_id, scope FROM bob_idempotency WHERE until <= $1 ORDER BY until LIMIT $4 + 0);
         DELETE FROM bob_outbox WHERE (tenant_id, event_id) IN
             (SELECT tenant_id, event_id FROM bob_outbox WHERE at <= $2 ORDER BY at LIMIT $4 + 0);
         DELETE FROM bob_spending WHERE (tenant_id, spender_id) IN
             (SELECT tenant_id, spender_id FROM bob_spending WHERE day < $3 ORDER BY day LIMIT $4 + 0)",
    )
    .bind(now)
    .bind(now - TOLD * DAY_IN_MICROS)
    // Somewhere on earth it still is yesterday.
    .bind(now.div_euclid(DAY_IN_MICROS) - 1)
    .bind(MOST);
    unit.execute(delete).await?;
    Ok(())
}
