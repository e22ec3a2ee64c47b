//! Knowledge and its versions.

use async_trait::async_trait;
use bob_core::act::Act;
use bob_core::id::{KnowledgeId, TenantId};
use bob_core::knowledge::{Audience, KnowledgeStatus, KnowledgeText, KnowledgeVersion, Synonyms};
use bob_core::outbox::{EventKind, EventSubject};
use bob_core::storage::{KnowledgeStore, Result, StorageError, StorageErrorKind};

use super::audit::{Subject, note};
use super::error::corrupt;
use super::outbox::tell;
use super::rows::{Cells, knowledge_version, micros};
use super::tenant::bump;
use super::unit::Unit;
use super::{PostgresStorage, not_found};
use crate::record;

#[async_trait]
impl KnowledgeStore for PostgresStorage {
    async fn draft_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        text: KnowledgeText,
    ) -> Result<KnowledgeVersion> {
        const OPERATION: &str = "draft_knowledge";
        let theirs = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.worker', 'items', true) AS worker OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT 1 FROM bob_knowledge_items
                 WHERE item_id = $2 AND tenant_id <> $1 AND f.worker = 'items'
                 OFFSET 0) r",
        )
        .bind(tenant.as_uuid())
        .bind(item.as_uuid());
        if self.row(OPERATION, theirs).await?.is_some() {
            return Err(not_found(OPERATION));
        }
        let (act, tenant, item) = (act.clone(), *tenant, *item);
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                lock(unit, &tenant, OPERATION).await?;
                let status = KnowledgeStatus::Draft;
                let number = insert_version(unit, &act, &tenant, &item, &text, status).await?;
                note(unit, Some(&tenant), &act, OPERATION, Subject(Some(item.as_uuid()), None)).await?;
                Ok(KnowledgeVersion { item, number, status, text, changed_at: act.at })
            })
        })
        .await
    }

    async fn move_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        version: u32,
        to: KnowledgeStatus,
    ) -> Result<()> {
        const OPERATION: &str = "move_knowledge";
        let (act, tenant, item) = (act.clone(), *tenant, *item);
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                lock(unit, &tenant, OPERATION).await?;
                let find = sqlx::query(
                    "SELECT status FROM bob_knowledge_versions
                         WHERE tenant_id = $1 AND item_id = $2 AND number = $3",
                )
                .bind(tenant.as_uuid())
                .bind(item.as_uuid())
                .bind(i64::from(version));
                let found = unit.row(find).await?.ok_or_else(|| not_found(OPERATION))?;
                let was = Cells::of(&found, OPERATION).named(KnowledgeStatus::from_name)?;
                if to == KnowledgeStatus::Published || !was.may_become(to) {
                    return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
                }
                let update = sqlx::query(
                    "UPDATE bob_knowledge_versions SET status = $4, changed_at = $5
                         WHERE tenant_id = $1 AND item_id = $2 AND number = $3",
                )
                .bind(tenant.as_uuid())
                .bind(item.as_uuid())
                .bind(i64::from(version))
                .bind(to.as_str())
                .bind(micros(act.at));
                unit.execute(update).await?;
                if was == KnowledgeStatus::Published {
                    release(unit, &act, &tenant, OPERATION).await?;
                }
                note(unit, Some(&tenant), &act, OPERATION, Subject(Some(item.as_uuid()), None)).await
            })
        })
        .await
    }

    async fn publish_knowledge(&self, act: &Act, tenant: &TenantId) -> Result<u64> {
        const OPERATION: &str = "publish_knowledge";
        let (act, tenant) = (act.clone(), *tenant);
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                let release = release(unit, &act, &tenant, OPERATION).await?;
                // The latest approved version of an item takes the place of all its others.
                let retire = sqlx::query(
                    "UPDATE bob_knowledge_versions AS v SET status = 'retired', changed_at = $2
                         WHERE v.tenant_id = $1 AND v.status IN ('approved', 'published')
                           AND v.number <> (SELECT max(a.number) FROM bob_knowledge_versions a
                                            WHERE a.tenant_id = $1 AND a.item_id = v.item_id
                                              AND a.status = 'approved')",
                )
                .bind(tenant.as_uuid())
                .bind(micros(act.at));
                unit.execute(retire).await?;
                let publish = sqlx::query(
                    "UPDATE bob_knowledge_versions SET status = 'published', changed_at = $2
                         WHERE tenant_id = $1 AND status = 'approved'",
                )
                .bind(tenant.as_uuid())
                .bind(micros(act.at));
                unit.execute(publish).await?;
                note(unit, Some(&tenant), &act, OPERATION, Subject(Some(tenant.as_uuid()), None)).await?;
                Ok(release)
            })
        })
        .await
    }

    async fn published_knowledge(
        &self,
        tenant: &TenantId,
        audience: Audience,
    ) -> Result<(u64, Vec<KnowledgeVersion>, Synonyms)> {
        const OPERATION: &str = "published_knowledge";
        let tenant = *tenant;
        let (release, versions, synonyms) = self
            .at_one_moment(OPERATION, &tenant, move |unit| {
                Box::pin(async move {
                    let release = sqlx::query("SELECT release FROM bob_tenants WHERE tenant_id = $1")
                        .bind(tenant.as_uuid());
                    let release = unit.row(release).await?.ok_or_else(|| not_found(OPERATION))?;
                    let versions = sqlx::query(
                        "SELECT v.item_id, v.number, v.status, v.language, v.audience, v.title, v.body, v.questions,
                             v.url, v.changed_at
                         FROM bob_knowledge_versions v
                         JOIN bob_knowledge_items i ON i.tenant_id = v.tenant_id AND i.item_id = v.item_id
                         WHERE v.tenant_id = $1 AND v.status = 'published'
                         ORDER BY i.position, v.number",
                    )
                    .bind(tenant.as_uuid());
                    let versions = unit.rows(versions).await?;
                    let synonyms = sqlx::query(
                        "SELECT language, words FROM bob_synonyms WHERE tenant_id = $1 ORDER BY position",
                    )
                    .bind(tenant.as_uuid());
                    Ok((Cells::of(&release, OPERATION).number()?, versions, unit.rows(synonyms).await?))
                })
            })
            .await?;

        let versions = versions.iter().map(|row| knowledge_version(row, OPERATION));
        let mut versions = versions.collect::<Result<Vec<_>>>()?;
        versions.retain(|version| audience.may_read(version.text.audience()));
        let synonyms = synonyms.iter().map(|row| {
            let mut cells = Cells::of(row, OPERATION);
            Ok((cells.parsed()?, cells.json()?))
        });
        Ok((release, versions, synonyms.collect::<Result<_>>()?))
    }
}

/// Adds the next version of an item, and the item with its first one; answers the version's number.
pub(super) async fn insert_version(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    item: &KnowledgeId,
    text: &KnowledgeText,
    status: KnowledgeStatus,
) -> Result<u32> {
    const OPERATION: &str = "insert_version";
    let questions = record::write(&text.questions()).map_err(|error| corrupt(OPERATION, error))?;
    let insert = sqlx::query(
        "INSERT INTO bob_knowledge_items (tenant_id, item_id, position)
         SELECT $1, $2, coalesce(max(position), 0) + 1 FROM bob_knowledge_items WHERE tenant_id = $1
         ON CONFLICT (tenant_id, item_id) DO NOTHING",
    )
    .bind(tenant.as_uuid())
    .bind(item.as_uuid());
    unit.execute(insert).await?;
    let insert = sqlx::query(
        "INSERT INTO bob_knowledge_versions (tenant_id, item_id, number, status, language, audience, title, body,
             questions, url, changed_at)
         SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10
         FROM bob_knowledge_versions WHERE tenant_id = $1 AND item_id = $2
         RETURNING number",
    )
    .bind(tenant.as_uuid())
    .bind(item.as_uuid())
    .bind(status.as_str())
    .bind(text.language().as_str())
    .bind(text.audience().as_str())
    .bind(text.title())
    .bind(text.body())
    .bind(questions)
    .bind(text.url())
    .bind(micros(act.at));
    let row = unit.row(insert).await?.ok_or_else(|| corrupt(OPERATION, "nothing was inserted"))?;
    Cells::of(&row, OPERATION).number()
}

/// Makes changes to one tenant wait for each other; what is read after it stays as it is.
async fn lock(unit: &mut Unit<'_>, tenant: &TenantId, operation: &'static str) -> Result<()> {
    let lock = sqlx::query("SELECT 1 FROM bob_tenants WHERE tenant_id = $1 FOR NO KEY UPDATE")
        .bind(tenant.as_uuid());
    unit.row(lock).await?.map(drop).ok_or_else(|| not_found(operation))
}

/// Begins a new release, which is a new version of the snapshot too.
async fn release(unit: &mut Unit<'_>, act: &Act, tenant: &TenantId, operation: &'static str) -> Result<u64> {
    bump(unit, tenant, operation).await?;
    let update =
        sqlx::query("UPDATE bob_tenants SET release = release + 1 WHERE tenant_id = $1 RETURNING release")
            .bind(tenant.as_uuid());
    let row = unit.row(update).await?.ok_or_else(|| not_found(operation))?;
    let release = Cells::of(&row, operation).number()?;
    let subject = EventSubject { number: Some(release), ..EventSubject::default() };
    tell(unit, tenant, act, &[EventKind::KnowledgePublished], subject).await?;
    Ok(release)
}
