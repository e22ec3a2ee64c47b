//! Releases of knowledge.

use bob_core::act::Act;
use bob_core::id::{KnowledgeId, TenantId};
use bob_core::outbox::{EventKind, EventSubject};
use bob_core::storage::Result;

use super::not_found;
use super::outbox::tell;
use super::rows::{Cells, blob, count, micros};
use super::writer::Unit;

/// Which approved versions a release publishes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Publish {
    /// None: something was taken out.
    Nothing,
    /// Those of one item.
    Item(KnowledgeId),
    /// All of them.
    Everything,
}

/// Begins a new release, which is a new version of the snapshot too: publishes, retires what that replaces and what has
/// expired, and keeps a number free for each moment at which a text of it expires.
pub(super) async fn release(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    publish: Publish,
    operation: &'static str,
) -> Result<u64> {
    // Behind all numbers that were kept free, so that none ever stands for two releases.
    let update = sqlx::query(
        "UPDATE bob_tenants SET version = version + 1, release = 1 + max(release, coalesce(
             (SELECT max(v.until_release) FROM bob_knowledge_versions v WHERE v.tenant_id = $1), 0))
         WHERE tenant_id = $1
         RETURNING release",
    )
    .bind(blob(tenant.as_uuid()));
    let row = unit.row(update).await?.ok_or_else(|| not_found(operation))?;
    let release: u64 = Cells::of(&row, operation).number()?;
    let item = match publish {
        Publish::Item(item) => Some(blob(item.as_uuid())),
        Publish::Nothing | Publish::Everything => None,
    };
    if !matches!(publish, Publish::Nothing) {
        // The latest approved version of an item takes the place of all its others.
        let publish = sqlx::query(
            "UPDATE bob_knowledge_versions AS v SET status = 'retired', changed_at = $2
             WHERE v.tenant_id = $1 AND v.status IN ('approved', 'published') AND ($4 IS NULL OR v.item_id = $4)
               AND v.number <> (SELECT max(a.number) FROM bob_knowledge_versions a
                                WHERE a.tenant_id = $1 AND a.item_id = v.item_id AND a.status = 'approved');
             UPDATE bob_knowledge_versions SET status = 'published', changed_at = $2, from_release = $3
             WHERE tenant_id = $1 AND status = 'approved' AND ($4 IS NULL OR item_id = $4)",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(micros(act.at))
        .bind(count(release))
        .bind(item);
        unit.execute(publish).await?;
    }
    let retire = sqlx::query(
        "UPDATE bob_knowledge_versions SET status = 'retired', changed_at = $2
         WHERE tenant_id = $1 AND status = 'published' AND expires_at <= $2;
         UPDATE bob_knowledge_versions SET until_release = $3
         WHERE tenant_id = $1 AND status = 'retired' AND from_release IS NOT NULL AND until_release IS NULL",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(micros(act.at))
    .bind(count(release));
    unit.execute(retire).await?;
    keep_numbers_free(unit, tenant, release, operation).await?;
    let subject = EventSubject { number: Some(release), ..EventSubject::default() };
    tell(unit, act, tenant, &[EventKind::KnowledgePublished], subject).await?;
    Ok(release)
}

/// Gives each moment at which published texts expire the next number behind the release.
pub(super) async fn keep_numbers_free(
    unit: &mut Unit<'_>,
    tenant: &TenantId,
    release: u64,
    operation: &'static str,
) -> Result<()> {
    let moments = sqlx::query(
        "SELECT DISTINCT expires_at FROM bob_knowledge_versions
         WHERE tenant_id = $1 AND status = 'published' AND expires_at IS NOT NULL ORDER BY expires_at",
    )
    .bind(blob(tenant.as_uuid()));
    for (number, row) in (release + 1..).zip(unit.rows(moments).await?) {
        let moment: i64 = Cells::of(&row, operation).take()?;
        let update = sqlx::query(
            "UPDATE bob_knowledge_versions SET until_release = $3
             WHERE tenant_id = $1 AND status = 'published' AND expires_at = $2",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(moment)
        .bind(count(number));
        unit.execute(update).await?;
    }
    Ok(())
}
