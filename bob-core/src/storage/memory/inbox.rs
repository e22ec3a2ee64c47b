//! The inbox in memory.

use std::cmp::Reverse;

use async_trait::async_trait;

use super::MemoryStorage;
use super::world::{Shop, Subject, Talk};
use crate::act::Act;
use crate::conversation::{
    Hindrance, Message, Owner, Role, SpeakerChange, SpeakerChanged, Standing, TextPart,
};
use crate::id::{ConversationId, TenantId};
use crate::inbox::{InboxEntry, InboxFilter, InboxPlace, InboxState, PersonReply, Replied};
use crate::outbox::{EventKind, EventSubject};
use crate::storage::{InboxStore, Result, StorageError, StorageErrorKind};

#[async_trait]
impl InboxStore for MemoryStorage {
    async fn inbox(
        &self,
        tenant: &TenantId,
        filter: &InboxFilter,
        after: Option<InboxPlace>,
        limit: u32,
    ) -> Result<Vec<InboxEntry>> {
        let world = self.world();
        let talks = world.shop("inbox", tenant)?.conversations.values().map(Talk::entry);
        let listed = talks.filter(|entry| filter.door.is_none_or(|door| door == entry.door));
        let mut listed: Vec<_> =
            listed.filter_map(|entry| Some((key(&entry.place(filter.state)?), entry))).collect();
        let oldest_first = filter.state == InboxState::Waiting;
        match oldest_first {
            true => listed.sort_by_key(|(key, _)| *key),
            false => listed.sort_by_key(|(key, _)| Reverse(*key)),
        }
        let behind = |listed: &(_, InboxEntry)| match after.as_ref().map(key) {
            None => true,
            Some(after) if oldest_first => listed.0 > after,
            Some(after) => listed.0 < after,
        };
        let listed = listed.into_iter().filter(behind).take(limit as usize);
        Ok(listed.map(|(_, entry)| entry).collect())
    }

    async fn inbox_entry(&self, tenant: &TenantId, conversation: &ConversationId) -> Result<InboxEntry> {
        const OPERATION: &str = "inbox_entry";
        let world = self.world();
        let talk = world.shop(OPERATION, tenant)?.conversations.get(conversation);
        talk.map(Talk::entry).ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, OPERATION))
    }

    async fn change_speaker(
        &self,
        act: &Act,
        tenant: &TenantId,
        conversation: &ConversationId,
        change: SpeakerChange,
    ) -> Result<SpeakerChanged> {
        let operation = change.step.operation();
        let mut world = self.world();
        let shop = world.shop_mut(operation, tenant)?;
        let talk = shop.talk(operation, conversation)?;
        let standing = talk.standing();
        let next = match standing.after(&change, act.at) {
            Ok(Some(next)) => next,
            Ok(None) => return Ok(SpeakerChanged::Unchanged(standing)),
            Err(Hindrance::Stale) => return Err(StorageError::new(StorageErrorKind::Stale, operation)),
            Err(why) => return Ok(SpeakerChanged::Refused { why, standing }),
        };
        talk.conversation.ownership = next.ownership;
        talk.conversation.person_wanted_at = next.wanted_at;
        (talk.taken_at, talk.closed_at) = (next.taken_at, next.closed_at);
        let about = EventSubject { conversation: Some(*conversation), ..EventSubject::default() };
        shop.tell(act, &[change.step.event()], about);
        world.record_on(Some(tenant), operation, act, Subject(Some(conversation.as_uuid()), None));
        Ok(SpeakerChanged::Done(next))
    }

    async fn reply(
        &self,
        act: &Act,
        tenant: &TenantId,
        conversation: &ConversationId,
        reply: PersonReply,
    ) -> Result<Replied> {
        const OPERATION: &str = "reply";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let talk = shop.talk(OPERATION, conversation)?;
        let by_person = |said: &&Message| said.id == reply.message && said.said.role == Role::Person;
        if let Some(known) = talk.messages.iter().find(by_person) {
            let same = known.said.text == reply.text.as_str();
            return Ok(if same { Replied::Repeated(Box::new(known.clone())) } else { Replied::Mismatch });
        }
        let standing = talk.standing();
        match standing.admits_reply(reply.person, reply.expected) {
            Ok(()) => {}
            Err(Hindrance::Stale) => return Err(StorageError::new(StorageErrorKind::Stale, OPERATION)),
            Err(why) => return Ok(Replied::Refused { why, standing }),
        }
        let message = talk.say(Message {
            id: reply.message,
            turn: None,
            number: 0,
            said: TextPart { role: Role::Person, text: reply.text.as_str().to_owned() },
            author: Some(reply.person),
            at: act.at,
            citations: Vec::new(),
            outcome: None,
        });
        talk.active_at = act.at;
        let about = EventSubject {
            conversation: Some(*conversation),
            message: Some(reply.message),
            ..EventSubject::default()
        };
        shop.tell(act, &[EventKind::MessageCreated], about);
        let subject = Subject(Some(reply.message.as_uuid()), Some(conversation.as_uuid()));
        world.record_on(Some(tenant), OPERATION, act, subject);
        Ok(Replied::Stored(Box::new(message)))
    }

    async fn note_reading(&self, act: &Act, tenant: &TenantId, conversation: &ConversationId) -> Result<()> {
        const OPERATION: &str = "read_conversation";
        let mut world = self.world();
        world.shop_mut(OPERATION, tenant)?.talk(OPERATION, conversation)?;
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(conversation.as_uuid()), None));
        Ok(())
    }
}

fn key(place: &InboxPlace) -> (jiff::Timestamp, uuid::Uuid) {
    (place.at, place.id.as_uuid())
}

impl Shop {
    fn talk(&mut self, operation: &'static str, conversation: &ConversationId) -> Result<&mut Talk> {
        let talk = self.conversations.get_mut(conversation);
        talk.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, operation))
    }
}

impl Talk {
    fn standing(&self) -> Standing {
        let talk = &self.conversation;
        Standing {
            ownership: talk.ownership,
            wanted_at: talk.person_wanted_at,
            taken_at: self.taken_at,
            closed_at: self.closed_at,
            answering: talk.ownership.owner == Owner::Bot && self.open.is_some(),
        }
    }

    fn entry(&self) -> InboxEntry {
        let talk = &self.conversation;
        InboxEntry {
            id: talk.id,
            door: talk.key.door,
            visitor: talk.key.visitor,
            language: talk.language,
            standing: self.standing(),
            messages: self.messages.last().map_or(0, |last| last.number),
            active_at: self.active_at,
            started_at: talk.started_at,
        }
    }
}
