//! Personas in memory.

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryStorage;
use super::world::{Shop, Subject};
use crate::act::Act;
use crate::id::{PersonaId, TenantId};
use crate::outbox::{EventKind, EventSubject};
use crate::persona::{
    MOST_PERSONAS, MOST_VERSIONS, Persona, PersonaOverview, PersonaText, PersonaVersion, Written,
};
use crate::storage::{PersonaStore, Result, StorageError, StorageErrorKind};

/// A tenant's personas.
#[derive(Debug)]
pub(super) struct Personas {
    rows: Vec<PersonaRow>,
    default: PersonaId,
}

#[derive(Debug)]
struct PersonaRow {
    id: PersonaId,
    /// In order; the first is version 1.
    versions: Vec<(Persona, Timestamp)>,
    published: Option<u32>,
    deleted: bool,
}

impl Personas {
    /// The default one, published.
    pub(super) fn begin(default: Persona, at: Timestamp) -> Self {
        let (id, published) = (default.id, Some(default.version));
        Self {
            rows: vec![PersonaRow { id, versions: vec![(default, at)], published, deleted: false }],
            default: id,
        }
    }

    /// The published version of the default one.
    pub(super) fn speaking(&self) -> Option<&Persona> {
        self.rows.iter().find(|row| row.id == self.default)?.shown()
    }

    fn alive(&self) -> impl Iterator<Item = &PersonaRow> {
        self.rows.iter().filter(|row| !row.deleted)
    }

    fn find(&self, operation: &'static str, id: &PersonaId) -> Result<&PersonaRow> {
        let row = self.alive().find(|row| row.id == *id);
        row.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, operation))
    }

    fn find_mut(
        &mut self,
        operation: &'static str,
        id: &PersonaId,
        expected: Option<u32>,
    ) -> Result<&mut PersonaRow> {
        let row = self.rows.iter_mut().find(|row| row.id == *id && !row.deleted);
        let row = row.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, operation))?;
        if expected.is_some_and(|expected| expected != row.latest()) {
            return Err(StorageError::new(StorageErrorKind::Stale, operation));
        }
        Ok(row)
    }

    fn overview(&self, row: &PersonaRow) -> PersonaOverview {
        let latest = row.versions[row.versions.len() - 1].0.clone();
        PersonaOverview { latest, published: row.shown().cloned(), is_default: row.id == self.default }
    }
}

impl PersonaRow {
    fn latest(&self) -> u32 {
        u32::try_from(self.versions.len()).unwrap_or(u32::MAX)
    }

    fn shown(&self) -> Option<&Persona> {
        let published = self.published?;
        self.versions.iter().map(|(persona, _)| persona).find(|persona| persona.version == published)
    }
}

impl Shop {
    /// Tells that a version was published, and lets those who keep the snapshot know.
    fn published(&mut self, act: &Act, persona: PersonaId, version: u32) {
        self.version += 1;
        let subject =
            EventSubject { persona: Some(persona), number: Some(version.into()), ..EventSubject::default() };
        self.tell(act, &[EventKind::PersonaPublished], subject);
    }
}

#[async_trait]
impl PersonaStore for MemoryStorage {
    async fn personas(
        &self,
        tenant: &TenantId,
        after: Option<PersonaId>,
        limit: u32,
    ) -> Result<Vec<PersonaOverview>> {
        let world = self.world();
        let personas = &world.shop("personas", tenant)?.personas;
        let mut rows: Vec<_> =
            personas.alive().filter(|row| after.is_none_or(|after| row.id > after)).collect();
        rows.sort_by_key(|row| row.id);
        Ok(rows.into_iter().take(limit as usize).map(|row| personas.overview(row)).collect())
    }

    async fn persona(&self, tenant: &TenantId, persona: &PersonaId) -> Result<PersonaOverview> {
        const OPERATION: &str = "persona";
        let world = self.world();
        let personas = &world.shop(OPERATION, tenant)?.personas;
        Ok(personas.overview(personas.find(OPERATION, persona)?))
    }

    async fn persona_versions(
        &self,
        tenant: &TenantId,
        persona: &PersonaId,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<PersonaVersion>> {
        const OPERATION: &str = "persona_versions";
        let world = self.world();
        let row = world.shop(OPERATION, tenant)?.personas.find(OPERATION, persona)?;
        let older = row.versions.iter().rev();
        let older = older.filter(|(persona, _)| before.is_none_or(|before| persona.version < before));
        let version = |(persona, at): &(Persona, Timestamp)| PersonaVersion {
            persona: persona.clone(),
            written_at: *at,
            is_published: row.published == Some(persona.version),
        };
        Ok(older.take(limit as usize).map(version).collect())
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
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let full = shop.personas.alive().count() >= MOST_PERSONAS as usize;
        if full || shop.personas.rows.iter().any(|row| row.id == *persona) {
            return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
        }
        let published = (written == Written::Published).then_some(1);
        let versions = vec![(text.at(*persona, 1), act.at)];
        shop.personas.rows.push(PersonaRow { id: *persona, versions, published, deleted: false });
        if let Some(version) = published {
            shop.published(act, *persona, version);
        }
        let overview = shop.personas.overview(shop.personas.find(OPERATION, persona)?);
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(persona.as_uuid()), None));
        Ok(overview)
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
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let row = shop.personas.find_mut(OPERATION, persona, expected)?;
        let version = row.latest() + 1;
        if version > MOST_VERSIONS {
            return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
        }
        row.versions.push((text.at(*persona, version), act.at));
        if written == Written::Published {
            row.published = Some(version);
            shop.published(act, *persona, version);
        }
        let overview = shop.personas.overview(shop.personas.find(OPERATION, persona)?);
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(persona.as_uuid()), None));
        Ok(overview)
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
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let row = shop.personas.find_mut(OPERATION, persona, expected)?;
        if !(1..=row.latest()).contains(&version) {
            return Err(StorageError::new(StorageErrorKind::NotFound, OPERATION));
        }
        let is_new = row.published != Some(version);
        if is_new {
            row.published = Some(version);
            shop.published(act, *persona, version);
        }
        let overview = shop.personas.overview(shop.personas.find(OPERATION, persona)?);
        if is_new {
            world.record_on(Some(tenant), OPERATION, act, Subject(Some(persona.as_uuid()), None));
        }
        Ok(overview)
    }

    async fn set_default_persona(
        &self,
        act: &Act,
        tenant: &TenantId,
        persona: &PersonaId,
    ) -> Result<PersonaOverview> {
        const OPERATION: &str = "set_default_persona";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        if shop.personas.find(OPERATION, persona)?.published.is_none() {
            return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
        }
        shop.personas.default = *persona;
        shop.version += 1;
        let overview = shop.personas.overview(shop.personas.find(OPERATION, persona)?);
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(persona.as_uuid()), None));
        Ok(overview)
    }

    async fn delete_persona(
        &self,
        act: &Act,
        tenant: &TenantId,
        persona: &PersonaId,
        expected: Option<u32>,
    ) -> Result<()> {
        const OPERATION: &str = "delete_persona";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let is_default = shop.personas.default == *persona;
        let row = shop.personas.find_mut(OPERATION, persona, expected)?;
        if is_default {
            return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
        }
        row.deleted = true;
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(persona.as_uuid()), None));
        Ok(())
    }
}
