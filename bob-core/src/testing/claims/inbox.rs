//! Claims about conversations that people answer.

use std::time::Duration;

use crate::answer::Outcome;
use crate::clock::later;
use crate::conversation::{Door, Hindrance, Owner, Role, SpeakerChange, SpeakerChanged, SpeakerStep};
use crate::id::{AccountId, ConversationId, TenantId, VisitorId};
use crate::inbox::{InboxEntry, InboxFilter, InboxPlace, InboxState, PersonReply, Replied};
use crate::outbox::EventKind;
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::fixture;
use crate::turn::{OpenTurn, TurnClosing, TurnOpening, TurnStart};

use super::refused;

/// Where in a turn of Bob's a person takes the conversation over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    BeforeItBegins,
    WhileItRuns,
    WhileItRunsAndHandsBack,
    AfterItEnded,
}

/// The roles of a conversation's messages, in order.
async fn said(store: &dyn Storage, tenant: &TenantId, conversation: &ConversationId) -> Vec<Role> {
    let history = store.history(tenant, conversation, None, 100).await.unwrap();
    history.messages.iter().map(|message| message.said.role).collect()
}

/// Whenever a person takes over, what they say and what Bob says never stand in one epoch; who lost the conversation adds
/// nothing to it, and nothing stays reserved.
pub async fn a_person_and_bob_never_speak_in_the_same_epoch(store: &dyn Storage) {
    use Role::{Bot, Person, Visitor};
    for (takes, then) in [
        (Takes::BeforeItBegins, &[Person, Visitor][..]),
        (Takes::WhileItRuns, &[Person]),
        (Takes::WhileItRunsAndHandsBack, &[Person]),
        (Takes::AfterItEnded, &[Bot, Person]),
    ] {
        let tenant = fixture::tenant(store, &format!("{takes:?}").to_lowercase()).await;
        let visitor = VisitorId::new();
        let first = fixture::open(store, &tenant, fixture::start(visitor, "s", "hi")).await;
        fixture::settle(store, &tenant, &first, 1_000).await;
        let talk = first.conversation;
        let person = AccountId::new();
        let speaks = async || {
            fixture::step(store, &tenant, &talk, fixture::speaker(SpeakerStep::Take, person)).await;
            let reply = fixture::reply(person, "Anna here");
            let replied = store.reply(&fixture::act(), &tenant, &talk, reply).await.unwrap();
            assert!(matches!(replied, Replied::Stored(_)), "{takes:?}: {replied:?}");
        };

        if takes == Takes::BeforeItBegins {
            speaks().await;
        }
        let start = fixture::start(visitor, "s", "and then?");
        let opening = store.begin_turn(&fixture::act(), &tenant, start).await.unwrap();
        if let TurnOpening::Opened(open) = opening {
            if matches!(takes, Takes::WhileItRuns | Takes::WhileItRunsAndHandsBack) {
                speaks().await;
            }
            if takes == Takes::WhileItRunsAndHandsBack {
                let back = fixture::speaker(SpeakerStep::HandBack, person);
                fixture::step(store, &tenant, &talk, back).await;
            }
            let closing =
                store.finish_turn(&fixture::act(), &tenant, fixture::finish(&open, "Bob")).await.unwrap();
            let stored = matches!(closing, TurnClosing::Stored(_));
            assert_eq!(stored, takes == Takes::AfterItEnded, "{takes:?}: {closing:?}");
            if stored {
                speaks().await;
            }
        } else {
            assert_eq!(takes, Takes::BeforeItBegins, "{opening:?}");
        }

        let mut expected = vec![Visitor, Bot];
        if takes != Takes::BeforeItBegins {
            expected.push(Visitor);
        }
        expected.extend(then);
        assert_eq!(said(store, &tenant, &talk).await, expected, "{takes:?}");
        let usage = store.credit_usage(&tenant).await.unwrap();
        assert_eq!(usage.balance.reserved.0, 0, "{takes:?}");
    }
}

/// Of many people who take a conversation at once, one gets it; the others learn who.
pub async fn one_of_many_who_take_at_once_gets_it(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let open = fixture::open(store, &tenant, fixture::start(VisitorId::new(), "s", "hi")).await;
    let act = fixture::act();
    let take = async || {
        let change = fixture::speaker(SpeakerStep::Take, AccountId::new());
        store.change_speaker(&act, &tenant, &open.conversation, change).await.unwrap()
    };
    let (a, b, c, d) = tokio::join!(take(), take(), take(), take());

    let (mut done, mut seen) = (Vec::new(), Vec::new());
    for changed in [a, b, c, d] {
        match changed {
            SpeakerChanged::Done(standing) => done.push(standing.ownership),
            SpeakerChanged::Refused { why: Hindrance::Taken, standing } => seen.push(standing.ownership),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((done.len(), done[0].epoch), (1, 1));
    assert_eq!(seen, [done[0]; 3]);

    let colleague = AccountId::new();
    let from = |expected| SpeakerChange { expected, ..fixture::speaker(SpeakerStep::Take, colleague) };
    let unseen = store.change_speaker(&act, &tenant, &open.conversation, from(Some(0))).await.unwrap();
    assert!(matches!(unseen, SpeakerChanged::Refused { why: Hindrance::Taken, .. }), "{unseen:?}");
    fixture::step(store, &tenant, &open.conversation, from(Some(1))).await;
    let entry = store.inbox_entry(&tenant, &open.conversation).await.unwrap();
    assert_eq!(entry.standing.ownership.owner, Owner::Person(colleague));
    assert_eq!(entry.standing.taken_at, Some(fixture::now()));
}

/// What a person wrote stands in its place with its author and without a turn; Bob's next turn sees it.
pub async fn what_a_person_wrote_reads_back_in_its_place(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let open = fixture::open(store, &tenant, fixture::start(visitor, "s", "hi")).await;
    fixture::settle(store, &tenant, &open, 0).await;
    let person = fixture::take(store, &tenant, &open.conversation).await;
    let act = fixture::act_at(later(fixture::now(), Duration::from_secs(60)));
    let reply = fixture::reply(person, "Größe 42 ist da. 日本語も。");

    let replied = store.reply(&act, &tenant, &open.conversation, reply.clone()).await.unwrap();

    let Replied::Stored(stored) = replied else { panic!("{replied:?}") };
    assert_eq!((stored.id, stored.number, stored.at), (reply.message, 3, act.at));
    assert_eq!((stored.turn, stored.author, stored.said.role), (None, Some(person), Role::Person));
    let history = store.history(&tenant, &open.conversation, None, 10).await.unwrap().messages;
    assert_eq!(history[2], *stored);
    assert_eq!(history[0].author, None);
    let entry = store.inbox_entry(&tenant, &open.conversation).await.unwrap();
    assert_eq!((entry.messages, entry.active_at), (3, act.at));

    fixture::step(store, &tenant, &open.conversation, fixture::speaker(SpeakerStep::HandBack, person)).await;
    let next = fixture::open(store, &tenant, fixture::start(visitor, "s", "thanks")).await;
    assert_eq!(next.history, history);
}

/// A person's message is stored once under its identifier, and only while they speak, under the epoch they believe in.
pub async fn a_message_of_a_person_is_stored_once(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let open = fixture::open(store, &tenant, fixture::start(VisitorId::new(), "s", "hi")).await;
    let talk = open.conversation;
    let act = fixture::act();
    let send = async |reply: PersonReply| store.reply(&act, &tenant, &talk, reply).await;
    let stranger = fixture::reply(AccountId::new(), "me?");
    let early = send(stranger.clone()).await.unwrap();
    assert!(matches!(early, Replied::Refused { why: Hindrance::NotTheOwner, .. }), "{early:?}");
    let anna = fixture::take(store, &tenant, &talk).await;

    let reply = PersonReply { expected: Some(1), ..fixture::reply(anna, "hello") };
    let (one, two) = tokio::join!(send(reply.clone()), send(reply.clone()));
    let mut kinds = [one.unwrap(), two.unwrap()].map(|replied| matches!(replied, Replied::Stored(_)));
    kinds.sort_unstable();
    assert_eq!(kinds, [false, true], "one of two that are sent at once is stored");
    let other = PersonReply { message: reply.message, ..fixture::reply(anna, "something else") };
    assert_eq!(send(other).await.unwrap(), Replied::Mismatch);
    let late = PersonReply { expected: Some(0), ..fixture::reply(anna, "late") };
    refused(send(late).await, StorageErrorKind::Stale);

    let ben = SpeakerChange { expected: Some(1), ..fixture::speaker(SpeakerStep::Take, AccountId::new()) };
    fixture::step(store, &tenant, &talk, ben).await;
    let replaced = send(PersonReply { expected: Some(1), ..fixture::reply(anna, "too late") }).await.unwrap();
    let Replied::Refused { why: Hindrance::NotTheOwner, standing } = replaced else { panic!("{replaced:?}") };
    assert_eq!(standing.ownership.owner, Owner::Person(ben.person));
    let repeated = send(reply).await.unwrap();
    assert!(
        matches!(repeated, Replied::Repeated(_)),
        "what was stored is known, whoever speaks now: {repeated:?}"
    );
    fixture::step(store, &tenant, &talk, fixture::speaker(SpeakerStep::Close, ben.person)).await;
    let closed = send(fixture::reply(ben.person, "one more")).await.unwrap();
    assert!(matches!(closed, Replied::Refused { why: Hindrance::Closed, .. }), "{closed:?}");
    assert_eq!(said(store, &tenant, &talk).await, [Role::Visitor, Role::Person]);
}

/// A closed conversation is with nobody until its visitor writes again, and then with Bob.
pub async fn a_closed_conversation_is_opened_again_by_its_visitor(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let start = |text: &str| fixture::start(visitor, "s", text);
    let open = fixture::open(store, &tenant, start("hi")).await;
    let talk = open.conversation;
    let busy = fixture::speaker(SpeakerStep::Close, AccountId::new());
    let busy = store.change_speaker(&fixture::act(), &tenant, &talk, busy).await.unwrap();
    assert!(matches!(busy, SpeakerChanged::Refused { why: Hindrance::Answering, .. }), "{busy:?}");
    fixture::settle(store, &tenant, &open, 0).await;
    let person = fixture::take(store, &tenant, &talk).await;
    let close = fixture::speaker(SpeakerStep::Close, person);

    fixture::step(store, &tenant, &talk, close).await;

    let closed = store.inbox_entry(&tenant, &talk).await.unwrap().standing;
    assert_eq!((closed.closed_at, closed.taken_at), (Some(fixture::now()), None));
    assert_eq!((closed.ownership.owner, closed.ownership.epoch), (Owner::Bot, 2));
    let again = store.change_speaker(&fixture::act(), &tenant, &talk, close).await.unwrap();
    assert_eq!(again, SpeakerChanged::Unchanged(closed));
    let take = fixture::speaker(SpeakerStep::Take, person);
    let taken = store.change_speaker(&fixture::act(), &tenant, &talk, take).await.unwrap();
    assert!(matches!(taken, SpeakerChanged::Refused { why: Hindrance::Closed, .. }), "{taken:?}");

    let open = fixture::open(store, &tenant, start("one more thing")).await;
    assert_eq!((open.conversation, open.epoch), (talk, 2));
    let standing = store.inbox_entry(&tenant, &talk).await.unwrap().standing;
    assert_eq!((standing.closed_at, standing.answering), (None, true));
}

/// However often a visitor who waits asks for a person, that is told once; anew after somebody was there.
pub async fn a_visitor_who_waits_is_told_of_once(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let asks = async || {
        let open = fixture::open(store, &tenant, fixture::start(visitor, "s", "a person, please")).await;
        let mut finish = fixture::finish(&open, "On it");
        finish.answer.outcome = Outcome::Escalated;
        store.finish_turn(&fixture::act(), &tenant, finish).await.unwrap();
        let events = store.outbox(&tenant, None, 1_000).await.unwrap();
        let escalated = events.iter().filter(|event| event.kind == EventKind::ConversationEscalated);
        (open.conversation, escalated.count())
    };
    let (talk, told) = asks().await;
    assert_eq!((told, asks().await.1, asks().await.1), (1, 1, 1));
    let person = fixture::take(store, &tenant, &talk).await;
    fixture::step(store, &tenant, &talk, fixture::speaker(SpeakerStep::HandBack, person)).await;
    assert_eq!((asks().await.1, asks().await.1), (2, 2));
}

/// A conversation of a visitor of its own, begun so many seconds after the start of the test and answered.
async fn talk(store: &dyn Storage, tenant: &TenantId, at: u64, door: Door, outcome: Outcome) -> OpenTurn {
    let at = later(fixture::now(), Duration::from_secs(at));
    let start = TurnStart { door, ..fixture::start(VisitorId::new(), "s", "hi") };
    let open = fixture::open_at(store, tenant, start, at).await;
    let mut finish = fixture::finish(&open, "1");
    finish.answer.outcome = outcome;
    store.finish_turn(&fixture::act_at(at), tenant, finish).await.unwrap();
    open
}

/// All pages of a list, so many at a time.
async fn pages(
    store: &dyn Storage,
    tenant: &TenantId,
    filter: &InboxFilter,
    size: u32,
) -> Vec<ConversationId> {
    let (mut listed, mut after): (Vec<InboxEntry>, Option<InboxPlace>) = (Vec::new(), None);
    loop {
        let page = store.inbox(tenant, filter, after, size).await.unwrap();
        assert!(page.len() <= size as usize && listed.len() < 100, "reading on comes to an end");
        after = page.last().and_then(|last| last.place(filter.state));
        let end = page.is_empty();
        listed.extend(page);
        if end {
            return listed.into_iter().map(|entry| entry.id).collect();
        }
    }
}

/// Who waits longest comes first, otherwise whoever wrote last; each list holds what belongs in it, in pages of any size.
pub async fn lists_are_in_order_and_page_without_gaps(store: &dyn Storage) {
    let (tenant, other) = (fixture::tenant(store, "shop").await, fixture::tenant(store, "other").await);
    talk(store, &other, 0, Door::Public, Outcome::Escalated).await;
    let mut talks = Vec::new();
    for (at, door, outcome) in [
        (0, Door::Public, Outcome::Answered),
        (10, Door::Widget, Outcome::Escalated),
        (20, Door::Public, Outcome::Limited),
        (20, Door::SignedIn, Outcome::Escalated),
        (30, Door::Widget, Outcome::Answered),
        (40, Door::Widget, Outcome::Answered),
    ] {
        talks.push(talk(store, &tenant, at, door, outcome).await.conversation);
    }
    let anna = fixture::take(store, &tenant, &talks[4]).await;
    let reply = fixture::reply(anna, "hello");
    let act = fixture::act_at(later(fixture::now(), Duration::from_secs(60)));
    store.reply(&act, &tenant, &talks[4], reply).await.unwrap();
    fixture::step(store, &tenant, &talks[5], fixture::speaker(SpeakerStep::Close, anna)).await;
    // Conversations of the same moment are told apart by their identifiers.
    let (low, high) = if talks[2] < talks[3] { (2, 3) } else { (3, 2) };

    for (state, door, expected) in [
        (InboxState::Waiting, None, vec![1, low, high]),
        (InboxState::Waiting, Some(Door::Widget), vec![1]),
        (InboxState::Open, None, vec![4, high, low, 1, 0]),
        (InboxState::Open, Some(Door::Public), vec![2, 0]),
        (InboxState::Of(anna), None, vec![4]),
        (InboxState::Of(AccountId::new()), None, vec![]),
        (InboxState::Bot, None, vec![high, low, 1, 0]),
        (InboxState::Closed, None, vec![5]),
        (InboxState::Closed, Some(Door::Public), vec![]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|talk: usize| talks[talk]).collect();
        let filter = InboxFilter { state, door };
        for size in 1..=6 {
            assert_eq!(pages(store, &tenant, &filter, size).await, expected, "{filter:?}, {size} at a time");
        }
    }
    let waiting = InboxFilter { state: InboxState::Waiting, door: None };
    let first = store.inbox(&tenant, &waiting, None, 1).await.unwrap().remove(0);
    assert_eq!(first, store.inbox_entry(&tenant, &talks[1]).await.unwrap());
    let wanted_at = later(fixture::now(), Duration::from_secs(10));
    assert_eq!((first.standing.wanted_at, first.messages), (Some(wanted_at), 2));
}

/// Another tenant's conversation can be neither seen nor taken nor answered.
pub async fn another_tenants_inbox_is_not_there(store: &dyn Storage) {
    let (tenant, stranger) = (fixture::tenant(store, "shop").await, fixture::tenant(store, "rival").await);
    let open = fixture::open(store, &tenant, fixture::start(VisitorId::new(), "s", "hi")).await;
    let person = fixture::take(store, &tenant, &open.conversation).await;
    let act = fixture::act();
    for (tenant, conversation) in
        [(stranger, open.conversation), (tenant, ConversationId::new()), (TenantId::new(), open.conversation)]
    {
        let (tenant, conversation) = (&tenant, &conversation);
        refused(store.inbox_entry(tenant, conversation).await, StorageErrorKind::NotFound);
        for step in [SpeakerStep::Take, SpeakerStep::HandBack, SpeakerStep::Close] {
            let change = fixture::speaker(step, person);
            let changed = store.change_speaker(&act, tenant, conversation, change).await;
            refused(changed, StorageErrorKind::NotFound);
        }
        let reply = store.reply(&act, tenant, conversation, fixture::reply(person, "hello")).await;
        refused(reply, StorageErrorKind::NotFound);
        refused(store.note_reading(&act, tenant, conversation).await, StorageErrorKind::NotFound);
        refused(store.ownership(tenant, conversation).await, StorageErrorKind::NotFound);
    }
    let all = InboxFilter { state: InboxState::Open, door: None };
    assert_eq!(store.inbox(&stranger, &all, None, 10).await.unwrap(), []);
    refused(store.inbox(&TenantId::new(), &all, None, 10).await, StorageErrorKind::NotFound);
}
