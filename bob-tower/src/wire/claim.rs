//! Claiming on the wire, and a visitor's list of their own conversations.

use bob_core::conversation::SessionId;
use bob_core::visitor::{Claimable, OwnConversation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;

/// What a visitor who signed in wishes: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimRequest {
    /// Only tells what there is; uses nothing up.
    #[serde(default)]
    preview: bool,
    /// Whether what was said before is theirs.
    #[serde(default)]
    accept: Option<bool>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Preview,
    Accept,
    Decline,
}

impl ClaimRequest {
    pub(crate) fn wish(&self) -> Result<Wish, Problem> {
        match (self.preview, self.accept) {
            (true, None) => Ok(Wish::Preview),
            (false, Some(true)) => Ok(Wish::Accept),
            (false, Some(false)) => Ok(Wish::Decline),
            _ => Err(Problem::field("accept", "Send either \"preview\": true or \"accept\".")),
        }
    }
}

/// What could be claimed, or what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClaimView {
    /// `offered`, `merged`, or `declined`: this person said that it is not theirs, and is not to be asked again.
    outcome: &'static str,
    /// How many messages there are, or moved; answers included.
    count: u64,
    /// When the first of the conversations began, of those that are offered.
    since: Option<String>,
    /// The names of the conversations; of those that moved, as they are now.
    sessions: Vec<String>,
}

impl ClaimView {
    pub(crate) fn offered(claimable: &Claimable) -> Self {
        if claimable.declined {
            return Self::declined();
        }
        Self {
            outcome: "offered",
            count: claimable.messages,
            since: claimable.since.map(|since| since.to_string()),
            sessions: names(&claimable.sessions),
        }
    }

    pub(crate) fn merged(count: u64, sessions: &[SessionId]) -> Self {
        Self { outcome: "merged", count, since: None, sessions: names(sessions) }
    }

    pub(crate) fn declined() -> Self {
        Self { outcome: "declined", count: 0, since: None, sessions: Vec::new() }
    }
}

fn names(sessions: &[SessionId]) -> Vec<String> {
    sessions.iter().map(|session| session.as_str().to_owned()).collect()
}

/// A conversation in a visitor's own list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnConversationView {
    id: String,
    session_id: String,
    /// `public` or `widget`; it is read and continued through this door.
    door: &'static str,
    messages: u64,
    started_at: String,
    last_message_at: Option<String>,
}

impl From<&OwnConversation> for OwnConversationView {
    fn from(own: &OwnConversation) -> Self {
        Self {
            id: own.id.to_string(),
            session_id: own.session.as_str().to_owned(),
            door: own.door.as_str(),
            messages: own.messages,
            started_at: own.started_at.to_string(),
            last_message_at: own.last_message_at.map(|at| at.to_string()),
        }
    }
}
