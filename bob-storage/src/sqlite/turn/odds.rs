//! Opening a turn that something stands in the way of.

use std::sync::Arc;

use bob_core::act::Act;
use bob_core::answer::{Answer, Outcome};
use bob_core::clock::later;
use bob_core::id::{ConversationId, TenantId, TurnId};
use bob_core::language::Language;
use bob_core::outbox::{EventKind, EventSubject};
use bob_core::storage::Result;
use bob_core::turn::{FinishedTurn, IDEMPOTENCY_KEPT, Lease, OpenTurn, TurnOpening, TurnStart, TurnState};
use bob_core::vault::Vault;
use bob_core::visitor::VisitorProof;

use super::super::audit::{Subject, note};
use super::super::error::corrupt;
use super::super::outbox::tell;
use super::super::rows::{Cells, blob, micros};
use super::super::writer::Unit;
use super::begin::{OPERATION, Repetition, open, opened};
use super::call::{Call, Scope, certain_caller, scopes};

use super::find::{FoundTurn, find, lease};
use super::lost::{LostTurn, take_up};
use super::settle::give_up;
use crate::seal::{TenantSeal, VisitorSeal};

/// A call that did not open a turn at once.
pub(super) struct Odds {
    pub(super) act: Act,
    pub(super) vault: Arc<Vault>,
    pub(super) tenant: TenantSeal,
    pub(super) start: TurnStart,
}

impl Odds {
    /// Finds out what stands in the turn's way, clears what may be cleared, and tries again; answers beside it the seal of
    /// the visitor, if their key is certain now.
    pub(super) async fn face(mut self, unit: &mut Unit<'_>) -> Result<(TurnOpening, Option<VisitorSeal>)> {
        if let Some(known) = self.repeated(unit).await? {
            return Ok((known, None));
        }
        let lost = LostTurn::of(unit, &self).await?;
        if let Some(lost) = &lost {
            self.start.door = lost.door;
            self.start.session = lost.session.clone();
            self.start.visitor = VisitorProof::Proven(lost.visitor);
        }
        if self.has_ended(unit).await? {
            return Ok((TurnOpening::Ended, None));
        }
        let caller = certain_caller(unit, &self.vault, &self.tenant, &self.start).await?;
        let mut call = Call::of(&self.vault, &self.start, caller)?;
        call.proven = lost.as_ref().map_or(call.proven, |lost| lost.proven);
        if let Some(obstacle) = obstacle(unit, &call).await? {
            if let Some((turn, lease)) = obstacle.open {
                if lease.holds(self.act.at) {
                    return Ok((TurnOpening::Busy { turn, until: lease.until }, None));
                }
                give_up(unit, &self.act, &self.tenant.tenant, &turn).await?;
            }
            if let Some(message) = take_up(unit, &call, lost.as_ref(), &self.start.turn).await? {
                call.message = message;
                call.text = None;
            }
            if obstacle.person {
                let delivered = self.deliver(unit, &call, obstacle).await?;
                return Ok((TurnOpening::Delivered(Box::new(delivered)), Some(call.seal)));
            }
        }
        let opened = self.open(unit, &call).await?;
        Ok((TurnOpening::Opened(Box::new(opened)), Some(call.seal)))
    }

    async fn open(&self, unit: &mut Unit<'_>, call: &Call) -> Result<OpenTurn> {
        let rows = unit.rows(open(&self.act, &self.start, call, &self.tenant, Repetition::Opens)?).await?;
        if rows.is_empty() {
            return Err(corrupt(OPERATION, "nothing stands in the turn's way, yet it does not open"));
        }
        opened(&rows, &self.start, call)
    }

    /// What an earlier call under the same idempotency key came to; nothing if there was none, or nothing came of it.
    async fn repeated(&self, unit: &mut Unit<'_>) -> Result<Option<TurnOpening>> {
        for scope in scopes(&self.vault, self.start.idempotency.as_ref()).iter().flatten() {
            let Some((same, turn)) = self.known(unit, scope).await? else { continue };
            if !same {
                return Ok(Some(TurnOpening::Mismatch));
            }
            let row = unit.row(find(&self.tenant.tenant, &turn)).await?;
            let Some(found) = row.map(|row| FoundTurn::read(&row, OPERATION)).transpose()? else {
                return Ok(None);
            };
            return Ok(match found.opened_by(&self.tenant)? {
                TurnState::Finished(finished) => Some(TurnOpening::Replayed(finished)),
                TurnState::Open(lease) if lease.holds(self.act.at) => Some(TurnOpening::Running(turn)),
                // The node is gone and nothing was answered: the repetition answers.
                _ => None,
            });
        }
        Ok(None)
    }

    /// Whether the visitor was claimed.
    async fn has_ended(&self, unit: &mut Unit<'_>) -> Result<bool> {
        let select = sqlx::query(
            "SELECT 1 FROM bob_visitors WHERE tenant_id = $1 AND visitor_id = $2 AND ended_at IS NOT NULL",
        )
        .bind(blob(self.tenant.tenant.as_uuid()))
        .bind(blob(self.start.visitor.visitor().as_uuid()));
        Ok(unit.row(select).await?.is_some())
    }

    /// Whether a scope was used with the same body, and for which turn; what belongs to a verified visitor, perhaps since
    /// a claim, is repeated by nobody else.
    async fn known(&self, unit: &mut Unit<'_>, scope: &Scope) -> Result<Option<(bool, TurnId)>> {
        let select = sqlx::query(
            "SELECT i.body = $4, i.turn_id FROM bob_idempotency i
             LEFT JOIN bob_turns t ON t.tenant_id = i.tenant_id AND t.turn_id = i.turn_id
             LEFT JOIN bob_visitors v ON v.tenant_id = t.tenant_id AND v.visitor_id = t.visitor_id
             WHERE i.tenant_id = $1 AND i.scope = $2 AND i.until > $3
               AND (v.trust IS NOT 'verified' OR v.visitor_id = $5)",
        )
        .bind(blob(self.tenant.tenant.as_uuid()))
        .bind(scope.scope.clone())
        .bind(micros(self.act.at))
        .bind(scope.body.clone())
        .bind(blob(self.start.visitor.visitor().as_uuid()));
        let Some(row) = unit.row(select).await? else { return Ok(None) };
        let mut cells = Cells::of(&row, OPERATION);
        Ok(Some((cells.take()?, cells.id(TurnId::from_uuid)?)))
    }

    /// Stores a message for the person who owns the conversation, as a turn that is closed already and costs nothing.
    async fn deliver(&self, unit: &mut Unit<'_>, call: &Call, to: Obstacle) -> Result<FinishedTurn> {
        let (act, start, tenant) = (&self.act, &self.start, &self.tenant.tenant);
        // Whoever only has the session continues the conversation, and proves nothing.
        let proven = call.proven;
        let insert = sqlx::query(
            "UPDATE bob_conversations SET messages = messages + ($10 IS NOT NULL), active_at = $8
             WHERE tenant_id = $1 AND conversation_id = $2;

             INSERT INTO bob_turns (tenant_id, turn_id, conversation_id, visitor_id, proven, disclose, epoch, state,
                 lease_node, lease_token, lease_until, reserved, settled, language, started_at, closed_at)
             SELECT $1, $3, $2, c.visitor_id, $4, 0, c.epoch, 'finished', $5, $6, $7, 0, 0, c.language, $8, $8
             FROM bob_conversations c WHERE c.tenant_id = $1 AND c.conversation_id = $2;

             INSERT INTO bob_messages (tenant_id, conversation_id, number, message_id, turn_id, role, at, content)
             SELECT $1, $2, c.messages, $9, $3, 'visitor', $8, $10
             FROM bob_conversations c WHERE $10 IS NOT NULL AND c.tenant_id = $1 AND c.conversation_id = $2",
        )
        .bind(blob(tenant.as_uuid()))
        .bind(blob(to.conversation.as_uuid()))
        .bind(blob(start.turn.as_uuid()))
        .bind(proven)
        .bind(blob(start.lease.node.as_uuid()))
        .bind(start.lease.token.cast_signed())
        .bind(micros(start.lease.until))
        .bind(micros(act.at))
        .bind(blob(call.message.as_uuid()))
        .bind(call.text.clone());
        unit.execute(insert).await?;
        for scope in call.scopes.iter().flatten() {
            claim(unit, act, tenant, scope, &start.turn).await?;
        }
        if call.key_is_new {
            insert_visitor(unit, act, &call.seal).await?;
        }
        if call.text.is_some() {
            let about = EventSubject {
                conversation: Some(to.conversation),
                turn: Some(start.turn),
                message: Some(call.message),
                ..EventSubject::default()
            };
            tell(unit, act, tenant, &[EventKind::MessageCreated], about).await?;
        }
        let subject = Subject(Some(start.turn.as_uuid()), Some(to.conversation.as_uuid()));
        note(unit, Some(tenant), act, OPERATION, subject).await?;
        Ok(FinishedTurn {
            turn: start.turn,
            conversation: to.conversation,
            visitor: call.seal.visitor,
            proven,
            session: start.session.clone(),
            answer: Answer::empty(Outcome::Delivered, to.language.unwrap_or(Language::EN)),
            persona: String::new(),
            disclose: false,
        })
    }
}

/// Stores the key of a visitor who had none, or has one no more.
async fn insert_visitor(unit: &mut Unit<'_>, act: &Act, seal: &VisitorSeal) -> Result<()> {
    let insert = sqlx::query(
        "INSERT INTO bob_visitors (tenant_id, visitor_id, key, created_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(blob(seal.tenant.as_uuid()))
    .bind(blob(seal.visitor.as_uuid()))
    .bind(seal.key.wrapped().to_vec())
    .bind(micros(act.at));
    unit.execute(insert).await?;
    Ok(())
}

/// Notes for which turn a scope was used.
async fn claim(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    scope: &Scope,
    turn: &TurnId,
) -> Result<()> {
    let insert = sqlx::query(
        "INSERT OR REPLACE INTO bob_idempotency (tenant_id, scope, body, turn_id, until)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(scope.scope.clone())
    .bind(scope.body.clone())
    .bind(blob(turn.as_uuid()))
    .bind(micros(later(act.at, IDEMPOTENCY_KEPT)));
    unit.execute(insert).await?;
    Ok(())
}

/// The conversation a turn would belong to, with what may keep it from opening.
struct Obstacle {
    conversation: ConversationId,
    language: Option<Language>,
    person: bool,
    open: Option<(TurnId, Lease)>,
}

async fn obstacle(unit: &mut Unit<'_>, call: &Call) -> Result<Option<Obstacle>> {
    let select = sqlx::query(
        "SELECT c.conversation_id, c.language, c.owner IS NOT NULL, c.open_turn, o.lease_node, o.lease_token,
             o.lease_until
         FROM bob_conversations c
         LEFT JOIN bob_turns o ON o.tenant_id = $1 AND o.turn_id = c.open_turn
         WHERE c.tenant_id = $1 AND c.session_index = $2 AND c.visitor_id = $3",
    )
    .bind(blob(call.seal.tenant.as_uuid()))
    .bind(call.session_index.clone())
    .bind(blob(call.seal.visitor.as_uuid()));
    let Some(row) = unit.row(select).await? else { return Ok(None) };
    let mut cells = Cells::of(&row, OPERATION);
    let conversation = cells.id(ConversationId::from_uuid)?;
    let (language, person) = (cells.optional_parsed()?, cells.take()?);
    let open = match cells.optional_id(TurnId::from_uuid)? {
        Some(turn) => Some((turn, lease(&mut cells)?)),
        None => None,
    };
    Ok(Some(Obstacle { conversation, language, person, open }))
}
