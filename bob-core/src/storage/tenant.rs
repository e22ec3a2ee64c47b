//! Tenants, and finding them.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Result;
use crate::account::{Account, TenantRole};
use crate::act::Act;
use crate::credit::MilliCredits;
use crate::id::{KnowledgeId, TenantId};
use crate::identity::IdentitySettings;
use crate::knowledge::{KnowledgeText, Synonyms};
use crate::persona::Persona;
use crate::tenant::{FirstSteps, Standing, StandingChange, Tenant, TenantRef};
use crate::widget_key::{WidgetKey, WidgetSettings};

/// A business and all it needs to answer its first visitor.
#[derive(Debug, Clone)]
pub struct Onboarding {
    /// The business.
    pub tenant: Tenant,
    /// Its default persona, published.
    pub persona: Persona,
    /// Its first widget key.
    pub widget_key: WidgetKey,
    /// Texts that somebody approved already; published at once, in this order.
    pub knowledge: Vec<(KnowledgeId, KnowledgeText)>,
    /// Words that mean the same.
    pub synonyms: Synonyms,
    /// People of the business; an account whose address is known already is used as it is.
    pub people: Vec<(Account, TenantRole)>,
    /// What may be used until the first renewal; the ledger's first entry, unless it is nothing.
    pub credits: MilliCredits,
}

/// Everything about a tenant that a request needs and that changes seldom.
#[derive(Debug, Clone)]
pub struct TenantSnapshot {
    /// Grows with every change to what the snapshot holds.
    pub version: u64,
    /// The business.
    pub tenant: Tenant,
    /// The published default persona.
    pub persona: Persona,
    /// Its widget keys, ended ones too.
    pub widget_keys: Vec<WidgetKey>,
    /// The latest knowledge release; see [`release_at`](Self::release_at) for the one that holds.
    pub release: u64,
    /// When texts of that release expire: each moment once, in order.
    pub expiries: Vec<Timestamp>,
    /// Whether approved texts wait until they are published together.
    pub gathers_releases: bool,
    /// How the widget looks on the business's pages.
    pub widget: WidgetSettings,
    /// How its visitors may prove who they are.
    pub identity: IdentitySettings,
}

impl TenantSnapshot {
    /// The knowledge release that holds at `now`: each moment at which texts expire makes one more.
    ///
    /// Grows with each publication, and always stands for the same texts.
    #[must_use]
    pub fn release_at(&self, now: Timestamp) -> u64 {
        self.release + self.expiries.partition_point(|end| *end <= now) as u64
    }
}

/// Tenants, and what belongs to them directly.
#[async_trait]
pub trait TenantStore: fmt::Debug + Send + Sync {
    /// Creates a business with all it needs, in one transaction.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::StorageErrorKind::Conflict) when slug, identifier or a host is taken.
    async fn onboard(&self, act: &Act, onboarding: Onboarding) -> Result<()>;

    /// The tenant that a caller named; `None` when there is none.
    async fn find_tenant(&self, named: &TenantRef) -> Result<Option<TenantId>>;

    /// The tenant of a host name (lower-case ASCII without port); `None` when there is none.
    async fn tenant_of_host(&self, host: &str) -> Result<Option<TenantId>>;

    /// The version its snapshot has now; cheap enough to ask once a second.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant.
    async fn tenant_version(&self, tenant: &TenantId) -> Result<u64>;

    /// Its snapshot, all of one moment.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant.
    async fn tenant_snapshot(&self, tenant: &TenantId) -> Result<TenantSnapshot>;

    /// Tenants in the order of their identifiers, at most `limit` behind `after`.
    async fn tenants(&self, after: Option<TenantId>, limit: u32) -> Result<Vec<Tenant>>;

    /// Changes what stands in a tenant; its identifier, slug, standing and revision stay as they are.
    ///
    /// Answers the revision it has now.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant, [`Stale`](super::StorageErrorKind::Stale) when
    /// it has another revision than `revision`, [`Conflict`](super::StorageErrorKind::Conflict) when a host is another's.
    async fn change_tenant(&self, act: &Act, tenant: &TenantId, revision: u64, to: Tenant) -> Result<u64>;

    /// Closes a tenant's doors or opens them again, and answers how it stands now; what changes nothing is not recorded.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant,
    /// [`Conflict`](super::StorageErrorKind::Conflict) when the moment of its deletion has come.
    async fn change_standing(&self, act: &Act, tenant: &TenantId, change: StandingChange)
    -> Result<Standing>;

    /// How far a tenant is with its first steps.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant.
    async fn first_steps(&self, tenant: &TenantId) -> Result<FirstSteps>;

    /// Tenants whose moment of deletion has come at `now`, the longest ago first, at most `limit`.
    async fn due_deletions(&self, now: Timestamp, limit: u32) -> Result<Vec<TenantId>>;

    /// Deletes a part of a tenant whose moment has come at the act's time: its key first, so that nothing that was sealed
    /// can be read from then on, then everything else, at most `rows` rows of each kind at a time. `false` when nothing
    /// is left. Accounts stay: a person may belong elsewhere.
    ///
    /// Beginning and end are recorded on the platform, since the tenant's own records go too. May be repeated, also by
    /// another node, and goes on where the last call ended.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant,
    /// [`Conflict`](super::StorageErrorKind::Conflict) when its moment has not come.
    async fn erase_tenant(&self, act: &Act, tenant: &TenantId, rows: u32) -> Result<bool>;
}
