//! The memory store behind a watch: it notes what is written, and fails on demand.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bob_core::account::{
    Account, Email, LinkToken, LinkUse, Login, Member, MemberAdded, MemberChange, MemberOutcome, Membership,
    NewLink, NewMember, PasswordHash, RefreshOutcome, SigningKey,
};
use bob_core::act::Act;
use bob_core::audit::{AuditPage, AuditQuery, NotedRead};
use bob_core::conversation::{
    Conversation, ConversationKey, Door, History, Ownership, SpeakerChange, SpeakerChanged,
};
use bob_core::credit::{
    CreditBalance, CreditChange, CreditChanged, CreditUsage, LedgerPage, MilliCredits, Renewal, Reservation,
};
use bob_core::id::{
    AccountId, ConversationId, KnowledgeId, LoginId, PersonaId, TenantId, TurnId, VisitorId, WidgetKeyId,
};
use bob_core::identity::{IdentityChange, IdentityChanged};
use bob_core::inbox::{InboxEntry, InboxFilter, InboxPlace, PersonReply, Replied};
use bob_core::keyring::PurposeKeys;
use bob_core::knowledge::{
    Audience, ImportInto, ImportedAs, KnowledgeEntry, KnowledgeFilter, KnowledgeItem, KnowledgeStatus,
    KnowledgeText, KnowledgeVersion, Synonyms,
};
use bob_core::origin::OriginPattern;
use bob_core::outbox::OutboxEvent;
use bob_core::persona::{PersonaOverview, PersonaText, PersonaVersion, Written};
use bob_core::pricebook::Pricebook;
use bob_core::storage::memory::MemoryStorage;
use bob_core::storage::{
    AccountStore, AuditStore, ConversationStore, CreditStore, IdentityStore, InboxStore, KeyStore,
    KnowledgeStore, LinkStore, LoginStore, MemberStore, Onboarding, OutboxStore, PersonaStore,
    PricebookStore, Result, SigningKeyStore, Storage, StorageError, StorageErrorKind, TenantSnapshot,
    TenantStore, TurnStore, VisitorStore, WidgetKeyStore,
};
use bob_core::tenant::{FirstSteps, Standing, StandingChange, Tenant, TenantRef};
use bob_core::turn::{Lease, TurnClosing, TurnFinish, TurnOpening, TurnStart, TurnState};
use bob_core::visitor::{Claim, Claimable, Claimed, KnownVisitor, OwnConversation, VisitorProfile};
use bob_core::widget_key::{KeySettings, PublishableKey, WidgetKey, WidgetSettings};
use jiff::Timestamp;
use uuid::Uuid;

/// What health pages tell about the store.
pub const WARNING: &str = "This store is watched.";

/// What goes wrong with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    #[default]
    None,
    /// Every call answers that the database is gone.
    Gone,
    /// One operation answers so.
    GoneFor(&'static str),
    /// One operation panics.
    PanicIn(&'static str),
    /// One operation answers that its data makes no sense.
    CorruptIn(&'static str),
}

/// The memory store, watched.
#[derive(Debug, Default)]
pub struct Watched {
    inner: MemoryStorage,
    fault: Mutex<Fault>,
    writes: Mutex<Vec<&'static str>>,
}

impl Watched {
    /// From now on this goes wrong.
    pub fn fail(&self, fault: Fault) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// The names of the operations that wrote something, in order; the workers' aside.
    pub fn writes(&self) -> Vec<&'static str> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn forget(&self) {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn meet(&self, operation: &'static str) -> Result<()> {
        let fault = *self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = match fault {
            Fault::Gone => StorageErrorKind::Unavailable,
            Fault::GoneFor(which) if which == operation => StorageErrorKind::Unavailable,
            Fault::CorruptIn(which) if which == operation => StorageErrorKind::Corrupt,
            Fault::PanicIn(which) if which == operation => panic!("{operation} panics in this test"),
            _ => return Ok(()),
        };
        Err(StorageError::new(kind, operation))
    }

    fn note(&self, is_write: bool, operation: &'static str) {
        if is_write && !matches!(operation, "sweep_turns" | "renew_credits") {
            self.writes.lock().unwrap_or_else(PoisonError::into_inner).push(operation);
        }
    }
}

macro_rules! is_write {
    (read) => {
        false
    };
    (write) => {
        true
    };
}

macro_rules! ports {
    ($($port:ident { $($kind:ident $name:ident($($arg:ident: $type:ty),*) -> $out:ty;)* })*) => {$(
        #[async_trait]
        impl $port for Watched {$(
            async fn $name(&self, $($arg: $type),*) -> Result<$out> {
                self.meet(stringify!($name))?;
                let done = self.inner.$name($($arg),*).await;
                // As with a database elsewhere, others go on while the answer is on its way.
                tokio::task::yield_now().await;
                let done = done?;
                self.note(is_write!($kind), stringify!($name));
                Ok(done)
            }
        )*}
    )*};
}

ports! {
    TenantStore {
        write onboard(act: &Act, onboarding: Onboarding) -> ();
        read find_tenant(named: &TenantRef) -> Option<TenantId>;
        read tenant_of_host(host: &str) -> Option<TenantId>;
        read tenant_version(tenant: &TenantId) -> u64;
        read tenant_snapshot(tenant: &TenantId) -> TenantSnapshot;
        read tenants(after: Option<TenantId>, limit: u32) -> Vec<Tenant>;
        write change_tenant(act: &Act, tenant: &TenantId, revision: u64, to: Tenant) -> u64;
        write change_standing(act: &Act, tenant: &TenantId, change: StandingChange) -> Standing;
        read first_steps(tenant: &TenantId) -> FirstSteps;
        read due_deletions(now: Timestamp, limit: u32) -> Vec<TenantId>;
        write erase_tenant(act: &Act, tenant: &TenantId, rows: u32) -> bool;
    }
    PersonaStore {
        read personas(tenant: &TenantId, after: Option<PersonaId>, limit: u32) -> Vec<PersonaOverview>;
        read persona(tenant: &TenantId, persona: &PersonaId) -> PersonaOverview;
        read persona_versions(tenant: &TenantId, persona: &PersonaId, before: Option<u32>, limit: u32) -> Vec<PersonaVersion>;
        write add_persona(act: &Act, tenant: &TenantId, persona: &PersonaId, text: PersonaText, written: Written) -> PersonaOverview;
        write write_persona(act: &Act, tenant: &TenantId, persona: &PersonaId, expected: Option<u32>, text: PersonaText, written: Written) -> PersonaOverview;
        write publish_persona(act: &Act, tenant: &TenantId, persona: &PersonaId, version: u32, expected: Option<u32>) -> PersonaOverview;
        write set_default_persona(act: &Act, tenant: &TenantId, persona: &PersonaId) -> PersonaOverview;
        write delete_persona(act: &Act, tenant: &TenantId, persona: &PersonaId, expected: Option<u32>) -> ();
    }
    WidgetKeyStore {
        write add_widget_key(act: &Act, tenant: &TenantId, key: WidgetKey) -> ();
        write add_key_origins(act: &Act, tenant: &TenantId, key: &WidgetKeyId, origins: Vec<OriginPattern>) -> ();
        write change_widget_key(act: &Act, tenant: &TenantId, key: &WidgetKeyId, version: u64, settings: KeySettings) -> u64;
        write rotate_widget_key(act: &Act, tenant: &TenantId, key: &WidgetKeyId, version: u64, next: (WidgetKeyId, PublishableKey), ends_at: Timestamp) -> ();
        write set_widget_settings(act: &Act, tenant: &TenantId, version: Option<u64>, settings: WidgetSettings) -> u64;
        write end_widget_key(act: &Act, tenant: &TenantId, key: &WidgetKeyId, ends_at: Timestamp) -> ();
        read live_origins(now: Timestamp) -> Vec<OriginPattern>;
    }
    KnowledgeStore {
        write add_knowledge(act: &Act, tenant: &TenantId, item: &KnowledgeId, text: KnowledgeText) -> KnowledgeVersion;
        write draft_knowledge(act: &Act, tenant: &TenantId, item: &KnowledgeId, latest: Option<u32>, text: KnowledgeText) -> KnowledgeVersion;
        write move_knowledge(act: &Act, tenant: &TenantId, item: &KnowledgeId, version: u32, to: KnowledgeStatus) -> ();
        write approve_knowledge(act: &Act, tenant: &TenantId, item: &KnowledgeId, version: u32) -> Option<u64>;
        write publish_knowledge(act: &Act, tenant: &TenantId) -> u64;
        write remove_knowledge(act: &Act, tenant: &TenantId, item: &KnowledgeId, latest: Option<u32>) -> ();
        write import_knowledge(act: &Act, tenant: &TenantId, into: ImportInto, texts: Vec<KnowledgeText>) -> Vec<ImportedAs>;
        write gather_releases(act: &Act, tenant: &TenantId, gathers: bool) -> ();
        read knowledge_item(tenant: &TenantId, item: &KnowledgeId) -> KnowledgeItem;
        read knowledge_items(tenant: &TenantId, filter: &KnowledgeFilter, after: Option<KnowledgeId>, limit: u32) -> Vec<KnowledgeEntry>;
        read published_knowledge(tenant: &TenantId, release: u64, audience: Audience) -> (Vec<KnowledgeVersion>, Synonyms);
    }
    AccountStore {
        write create_account(act: &Act, account: Account) -> ();
        read account_by_email(email: &Email) -> Option<Account>;
        read account(account: &AccountId) -> Option<Account>;
        read has_platform_people() -> bool;
        write set_password(act: &Act, account: &AccountId, password: PasswordHash) -> ();
        read memberships(account: &AccountId) -> Vec<Membership>;
    }
    MemberStore {
        read members(realm: &TenantId, after: Option<AccountId>, limit: u32) -> Vec<Member>;
        read member(realm: &TenantId, account: &AccountId) -> Member;
        write add_member(act: &Act, realm: &TenantId, new: NewMember) -> MemberAdded;
        write change_member(act: &Act, realm: &TenantId, account: &AccountId, change: MemberChange) -> MemberOutcome;
        write remove_member(act: &Act, realm: &TenantId, account: &AccountId, expected: Option<u64>) -> MemberOutcome;
        write disable_account(act: &Act, account: &AccountId, disabled: bool) -> MemberOutcome;
    }
    LinkStore {
        write store_link(act: &Act, link: NewLink) -> bool;
        read link_holds(act: &Act, token: &LinkToken) -> bool;
        write use_link(act: &Act, used: LinkUse) -> bool;
    }
    LoginStore {
        write open_login(act: &Act, login: Login, refresh: [u8; 32]) -> ();
        read login(realm: &TenantId, login: &LoginId) -> Option<Login>;
        write touch_login(realm: &TenantId, login: &LoginId, idle_until: Timestamp) -> ();
        write rotate_refresh(act: &Act, realm: &TenantId, login: &LoginId, used: [u8; 32], next: [u8; 32]) -> RefreshOutcome;
        write end_login(act: &Act, realm: &TenantId, login: &LoginId) -> ();
        read logins_of(realm: &TenantId, account: &AccountId, now: Timestamp, before: Option<LoginId>, limit: u32) -> Vec<Login>;
        write end_other_logins(act: &Act, realm: &TenantId, account: &AccountId, kept: &LoginId) -> Vec<LoginId>;
    }
    SigningKeyStore {
        read signing_keys(now: Timestamp) -> Vec<SigningKey>;
        write add_signing_key(act: &Act, key: SigningKey) -> bool;
        write replace_signing_keys(act: &Act, key: SigningKey) -> bool;
    }
    TurnStore {
        write begin_turn(act: &Act, tenant: &TenantId, start: TurnStart) -> TurnOpening;
        write renew_turn(act: &Act, tenant: &TenantId, turn: &TurnId, lease: &Lease) -> Option<Lease>;
        write extend_turn(act: &Act, tenant: &TenantId, turn: &TurnId, lease: &Lease, more: MilliCredits) -> Option<Reservation>;
        write finish_turn(act: &Act, tenant: &TenantId, finish: TurnFinish) -> TurnClosing;
        write sweep_turns(act: &Act, limit: u32) -> u32;
    }
    ConversationStore {
        read conversation(tenant: &TenantId, key: &ConversationKey) -> Option<Conversation>;
        read history(tenant: &TenantId, conversation: &ConversationId, before: Option<u64>, limit: u32) -> History;
        read turn(tenant: &TenantId, door: Door, visitor: &VisitorId, turn: &TurnId) -> TurnState;
        read ownership(tenant: &TenantId, conversation: &ConversationId) -> Ownership;
    }
    InboxStore {
        read inbox(tenant: &TenantId, filter: &InboxFilter, after: Option<InboxPlace>, limit: u32) -> Vec<InboxEntry>;
        read inbox_entry(tenant: &TenantId, conversation: &ConversationId) -> InboxEntry;
        write change_speaker(act: &Act, tenant: &TenantId, conversation: &ConversationId, change: SpeakerChange) -> SpeakerChanged;
        write reply(act: &Act, tenant: &TenantId, conversation: &ConversationId, reply: PersonReply) -> Replied;
        write note_reading(act: &Act, tenant: &TenantId, conversation: &ConversationId) -> ();
    }
    CreditStore {
        read credit_balance(tenant: &TenantId) -> CreditBalance;
        read credit_usage(tenant: &TenantId) -> CreditUsage;
        read ledger(tenant: &TenantId, before: Option<u64>, limit: u32) -> LedgerPage;
        write change_credits(act: &Act, tenant: &TenantId, change: CreditChange) -> CreditChanged;
        read due_renewals(now: Timestamp, limit: u32) -> Vec<(TenantId, Timestamp)>;
        write renew_credits(act: &Act, tenant: &TenantId, renewal: Renewal) -> bool;
    }
    PricebookStore {
        write found_pricebook(act: &Act, book: Pricebook) -> ();
        read published_pricebook(now: Timestamp) -> Pricebook;
    }
    OutboxStore {
        read outbox(tenant: &TenantId, after: Option<Uuid>, limit: u32) -> Vec<OutboxEvent>;
    }
    IdentityStore {
        write change_identity(act: &Act, tenant: &TenantId, expected: Option<u64>, change: IdentityChange) -> IdentityChanged;
    }
    VisitorStore {
        write recognise_visitor(act: &Act, tenant: &TenantId, profile: VisitorProfile) -> VisitorId;
        write introduce_visitor(act: &Act, tenant: &TenantId, visitor: &VisitorId, profile: VisitorProfile) -> ();
        read visitor(tenant: &TenantId, visitor: &VisitorId) -> Option<KnownVisitor>;
        read own_conversations(tenant: &TenantId, visitor: &VisitorId, after: Option<Uuid>, limit: u32) -> Vec<OwnConversation>;
        read claimable(tenant: &TenantId, anonymous: &VisitorId, identified: &VisitorId, since: Timestamp) -> Claimable;
        write claim_visitor(act: &Act, tenant: &TenantId, claim: Claim) -> Claimed;
    }
    AuditStore {
        read audit(tenant: &TenantId, query: AuditQuery) -> AuditPage;
        write note_read(act: &Act, tenant: &TenantId, read: NotedRead) -> ();
    }
    KeyStore {
        write rewrap_keys(act: &Act, limit: u32) -> u32;
    }
}

#[async_trait]
impl Storage for Watched {
    fn name(&self) -> &'static str {
        "watched"
    }

    fn purpose_keys(&self) -> &PurposeKeys {
        self.inner.purpose_keys()
    }

    fn warnings(&self) -> &[&'static str] {
        &[WARNING]
    }

    async fn check(&self) -> Result<()> {
        self.meet("check")
    }
}
