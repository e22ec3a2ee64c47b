//! Claiming in memory.

use jiff::Timestamp;

use super::MemoryStorage;
use super::world::{Shop, Subject, Talk, TurnRowState};
use crate::act::Act;
use crate::conversation::{ConversationKey, SessionId};
use crate::id::{ConversationId, TenantId, VisitorId};
use crate::storage::{Result, StorageError, StorageErrorKind};
use crate::visitor::{
    CLAIM_CONVERSATIONS, CLAIM_MESSAGES, Claim, Claimable, Claimed, TrustLevel, reason_of_claim,
};

impl MemoryStorage {
    pub(super) fn claim(&self, act: &Act, tenant: &TenantId, claim: &Claim) -> Result<Claimed> {
        const OPERATION: &str = "claim_visitor";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        shop.proofs.retain(|_, until| act.at < *until);
        if shop.proofs.contains_key(&claim.proof) {
            return Ok(Claimed::ProofUsed);
        }
        let missing = || StorageError::new(StorageErrorKind::NotFound, OPERATION);
        let row = shop.visitors.get(&claim.anonymous).ok_or_else(missing)?;
        shop.visitors.get(&claim.identified).ok_or_else(missing)?;
        if row.known.trust == TrustLevel::Verified {
            return Ok(Claimed::AlreadyIdentified);
        }
        if row.known.ended {
            return Ok(Claimed::AlreadyClaimed);
        }
        let (claimed, operation) = if claim.accept {
            (shop.merge(claim), "claim_visitor")
        } else {
            shop.visitors.entry(claim.anonymous).or_default().declined_by = Some(claim.identified);
            (Claimed::Declined, "decline_claim")
        };
        let reason = match &claimed {
            Claimed::Merged { messages, sessions } => Some(reason_of_claim(sessions.len(), *messages)),
            Claimed::Declined => None,
            _ => return Ok(claimed),
        };
        shop.proofs.insert(claim.proof.clone(), claim.proof_until);
        let subject = Subject(Some(claim.identified.as_uuid()), Some(claim.anonymous.as_uuid()));
        world.record_on(Some(tenant), operation, &Act { reason, ..act.clone() }, subject);
        Ok(claimed)
    }
}

impl Shop {
    pub(super) fn claimable(
        &self,
        anonymous: &VisitorId,
        identified: &VisitorId,
        since: Timestamp,
    ) -> Claimable {
        let Some(row) = self.visitors.get(anonymous) else { return Claimable::default() };
        if row.known.ended || row.known.trust == TrustLevel::Verified {
            return Claimable::default();
        }
        if row.declined_by == Some(*identified) {
            return Claimable { declined: true, ..Claimable::default() };
        }
        let talks: Vec<_> =
            self.recent(anonymous, since).into_iter().filter_map(|id| self.conversations.get(&id)).collect();
        Claimable {
            messages: talks.iter().map(|talk| talk.messages.len() as u64).sum(),
            since: talks.iter().map(|talk| talk.conversation.started_at).min(),
            sessions: talks.iter().map(|talk| talk.conversation.key.session.clone()).collect(),
            declined: false,
        }
    }

    /// The visitor's conversations in which something was said since then, the one that began last first.
    fn recent(&self, visitor: &VisitorId, since: Timestamp) -> Vec<ConversationId> {
        let spoken = |talk: &&Talk| talk.messages.last().is_some_and(|last| last.at >= since);
        let mut recent: Vec<_> =
            self.talks_of(visitor).filter(spoken).map(|talk| talk.conversation.id).collect();
        recent.sort_by_key(|id| std::cmp::Reverse(*id));
        recent
    }

    fn merge(&mut self, claim: &Claim) -> Claimed {
        let recent = self.recent(&claim.anonymous, claim.since);
        let talks = recent.iter().filter_map(|id| self.conversations.get(id));
        let messages = talks.clone().map(|talk| talk.messages.len() as u64).sum();
        if let Some(turn) = talks.filter_map(|talk| talk.open).next() {
            return Claimed::Busy(turn);
        }
        if recent.len() as u64 > CLAIM_CONVERSATIONS || messages > CLAIM_MESSAGES {
            return Claimed::TooLarge;
        }
        let sessions = recent.iter().map(|id| self.hand_over(*id, claim.identified)).collect();
        if let Some(row) = self.visitors.get_mut(&claim.anonymous) {
            row.known.ended = true;
        }
        Claimed::Merged { messages, sessions }
    }

    /// Gives a conversation to another visitor, under its name or, where that is taken, a new one.
    fn hand_over(&mut self, id: ConversationId, to: VisitorId) -> SessionId {
        let talk = self.conversations.get_mut(&id).expect("the caller found it");
        let old = talk.conversation.key.clone();
        let mut key = ConversationKey { visitor: to, ..old.clone() };
        if self.by_key.contains_key(&key) {
            key.session = SessionId::mint();
        }
        talk.conversation.key = key.clone();
        self.by_key.remove(&old);
        self.by_key.insert(key.clone(), id);
        let first = (talk.conversation.started_at, id);
        self.by_session.entry((key.door, key.session.clone())).or_insert(first);
        for row in self.turns.values_mut().filter(|row| row.conversation == id) {
            (row.visitor, row.proven) = (to, false);
            if let TurnRowState::Finished(finished) = &mut row.state {
                (finished.visitor, finished.proven) = (to, false);
                finished.session = key.session.clone();
            }
        }
        key.session
    }
}
