//! Visitors: who they are said to be, what is theirs, and claiming what they said before they signed in.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::Result;
use crate::act::Act;
use crate::id::{TenantId, VisitorId};
use crate::visitor::{Claim, Claimable, Claimed, KnownVisitor, OwnConversation, VisitorProfile};

/// Who visitors are, and what is theirs.
///
/// A visitor whose conversations were claimed has *ended*: [`begin_turn`](super::TurnStore::begin_turn) opens nothing for
/// them any more, and no secret session continues what is left of theirs. Neither does one continue a conversation of a
/// verified visitor.
#[async_trait]
pub trait VisitorStore: fmt::Debug + Send + Sync {
    /// The visitor that a proven person is, by the issuer and the subject of the profile; made when there is none. What
    /// is said of them is kept as it was said last, sealed under the visitor's key.
    ///
    /// However many ask at once, on however many nodes, one person is one visitor. Writes nothing when nothing is new.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no such tenant.
    async fn recognise_visitor(
        &self,
        act: &Act,
        tenant: &TenantId,
        profile: VisitorProfile,
    ) -> Result<VisitorId>;

    /// Keeps what the page says, unproven, of a visitor; of a verified one nothing is changed.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has no such visitor.
    async fn introduce_visitor(
        &self,
        act: &Act,
        tenant: &TenantId,
        visitor: &VisitorId,
        profile: VisitorProfile,
    ) -> Result<()>;

    /// What is known of a visitor; `None` when the tenant has no such one.
    async fn visitor(&self, tenant: &TenantId, visitor: &VisitorId) -> Result<Option<KnownVisitor>>;

    /// The visitor's conversations through all doors, the one that began last first, behind `after`, at most `limit`.
    async fn own_conversations(
        &self,
        tenant: &TenantId,
        visitor: &VisitorId,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<OwnConversation>>;

    /// What `identified` could claim of an anonymous visitor: the conversations in which something was said since
    /// `since`. Nothing, when that one has ended or is not anonymous, or this person declined.
    async fn claimable(
        &self,
        tenant: &TenantId,
        anonymous: &VisitorId,
        identified: &VisitorId,
        since: Timestamp,
    ) -> Result<Claimable>;

    /// Merges an anonymous visitor's conversations into a verified one's and ends the anonymous one, or notes that it was
    /// declined.
    ///
    /// What was sealed under the one visitor's key is sealed anew under the other's, so that forgetting either forgets
    /// what is theirs. A conversation whose name the identified visitor has used gets a new one. Of all who claim one
    /// visitor at once, one wins.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when the tenant has not both of the visitors.
    async fn claim_visitor(&self, act: &Act, tenant: &TenantId, claim: Claim) -> Result<Claimed>;
}
