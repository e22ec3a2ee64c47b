//! The inbox on the wire.

use bob_core::conversation::{Owner, Standing};
use bob_core::id::{ConversationId, MessageId};
use bob_core::inbox::InboxEntry;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::chat::MessageView;

/// Who changes who speaks, and what they saw.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpeakerRequest {
    /// The epoch that was seen. Whoever takes a conversation from a colleague must name it.
    #[serde(default)]
    pub(crate) epoch: Option<u64>,
}

/// What a person writes to the visitor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplyRequest {
    /// 1 to 8,000 characters after trimming.
    pub(crate) text: String,
    /// The epoch that was seen; it is not stored under another one.
    #[serde(default)]
    pub(crate) epoch: Option<u64>,
}

/// Who speaks for the business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct SpeakerView {
    /// `bot` or `person`.
    kind: &'static str,
    /// The person's account.
    id: Option<String>,
    /// What they go by.
    name: Option<String>,
}

impl SpeakerView {
    pub(crate) fn new(owner: Owner, name: Option<String>) -> Self {
        match owner {
            Owner::Person(person) => Self { kind: "person", id: Some(person.to_string()), name },
            _ => Self { kind: "bot", id: None, name: None },
        }
    }
}

/// What people are told of a visitor: nothing that names them.
#[derive(Debug, Serialize, ToSchema)]
struct VisitorView {
    id: String,
    /// `anonymous`, or `verified` for people who signed in.
    trust: &'static str,
}

/// A conversation in the inbox.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConversationView {
    id: String,
    /// `waiting`, `person`, `bot` or `closed`.
    state: &'static str,
    speaker: SpeakerView,
    /// How often who speaks has changed.
    epoch: u64,
    visitor: VisitorView,
    /// `public`, `widget` or `signed_in`.
    door: &'static str,
    language: Option<String>,
    messages: u64,
    waiting_since: Option<String>,
    taken_at: Option<String>,
    closed_at: Option<String>,
    last_activity_at: String,
    started_at: String,
}

impl ConversationView {
    pub(crate) fn new(entry: &InboxEntry, name: Option<String>) -> Self {
        let Standing { ownership, wanted_at, taken_at, closed_at, .. } = entry.standing;
        let state = match ownership.owner {
            _ if closed_at.is_some() => "closed",
            Owner::Person(_) => "person",
            _ if wanted_at.is_some() => "waiting",
            _ => "bot",
        };
        let trust =
            if entry.door == bob_core::conversation::Door::SignedIn { "verified" } else { "anonymous" };
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            id: entry.id.to_string(),
            state,
            speaker: SpeakerView::new(ownership.owner, name),
            epoch: ownership.epoch,
            visitor: VisitorView { id: entry.visitor.to_string(), trust },
            door: entry.door.as_str(),
            language: entry.language.map(|language| language.to_string()),
            messages: entry.messages,
            waiting_since: text(wanted_at),
            taken_at: text(taken_at),
            closed_at: text(closed_at),
            last_activity_at: entry.active_at.to_string(),
            started_at: entry.started_at.to_string(),
        }
    }
}

/// A conversation with a page of what was said, the latest messages first page by page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TranscriptView<'a> {
    pub(crate) conversation: ConversationView,
    /// Oldest first.
    pub(crate) items: Vec<MessageView<'a>>,
    pub(crate) next_cursor: Option<String>,
}

/// Who speaks from now on.
#[derive(Debug, Serialize)]
pub(crate) struct SpokenView<'a> {
    pub(crate) speaker: &'static str,
    pub(crate) name: Option<&'a str>,
    pub(crate) epoch: u64,
}

/// Who is writing.
#[derive(Debug, Serialize)]
pub(crate) struct TypingView<'a> {
    pub(crate) name: &'a str,
}

/// Nothing more is to be said of a closed conversation.
#[derive(Debug, Serialize)]
pub(crate) struct ClosedView {}

/// Something happened in a conversation.
#[derive(Debug, Serialize)]
pub(crate) struct HappenedView {
    conversation_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    at: String,
}

impl HappenedView {
    pub(crate) fn new(conversation: &ConversationId, message: Option<&MessageId>, at: Timestamp) -> Self {
        Self {
            conversation_id: conversation.to_string(),
            message_id: message.map(ToString::to_string),
            at: at.to_string(),
        }
    }
}
