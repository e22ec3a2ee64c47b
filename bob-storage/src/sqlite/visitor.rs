//! Visitors: who they are said to be, and what is theirs.

use async_trait::async_trait;
use bob_core::act::{Act, Principal};
use bob_core::conversation::Door;
use bob_core::id::{ConversationId, TenantId, VisitorId};
use bob_core::storage::{Result, VisitorStore};
use bob_core::visitor::{
    Claim, Claimable, Claimed, KnownVisitor, OwnConversation, TrustLevel, VisitorProfile,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::audit::{Subject, note};
use super::error::{corrupt, failed};
use super::rows::{Cells, blob, micros};
use super::{SqliteStorage, not_found};
use crate::record;
use crate::seal::VisitorSeal;

#[async_trait]
impl VisitorStore for SqliteStorage {
    async fn recognise_visitor(
        &self,
        act: &Act,
        tenant: &TenantId,
        profile: VisitorProfile,
    ) -> Result<VisitorId> {
        const OPERATION: &str = "recognise_visitor";
        let (act, tenant) = (act.clone(), *tenant);
        let seal = self.tenant_seal(&tenant, OPERATION).await?;
        let subject = profile.subject.as_deref().unwrap_or_default();
        let index = self.vault().identity_index(&tenant, profile.issuer.as_deref(), subject).to_vec();
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    let known = sqlx::query(
                        "SELECT v.visitor_id, v.key, v.profile
                         FROM bob_visitor_identities i
                         JOIN bob_visitors v ON v.tenant_id = i.tenant_id AND v.visitor_id = i.visitor_id
                         WHERE i.tenant_id = $1 AND i.identity_index = $2",
                    )
                    .bind(blob(tenant.as_uuid()))
                    .bind(index.clone());
                    let refused = |error| corrupt(OPERATION, error);
                    let (visitor, is_new) = match unit.row(known).await? {
                        Some(row) => {
                            let mut cells = Cells::of(&row, OPERATION);
                            let visitor = cells.id(VisitorId::from_uuid)?;
                            let seal = seal.visitor(visitor, cells.take()?).map_err(refused)?;
                            if opened(&seal, cells.take()?, OPERATION)?.as_ref() == Some(&profile) {
                                return Ok(visitor);
                            }
                            (seal, false)
                        }
                        None => (seal.new_visitor(VisitorId::new()).map_err(refused)?, true),
                    };
                    let profile = sealed(&visitor, &profile, OPERATION)?;
                    let write = if is_new {
                        sqlx::query(
                            "INSERT INTO bob_visitors (tenant_id, visitor_id, key, created_at, trust, profile)
                             VALUES ($1, $2, $4, $5, 'verified', $3);

                             INSERT OR REPLACE INTO bob_visitor_identities (tenant_id, identity_index, visitor_id,
                                 created_at)
                             VALUES ($1, $6, $2, $5)",
                        )
                    } else {
                        sqlx::query(
                            "UPDATE bob_visitors SET profile = $3 WHERE tenant_id = $1 AND visitor_id = $2",
                        )
                    };
                    let write = write
                        .bind(blob(tenant.as_uuid()))
                        .bind(blob(visitor.visitor.as_uuid()))
                        .bind(profile);
                    let write = if is_new {
                        write.bind(visitor.key.wrapped().to_vec()).bind(micros(act.at)).bind(index)
                    } else {
                        write
                    };
                    unit.execute(write).await?;
                    let act = Act { principal: Principal::Visitor(visitor.visitor), ..act };
                    let subject = Subject(Some(visitor.visitor.as_uuid()), None);
                    note(unit, Some(&tenant), &act, OPERATION, subject).await?;
                    Ok(visitor.visitor)
                })
            })
            .await
    }

    async fn introduce_visitor(
        &self,
        act: &Act,
        tenant: &TenantId,
        visitor: &VisitorId,
        profile: VisitorProfile,
    ) -> Result<()> {
        const OPERATION: &str = "introduce_visitor";
        let (act, tenant, visitor) = (act.clone(), *tenant, *visitor);
        let seal = self.tenant_seal(&tenant, OPERATION).await?;
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    let known = sqlx::query(
                        "SELECT key, trust IS 'verified' FROM bob_visitors
                         WHERE tenant_id = $1 AND visitor_id = $2",
                    )
                    .bind(blob(tenant.as_uuid()))
                    .bind(blob(visitor.as_uuid()));
                    let row = unit.row(known).await?.ok_or_else(|| not_found(OPERATION))?;
                    let mut cells = Cells::of(&row, OPERATION);
                    let seal = seal.visitor(visitor, cells.take()?);
                    let seal = seal.map_err(|error| corrupt(OPERATION, error))?;
                    if cells.take::<bool>()? {
                        return Ok(());
                    }
                    let update = sqlx::query(
                        "UPDATE bob_visitors SET trust = 'identified', profile = $3
                         WHERE tenant_id = $1 AND visitor_id = $2",
                    )
                    .bind(blob(tenant.as_uuid()))
                    .bind(blob(visitor.as_uuid()))
                    .bind(sealed(&seal, &profile, OPERATION)?);
                    unit.execute(update).await?;
                    note(unit, Some(&tenant), &act, OPERATION, Subject(Some(visitor.as_uuid()), None)).await
                })
            })
            .await
    }

    async fn visitor(&self, tenant: &TenantId, visitor: &VisitorId) -> Result<Option<KnownVisitor>> {
        const OPERATION: &str = "visitor";
        let found = sqlx::query(
            "SELECT key, trust, profile, ended_at IS NOT NULL FROM bob_visitors
             WHERE tenant_id = $1 AND visitor_id = $2",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(blob(visitor.as_uuid()))
        .fetch_optional(self.readers())
        .await
        .map_err(failed(OPERATION))?;
        let Some(row) = found else { return Ok(None) };
        let mut cells = Cells::of(&row, OPERATION);
        let key = cells.take()?;
        let trust = cells.optional_named(TrustLevel::from_name)?.unwrap_or_default();
        let profile = match cells.take::<Option<&[u8]>>()? {
            Some(sealed) => {
                opened(&self.stored_seal(tenant, *visitor, key, OPERATION).await?, Some(sealed), OPERATION)?
            }
            None => None,
        };
        Ok(Some(KnownVisitor { trust, profile, ended: cells.take()? }))
    }

    async fn own_conversations(
        &self,
        tenant: &TenantId,
        visitor: &VisitorId,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<OwnConversation>> {
        const OPERATION: &str = "own_conversations";
        let rows = sqlx::query(
            "SELECT v.key, c.conversation_id, c.door, c.session, c.messages, c.started_at,
                 (SELECT m.at FROM bob_messages m
                  WHERE m.tenant_id = c.tenant_id AND m.conversation_id = c.conversation_id
                    AND m.number = c.messages)
             FROM bob_conversations c
             LEFT JOIN bob_visitors v ON v.tenant_id = c.tenant_id AND v.visitor_id = c.visitor_id
             WHERE c.tenant_id = $1 AND c.visitor_id = $2 AND c.conversation_id < $3
             ORDER BY c.conversation_id DESC
             LIMIT $4 + 0",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(blob(visitor.as_uuid()))
        .bind(blob(after.unwrap_or(Uuid::max())))
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(failed(OPERATION))?;
        let mut own = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut cells = Cells::of(row, OPERATION);
            let seal = self.stored_seal(tenant, *visitor, cells.take()?, OPERATION).await?;
            let id = cells.id(ConversationId::from_uuid)?;
            let door = cells.named(Door::from_name)?;
            let session = seal.open_session(&id, cells.take()?);
            own.push(OwnConversation {
                id,
                door,
                session: session.map_err(|error| corrupt(OPERATION, error))?,
                messages: cells.number()?,
                started_at: cells.time()?,
                last_message_at: cells.optional_time()?,
            });
        }
        Ok(own)
    }

    async fn claimable(
        &self,
        tenant: &TenantId,
        anonymous: &VisitorId,
        identified: &VisitorId,
        since: Timestamp,
    ) -> Result<Claimable> {
        self.offer(tenant, anonymous, identified, since).await
    }

    async fn claim_visitor(&self, act: &Act, tenant: &TenantId, claim: Claim) -> Result<Claimed> {
        self.claim(act, tenant, claim).await
    }
}

fn sealed(seal: &VisitorSeal, profile: &VisitorProfile, operation: &'static str) -> Result<Vec<u8>> {
    let json = record::of_profile(profile).map_err(|error| corrupt(operation, error))?;
    seal.profile(&json).map_err(|error| corrupt(operation, error))
}

fn opened(
    seal: &VisitorSeal,
    sealed: Option<&[u8]>,
    operation: &'static str,
) -> Result<Option<VisitorProfile>> {
    let Some(sealed) = sealed else { return Ok(None) };
    let json = seal.open_profile(sealed).map_err(|error| corrupt(operation, error))?;
    record::profile(&json).map(Some).map_err(|error| corrupt(operation, error))
}
