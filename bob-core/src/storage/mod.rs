//! The storage ports. Each method is one transaction: all of it is committed, or none.
//!
//! The tenant always comes first: a call that forgets it cannot be written, and what belongs to another tenant is
//! [`NotFound`](StorageErrorKind::NotFound), the same as what does not exist. Every mutating call takes an [`Act`] and
//! records it in the same transaction. When a mutating call answers `Ok`, what it wrote survives a crash of the process
//! (for stores on disk). After [`Unavailable`](StorageErrorKind::Unavailable) nothing was written, unless the method
//! says otherwise.
//!
//! [`memory`] implements all of them; the claims in `testing` (feature `testing`) hold for every implementation.

mod error;
pub mod memory;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::account::{
    Account, Email, Login, Membership, PasswordHash, PlatformRole, RefreshOutcome, TenantRole,
};
use crate::act::Act;
use crate::conversation::{Conversation, ConversationKey, History, Owner, Ownership};
use crate::credit::{
    CreditBalance, CreditChange, CreditChanged, CreditUsage, LedgerPage, MilliCredits, Renewal, Reservation,
};
use crate::id::{AccountId, ConversationId, KnowledgeId, LoginId, TenantId, TurnId, VisitorId, WidgetKeyId};
use crate::keyring::PurposeKeys;
use crate::knowledge::{Audience, KnowledgeStatus, KnowledgeText, KnowledgeVersion, Synonyms};
use crate::origin::OriginPattern;
use crate::outbox::OutboxEvent;
use crate::persona::Persona;
use crate::pricebook::Pricebook;
use crate::tenant::{Tenant, TenantRef};
use crate::turn::{Lease, TurnClosing, TurnFinish, TurnOpening, TurnStart, TurnState};
use crate::widget_key::WidgetKey;

pub use error::{StorageError, StorageErrorKind};

/// What a store call answers.
pub type Result<T> = std::result::Result<T, StorageError>;

/// All storage ports together.
#[async_trait]
pub trait Storage:
    TenantStore
    + KnowledgeStore
    + AccountStore
    + LoginStore
    + TurnStore
    + ConversationStore
    + CreditStore
    + PricebookStore
    + OutboxStore
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

    /// Writes and reads something small, to learn whether turns could be stored.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](StorageErrorKind::Unavailable) when they could not.
    async fn check(&self) -> Result<()>;
}

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

/// People who sign in.
#[async_trait]
pub trait AccountStore: fmt::Debug + Send + Sync {
    /// Creates a person.
    ///
    /// # Errors
    ///
    /// [`Conflict`](StorageErrorKind::Conflict) when the address is taken.
    async fn create_account(&self, act: &Act, account: Account) -> Result<()>;

    /// The person with an address.
    async fn account_by_email(&self, email: &Email) -> Result<Option<Account>>;

    /// A person.
    async fn account(&self, account: &AccountId) -> Result<Option<Account>>;

    /// Whether there is anybody with a platform role.
    async fn has_platform_people(&self) -> Result<bool>;

    /// Sets what a password is checked against.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is no such person.
    async fn set_password(&self, act: &Act, account: &AccountId, password: PasswordHash) -> Result<()>;

    /// Sets or takes a platform role.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is no such person.
    async fn set_platform_role(
        &self,
        act: &Act,
        account: &AccountId,
        role: Option<PlatformRole>,
    ) -> Result<()>;

    /// The businesses a person belongs to, by name.
    async fn memberships(&self, account: &AccountId) -> Result<Vec<Membership>>;
}

/// Sign-ins. A platform person's are kept under the nil tenant.
#[async_trait]
pub trait LoginStore: fmt::Debug + Send + Sync {
    /// Stores a sign-in with its first refresh token.
    async fn open_login(&self, act: &Act, login: Login, refresh: [u8; 32]) -> Result<()>;

    /// A sign-in, ended ones too.
    async fn login(&self, realm: &TenantId, login: &LoginId) -> Result<Option<Login>>;

    /// Notes that a sign-in was used, and makes it last until `idle_until`. Not a deed worth recording, so it takes no act.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is none or it has ended.
    async fn touch_login(&self, realm: &TenantId, login: &LoginId, idle_until: Timestamp) -> Result<()>;

    /// Uses up a refresh token and stores the next one.
    ///
    /// A token that was used before ends the sign-in: somebody else has a copy. All in one transaction.
    async fn rotate_refresh(
        &self,
        act: &Act,
        realm: &TenantId,
        login: &LoginId,
        used: [u8; 32],
        next: [u8; 32],
    ) -> Result<RefreshOutcome>;

    /// Ends a sign-in; ending an ended one changes nothing.
    async fn end_login(&self, act: &Act, realm: &TenantId, login: &LoginId) -> Result<()>;
}

/// Both transactions of a turn, with every row in them.
#[async_trait]
pub trait TurnStore: fmt::Debug + Send + Sync {
    /// Opens a turn: dedupes by idempotency key, finds or begins the conversation, checks its owner, reserves credits,
    /// stores the visitor's message and returns the recent history.
    ///
    /// At most one turn of a conversation is open. An open turn whose lease has run out is given up first, as
    /// [`sweep_turns`](Self::sweep_turns) would. If the answer is lost, the call may be repeated under the same
    /// idempotency key. When nothing came of it, the repetition goes on in the same conversation and takes over the
    /// question where it stands; none is stored again.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is no such tenant.
    async fn begin_turn(&self, act: &Act, tenant: &TenantId, start: TurnStart) -> Result<TurnOpening>;

    /// Makes a lease last from the act's time on again; `None` when it is lost: run out, taken over, or the owner changed.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when the tenant has no such turn.
    async fn renew_turn(
        &self,
        act: &Act,
        tenant: &TenantId,
        turn: &TurnId,
        lease: &Lease,
    ) -> Result<Option<Lease>>;

    /// Reserves `more` for an open turn, by the same rules as [`begin_turn`](Self::begin_turn), and answers all that it
    /// now holds; `None` when credits or budgets do not reach for it, or the lease is lost. Whoever calls a model or a tool
    /// again needs this first.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when the tenant has no such turn.
    async fn extend_turn(
        &self,
        act: &Act,
        tenant: &TenantId,
        turn: &TurnId,
        lease: &Lease,
        more: MilliCredits,
    ) -> Result<Option<Reservation>>;

    /// Closes a turn: stores the answer with its versions, settles the reservation exactly once.
    ///
    /// A finish with a stale lease or epoch never adds an answer; it keeps it as superseded, settles and closes.
    /// Repeating a finish that was stored answers the same and settles nothing again.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when the tenant has no such turn.
    async fn finish_turn(&self, act: &Act, tenant: &TenantId, finish: TurnFinish) -> Result<TurnClosing>;

    /// Gives up open turns whose lease has run out: frees their conversations, releases their reservations in full.
    ///
    /// Works over all tenants, at most `limit` turns at a time, and answers how many it gave up.
    async fn sweep_turns(&self, act: &Act, limit: u32) -> Result<u32>;
}

/// Reading conversations, and changing who speaks in them.
#[async_trait]
pub trait ConversationStore: fmt::Debug + Send + Sync {
    /// The conversation of a key; `None` when there is none.
    async fn conversation(&self, tenant: &TenantId, key: &ConversationKey) -> Result<Option<Conversation>>;

    /// The latest messages of a conversation before number `before` (`None`: before the end), at most `limit`, oldest
    /// first.
    ///
    /// Superseded answers are no part of it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when the tenant has no such conversation.
    async fn history(
        &self,
        tenant: &TenantId,
        conversation: &ConversationId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<History>;

    /// A turn of a visitor through a door.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when the tenant has no such turn or it is another visitor's.
    async fn turn(
        &self,
        tenant: &TenantId,
        door: crate::conversation::Door,
        visitor: &VisitorId,
        turn: &TurnId,
    ) -> Result<TurnState>;

    /// Changes who speaks, if the epoch still is `epoch`; answers the new ownership.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when the tenant has no such conversation,
    /// [`Conflict`](StorageErrorKind::Conflict) when the owner changed meanwhile.
    async fn change_owner(
        &self,
        act: &Act,
        tenant: &TenantId,
        conversation: &ConversationId,
        epoch: u64,
        owner: Owner,
    ) -> Result<Ownership>;
}

/// What tenants have to spend, and how it came and went.
#[async_trait]
pub trait CreditStore: fmt::Debug + Send + Sync {
    /// What the tenant has, holds and has used.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is no such tenant.
    async fn credit_balance(&self, tenant: &TenantId) -> Result<CreditBalance>;

    /// How the tenant stands in its current period.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is no such tenant.
    async fn credit_usage(&self, tenant: &TenantId) -> Result<CreditUsage>;

    /// The latest entries before number `before` (`None`: before the end), at most `limit`, the latest first.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is no such tenant.
    async fn ledger(&self, tenant: &TenantId, before: Option<u64>, limit: u32) -> Result<LedgerPage>;

    /// Grants credits or takes some back, with a reason, and answers what became of it.
    ///
    /// The identifier is looked at first: one that has an entry is [`Repeated`](CreditChanged::Repeated) or a
    /// [`Mismatch`](CreditChanged::Mismatch) whatever is left, and one that has none is neither, however many changes are
    /// made at once. A change that was not entered leaves its identifier free. Audit and outbox tell only what was
    /// [`Entered`](CreditChanged::Entered).
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is no such tenant.
    async fn change_credits(
        &self,
        act: &Act,
        tenant: &TenantId,
        change: CreditChange,
    ) -> Result<CreditChanged>;

    /// The tenants whose period has ended at `now`, and when it did; at most `limit`, the longest ended first.
    async fn due_renewals(&self, now: Timestamp, limit: u32) -> Result<Vec<(TenantId, Timestamp)>>;

    /// Begins a tenant's next period: what the plan included and was not used expires, as far as no open turn holds it,
    /// and the plan's credits are granted. `false` when it was begun already; nothing happens then.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) when there is no such tenant.
    async fn renew_credits(&self, act: &Act, tenant: &TenantId, renewal: Renewal) -> Result<bool>;
}

/// The versions of the pricebook, which belong to no tenant.
#[async_trait]
pub trait PricebookStore: fmt::Debug + Send + Sync {
    /// Publishes the first version, if there is none yet.
    async fn found_pricebook(&self, act: &Act, book: Pricebook) -> Result<()>;

    /// The version that holds at `now`.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StorageErrorKind::NotFound) before one was published.
    async fn published_pricebook(&self, now: Timestamp) -> Result<Pricebook>;
}

/// Reading what happened; rows are written by the calls of the other ports that they tell of.
#[async_trait]
pub trait OutboxStore: fmt::Debug + Send + Sync {
    /// A tenant's events behind the one with this identifier, oldest first, at most `limit`.
    async fn outbox(&self, tenant: &TenantId, after: Option<Uuid>, limit: u32) -> Result<Vec<OutboxEvent>>;
}

/// The wrapped keys of tenants and of the platform.
#[async_trait]
pub trait KeyStore: fmt::Debug + Send + Sync {
    /// Wraps keys anew by the current key-encryption key, at most `limit` of those that are not yet, and answers how many
    /// it did; 0 when all are.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](StorageErrorKind::Unavailable) when the keyring does not hold the key that one was wrapped by.
    async fn rewrap_keys(&self, act: &Act, limit: u32) -> Result<u32>;
}

/// Storage that is shared.
pub type SharedStorage = Arc<dyn Storage>;
