//! Opening a turn.

use bob_core::act::Act;
use bob_core::conversation::{ConversationKey, Message, Role, SessionId};
use bob_core::credit::{MilliCredits, Reservation};
use bob_core::id::{AccountId, ConversationId, MessageId, TenantId, TurnId, VisitorId};
use bob_core::language::Language;
use bob_core::outbox::new_row_id;
use bob_core::storage::Result;
use bob_core::turn::{
    FinishedTurn, IDEMPOTENCY_KEPT, LEASE, Lease, OpenTurn, TurnOpening, TurnStart, TurnState,
};
use bob_core::vault::Vault;
use bob_core::visitor::VisitorProof;
use jiff::Timestamp;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgRow};
use uuid::Uuid;

use super::super::audit::{NewRow, new_id};
use super::super::error::corrupt;
use super::super::keys::sealed;
use super::super::lane::{Call, Columns};
use super::super::rows::{Cells, Stored, micros, said, turn_of};
use super::super::{PostgresStorage, not_found};
use super::{delivered, lasting};
use crate::seal::VisitorSeal;

const OPERATION: &str = "begin_turn";

/// How often what was sealed by the wrong key is sealed anew: once for a key that another node made, once for a session
/// that turns out to be another visitor's, and once for both at a time.
const KEYS: u32 = 4;

/// Opens a batch of turns; a row for each, in their order.
pub(in super::super) const STATEMENT: &str = "SELECT r.*
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bytea[], $7::bytea[], $8::uuid[],
        $9::bool[], $10::bool[], $11::uuid[], $12::bytea[], $13::bytea[], $14::bytea[], $15::bytea[], $16::bytea[],
        $17::bytea[], $18::uuid[], $19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[], $23::bigint[],
        $24::bigint[], $25::bigint[], $26::bigint[], $27::bigint[], $28::bigint[], $29::uuid[], $30::bigint[],
        $31::bigint[], $32::uuid[], $33::uuid[], $34::uuid[], $35::uuid[], $36::text[], $37::uuid[], $38::text[],
        $39::text[], $40::text[], $41::bool[], $42::bytea[])
        WITH ORDINALITY AS c (tenant, turn, message, conversation, door, session_index, session, visitor, proven,
            by_session, sealed_for, key, content, scope_1, body_1, scope_2, body_2, node, token, lease, kept, time, at,
            step_1, step_2, step_3, day, visitor_budget, key_id, key_budget, history, audit, event, audit_too, event_too,
            principal_kind, principal, request, reason, via, by_platform, address, place)
    CROSS JOIN LATERAL bob_begin_turn(tenant, turn, message, conversation, door, session_index, session, visitor,
        proven, by_session, sealed_for, key, content, scope_1, body_1, scope_2, body_2, node, token, lease, kept, time,
        at, step_1, step_2, step_3, day, visitor_budget, key_id, key_budget, history, audit, event, audit_too,
        event_too, principal_kind, principal, request, reason, via, by_platform, address, $43) r
    ORDER BY c.place";

/// One turn to be opened.
pub(in super::super) struct Begin {
    act: Act,
    tenant: TenantId,
    start: TurnStart,
    seal: VisitorSeal,
    session_index: [u8; 32],
    session: Vec<u8>,
    content: Vec<u8>,
    bodies: [Option<[u8; 32]>; 2],
    noted: Noted,
}

/// What is written down of it, and by which time.
struct Noted {
    time: Option<i64>,
    /// Of audit and outbox, for a turn that is given up on the way; it comes first.
    given_up: [Uuid; 2],
    row: NewRow,
    event: Uuid,
}

impl Begin {
    fn new(
        act: &Act,
        tenant: &TenantId,
        start: &TurnStart,
        seal: &VisitorSeal,
        vault: &Vault,
        noted: Noted,
    ) -> Result<Self> {
        let body = |at: usize| {
            let claim = start.idempotency.as_ref()?;
            claim.scopes.get(at).map(|scope| vault.body_index(scope, &claim.body))
        };
        Ok(Self {
            session_index: vault.session_index(tenant, start.door, &start.session),
            session: seal.session(&start.conversation, &start.session).map_err(sealed(OPERATION))?,
            content: seal.message(&start.message, start.text.as_str()).map_err(sealed(OPERATION))?,
            bodies: [body(0), body(1)],
            noted,
            act: act.clone(),
            tenant: *tenant,
            start: start.clone(),
            seal: seal.clone(),
        })
    }

    fn scope(&self, at: usize) -> Option<&[u8]> {
        let scopes = &self.start.idempotency.as_ref()?.scopes;
        scopes.get(at).map(|scope| scope.as_bytes().as_slice())
    }

    fn body(&self, at: usize) -> Option<&[u8]> {
        self.bodies[at].as_ref().map(<[u8; 32]>::as_slice)
    }

    fn step(&self, at: usize) -> Option<i64> {
        self.start.reserve.steps().get(at).map(|step| step.0)
    }
}

impl Call for Begin {
    const OPERATION: &'static str = OPERATION;

    fn tenant(&self) -> Uuid {
        self.tenant.as_uuid()
    }

    fn arguments(calls: &[&Self], again: bool) -> std::result::Result<PgArguments, BoxDynError> {
        let mut columns = Columns::of(calls);
        columns
            .add(|c| c.tenant.as_uuid())?
            .add(|c| c.start.turn.as_uuid())?
            .add(|c| c.start.message.as_uuid())?
            .add(|c| c.start.conversation.as_uuid())?
            .add(|c| c.start.door.as_str())?
            .add(|c| c.session_index.as_slice())?
            .add(|c| c.session.as_slice())?
            .add(|c| c.start.visitor.visitor().as_uuid())?
            .add(|c| matches!(c.start.visitor, VisitorProof::Proven(_)))?
            .add(|c| by_session(&c.start))?
            .add(|c| c.seal.visitor.as_uuid())?
            .add(|c| c.seal.key.wrapped())?
            .add(|c| c.content.as_slice())?
            .add(|c| c.scope(0))?
            .add(|c| c.body(0))?
            .add(|c| c.scope(1))?
            .add(|c| c.body(1))?
            .add(|c| c.start.lease.node.as_uuid())?
            .add(|c| c.start.lease.token.cast_signed())?
            .add(|_| lasting(LEASE))?
            .add(|_| lasting(IDEMPOTENCY_KEPT))?
            .add(|c| c.noted.time)?
            .add(|c| micros(c.act.at))?
            .add(|c| c.step(0))?
            .add(|c| c.step(1))?
            .add(|c| c.step(2))?
            .add(|c| i64::from(c.start.budgets.day))?
            .add(|c| c.start.budgets.visitor.map(|most| most.0))?
            .add(|c| c.start.budgets.key.map(|(key, _)| key.as_uuid()))?
            .add(|c| c.start.budgets.key.map(|(_, most)| most.0))?
            .add(|c| i64::from(c.start.history))?
            .add(|c| c.noted.row.id)?
            .add(|c| c.noted.event)?
            .add(|c| c.noted.given_up[0])?
            .add(|c| c.noted.given_up[1])?
            .add(|c| c.act.principal.kind())?
            .add(|c| c.act.principal.id())?
            .add(|c| c.act.request_id.as_str())?
            .add(|c| c.act.reason.as_deref())?
            .add(|c| c.act.via.as_str())?
            .add(|c| c.act.by_platform)?
            .add(|c| c.noted.row.address.as_deref())?;
        columns.and(again)
    }
}

/// Whether only the session id tells who writes, and is a secret: it continues the conversation it names then.
fn by_session(start: &TurnStart) -> bool {
    matches!(start.visitor, VisitorProof::New(_)) && start.session.is_secret() && !start.session_is_new
}

impl PostgresStorage {
    pub(super) async fn begin_turn(
        &self,
        act: &Act,
        tenant: &TenantId,
        start: TurnStart,
    ) -> Result<TurnOpening> {
        let visitor = start.visitor.visitor();
        let mut seal = match self.vault().visitor_key(tenant, &visitor) {
            Some(key) => VisitorSeal { tenant: *tenant, visitor, key },
            // Most visitors without a known key are new; the function tells when this one is not.
            None => self.new_visitor(OPERATION, tenant, &visitor).await?,
        };
        for _ in 0..KEYS {
            let noted = Noted {
                time: self.time(act.at),
                given_up: [new_id(), new_row_id()],
                row: self.new_row(act, tenant, OPERATION).await?,
                event: new_row_id(),
            };
            let call = Begin::new(act, tenant, &start, &seal, self.vault(), noted)?;
            let row = self.shared.begins.call(call).await?;
            let mut cells = Cells::of(&row, OPERATION);
            let outcome: &str = cells.take()?;
            let other = cells.optional_id(TurnId::from_uuid)?;
            let until = cells.optional_time()?;
            let visitor = cells.optional_id(VisitorId::from_uuid)?;
            let key: Option<&[u8]> = cells.take()?;
            match (outcome, other) {
                ("opened" | "delivered", _) => {
                    self.vault().remember_visitor(tenant, &seal.visitor, seal.key.clone());
                    return if outcome == "opened" {
                        Ok(TurnOpening::Opened(Box::new(opened(cells, &row, start, &seal, until)?)))
                    } else {
                        Ok(TurnOpening::Delivered(Box::new(delivered_to_person(cells, &row, start, &seal)?)))
                    };
                }
                ("missing", _) => return Err(not_found(OPERATION)),
                ("ended", _) => return Ok(TurnOpening::Ended),
                ("mismatch", _) => return Ok(TurnOpening::Mismatch),
                ("running", Some(turn)) => return Ok(TurnOpening::Running(turn)),
                ("busy", Some(turn)) => {
                    let until = until.ok_or_else(|| corrupt(OPERATION, "a lease without an end"))?;
                    return Ok(TurnOpening::Busy { turn, until });
                }
                ("replayed", Some(turn)) => {
                    return match self.find(OPERATION, tenant, &turn).await? {
                        Some((_, TurnState::Finished(finished))) => Ok(TurnOpening::Replayed(finished)),
                        _ => Err(corrupt(OPERATION, "a finished turn is not there")),
                    };
                }
                _ => {}
            }
            // Sealed by a key that is not the one of the visitor it turns out to be.
            let visitor = visitor.ok_or_else(|| corrupt(OPERATION, "a conversation without a visitor"))?;
            self.vault().forget_visitor(tenant, &seal.visitor);
            seal = match key {
                Some(key) => self.open_visitor(OPERATION, tenant, &visitor, key).await?,
                None => self.new_visitor(OPERATION, tenant, &visitor).await?,
            };
        }
        Err(corrupt(OPERATION, "no key fits the visitor"))
    }
}

/// `conversation, is_proven, owner_epoch, spoken, announced, held`, and the history's columns
fn opened(
    mut cells: Cells<'_>,
    row: &PgRow,
    start: TurnStart,
    seal: &VisitorSeal,
    until: Option<Timestamp>,
) -> Result<OpenTurn> {
    let conversation = cells.id(ConversationId::from_uuid)?;
    let (proven, epoch) = (cells.take()?, cells.number()?);
    let language = cells.optional_parsed()?;
    let disclose = cells.take()?;
    let held: Option<i64> = cells.take()?;
    let until = until.ok_or_else(|| corrupt(OPERATION, "a lease without an end"))?;
    Ok(OpenTurn {
        turn: start.turn,
        conversation,
        key: ConversationKey {
            door: start.door,
            visitor: seal.visitor,
            session: session(row, seal, &conversation)?.unwrap_or(start.session),
        },
        proven,
        epoch,
        lease: Lease { until, ..start.lease },
        history: history(row, seal)?,
        language,
        reservation: held.map(|amount| Reservation { turn: start.turn, amount: MilliCredits(amount) }),
        disclose,
    })
}

/// The name of the conversation that a call which was lost is taken up in, if it is another one.
fn session(row: &PgRow, seal: &VisitorSeal, conversation: &ConversationId) -> Result<Option<SessionId>> {
    let other: Option<&[u8]> = Cells::of(row, OPERATION).skip(18).take()?;
    other.map(|name| seal.open_session(conversation, name).map_err(sealed(OPERATION))).transpose()
}

/// `numbers, ids, turns, roles, times, contents, authors`, of which each message has one
fn history(row: &PgRow, seal: &VisitorSeal) -> Result<Vec<Message>> {
    let mut cells = Cells::of(row, OPERATION).skip(11);
    let Some(numbers) = cells.take::<Option<Vec<i64>>>()? else { return Ok(Vec::new()) };
    let (ids, turns): (Vec<Uuid>, Vec<Uuid>) = (cells.take()?, cells.take()?);
    let roles: Vec<String> = cells.take()?;
    let times: Vec<i64> = cells.take()?;
    let contents: Vec<Vec<u8>> = cells.take()?;
    let authors: Vec<Option<Uuid>> = cells.take()?;
    let columns = ids.into_iter().zip(turns).zip(roles).zip(times).zip(contents).zip(authors);
    let mut messages = Vec::with_capacity(numbers.len());
    for (number, (((((id, turn), role), at), content), author)) in numbers.into_iter().zip(columns) {
        let stored = Stored {
            number: number.cast_unsigned(),
            id: MessageId::from_uuid(id),
            turn: turn_of(turn),
            role: Role::from_name(&role).ok_or_else(|| cells.nonsense("a name that is not on its list"))?,
            at: Timestamp::from_microsecond(at).map_err(|error| corrupt(OPERATION, error))?,
            content: &content,
            author: author.map(AccountId::from_uuid),
        };
        messages.push(said(OPERATION, seal, stored)?);
    }
    messages.sort_by_key(|message| message.number);
    Ok(messages)
}

/// As [`opened`], of a turn that was closed at once.
fn delivered_to_person(
    mut cells: Cells<'_>,
    row: &PgRow,
    start: TurnStart,
    seal: &VisitorSeal,
) -> Result<FinishedTurn> {
    let conversation = cells.id(ConversationId::from_uuid)?;
    let proven = cells.take()?;
    let _epoch: i64 = cells.take()?;
    let language: Option<Language> = cells.optional_parsed()?;
    Ok(FinishedTurn {
        turn: start.turn,
        conversation,
        visitor: seal.visitor,
        proven,
        session: session(row, seal, &conversation)?.unwrap_or(start.session),
        answer: delivered(language),
        persona: String::new(),
        disclose: false,
    })
}
