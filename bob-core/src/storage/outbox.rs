//! What happened.

use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;

use super::Result;
use crate::id::TenantId;
use crate::outbox::OutboxEvent;

/// Reading what happened; rows are written by the calls of the other ports that they tell of.
#[async_trait]
pub trait OutboxStore: fmt::Debug + Send + Sync {
    /// A tenant's events behind the one with this identifier, oldest first, at most `limit`.
    async fn outbox(&self, tenant: &TenantId, after: Option<Uuid>, limit: u32) -> Result<Vec<OutboxEvent>>;
}
