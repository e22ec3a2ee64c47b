//! Turns in memory.

use async_trait::async_trait;

use super::MemoryStorage;
use super::world::{IdempotencyRow, Shop, Subject, Talk, TurnRow, TurnRowState, World};
use crate::act::Act;
use crate::answer::{Answer, Outcome};
use crate::conversation::{
    Conversation, ConversationKey, Door, Message, Owner, Ownership, Role, SessionId, TextPart,
};
use crate::credit::{LAST_THRESHOLD, MilliCredits, Reservation};
use crate::id::{ConversationId, MessageId, TenantId, TurnId, VisitorId};
use crate::language::Language;
use crate::outbox::{EventKind, EventSubject};
use crate::storage::{Result, StorageError, StorageErrorKind, TurnStore};
use crate::turn::{
    FinishedTurn, IDEMPOTENCY_KEPT, Lease, OpenTurn, TurnClosing, TurnFinish, TurnOpening, TurnStart,
};
use crate::visitor::{TrustLevel, VisitorProof};

#[async_trait]
impl TurnStore for MemoryStorage {
    async fn begin_turn(&self, act: &Act, tenant: &TenantId, start: TurnStart) -> Result<TurnOpening> {
        const OPERATION: &str = "begin_turn";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        if let Some(known) = shop.repeated(act, &start) {
            return Ok(known);
        }
        let lost = shop.taken_up(&start);
        let (key, proven) = match &lost {
            Some(lost) => (lost.key.clone(), lost.proven),
            None => shop.whose(&start),
        };
        if shop.has_ended(&key.visitor) {
            return Ok(TurnOpening::Ended);
        }
        let conversation = shop.by_key.get(&key).copied();
        let given_up = match conversation.map(|id| shop.open_turn(act, id)) {
            Some(Err(busy)) => return Ok(busy),
            Some(Ok(given_up)) => given_up,
            None => None,
        };
        let id = conversation.unwrap_or_else(|| shop.begin_conversation(act, &start, key));
        let (turn, lost) = (start.turn, lost.map(|lost| lost.turn));
        let opening = shop.open(act, start, id, Opening { proven, is_new: conversation.is_none(), lost });
        if let Some(lost) = given_up {
            world.record_lost(tenant, act, lost, id);
        }
        world.record_on(Some(tenant), OPERATION, act, of_turn(turn, id));
        Ok(opening)
    }

    async fn renew_turn(
        &self,
        act: &Act,
        tenant: &TenantId,
        turn: &TurnId,
        lease: &Lease,
    ) -> Result<Option<Lease>> {
        const OPERATION: &str = "renew_turn";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let row = shop.turns.get_mut(turn);
        let row = row.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, OPERATION))?;
        let talk = shop.conversations.get(&row.conversation);
        let owned = talk.is_some_and(|talk| talk.conversation.ownership.epoch == row.epoch);
        Ok(match &mut row.state {
            TurnRowState::Open(held) if owned && held.is(lease) && held.holds(act.at) => {
                *held = held.renewed(act.at);
                Some(*held)
            }
            _ => None,
        })
    }

    async fn extend_turn(
        &self,
        act: &Act,
        tenant: &TenantId,
        turn: &TurnId,
        lease: &Lease,
        more: MilliCredits,
    ) -> Result<Option<Reservation>> {
        const OPERATION: &str = "extend_turn";
        let mut world = self.world();
        let Shop { turns, conversations, purse, .. } = world.shop_mut(OPERATION, tenant)?;
        let row = turns.get_mut(turn);
        let row = row.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, OPERATION))?;
        let talk = conversations.get(&row.conversation);
        let owned = talk.is_some_and(|talk| talk.conversation.ownership.epoch == row.epoch);
        let held =
            owned && matches!(&row.state, TurnRowState::Open(held) if held.is(lease) && held.holds(act.at));
        let Some(extended) = row.hold.filter(|_| held).and_then(|hold| purse.extend(hold, more)) else {
            return Ok(None);
        };
        row.hold = Some(extended);
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(turn.as_uuid()), None));
        Ok(Some(Reservation { turn: *turn, amount: extended.amount }))
    }

    async fn finish_turn(&self, act: &Act, tenant: &TenantId, finish: TurnFinish) -> Result<TurnClosing> {
        const OPERATION: &str = "finish_turn";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let (turn, conversation) = (finish.turn, finish.conversation);
        let was_finished =
            shop.turns.get(&turn).is_some_and(|row| matches!(row.state, TurnRowState::Finished(_)));
        let closing = shop.close(act, finish);
        let closing = closing.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, OPERATION))?;
        if !was_finished {
            world.record_on(Some(tenant), OPERATION, act, of_turn(turn, conversation));
        }
        Ok(closing)
    }

    async fn sweep_turns(&self, act: &Act, limit: u32) -> Result<u32> {
        let mut world = self.world();
        let World { tenants, .. } = &mut *world;
        let mut given_up = Vec::new();
        for (tenant, shop) in tenants.iter_mut() {
            let lost = shop
                .turns
                .iter()
                .filter(|(_, row)| matches!(row.state, TurnRowState::Open(l) if !l.holds(act.at)));
            let lost = lost.map(|(turn, row)| (*tenant, *turn, row.conversation));
            let lost: Vec<_> = lost.take(limit as usize - given_up.len()).collect();
            for (_, turn, _) in &lost {
                shop.give_up(act, *turn);
            }
            given_up.extend(lost);
        }
        for (tenant, turn, conversation) in &given_up {
            world.record_lost(tenant, act, *turn, *conversation);
        }
        Ok(u32::try_from(given_up.len()).unwrap_or(limit))
    }
}

impl Shop {
    /// What an earlier call under the same idempotency key came to.
    fn repeated(&mut self, act: &Act, start: &TurnStart) -> Option<TurnOpening> {
        let claim = start.idempotency.as_ref()?;
        self.idempotency.retain(|_, row| act.at < row.until);
        let row = claim.scopes.iter().find_map(|scope| self.idempotency.get(scope))?;
        let turn = row.turn;
        if !self.may_repeat(start, self.turns.get(&turn)?) {
            return None;
        }
        if row.body != claim.body {
            return Some(TurnOpening::Mismatch);
        }
        match &self.turns.get(&turn)?.state {
            TurnRowState::Finished(finished) => Some(TurnOpening::Replayed(finished.clone())),
            TurnRowState::Open(lease) if lease.holds(act.at) => Some(TurnOpening::Running(turn)),
            // The node is gone and nothing was answered: the repetition answers.
            TurnRowState::Open(_) | TurnRowState::Abandoned(_) => None,
        }
    }

    /// The turn of a call that nothing came of and that is repeated now: whoever repeats it is the same visitor and goes
    /// on in the same conversation, and may be given a token if the first caller might have been.
    fn taken_up(&self, start: &TurnStart) -> Option<LostTurn> {
        let claim = start.idempotency.as_ref()?;
        let turn = claim.scopes.iter().find_map(|scope| self.idempotency.get(scope))?.turn;
        let row = self.turns.get(&turn).filter(|row| self.may_repeat(start, row))?;
        let key = self.conversations.get(&row.conversation)?.conversation.key.clone();
        Some(LostTurn { turn, key, proven: row.proven })
    }

    /// Whether a call may be a repetition of the one that began a turn: what belongs to a verified visitor, perhaps since a
    /// claim, is repeated by nobody else.
    fn may_repeat(&self, start: &TurnStart, row: &TurnRow) -> bool {
        let verified =
            self.visitors.get(&row.visitor).is_some_and(|known| known.known.trust == TrustLevel::Verified);
        !verified || row.visitor == start.visitor.visitor()
    }

    /// The key of the conversation, and whether the caller may be given a token for its visitor.
    fn whose(&self, start: &TurnStart) -> (ConversationKey, bool) {
        let key = |visitor| ConversationKey { door: start.door, visitor, session: start.session.clone() };
        let new = match start.visitor {
            VisitorProof::Proven(visitor) => return (key(visitor), true),
            VisitorProof::New(visitor) => visitor,
        };
        let known = start.session.is_secret().then(|| self.first_of_session(start.door, &start.session));
        match known.flatten() {
            Some(talk) => (talk.conversation.key.clone(), false),
            None => (key(new), true),
        }
    }

    /// The conversation that a secret session continues: the first under its name, but none of a visitor who is verified
    /// or has ended.
    fn first_of_session(&self, door: Door, session: &SessionId) -> Option<&Talk> {
        let strangers = |talk: &&Talk| {
            let visitor = self.visitors.get(&talk.conversation.key.visitor);
            visitor.is_none_or(|row| row.known.trust < TrustLevel::Verified && !row.known.ended)
        };
        let (_, first) = self.by_session.get(&(door, session.clone()))?;
        self.conversations.get(first).filter(strangers).or_else(|| {
            let named = |talk: &&Talk| {
                let key = &talk.conversation.key;
                key.door == door && key.session == *session
            };
            let others = self.conversations.values().filter(named).filter(strangers);
            others.min_by_key(|talk| (talk.conversation.started_at, talk.conversation.id))
        })
    }

    /// What keeps a turn of a conversation from opening; one whose lease ran out does not, and is given up and answered.
    fn open_turn(
        &mut self,
        act: &Act,
        talk: ConversationId,
    ) -> std::result::Result<Option<TurnId>, TurnOpening> {
        let Some(turn) = self.conversations.get(&talk).and_then(|talk| talk.open) else { return Ok(None) };
        match self.turns.get(&turn).map(|row| &row.state) {
            Some(TurnRowState::Open(lease)) if lease.holds(act.at) => {
                Err(TurnOpening::Busy { turn, until: lease.until })
            }
            _ => {
                self.give_up(act, turn);
                Ok(Some(turn))
            }
        }
    }

    fn begin_conversation(&mut self, act: &Act, start: &TurnStart, key: ConversationKey) -> ConversationId {
        let conversation = Conversation {
            id: start.conversation,
            key: key.clone(),
            ownership: Ownership { owner: Owner::Bot, epoch: 0 },
            language: None,
            person_wanted_at: None,
            started_at: act.at,
        };
        let talk = Talk {
            conversation,
            messages: Vec::new(),
            open: None,
            disclosed_epoch: None,
            taken_at: None,
            closed_at: None,
            active_at: act.at,
        };
        self.conversations.insert(start.conversation, talk);
        self.visitors.entry(key.visitor).or_default();
        let first = (act.at, start.conversation);
        let named = self.by_session.entry((key.door, key.session.clone())).or_insert(first);
        *named = first.min(*named);
        self.by_key.insert(key, start.conversation);
        start.conversation
    }

    fn open(&mut self, act: &Act, start: TurnStart, id: ConversationId, opening: Opening) -> TurnOpening {
        let Opening { proven, is_new, lost } = opening;
        if let Some(claim) = start.idempotency {
            let until = crate::clock::later(act.at, IDEMPOTENCY_KEPT);
            for scope in claim.scopes {
                self.idempotency.insert(scope, IdempotencyRow { body: claim.body, turn: start.turn, until });
            }
        }
        let talk = self.conversations.get_mut(&id).expect("the caller found or made it");
        let asked_before = lost.and_then(|lost| talk.takes_up(lost, start.turn));
        let message = asked_before.unwrap_or(start.message);
        let others = talk.messages.iter().rev().filter(|said| said.id != message);
        let mut history: Vec<_> = others.take(start.history as usize).cloned().collect();
        history.reverse();
        if asked_before.is_none() {
            talk.say(Message {
                id: message,
                turn: Some(start.turn),
                number: 0,
                said: TextPart { role: Role::Visitor, text: start.text.as_str().to_owned() },
                author: None,
                at: act.at,
                citations: Vec::new(),
                outcome: None,
            });
        }
        talk.active_at = act.at;
        talk.closed_at = None;
        let Conversation { key, ownership, language, .. } = talk.conversation.clone();
        let row = |state, disclose, hold| TurnRow {
            conversation: id,
            visitor: key.visitor,
            proven,
            disclose,
            epoch: ownership.epoch,
            hold,
            state,
        };
        let subject = EventSubject {
            conversation: Some(id),
            turn: Some(start.turn),
            message: Some(message),
            ..EventSubject::default()
        };
        let mut happened = Vec::new();
        happened.extend(is_new.then_some(EventKind::ConversationStarted));
        happened.extend(asked_before.is_none().then_some(EventKind::MessageCreated));
        if let Owner::Person(_) = ownership.owner {
            let delivered = delivered(&start.turn, id, key.visitor, proven, &key, language);
            let state = TurnRowState::Finished(Box::new(delivered.clone()));
            self.turns.insert(start.turn, row(state, false, None));
            self.tell(act, &happened, subject);
            return TurnOpening::Delivered(Box::new(delivered));
        }
        let disclose = talk.disclosed_epoch != Some(ownership.epoch);
        talk.open = Some(start.turn);
        let (hold, all_used) = self.purse.reserve(key.visitor, start.budgets, &start.reserve);
        self.turns.insert(start.turn, row(TurnRowState::Open(start.lease), disclose, hold));
        happened.extend(all_used.then_some(EventKind::CreditsThreshold));
        let number = all_used.then_some(u64::from(LAST_THRESHOLD));
        self.tell(act, &happened, EventSubject { number, ..subject });
        TurnOpening::Opened(Box::new(OpenTurn {
            turn: start.turn,
            conversation: id,
            key,
            proven,
            epoch: ownership.epoch,
            lease: start.lease,
            history,
            language,
            reservation: hold.map(|hold| Reservation { turn: start.turn, amount: hold.amount }),
            disclose,
        }))
    }

    fn close(&mut self, act: &Act, finish: TurnFinish) -> Option<TurnClosing> {
        let row = self.turns.get_mut(&finish.turn).filter(|row| row.conversation == finish.conversation)?;
        let talk = self.conversations.get_mut(&finish.conversation)?;
        let held = match &row.state {
            TurnRowState::Finished(finished) => return Some(TurnClosing::Stored(finished.clone())),
            TurnRowState::Abandoned(_) => None,
            TurnRowState::Open(lease) => Some(*lease),
        };
        let hold = row.hold.take();
        let passed = hold.and_then(|hold| self.purse.settle(act, finish.turn, &hold, finish.cost));
        let mut happened = Vec::new();
        let mut subject = EventSubject {
            conversation: Some(finish.conversation),
            turn: Some(finish.turn),
            number: passed.map(u64::from),
            ..EventSubject::default()
        };
        if held.is_some() {
            talk.open = None;
        }
        let fresh = held.is_some_and(|held| held.is(&finish.lease) && held.holds(act.at));
        let mine = talk.conversation.ownership == Ownership { owner: Owner::Bot, epoch: finish.epoch };
        if !fresh || !mine {
            row.state = TurnRowState::Abandoned(Some(Box::new(finish.answer)));
            happened.extend(held.map(|_| EventKind::TurnAbandoned));
            happened.extend(passed.map(|_| EventKind::CreditsThreshold));
            self.tell(act, &happened, subject);
            return Some(TurnClosing::Superseded);
        }
        talk.conversation.language = Some(finish.answer.language);
        talk.disclosed_epoch = Some(finish.epoch);
        happened.push(EventKind::MessageCreated);
        subject.message = Some(finish.message);
        // Who waits already is not told of again.
        if finish.answer.outcome.wants_person() && talk.conversation.person_wanted_at.is_none() {
            talk.conversation.person_wanted_at = Some(act.at);
            happened.push(EventKind::ConversationEscalated);
        }
        happened.extend((finish.answer.outcome == Outcome::Refused).then_some(EventKind::TurnRefused));
        happened.extend(passed.map(|_| EventKind::CreditsThreshold));
        talk.say(Message {
            id: finish.message,
            turn: Some(finish.turn),
            number: 0,
            said: TextPart { role: Role::Bot, text: finish.answer.text() },
            author: None,
            at: act.at,
            citations: finish.answer.citations.clone(),
            outcome: Some(finish.answer.outcome),
        });
        let finished = FinishedTurn {
            turn: finish.turn,
            conversation: finish.conversation,
            visitor: row.visitor,
            proven: row.proven,
            session: finish.key.session,
            answer: finish.answer,
            persona: finish.persona,
            disclose: row.disclose,
        };
        row.state = TurnRowState::Finished(Box::new(finished.clone()));
        self.tell(act, &happened, subject);
        Some(TurnClosing::Stored(Box::new(finished)))
    }

    /// Frees the conversation and releases all that was reserved.
    fn give_up(&mut self, act: &Act, turn: TurnId) {
        let Some(row) = self.turns.get_mut(&turn) else { return };
        row.state = TurnRowState::Abandoned(None);
        let conversation = row.conversation;
        if let Some(hold) = row.hold.take() {
            self.purse.release(&hold);
        }
        if let Some(talk) = self.conversations.get_mut(&conversation) {
            talk.open = None;
        }
        let subject =
            EventSubject { conversation: Some(conversation), turn: Some(turn), ..EventSubject::default() };
        self.tell(act, &[EventKind::TurnAbandoned], subject);
    }
}

impl World {
    /// Records that a turn was given up, by whoever came across it: that is no deed of theirs to keep an address of.
    fn record_lost(&mut self, tenant: &TenantId, act: &Act, turn: TurnId, conversation: ConversationId) {
        let act = Act { address: None, ..act.clone() };
        self.record_on(Some(tenant), "give_up_turn", &act, of_turn(turn, conversation));
    }
}

fn of_turn(turn: TurnId, conversation: ConversationId) -> Subject {
    Subject(Some(turn.as_uuid()), Some(conversation.as_uuid()))
}

/// A turn without an answer whose call is repeated.
struct LostTurn {
    turn: TurnId,
    key: ConversationKey,
    proven: bool,
}

/// How a turn opens.
#[derive(Clone, Copy)]
struct Opening {
    proven: bool,
    /// Whether its conversation begins with it.
    is_new: bool,
    /// The turn it takes up, whose question is its own.
    lost: Option<TurnId>,
}

impl Talk {
    /// Hands the question of a turn without an answer to the one that repeats it, where it stands.
    fn takes_up(&mut self, lost: TurnId, turn: TurnId) -> Option<MessageId> {
        let asked = self.messages.iter_mut().find(|said| said.turn == Some(lost))?;
        asked.turn = Some(turn);
        Some(asked.id)
    }

    /// Adds a message under the next number, and answers it.
    pub(super) fn say(&mut self, message: Message) -> Message {
        let number = self.messages.last().map_or(1, |last| last.number + 1);
        let message = Message { number, ..message };
        self.messages.push(message.clone());
        message
    }
}

fn delivered(
    turn: &TurnId,
    conversation: ConversationId,
    visitor: VisitorId,
    proven: bool,
    key: &ConversationKey,
    language: Option<Language>,
) -> FinishedTurn {
    FinishedTurn {
        turn: *turn,
        conversation,
        visitor,
        proven,
        session: key.session.clone(),
        answer: Answer::empty(Outcome::Delivered, language.unwrap_or(Language::EN)),
        persona: String::new(),
        disclose: false,
    }
}
