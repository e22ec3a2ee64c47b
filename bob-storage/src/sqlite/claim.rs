//! Claiming what an anonymous visitor said.

use std::collections::BTreeSet;

use bob_core::act::Act;
use bob_core::conversation::{Door, SessionId};
use bob_core::id::{ConversationId, MessageId, TenantId, TurnId, VisitorId};
use bob_core::storage::{Result, StorageError};
use bob_core::vault::{Vault, VaultError};
use bob_core::visitor::{
    CLAIM_CONVERSATIONS, CLAIM_MESSAGES, Claim, Claimable, Claimed, TrustLevel, reason_of_claim,
};
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::audit::{Subject, note};
use super::error::{corrupt, failed};
use super::rows::{Cells, blob, micros};
use super::writer::{Query, Unit};
use super::{SqliteStorage, not_found};
use crate::seal::{TenantSeal, VisitorSeal};

const OPERATION: &str = "claim_visitor";

impl SqliteStorage {
    /// What could be claimed.
    pub(super) async fn offer(
        &self,
        tenant: &TenantId,
        anonymous: &VisitorId,
        identified: &VisitorId,
        since: Timestamp,
    ) -> Result<Claimable> {
        const OPERATION: &str = "claimable";
        let seal = self.tenant_seal(tenant, OPERATION).await?;
        let found = visitor(tenant, anonymous).fetch_optional(self.readers()).await;
        let Some(row) = found.map_err(failed(OPERATION))? else { return Ok(Claimable::default()) };
        let found = FoundVisitor::read(&row, &seal, *anonymous)?;
        if !found.is_anonymous() {
            return Ok(Claimable::default());
        }
        if found.declined_by == Some(*identified) {
            return Ok(Claimable { declined: true, ..Claimable::default() });
        }
        let rows = recent(tenant, anonymous, since).fetch_all(self.readers()).await;
        let talks = rows.map_err(failed(OPERATION))?;
        let talks = talks.iter().map(|row| Talk::read(row, &found.seal)).collect::<Result<Vec<_>>>()?;
        Ok(Claimable {
            messages: talks.iter().map(|talk| talk.messages).sum(),
            since: talks.iter().map(|talk| talk.started_at).min(),
            sessions: talks.into_iter().map(|talk| talk.session).collect(),
            declined: false,
        })
    }

    pub(super) async fn claim(&self, act: &Act, tenant: &TenantId, claim: Claim) -> Result<Claimed> {
        let seal = self.tenant_seal(tenant, OPERATION).await?;
        let (act, vault) = (act.clone(), self.shared_vault());
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    let proof = vault.proof_index(&seal.tenant, &claim.proof).to_vec();
                    if is_used(unit, &act, &seal.tenant, proof.clone()).await? {
                        return Ok(Claimed::ProofUsed);
                    }
                    let anonymous = find(unit, &seal, claim.anonymous).await?;
                    let identified = find(unit, &seal, claim.identified).await?;
                    if anonymous.trust == TrustLevel::Verified {
                        return Ok(Claimed::AlreadyIdentified);
                    }
                    if anonymous.ended {
                        return Ok(Claimed::AlreadyClaimed);
                    }
                    let (claimed, operation) = if claim.accept {
                        let merge =
                            Merge { vault: &vault, from: &anonymous.seal, to: &identified.seal, act: &act };
                        (merge.run(unit, claim.since).await?, OPERATION)
                    } else {
                        decline(unit, &anonymous.seal, &claim.identified).await?;
                        (Claimed::Declined, "decline_claim")
                    };
                    let reason = match &claimed {
                        Claimed::Merged { messages, sessions } => {
                            Some(reason_of_claim(sessions.len(), *messages))
                        }
                        Claimed::Declined => None,
                        _ => return Ok(claimed),
                    };
                    let insert = sqlx::query(
                        "INSERT INTO bob_identity_proofs (tenant_id, proof_index, until) VALUES ($1, $2, $3)",
                    )
                    .bind(blob(seal.tenant.as_uuid()))
                    .bind(proof)
                    .bind(micros(claim.proof_until));
                    unit.execute(insert).await?;
                    let act = Act { reason, ..act };
                    let subject = Subject(Some(claim.identified.as_uuid()), Some(claim.anonymous.as_uuid()));
                    note(unit, Some(&seal.tenant), &act, operation, subject).await?;
                    Ok(claimed)
                })
            })
            .await
    }
}

/// Whether a proof was used; those that are over are forgotten first.
async fn is_used(unit: &mut Unit<'_>, act: &Act, tenant: &TenantId, proof: Vec<u8>) -> Result<bool> {
    let over = sqlx::query("DELETE FROM bob_identity_proofs WHERE tenant_id = $1 AND until <= $2")
        .bind(blob(tenant.as_uuid()))
        .bind(micros(act.at));
    unit.execute(over).await?;
    let used = sqlx::query("SELECT 1 FROM bob_identity_proofs WHERE tenant_id = $1 AND proof_index = $2")
        .bind(blob(tenant.as_uuid()))
        .bind(proof);
    Ok(unit.row(used).await?.is_some())
}

async fn decline(unit: &mut Unit<'_>, anonymous: &VisitorSeal, by: &VisitorId) -> Result<()> {
    let update =
        sqlx::query("UPDATE bob_visitors SET declined_by = $3 WHERE tenant_id = $1 AND visitor_id = $2")
            .bind(blob(anonymous.tenant.as_uuid()))
            .bind(blob(anonymous.visitor.as_uuid()))
            .bind(blob(by.as_uuid()));
    unit.execute(update).await?;
    Ok(())
}

/// A visitor as they are stored.
struct FoundVisitor {
    seal: VisitorSeal,
    trust: TrustLevel,
    ended: bool,
    declined_by: Option<VisitorId>,
}

impl FoundVisitor {
    fn read(row: &SqliteRow, tenant: &TenantSeal, visitor: VisitorId) -> Result<Self> {
        let mut cells = Cells::of(row, OPERATION);
        Ok(Self {
            seal: tenant.visitor(visitor, cells.take()?).map_err(unreadable)?,
            trust: cells.optional_named(TrustLevel::from_name)?.unwrap_or_default(),
            ended: cells.take()?,
            declined_by: cells.optional_id(VisitorId::from_uuid)?,
        })
    }

    fn is_anonymous(&self) -> bool {
        !self.ended && self.trust < TrustLevel::Verified
    }
}

/// Asks for what [`FoundVisitor::read`] reads.
fn visitor(tenant: &TenantId, visitor: &VisitorId) -> Query {
    sqlx::query(
        "SELECT key, trust, ended_at IS NOT NULL, declined_by FROM bob_visitors
         WHERE tenant_id = $1 AND visitor_id = $2",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(visitor.as_uuid()))
}

async fn find(unit: &mut Unit<'_>, tenant: &TenantSeal, id: VisitorId) -> Result<FoundVisitor> {
    let row = unit.row(visitor(&tenant.tenant, &id)).await?.ok_or_else(|| not_found(OPERATION))?;
    FoundVisitor::read(&row, tenant, id)
}

/// A conversation in which something was said recently.
struct Talk {
    id: ConversationId,
    door: Door,
    session: SessionId,
    messages: u64,
    started_at: Timestamp,
    open: Option<TurnId>,
}

impl Talk {
    fn read(row: &SqliteRow, seal: &VisitorSeal) -> Result<Self> {
        let mut cells = Cells::of(row, OPERATION);
        let id = cells.id(ConversationId::from_uuid)?;
        Ok(Self {
            id,
            door: cells.named(Door::from_name)?,
            session: seal.open_session(&id, cells.take()?).map_err(unreadable)?,
            messages: cells.number()?,
            started_at: cells.time()?,
            open: cells.optional_id(TurnId::from_uuid)?,
        })
    }
}

/// Asks for what [`Talk::read`] reads, the conversation that began last first, and one more than may be claimed.
fn recent(tenant: &TenantId, visitor: &VisitorId, since: Timestamp) -> Query {
    sqlx::query(
        "SELECT c.conversation_id, c.door, c.session, c.messages, c.started_at, c.open_turn
         FROM bob_conversations c
         WHERE c.tenant_id = $1 AND c.visitor_id = $2
           AND (SELECT m.at FROM bob_messages m
                WHERE m.tenant_id = c.tenant_id AND m.conversation_id = c.conversation_id
                  AND m.number = c.messages) >= $3
         ORDER BY c.conversation_id DESC
         LIMIT $4 + 0",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(visitor.as_uuid()))
    .bind(micros(since))
    .bind(CLAIM_CONVERSATIONS.cast_signed() + 1)
}

/// One visitor's conversations become another's.
struct Merge<'a> {
    vault: &'a Vault,
    from: &'a VisitorSeal,
    to: &'a VisitorSeal,
    act: &'a Act,
}

impl Merge<'_> {
    async fn run(&self, unit: &mut Unit<'_>, since: Timestamp) -> Result<Claimed> {
        let rows = unit.rows(recent(&self.from.tenant, &self.from.visitor, since)).await?;
        let talks = rows.iter().map(|row| Talk::read(row, self.from)).collect::<Result<Vec<_>>>()?;
        let messages = talks.iter().map(|talk| talk.messages).sum();
        if let Some(turn) = talks.iter().find_map(|talk| talk.open) {
            return Ok(Claimed::Busy(turn));
        }
        if talks.len() as u64 > CLAIM_CONVERSATIONS || messages > CLAIM_MESSAGES {
            return Ok(Claimed::TooLarge);
        }
        let mut sessions = Vec::with_capacity(talks.len());
        for talk in talks {
            sessions.push(self.hand_over(unit, talk).await?);
        }
        let end = sqlx::query(
            "UPDATE bob_visitors SET ended_at = $3, claimed_by = $4 WHERE tenant_id = $1 AND visitor_id = $2",
        )
        .bind(blob(self.from.tenant.as_uuid()))
        .bind(blob(self.from.visitor.as_uuid()))
        .bind(micros(self.act.at))
        .bind(blob(self.to.visitor.as_uuid()));
        unit.execute(end).await?;
        Ok(Claimed::Merged { messages, sessions })
    }

    /// Seals all of a conversation anew, under its name or, where that is taken, a new one.
    async fn hand_over(&self, unit: &mut Unit<'_>, talk: Talk) -> Result<SessionId> {
        let tenant = self.to.tenant;
        let mut session = talk.session;
        let taken = sqlx::query(
            "SELECT 1 FROM bob_conversations WHERE tenant_id = $1 AND session_index = $2 AND visitor_id = $3",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(self.vault.session_index(&tenant, talk.door, &session).to_vec())
        .bind(blob(self.to.visitor.as_uuid()));
        if unit.row(taken).await?.is_some() {
            session = SessionId::mint();
        }
        let update = sqlx::query(
            "UPDATE bob_conversations SET visitor_id = $3, session = $4, session_index = $5
             WHERE tenant_id = $1 AND conversation_id = $2",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(blob(talk.id.as_uuid()))
        .bind(blob(self.to.visitor.as_uuid()))
        .bind(self.to.session(&talk.id, &session).map_err(unreadable)?)
        .bind(self.vault.session_index(&tenant, talk.door, &session).to_vec());
        unit.execute(update).await?;
        for turn in self.move_messages(unit, &talk.id).await? {
            self.move_turn(unit, &turn).await?;
        }
        Ok(session)
    }

    /// Seals the messages anew and answers the turns they belong to.
    async fn move_messages(
        &self,
        unit: &mut Unit<'_>,
        conversation: &ConversationId,
    ) -> Result<BTreeSet<TurnId>> {
        let select = sqlx::query(
            "SELECT number, message_id, turn_id, content FROM bob_messages
             WHERE tenant_id = $1 AND conversation_id = $2",
        )
        .bind(blob(self.to.tenant.as_uuid()))
        .bind(blob(conversation.as_uuid()));
        let mut turns = BTreeSet::new();
        for row in unit.rows(select).await? {
            let mut cells = Cells::of(&row, OPERATION);
            let (number, message): (i64, _) = (cells.take()?, cells.id(MessageId::from_uuid)?);
            turns.insert(cells.id(TurnId::from_uuid)?);
            let content = self.to.message_of(self.from, &message, cells.take()?).map_err(unreadable)?;
            let update = sqlx::query(
                "UPDATE bob_messages SET content = $4
                 WHERE tenant_id = $1 AND conversation_id = $2 AND number = $3",
            )
            .bind(blob(self.to.tenant.as_uuid()))
            .bind(blob(conversation.as_uuid()))
            .bind(number)
            .bind(content);
            unit.execute(update).await?;
        }
        Ok(turns)
    }

    /// No token is handed out for the turn any more: its visitor is known by their identity.
    async fn move_turn(&self, unit: &mut Unit<'_>, turn: &TurnId) -> Result<()> {
        let select = sqlx::query("SELECT superseded FROM bob_turns WHERE tenant_id = $1 AND turn_id = $2")
            .bind(blob(self.to.tenant.as_uuid()))
            .bind(blob(turn.as_uuid()));
        let Some(row) = unit.row(select).await? else { return Ok(()) };
        let superseded: Option<&[u8]> = Cells::of(&row, OPERATION).take()?;
        let superseded = superseded.map(|sealed| self.to.superseded_of(self.from, turn, sealed));
        let update = sqlx::query(
            "UPDATE bob_turns SET visitor_id = $3, proven = 0, superseded = $4
             WHERE tenant_id = $1 AND turn_id = $2",
        )
        .bind(blob(self.to.tenant.as_uuid()))
        .bind(blob(turn.as_uuid()))
        .bind(blob(self.to.visitor.as_uuid()))
        .bind(superseded.transpose().map_err(unreadable)?);
        unit.execute(update).await?;
        Ok(())
    }
}

fn unreadable(error: VaultError) -> StorageError {
    corrupt(OPERATION, error)
}
