//! Knowledge and its versions.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::act::Act;
use crate::id::{KnowledgeId, TenantId};
use crate::knowledge::{Audience, KnowledgeStatus, KnowledgeText, KnowledgeVersion, Synonyms};

/// Knowledge and its versions.
#[async_trait]
pub trait KnowledgeStore: fmt::Debug + Send + Sync {
    /// Stores a draft: the next version of an item, or the first of a new one.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is no such tenant, or another tenant has the item.
    async fn draft_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        text: KnowledgeText,
    ) -> Result<KnowledgeVersion>;

    /// Moves a version along its way, anything but to `published`.
    ///
    /// Retiring a published version makes a new release, so that it is gone from the next answer.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when the tenant has no such version, [`Conflict`](StorageErrorKind::Conflict)
    /// when [`may_become`](KnowledgeStatus::may_become) forbids the step.
    async fn move_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        version: u32,
        to: KnowledgeStatus,
    ) -> Result<()>;

    /// Publishes every approved version at once, retires the versions they replace, and answers the new release.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is no such tenant.
    async fn publish_knowledge(&self, act: &Act, tenant: &TenantId) -> Result<u64>;

    /// The published versions for an audience, in the order in which their items were made, and the release they are.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is no such tenant.
    async fn published_knowledge(
        &self,
        tenant: &TenantId,
        audience: Audience,
    ) -> Result<(u64, Vec<KnowledgeVersion>, Synonyms)>;
}
