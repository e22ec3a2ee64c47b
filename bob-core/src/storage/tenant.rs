//! Tenants, and finding them.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::account::{Account, TenantRole};
use crate::act::Act;
use crate::credit::MilliCredits;
use crate::id::{KnowledgeId, TenantId};
use crate::identity::IdentitySettings;
use crate::knowledge::{KnowledgeText, Synonyms};
use crate::persona::Persona;
use crate::tenant::{Tenant, TenantRef};
use crate::widget_key::WidgetKey;

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
    /// The knowledge release; grows with each publication.
    pub release: u64,
    /// How its visitors may prove who they are.
    pub identity: IdentitySettings,
}

/// Tenants, and what belongs to them directly.
#[async_trait]
pub trait TenantStore: fmt::Debug + Send + Sync {
    /// Creates a business with all it needs, in one transaction.
    ///
    /// # Errors
    ///
    /// [`Conflict`](StorageErrorKind::Conflict) when slug, identifier or a host is taken.
    async fn onboard(&self, act: &Act, onboarding: Onboarding) -> Result<()>;

    /// The tenant that a caller named; `None` when there is none.
    async fn find_tenant(&self, named: &TenantRef) -> Result<Option<TenantId>>;

    /// The tenant of a host name (lower-case ASCII without port); `None` when there is none.
    async fn tenant_of_host(&self, host: &str) -> Result<Option<TenantId>>;

    /// The version its snapshot has now; cheap enough to ask once a second.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is no such tenant.
    async fn tenant_version(&self, tenant: &TenantId) -> Result<u64>;

    /// Its snapshot, all of one moment.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is no such tenant.
    async fn tenant_snapshot(&self, tenant: &TenantId) -> Result<TenantSnapshot>;
}
