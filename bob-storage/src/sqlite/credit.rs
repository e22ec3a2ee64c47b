//! Credits and their ledger.

use async_trait::async_trait;
use bob_core::act::Act;
use bob_core::credit::{
    CreditBalance, CreditChange, CreditChanged, CreditUsage, LedgerEntry, LedgerKind, LedgerPage,
    MilliCredits, Renewal,
};
use bob_core::id::{TenantId, TurnId};
use bob_core::outbox::{EventKind, EventSubject};
use bob_core::storage::{CreditStore, Result};
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::audit::{Subject, note};
use super::error::failed;
use super::outbox::tell;
use super::rows::{Cells, blob, count, micros};
use super::writer::{Query, Unit};
use super::{SqliteStorage, not_found};

#[async_trait]
impl CreditStore for SqliteStorage {
    async fn credit_balance(&self, tenant: &TenantId) -> Result<CreditBalance> {
        Ok(self.usage(tenant, "credit_balance").await?.balance)
    }

    async fn credit_usage(&self, tenant: &TenantId) -> Result<CreditUsage> {
        self.usage(tenant, "credit_usage").await
    }

    async fn ledger(&self, tenant: &TenantId, before: Option<u64>, limit: u32) -> Result<LedgerPage> {
        const OPERATION: &str = "ledger";
        // One more than wanted, which tells whether there are older ones; an empty ledger has one row of nulls.
        let mut rows = sqlx::query(
            "SELECT l.number, l.at, l.kind, l.amount, l.balance, l.turn_id, l.reason
             FROM bob_credits c
             LEFT JOIN bob_ledger l ON l.tenant_id = c.tenant_id AND l.number < $2
             WHERE c.tenant_id = $1
             ORDER BY l.number DESC
             LIMIT $3 + 0",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(before.map_or(i64::MAX, count))
        .bind(i64::from(limit) + 1)
        .fetch_all(self.readers())
        .await
        .map_err(failed(OPERATION))?;
        let first = rows.first().ok_or_else(|| not_found(OPERATION))?;
        if Cells::of(first, OPERATION).take::<Option<i64>>()?.is_none() {
            return Ok(LedgerPage::default());
        }
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let entries = rows.iter().map(|row| entry(row, OPERATION)).collect::<Result<Vec<_>>>()?;
        let next = entries.last().filter(|_| more).map(|last| last.number);
        Ok(LedgerPage { entries, next })
    }

    async fn change_credits(
        &self,
        act: &Act,
        tenant: &TenantId,
        change: CreditChange,
    ) -> Result<CreditChanged> {
        const OPERATION: &str = "change_credits";
        let (act, tenant) = (act.clone(), *tenant);
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    if let Some(known) = changed_before(unit, &tenant, &change.id(), OPERATION).await? {
                        return Ok(change.known_as(known));
                    }
                    let usage = match change.applied_to(&read_usage(unit, &tenant, OPERATION).await?) {
                        Ok(usage) => usage,
                        Err(refused) => return Ok(refused),
                    };
                    let update = sqlx::query(
                        "UPDATE bob_credits SET granted = $2, allowance = $3, threshold = $4
                         WHERE tenant_id = $1",
                    )
                    .bind(blob(tenant.as_uuid()))
                    .bind(usage.balance.granted.0)
                    .bind(usage.allowance.0)
                    .bind(i64::from(usage.threshold));
                    unit.execute(update).await?;
                    let movement = Movement {
                        kind: change.kind(),
                        amount: change.amount(),
                        turn: None,
                        reason: Some(change.reason().to_owned()),
                        change: Some(change.id()),
                    };
                    let entry = enter(unit, &act, &tenant, movement).await?;
                    let subject = EventSubject { number: Some(entry.number), ..EventSubject::default() };
                    tell(unit, &act, &tenant, &[EventKind::CreditsChanged], subject).await?;
                    note(unit, Some(&tenant), &act, OPERATION, Subject(Some(change.id()), None)).await?;
                    Ok(CreditChanged::Entered(entry))
                })
            })
            .await
    }

    async fn due_renewals(&self, now: Timestamp, limit: u32) -> Result<Vec<(TenantId, Timestamp)>> {
        const OPERATION: &str = "due_renewals";
        let rows = sqlx::query(
            "SELECT tenant_id, period_to FROM bob_credits WHERE period_to <= $1
             ORDER BY period_to, tenant_id LIMIT $2 + 0",
        )
        .bind(micros(now))
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(failed(OPERATION))?;
        let due = rows.iter().map(|row| {
            let mut cells = Cells::of(row, OPERATION);
            Ok((cells.id(TenantId::from_uuid)?, cells.time()?))
        });
        due.collect()
    }

    async fn renew_credits(&self, act: &Act, tenant: &TenantId, renewal: Renewal) -> Result<bool> {
        const OPERATION: &str = "renew_credits";
        let (act, tenant) = (act.clone(), *tenant);
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    let usage = read_usage(unit, &tenant, OPERATION).await?;
                    if micros(usage.to) != micros(renewal.due) {
                        return Ok(false);
                    }
                    let CreditUsage { balance, included, used, .. } = usage;
                    // What open turns hold is theirs still.
                    let unused = (included.0 - used.0).min(balance.available().0).max(0);
                    let movement = |kind, amount| Movement {
                        kind,
                        amount: MilliCredits(amount),
                        turn: None,
                        reason: Some(renewal.reason.clone()),
                        change: None,
                    };
                    grant(unit, &act, &tenant, movement(LedgerKind::Expiry, -unused)).await?;
                    grant(unit, &act, &tenant, movement(LedgerKind::Renewal, renewal.credits.0)).await?;
                    let number = begin_period(unit, &tenant, &renewal, OPERATION).await?;
                    let subject = EventSubject { number: Some(number), ..EventSubject::default() };
                    tell(unit, &act, &tenant, &[EventKind::CreditsChanged], subject).await?;
                    note(unit, Some(&tenant), &act, OPERATION, Subject(Some(tenant.as_uuid()), None)).await?;
                    Ok(true)
                })
            })
            .await
    }
}

/// Changes what was granted, with an entry; nothing when nothing moves.
async fn grant(unit: &mut Unit<'_>, act: &Act, tenant: &TenantId, movement: Movement) -> Result<()> {
    if movement.amount == MilliCredits::ZERO {
        return Ok(());
    }
    let update = sqlx::query("UPDATE bob_credits SET granted = granted + $2 WHERE tenant_id = $1")
        .bind(blob(tenant.as_uuid()))
        .bind(movement.amount.0);
    unit.execute(update).await?;
    enter(unit, act, tenant, movement).await?;
    Ok(())
}

/// Begins the period anew, and answers the number of the ledger's latest entry.
async fn begin_period(
    unit: &mut Unit<'_>,
    tenant: &TenantId,
    renewal: &Renewal,
    operation: &'static str,
) -> Result<u64> {
    let update = sqlx::query(
        "UPDATE bob_credits
         SET period_from = $2, period_to = $3, allowance = granted - settled, used = 0, included = $4, threshold = 0
         WHERE tenant_id = $1 RETURNING entries",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(micros(renewal.due))
    .bind(micros(renewal.next))
    .bind(renewal.credits.0);
    let row = unit.row(update).await?.ok_or_else(|| not_found(operation))?;
    Cells::of(&row, operation).number()
}

/// What makes an entry of the ledger.
pub(super) struct Movement {
    pub(super) kind: LedgerKind,
    pub(super) amount: MilliCredits,
    pub(super) turn: Option<TurnId>,
    pub(super) reason: Option<String>,
    pub(super) change: Option<Uuid>,
}

/// Adds an entry to the ledger, behind the change of the credits that it tells of.
pub(super) async fn enter(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    movement: Movement,
) -> Result<LedgerEntry> {
    const OPERATION: &str = "ledger";
    let update = sqlx::query(
        "UPDATE bob_credits SET entries = entries + 1 WHERE tenant_id = $1 RETURNING entries, granted - settled",
    )
    .bind(blob(tenant.as_uuid()));
    let row = unit.row(update).await?.ok_or_else(|| not_found(OPERATION))?;
    let mut cells = Cells::of(&row, OPERATION);
    let (number, balance) = (cells.number()?, MilliCredits(cells.take()?));
    let Movement { kind, amount, turn, reason, change } = movement;
    let insert = sqlx::query(
        "INSERT INTO bob_ledger (tenant_id, number, at, kind, amount, balance, turn_id, reason, change_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(count(number))
    .bind(micros(act.at))
    .bind(kind.as_str())
    .bind(amount.0)
    .bind(balance.0)
    .bind(turn.map(|turn| blob(turn.as_uuid())))
    .bind(reason.clone())
    .bind(change.map(blob));
    unit.execute(insert).await?;
    Ok(LedgerEntry { number, at: act.at, kind, amount, balance, turn, reason })
}

async fn changed_before(
    unit: &mut Unit<'_>,
    tenant: &TenantId,
    change: &Uuid,
    operation: &'static str,
) -> Result<Option<LedgerEntry>> {
    let select = sqlx::query(
        "SELECT number, at, kind, amount, balance, turn_id, reason FROM bob_ledger
         WHERE tenant_id = $1 AND change_id = $2",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(*change));
    unit.row(select).await?.map(|row| entry(&row, operation)).transpose()
}

/// `number, at, kind, amount, balance, turn_id, reason`
fn entry(row: &SqliteRow, operation: &'static str) -> Result<LedgerEntry> {
    let mut cells = Cells::of(row, operation);
    Ok(LedgerEntry {
        number: cells.number()?,
        at: cells.time()?,
        kind: cells.named(LedgerKind::from_name)?,
        amount: MilliCredits(cells.take()?),
        balance: MilliCredits(cells.take()?),
        turn: cells.optional_id(TurnId::from_uuid)?,
        reason: cells.take()?,
    })
}

impl SqliteStorage {
    async fn usage(&self, tenant: &TenantId, operation: &'static str) -> Result<CreditUsage> {
        let found = usage_of(tenant).fetch_optional(self.readers()).await.map_err(failed(operation))?;
        usage(&found.ok_or_else(|| not_found(operation))?, operation)
    }
}

/// How a tenant stands, in the transaction that changes it.
pub(super) async fn read_usage(
    unit: &mut Unit<'_>,
    tenant: &TenantId,
    operation: &'static str,
) -> Result<CreditUsage> {
    let row = unit.row(usage_of(tenant)).await?.ok_or_else(|| not_found(operation))?;
    usage(&row, operation)
}

fn usage_of(tenant: &TenantId) -> Query {
    sqlx::query(
        "SELECT granted, reserved, settled, period_from, period_to, allowance, used, included, threshold
         FROM bob_credits WHERE tenant_id = $1",
    )
    .bind(blob(tenant.as_uuid()))
}

fn usage(row: &SqliteRow, operation: &'static str) -> Result<CreditUsage> {
    let mut cells = Cells::of(row, operation);
    Ok(CreditUsage {
        balance: CreditBalance {
            granted: MilliCredits(cells.take()?),
            reserved: MilliCredits(cells.take()?),
            settled: MilliCredits(cells.take()?),
        },
        from: cells.time()?,
        to: cells.time()?,
        allowance: MilliCredits(cells.take()?),
        used: MilliCredits(cells.take()?),
        included: MilliCredits(cells.take()?),
        threshold: cells.number()?,
    })
}
