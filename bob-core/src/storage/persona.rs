//! Personas and their versions.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::act::Act;
use crate::id::{PersonaId, TenantId};
use crate::persona::{PersonaOverview, PersonaText, PersonaVersion, Written};

/// Personas: versions are written once and stay; one of them is published, one persona is the default.
///
/// Texts come [checked](PersonaText::check). `expected` is the latest version that the caller knows; the calls that take
/// one answer [`Stale`](super::StorageErrorKind::Stale) when there is a later one. A persona that was deleted is
/// [`NotFound`](super::StorageErrorKind::NotFound).
#[async_trait]
pub trait PersonaStore: fmt::Debug + Send + Sync {
    /// A tenant's personas in the order of their identifiers, at most `limit` behind `after`.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant.
    async fn personas(
        &self,
        tenant: &TenantId,
        after: Option<PersonaId>,
        limit: u32,
    ) -> Result<Vec<PersonaOverview>>;

    /// One persona.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such persona.
    async fn persona(&self, tenant: &TenantId, persona: &PersonaId) -> Result<PersonaOverview>;

    /// Its versions from the latest back, at most `limit` below `before`.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such persona.
    async fn persona_versions(
        &self,
        tenant: &TenantId,
        persona: &PersonaId,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<PersonaVersion>>;

    /// Adds a persona with its first version.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::StorageErrorKind::Conflict) when the tenant has one of that identifier, or
    /// [`MOST_PERSONAS`](crate::persona::MOST_PERSONAS).
    async fn add_persona(
        &self,
        act: &Act,
        tenant: &TenantId,
        persona: &PersonaId,
        text: PersonaText,
        written: Written,
    ) -> Result<PersonaOverview>;

    /// Writes a new version behind the latest one.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound), [`Stale`](super::StorageErrorKind::Stale), or
    /// [`Conflict`](super::StorageErrorKind::Conflict) when it has
    /// [`MOST_VERSIONS`](crate::persona::MOST_VERSIONS).
    async fn write_persona(
        &self,
        act: &Act,
        tenant: &TenantId,
        persona: &PersonaId,
        expected: Option<u32>,
        text: PersonaText,
        written: Written,
    ) -> Result<PersonaOverview>;

    /// Publishes a version, an older one too; the one that was published is so no more. Told, unless it was published
    /// already.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such persona or that has no such version,
    /// [`Stale`](super::StorageErrorKind::Stale).
    async fn publish_persona(
        &self,
        act: &Act,
        tenant: &TenantId,
        persona: &PersonaId,
        version: u32,
        expected: Option<u32>,
    ) -> Result<PersonaOverview>;

    /// Lets a persona speak where nobody chooses another.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound), or [`Conflict`](super::StorageErrorKind::Conflict) when no version of it is
    /// published.
    async fn set_default_persona(
        &self,
        act: &Act,
        tenant: &TenantId,
        persona: &PersonaId,
    ) -> Result<PersonaOverview>;

    /// Takes a persona away. Its versions stay in storage, because turns name them.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound), [`Stale`](super::StorageErrorKind::Stale), or
    /// [`Conflict`](super::StorageErrorKind::Conflict) when it is the default.
    async fn delete_persona(
        &self,
        act: &Act,
        tenant: &TenantId,
        persona: &PersonaId,
        expected: Option<u32>,
    ) -> Result<()>;
}
