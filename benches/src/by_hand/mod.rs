//! A turn's two transactions written by hand: the same rows in the same tables as Bob writes, without a queue.
//!
//! Each transaction goes to the database as one call, on a connection that nobody else has, and is committed alone. What
//! it leaves out is what a turn may run into: repeated calls, budgets, a person who owns the conversation, lost leases.

use async_trait::async_trait;
use bob_core::id::{ConversationId, TenantId, VisitorId};
use uuid::Uuid;

use crate::Result;
use crate::database::Database;

/// Whose turns are taken.
#[derive(Debug, Clone)]
pub struct Conversation {
    pub tenant: TenantId,
    pub id: ConversationId,
    pub visitor: VisitorId,
    /// As long as a sealed question is, and as a sealed answer.
    pub contents: [usize; 2],
}

/// What one transaction of a turn binds.
#[derive(Debug)]
struct Bound {
    tenant: Uuid,
    conversation: Uuid,
    turn: Uuid,
    message: Uuid,
    audit: Uuid,
    event: Uuid,
    at: i64,
    content: Vec<u8>,
    /// The visitor when it is opened, the persona when it is closed.
    other: Uuid,
}

impl Conversation {
    fn bound(&self, turn: Uuid, content: usize, other: Uuid) -> Bound {
        let [message, audit, event] = std::array::from_fn(|_| Uuid::now_v7());
        Bound {
            tenant: self.tenant.as_uuid(),
            conversation: self.id.as_uuid(),
            turn,
            message,
            audit,
            event,
            at: 1_700_000_000_000_000,
            content: vec![7; content],
            other,
        }
    }
}

/// Takes turns.
#[async_trait]
pub trait ByHand: Send {
    /// Opens a turn and reads its history; answers how many messages that has.
    async fn open(&mut self, turn: Uuid) -> Result<usize>;

    /// Stores the answer and settles.
    async fn close(&mut self, turn: Uuid) -> Result<()>;
}

/// Takes turns in a conversation of Bob's.
pub async fn take_turns(database: &Database, conversation: Conversation) -> Result<Box<dyn ByHand>> {
    Ok(match database {
        Database::Sqlite(file) => {
            Box::new(sqlite::Sqlite { connection: file.connect().await?, conversation })
        }
        Database::Postgres(database) => {
            Box::new(postgres::Postgres::prepare(database.connect().await?, conversation).await?)
        }
    })
}

/// What opening a turn writes: $1 tenant, $2 conversation, $3 turn, $4 message, $5 audit row, $6 event, $7 time,
/// $8 content, $9 visitor.
macro_rules! opening {
    () => {
        "UPDATE bob_credits SET reserved = reserved + 1000
         WHERE tenant_id = $1 AND granted - settled - reserved >= 1000;
         UPDATE bob_conversations SET messages = messages + 1, open_turn = $3
         WHERE tenant_id = $1 AND conversation_id = $2 AND open_turn IS NULL AND owner IS NULL AND visitor_id = $9;
         INSERT INTO bob_turns (tenant_id, turn_id, conversation_id, visitor_id, proven, disclose, epoch, state,
             lease_node, lease_token, lease_until, reserved, started_at)
         VALUES ($1, $3, $2, $9, true, false, 0, 'open', $9, 7, $7 + 15000000, 1000, $7);
         INSERT INTO bob_messages (tenant_id, conversation_id, number, message_id, turn_id, role, at, content)
         SELECT $1, $2, messages, $4, $3, 'visitor', $7, $8 FROM bob_conversations
         WHERE tenant_id = $1 AND conversation_id = $2;
         INSERT INTO bob_audit (tenant_id, audit_id, at, principal_kind, principal_id, request_id, operation, subject,
             part_of)
         VALUES ($1, $5, $7, 'system', $9, 'bench', 'begin_turn', $3, $2);
         INSERT INTO bob_outbox (tenant_id, event_id, at, kinds, conversation_id, turn_id, message_id)
         VALUES ($1, $6, $7, 'message.created', $2, $3, $4);"
    };
}

/// What it reads then.
macro_rules! history {
    () => {
        "SELECT * FROM bob_messages WHERE tenant_id = $1 AND conversation_id = $2 AND turn_id <> $3
         ORDER BY number DESC LIMIT 20;"
    };
}

/// What closing a turn writes, by the same parameters; $9 is the persona.
macro_rules! closing {
    () => {
        "UPDATE bob_conversations SET open_turn = NULL, messages = messages + 1, language = 'en', disclosed_epoch = epoch
         WHERE tenant_id = $1 AND conversation_id = $2 AND open_turn = $3;
         UPDATE bob_turns SET state = 'finished', settled = 1000, language = 'en', persona = 'Bob', persona_id = $9,
             persona_version = 1, knowledge_release = 1, pricebook_version = 1, closed_at = $7,
             answer = (SELECT messages FROM bob_conversations WHERE tenant_id = $1 AND conversation_id = $2)
         WHERE tenant_id = $1 AND turn_id = $3 AND state = 'open';
         INSERT INTO bob_messages (tenant_id, conversation_id, number, message_id, turn_id, role, at, content)
         SELECT $1, $2, messages, $4, $3, 'bot', $7, $8 FROM bob_conversations
         WHERE tenant_id = $1 AND conversation_id = $2;
         UPDATE bob_credits
         SET reserved = reserved - 1000, settled = settled + 1000, used = used + 1000, entries = entries + 1
         WHERE tenant_id = $1;
         INSERT INTO bob_ledger (tenant_id, number, at, kind, amount, balance, turn_id)
         SELECT $1, entries, $7, 'settlement', -1000, granted - settled, $3 FROM bob_credits WHERE tenant_id = $1;
         INSERT INTO bob_audit (tenant_id, audit_id, at, principal_kind, principal_id, request_id, operation, subject,
             part_of)
         VALUES ($1, $5, $7, 'system', $9, 'bench', 'finish_turn', $3, $2);
         INSERT INTO bob_outbox (tenant_id, event_id, at, kinds, conversation_id, turn_id, message_id)
         VALUES ($1, $6, $7, 'message.created', $2, $3, $4);"
    };
}

// Behind the statements, which macros hold so that they can be joined to others.
mod postgres;
mod sqlite;
