//! Personas and their versions.

use async_trait::async_trait;
use bob_core::act::Act;
use bob_core::id::{PersonaId, TenantId};
use bob_core::outbox::{EventKind, EventSubject};
use bob_core::persona::{
    MOST_PERSONAS, MOST_VERSIONS, Persona, PersonaOverview, PersonaText, PersonaVersion, Written,
};
use bob_core::storage::{PersonaStore, Result, StorageError, StorageErrorKind, TenantStore as _};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::audit::{Subject, note};
use super::outbox::tell;
use super::rows::{Cells, micros};
use super::tenant::bump;
use super::unit::Unit;
use super::{PostgresStorage, not_found};

#[async_trait]
impl PersonaStore for PostgresStorage {
    async fn personas(
        &self,
        tenant: &TenantId,
        after: Option<PersonaId>,
        limit: u32,
    ) -> Result<Vec<PersonaOverview>> {
        const OPERATION: &str = "personas";
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT p.persona_id AS id, p.version, p.name, p.description, p.tone, p.system_prompt,
                     s.persona_id, s.version, s.name, s.description, s.tone, s.system_prompt,
                     t.persona_id = p.persona_id
                 FROM bob_personas p
                 JOIN bob_tenants t ON t.tenant_id = p.tenant_id
                 LEFT JOIN bob_personas s ON s.tenant_id = p.tenant_id AND s.persona_id = p.persona_id
                     AND s.published
                 WHERE p.tenant_id = f.tenant AND p.persona_id > $2 AND p.deleted_at IS NULL
                   AND p.version = (SELECT max(v.version) FROM bob_personas v
                                    WHERE v.tenant_id = p.tenant_id AND v.persona_id = p.persona_id)
                 ORDER BY p.persona_id LIMIT $3) r
             ORDER BY r.id",
        )
        .bind(tenant.as_uuid())
        .bind(after.map_or(Uuid::nil(), |after| after.as_uuid()))
        .bind(i64::from(limit));
        let rows = self.rows(OPERATION, question).await?;
        if rows.is_empty() {
            // Every tenant has a default one, but not behind any other.
            self.tenant_version(tenant).await?;
        }
        rows.iter().map(|row| overview(row, OPERATION)).collect()
    }

    async fn persona(&self, tenant: &TenantId, persona: &PersonaId) -> Result<PersonaOverview> {
        const OPERATION: &str = "persona";
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT p.persona_id, p.version, p.name, p.description, p.tone, p.system_prompt,
                 s.persona_id, s.version, s.name, s.description, s.tone, s.system_prompt, t.persona_id = p.persona_id
                 FROM bob_personas p
                 JOIN bob_tenants t ON t.tenant_id = p.tenant_id
                 LEFT JOIN bob_personas s ON s.tenant_id = p.tenant_id AND s.persona_id = p.persona_id
                     AND s.published
                 WHERE p.tenant_id = f.tenant AND p.persona_id = $2 AND p.deleted_at IS NULL
                 ORDER BY p.version DESC LIMIT 1) r",
        )
        .bind(tenant.as_uuid())
        .bind(persona.as_uuid());
        let found = self.row(OPERATION, question).await?;
        overview(&found.ok_or_else(|| not_found(OPERATION))?, OPERATION)
    }

    async fn persona_versions(
        &self,
        tenant: &TenantId,
        persona: &PersonaId,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<PersonaVersion>> {
        const OPERATION: &str = "persona_versions";
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT persona_id, version, name, description, tone, system_prompt, created_at, published
                 FROM bob_personas
                 WHERE tenant_id = f.tenant AND persona_id = $2 AND version < $3 AND deleted_at IS NULL
                 ORDER BY version DESC LIMIT $4) r
             ORDER BY r.version DESC",
        )
        .bind(tenant.as_uuid())
        .bind(persona.as_uuid())
        .bind(before.map_or(i64::MAX, i64::from))
        .bind(i64::from(limit));
        let rows = self.rows(OPERATION, question).await?;
        if rows.is_empty() {
            // There may be none before the first.
            self.persona(tenant, persona).await?;
        }
        let version = |row: &PgRow| {
            let mut cells = Cells::of(row, OPERATION);
            Ok(PersonaVersion {
                persona: read_persona(&mut cells)?,
                written_at: cells.time()?,
                is_published: cells.take()?,
            })
        };
        rows.iter().map(version).collect()
    }

    async fn add_persona(
        &self,
        act: &Act,
        tenant: &TenantId,
        persona: &PersonaId,
        text: PersonaText,
        written: Written,
    ) -> Result<PersonaOverview> {
        const OPERATION: &str = "add_persona";
        let (act, tenant, persona) = (act.clone(), *tenant, *persona);
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                lock(unit, &tenant, OPERATION).await?;
                let all = sqlx::query(
                    "SELECT count(DISTINCT persona_id) FROM bob_personas WHERE tenant_id = $1 AND deleted_at IS NULL",
                )
                .bind(tenant.as_uuid());
                let row = unit.row(all).await?.ok_or_else(|| not_found(OPERATION))?;
                if Cells::of(&row, OPERATION).number::<u32>()? >= MOST_PERSONAS {
                    return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
                }
                insert(unit, &act, &tenant, &text.at(persona, 1)).await?;
                if written == Written::Published {
                    publish(unit, &act, &tenant, &persona, 1).await?;
                }
                note(unit, Some(&tenant), &act, OPERATION, Subject(Some(persona.as_uuid()), None)).await?;
                one(unit, &tenant, &persona, OPERATION).await
            })
        })
        .await
    }

    async fn write_persona(
        &self,
        act: &Act,
        tenant: &TenantId,
        persona: &PersonaId,
        expected: Option<u32>,
        text: PersonaText,
        written: Written,
    ) -> Result<PersonaOverview> {
        const OPERATION: &str = "write_persona";
        let (act, tenant, persona) = (act.clone(), *tenant, *persona);
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                let version = latest(unit, &tenant, &persona, expected, OPERATION).await? + 1;
                if version > MOST_VERSIONS {
                    return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
                }
                insert(unit, &act, &tenant, &text.at(persona, version)).await?;
                if written == Written::Published {
                    publish(unit, &act, &tenant, &persona, version).await?;
                }
                note(unit, Some(&tenant), &act, OPERATION, Subject(Some(persona.as_uuid()), None)).await?;
                one(unit, &tenant, &persona, OPERATION).await
            })
        })
        .await
    }

    async fn publish_persona(
        &self,
        act: &Act,
        tenant: &TenantId,
        persona: &PersonaId,
        version: u32,
        expected: Option<u32>,
    ) -> Result<PersonaOverview> {
        const OPERATION: &str = "publish_persona";
        let (act, tenant, persona) = (act.clone(), *tenant, *persona);
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                latest(unit, &tenant, &persona, expected, OPERATION).await?;
                let find = sqlx::query(
                    "SELECT published FROM bob_personas WHERE tenant_id = $1 AND persona_id = $2 AND version = $3",
                )
                .bind(tenant.as_uuid())
                .bind(persona.as_uuid())
                .bind(i64::from(version));
                let row = unit.row(find).await?.ok_or_else(|| not_found(OPERATION))?;
                if !Cells::of(&row, OPERATION).take::<bool>()? {
                    publish(unit, &act, &tenant, &persona, version).await?;
                    note(unit, Some(&tenant), &act, OPERATION, Subject(Some(persona.as_uuid()), None)).await?;
                }
                one(unit, &tenant, &persona, OPERATION).await
            })
        })
        .await
    }

    async fn set_default_persona(
        &self,
        act: &Act,
        tenant: &TenantId,
        persona: &PersonaId,
    ) -> Result<PersonaOverview> {
        const OPERATION: &str = "set_default_persona";
        let (act, tenant, persona) = (act.clone(), *tenant, *persona);
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                latest(unit, &tenant, &persona, None, OPERATION).await?;
                let update = sqlx::query(
                    "UPDATE bob_tenants AS t SET persona_id = p.persona_id, persona_version = p.version
                     FROM bob_personas p
                     WHERE t.tenant_id = $1 AND p.tenant_id = t.tenant_id AND p.persona_id = $2 AND p.published",
                )
                .bind(tenant.as_uuid())
                .bind(persona.as_uuid());
                if unit.execute(update).await? == 0 {
                    return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
                }
                bump(unit, &tenant, OPERATION).await?;
                note(unit, Some(&tenant), &act, OPERATION, Subject(Some(persona.as_uuid()), None)).await?;
                one(unit, &tenant, &persona, OPERATION).await
            })
        })
        .await
    }

    async fn delete_persona(
        &self,
        act: &Act,
        tenant: &TenantId,
        persona: &PersonaId,
        expected: Option<u32>,
    ) -> Result<()> {
        const OPERATION: &str = "delete_persona";
        let (act, tenant, persona) = (act.clone(), *tenant, *persona);
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                latest(unit, &tenant, &persona, expected, OPERATION).await?;
                let delete = sqlx::query(
                    "UPDATE bob_personas SET deleted_at = $3
                     WHERE tenant_id = $1 AND persona_id = $2
                       AND NOT EXISTS (SELECT 1 FROM bob_tenants WHERE tenant_id = $1 AND persona_id = $2)",
                )
                .bind(tenant.as_uuid())
                .bind(persona.as_uuid())
                .bind(micros(act.at));
                if unit.execute(delete).await? == 0 {
                    return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
                }
                note(unit, Some(&tenant), &act, OPERATION, Subject(Some(persona.as_uuid()), None)).await
            })
        })
        .await
    }
}

/// Holds the tenant's row, so that changes to its personas wait for each other.
async fn lock(unit: &mut Unit<'_>, tenant: &TenantId, operation: &'static str) -> Result<()> {
    let find =
        sqlx::query("SELECT 1 FROM bob_tenants WHERE tenant_id = $1 FOR UPDATE").bind(tenant.as_uuid());
    unit.row(find).await?.map(|_| ()).ok_or_else(|| not_found(operation))
}

/// The latest version of a persona that was not deleted, if it is the expected one.
async fn latest(
    unit: &mut Unit<'_>,
    tenant: &TenantId,
    persona: &PersonaId,
    expected: Option<u32>,
    operation: &'static str,
) -> Result<u32> {
    lock(unit, tenant, operation).await?;
    let find = sqlx::query(
        "SELECT version FROM bob_personas WHERE tenant_id = $1 AND persona_id = $2 AND deleted_at IS NULL
         ORDER BY version DESC LIMIT 1",
    )
    .bind(tenant.as_uuid())
    .bind(persona.as_uuid());
    let row = unit.row(find).await?.ok_or_else(|| not_found(operation))?;
    let latest = Cells::of(&row, operation).number()?;
    if expected.is_some_and(|expected| expected != latest) {
        return Err(StorageError::new(StorageErrorKind::Stale, operation));
    }
    Ok(latest)
}

/// Adds a version that is not published.
async fn insert(unit: &mut Unit<'_>, act: &Act, tenant: &TenantId, persona: &Persona) -> Result<()> {
    let insert = sqlx::query(
        "INSERT INTO bob_personas (tenant_id, persona_id, version, name, description, tone, system_prompt,
             created_at, published)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, false)",
    )
    .bind(tenant.as_uuid())
    .bind(persona.id.as_uuid())
    .bind(i64::from(persona.version))
    .bind(&persona.name)
    .bind(&persona.description)
    .bind(&persona.tone)
    .bind(&persona.system_prompt)
    .bind(micros(act.at));
    unit.execute(insert).await?;
    Ok(())
}

/// Lets a version hold, and tells it.
async fn publish(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    persona: &PersonaId,
    version: u32,
) -> Result<()> {
    let retire = sqlx::query(
        "UPDATE bob_personas SET published = false WHERE tenant_id = $1 AND persona_id = $2 AND published = true",
    )
    .bind(tenant.as_uuid())
    .bind(persona.as_uuid());
    unit.execute(retire).await?;
    let publish = sqlx::query(
        "UPDATE bob_personas SET published = true WHERE tenant_id = $1 AND persona_id = $2 AND version = $3",
    )
    .bind(tenant.as_uuid())
    .bind(persona.as_uuid())
    .bind(i64::from(version));
    unit.execute(publish).await?;
    let speak =
        sqlx::query("UPDATE bob_tenants SET persona_version = $3 WHERE tenant_id = $1 AND persona_id = $2")
            .bind(tenant.as_uuid())
            .bind(persona.as_uuid())
            .bind(i64::from(version));
    unit.execute(speak).await?;
    bump(unit, tenant, "publish_persona").await?;
    let subject =
        EventSubject { persona: Some(*persona), number: Some(version.into()), ..EventSubject::default() };
    tell(unit, tenant, act, &[EventKind::PersonaPublished], subject).await
}

/// One persona, as it is within a transaction.
async fn one(
    unit: &mut Unit<'_>,
    tenant: &TenantId,
    persona: &PersonaId,
    operation: &'static str,
) -> Result<PersonaOverview> {
    let find = sqlx::query(
        "SELECT p.persona_id, p.version, p.name, p.description, p.tone, p.system_prompt,
             s.persona_id, s.version, s.name, s.description, s.tone, s.system_prompt, t.persona_id = p.persona_id
         FROM bob_personas p
         JOIN bob_tenants t ON t.tenant_id = p.tenant_id
         LEFT JOIN bob_personas s ON s.tenant_id = p.tenant_id AND s.persona_id = p.persona_id
             AND s.published = true
         WHERE p.tenant_id = $1 AND p.persona_id = $2 AND p.deleted_at IS NULL
         ORDER BY p.version DESC LIMIT 1",
    )
    .bind(tenant.as_uuid())
    .bind(persona.as_uuid());
    let row = unit.row(find).await?.ok_or_else(|| not_found(operation))?;
    overview(&row, operation)
}

/// The latest version, the published one or six nulls, and whether it is the default.
fn overview(row: &PgRow, operation: &'static str) -> Result<PersonaOverview> {
    let mut cells = Cells::of(row, operation);
    let latest = read_persona(&mut cells)?;
    let mut published = Cells::of(row, operation).skip(6);
    let published = match Cells::of(row, operation).skip(6).optional_id(PersonaId::from_uuid)? {
        Some(_) => Some(read_persona(&mut published)?),
        None => None,
    };
    let is_default = Cells::of(row, operation).skip(12).take()?;
    Ok(PersonaOverview { latest, published, is_default })
}

/// `persona_id, version, name, description, tone, system_prompt`
pub(super) fn read_persona(cells: &mut Cells<'_>) -> Result<Persona> {
    Ok(Persona {
        id: cells.id(PersonaId::from_uuid)?,
        version: cells.number()?,
        name: cells.take()?,
        description: cells.take()?,
        tone: cells.take()?,
        system_prompt: cells.take()?,
    })
}
