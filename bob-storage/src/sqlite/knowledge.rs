//! Knowledge and its versions.

use async_trait::async_trait;
use bob_core::act::Act;
use bob_core::id::{KnowledgeId, TenantId};
use bob_core::knowledge::{
    Audience, ImportInto, ImportedAs, KnowledgeEntry, KnowledgeFilter, KnowledgeItem, KnowledgeStatus,
    KnowledgeStep, KnowledgeText, KnowledgeVersion, Synonyms,
};
use bob_core::storage::{KnowledgeStore, Result, StorageError, StorageErrorKind};

use super::audit::{Subject, note};
use super::error::failed;
use super::import::import;
use super::release::{Publish, release};
use super::rows::{Cells, blob, knowledge_version, micros};
use super::tenant::bump;
use super::version::{draft, insert_item, insert_version, require_latest, require_tenant, stand, version_of};
use super::{SqliteStorage, not_found};

#[async_trait]
impl KnowledgeStore for SqliteStorage {
    async fn add_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        text: KnowledgeText,
    ) -> Result<KnowledgeVersion> {
        const OPERATION: &str = "add_knowledge";
        let (act, tenant, item) = (act.clone(), *tenant, *item);
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    require_tenant(unit, &tenant, OPERATION).await?;
                    insert_item(unit, &tenant, &item).await?;
                    let number = insert_version(unit, &act, &tenant, &item, &text, None).await?;
                    note(unit, Some(&tenant), &act, OPERATION, Subject(Some(item.as_uuid()), None)).await?;
                    let status = KnowledgeStatus::Draft;
                    Ok(KnowledgeVersion { item, number, status, text, changed_at: act.at })
                })
            })
            .await
    }

    async fn draft_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        latest: Option<u32>,
        text: KnowledgeText,
    ) -> Result<KnowledgeVersion> {
        const OPERATION: &str = "draft_knowledge";
        let (act, tenant, item) = (act.clone(), *tenant, *item);
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    require_latest(unit, &tenant, &item, latest, OPERATION).await?;
                    let number = draft(unit, &act, &tenant, &item, &text).await?;
                    note(unit, Some(&tenant), &act, OPERATION, Subject(Some(item.as_uuid()), None)).await?;
                    let status = KnowledgeStatus::Draft;
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
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    let was = version_of(unit, &tenant, &item, version, OPERATION).await?.status;
                    if to == KnowledgeStatus::Published || !was.may_become(to) {
                        return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
                    }
                    stand(unit, &act, &tenant, &item, version, to).await?;
                    if was == KnowledgeStatus::Published {
                        release(unit, &act, &tenant, Publish::Nothing, OPERATION).await?;
                    }
                    note(unit, Some(&tenant), &act, OPERATION, Subject(Some(item.as_uuid()), None)).await
                })
            })
            .await
    }

    async fn approve_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        version: u32,
    ) -> Result<Option<u64>> {
        const OPERATION: &str = "approve_knowledge";
        let (act, tenant, item) = (act.clone(), *tenant, *item);
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    let found = version_of(unit, &tenant, &item, version, OPERATION).await?;
                    let expired = found.text.expires_at().is_some_and(|end| end <= act.at);
                    if found.status != KnowledgeStatus::Review || expired {
                        return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
                    }
                    stand(unit, &act, &tenant, &item, version, KnowledgeStatus::Approved).await?;
                    let gathers =
                        sqlx::query("SELECT gathers_releases FROM bob_tenants WHERE tenant_id = $1")
                            .bind(blob(tenant.as_uuid()));
                    let gathers = unit.row(gathers).await?.ok_or_else(|| not_found(OPERATION))?;
                    let released = if Cells::of(&gathers, OPERATION).take()? {
                        None
                    } else {
                        Some(release(unit, &act, &tenant, Publish::Item(item), OPERATION).await?)
                    };
                    note(unit, Some(&tenant), &act, OPERATION, Subject(Some(item.as_uuid()), None)).await?;
                    Ok(released)
                })
            })
            .await
    }

    async fn publish_knowledge(&self, act: &Act, tenant: &TenantId) -> Result<u64> {
        const OPERATION: &str = "publish_knowledge";
        let (act, tenant) = (act.clone(), *tenant);
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    let released = release(unit, &act, &tenant, Publish::Everything, OPERATION).await?;
                    note(unit, Some(&tenant), &act, OPERATION, Subject(Some(tenant.as_uuid()), None)).await?;
                    Ok(released)
                })
            })
            .await
    }

    async fn remove_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        latest: Option<u32>,
    ) -> Result<()> {
        const OPERATION: &str = "remove_knowledge";
        let (act, tenant, item) = (act.clone(), *tenant, *item);
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    require_latest(unit, &tenant, &item, latest, OPERATION).await?;
                    let published = sqlx::query(
                        "SELECT 1 FROM bob_knowledge_versions
                         WHERE tenant_id = $1 AND item_id = $2 AND status = 'published'",
                    )
                    .bind(blob(tenant.as_uuid()))
                    .bind(blob(item.as_uuid()));
                    let was_published = unit.row(published).await?.is_some();
                    let remove = sqlx::query(
                        "UPDATE bob_knowledge_items SET removed_at = $3 WHERE tenant_id = $1 AND item_id = $2;
                         UPDATE bob_knowledge_versions SET status = 'retired', changed_at = $3
                         WHERE tenant_id = $1 AND item_id = $2 AND status <> 'retired'",
                    )
                    .bind(blob(tenant.as_uuid()))
                    .bind(blob(item.as_uuid()))
                    .bind(micros(act.at));
                    unit.execute(remove).await?;
                    if was_published {
                        release(unit, &act, &tenant, Publish::Nothing, OPERATION).await?;
                    }
                    note(unit, Some(&tenant), &act, OPERATION, Subject(Some(item.as_uuid()), None)).await
                })
            })
            .await
    }

    async fn import_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        into: ImportInto,
        texts: Vec<KnowledgeText>,
    ) -> Result<Vec<ImportedAs>> {
        const OPERATION: &str = "import_knowledge";
        let (act, tenant) = (act.clone(), *tenant);
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    require_tenant(unit, &tenant, OPERATION).await?;
                    let mut imported = Vec::new();
                    for text in &texts {
                        imported.push(import(unit, &act, &tenant, into, text).await?);
                    }
                    if into != ImportInto::Nowhere {
                        note(unit, Some(&tenant), &act, OPERATION, Subject(Some(tenant.as_uuid()), None))
                            .await?;
                    }
                    Ok(imported)
                })
            })
            .await
    }

    async fn gather_releases(&self, act: &Act, tenant: &TenantId, gathers: bool) -> Result<()> {
        const OPERATION: &str = "gather_releases";
        let (act, tenant) = (act.clone(), *tenant);
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    bump(unit, &tenant, OPERATION).await?;
                    let update =
                        sqlx::query("UPDATE bob_tenants SET gathers_releases = $2 WHERE tenant_id = $1")
                            .bind(blob(tenant.as_uuid()))
                            .bind(gathers);
                    unit.execute(update).await?;
                    note(unit, Some(&tenant), &act, OPERATION, Subject(Some(tenant.as_uuid()), None)).await
                })
            })
            .await
    }

    async fn knowledge_item(&self, tenant: &TenantId, item: &KnowledgeId) -> Result<KnowledgeItem> {
        const OPERATION: &str = "knowledge_item";
        // One transaction, hence all of one moment.
        let mut moment = self.readers().begin().await.map_err(failed(OPERATION))?;
        let texts = sqlx::query(
            "SELECT v.item_id, v.number, v.status, v.language, v.audience, v.title, v.body, v.questions, v.url,
                 v.changed_at, v.expires_at
             FROM bob_knowledge_versions v
             WHERE v.tenant_id = $1 AND v.item_id = $2
               AND (v.status = 'published'
                    OR v.number = (SELECT max(l.number) FROM bob_knowledge_versions l
                                   WHERE l.tenant_id = $1 AND l.item_id = $2))
               AND EXISTS (SELECT 1 FROM bob_knowledge_items i
                           WHERE i.tenant_id = $1 AND i.item_id = $2 AND i.removed_at IS NULL)
             ORDER BY v.number",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(blob(item.as_uuid()))
        .fetch_all(&mut *moment)
        .await
        .map_err(failed(OPERATION))?;
        let steps = sqlx::query(
            "SELECT number, status, changed_at FROM bob_knowledge_versions
             WHERE tenant_id = $1 AND item_id = $2 ORDER BY number DESC LIMIT $3",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(blob(item.as_uuid()))
        .bind(i64::from(KnowledgeItem::MOST_STEPS))
        .fetch_all(&mut *moment)
        .await
        .map_err(failed(OPERATION))?;
        moment.commit().await.map_err(failed(OPERATION))?;

        let texts = texts.iter().map(|row| knowledge_version(row, OPERATION)).collect::<Result<Vec<_>>>()?;
        let published = texts.iter().find(|version| version.status == KnowledgeStatus::Published).cloned();
        let latest = texts.into_iter().last().ok_or_else(|| not_found(OPERATION))?;
        let steps = steps.iter().map(|row| {
            let mut cells = Cells::of(row, OPERATION);
            let (number, status) = (cells.number()?, cells.named(KnowledgeStatus::from_name)?);
            Ok(KnowledgeStep { number, status, changed_at: cells.time()? })
        });
        Ok(KnowledgeItem { latest, published, steps: steps.collect::<Result<_>>()? })
    }

    async fn knowledge_items(
        &self,
        tenant: &TenantId,
        filter: &KnowledgeFilter,
        after: Option<KnowledgeId>,
        limit: u32,
    ) -> Result<Vec<KnowledgeEntry>> {
        const OPERATION: &str = "knowledge_items";
        // SQLite's lower() changes A to Z and nothing else.
        let rows = sqlx::query(
            "SELECT i.item_id, l.number, l.status, p.number, l.language, l.audience, l.title, l.changed_at,
                 l.expires_at
             FROM bob_knowledge_items i
             JOIN bob_knowledge_versions l ON l.tenant_id = i.tenant_id AND l.item_id = i.item_id
                 AND l.number = (SELECT max(m.number) FROM bob_knowledge_versions m
                                 WHERE m.tenant_id = i.tenant_id AND m.item_id = i.item_id)
             LEFT JOIN bob_knowledge_versions p ON p.tenant_id = i.tenant_id AND p.item_id = i.item_id
                 AND p.status = 'published'
             WHERE i.tenant_id = $1 AND i.removed_at IS NULL
               AND ($2 IS NULL OR i.item_id < $2)
               AND ($3 IS NULL OR l.status = $3 OR ($3 = 'published' AND p.number IS NOT NULL))
               AND ($4 IS NULL OR l.language = $4)
               AND ($5 IS NULL OR l.audience = $5)
               AND ($6 IS NULL OR instr(lower(l.title), $6) > 0)
             ORDER BY i.item_id DESC LIMIT $7",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(after.map(|after| blob(after.as_uuid())))
        .bind(filter.status.map(KnowledgeStatus::as_str))
        .bind(filter.language.map(|language| language.to_string()))
        .bind(filter.audience.map(Audience::as_str))
        .bind(filter.title.as_deref().map(str::to_ascii_lowercase))
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(failed(OPERATION))?;
        let entries = rows.iter().map(|row| {
            let mut cells = Cells::of(row, OPERATION);
            Ok(KnowledgeEntry {
                item: cells.id(KnowledgeId::from_uuid)?,
                number: cells.number()?,
                status: cells.named(KnowledgeStatus::from_name)?,
                published: cells.take()?,
                language: cells.parsed()?,
                audience: cells.named(Audience::from_name)?,
                title: cells.take()?,
                changed_at: cells.time()?,
                expires_at: cells.optional_time()?,
            })
        });
        entries.collect()
    }

    async fn published_knowledge(
        &self,
        tenant: &TenantId,
        release: u64,
        audience: Audience,
    ) -> Result<(Vec<KnowledgeVersion>, Synonyms)> {
        const OPERATION: &str = "published_knowledge";
        let number = i64::try_from(release).map_err(|_| not_found(OPERATION))?;
        // One transaction, hence all of one moment.
        let mut moment = self.readers().begin().await.map_err(failed(OPERATION))?;
        let latest = sqlx::query(
            "SELECT t.release + (SELECT count(DISTINCT e.expires_at) FROM bob_knowledge_versions e
                                 WHERE e.tenant_id = $1 AND e.status = 'published' AND e.expires_at IS NOT NULL)
             FROM bob_tenants t WHERE t.tenant_id = $1",
        )
        .bind(blob(tenant.as_uuid()))
        .fetch_optional(&mut *moment)
        .await
        .map_err(failed(OPERATION))?;
        let latest: u64 = Cells::of(&latest.ok_or_else(|| not_found(OPERATION))?, OPERATION).number()?;
        if release > latest {
            return Err(not_found(OPERATION));
        }
        let versions = sqlx::query(
            "SELECT v.item_id, v.number, v.status, v.language, v.audience, v.title, v.body, v.questions, v.url,
                 v.changed_at, v.expires_at
             FROM bob_knowledge_versions v
             JOIN bob_knowledge_items i ON i.tenant_id = v.tenant_id AND i.item_id = v.item_id
             WHERE v.tenant_id = $1 AND v.from_release <= $2
               AND (v.until_release IS NULL OR v.until_release > $2)
             ORDER BY i.position, v.number",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(number)
        .fetch_all(&mut *moment)
        .await
        .map_err(failed(OPERATION))?;
        let synonyms =
            sqlx::query("SELECT language, words FROM bob_synonyms WHERE tenant_id = $1 ORDER BY position")
                .bind(blob(tenant.as_uuid()))
                .fetch_all(&mut *moment)
                .await
                .map_err(failed(OPERATION))?;
        moment.commit().await.map_err(failed(OPERATION))?;

        let versions = versions.iter().map(|row| knowledge_version(row, OPERATION));
        let mut versions = versions.collect::<Result<Vec<_>>>()?;
        versions.retain(|version| audience.may_read(version.text.audience()));
        for version in &mut versions {
            // As it stood in that release.
            version.status = KnowledgeStatus::Published;
        }
        let synonyms = synonyms.iter().map(|row| {
            let mut cells = Cells::of(row, OPERATION);
            Ok((cells.parsed()?, cells.json()?))
        });
        Ok((versions, synonyms.collect::<Result<_>>()?))
    }
}
