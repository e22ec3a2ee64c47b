//! What an open turn holds, and which budgets it was taken from.

use bob_core::credit::MilliCredits;
use bob_core::id::{TenantId, TurnId};
use bob_core::storage::Result;
use uuid::Uuid;

use super::super::rows::{Cells, blob};
use super::super::writer::Unit;

/// What an open turn holds.
pub(super) struct Hold {
    pub(super) reserved: MilliCredits,
    day: Option<i64>,
    /// Those with a budget, and how much it is.
    spenders: Vec<(Uuid, MilliCredits)>,
}

impl Hold {
    /// What a turn holds; nothing when it is closed, or credits or budgets did not reach.
    pub(super) async fn of(
        unit: &mut Unit<'_>,
        tenant: &TenantId,
        turn: &TurnId,
        operation: &'static str,
    ) -> Result<Option<Self>> {
        let select = sqlx::query(
            "SELECT reserved, budget_day, visitor_id, visitor_budget, key_id, key_budget FROM bob_turns
             WHERE tenant_id = $1 AND turn_id = $2 AND state = 'open' AND reserved IS NOT NULL",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(blob(turn.as_uuid()));
        let Some(row) = unit.row(select).await? else { return Ok(None) };
        let mut cells = Cells::of(&row, operation);
        let (reserved, day) = (MilliCredits(cells.take()?), cells.take()?);
        let mut spenders = Vec::new();
        for _ in 0..2 {
            let spender = cells.optional_id(|id| id)?;
            spenders.extend(spender.zip(cells.take::<Option<i64>>()?.map(MilliCredits)));
        }
        Ok(Some(Self { reserved, day, spenders }))
    }

    /// What the tightest of the budgets leaves; nothing when there is none.
    pub(super) async fn left(&self, unit: &mut Unit<'_>, tenant: &TenantId) -> Result<Option<MilliCredits>> {
        const OPERATION: &str = "budget";
        let mut least = None;
        for (spender, budget) in &self.spenders {
            let select = sqlx::query(
                "SELECT day > $3, day = $3, spent FROM bob_spending WHERE tenant_id = $1 AND spender_id = $2",
            )
            .bind(blob(tenant.as_uuid()))
            .bind(blob(*spender))
            .bind(self.day);
            let mut left = *budget;
            if let Some(row) = unit.row(select).await? {
                let mut cells = Cells::of(&row, OPERATION);
                left = match (cells.take()?, cells.take()?) {
                    // Nothing is left of a day that is over.
                    (true, _) => MilliCredits::ZERO,
                    (_, true) => MilliCredits(budget.0 - cells.take::<i64>()?),
                    _ => *budget,
                };
            }
            least = Some(least.map_or(left, |least: MilliCredits| least.min(left)));
        }
        Ok(least)
    }

    /// Counts an amount as used by those with a budget, or, below zero, gives it back.
    pub(super) async fn spend(
        &self,
        unit: &mut Unit<'_>,
        tenant: &TenantId,
        amount: MilliCredits,
    ) -> Result<()> {
        for (spender, _) in &self.spenders {
            let update = sqlx::query(
                "UPDATE bob_spending SET spent = max(spent + $4, 0)
                 WHERE tenant_id = $1 AND spender_id = $2 AND day = $3",
            )
            .bind(blob(tenant.as_uuid()))
            .bind(blob(*spender))
            .bind(self.day)
            .bind(amount.0);
            unit.execute(update).await?;
        }
        Ok(())
    }
}
