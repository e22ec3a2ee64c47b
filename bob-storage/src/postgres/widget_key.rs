//! Widget keys and the origins on their lists.

use async_trait::async_trait;
use bob_core::act::Act;
use bob_core::credit::MilliCredits;
use bob_core::id::{TenantId, WidgetKeyId};
use bob_core::origin::OriginPattern;
use bob_core::storage::{Result, WidgetKeyStore};
use bob_core::widget_key::WidgetKey;
use jiff::Timestamp;
use sqlx::postgres::PgRow;

use super::audit::{Subject, note};
use super::rows::{Cells, micros};
use super::tenant::bump;
use super::unit::Unit;
use super::{PostgresStorage, not_found};

#[async_trait]
impl WidgetKeyStore for PostgresStorage {
    async fn add_widget_key(&self, act: &Act, tenant: &TenantId, key: WidgetKey) -> Result<()> {
        const OPERATION: &str = "add_widget_key";
        let (act, tenant) = (act.clone(), *tenant);
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                bump(unit, &tenant, OPERATION).await?;
                insert_key(unit, &act, &tenant, &key).await?;
                note(unit, Some(&tenant), &act, OPERATION, Subject(Some(key.id.as_uuid()), None)).await
            })
        })
        .await
    }

    async fn set_key_origins(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        origins: Vec<OriginPattern>,
    ) -> Result<()> {
        const OPERATION: &str = "set_key_origins";
        let (act, tenant, key) = (act.clone(), *tenant, *key);
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                bump(unit, &tenant, OPERATION).await?;
                let known = sqlx::query("SELECT 1 FROM bob_widget_keys WHERE tenant_id = $1 AND key_id = $2")
                    .bind(tenant.as_uuid())
                    .bind(key.as_uuid());
                unit.row(known).await?.ok_or_else(|| not_found(OPERATION))?;
                let delete =
                    sqlx::query("DELETE FROM bob_widget_key_origins WHERE tenant_id = $1 AND key_id = $2")
                        .bind(tenant.as_uuid())
                        .bind(key.as_uuid());
                unit.execute(delete).await?;
                insert_origins(unit, &tenant, &key, &origins).await?;
                note(unit, Some(&tenant), &act, OPERATION, Subject(Some(key.as_uuid()), None)).await
            })
        })
        .await
    }

    async fn add_key_origins(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        origins: Vec<OriginPattern>,
    ) -> Result<()> {
        const OPERATION: &str = "add_key_origins";
        let (act, tenant, key) = (act.clone(), *tenant, *key);
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                bump(unit, &tenant, OPERATION).await?;
                let known = sqlx::query("SELECT 1 FROM bob_widget_keys WHERE tenant_id = $1 AND key_id = $2")
                    .bind(tenant.as_uuid())
                    .bind(key.as_uuid());
                unit.row(known).await?.ok_or_else(|| not_found(OPERATION))?;
                for origin in &origins {
                    add_origin(unit, &tenant, &key, origin).await?;
                }
                note(unit, Some(&tenant), &act, OPERATION, Subject(Some(key.as_uuid()), None)).await
            })
        })
        .await
    }

    async fn end_widget_key(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        ends_at: Timestamp,
    ) -> Result<()> {
        const OPERATION: &str = "end_widget_key";
        let (act, tenant, key) = (act.clone(), *tenant, *key);
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                bump(unit, &tenant, OPERATION).await?;
                let update = sqlx::query(
                    "UPDATE bob_widget_keys SET ends_at = $3 WHERE tenant_id = $1 AND key_id = $2",
                )
                .bind(tenant.as_uuid())
                .bind(key.as_uuid())
                .bind(micros(ends_at));
                if unit.execute(update).await? == 0 {
                    return Err(not_found(OPERATION));
                }
                note(unit, Some(&tenant), &act, OPERATION, Subject(Some(key.as_uuid()), None)).await
            })
        })
        .await
    }

    async fn live_origins(&self, now: Timestamp) -> Result<Vec<OriginPattern>> {
        const OPERATION: &str = "live_origins";
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.worker', 'origins', true) AS worker OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT DISTINCT o.origin
                 FROM bob_widget_keys k
                 JOIN bob_widget_key_origins o ON o.tenant_id = k.tenant_id AND o.key_id = k.key_id
                 WHERE (k.ends_at IS NULL OR k.ends_at > $1) AND f.worker = 'origins'
                 OFFSET 0) r",
        )
        .bind(micros(now));
        let rows = self.rows(OPERATION, question).await?;
        let origins = rows.iter().map(|row| Cells::of(row, OPERATION).take());
        Ok(patterns(&origins.collect::<Result<Vec<&str>>>()?))
    }
}

pub(super) async fn insert_key(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    key: &WidgetKey,
) -> Result<()> {
    let insert = sqlx::query(
        "INSERT INTO bob_widget_keys (tenant_id, key_id, key, embed, ends_at, daily_budget, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(tenant.as_uuid())
    .bind(key.id.as_uuid())
    .bind(key.key.as_str())
    .bind(key.embed)
    .bind(key.ends_at.map(micros))
    .bind(key.daily_budget.map(|most| most.0))
    .bind(micros(act.at));
    unit.execute(insert).await?;
    insert_origins(unit, tenant, &key.id, &key.origins).await
}

async fn insert_origins(
    unit: &mut Unit<'_>,
    tenant: &TenantId,
    key: &WidgetKeyId,
    origins: &[OriginPattern],
) -> Result<()> {
    for (position, origin) in (0_i64..).zip(origins) {
        let insert = sqlx::query(
            "INSERT INTO bob_widget_key_origins (tenant_id, key_id, position, origin) VALUES ($1, $2, $3, $4)",
        )
        .bind(tenant.as_uuid())
        .bind(key.as_uuid())
        .bind(position)
        .bind(origin.to_string());
        unit.execute(insert).await?;
    }
    Ok(())
}

async fn add_origin(
    unit: &mut Unit<'_>,
    tenant: &TenantId,
    key: &WidgetKeyId,
    origin: &OriginPattern,
) -> Result<()> {
    let insert = sqlx::query(
        "INSERT INTO bob_widget_key_origins (tenant_id, key_id, position, origin)
         SELECT $1, $2, coalesce(max(position) + 1, 0), $3
         FROM bob_widget_key_origins WHERE tenant_id = $1 AND key_id = $2
         HAVING NOT EXISTS (SELECT 1 FROM bob_widget_key_origins
                            WHERE tenant_id = $1 AND key_id = $2 AND origin = $3)",
    )
    .bind(tenant.as_uuid())
    .bind(key.as_uuid())
    .bind(origin.to_string());
    unit.execute(insert).await?;
    Ok(())
}

/// The key of a snapshot's row; none for a tenant without keys.
pub(super) fn read_key(row: &PgRow, operation: &'static str) -> Result<Option<WidgetKey>> {
    let mut cells = Cells::of(row, operation).skip(22);
    let Some(id) = cells.optional_id(WidgetKeyId::from_uuid)? else { return Ok(None) };
    let (key, embed, ends_at) = (cells.parsed()?, cells.take()?, cells.optional_time()?);
    let daily_budget = cells.take::<Option<i64>>()?.map(MilliCredits);
    let origins: Vec<&str> = cells.json()?;
    Ok(Some(WidgetKey { id, key, origins: patterns(&origins), embed, ends_at, daily_budget }))
}

/// The patterns that still are some: what was written and has become a public suffix since opens nothing any more.
fn patterns(texts: &[&str]) -> Vec<OriginPattern> {
    let read = |text: &&str| {
        let pattern = text.parse();
        if pattern.is_err() {
            tracing::warn!(origin = *text, "a stored origin is no longer accepted, and ignored");
        }
        pattern.ok()
    };
    texts.iter().filter_map(read).collect()
}
