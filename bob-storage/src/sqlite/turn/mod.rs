//! Turns: each of the two transactions of one writes with a single statement, as long as nothing stands in its way.
//!
//! SQLite's thread is a long way off, so a turn goes there once: it inserts into a view whose trigger holds the several
//! statements ([`PROCEDURES`]), and reads back what came of it. Views and triggers are the writer connection's own and
//! are never stored. The first statement of a trigger decides for all: if it writes nothing, the others do not run. As
//! any statement, the insert is undone as a whole when it fails. None of them makes SQLite build a table on the way
//! (`UPDATE … FROM`, `UNION`, `IN`, reading what it inserts into), which costs as much as they do.

mod begin;
mod call;
mod extend;
mod find;
mod finish;
mod hold;
mod late;
mod lost;
mod odds;
mod settle;
mod sweep;

use async_trait::async_trait;
use bob_core::act::Act;
use bob_core::credit::{MilliCredits, Reservation};
use bob_core::id::{TenantId, TurnId};
use bob_core::storage::{Result, TurnStore};
use bob_core::turn::{Lease, TurnClosing, TurnFinish, TurnOpening, TurnStart};

use super::error::failed;
use super::key::key_of;
use super::rows::{Cells, blob, micros};
use super::{SqliteStorage, not_found};
use crate::seal::VisitorSeal;
use begin::Repetition;
use call::Call;
use odds::Odds;

pub(super) use find::{FoundTurn, find};

/// What a connection must have run before it can open and finish turns.
pub(super) const PROCEDURES: [&str; 2] = [begin::PROCEDURE, finish::PROCEDURE];

#[async_trait]
impl TurnStore for SqliteStorage {
    async fn begin_turn(&self, act: &Act, tenant: &TenantId, start: TurnStart) -> Result<TurnOpening> {
        let tenant = self.tenant_seal(tenant, begin::OPERATION).await?;
        let caller = self.caller(&tenant, &start).await?;
        let call = Call::of(self.vault(), &start, caller)?;
        let open = begin::open(act, &start, &call, &tenant, Repetition::Refused)?;
        let rows = self.writer().script(begin::OPERATION, open).await?;
        if !rows.is_empty() {
            if call.key_is_new {
                self.remember(&call.seal);
            }
            return Ok(TurnOpening::Opened(Box::new(begin::opened(&rows, &start, &call)?)));
        }
        // It may have been sealed with a key that is not the stored one.
        self.vault().forget_visitor(&call.seal.tenant, &call.seal.visitor);
        let odds = Odds { act: act.clone(), vault: self.shared_vault(), tenant, start };
        let faced =
            self.writer().run(begin::OPERATION, move |unit| Box::pin(async move { odds.face(unit).await }));
        let (opening, seal) = faced.await?;
        if let Some(seal) = seal {
            self.remember(&seal);
        }
        Ok(opening)
    }

    async fn renew_turn(
        &self,
        act: &Act,
        tenant: &TenantId,
        turn: &TurnId,
        lease: &Lease,
    ) -> Result<Option<Lease>> {
        const OPERATION: &str = "renew_turn";
        let renewed = lease.renewed(act.at);
        let update = sqlx::query(
            "UPDATE bob_turns AS t SET lease_until = $6
             WHERE t.tenant_id = $1 AND t.turn_id = $2 AND t.state = 'open'
               AND t.lease_node = $3 AND t.lease_token = $4 AND t.lease_until > $5
               AND EXISTS (SELECT 1 FROM bob_conversations c
                           WHERE c.tenant_id = $1 AND c.conversation_id = t.conversation_id AND c.epoch = t.epoch)
             RETURNING 1",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(blob(turn.as_uuid()))
        .bind(blob(lease.node.as_uuid()))
        .bind(lease.token.cast_signed())
        .bind(micros(act.at))
        .bind(micros(renewed.until));
        if !self.writer().script(OPERATION, update).await?.is_empty() {
            return Ok(Some(renewed));
        }
        let known = sqlx::query("SELECT 1 FROM bob_turns WHERE tenant_id = $1 AND turn_id = $2")
            .bind(blob(tenant.as_uuid()))
            .bind(blob(turn.as_uuid()))
            .fetch_optional(self.readers())
            .await
            .map_err(failed(OPERATION))?;
        known.map(|_| None).ok_or_else(|| not_found(OPERATION))
    }

    async fn extend_turn(
        &self,
        act: &Act,
        tenant: &TenantId,
        turn: &TurnId,
        lease: &Lease,
        more: MilliCredits,
    ) -> Result<Option<Reservation>> {
        let (act, tenant, turn, lease) = (act.clone(), *tenant, *turn, *lease);
        self.writer()
            .run(extend::OPERATION, move |unit| {
                Box::pin(async move { extend::extend(unit, &act, &tenant, &turn, &lease, more).await })
            })
            .await
    }

    async fn finish_turn(&self, act: &Act, tenant: &TenantId, finish: TurnFinish) -> Result<TurnClosing> {
        if let Some(seal) = self.finisher(tenant, &finish).await? {
            let row = self.new_row(act, tenant, finish::OPERATION).await?;
            let store = finish::store(act, &finish, &seal, row)?;
            if !self.writer().script(finish::OPERATION, store).await?.is_empty() {
                return Ok(TurnClosing::Stored(Box::new(finish::stored(finish))));
            }
            // It may have been sealed with a key that is not the stored one.
            self.vault().forget_visitor(tenant, &seal.visitor);
        }
        let (act, tenant) = (act.clone(), self.tenant_seal(tenant, finish::OPERATION).await?);
        let closing = self.writer().run(finish::OPERATION, move |unit| {
            Box::pin(async move { late::too_late(unit, &act, &tenant, finish).await })
        });
        let (closing, seal) = closing.await?;
        if let Some(seal) = seal {
            self.remember(&seal);
        }
        Ok(closing)
    }

    async fn sweep_turns(&self, act: &Act, limit: u32) -> Result<u32> {
        let act = act.clone();
        self.writer()
            .run(sweep::OPERATION, move |unit| Box::pin(async move { sweep::sweep(unit, &act, limit).await }))
            .await
    }
}

impl SqliteStorage {
    /// The seal of the visitor whose turn is finished; none when they have no key, or no more.
    async fn finisher(&self, tenant: &TenantId, finish: &TurnFinish) -> Result<Option<VisitorSeal>> {
        let visitor = finish.key.visitor;
        if let Some(seal) = self.remembered_seal(tenant, &visitor) {
            return Ok(Some(seal));
        }
        let found = key_of(tenant, &visitor).fetch_optional(self.readers()).await;
        let Some(row) = found.map_err(failed(finish::OPERATION))? else { return Ok(None) };
        let wrapped = Cells::of(&row, finish::OPERATION).skip(1).take()?;
        self.stored_seal(tenant, visitor, Some(wrapped), finish::OPERATION).await.map(Some)
    }
}
