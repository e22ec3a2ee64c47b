//! The outbox: what happened, written in the transaction in which it happened.
//!
//! Events are thin: they name things and never quote them. Who may know is told by delivery; a row is written whether
//! or not anybody listens.

use jiff::Timestamp;
use uuid::Uuid;

use crate::id::{ConversationId, MessageId, PersonaId, TurnId};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A visitor began a conversation.
    ConversationStarted,
    /// A message was stored: a visitor's, Bob's or a person's.
    MessageCreated,
    /// A visitor was handed to a person.
    ConversationEscalated,
    /// The owner of a conversation changed.
    ConversationAssigned,
    /// A person closed a conversation.
    ConversationResolved,
    /// Bob refused to answer.
    TurnRefused,
    /// A turn ended without an answer: its node was gone, or it lost the conversation.
    TurnAbandoned,
    /// 80 or 100 % of the period's credits are used.
    CreditsThreshold,
    /// Credits were granted or taken back by hand, or a new period began.
    CreditsChanged,
    /// A release of knowledge was published, or a text taken out of it.
    KnowledgePublished,
    /// A version of a persona was published.
    PersonaPublished,
}

impl EventKind {
    const ALL: [Self; 11] = [
        Self::ConversationStarted,
        Self::MessageCreated,
        Self::ConversationEscalated,
        Self::ConversationAssigned,
        Self::ConversationResolved,
        Self::TurnRefused,
        Self::TurnAbandoned,
        Self::CreditsThreshold,
        Self::CreditsChanged,
        Self::KnowledgePublished,
        Self::PersonaPublished,
    ];

    /// The name used in storage and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConversationStarted => "conversation.started",
            Self::MessageCreated => "message.created",
            Self::ConversationEscalated => "conversation.escalated",
            Self::ConversationAssigned => "conversation.assigned",
            Self::ConversationResolved => "conversation.resolved",
            Self::TurnRefused => "turn.refused",
            Self::TurnAbandoned => "turn.abandoned",
            Self::CreditsThreshold => "credits.threshold",
            Self::CreditsChanged => "credits.changed",
            Self::KnowledgePublished => "knowledge.published",
            Self::PersonaPublished => "persona.published",
        }
    }

    /// Reads a name that [`as_str`](Self::as_str) gave.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What an event is about; each where it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventSubject {
    /// The conversation.
    pub conversation: Option<ConversationId>,
    /// The turn.
    pub turn: Option<TurnId>,
    /// The message.
    pub message: Option<MessageId>,
    /// The persona.
    pub persona: Option<PersonaId>,
    /// The per cent of a threshold, the number of a release, of a persona's version or of a ledger entry.
    pub number: Option<u64>,
}

/// One event of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxEvent {
    /// Its identifier, the same however often it is delivered. Later events sort after earlier ones of the same node.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// What it is about.
    pub subject: EventSubject,
}

/// The events of one transaction, which are stored as one row.
///
/// ```
/// use bob_core::outbox::{EventKind, events_of_row, names_of};
/// use bob_core::outbox::EventSubject;
///
/// let names = names_of(&[EventKind::ConversationStarted, EventKind::MessageCreated]);
/// assert_eq!(names, "conversation.started message.created");
/// let id = uuid::Uuid::now_v7();
/// let events = events_of_row(id, jiff::Timestamp::UNIX_EPOCH, &names, EventSubject::default());
/// assert_eq!(events.len(), 2);
/// assert_eq!(events[0].kind, EventKind::ConversationStarted);
/// assert_ne!(events[0].id, events[1].id);
/// ```
#[must_use]
pub fn events_of_row(row: Uuid, at: Timestamp, names: &str, subject: EventSubject) -> Vec<OutboxEvent> {
    // A kind that this version does not know keeps its place, so that the others keep their identifiers.
    let named = (0_u8..).zip(names.split(' '));
    let known = named.filter_map(|(position, name)| Some((position, EventKind::from_name(name)?)));
    known.map(|(position, kind)| OutboxEvent { id: id_in_row(row, position), at, kind, subject }).collect()
}

/// The column that [`events_of_row`] reads.
#[must_use]
pub fn names_of(kinds: &[EventKind]) -> String {
    kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" ")
}

/// A new row's identifier, with room for the positions of its events.
#[must_use]
pub fn new_row_id() -> Uuid {
    id_in_row(Uuid::now_v7(), 0)
}

/// The last four bits of the row's identifier are its events' position.
fn id_in_row(row: Uuid, position: u8) -> Uuid {
    let mut bytes = row.into_bytes();
    bytes[15] = (bytes[15] & 0xf0) | (position & 0x0f);
    Uuid::from_bytes(bytes)
}
