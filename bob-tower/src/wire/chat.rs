//! The chat on the wire: one reply, told whole or in events.

use std::collections::{BTreeMap, HashMap};

use bob_core::answer::{Citation, Outcome, Phrases, Suggestion};
use bob_core::conversation::{History, Message};
use bob_core::id::{AccountId, VisitorId};
use bob_core::turn::{FinishedTurn, TurnEvent};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::content_hash;
use super::widget::LookView;
use crate::problem::Problem;
use crate::sse;

/// What a visitor sends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChatRequest {
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) session_id: Option<String>,
    #[serde(default)]
    pub(crate) business_id: Option<String>,
    /// Who the page says the visitor is; nothing proves it.
    #[serde(default)]
    pub(crate) visitor: Option<SaidVisitor>,
}

/// What a page says of a visitor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaidVisitor {
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) email: Option<String>,
}

/// What begins a conversation on the signed-in door.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionRequest {
    #[serde(default)]
    pub(crate) session_id: Option<String>,
    #[serde(default)]
    pub(crate) business_id: Option<String>,
    #[serde(default)]
    pub(crate) persona_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    pub(crate) session_id: String,
    pub(crate) business_id: String,
    pub(crate) persona: String,
    pub(crate) language: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct CitationView<'a> {
    index: u32,
    title: &'a str,
    url: Option<&'a str>,
    quote: &'a str,
    content_hash: String,
}

impl<'a> From<&'a Citation> for CitationView<'a> {
    fn from(citation: &'a Citation) -> Self {
        Self {
            index: citation.index,
            title: &citation.title,
            url: citation.url.as_deref(),
            quote: &citation.quote,
            content_hash: content_hash(&citation.content_hash),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct SuggestionView<'a> {
    title: &'a str,
    question: &'a str,
}

impl<'a> From<&'a Suggestion> for SuggestionView<'a> {
    fn from(suggestion: &'a Suggestion) -> Self {
        Self { title: &suggestion.title, question: &suggestion.question }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct HandoffView<'a> {
    to: &'a str,
    /// When a person is expected, where none is there now and the business told its hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_at: Option<String>,
}

/// The reply object.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplyView<'a> {
    session_id: &'a str,
    turn_id: String,
    reply: Option<String>,
    outcome: &'a str,
    language: &'a str,
    persona: &'a str,
    citations: Vec<CitationView<'a>>,
    suggestions: Vec<SuggestionView<'a>>,
    /// What waits for the visitor's word.
    #[schema(value_type = Option<Object>)]
    confirmation: Option<()>,
    handoff: Option<HandoffView<'a>>,
    disclosure: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor_token: Option<&'a str>,
}

/// Writes a turn's events and its reply for one caller.
#[derive(Debug)]
pub(crate) struct EventWriter {
    pub(crate) request_id: String,
    /// The visitor the caller is proven to be, or became with this very turn, and a token that says so.
    pub(crate) proof: Option<(VisitorId, String)>,
}

impl EventWriter {
    /// One event as a chunk of a stream.
    pub(crate) fn write(&self, id: u64, event: &TurnEvent) -> Bytes {
        match event {
            TurnEvent::Started { turn, session } => {
                // The token comes with the first event too, so that a first turn can be resumed.
                let started = StartedView {
                    turn_id: turn.to_string(),
                    session_id: session.as_str(),
                    visitor_token: self.proof.as_ref().map(|(_, token)| token.as_str()),
                };
                sse::event(Some(&id), "turn.started", &started)
            }
            TurnEvent::Delta(text) => sse::event(Some(&id), "delta", &DeltaView { text }),
            TurnEvent::Citation(citation) => sse::event(Some(&id), "citation", &CitationView::from(citation)),
            TurnEvent::Completed(turn) => sse::event(Some(&id), "turn.completed", &self.reply(turn)),
            TurnEvent::Failed(failure) => {
                sse::event(Some(&id), "error", &Problem::from(*failure).view(&self.request_id))
            }
            _ => Bytes::new(),
        }
    }

    /// The reply as the body of an answer.
    pub(crate) fn reply_json(&self, turn: &FinishedTurn) -> Result<http::Response<crate::BobBody>, Problem> {
        super::json(http::StatusCode::OK, &self.reply(turn))
    }

    fn reply<'a>(&'a self, turn: &'a FinishedTurn) -> ReplyView<'a> {
        let answer = &turn.answer;
        let disclosure = turn.disclose.then(|| Phrases::for_language(answer.language).disclosure);
        let token = self.proof.as_ref().filter(|(visitor, _)| *visitor == turn.visitor);
        ReplyView {
            session_id: turn.session.as_str(),
            turn_id: turn.turn.to_string(),
            reply: (answer.outcome != Outcome::Delivered).then(|| answer.text()),
            outcome: answer.outcome.as_str(),
            language: answer.language.as_str(),
            persona: &turn.persona,
            citations: answer.citations.iter().map(Into::into).collect(),
            suggestions: answer.suggestions.iter().map(Into::into).collect(),
            confirmation: None,
            handoff: answer.handoff.as_ref().map(|handoff| HandoffView {
                to: &handoff.to,
                expected_at: handoff.expected_at.map(|at| at.to_string()),
            }),
            disclosure,
            visitor_token: token.map(|(_, token)| token.as_str()),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct StartedView<'a> {
    turn_id: String,
    session_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor_token: Option<&'a str>,
}

#[derive(Debug, Serialize, ToSchema)]
struct DeltaView<'a> {
    text: &'a str,
}

/// A page of a conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryView<'a> {
    session_id: &'a str,
    items: Vec<MessageView<'a>>,
    next_cursor: Option<String>,
}

/// What somebody said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessageView<'a> {
    id: String,
    /// A person's message belongs to no turn.
    turn_id: Option<String>,
    role: &'a str,
    /// What the person who said it goes by.
    name: Option<&'a str>,
    text: &'a str,
    at: String,
    citations: Vec<CitationView<'a>>,
    outcome: Option<&'a str>,
}

impl<'a> HistoryView<'a> {
    pub(crate) fn new(session_id: &'a str, history: &'a History, names: &'a Names) -> Self {
        let next_cursor = history.next.map(|next| next.to_string());
        Self { session_id, items: MessageView::all(&history.messages, names), next_cursor }
    }
}

/// What people go by.
pub(crate) type Names = HashMap<AccountId, String>;

impl<'a> MessageView<'a> {
    pub(crate) fn new(message: &'a Message, name: Option<&'a str>) -> Self {
        Self {
            id: message.id.to_string(),
            turn_id: message.turn.map(|turn| turn.to_string()),
            role: message.said.role.as_str(),
            name,
            text: &message.said.text,
            at: message.at.to_string(),
            citations: message.citations.iter().map(Into::into).collect(),
            outcome: message.outcome.map(Outcome::as_str),
        }
    }

    pub(crate) fn all(messages: &'a [Message], names: &'a Names) -> Vec<Self> {
        let name = |message: &Message| names.get(message.author.as_ref()?).map(String::as_str);
        messages.iter().map(|message| Self::new(message, name(message))).collect()
    }
}

/// What a widget needs to greet a visitor.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigView<'a> {
    pub(crate) tenant_id: String,
    pub(crate) name: &'a str,
    pub(crate) persona: &'a str,
    pub(crate) languages: Vec<&'a str>,
    pub(crate) greeting: BTreeMap<&'a str, &'a str>,
    pub(crate) disclosure: BTreeMap<&'a str, &'a str>,
    #[serde(flatten)]
    pub(crate) look: LookView<'a>,
}
