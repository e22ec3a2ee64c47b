//! Releases of knowledge.

use bob_core::act::Act;
use bob_core::id::{KnowledgeId, TenantId};
use bob_core::outbox::{EventKind, EventSubject};
use bob_core::storage::Result;

use super::not_found;
use super::outbox::tell;
use super::rows::{Cells, count, micros};
use super::tenant::bump;
use super::unit::Unit;

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
    bump(unit, tenant, operation).await?;
    // Behind all numbers that were kept free, so that none ever stands for two releases.
    let update = sqlx::query(
        "UPDATE bob_tenants SET release = 1 + greatest(release, (
             SELECT max(v.until_release) FROM bob_knowledge_versions v WHERE v.tenant_id = $1))
         WHERE tenant_id = $1
         RETURNING release",
    )
    .bind(tenant.as_uuid());
    let row = unit.row(update).await?.ok_or_else(|| not_found(operation))?;
    let release: u64 = Cells::of(&row, operation).number()?;
    let item = match publish {
        Publish::Item(item) => Some(item.as_uuid()),
        Publish::Nothing | Publish::Everything => None,
    };
    if !matches!(publish, Publish::Nothing) {
        // The latest approved version of an item takes the place of all its others.
        let retire = sqlx::query(
            "UPDATE bob_knowledge_versions AS v SET status = 'retired', changed_at = $2
             WHERE v.tenant_id = $1 AND v.status IN ('approved', 'published')
               AND ($3::uuid IS NULL OR v.item_id = $3)
               AND v.number <> (SELECT max(a.number) FROM bob_knowledge_versions a
                                WHERE a.tenant_id = $1 AND a.item_id = v.item_id AND a.status = 'approved')",
        )
        .bind(tenant.as_uuid())
        .bind(micros(act.at))
        .bind(item);
        unit.execute(retire).await?;
        let publish = sqlx::query(
            "UPDATE bob_knowledge_versions SET status = 'published', changed_at = $2, from_release = $3
             WHERE tenant_id = $1 AND status = 'approved' AND ($4::uuid IS NULL OR item_id = $4)",
        )
        .bind(tenant.as_uuid())
        .bind(micros(act.at))
        .bind(count(release))
        .bind(item);
        unit.execute(publish).await?;
    }
    let retire = sqlx::query(
        "UPDATE bob_knowledge_versions SET status = 'retired', changed_at = $2
         WHERE tenant_id = $1 AND status = 'published' AND expires_at <= $2",
    )
    .bind(tenant.as_uuid())
    .bind(micros(act.at));
    unit.execute(retire).await?;
    let leave = sqlx::query(
        "UPDATE bob_knowledge_versions SET until_release = $2
         WHERE tenant_id = $1 AND status = 'retired' AND from_release IS NOT NULL AND until_release IS NULL",
    )
    .bind(tenant.as_uuid())
    .bind(count(release));
    unit.execute(leave).await?;
    keep_numbers_free(unit, tenant, release, operation).await?;
    let subject = EventSubject { number: Some(release), ..EventSubject::default() };
    tell(unit, tenant, act, &[EventKind::KnowledgePublished], subject).await?;
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
    .bind(tenant.as_uuid());
    for (number, row) in (release + 1..).zip(unit.rows(moments).await?) {
        let moment: i64 = Cells::of(&row, operation).take()?;
        let update = sqlx::query(
            "UPDATE bob_knowledge_versions SET until_release = $3
             WHERE tenant_id = $1 AND status = 'published' AND expires_at = $2",
        )
        .bind(tenant.as_uuid())
        .bind(moment)
        .bind(count(number));
        unit.execute(update).await?;
    }
    Ok(())
}
