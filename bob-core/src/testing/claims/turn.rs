//! Claims about turns, their idempotency and their history.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::refused;
use crate::answer::Outcome;
use crate::clock::later;
use crate::conversation::{ConversationKey, Door, Owner, Role, SessionId, SpeakerStep};
use crate::credit::{Ladder, MilliCredits};
use crate::id::{ConversationId, TenantId, TurnId, VisitorId};
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::fixture;
use crate::turn::{
    BodyHash, IdempotencyClaim, IdempotencyScope, TurnClosing, TurnFinish, TurnOpening, TurnStart, TurnState,
};
use crate::visitor::VisitorProof;

fn claim(tenant: TenantId, parts: &[&str], body: &str) -> IdempotencyClaim {
    let key = "5f0c3c9e-9d1b-4a6e-8f0a-2b7c1d9e4f33".parse().unwrap();
    IdempotencyClaim {
        scopes: vec![IdempotencyScope::new(tenant, &key, parts)],
        body: BodyHash::of(body.as_bytes()),
    }
}

async fn answered(
    store: &dyn Storage,
    tenant: &TenantId,
    start: TurnStart,
    text: &str,
) -> crate::turn::FinishedTurn {
    let open = fixture::open(store, tenant, start).await;
    match store.finish_turn(&fixture::act(), tenant, fixture::finish(&open, text)).await {
        Ok(TurnClosing::Stored(finished)) => *finished,
        other => panic!("the turn should have been stored: {other:?}"),
    }
}

/// A conversation is invisible, not forbidden, to every other tenant.
pub async fn a_conversation_is_invisible_to_every_other_tenant(store: &dyn Storage) {
    let (owner, stranger) = (fixture::tenant(store, "owner").await, fixture::tenant(store, "stranger").await);
    let visitor = VisitorId::new();
    let open = fixture::open(store, &owner, fixture::start(visitor, "s", "hi")).await;
    let act = fixture::act();

    refused(store.history(&stranger, &open.conversation, None, 10).await, StorageErrorKind::NotFound);
    refused(store.turn(&stranger, Door::Public, &visitor, &open.turn).await, StorageErrorKind::NotFound);
    refused(
        store.finish_turn(&act, &stranger, fixture::finish(&open, "x")).await,
        StorageErrorKind::NotFound,
    );
    refused(store.renew_turn(&act, &stranger, &open.turn, &open.lease).await, StorageErrorKind::NotFound);
    refused(store.ownership(&stranger, &open.conversation).await, StorageErrorKind::NotFound);
    assert_eq!(store.conversation(&stranger, &open.key).await.unwrap(), None);
    refused(
        store.begin_turn(&act, &TenantId::new(), fixture::start(visitor, "s", "hi")).await,
        StorageErrorKind::NotFound,
    );

    let same_names = fixture::open(store, &stranger, fixture::start(visitor, "s", "hi")).await;
    assert_ne!(same_names.conversation, open.conversation);
    assert_eq!(same_names.history, []);
}

/// A turn is found by its own visitor through its own door only.
pub async fn a_stranger_finds_no_turn(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let open = fixture::open(store, &tenant, fixture::start(visitor, "s", "hi")).await;

    let state = store.turn(&tenant, Door::Public, &visitor, &open.turn).await.unwrap();
    assert!(matches!(state, TurnState::Open(lease) if lease == open.lease));
    refused(
        store.turn(&tenant, Door::Public, &VisitorId::new(), &open.turn).await,
        StorageErrorKind::NotFound,
    );
    refused(store.turn(&tenant, Door::Widget, &visitor, &open.turn).await, StorageErrorKind::NotFound);
    refused(store.turn(&tenant, Door::Public, &visitor, &TurnId::new()).await, StorageErrorKind::NotFound);
    refused(store.history(&tenant, &ConversationId::new(), None, 10).await, StorageErrorKind::NotFound);
}

/// Door, visitor and session together name a conversation; any other of the three names another.
pub async fn a_conversation_belongs_to_its_door_visitor_and_session(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let first = answered(store, &tenant, fixture::start(visitor, "s", "one"), "1").await;

    let same = fixture::open(store, &tenant, fixture::start(visitor, "s", "two")).await;
    assert_eq!(same.conversation, first.conversation);
    assert_eq!(same.history.len(), 2);
    for other in [
        fixture::start(visitor, "t", "hi"),
        fixture::start(VisitorId::new(), "s", "hi"),
        TurnStart { door: Door::Widget, ..fixture::start(visitor, "s", "hi") },
        TurnStart { visitor: VisitorProof::New(VisitorId::new()), ..fixture::start(visitor, "s", "hi") },
    ] {
        let other = fixture::open(store, &tenant, other).await;
        assert_ne!(other.conversation, first.conversation);
        assert_eq!(other.history, []);
        assert!(other.proven);
    }
    let found = store.conversation(&tenant, &same.key).await.unwrap().unwrap();
    assert_eq!((found.id, &found.key), (first.conversation, &same.key));
    let unknown = ConversationKey { session: "u".parse().unwrap(), ..same.key };
    assert_eq!(store.conversation(&tenant, &unknown).await.unwrap(), None);
}

/// A secret session id continues its conversation on its door, but whoever only knows it is given no proof.
pub async fn a_secret_session_continues_without_proof_and_names_nobody(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let secret = SessionId::mint();
    let unproven = |door| TurnStart {
        door,
        session: secret.clone(),
        visitor: VisitorProof::New(VisitorId::new()),
        ..fixture::start(VisitorId::new(), "s", "hi")
    };
    let first = fixture::open(store, &tenant, unproven(Door::Public)).await;
    assert!(first.proven, "who begins a conversation is its visitor");
    store.finish_turn(&fixture::act(), &tenant, fixture::finish(&first, "1")).await.unwrap();

    let continued = fixture::open(store, &tenant, unproven(Door::Public)).await;
    assert_eq!((continued.conversation, continued.proven), (first.conversation, false));
    assert_eq!(continued.key.visitor, first.key.visitor);

    let elsewhere = fixture::open(store, &tenant, unproven(Door::Widget)).await;
    assert_ne!(elsewhere.conversation, first.conversation);
    let proven = TurnStart { visitor: VisitorProof::Proven(VisitorId::new()), ..unproven(Door::Public) };
    let another = fixture::open(store, &tenant, proven).await;
    assert_ne!(another.conversation, first.conversation, "a proven visitor has conversations of their own");
}

/// A second message while a turn is open is told so and stores nothing.
pub async fn one_turn_is_open_in_a_conversation(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let open = fixture::open(store, &tenant, fixture::start(visitor, "s", "first")).await;

    let second =
        store.begin_turn(&fixture::act(), &tenant, fixture::start(visitor, "s", "second")).await.unwrap();

    let TurnOpening::Busy { turn, until } = second else { panic!("{second:?}") };
    assert_eq!((turn, until), (open.turn, open.lease.until));
    assert_eq!(store.history(&tenant, &open.conversation, None, 10).await.unwrap().messages.len(), 1);
    assert_eq!(store.credit_balance(&tenant).await.unwrap().reserved, MilliCredits::credits(1));
    store.finish_turn(&fixture::act(), &tenant, fixture::finish(&open, "1")).await.unwrap();
    fixture::open(store, &tenant, fixture::start(visitor, "s", "second")).await;
}

/// Messages are numbered from 1 without gaps, in the order in which they were said, on any page size.
pub async fn history_is_in_order_and_pages_without_gaps(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let mut conversation = ConversationId::new();
    for n in 1..=4 {
        let start = fixture::start(visitor, "s", &format!("question {n}"));
        conversation = answered(store, &tenant, start, &format!("answer {n}")).await.conversation;
    }
    let all = store.history(&tenant, &conversation, None, 100).await.unwrap();
    assert_eq!(all.next, None);
    assert_eq!(all.messages.iter().map(|m| m.number).collect::<Vec<_>>(), (1..=8).collect::<Vec<_>>());
    let roles: Vec<_> = all.messages.iter().map(|m| m.said.role).collect();
    assert_eq!(roles, [Role::Visitor, Role::Bot].repeat(4));
    assert_eq!(all.messages[2].said.text, "question 2");

    for size in 1..=9 {
        let (mut paged, mut before) = (Vec::new(), None);
        loop {
            let page = store.history(&tenant, &conversation, before, size).await.unwrap();
            assert!(page.messages.len() <= size as usize);
            paged.splice(0..0, page.messages);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(paged, all.messages, "pages of {size}, the latest first");
    }
    let short = TurnStart { history: 3, ..fixture::start(visitor, "s", "last") };
    let open = fixture::open(store, &tenant, short).await;
    assert_eq!(open.history, all.messages[5..], "the latest messages, oldest first, without the new one");
}

/// Of a long conversation an answerer sees the latest messages, as many as it asked for.
pub async fn a_long_conversation_is_seen_from_its_end(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    for n in 1..=25 {
        answered(store, &tenant, fixture::start(visitor, "s", &format!("question {n}")), "1").await;
    }
    let mut stored = 50;
    for asked_for in [0, 1, 40, 55, 200] {
        let start = TurnStart { history: asked_for, ..fixture::start(visitor, "s", "and now?") };
        let open = fixture::open(store, &tenant, start).await;
        let numbers: Vec<_> = open.history.iter().map(|message| message.number).collect();
        let first = stored + 1 - u64::from(asked_for).min(stored);
        assert_eq!(numbers, (first..=stored).collect::<Vec<_>>(), "{asked_for} of {stored}");
        fixture::settle(store, &tenant, &open, 0).await;
        stored += 2;
    }
}

/// Everything of an answer is there again: in the turn, and in the history.
pub async fn an_answer_reads_back_as_it_was_stored(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let stored = answered(store, &tenant, fixture::start(visitor, "s", "hi"), "Thirty days").await;

    assert_eq!(stored.answer, fixture::answer("Thirty days"));
    assert_eq!((stored.persona.as_str(), stored.disclose, stored.proven), ("Bob", true, true));
    let state = store.turn(&tenant, Door::Public, &visitor, &stored.turn).await.unwrap();
    let TurnState::Finished(read) = state else { panic!("{state:?}") };
    assert_eq!(*read, stored);
    let history = store.history(&tenant, &stored.conversation, None, 10).await.unwrap();
    let said = &history.messages[1];
    assert_eq!(said.said.text, stored.answer.text());
    assert_eq!((&said.citations, said.outcome), (&stored.answer.citations, Some(Outcome::Answered)));
    assert_eq!((said.turn, said.at), (Some(stored.turn), fixture::now()));
    let key = ConversationKey { door: Door::Public, visitor, session: "s".parse().unwrap() };
    let conversation = store.conversation(&tenant, &key).await.unwrap().unwrap();
    assert_eq!(conversation.language, Some(stored.answer.language));
}

/// The same key and body give the same answer; nothing is stored or charged again.
pub async fn a_repeated_call_is_answered_from_storage(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let claim = claim(tenant, &["public"], "body");
    let first =
        answered(store, &tenant, fixture::with_claim(fixture::start(visitor, "s", "hi"), &claim), "1").await;

    let again = fixture::with_claim(fixture::start(visitor, "s", "hi"), &claim);
    let again = store.begin_turn(&fixture::act(), &tenant, again).await.unwrap();

    let TurnOpening::Replayed(replayed) = again else { panic!("{again:?}") };
    assert_eq!(*replayed, first);
    assert_eq!(store.history(&tenant, &first.conversation, None, 10).await.unwrap().messages.len(), 2);
    assert_eq!(store.credit_balance(&tenant).await.unwrap().settled, MilliCredits::credits(1));
}

/// A repetition that comes while the first is being answered learns its turn; after a crash it answers itself.
pub async fn a_running_call_is_named_to_its_repetition(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let claim = claim(tenant, &["public"], "body");
    let start = || fixture::with_claim(fixture::start(visitor, "s", "hi"), &claim);
    let open = fixture::open(store, &tenant, start()).await;

    let again = store.begin_turn(&fixture::act(), &tenant, start()).await.unwrap();
    assert!(matches!(again, TurnOpening::Running(turn) if turn == open.turn));

    let late = fixture::act_at(open.lease.until);
    let retry = TurnStart { lease: fixture::lease(late.at), ..start() };
    let retried = store.begin_turn(&late, &tenant, retry).await.unwrap();
    let TurnOpening::Opened(retried) = retried else { panic!("{retried:?}") };
    store.finish_turn(&late, &tenant, fixture::finish(&retried, "1")).await.unwrap();
    let last = store.begin_turn(&late, &tenant, start()).await.unwrap();
    assert!(matches!(last, TurnOpening::Replayed(turn) if turn.turn == retried.turn));
    assert_eq!(store.credit_balance(&tenant).await.unwrap().settled, MilliCredits::credits(1));
}

/// Whoever repeats a first call that a crash cut short is the visitor of that call, and may be told so.
pub async fn a_first_call_that_is_taken_up_again_keeps_its_visitor(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let claim = claim(tenant, &["key"], "body");
    let secret = SessionId::mint();
    let start = || TurnStart {
        session: secret.clone(),
        visitor: VisitorProof::New(VisitorId::new()),
        ..fixture::with_claim(fixture::start(VisitorId::new(), "s", "hi"), &claim)
    };
    let lost = fixture::open(store, &tenant, start()).await;
    let late = fixture::act_at(lost.lease.until);

    let again = TurnStart { lease: fixture::lease(late.at), ..start() };
    let again = store.begin_turn(&late, &tenant, again).await.unwrap();

    let TurnOpening::Opened(again) = again else { panic!("{again:?}") };
    assert_eq!((again.key.visitor, again.proven), (lost.key.visitor, true));
    assert_eq!(again.conversation, lost.conversation);
    store.finish_turn(&late, &tenant, fixture::finish(&again, "1")).await.unwrap();
    let stranger = TurnStart { idempotency: None, lease: fixture::lease(late.at), ..start() };
    let stranger = store.begin_turn(&late, &tenant, stranger).await.unwrap();
    assert!(
        matches!(stranger, TurnOpening::Opened(open) if !open.proven),
        "the session id alone proves nobody"
    );
}

/// A question whose turn was cut short stands in the history once, however often its call is repeated: the repetition
/// goes on in the same conversation, whatever session it brings, and the message that was stored first becomes its own,
/// with the identifier, the place and the time it has.
pub async fn a_question_that_is_taken_up_again_stands_once(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let claim = claim(tenant, &["public"], "body");
    let start = |session| fixture::with_claim(fixture::start(visitor, session, "lost?"), &claim);
    let first = start("a");
    let message = first.message;
    let lost = fixture::open(store, &tenant, first).await;

    let again = fixture::open_at(store, &tenant, start("b"), lost.lease.until).await;
    assert_eq!((again.conversation, &again.key, again.history.len()), (lost.conversation, &lost.key, 0));
    let asked = store.history(&tenant, &lost.conversation, None, 10).await.unwrap().messages;
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].id, asked[0].number, asked[0].at), (message, 1, fixture::now()));
    assert_eq!((asked[0].turn, asked[0].said.text.as_str()), (Some(again.turn), "lost?"));

    // It is cut short a second time, and something else is answered before it is repeated once more.
    let late = again.lease.until;
    store.sweep_turns(&fixture::act_at(late), 10).await.unwrap();
    let other = fixture::open_at(store, &tenant, fixture::start(visitor, "a", "another?"), late).await;
    store.finish_turn(&fixture::act_at(late), &tenant, fixture::finish(&other, "2")).await.unwrap();
    let last = fixture::open_at(store, &tenant, start("c"), late).await;
    let texts = |messages: &[crate::conversation::Message]| {
        messages.iter().map(|message| (message.number, message.turn.unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(texts(&last.history), [(2, other.turn), (3, other.turn)]);
    store.finish_turn(&fixture::act_at(late), &tenant, fixture::finish(&last, "1")).await.unwrap();

    let said = store.history(&tenant, &lost.conversation, None, 10).await.unwrap().messages;
    assert_eq!(texts(&said), [(1, last.turn), (2, other.turn), (3, other.turn), (4, last.turn)]);
    let replayed = store.begin_turn(&fixture::act_at(late), &tenant, start("d")).await.unwrap();
    assert!(matches!(replayed, TurnOpening::Replayed(turn) if turn.turn == last.turn));
    for gone in [lost.turn, again.turn] {
        let state = store.turn(&tenant, Door::Public, &visitor, &gone).await.unwrap();
        assert!(matches!(state, TurnState::Abandoned { superseded: None }), "{state:?}");
    }
}

/// A question that a person took over before Bob answered is delivered once, however often its call is repeated.
pub async fn a_question_that_a_person_took_over_is_delivered_once(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let claim = claim(tenant, &["public"], "body");
    let visitor = VisitorId::new();
    let start = || fixture::with_claim(fixture::start(visitor, "s", "hi"), &claim);
    let open = fixture::open(store, &tenant, start()).await;
    fixture::take(store, &tenant, &open.conversation).await;
    store.finish_turn(&fixture::act(), &tenant, fixture::finish(&open, "stale")).await.unwrap();

    let again = store.begin_turn(&fixture::act(), &tenant, start()).await.unwrap();
    let TurnOpening::Delivered(delivered) = again else { panic!("{again:?}") };
    let again = store.begin_turn(&fixture::act(), &tenant, start()).await.unwrap();
    assert!(matches!(again, TurnOpening::Replayed(turn) if *turn == *delivered));

    let said = store.history(&tenant, &open.conversation, None, 10).await.unwrap().messages;
    assert_eq!(said.iter().map(|message| message.turn).collect::<Vec<_>>(), [Some(delivered.turn)]);
}

/// The same key with another body is told apart and stores nothing.
pub async fn a_key_with_another_body_is_a_mistake(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let first = fixture::with_claim(fixture::start(visitor, "s", "hi"), &claim(tenant, &["public"], "body"));
    answered(store, &tenant, first, "1").await;

    let other = fixture::with_claim(fixture::start(visitor, "s", "ho"), &claim(tenant, &["public"], "other"));
    let other = store.begin_turn(&fixture::act(), &tenant, other).await.unwrap();

    assert!(matches!(other, TurnOpening::Mismatch));
    assert_eq!(store.credit_balance(&tenant).await.unwrap().settled, MilliCredits::credits(1));
}

/// A key means nothing in another scope, nor under another tenant; a claim of two scopes is known under either.
pub async fn a_key_counts_in_its_scope_only(store: &dyn Storage) {
    let (tenant, stranger) = (fixture::tenant(store, "shop").await, fixture::tenant(store, "stranger").await);
    let visitor = VisitorId::new();
    let (here, there) = (claim(tenant, &["public"], "body"), claim(tenant, &["widget"], "body"));
    let both = IdempotencyClaim { scopes: vec![here.scopes[0], there.scopes[0]], body: here.body };
    let start = |session| fixture::start(visitor, session, "hi");
    let elsewhere = claim(tenant, &["elsewhere"], "body");
    answered(store, &tenant, fixture::with_claim(start("a"), &elsewhere), "0").await;

    let first = answered(store, &tenant, fixture::with_claim(start("b"), &both), "1").await;
    assert_ne!(first.session.as_str(), "a");
    for known in [&here, &there] {
        let again = fixture::with_claim(start("b"), known);
        let again = store.begin_turn(&fixture::act(), &tenant, again).await.unwrap();
        assert!(matches!(again, TurnOpening::Replayed(turn) if turn.turn == first.turn));
    }
    fixture::open(store, &stranger, fixture::with_claim(start("b"), &here)).await;
}

/// After a day a key may be used anew.
pub async fn keys_are_forgotten_after_a_day(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let claim = claim(tenant, &["public"], "body");
    let start = || fixture::with_claim(fixture::start(visitor, "s", "hi"), &claim);
    answered(store, &tenant, start(), "1").await;
    let day = Duration::from_secs(24 * 60 * 60);

    let almost = fixture::act_at(later(fixture::now(), day - Duration::from_secs(1)));
    let again = store.begin_turn(&almost, &tenant, start()).await.unwrap();
    assert!(matches!(again, TurnOpening::Replayed(_)));

    let next_day = fixture::act_at(later(fixture::now(), day));
    let anew = TurnStart { lease: fixture::lease(next_day.at), ..start() };
    let anew = store.begin_turn(&next_day, &tenant, anew).await.unwrap();
    assert!(matches!(anew, TurnOpening::Opened(_)), "{anew:?}");
}

/// Of many duplicates at once exactly one opens a turn.
pub async fn parallel_duplicates_open_one_turn(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let claim = claim(tenant, &["public"], "body");
    let (opened, running) = (AtomicU32::new(0), AtomicU32::new(0));
    let duplicate = async || {
        let start = fixture::with_claim(fixture::start(visitor, "s", "hi"), &claim);
        match store.begin_turn(&fixture::act(), &tenant, start).await.unwrap() {
            TurnOpening::Opened(_) => opened.fetch_add(1, Ordering::Relaxed),
            TurnOpening::Running(_) => running.fetch_add(1, Ordering::Relaxed),
            other => panic!("{other:?}"),
        }
    };
    tokio::join!(
        duplicate(),
        duplicate(),
        duplicate(),
        duplicate(),
        duplicate(),
        duplicate(),
        duplicate(),
        duplicate(),
    );
    assert_eq!((opened.into_inner(), running.into_inner()), (1, 7));
}

/// Credits leave the balance before an answer is made, and come back as far as it did not use them.
pub async fn credits_are_reserved_before_and_settled_after(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let start = TurnStart {
        reserve: Ladder::of([MilliCredits::credits(5)]),
        ..fixture::start(VisitorId::new(), "s", "hi")
    };
    let open = fixture::open(store, &tenant, start).await;
    assert_eq!(open.reservation.unwrap().amount, MilliCredits::credits(5));
    let balance = store.credit_balance(&tenant).await.unwrap();
    assert_eq!(
        (balance.reserved, balance.available()),
        (MilliCredits::credits(5), MilliCredits::credits(995))
    );

    let finish = TurnFinish { cost: MilliCredits(1_500), ..fixture::finish(&open, "1") };
    store.finish_turn(&fixture::act(), &tenant, finish).await.unwrap();

    let balance = store.credit_balance(&tenant).await.unwrap();
    assert_eq!((balance.reserved, balance.settled), (MilliCredits::ZERO, MilliCredits(1_500)));

    let start = fixture::start(VisitorId::new(), "s", "hi");
    let open = fixture::open(store, &tenant, start).await;
    let greedy = TurnFinish { cost: MilliCredits::credits(900), ..fixture::finish(&open, "1") };
    store.finish_turn(&fixture::act(), &tenant, greedy).await.unwrap();
    let settled = store.credit_balance(&tenant).await.unwrap().settled;
    assert_eq!(settled, MilliCredits(2_500), "never more than was reserved");
}

/// However many turns begin at once, reserved and settled together never exceed what was granted.
pub async fn parallel_turns_never_reserve_more_than_there_is(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let granted = AtomicU32::new(0);
    let turn = async |n: u32| {
        let start = TurnStart {
            reserve: Ladder::of([MilliCredits::credits(300)]),
            ..fixture::start(VisitorId::new(), &format!("s{n}"), "hi")
        };
        let open = fixture::open(store, &tenant, start).await;
        granted.fetch_add(u32::from(open.reservation.is_some()), Ordering::Relaxed);
    };
    tokio::join!(turn(1), turn(2), turn(3), turn(4), turn(5), turn(6), turn(7), turn(8));
    assert_eq!(granted.into_inner(), 3, "1,000 credits are enough for three times 300");
    assert_eq!(store.credit_balance(&tenant).await.unwrap().available(), MilliCredits::credits(100));
}

/// A finish that is sent twice stores one answer and settles once.
pub async fn a_repeated_finish_settles_nothing_again(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let open = fixture::open(store, &tenant, fixture::start(VisitorId::new(), "s", "hi")).await;
    let finish = fixture::finish(&open, "1");

    for _ in 0..2 {
        let closing = store.finish_turn(&fixture::act(), &tenant, finish.clone()).await.unwrap();
        assert!(matches!(closing, TurnClosing::Stored(turn) if turn.answer == finish.answer));
    }

    assert_eq!(store.history(&tenant, &open.conversation, None, 10).await.unwrap().messages.len(), 2);
    assert_eq!(store.credit_balance(&tenant).await.unwrap().settled, MilliCredits::credits(1));
}

/// While a person owns the conversation, messages are stored for them, cost nothing and open no turn.
pub async fn a_persons_conversation_is_delivered_and_free(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let first = answered(store, &tenant, fixture::start(visitor, "s", "hi"), "1").await;
    fixture::take(store, &tenant, &first.conversation).await;
    let claim = claim(tenant, &["public"], "body");

    for again in [false, true] {
        let start = fixture::with_claim(fixture::start(visitor, "s", "still there?"), &claim);
        let turn = match store.begin_turn(&fixture::act(), &tenant, start).await.unwrap() {
            TurnOpening::Delivered(turn) if !again => turn,
            TurnOpening::Replayed(turn) if again => turn,
            other => panic!("{other:?}"),
        };
        assert_eq!((turn.answer.outcome, turn.answer.text()), (Outcome::Delivered, String::new()));
    }

    let history = store.history(&tenant, &first.conversation, None, 10).await.unwrap();
    assert_eq!(history.messages.len(), 3);
    let balance = store.credit_balance(&tenant).await.unwrap();
    assert_eq!((balance.reserved, balance.settled), (MilliCredits::ZERO, MilliCredits::credits(1)));
}

/// The visitor is told who speaks at first and whenever that changes, and not in between.
pub async fn the_machine_is_disclosed_first_and_after_each_change_of_speaker(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let first = answered(store, &tenant, fixture::start(visitor, "s", "1"), "1").await;
    let second = answered(store, &tenant, fixture::start(visitor, "s", "2"), "2").await;
    let person = fixture::take(store, &tenant, &first.conversation).await;
    let back = fixture::speaker(SpeakerStep::HandBack, person);
    fixture::step(store, &tenant, &first.conversation, back).await;
    let third = answered(store, &tenant, fixture::start(visitor, "s", "3"), "3").await;
    let fourth = answered(store, &tenant, fixture::start(visitor, "s", "4"), "4").await;
    let disclosed = [first.disclose, second.disclose, third.disclose, fourth.disclose];
    assert_eq!(disclosed, [true, false, true, false]);
}

/// What a turn that was cut short was to disclose, the next one does: nobody has been told before an answer is stored.
pub async fn what_a_lost_turn_was_to_disclose_the_next_one_does(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let start = fixture::start(VisitorId::new(), "s", "hi");
    let again = || TurnStart { turn: TurnId::new(), message: crate::id::MessageId::new(), ..start.clone() };
    let lost = fixture::open(store, &tenant, again()).await;
    let late = fixture::open_at(store, &tenant, again(), lost.lease.until).await;
    store
        .finish_turn(&fixture::act_at(late.lease.until), &tenant, fixture::finish(&late, "late"))
        .await
        .unwrap();
    let last = fixture::open_at(store, &tenant, again(), late.lease.until).await;
    assert_eq!([lost.disclose, late.disclose, last.disclose], [true, true, true]);
    let act = fixture::act_at(late.lease.until);
    store.finish_turn(&act, &tenant, fixture::finish(&last, "1")).await.unwrap();
    assert!(!fixture::open_at(store, &tenant, again(), act.at).await.disclose);
}

/// A wish for a person stands until one takes over.
pub async fn asking_for_a_person_is_noted_until_one_takes_over(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let open = fixture::open(store, &tenant, fixture::start(VisitorId::new(), "s", "a person, please")).await;
    let mut finish = fixture::finish(&open, "On it");
    finish.answer.outcome = Outcome::Escalated;
    store.finish_turn(&fixture::act(), &tenant, finish).await.unwrap();
    let wanted = store.conversation(&tenant, &open.key).await.unwrap().unwrap().person_wanted_at;
    assert_eq!(wanted, Some(fixture::now()));

    let person = Owner::Person(fixture::take(store, &tenant, &open.conversation).await);

    let taken = store.conversation(&tenant, &open.key).await.unwrap().unwrap();
    assert_eq!((taken.person_wanted_at, taken.ownership.owner), (None, person));
}
