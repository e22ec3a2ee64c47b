//! What tenants have to spend, and how it came and went.
//!
//! Whoever changes credits locks the tenant's row in `bob_credits` first, as turns do.

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
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::audit::{Subject, note};
use super::outbox::tell;
use super::rows::{Cells, count, micros};
use super::unit::Unit;
use super::{PostgresStorage, not_found};

#[async_trait]
impl CreditStore for PostgresStorage {
    async fn credit_balance(&self, tenant: &TenantId) -> Result<CreditBalance> {
        Ok(self.standing("credit_balance", tenant).await?.usage.balance)
    }

    async fn credit_usage(&self, tenant: &TenantId) -> Result<CreditUsage> {
        Ok(self.standing("credit_usage", tenant).await?.usage)
    }

    async fn ledger(&self, tenant: &TenantId, before: Option<u64>, limit: u32) -> Result<LedgerPage> {
        const OPERATION: &str = "ledger";
        // One more than wanted, which tells whether there are older ones; an empty ledger has one row of nulls.
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT l.number, l.at, l.kind, l.amount, l.balance, l.turn_id, l.reason
                 FROM bob_credits c
                 LEFT JOIN bob_ledger l ON l.tenant_id = c.tenant_id AND l.number < $2
                 WHERE c.tenant_id = f.tenant
                 ORDER BY l.number DESC LIMIT $3) r
             ORDER BY r.number DESC",
        )
        .bind(tenant.as_uuid())
        .bind(before.map_or(i64::MAX, count))
        .bind(i64::from(limit) + 1);
        let rows = self.rows(OPERATION, question).await?;
        if rows.is_empty() {
            return Err(not_found(OPERATION));
        }
        let mut entries = Vec::with_capacity(rows.len());
        for row in &rows {
            entries.extend(entry(row, OPERATION)?);
        }
        let more = entries.len() > limit as usize;
        entries.truncate(limit as usize);
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
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                let standing = lock(unit, &tenant, OPERATION).await?;
                if let Some(known) = changed_before(unit, &tenant, &change.id(), OPERATION).await? {
                    return Ok(change.known_as(known));
                }
                let usage = match change.applied_to(&standing.usage) {
                    Ok(usage) => usage,
                    Err(refused) => return Ok(refused),
                };
                let update = sqlx::query(
                    "UPDATE bob_credits SET granted = $2, allowance = $3, threshold = $4 WHERE tenant_id = $1",
                )
                .bind(tenant.as_uuid())
                .bind(usage.balance.granted.0)
                .bind(usage.allowance.0)
                .bind(i64::from(usage.threshold));
                unit.execute(update).await?;
                let new = standing.after(change.kind(), change.amount(), Some(&change));
                let made = enter(unit, &tenant, &act, new).await?;
                let subject = EventSubject { number: Some(made.number), ..EventSubject::default() };
                tell(unit, &tenant, &act, &[EventKind::CreditsChanged], subject).await?;
                note(unit, Some(&tenant), &act, OPERATION, Subject(Some(change.id()), None)).await?;
                Ok(CreditChanged::Entered(made))
            })
        })
        .await
    }

    async fn due_renewals(&self, now: Timestamp, limit: u32) -> Result<Vec<(TenantId, Timestamp)>> {
        const OPERATION: &str = "due_renewals";
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.worker', 'renewals', true) AS worker OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT tenant_id, period_to FROM bob_credits
                 WHERE period_to <= $1 AND f.worker = 'renewals'
                 ORDER BY period_to, tenant_id LIMIT $2) r
             ORDER BY r.period_to, r.tenant_id",
        )
        .bind(micros(now))
        .bind(i64::from(limit));
        let rows = self.rows(OPERATION, question).await?;
        rows.iter()
            .map(|row| {
                let mut cells = Cells::of(row, OPERATION);
                Ok((cells.id(TenantId::from_uuid)?, cells.time()?))
            })
            .collect()
    }

    async fn renew_credits(&self, act: &Act, tenant: &TenantId, renewal: Renewal) -> Result<bool> {
        const OPERATION: &str = "renew_credits";
        let (act, tenant) = (act.clone(), *tenant);
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                let mut standing = lock(unit, &tenant, OPERATION).await?;
                let CreditUsage { balance, used, included, to, .. } = standing.usage;
                if to != renewal.due {
                    return Ok(false);
                }
                let unused = (included.0 - used.0).clamp(0, balance.available().0.max(0));
                for (kind, amount) in
                    [(LedgerKind::Expiry, -unused), (LedgerKind::Renewal, renewal.credits.0)]
                {
                    if amount != 0 {
                        let entry = New {
                            reason: Some(renewal.reason.clone()),
                            ..standing.after(kind, MilliCredits(amount), None)
                        };
                        standing.entries = entry.number;
                        standing.usage.balance.granted.0 += amount;
                        enter(unit, &tenant, &act, entry).await?;
                    }
                }
                let update = sqlx::query(
                    "UPDATE bob_credits
                     SET granted = $2, allowance = $2 - settled, used = 0, included = $3, threshold = 0,
                         period_from = $4, period_to = $5
                     WHERE tenant_id = $1",
                )
                .bind(tenant.as_uuid())
                .bind(standing.usage.balance.granted.0)
                .bind(renewal.credits.0)
                .bind(micros(renewal.due))
                .bind(micros(renewal.next));
                unit.execute(update).await?;
                let subject = EventSubject { number: Some(standing.entries), ..EventSubject::default() };
                tell(unit, &tenant, &act, &[EventKind::CreditsChanged], subject).await?;
                note(unit, Some(&tenant), &act, OPERATION, Subject(Some(tenant.as_uuid()), None)).await?;
                Ok(true)
            })
        })
        .await
    }
}

impl PostgresStorage {
    async fn standing(&self, operation: &'static str, tenant: &TenantId) -> Result<Standing> {
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT granted, reserved, settled, period_from, period_to, allowance, used, included, threshold, entries
                 FROM bob_credits WHERE tenant_id = f.tenant
                 OFFSET 0) r",
        )
        .bind(tenant.as_uuid());
        standing(&self.row(operation, question).await?.ok_or_else(|| not_found(operation))?, operation)
    }
}

/// How a tenant stands, and how many entries its ledger has.
struct Standing {
    usage: CreditUsage,
    entries: u64,
}

/// An entry that is to be made.
struct New {
    number: u64,
    kind: LedgerKind,
    amount: MilliCredits,
    balance: MilliCredits,
    reason: Option<String>,
    change: Option<Uuid>,
}

impl Standing {
    /// The next entry.
    fn after(&self, kind: LedgerKind, amount: MilliCredits, change: Option<&CreditChange>) -> New {
        let CreditBalance { granted, settled, .. } = self.usage.balance;
        New {
            number: self.entries + 1,
            kind,
            amount,
            balance: MilliCredits(granted.0 - settled.0 + amount.0),
            reason: change.map(|change| change.reason().to_owned()),
            change: change.map(CreditChange::id),
        }
    }
}

/// Makes all that changes a tenant's credits wait for each other.
async fn lock(unit: &mut Unit<'_>, tenant: &TenantId, operation: &'static str) -> Result<Standing> {
    let lock = sqlx::query(
        "SELECT granted, reserved, settled, period_from, period_to, allowance, used, included, threshold, entries
         FROM bob_credits WHERE tenant_id = $1 FOR UPDATE",
    )
    .bind(tenant.as_uuid());
    standing(&unit.row(lock).await?.ok_or_else(|| not_found(operation))?, operation)
}

fn standing(row: &PgRow, operation: &'static str) -> Result<Standing> {
    let mut cells = Cells::of(row, operation);
    let balance = CreditBalance {
        granted: MilliCredits(cells.take()?),
        reserved: MilliCredits(cells.take()?),
        settled: MilliCredits(cells.take()?),
    };
    let (from, to) = (cells.time()?, cells.time()?);
    let (allowance, used, included) = (cells.take()?, cells.take()?, cells.take()?);
    let threshold = cells.number()?;
    let usage = CreditUsage {
        balance,
        from,
        to,
        allowance: MilliCredits(allowance),
        used: MilliCredits(used),
        included: MilliCredits(included),
        threshold,
    };
    Ok(Standing { usage, entries: cells.number()? })
}

async fn changed_before(
    unit: &mut Unit<'_>,
    tenant: &TenantId,
    change: &Uuid,
    operation: &'static str,
) -> Result<Option<LedgerEntry>> {
    let select = sqlx::query(
        "SELECT number, at, kind, amount, balance, turn_id, reason
         FROM bob_ledger WHERE tenant_id = $1 AND change_id = $2",
    )
    .bind(tenant.as_uuid())
    .bind(*change);
    let known = unit.row(select).await?.map(|row| entry(&row, operation)).transpose()?;
    Ok(known.flatten())
}

/// Adds an entry to the ledger.
async fn enter(unit: &mut Unit<'_>, tenant: &TenantId, act: &Act, new: New) -> Result<LedgerEntry> {
    let insert = sqlx::query(
        "INSERT INTO bob_ledger (tenant_id, number, at, kind, amount, balance, reason, change_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(tenant.as_uuid())
    .bind(count(new.number))
    .bind(micros(act.at))
    .bind(new.kind.as_str())
    .bind(new.amount.0)
    .bind(new.balance.0)
    .bind(new.reason.clone())
    .bind(new.change);
    unit.execute(insert).await?;
    let update = sqlx::query("UPDATE bob_credits SET entries = $2 WHERE tenant_id = $1")
        .bind(tenant.as_uuid())
        .bind(count(new.number));
    unit.execute(update).await?;
    let New { number, kind, amount, balance, reason, .. } = new;
    Ok(LedgerEntry { number, at: act.at, kind, amount, balance, turn: None, reason })
}

/// `number, at, kind, amount, balance, turn_id, reason`; none for a row of nulls.
fn entry(row: &PgRow, operation: &'static str) -> Result<Option<LedgerEntry>> {
    let mut cells = Cells::of(row, operation);
    let Some(number) = cells.optional_number()? else { return Ok(None) };
    Ok(Some(LedgerEntry {
        number,
        at: cells.time()?,
        kind: cells.named(LedgerKind::from_name)?,
        amount: MilliCredits(cells.take()?),
        balance: MilliCredits(cells.take()?),
        turn: cells.optional_id(TurnId::from_uuid)?,
        reason: cells.take()?,
    }))
}
