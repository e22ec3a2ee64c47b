//! Turns: each of the two transactions of one is one call of a function in the database (`begin.sql`, `finish.sql`).
//!
//! What a visitor says is sealed before it is sent, by a key that the caller may not know yet: a visitor's key may have
//! been made by another node, and a secret session may turn out to be another visitor's. The function tells
//! (`rekey`), writes nothing, and is called again with what it told.

mod begin;
mod finish;

use async_trait::async_trait;
use bob_core::act::Act;
use bob_core::answer::{Answer, Outcome};
use bob_core::credit::{MilliCredits, Reservation};
use bob_core::id::{ConversationId, NodeId, TenantId, TurnId, VisitorId};
use bob_core::language::Language;
use bob_core::outbox::new_row_id;
use bob_core::storage::{Result, StorageErrorKind, TurnStore};
use bob_core::turn::{
    FinishedTurn, LEASE, Lease, TurnClosing, TurnFinish, TurnOpening, TurnStart, TurnState,
};
use jiff::Timestamp;
use sqlx::postgres::PgRow;

use super::audit::new_id;
use super::error::corrupt;
use super::keys::sealed;
use super::rows::{Cells, micros};
use super::{PostgresStorage, not_found};
use crate::record;

pub(super) use begin::{Begin, STATEMENT as BEGIN};
pub(super) use finish::{Finish, STATEMENT as FINISH};

/// How long outbox rows are kept.
const OUTBOX_KEPT: i64 = 7 * 24 * 60 * 60 * 1_000_000;
/// A day, in microseconds.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

#[async_trait]
impl TurnStore for PostgresStorage {
    async fn begin_turn(&self, act: &Act, tenant: &TenantId, start: TurnStart) -> Result<TurnOpening> {
        self.begin_turn(act, tenant, start).await
    }

    async fn renew_turn(
        &self,
        act: &Act,
        tenant: &TenantId,
        turn: &TurnId,
        lease: &Lease,
    ) -> Result<Option<Lease>> {
        const OPERATION: &str = "renew_turn";
        let renew =
            self.shared.functions.named("SELECT lease_ends FROM bob_renew_turn($1, $2, $3, $4, $5, $6)");
        let renew = sqlx::query(renew)
            .bind(tenant.as_uuid())
            .bind(turn.as_uuid())
            .bind(lease.node.as_uuid())
            .bind(lease.token.cast_signed())
            .bind(self.time(act.at))
            .bind(lasting(LEASE));
        let row = self.row(OPERATION, renew).await?.ok_or_else(|| not_found(OPERATION))?;
        let until = Cells::of(&row, OPERATION).optional_time()?;
        Ok(until.map(|until| Lease { until, ..*lease }))
    }

    async fn extend_turn(
        &self,
        act: &Act,
        tenant: &TenantId,
        turn: &TurnId,
        lease: &Lease,
        more: MilliCredits,
    ) -> Result<Option<Reservation>> {
        const OPERATION: &str = "extend_turn";
        let extend = self.shared.functions.named("SELECT held FROM bob_extend_turn($1, $2, $3, $4, $5, $6)");
        let (act, tenant, turn, lease, time) = (act.clone(), *tenant, *turn, *lease, self.time(act.at));
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                let extend = sqlx::query(extend)
                    .bind(tenant.as_uuid())
                    .bind(turn.as_uuid())
                    .bind(lease.node.as_uuid())
                    .bind(lease.token.cast_signed())
                    .bind(time)
                    .bind(more.0.max(0));
                let row = unit.row(extend).await?.ok_or_else(|| not_found(OPERATION))?;
                let Some(held) = Cells::of(&row, OPERATION).take::<Option<i64>>()? else { return Ok(None) };
                let subject = super::audit::Subject(Some(turn.as_uuid()), None);
                super::audit::note(unit, Some(&tenant), &act, OPERATION, subject).await?;
                Ok(Some(Reservation { turn, amount: MilliCredits(held) }))
            })
        })
        .await
    }

    async fn finish_turn(&self, act: &Act, tenant: &TenantId, finish: TurnFinish) -> Result<TurnClosing> {
        self.finish_turn(act, tenant, finish).await
    }

    async fn sweep_turns(&self, act: &Act, limit: u32) -> Result<u32> {
        const OPERATION: &str = "sweep_turns";
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.worker', 'sweep', true) AS worker OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT tenant_id, turn_id FROM bob_turns
                 WHERE state = 'open' AND f.worker = 'sweep'
                   AND lease_until <= coalesce($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
                 ORDER BY lease_until LIMIT $2) r
             ORDER BY r.tenant_id",
        )
        .bind(self.time(act.at))
        .bind(i64::from(limit));
        let lost = self.rows(OPERATION, question).await?;
        let lost = lost.iter().map(|row| {
            let mut cells = Cells::of(row, OPERATION);
            Ok((cells.id(TenantId::from_uuid)?, cells.id(TurnId::from_uuid)?))
        });
        let lost = lost.collect::<Result<Vec<_>>>()?;
        let mut given_up = 0;
        for turns in lost.chunk_by(|one, other| one.0 == other.0) {
            match self.give_up(act, turns).await {
                Ok(turns) => given_up += turns,
                // Somebody holds this tenant; its turns wait for the next sweep, and the others need not.
                Err(error) if error.kind() == StorageErrorKind::Unavailable => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "lost turns could not be given up"
                    );
                }
                Err(error) => return Err(error),
            }
        }
        self.forget(act.at).await?;
        Ok(given_up)
    }
}

impl PostgresStorage {
    /// Gives up turns of one tenant, and answers how many there were still.
    async fn give_up(&self, act: &Act, turns: &[(TenantId, TurnId)]) -> Result<u32> {
        const OPERATION: &str = "sweep_turns";
        let Some(&(tenant, _)) = turns.first() else { return Ok(0) };
        let give_up = self
            .shared
            .functions
            .named("SELECT bob_give_up_turn($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");
        let (act, turns, time) = (act.clone(), turns.to_vec(), self.time(act.at));
        self.run(OPERATION, &tenant, move |unit| {
            Box::pin(async move {
                let mut given_up = 0;
                for (tenant, turn) in turns {
                    let give_up = sqlx::query(give_up.clone())
                        .bind(tenant.as_uuid())
                        .bind(turn.as_uuid())
                        .bind(time)
                        .bind(micros(act.at))
                        .bind(new_id())
                        .bind(new_row_id())
                        .bind(act.principal.kind())
                        .bind(act.principal.id())
                        .bind(&act.request_id)
                        .bind(&act.reason)
                        .bind(act.via.as_str())
                        .bind(act.by_platform);
                    let row = unit.row(give_up).await?.ok_or_else(|| not_found(OPERATION))?;
                    given_up += u32::from(Cells::of(&row, OPERATION).take::<bool>()?);
                }
                Ok(given_up)
            })
        })
        .await
    }

    /// Removes what nobody needs any more, of all tenants and a bounded number of rows; several nodes may do so at once.
    async fn forget(&self, now: Timestamp) -> Result<()> {
        const OPERATION: &str = "sweep_turns";
        self.run(OPERATION, &bob_core::account::PLATFORM_REALM, move |unit| {
            Box::pin(async move {
                unit.execute(sqlx::query("SELECT set_config('bob.worker', 'sweep', true)")).await?;
                let calls = sqlx::query(
                    "DELETE FROM bob_idempotency WHERE (tenant_id, scope) IN
                         (SELECT tenant_id, scope FROM bob_idempotency WHERE until <= $1
                          ORDER BY until LIMIT 10000 FOR UPDATE SKIP LOCKED)",
                )
                .bind(micros(now));
                unit.execute(calls).await?;
                let events = sqlx::query(
                    "DELETE FROM bob_outbox WHERE (tenant_id, event_id) IN
                         (SELECT tenant_id, event_id FROM bob_outbox WHERE at <= $1
                          ORDER BY at LIMIT 10000 FOR UPDATE SKIP LOCKED)",
                )
                .bind(micros(now) - OUTBOX_KEPT);
                unit.execute(events).await?;
                // A tenant's day may be another one than UTC's.
                let days = sqlx::query(
                    "DELETE FROM bob_spending WHERE (tenant_id, spender_id) IN
                         (SELECT tenant_id, spender_id FROM bob_spending WHERE day < $1
                          ORDER BY day LIMIT 10000 FOR UPDATE SKIP LOCKED)",
                )
                .bind(micros(now).div_euclid(DAY) - 1);
                unit.execute(days).await?;
                Ok(())
            })
        })
        .await
    }

    /// A turn of a tenant, and the conversation it belongs to.
    async fn find(
        &self,
        operation: &'static str,
        tenant: &TenantId,
        turn: &TurnId,
    ) -> Result<Option<(ConversationId, TurnState)>> {
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT t.turn_id, t.conversation_id, t.visitor_id, t.proven, t.disclose, t.state, t.lease_node,
                     t.lease_token, t.lease_until, t.language, t.persona, t.superseded, c.session, m.message_id,
                     m.content
                 FROM bob_turns t
                 JOIN bob_conversations c ON c.tenant_id = t.tenant_id AND c.conversation_id = t.conversation_id
                 LEFT JOIN bob_messages m ON m.tenant_id = t.tenant_id AND m.conversation_id = t.conversation_id
                     AND m.number = t.answer
                 WHERE t.tenant_id = f.tenant AND t.turn_id = $2
                 OFFSET 0) r",
        )
        .bind(tenant.as_uuid())
        .bind(turn.as_uuid());
        match self.row(operation, question).await? {
            Some(row) => self.state(operation, tenant, &row).await.map(Some),
            None => Ok(None),
        }
    }

    /// `turn_id, conversation_id, visitor_id, proven, disclose, state, lease_node, lease_token, lease_until, language,
    /// persona, superseded`, the conversation's `session`, and `message_id` and `content` of Bob's message
    pub(super) async fn state(
        &self,
        operation: &'static str,
        tenant: &TenantId,
        row: &PgRow,
    ) -> Result<(ConversationId, TurnState)> {
        let mut cells = Cells::of(row, operation);
        let (turn, conversation) = (cells.id(TurnId::from_uuid)?, cells.id(ConversationId::from_uuid)?);
        let visitor = cells.id(VisitorId::from_uuid)?;
        let (proven, disclose) = (cells.take()?, cells.take()?);
        let state: &str = cells.take()?;
        let lease = Lease {
            node: cells.id(NodeId::from_uuid)?,
            token: cells.take::<i64>()?.cast_unsigned(),
            until: cells.time()?,
        };
        if state == "open" {
            return Ok((conversation, TurnState::Open(lease)));
        }
        let seal =
            self.visitor_seal(operation, tenant, &visitor).await?.ok_or_else(|| not_found(operation))?;
        let language: Option<Language> = cells.optional_parsed()?;
        let persona: Option<String> = cells.take()?;
        let superseded: Option<&[u8]> = cells.take()?;
        let session: &[u8] = cells.take()?;
        let message = cells.optional_id(bob_core::id::MessageId::from_uuid)?;
        let content: Option<&[u8]> = cells.take()?;
        let read = |json: String| record::answer(&json).map_err(|error| corrupt(operation, error));
        if state == "abandoned" {
            let superseded =
                superseded.map(|late| seal.open_superseded(&turn, late).map_err(sealed(operation)));
            let superseded = superseded.transpose()?.map(read).transpose()?.map(Box::new);
            return Ok((conversation, TurnState::Abandoned { superseded }));
        }
        let answer = match message.zip(content) {
            Some((id, content)) => read(seal.open_message(&id, content).map_err(sealed(operation))?)?,
            None => delivered(language),
        };
        let finished = FinishedTurn {
            turn,
            conversation,
            visitor,
            proven,
            session: seal.open_session(&conversation, session).map_err(sealed(operation))?,
            answer,
            persona: persona.unwrap_or_default(),
            disclose,
        };
        Ok((conversation, TurnState::Finished(Box::new(finished))))
    }
}

/// What is answered to a message that a person will answer.
fn delivered(language: Option<Language>) -> Answer {
    Answer::empty(Outcome::Delivered, language.unwrap_or(Language::EN))
}

/// A length of time, as it is stored.
fn lasting(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
