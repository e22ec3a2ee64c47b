//! Widget keys.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Result;
use crate::act::Act;
use crate::id::{TenantId, WidgetKeyId};
use crate::origin::OriginPattern;
use crate::widget_key::WidgetKey;

/// Widget keys and the origins on their lists.
#[async_trait]
pub trait WidgetKeyStore: fmt::Debug + Send + Sync {
    /// Adds a widget key.
    ///
    /// # Errors
    ///
    /// [`Conflict`](StorageErrorKind::Conflict) when the key exists.
    async fn add_widget_key(&self, act: &Act, tenant: &TenantId, key: WidgetKey) -> Result<()>;

    /// Sets the origins of a key, all at once.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when the tenant has no such key.
    async fn set_key_origins(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        origins: Vec<OriginPattern>,
    ) -> Result<()>;

    /// Adds origins to a key, those that it has not yet; whoever adds others meanwhile loses nothing.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when the tenant has no such key.
    async fn add_key_origins(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        origins: Vec<OriginPattern>,
    ) -> Result<()>;

    /// Ends a key at a moment, now or later.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when the tenant has no such key.
    async fn end_widget_key(
        &self,
        act: &Act,
        tenant: &TenantId,
        key: &WidgetKeyId,
        ends_at: Timestamp,
    ) -> Result<()>;

    /// The origins of all keys of all tenants that are live at `now`: the index for preflights that name no tenant.
    async fn live_origins(&self, now: Timestamp) -> Result<Vec<OriginPattern>>;
}
