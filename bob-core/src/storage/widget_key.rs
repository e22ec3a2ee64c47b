//! Widget keys, and how the widget looks.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Result;
use crate::act::Act;
use crate::id::{TenantId, WidgetKeyId};
use crate::origin::OriginPattern;
use crate::widget_key::{KeySettings, PublishableKey, WidgetKey, WidgetSettings};

/// Widget keys, the origins on their lists, and how the widget looks.
///
/// A tenant has at most [`MOST_KEYS`](crate::widget_key::MOST_KEYS) live keys. As many of those that have ended are kept,
/// the latest; when a key is added, older ones are forgotten.
#[async_trait]
pub trait WidgetKeyStore: fmt::Debug + Send + Sync {
    /// Adds a widget key.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant, [`Conflict`](super::StorageErrorKind::Conflict)
    /// when the key exists or the tenant has as many live ones as it may.
    async fn add_widget_key(&self, act: &Act, tenant: &TenantId, key: WidgetKey) -> Result<()>;

    /// Sets all that a key's people set, and answers its next version.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such key, [`Conflict`](super::StorageErrorKind::Conflict)
    /// when it has ended, [`Stale`](super::StorageErrorKind::Stale) when `version` is not its version.
    async fn change_widget_key(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        version: u64,
        settings: KeySettings,
    ) -> Result<u64>;

    /// Adds a key with another's settings, and ends that one at a moment, now or later.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such key, [`Conflict`](super::StorageErrorKind::Conflict)
    /// when an end is set for it already, or the tenant would have more live keys than it may,
    /// [`Stale`](super::StorageErrorKind::Stale) when `version` is not its version.
    async fn rotate_widget_key(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        version: u64,
        next: (WidgetKeyId, PublishableKey),
        ends_at: Timestamp,
    ) -> Result<()>;

    /// Adds origins to a key, those that it has not yet; whoever adds others meanwhile loses nothing.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such key.
    async fn add_key_origins(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        origins: Vec<OriginPattern>,
    ) -> Result<()>;

    /// Ends a key at a moment, now or later; one that ends earlier already still does.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such key.
    async fn end_widget_key(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        ends_at: Timestamp,
    ) -> Result<()>;

    /// Sets how the widget looks, whatever version `settings` says, and answers the next one.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant, [`Stale`](super::StorageErrorKind::Stale) when
    /// `version` is said and is not the version of what is set.
    async fn set_widget_settings(
        &self,
        act: &Act,
        tenant: &TenantId,
        version: Option<u64>,
        settings: WidgetSettings,
    ) -> Result<u64>;

    /// The origins of all keys of all tenants that are live at `now`: the index for preflights that name no tenant.
    async fn live_origins(&self, now: Timestamp) -> Result<Vec<OriginPattern>>;
}
