//! Imports of knowledge.

use bob_core::act::Act;
use bob_core::id::{KnowledgeId, TenantId};
use bob_core::knowledge::{ImportInto, ImportedAs, KnowledgeStatus, KnowledgeText};
use bob_core::storage::Result;

use super::rows::knowledge_version;
use super::unit::Unit;
use super::version::{draft, insert_item, insert_version, stand};

/// Decides about one text of an import, and stores it unless it is only looked at.
pub(super) async fn import(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    into: ImportInto,
    text: &KnowledgeText,
) -> Result<ImportedAs> {
    const OPERATION: &str = "import_knowledge";
    let find = sqlx::query(
        "SELECT v.item_id, v.number, v.status, v.language, v.audience, v.title, v.body, v.questions, v.url,
             v.changed_at, v.expires_at
         FROM bob_knowledge_versions v
         JOIN bob_knowledge_items i ON i.tenant_id = v.tenant_id AND i.item_id = v.item_id
         WHERE v.tenant_id = $1 AND v.language = $2 AND v.title = $3 AND i.removed_at IS NULL
           AND v.number = (SELECT max(l.number) FROM bob_knowledge_versions l
                           WHERE l.tenant_id = v.tenant_id AND l.item_id = v.item_id)
         ORDER BY i.position LIMIT 1",
    )
    .bind(tenant.as_uuid())
    .bind(text.language().to_string())
    .bind(text.title().to_owned());
    let known = unit.row(find).await?.map(|row| knowledge_version(&row, OPERATION)).transpose()?;
    let says_so =
        known.as_ref().is_some_and(|known| known.text == *text && known.status != KnowledgeStatus::Retired);
    let imported = match known {
        _ if says_so => return Ok(ImportedAs::Unchanged),
        Some(_) => ImportedAs::Updated,
        None => ImportedAs::Created,
    };
    if into == ImportInto::Nowhere {
        return Ok(imported);
    }
    let (item, number) = match known {
        Some(known) => (known.item, draft(unit, act, tenant, &known.item, text).await?),
        None => {
            let item = KnowledgeId::new();
            insert_item(unit, tenant, &item).await?;
            (item, insert_version(unit, act, tenant, &item, text, None).await?)
        }
    };
    if into == ImportInto::Review {
        stand(unit, act, tenant, &item, number, KnowledgeStatus::Review).await?;
    }
    Ok(imported)
}
