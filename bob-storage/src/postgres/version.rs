//! Versions of knowledge: finding, adding and moving one.

use bob_core::act::Act;
use bob_core::id::{KnowledgeId, TenantId};
use bob_core::knowledge::{KnowledgeStatus, KnowledgeText, KnowledgeVersion};
use bob_core::storage::{Result, StorageError, StorageErrorKind};

use super::error::corrupt;
use super::not_found;
use super::rows::{Cells, knowledge_version, micros};
use super::unit::Unit;
use crate::record;

/// Makes changes to one tenant wait for each other; what is read after it stays as it is.
pub(super) async fn lock(unit: &mut Unit<'_>, tenant: &TenantId, operation: &'static str) -> Result<()> {
    let lock = sqlx::query("SELECT 1 FROM bob_tenants WHERE tenant_id = $1 FOR NO KEY UPDATE")
        .bind(tenant.as_uuid());
    unit.row(lock).await?.map(drop).ok_or_else(|| not_found(operation))
}

/// Holds that an item is there, and that `latest`, if said, is its latest version.
pub(super) async fn require_latest(
    unit: &mut Unit<'_>,
    tenant: &TenantId,
    item: &KnowledgeId,
    latest: Option<u32>,
    operation: &'static str,
) -> Result<()> {
    let find = sqlx::query(
        "SELECT v.number FROM bob_knowledge_versions v
         JOIN bob_knowledge_items i ON i.tenant_id = v.tenant_id AND i.item_id = v.item_id
         WHERE v.tenant_id = $1 AND v.item_id = $2 AND i.removed_at IS NULL
         ORDER BY v.number DESC LIMIT 1",
    )
    .bind(tenant.as_uuid())
    .bind(item.as_uuid());
    let found = unit.row(find).await?.ok_or_else(|| not_found(operation))?;
    let number: u32 = Cells::of(&found, operation).number()?;
    match latest {
        Some(latest) if latest != number => Err(StorageError::new(StorageErrorKind::Stale, operation)),
        _ => Ok(()),
    }
}

/// A version of an item that is not removed.
pub(super) async fn version_of(
    unit: &mut Unit<'_>,
    tenant: &TenantId,
    item: &KnowledgeId,
    version: u32,
    operation: &'static str,
) -> Result<KnowledgeVersion> {
    let find = sqlx::query(
        "SELECT v.item_id, v.number, v.status, v.language, v.audience, v.title, v.body, v.questions, v.url,
             v.changed_at, v.expires_at
         FROM bob_knowledge_versions v
         JOIN bob_knowledge_items i ON i.tenant_id = v.tenant_id AND i.item_id = v.item_id
         WHERE v.tenant_id = $1 AND v.item_id = $2 AND v.number = $3 AND i.removed_at IS NULL",
    )
    .bind(tenant.as_uuid())
    .bind(item.as_uuid())
    .bind(i64::from(version));
    knowledge_version(&unit.row(find).await?.ok_or_else(|| not_found(operation))?, operation)
}

/// Sets where a version stands.
pub(super) async fn stand(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    item: &KnowledgeId,
    version: u32,
    status: KnowledgeStatus,
) -> Result<()> {
    let update = sqlx::query(
        "UPDATE bob_knowledge_versions SET status = $4, changed_at = $5
         WHERE tenant_id = $1 AND item_id = $2 AND number = $3",
    )
    .bind(tenant.as_uuid())
    .bind(item.as_uuid())
    .bind(i64::from(version))
    .bind(status.as_str())
    .bind(micros(act.at));
    unit.execute(update).await?;
    Ok(())
}

/// Adds the next draft of an item, in the place of one that was not approved; answers its number.
pub(super) async fn draft(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    item: &KnowledgeId,
    text: &KnowledgeText,
) -> Result<u32> {
    let retire = sqlx::query(
        "UPDATE bob_knowledge_versions SET status = 'retired', changed_at = $3
         WHERE tenant_id = $1 AND item_id = $2 AND status IN ('draft', 'review')",
    )
    .bind(tenant.as_uuid())
    .bind(item.as_uuid())
    .bind(micros(act.at));
    unit.execute(retire).await?;
    insert_version(unit, act, tenant, item, text, None).await
}

pub(super) async fn insert_item(unit: &mut Unit<'_>, tenant: &TenantId, item: &KnowledgeId) -> Result<()> {
    let insert = sqlx::query(
        "INSERT INTO bob_knowledge_items (tenant_id, item_id, position)
         SELECT $1, $2, coalesce(max(position), 0) + 1 FROM bob_knowledge_items WHERE tenant_id = $1",
    )
    .bind(tenant.as_uuid())
    .bind(item.as_uuid());
    unit.execute(insert).await?;
    Ok(())
}

/// Adds the next version of an item, a draft unless it is in a release from the beginning; answers its number.
pub(super) async fn insert_version(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    item: &KnowledgeId,
    text: &KnowledgeText,
    released: Option<i64>,
) -> Result<u32> {
    const OPERATION: &str = "insert_version";
    let status = released.map_or(KnowledgeStatus::Draft, |_| KnowledgeStatus::Published);
    let questions = record::write(&text.questions()).map_err(|error| corrupt(OPERATION, error))?;
    let insert = sqlx::query(
        "INSERT INTO bob_knowledge_versions (tenant_id, item_id, number, status, language, audience, title, body,
             questions, url, changed_at, expires_at, from_release)
         SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
         FROM bob_knowledge_versions WHERE tenant_id = $1 AND item_id = $2
         RETURNING number",
    )
    .bind(tenant.as_uuid())
    .bind(item.as_uuid())
    .bind(status.as_str())
    .bind(text.language().as_str().to_owned())
    .bind(text.audience().as_str())
    .bind(text.title().to_owned())
    .bind(text.body().to_owned())
    .bind(questions)
    .bind(text.url().map(str::to_owned))
    .bind(micros(act.at))
    .bind(text.expires_at().map(micros))
    .bind(released);
    let row = unit.row(insert).await?.ok_or_else(|| corrupt(OPERATION, "nothing was inserted"))?;
    Cells::of(&row, OPERATION).number()
}
