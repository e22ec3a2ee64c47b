//! The audit.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::act::Act;
use crate::audit::{AuditPage, AuditQuery, NotedRead};
use crate::id::TenantId;

/// Reading who did what; rows are written by the calls of the other ports that they tell of.
///
/// The platform's own rows stand under [`PLATFORM_REALM`](crate::account::PLATFORM_REALM).
#[async_trait]
pub trait AuditStore: fmt::Debug + Send + Sync {
    /// A page of a tenant's rows, the latest first; none of a tenant that is not there.
    ///
    /// Pages are stable: what is written meanwhile stands before the first page, apart from rows of other nodes whose
    /// clocks are behind.
    async fn audit(&self, tenant: &TenantId, query: AuditQuery) -> Result<AuditPage>;

    /// Notes that something of a tenant's was read, which changes nothing and is worth a row all the same.
    async fn note_read(&self, act: &Act, tenant: &TenantId, read: NotedRead) -> Result<()>;
}
