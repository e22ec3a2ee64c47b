//! Closing a turn.

use bob_core::act::Act;
use bob_core::answer::Outcome;
use bob_core::id::TenantId;
use bob_core::outbox::new_row_id;
use bob_core::storage::Result;
use bob_core::turn::{FinishedTurn, TurnClosing, TurnFinish, TurnState};
use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;
use std::sync::Arc;
use uuid::Uuid;

use super::super::audit::NewRow;
use super::super::error::corrupt;
use super::super::keys::sealed;
use super::super::lane::{Call, Columns};
use super::super::rows::{Cells, count, micros};
use super::super::{PostgresStorage, not_found};
use crate::record;
use crate::seal::VisitorSeal;

const OPERATION: &str = "finish_turn";

/// How often a turn is asked to close: with the answer, with a key that had changed, and with the answer as superseded.
const CALLS: u32 = 4;

/// Closes a batch of turns; a row for each, in their order.
pub(in super::super) const STATEMENT: &str = "SELECT r.*
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bytea[], $6::uuid[], $7::bigint[], $8::bigint[],
        $9::bigint[], $10::bigint[], $11::uuid[], $12::bytea[], $13::bytea[], $14::text[], $15::text[], $16::uuid[],
        $17::bigint[], $18::bigint[], $19::bigint[], $20::bigint[], $21::bool[], $22::bool[], $23::uuid[], $24::uuid[],
        $25::text[], $26::uuid[], $27::text[], $28::text[], $29::text[], $30::bool[], $31::bytea[])
        WITH ORDINALITY AS c (tenant, turn, conversation, visitor, key, node, token, epoch, time, at, message, content,
            superseded, language, persona, persona_id, persona_version, release, pricebook, cost, wants_person, refused,
            audit, event, principal_kind, principal, request, reason, via, by_platform, address, place)
    CROSS JOIN LATERAL bob_finish_turn(tenant, turn, conversation, visitor, key, node, token, epoch, time, at, message,
        content, superseded, language, persona, persona_id, persona_version, release, pricebook, cost, wants_person,
        refused, audit, event, principal_kind, principal, request, reason, via, by_platform, address) r
    ORDER BY c.place";

/// One turn to be closed.
pub(in super::super) struct Finish {
    act: Act,
    tenant: TenantId,
    finish: Arc<TurnFinish>,
    seal: VisitorSeal,
    content: Vec<u8>,
    superseded: Option<Vec<u8>>,
    time: Option<i64>,
    row: NewRow,
    event: Uuid,
}

impl Call for Finish {
    const OPERATION: &'static str = OPERATION;

    fn tenant(&self) -> Uuid {
        self.tenant.as_uuid()
    }

    /// A turn that was closed already says so, so nothing else tells that a call may be a repetition.
    fn arguments(calls: &[&Self], _again: bool) -> std::result::Result<PgArguments, BoxDynError> {
        let mut columns = Columns::of(calls);
        columns
            .add(|c| c.tenant.as_uuid())?
            .add(|c| c.finish.turn.as_uuid())?
            .add(|c| c.finish.conversation.as_uuid())?
            .add(|c| c.seal.visitor.as_uuid())?
            .add(|c| c.seal.key.wrapped())?
            .add(|c| c.finish.lease.node.as_uuid())?
            .add(|c| c.finish.lease.token.cast_signed())?
            .add(|c| count(c.finish.epoch))?
            .add(|c| c.time)?
            .add(|c| micros(c.act.at))?
            .add(|c| c.finish.message.as_uuid())?
            .add(|c| c.content.as_slice())?
            .add(|c| c.superseded.as_deref())?
            .add(|c| c.finish.answer.language.as_str())?
            .add(|c| c.finish.persona.as_str())?
            .add(|c| c.finish.versions.persona.0.as_uuid())?
            .add(|c| i64::from(c.finish.versions.persona.1))?
            .add(|c| count(c.finish.versions.knowledge))?
            .add(|c| i64::from(c.finish.versions.pricebook))?
            .add(|c| c.finish.cost.0)?
            .add(|c| c.finish.answer.outcome.wants_person())?
            .add(|c| c.finish.answer.outcome == Outcome::Refused)?
            .add(|c| c.row.id)?
            .add(|c| c.event)?
            .add(|c| c.act.principal.kind())?
            .add(|c| c.act.principal.id())?
            .add(|c| c.act.request_id.as_str())?
            .add(|c| c.act.reason.as_deref())?
            .add(|c| c.act.via.as_str())?
            .add(|c| c.act.by_platform)?
            .add(|c| c.row.address.as_deref())?;
        Ok(columns.end())
    }
}

impl PostgresStorage {
    pub(super) async fn finish_turn(
        &self,
        act: &Act,
        tenant: &TenantId,
        finish: TurnFinish,
    ) -> Result<TurnClosing> {
        let answer = record::of_answer(&finish.answer).map_err(|error| corrupt(OPERATION, error))?;
        let finish = Arc::new(finish);
        let mut stale = false;
        for _ in 0..CALLS {
            let seal = self.visitor_seal(OPERATION, tenant, &finish.key.visitor).await?;
            let seal = seal.ok_or_else(|| not_found(OPERATION))?;
            let superseded = stale.then(|| seal.superseded(&finish.turn, &answer));
            let call = Finish {
                act: act.clone(),
                tenant: *tenant,
                content: seal.message(&finish.message, &answer).map_err(sealed(OPERATION))?,
                superseded: superseded.transpose().map_err(sealed(OPERATION))?,
                finish: Arc::clone(&finish),
                seal,
                time: self.time(act.at),
                row: self.new_row(act, tenant, OPERATION).await?,
                event: new_row_id(),
            };
            let row = self.shared.finishes.call(call).await?;
            match Cells::of(&row, OPERATION).take()? {
                "stored" => return Ok(TurnClosing::Stored(Box::new(stored(finish)))),
                "superseded" => return Ok(TurnClosing::Superseded),
                "missing" => return Err(not_found(OPERATION)),
                "finished" => {
                    return match self.find(OPERATION, tenant, &finish.turn).await? {
                        Some((_, TurnState::Finished(finished))) => Ok(TurnClosing::Stored(finished)),
                        _ => Err(corrupt(OPERATION, "a finished turn is not there")),
                    };
                }
                "stale" => stale = true,
                _ => self.vault().forget_visitor(tenant, &finish.key.visitor),
            }
        }
        Err(corrupt(OPERATION, "no key fits the visitor"))
    }
}

fn stored(finish: Arc<TurnFinish>) -> FinishedTurn {
    let finish = Arc::try_unwrap(finish).unwrap_or_else(|shared| TurnFinish::clone(&shared));
    FinishedTurn {
        turn: finish.turn,
        conversation: finish.conversation,
        visitor: finish.key.visitor,
        proven: finish.proven,
        session: finish.key.session,
        answer: finish.answer,
        persona: finish.persona,
        disclose: finish.disclose,
    }
}
