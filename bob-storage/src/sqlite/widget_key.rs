//! Widget keys and the origins on their lists.

use std::num::NonZeroU32;

use async_trait::async_trait;
use bob_core::act::Act;
use bob_core::credit::MilliCredits;
use bob_core::id::{TenantId, WidgetKeyId};
use bob_core::origin::OriginPattern;
use bob_core::storage::{Result, StorageError, StorageErrorKind, WidgetKeyStore};
use bob_core::widget_key::{KeySettings, MOST_KEYS, PublishableKey, WidgetKey, WidgetSettings};
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::audit::{Subject, note};
use super::error::{corrupt, failed};
use super::rows::{Cells, blob, count, micros};
use super::tenant::bump;
use super::writer::Unit;
use super::{SqliteStorage, not_found};
use crate::record;

#[async_trait]
impl WidgetKeyStore for SqliteStorage {
    async fn add_widget_key(&self, act: &Act, tenant: &TenantId, key: WidgetKey) -> Result<()> {
        const OPERATION: &str = "add_widget_key";
        let (act, tenant) = (act.clone(), *tenant);
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    bump(unit, &tenant, OPERATION).await?;
                    require_room(unit, &act, &tenant, OPERATION).await?;
                    insert_key(unit, &act, &tenant, &key).await?;
                    forget_ended(unit, &act, &tenant).await?;
                    note(unit, Some(&tenant), &act, OPERATION, Subject(Some(key.id.as_uuid()), None)).await
                })
            })
            .await
    }

    async fn change_widget_key(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        version: u64,
        settings: KeySettings,
    ) -> Result<u64> {
        const OPERATION: &str = "change_widget_key";
        let (act, tenant, key) = (act.clone(), *tenant, *key);
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    bump(unit, &tenant, OPERATION).await?;
                    let (known, ends_at) = version_of(unit, &tenant, &key, OPERATION).await?;
                    require(OPERATION, ends_at.is_none_or(|end| act.at < end), StorageErrorKind::Conflict)?;
                    require(OPERATION, known == version, StorageErrorKind::Stale)?;
                    let update = sqlx::query(
                        "UPDATE bob_widget_keys SET name = $3, embed = $4, messages_per_minute = $5, daily_budget = $6,
                             version = version + 1
                         WHERE tenant_id = $1 AND key_id = $2",
                    )
                    .bind(blob(tenant.as_uuid()))
                    .bind(blob(key.as_uuid()))
                    .bind(settings.name.clone())
                    .bind(settings.embed)
                    .bind(settings.messages_per_minute.map(|most| i64::from(most.get())))
                    .bind(settings.daily_budget.map(|budget| budget.0));
                    unit.execute(update).await?;
                    let delete = sqlx::query(
                        "DELETE FROM bob_widget_key_origins WHERE tenant_id = $1 AND key_id = $2",
                    )
                    .bind(blob(tenant.as_uuid()))
                    .bind(blob(key.as_uuid()));
                    unit.execute(delete).await?;
                    insert_origins(unit, &tenant, &key, &settings.origins).await?;
                    note(unit, Some(&tenant), &act, OPERATION, Subject(Some(key.as_uuid()), None)).await?;
                    Ok(version + 1)
                })
            })
            .await
    }

    async fn rotate_widget_key(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        version: u64,
        next: (WidgetKeyId, PublishableKey),
        ends_at: Timestamp,
    ) -> Result<()> {
        const OPERATION: &str = "rotate_widget_key";
        let (act, tenant, key, (next, text)) = (act.clone(), *tenant, *key, next);
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    bump(unit, &tenant, OPERATION).await?;
                    let (known, ends) = version_of(unit, &tenant, &key, OPERATION).await?;
                    require(OPERATION, ends.is_none(), StorageErrorKind::Conflict)?;
                    require(OPERATION, known == version, StorageErrorKind::Stale)?;
                    end(unit, &tenant, &key, ends_at).await?;
                    require_room(unit, &act, &tenant, OPERATION).await?;
                    let copy = sqlx::query(
                        "INSERT INTO bob_widget_keys (tenant_id, key_id, key, name, embed, messages_per_minute,
                             daily_budget, created_at)
                         SELECT tenant_id, $3, $4, name, embed, messages_per_minute, daily_budget, $5
                         FROM bob_widget_keys WHERE tenant_id = $1 AND key_id = $2",
                    )
                    .bind(blob(tenant.as_uuid()))
                    .bind(blob(key.as_uuid()))
                    .bind(blob(next.as_uuid()))
                    .bind(text.as_str().to_owned())
                    .bind(micros(act.at));
                    unit.execute(copy).await?;
                    let origins = sqlx::query(
                        "INSERT INTO bob_widget_key_origins (tenant_id, key_id, position, origin)
                         SELECT tenant_id, $3, position, origin
                         FROM bob_widget_key_origins WHERE tenant_id = $1 AND key_id = $2",
                    )
                    .bind(blob(tenant.as_uuid()))
                    .bind(blob(key.as_uuid()))
                    .bind(blob(next.as_uuid()));
                    unit.execute(origins).await?;
                    forget_ended(unit, &act, &tenant).await?;
                    let subject = Subject(Some(next.as_uuid()), Some(key.as_uuid()));
                    note(unit, Some(&tenant), &act, OPERATION, subject).await
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
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    let update = sqlx::query(
                        "UPDATE bob_widget_keys SET version = version + 1 WHERE tenant_id = $1 AND key_id = $2",
                    )
                    .bind(blob(tenant.as_uuid()))
                    .bind(blob(key.as_uuid()));
                    if unit.execute(update).await? == 0 {
                        return Err(not_found(OPERATION));
                    }
                    for origin in &origins {
                        add_origin(unit, &tenant, &key, origin).await?;
                    }
                    bump(unit, &tenant, OPERATION).await?;
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
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    if end(unit, &tenant, &key, ends_at).await? == 0 {
                        return Err(not_found(OPERATION));
                    }
                    bump(unit, &tenant, OPERATION).await?;
                    note(unit, Some(&tenant), &act, OPERATION, Subject(Some(key.as_uuid()), None)).await
                })
            })
            .await
    }

    async fn set_widget_settings(
        &self,
        act: &Act,
        tenant: &TenantId,
        version: Option<u64>,
        settings: WidgetSettings,
    ) -> Result<u64> {
        const OPERATION: &str = "set_widget_settings";
        let (act, tenant) = (act.clone(), *tenant);
        let content = record::of_widget(&settings).map_err(|error| corrupt(OPERATION, error))?;
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    bump(unit, &tenant, OPERATION).await?;
                    let update = sqlx::query(
                        "UPDATE bob_tenants SET widget = $2, widget_version = widget_version + 1
                         WHERE tenant_id = $1 RETURNING widget_version",
                    )
                    .bind(blob(tenant.as_uuid()))
                    .bind(content);
                    let row = unit.row(update).await?.ok_or_else(|| not_found(OPERATION))?;
                    let next: u64 = Cells::of(&row, OPERATION).number()?;
                    let known = version.is_none_or(|version| version == next - 1);
                    require(OPERATION, known, StorageErrorKind::Stale)?;
                    note(unit, Some(&tenant), &act, OPERATION, Subject(Some(tenant.as_uuid()), None)).await?;
                    Ok(next)
                })
            })
            .await
    }

    async fn live_origins(&self, now: Timestamp) -> Result<Vec<OriginPattern>> {
        const OPERATION: &str = "live_origins";
        let rows = sqlx::query(
            "SELECT DISTINCT o.origin
             FROM bob_widget_keys k
             JOIN bob_widget_key_origins o ON o.tenant_id = k.tenant_id AND o.key_id = k.key_id
             WHERE k.ends_at IS NULL OR k.ends_at > $1",
        )
        .bind(micros(now))
        .fetch_all(self.readers())
        .await
        .map_err(failed(OPERATION))?;
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
    let settings = &key.settings;
    let insert = sqlx::query(
        "INSERT INTO bob_widget_keys (tenant_id, key_id, key, version, name, embed, messages_per_minute,
             daily_budget, ends_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(key.id.as_uuid()))
    .bind(key.key.as_str().to_owned())
    .bind(count(key.version))
    .bind(settings.name.clone())
    .bind(settings.embed)
    .bind(settings.messages_per_minute.map(|most| i64::from(most.get())))
    .bind(settings.daily_budget.map(|budget| budget.0))
    .bind(key.ends_at.map(micros))
    .bind(micros(act.at));
    unit.execute(insert).await?;
    insert_origins(unit, tenant, &key.id, &settings.origins).await
}

fn require(operation: &'static str, holds: bool, kind: StorageErrorKind) -> Result<()> {
    if holds { Ok(()) } else { Err(StorageError::new(kind, operation)) }
}

/// A key's version, and when it ends.
async fn version_of(
    unit: &mut Unit<'_>,
    tenant: &TenantId,
    key: &WidgetKeyId,
    operation: &'static str,
) -> Result<(u64, Option<Timestamp>)> {
    let find =
        sqlx::query("SELECT version, ends_at FROM bob_widget_keys WHERE tenant_id = $1 AND key_id = $2")
            .bind(blob(tenant.as_uuid()))
            .bind(blob(key.as_uuid()));
    let found = unit.row(find).await?.ok_or_else(|| not_found(operation))?;
    let mut cells = Cells::of(&found, operation);
    Ok((cells.number()?, cells.optional_time()?))
}

/// Holds that the tenant may have one more live key.
async fn require_room(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    operation: &'static str,
) -> Result<()> {
    let live = sqlx::query(
        "SELECT count(*) FROM bob_widget_keys WHERE tenant_id = $1 AND (ends_at IS NULL OR ends_at > $2)",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(micros(act.at));
    let live = unit.row(live).await?.ok_or_else(|| not_found(operation))?;
    let live: usize = Cells::of(&live, operation).number()?;
    require(operation, live < MOST_KEYS, StorageErrorKind::Conflict)
}

/// Ends a key, unless it ends earlier already; answers how many there were.
async fn end(unit: &mut Unit<'_>, tenant: &TenantId, key: &WidgetKeyId, at: Timestamp) -> Result<u64> {
    let update = sqlx::query(
        "UPDATE bob_widget_keys SET ends_at = min(coalesce(ends_at, $3), $3), version = version + 1
         WHERE tenant_id = $1 AND key_id = $2",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(key.as_uuid()))
    .bind(micros(at));
    unit.execute(update).await
}

/// Forgets the keys that ended before the latest that did, so that the list never grows without an end.
async fn forget_ended(unit: &mut Unit<'_>, act: &Act, tenant: &TenantId) -> Result<()> {
    let find = sqlx::query(
        "SELECT key_id FROM bob_widget_keys WHERE tenant_id = $1 AND ends_at <= $2
         ORDER BY ends_at DESC, key_id DESC LIMIT $3 OFFSET $4",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(micros(act.at))
    .bind(i64::MAX)
    .bind(count(MOST_KEYS as u64));
    for row in unit.rows(find).await? {
        let key = Cells::of(&row, "forget_ended").id(WidgetKeyId::from_uuid)?;
        let origins = sqlx::query("DELETE FROM bob_widget_key_origins WHERE tenant_id = $1 AND key_id = $2")
            .bind(blob(tenant.as_uuid()))
            .bind(blob(key.as_uuid()));
        unit.execute(origins).await?;
        let delete = sqlx::query("DELETE FROM bob_widget_keys WHERE tenant_id = $1 AND key_id = $2")
            .bind(blob(tenant.as_uuid()))
            .bind(blob(key.as_uuid()));
        unit.execute(delete).await?;
    }
    Ok(())
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
        .bind(blob(tenant.as_uuid()))
        .bind(blob(key.as_uuid()))
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
    .bind(blob(tenant.as_uuid()))
    .bind(blob(key.as_uuid()))
    .bind(origin.to_string());
    unit.execute(insert).await?;
    Ok(())
}

/// The key of a snapshot's row; none for a tenant without keys.
pub(super) fn read_key(row: &SqliteRow, operation: &'static str) -> Result<Option<WidgetKey>> {
    let mut cells = Cells::of(row, operation).skip(22);
    let Some(id) = cells.optional_id(WidgetKeyId::from_uuid)? else { return Ok(None) };
    let (key, ends_at, version) = (cells.parsed()?, cells.optional_time()?, cells.number()?);
    let (name, embed) = (cells.take()?, cells.take()?);
    let messages_per_minute = cells.take::<Option<i64>>()?;
    let messages_per_minute = messages_per_minute.and_then(|most| NonZeroU32::new(u32::try_from(most).ok()?));
    let daily_budget = cells.take::<Option<i64>>()?.map(MilliCredits);
    let origins: Vec<&str> = cells.json()?;
    let settings =
        KeySettings { name, origins: patterns(&origins), embed, messages_per_minute, daily_budget };
    Ok(Some(WidgetKey { id, key, version, settings, ends_at }))
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
