//! The storage ports. Each method is one transaction: all of it is committed, or none.
//!
//! The tenant always comes first: a call that forgets it cannot be written, and what belongs to another tenant is
//! [`NotFound`](StorageErrorKind::NotFound), the same as what does not exist. Every mutating call takes an [`Act`](crate::act::Act) and
//! records it in the same transaction. When a mutating call answers `Ok`, what it wrote survives a crash of the process
//! (for stores on disk). After [`Unavailable`](StorageErrorKind::Unavailable) nothing was written, unless the method
//! says otherwise.
//!
//! [`memory`] implements all of them; the claims in `testing` (feature `testing`) hold for every implementation.

mod account;
mod audit;
mod conversation;
mod credit;
mod error;
mod identity;
mod inbox;
mod key;
mod knowledge;
mod link;
mod login;
mod member;
pub mod memory;
mod outbox;
mod persona;
mod pricebook;
mod signing_key;
mod tenant;
mod turn;
mod visitor;
mod widget_key;

use std::fmt;
use std::sync::Arc;

use crate::id::TenantId;
use crate::inbox::Stir;
use crate::keyring::PurposeKeys;
use async_trait::async_trait;
use tokio::sync::broadcast;

pub use account::AccountStore;
pub use audit::AuditStore;
pub use conversation::ConversationStore;
pub use credit::CreditStore;
pub use error::{StorageError, StorageErrorKind};
pub use identity::IdentityStore;
pub use inbox::InboxStore;
pub use key::KeyStore;
pub use knowledge::KnowledgeStore;
pub use link::LinkStore;
pub use login::LoginStore;
pub use member::MemberStore;
pub use outbox::OutboxStore;
pub use persona::PersonaStore;
pub use pricebook::PricebookStore;
pub use signing_key::SigningKeyStore;
pub use tenant::{Onboarding, TenantSnapshot, TenantStore};
pub use turn::TurnStore;
pub use visitor::VisitorStore;
pub use widget_key::WidgetKeyStore;

/// What a store call answers.
pub type Result<T> = std::result::Result<T, StorageError>;

/// All storage ports together.
#[async_trait]
pub trait Storage:
    TenantStore
    + PersonaStore
    + WidgetKeyStore
    + KnowledgeStore
    + AccountStore
    + MemberStore
    + LinkStore
    + LoginStore
    + SigningKeyStore
    + TurnStore
    + VisitorStore
    + IdentityStore
    + ConversationStore
    + InboxStore
    + CreditStore
    + PricebookStore
    + OutboxStore
    + AuditStore
    + KeyStore
    + fmt::Debug
    + 'static
{
    /// A short name for health pages: `memory`, `sqlite`, `postgres`.
    fn name(&self) -> &'static str;

    /// The keys that sign tokens; the same for all nodes on one database.
    fn purpose_keys(&self) -> &PurposeKeys;

    /// What an operator should change about the database, in sentences of ours; for health pages.
    fn warnings(&self) -> &[&'static str] {
        &[]
    }

    /// The tenants whose snapshots change from now on, where the database tells of it: felt at once then, and after a
    /// second anyway.
    fn changes(&self) -> Option<broadcast::Receiver<TenantId>> {
        None
    }

    /// What happens in conversations from now on, where the database tells of it at once; it may leave things out.
    fn stirs(&self) -> Option<broadcast::Receiver<Stir>> {
        None
    }

    /// Tells other nodes that something happens in a conversation, where the database can; nothing is stored.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](StorageErrorKind::Unavailable) when they could not be told.
    async fn tell_stir(&self, _stir: Stir) -> Result<()> {
        Ok(())
    }

    /// Writes and reads something small, to learn whether turns could be stored.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](StorageErrorKind::Unavailable) when they could not.
    async fn check(&self) -> Result<()>;
}

/// Storage that is shared.
pub type SharedStorage = Arc<dyn Storage>;
