//! Finding a turn, and what became of it.

use bob_core::answer::{Answer, Outcome};
use bob_core::conversation::Door;
use bob_core::id::{ConversationId, MessageId, NodeId, TenantId, TurnId, VisitorId};
use bob_core::language::Language;
use bob_core::storage::Result;
use bob_core::turn::{FinishedTurn, Lease, TurnState};
use bob_core::vault::VaultError;
use sqlx::sqlite::SqliteRow;

use super::super::error::corrupt;
use super::super::rows::{Cells, blob};
use super::super::writer::Query;
use crate::record;
use crate::seal::{TenantSeal, VisitorSeal};

/// Asks for what [`FoundTurn::read`] reads.
pub(in super::super) fn find(tenant: &TenantId, turn: &TurnId) -> Query {
    sqlx::query(
        "SELECT t.turn_id, t.conversation_id, t.visitor_id, v.key, c.door, t.proven, t.disclose, t.state, t.lease_node,
             t.lease_token, t.lease_until, t.language, t.persona, t.superseded, c.session, m.message_id, m.content
         FROM bob_turns t
         JOIN bob_conversations c ON c.tenant_id = t.tenant_id AND c.conversation_id = t.conversation_id
         LEFT JOIN bob_visitors v ON v.tenant_id = t.tenant_id AND v.visitor_id = t.visitor_id
         LEFT JOIN bob_messages m ON m.tenant_id = t.tenant_id AND m.conversation_id = t.conversation_id
             AND m.number = t.answer
         WHERE t.tenant_id = $1 AND t.turn_id = $2",
    )
    .bind(blob(tenant.as_uuid()))
    .bind(blob(turn.as_uuid()))
}

/// A turn as it is stored.
pub(in super::super) struct FoundTurn {
    pub(in super::super) turn: TurnId,
    pub(in super::super) conversation: ConversationId,
    pub(in super::super) visitor: VisitorId,
    /// The visitor's key, wrapped; none when they were erased.
    pub(in super::super) key: Option<Vec<u8>>,
    pub(in super::super) door: Door,
    proven: bool,
    disclose: bool,
    stage: Stage,
    language: Option<Language>,
    persona: Option<String>,
    session: Vec<u8>,
    answer: Option<(MessageId, Vec<u8>)>,
    operation: &'static str,
}

enum Stage {
    Open(Lease),
    Finished,
    Abandoned(Option<Vec<u8>>),
}

impl FoundTurn {
    pub(in super::super) fn read(row: &SqliteRow, operation: &'static str) -> Result<Self> {
        let mut cells = Cells::of(row, operation);
        let (turn, conversation) = (cells.id(TurnId::from_uuid)?, cells.id(ConversationId::from_uuid)?);
        let (visitor, key) = (cells.id(VisitorId::from_uuid)?, cells.take()?);
        let door = cells.named(Door::from_name)?;
        let (proven, disclose) = (cells.take()?, cells.take()?);
        let stage: &str = cells.take()?;
        let lease = lease(&mut cells)?;
        let (language, persona) = (cells.optional_parsed()?, cells.take()?);
        let superseded = cells.take()?;
        let stage = match stage {
            "open" => Stage::Open(lease),
            "abandoned" => Stage::Abandoned(superseded),
            _ => Stage::Finished,
        };
        let session = cells.take()?;
        let answer = match cells.optional_id(MessageId::from_uuid)? {
            Some(message) => Some((message, cells.take()?)),
            None => None,
        };
        Ok(Self {
            turn,
            conversation,
            visitor,
            key,
            door,
            proven,
            disclose,
            stage,
            language,
            persona,
            session,
            answer,
            operation,
        })
    }

    /// Its lease, while it is open.
    pub(in super::super) fn open(&self) -> Option<Lease> {
        if let Stage::Open(lease) = self.stage { Some(lease) } else { None }
    }

    /// Whether it was answered.
    pub(super) fn is_finished(&self) -> bool {
        matches!(self.stage, Stage::Finished)
    }

    /// What became of it, opened with the visitor's own key.
    pub(in super::super) fn state(self, seal: &VisitorSeal) -> Result<TurnState> {
        let operation = self.operation;
        let unreadable = |error: VaultError| corrupt(operation, error);
        let read = |json: String| record::answer(&json).map_err(|error| corrupt(operation, error));
        Ok(match self.stage {
            Stage::Open(lease) => TurnState::Open(lease),
            Stage::Abandoned(sealed) => {
                let opened = sealed.map(|sealed| seal.open_superseded(&self.turn, &sealed)).transpose();
                let superseded = opened.map_err(unreadable)?.map(read).transpose()?.map(Box::new);
                TurnState::Abandoned { superseded }
            }
            Stage::Finished => {
                let session = seal.open_session(&self.conversation, &self.session).map_err(unreadable)?;
                let answer = match self.answer {
                    Some((message, sealed)) => {
                        read(seal.open_message(&message, &sealed).map_err(unreadable)?)?
                    }
                    // A person's to answer.
                    None => Answer::empty(Outcome::Delivered, self.language.unwrap_or(Language::EN)),
                };
                TurnState::Finished(Box::new(FinishedTurn {
                    turn: self.turn,
                    conversation: self.conversation,
                    visitor: self.visitor,
                    proven: self.proven,
                    session,
                    answer,
                    persona: self.persona.unwrap_or_default(),
                    disclose: self.disclose,
                }))
            }
        })
    }

    /// What became of it, opened with the tenant's key.
    pub(super) fn opened_by(self, tenant: &TenantSeal) -> Result<TurnState> {
        let operation = self.operation;
        if let Some(lease) = self.open() {
            return Ok(TurnState::Open(lease));
        }
        let wrapped = self.key.as_deref().ok_or_else(|| corrupt(operation, "the visitor's key is gone"))?;
        let seal = tenant.visitor(self.visitor, wrapped).map_err(|error| corrupt(operation, error))?;
        self.state(&seal)
    }
}

/// `lease_node, lease_token, lease_until`
pub(super) fn lease(cells: &mut Cells<'_>) -> Result<Lease> {
    Ok(Lease {
        node: cells.id(NodeId::from_uuid)?,
        token: cells.take::<i64>()?.cast_unsigned(),
        until: cells.time()?,
    })
}
