//! Knowledge and its versions.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::act::Act;
use crate::id::{KnowledgeId, TenantId};
use crate::knowledge::{
    Audience, ImportInto, ImportedAs, KnowledgeEntry, KnowledgeFilter, KnowledgeItem, KnowledgeStatus,
    KnowledgeText, KnowledgeVersion, Synonyms,
};

/// Knowledge and its versions.
///
/// What a release holds never changes: the next publication makes the next one, under a higher number. A published text
/// that expires leaves by number too. Each release leaves room behind its own number, one number for each moment at
/// which texts of it expire; [`TenantSnapshot::release_at`](super::TenantSnapshot::release_at) tells which number a
/// moment has. So a text is gone at its moment on every node, and nobody needs to work for it.
#[async_trait]
pub trait KnowledgeStore: fmt::Debug + Send + Sync {
    /// Adds an item with a first draft.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant, [`Conflict`](super::StorageErrorKind::Conflict)
    /// when it has the item.
    async fn add_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        text: KnowledgeText,
    ) -> Result<KnowledgeVersion>;

    /// Stores the next draft of an item; it takes the place of a draft or review that was not approved, which retires.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such item, [`Stale`](super::StorageErrorKind::Stale) when
    /// `latest` is said and is not its latest version.
    async fn draft_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        latest: Option<u32>,
        text: KnowledgeText,
    ) -> Result<KnowledgeVersion>;

    /// Moves a version along its way, anything but to `published`.
    ///
    /// Retiring a published version makes a new release, so that it is gone from the next answer.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such version, [`Conflict`](super::StorageErrorKind::Conflict)
    /// when [`may_become`](KnowledgeStatus::may_become) forbids the step.
    async fn move_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        version: u32,
        to: KnowledgeStatus,
    ) -> Result<()>;

    /// Approves a version in review and publishes it in the same moment, alone and in the place of the item's published
    /// one; answers the new release. Where the tenant gathers releases it is approved only, and `None` the answer.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such version, [`Conflict`](super::StorageErrorKind::Conflict)
    /// when it is not in review or has expired.
    async fn approve_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        version: u32,
    ) -> Result<Option<u64>>;

    /// Publishes every approved version at once, retires the versions they replace, and answers the new release.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant.
    async fn publish_knowledge(&self, act: &Act, tenant: &TenantId) -> Result<u64>;

    /// Retires all versions of an item and takes it off every list. A published text is gone from the next answer.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such item, [`Stale`](super::StorageErrorKind::Stale) when
    /// `latest` is said and is not its latest version.
    async fn remove_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        latest: Option<u32>,
    ) -> Result<()>;

    /// Adds each text, or drafts it as the next version of the item whose latest version has its language and title; one
    /// that says the same already is left alone, unless it is retired. Answers what became of each, in order.
    ///
    /// All of them in one transaction, so there should be few enough for others to wait. The same texts again change
    /// nothing, however many import them at the same time.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant.
    async fn import_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        into: ImportInto,
        texts: Vec<KnowledgeText>,
    ) -> Result<Vec<ImportedAs>>;

    /// Says whether approved versions wait for [`publish_knowledge`](Self::publish_knowledge).
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant.
    async fn gather_releases(&self, act: &Act, tenant: &TenantId, gathers: bool) -> Result<()>;

    /// An item over all its versions.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such item.
    async fn knowledge_item(&self, tenant: &TenantId, item: &KnowledgeId) -> Result<KnowledgeItem>;

    /// The items that a filter shows, the latest made first, behind `after`; at most `limit`.
    async fn knowledge_items(
        &self,
        tenant: &TenantId,
        filter: &KnowledgeFilter,
        after: Option<KnowledgeId>,
        limit: u32,
    ) -> Result<Vec<KnowledgeEntry>>;

    /// What a release holds for an audience, in the order in which the items were made, and the tenant's synonyms. It
    /// holds that also when later ones have been published.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant or it has not come to that release.
    async fn published_knowledge(
        &self,
        tenant: &TenantId,
        release: u64,
        audience: Audience,
    ) -> Result<(Vec<KnowledgeVersion>, Synonyms)>;
}
