//! A visitor's call, sealed for storage.

use bob_core::id::{MessageId, VisitorId};
use bob_core::storage::Result;
use bob_core::turn::{IdempotencyClaim, TurnStart};
use bob_core::vault::Vault;
use bob_core::visitor::VisitorProof;
use sqlx::sqlite::SqliteRow;

use super::super::SqliteStorage;
use super::super::error::{corrupt, failed};
use super::super::key::key_of;
use super::super::rows::{Cells, blob};
use super::super::writer::{Query, Unit};
use super::begin::OPERATION;
use crate::seal::{TenantSeal, VisitorSeal};

/// What a visitor sent, as it is stored.
pub(super) struct Call {
    pub(super) seal: VisitorSeal,
    /// Whether the visitor's key is still to be stored.
    pub(super) key_is_new: bool,
    /// Whether the caller is the visitor for certain.
    pub(super) proven: bool,
    /// Whether only a secret session tells so; if it continues nothing, they are a new visitor, and that for certain.
    pub(super) by_session: bool,
    pub(super) session_index: Vec<u8>,
    pub(super) session: Vec<u8>,
    pub(super) message: MessageId,
    /// None when the message stands there already.
    pub(super) text: Option<Vec<u8>>,
    pub(super) scopes: [Option<Scope>; 2],
}

/// Where a call counts, and what its body is compared by there.
pub(super) struct Scope {
    pub(super) scope: Vec<u8>,
    pub(super) body: Vec<u8>,
}

/// Whose a call is: their seal, and whether its key is still to be stored.
pub(super) struct Caller {
    seal: VisitorSeal,
    key_is_new: bool,
}

impl Call {
    /// Seals a call.
    pub(super) fn of(vault: &Vault, start: &TurnStart, caller: Caller) -> Result<Self> {
        let Caller { seal, key_is_new } = caller;
        let refused = |error| corrupt(OPERATION, error);
        let by_session = by_session(start);
        Ok(Self {
            proven: !by_session,
            by_session,
            session_index: session_index(vault, &seal, start),
            session: seal.session(&start.conversation, &start.session).map_err(refused)?,
            message: start.message,
            text: Some(seal.message(&start.message, start.text.as_str()).map_err(refused)?),
            scopes: scopes(vault, start.idempotency.as_ref()),
            seal,
            key_is_new,
        })
    }
}

fn session_index(vault: &Vault, seal: &VisitorSeal, start: &TurnStart) -> Vec<u8> {
    vault.session_index(&seal.tenant, start.door, &start.session).to_vec()
}

/// A call's scopes, of which there are two at most.
pub(super) fn scopes(vault: &Vault, claim: Option<&IdempotencyClaim>) -> [Option<Scope>; 2] {
    let scope = |at: usize| {
        let (claim, scope) = claim.and_then(|claim| Some((claim, claim.scopes.get(at)?)))?;
        let body = vault.body_index(scope, &claim.body).to_vec();
        Some(Scope { scope: scope.as_bytes().to_vec(), body })
    };
    [scope(0), scope(1)]
}

/// Whether only the session id tells who writes, and is a secret: it continues the conversation it names then.
fn by_session(start: &TurnStart) -> bool {
    matches!(start.visitor, VisitorProof::New(_)) && !start.session_is_new && start.session.is_secret()
}

impl SqliteStorage {
    /// Whose a call is, as far as that can be known before it is stored.
    pub(super) async fn caller(&self, tenant: &TenantSeal, start: &TurnStart) -> Result<Caller> {
        let visitor = start.visitor.visitor();
        let question = match start.visitor {
            VisitorProof::New(_) if !by_session(start) => None,
            VisitorProof::New(_) => Some(first_of_session(self.vault(), tenant, start)),
            VisitorProof::Proven(_) => {
                if let Some(seal) = self.remembered_seal(&tenant.tenant, &visitor) {
                    return Ok(Caller { seal, key_is_new: false });
                }
                Some(key_of(&tenant.tenant, &visitor))
            }
        };
        let row = match question {
            Some(question) => question.fetch_optional(self.readers()).await.map_err(failed(OPERATION))?,
            None => None,
        };
        let caller = caller(tenant, visitor, row.as_ref())?;
        if !caller.key_is_new {
            self.remember(&caller.seal);
        }
        Ok(caller)
    }
}

/// Whose a call is, in the transaction that stores it.
pub(super) async fn certain_caller(
    unit: &mut Unit<'_>,
    vault: &Vault,
    tenant: &TenantSeal,
    start: &TurnStart,
) -> Result<Caller> {
    let visitor = start.visitor.visitor();
    let mut row = None;
    if by_session(start) {
        row = unit.row(first_of_session(vault, tenant, start)).await?;
    }
    if row.is_none() {
        row = unit.row(key_of(&tenant.tenant, &visitor)).await?;
    }
    caller(tenant, visitor, row.as_ref())
}

/// Asks for the visitor of the conversation that a secret session continues, and their key; what belongs to somebody who
/// is verified, or has ended, is continued by nobody else.
fn first_of_session(vault: &Vault, tenant: &TenantSeal, start: &TurnStart) -> Query {
    let index = vault.session_index(&tenant.tenant, start.door, &start.session);
    sqlx::query(
        "SELECT c.visitor_id, v.key
         FROM bob_conversations c
         LEFT JOIN bob_visitors v ON v.tenant_id = c.tenant_id AND v.visitor_id = c.visitor_id
         WHERE c.tenant_id = $1 AND c.session_index = $2 AND v.trust IS NOT 'verified' AND v.ended_at IS NULL
         ORDER BY c.started_at, c.conversation_id LIMIT 1",
    )
    .bind(blob(tenant.tenant.as_uuid()))
    .bind(index.to_vec())
}

/// Reads `visitor_id, key`; without a row it is `visitor`, who has no key yet.
fn caller(tenant: &TenantSeal, visitor: VisitorId, row: Option<&SqliteRow>) -> Result<Caller> {
    let (visitor, wrapped) = match row {
        Some(row) => {
            let mut cells = Cells::of(row, OPERATION);
            (cells.id(VisitorId::from_uuid)?, cells.take::<Option<&[u8]>>()?)
        }
        None => (visitor, None),
    };
    let seal = match wrapped {
        Some(wrapped) => tenant.visitor(visitor, wrapped),
        None => tenant.new_visitor(visitor),
    };
    let seal = seal.map_err(|error| corrupt(OPERATION, error))?;
    Ok(Caller { seal, key_is_new: wrapped.is_none() })
}
