//! Which conversations a list is about.

use bob_core::conversation::Door;
use bob_core::inbox::{InboxFilter, InboxPlace, InboxState};
use jiff::Timestamp;

use crate::dispatch::Call;
use crate::page::{not_given_out, read_limit};
use crate::problem::Problem;
use crate::request::query_field;

/// What `state` may say.
pub(crate) const STATES: [&str; 5] = ["open", "waiting", "mine", "bot", "closed"];

/// Which part of which list is asked for.
pub(super) struct InboxQuery {
    pub(super) filter: InboxFilter,
    pub(super) after: Option<InboxPlace>,
    pub(super) limit: u32,
}

impl InboxQuery {
    /// Reads `state` (`open` when absent), `door`, `limit` and `cursor`.
    pub(super) fn read(call: &Call) -> Result<Self, Problem> {
        let query = call.head.uri.query();
        let wrong = |detail: &str| Problem::bad_request("invalid_query", detail);
        let state = match query_field(query, "state")?.as_deref() {
            None | Some("open") => InboxState::Open,
            Some("waiting") => InboxState::Waiting,
            Some("mine") => InboxState::Of(call.person()?.account),
            Some("bot") => InboxState::Bot,
            Some("closed") => InboxState::Closed,
            Some(_) => return Err(wrong("state is one of open, waiting, mine, bot and closed.")),
        };
        let door = query_field(query, "door")?.map(|name| {
            Door::from_name(&name).ok_or_else(|| wrong("door is one of public, widget and signed_in."))
        });
        let after = query_field(query, "cursor")?.map(|text| place(&text).ok_or_else(not_given_out));
        let filter = InboxFilter { state, door: door.transpose()? };
        Ok(Self { filter, after: after.transpose()?, limit: read_limit(query)? })
    }
}

/// A place in a list as text.
pub(super) fn cursor(place: InboxPlace) -> String {
    format!("{}.{}", place.at.as_microsecond(), place.id)
}

fn place(cursor: &str) -> Option<InboxPlace> {
    let (at, id) = cursor.split_once('.')?;
    let digits = !at.is_empty() && at.bytes().all(|b| b.is_ascii_digit());
    let at = digits.then(|| at.parse().ok()).flatten()?;
    Some(InboxPlace { at: Timestamp::from_microsecond(at).ok()?, id: id.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use bob_core::id::ConversationId;

    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_is_one() {
        let at = Timestamp::from_microsecond(1_700_000_000_000_001).unwrap();
        let here = InboxPlace { at, id: ConversationId::new() };
        assert_eq!(place(&cursor(here)), Some(here));
        let id = here.id;
        for text in [
            "",
            ".",
            "7",
            &format!(".{id}"),
            &format!("-1.{id}"),
            "7.x",
            &format!("99999999999999999999.{id}"),
        ] {
            assert_eq!(place(text), None, "{text}");
        }
    }
}
