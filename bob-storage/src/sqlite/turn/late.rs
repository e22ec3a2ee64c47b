//! Closing a turn that something has become of meanwhile.

use bob_core::act::Act;
use bob_core::outbox::{EventKind, EventSubject};
use bob_core::storage::Result;
use bob_core::turn::{TurnClosing, TurnFinish, TurnState};

use super::super::audit::{NewRow, Subject, note};
use super::super::error::corrupt;
use super::super::not_found;
use super::super::outbox::tell;
use super::super::rows::{blob, micros};
use super::super::writer::Unit;
use super::find::{FoundTurn, find};
use super::finish::{OPERATION, store, stored};
use super::settle::settle;
use crate::record;
use crate::seal::{TenantSeal, VisitorSeal};

/// Finds out what became of the turn, and keeps the answer for the record if it may not be given any more; answers beside
/// it the seal of the visitor, if they have a key.
pub(super) async fn too_late(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantSeal,
    finish: TurnFinish,
) -> Result<(TurnClosing, Option<VisitorSeal>)> {
    let row = unit.row(find(&tenant.tenant, &finish.turn)).await?;
    let found = row.map(|row| FoundTurn::read(&row, OPERATION)).transpose()?;
    let found = found.filter(|found| found.conversation == finish.conversation);
    let found = found.ok_or_else(|| not_found(OPERATION))?;
    let opened = found.key.as_deref().map(|wrapped| tenant.visitor(found.visitor, wrapped));
    let seal = opened.transpose().map_err(|error| corrupt(OPERATION, error))?;
    if found.is_finished() {
        return match found.opened_by(tenant)? {
            TurnState::Finished(finished) => Ok((TurnClosing::Stored(finished), seal)),
            _ => Err(corrupt(OPERATION, "a finished turn has no answer")),
        };
    }
    // It may only have been sealed with a key that is not the stored one.
    if let Some(seal) = &seal {
        let row = NewRow::of(act, &tenant.tenant, &tenant.key, OPERATION)?;
        if !unit.rows(store(act, &finish, seal, row)?).await?.is_empty() {
            return Ok((TurnClosing::Stored(Box::new(stored(finish))), Some(seal.clone())));
        }
    }
    supersede(unit, act, tenant, &finish, seal.as_ref(), found.open().is_some()).await?;
    Ok((TurnClosing::Superseded, seal))
}

/// Keeps an answer for the record, unless its visitor was erased; if the turn is open still, settles it and frees the
/// conversation.
async fn supersede(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantSeal,
    finish: &TurnFinish,
    seal: Option<&VisitorSeal>,
    open: bool,
) -> Result<()> {
    let answer = record::of_answer(&finish.answer).map_err(|error| corrupt(OPERATION, error))?;
    let sealed = seal.map(|seal| seal.superseded(&finish.turn, &answer)).transpose();
    let sealed = sealed.map_err(|error| corrupt(OPERATION, error))?;
    let passed =
        if open { settle(unit, act, &tenant.tenant, &finish.turn, finish.cost).await? } else { None };
    let update = sqlx::query(
        "UPDATE bob_conversations SET open_turn = NULL
         WHERE tenant_id = $1 AND conversation_id = $3 AND open_turn = $2;

         UPDATE bob_turns
         SET settled = CASE state WHEN 'open' THEN min(max($4, 0), coalesce(reserved, 0)) ELSE settled END,
             state = 'abandoned', superseded = $5, closed_at = $6
         WHERE tenant_id = $1 AND turn_id = $2",
    )
    .bind(blob(tenant.tenant.as_uuid()))
    .bind(blob(finish.turn.as_uuid()))
    .bind(blob(finish.conversation.as_uuid()))
    .bind(finish.cost.0)
    .bind(sealed)
    .bind(micros(act.at));
    unit.execute(update).await?;
    let mut happened = Vec::new();
    happened.extend(open.then_some(EventKind::TurnAbandoned));
    happened.extend(passed.map(|_| EventKind::CreditsThreshold));
    if !happened.is_empty() {
        let about = EventSubject {
            conversation: Some(finish.conversation),
            turn: Some(finish.turn),
            number: passed.map(u64::from),
            ..EventSubject::default()
        };
        tell(unit, act, &tenant.tenant, &happened, about).await?;
    }
    let subject = Subject(Some(finish.turn.as_uuid()), Some(finish.conversation.as_uuid()));
    note(unit, Some(&tenant.tenant), act, OPERATION, subject).await
}
