//! What the memory store holds.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use uuid::Uuid;

use super::link::LinkRow;
use super::persona::Personas;
use super::purse::{Hold, Purse};
use crate::account::{Account, LinkPurpose, Login, SigningKey, TenantRole};
use crate::act::Act;
use crate::audit::AuditRow;
use crate::conversation::{Conversation, ConversationKey, Door, Message, SessionId};
use crate::id::{AccountId, ConversationId, KnowledgeId, LoginId, TenantId, TurnId, VisitorId};
use crate::identity::IdentitySettings;
use crate::knowledge::{KnowledgeVersion, Synonyms};
use crate::outbox::{EventKind, EventSubject, OutboxEvent, events_of_row, names_of, new_row_id};
use crate::pricebook::Pricebook;
use crate::storage::{Result, StorageError, StorageErrorKind};
use crate::tenant::Tenant;
use crate::turn::{BodyHash, FinishedTurn, IdempotencyScope, Lease};
use crate::visitor::KnownVisitor;
use crate::widget_key::{WidgetKey, WidgetSettings};

#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) tenants: BTreeMap<TenantId, Shop>,
    pub(super) accounts: HashMap<AccountId, Account>,
    pub(super) members: Vec<MemberRow>,
    pub(super) links: HashMap<(TenantId, AccountId, LinkPurpose), LinkRow>,
    pub(super) logins: HashMap<(TenantId, LoginId), LoginRow>,
    pub(super) signing_keys: Vec<SigningKey>,
    pub(super) pricebooks: Vec<Pricebook>,
    /// In the order in which they were written.
    pub(super) audit: Vec<(TenantId, AuditRow)>,
}

/// What somebody is in a business.
#[derive(Debug)]
pub(super) struct MemberRow {
    pub(super) tenant: TenantId,
    pub(super) account: AccountId,
    pub(super) role: TenantRole,
    /// What the business calls them; none is their own name.
    pub(super) name: Option<String>,
    pub(super) disabled_at: Option<Timestamp>,
    pub(super) version: u64,
}

impl MemberRow {
    pub(super) fn new(tenant: TenantId, account: AccountId, role: TenantRole) -> Self {
        Self { tenant, account, role, name: None, disabled_at: None, version: 1 }
    }
}

/// What was changed, and what that belongs to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Subject(pub(super) Option<Uuid>, pub(super) Option<Uuid>);

#[derive(Debug)]
pub(super) struct LoginRow {
    pub(super) login: Login,
    /// Each refresh token's hash, and whether it was used.
    pub(super) refresh: HashMap<[u8; 32], bool>,
}

/// One tenant and everything that is its own.
#[derive(Debug)]
pub(super) struct Shop {
    pub(super) tenant: Tenant,
    pub(super) version: u64,
    pub(super) personas: Personas,
    pub(super) widget_keys: Vec<WidgetKey>,
    pub(super) release: u64,
    pub(super) gathers_releases: bool,
    /// In the order in which the items were made.
    pub(super) items: Vec<KeptItem>,
    pub(super) synonyms: Synonyms,
    pub(super) widget: WidgetSettings,
    pub(super) purse: Purse,
    pub(super) outbox: Vec<OutboxEvent>,
    pub(super) conversations: HashMap<ConversationId, Talk>,
    pub(super) by_key: HashMap<ConversationKey, ConversationId>,
    /// The first conversation under each session id, and when it began.
    pub(super) by_session: HashMap<(Door, SessionId), (Timestamp, ConversationId)>,
    pub(super) turns: HashMap<TurnId, TurnRow>,
    pub(super) idempotency: HashMap<IdempotencyScope, IdempotencyRow>,
    pub(super) identity: IdentitySettings,
    pub(super) visitors: HashMap<VisitorId, VisitorRow>,
    /// The visitors that proven people are, by issuer and subject.
    pub(super) people: HashMap<(Option<String>, String), VisitorId>,
    /// The proofs that claimed something, and until when they are remembered.
    pub(super) proofs: HashMap<String, Timestamp>,
}

/// A visitor who said something, or proved who they are.
#[derive(Debug, Default)]
pub(super) struct VisitorRow {
    pub(super) known: KnownVisitor,
    /// Who said last that the conversations are not theirs.
    pub(super) declined_by: Option<VisitorId>,
}

#[derive(Debug)]
pub(super) struct KeptItem {
    pub(super) id: KnowledgeId,
    pub(super) removed: bool,
    /// By number, from 1 without gaps.
    pub(super) versions: Vec<KeptVersion>,
}

#[derive(Debug)]
pub(super) struct KeptVersion {
    pub(super) version: KnowledgeVersion,
    /// The first release it is in, once it is published.
    pub(super) from: Option<u64>,
    /// The first release behind that which it is no longer in.
    pub(super) until: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Talk {
    pub(super) conversation: Conversation,
    pub(super) messages: Vec<Message>,
    pub(super) open: Option<TurnId>,
    /// The epoch whose speaker an answer last announced to the visitor.
    pub(super) disclosed_epoch: Option<u64>,
    /// Since when the person who speaks does.
    pub(super) taken_at: Option<Timestamp>,
    /// Since when it is closed.
    pub(super) closed_at: Option<Timestamp>,
    /// When its visitor, or a person, last wrote.
    pub(super) active_at: Timestamp,
}

#[derive(Debug)]
pub(super) struct TurnRow {
    pub(super) conversation: ConversationId,
    pub(super) visitor: VisitorId,
    pub(super) proven: bool,
    pub(super) disclose: bool,
    /// The owner's epoch it was opened under.
    pub(super) epoch: u64,
    /// None when credits or budgets did not reach, and once it is settled.
    pub(super) hold: Option<Hold>,
    pub(super) state: TurnRowState,
}

#[derive(Debug, Clone)]
pub(super) enum TurnRowState {
    Open(Lease),
    Finished(Box<FinishedTurn>),
    /// Given up before it was answered; what came too late is kept.
    Abandoned(Option<Box<crate::answer::Answer>>),
}

#[derive(Debug)]
pub(super) struct IdempotencyRow {
    pub(super) body: BodyHash,
    pub(super) turn: TurnId,
    pub(super) until: Timestamp,
}

impl Shop {
    /// Writes down what happened, if anything did, in the lock in which it did.
    pub(super) fn tell(&mut self, act: &Act, kinds: &[EventKind], subject: EventSubject) {
        self.outbox.extend(events_of_row(new_row_id(), act.at, &names_of(kinds), subject));
    }
}

impl World {
    pub(super) fn shop(&self, operation: &'static str, tenant: &TenantId) -> Result<&Shop> {
        self.tenants.get(tenant).ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, operation))
    }

    pub(super) fn shop_mut(&mut self, operation: &'static str, tenant: &TenantId) -> Result<&mut Shop> {
        self.tenants.get_mut(tenant).ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, operation))
    }
}
