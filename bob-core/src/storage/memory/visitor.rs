//! Visitors in memory.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::MemoryStorage;
use super::world::{Shop, Subject, Talk};
use crate::act::{Act, Principal};
use crate::id::{TenantId, VisitorId};
use crate::storage::{Result, StorageError, StorageErrorKind, VisitorStore};
use crate::visitor::{Claim, Claimable, Claimed, KnownVisitor, OwnConversation, TrustLevel, VisitorProfile};

#[async_trait]
impl VisitorStore for MemoryStorage {
    async fn recognise_visitor(
        &self,
        act: &Act,
        tenant: &TenantId,
        profile: VisitorProfile,
    ) -> Result<VisitorId> {
        const OPERATION: &str = "recognise_visitor";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let person = (profile.issuer.clone(), profile.subject.clone().unwrap_or_default());
        let visitor = *shop.people.entry(person).or_insert_with(VisitorId::new);
        let row = shop.visitors.entry(visitor).or_default();
        let known = KnownVisitor { trust: TrustLevel::Verified, profile: Some(profile), ended: false };
        if row.known == known {
            return Ok(visitor);
        }
        row.known = known;
        let act = Act { principal: Principal::Visitor(visitor), ..act.clone() };
        world.record_on(Some(tenant), OPERATION, &act, Subject(Some(visitor.as_uuid()), None));
        Ok(visitor)
    }

    async fn introduce_visitor(
        &self,
        act: &Act,
        tenant: &TenantId,
        visitor: &VisitorId,
        profile: VisitorProfile,
    ) -> Result<()> {
        const OPERATION: &str = "introduce_visitor";
        let mut world = self.world();
        let row = world.shop_mut(OPERATION, tenant)?.visitors.get_mut(visitor);
        let row = row.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, OPERATION))?;
        if row.known.trust == TrustLevel::Verified {
            return Ok(());
        }
        row.known.trust = TrustLevel::Identified;
        row.known.profile = Some(profile);
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(visitor.as_uuid()), None));
        Ok(())
    }

    async fn visitor(&self, tenant: &TenantId, visitor: &VisitorId) -> Result<Option<KnownVisitor>> {
        let world = self.world();
        Ok(world.shop("visitor", tenant)?.visitors.get(visitor).map(|row| row.known.clone()))
    }

    async fn own_conversations(
        &self,
        tenant: &TenantId,
        visitor: &VisitorId,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<OwnConversation>> {
        let world = self.world();
        let talks = world.shop("own_conversations", tenant)?.talks_of(visitor);
        let mut own: Vec<_> = talks.map(own).filter(|own| after.is_none_or(|at| own.cursor() < at)).collect();
        own.sort_by_key(|own| std::cmp::Reverse(own.id));
        own.truncate(limit as usize);
        Ok(own)
    }

    async fn claimable(
        &self,
        tenant: &TenantId,
        anonymous: &VisitorId,
        identified: &VisitorId,
        since: Timestamp,
    ) -> Result<Claimable> {
        let world = self.world();
        Ok(world.shop("claimable", tenant)?.claimable(anonymous, identified, since))
    }

    async fn claim_visitor(&self, act: &Act, tenant: &TenantId, claim: Claim) -> Result<Claimed> {
        self.claim(act, tenant, &claim)
    }
}

impl Shop {
    pub(super) fn has_ended(&self, visitor: &VisitorId) -> bool {
        self.visitors.get(visitor).is_some_and(|row| row.known.ended)
    }

    pub(super) fn talks_of(&self, visitor: &VisitorId) -> impl Iterator<Item = &Talk> {
        self.conversations.values().filter(move |talk| talk.conversation.key.visitor == *visitor)
    }
}

fn own(talk: &Talk) -> OwnConversation {
    let conversation = &talk.conversation;
    OwnConversation {
        id: conversation.id,
        door: conversation.key.door,
        session: conversation.key.session.clone(),
        messages: talk.messages.len() as u64,
        started_at: conversation.started_at,
        last_message_at: talk.messages.last().map(|last| last.at),
    }
}
