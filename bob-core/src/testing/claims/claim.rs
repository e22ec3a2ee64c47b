//! Claims about taking along, after signing in, what was said before.

use std::time::Duration;

use jiff::Timestamp;

use super::refused;
use crate::act::{Act, Principal};
use crate::audit::{AuditFilter, AuditQuery};
use crate::clock::{earlier, later};
use crate::conversation::{ConversationKey, Door};
use crate::id::{ConversationId, TenantId, TurnId, VisitorId};
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::fixture;
use crate::turn::{BodyHash, IdempotencyClaim, IdempotencyScope, TurnOpening, TurnStart, TurnState};
use crate::visitor::{
    CLAIM_CONVERSATIONS, CLAIM_WITHIN, Claim, Claimable, Claimed, VisitorProfile, VisitorProof,
};

async fn signed_in(store: &dyn Storage, tenant: &TenantId, subject: &str) -> VisitorId {
    let profile = VisitorProfile { subject: Some(subject.to_owned()), ..VisitorProfile::default() };
    store.recognise_visitor(&fixture::act(), tenant, profile).await.unwrap()
}

fn claim(anonymous: VisitorId, identified: VisitorId, proof: &str) -> Claim {
    Claim {
        anonymous,
        identified,
        proof: proof.to_owned(),
        proof_until: later(fixture::now(), Duration::from_secs(3_600)),
        accept: true,
        since: earlier(fixture::now(), CLAIM_WITHIN),
    }
}

/// A question and its answer, at a moment.
async fn talk(
    store: &dyn Storage,
    tenant: &TenantId,
    start: TurnStart,
    at: Timestamp,
) -> (TurnId, ConversationId) {
    let open = fixture::open_at(store, tenant, start, at).await;
    store.finish_turn(&fixture::act_at(at), tenant, fixture::finish(&open, "1")).await.unwrap();
    (open.turn, open.conversation)
}

async fn texts(store: &dyn Storage, tenant: &TenantId, conversation: &ConversationId) -> Vec<String> {
    let history = store.history(tenant, conversation, None, 200).await.unwrap();
    history.messages.into_iter().map(|message| message.said.text).collect()
}

fn key(door: Door, visitor: VisitorId, session: &str) -> ConversationKey {
    ConversationKey { door, visitor, session: session.parse().unwrap() }
}

/// What was said within a day moves, as it was said; what is older stays and is nobody's to read with that token.
pub async fn a_claim_moves_what_was_said_within_a_day(store: &dyn Storage) {
    let shop = fixture::tenant(store, "shop").await;
    let (anna, now, day) = (VisitorId::new(), fixture::now(), Duration::from_secs(24 * 60 * 60));
    let me = signed_in(store, &shop, "7").await;
    let (_, old) = talk(store, &shop, fixture::start(anna, "old", "a"), earlier(now, day * 2)).await;
    let (turn, recent) = talk(store, &shop, fixture::start(anna, "s", "b"), earlier(now, day / 2)).await;
    let on_widget = TurnStart { door: Door::Widget, ..fixture::start(anna, "s", "c") };
    let (_, widget) = talk(store, &shop, on_widget, now).await;
    let (_, others) = talk(store, &shop, fixture::start(VisitorId::new(), "s", "d"), now).await;
    let said = texts(store, &shop, &recent).await;

    let offered = store.claimable(&shop, &anna, &me, earlier(now, CLAIM_WITHIN)).await.unwrap();
    assert_eq!(
        (offered.messages, offered.since, offered.sessions.len()),
        (4, Some(earlier(now, day / 2)), 2)
    );
    let claimed = store.claim_visitor(&fixture::act(), &shop, claim(anna, me, "1")).await.unwrap();

    let Claimed::Merged { messages, sessions } = claimed else { panic!("{claimed:?}") };
    assert_eq!((messages, sessions.iter().map(|s| s.as_str()).collect::<Vec<_>>()), (4, vec!["s", "s"]));
    assert_eq!(texts(store, &shop, &recent).await, said);
    let own = store.own_conversations(&shop, &me, None, 10).await.unwrap();
    let mut ids: Vec<_> = own.iter().map(|own| own.id).collect();
    ids.sort();
    let mut moved = vec![recent, widget];
    moved.sort();
    assert_eq!(ids, moved);
    let found = store.conversation(&shop, &key(Door::Public, me, "s")).await.unwrap().unwrap();
    assert_eq!(found.id, recent);
    assert!(store.conversation(&shop, &key(Door::Public, anna, "s")).await.unwrap().is_none());
    let left = store.own_conversations(&shop, &anna, None, 10).await.unwrap();
    assert_eq!(left.iter().map(|own| own.id).collect::<Vec<_>>(), [old]);
    assert_eq!(texts(store, &shop, &others).await[0], "d");
    let TurnState::Finished(turn) = store.turn(&shop, Door::Public, &me, &turn).await.unwrap() else {
        panic!("the turn moved along")
    };
    assert_eq!((turn.visitor, turn.proven), (me, false));
    assert!(store.visitor(&shop, &anna).await.unwrap().unwrap().ended);
    // And it goes on there.
    let open = fixture::open(store, &shop, fixture::start(me, "s", "e")).await;
    assert_eq!((open.conversation, open.history.len()), (recent, 2));
}

/// The audit tells who claimed whom, and how much moved; and who declined.
pub async fn a_claim_is_audited(store: &dyn Storage) {
    let shop = fixture::tenant(store, "shop").await;
    let (anna, me) = (VisitorId::new(), signed_in(store, &shop, "7").await);
    talk(store, &shop, fixture::start(anna, "s", "hi"), fixture::now()).await;
    let act = Act::new(Principal::Visitor(me), "request 1", fixture::now());
    let no = Claim { accept: false, ..claim(anna, me, "1") };
    store.claim_visitor(&act, &shop, no).await.unwrap();
    store.claim_visitor(&act, &shop, claim(anna, me, "2")).await.unwrap();

    let query = AuditQuery { filter: AuditFilter::default(), behind: None, limit: 2, look_at: 2 };
    let told = store.audit(&shop, query).await.unwrap().rows.into_iter().map(|row| {
        assert_eq!((row.principal, &*row.request_id), (act.principal, "request 1"));
        assert_eq!((row.subject, row.part_of), (Some(me.as_uuid()), Some(anna.as_uuid())));
        (row.operation, row.reason)
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("claim_visitor".to_owned(), Some("1 conversations, 2 messages".to_owned())),
            ("decline_claim".to_owned(), None)
        ]
    );
}

/// From then on the old token opens nothing, and a secret session continues nothing of either's.
pub async fn a_claimed_visitor_is_no_more(store: &dyn Storage) {
    let shop = fixture::tenant(store, "shop").await;
    let (anna, me) = (VisitorId::new(), signed_in(store, &shop, "7").await);
    let (secret, aged) = (crate::conversation::SessionId::mint(), crate::conversation::SessionId::mint());
    let long_ago = earlier(fixture::now(), CLAIM_WITHIN * 2);
    talk(store, &shop, fixture::start(anna, aged.as_str(), "old"), long_ago).await;
    talk(store, &shop, fixture::start(anna, secret.as_str(), "hi"), fixture::now()).await;
    store.claim_visitor(&fixture::act(), &shop, claim(anna, me, "1")).await.unwrap();

    for session in [secret.as_str(), aged.as_str(), "another"] {
        let opening = store.begin_turn(&fixture::act(), &shop, fixture::start(anna, session, "hi")).await;
        assert!(matches!(opening, Ok(TurnOpening::Ended)), "{opening:?}");
        let stranger = VisitorId::new();
        let start =
            TurnStart { visitor: VisitorProof::New(stranger), ..fixture::start(stranger, session, "hi") };
        let open = fixture::open(store, &shop, start).await;
        assert_eq!((open.key.visitor, open.proven, open.history.len()), (stranger, true, 0), "{session}");
    }
    assert_eq!(store.claimable(&shop, &anna, &me, long_ago).await.unwrap(), Claimable::default());
}

/// A call that was answered before the claim is not answered again to whoever repeats it.
pub async fn a_call_from_before_a_claim_is_not_replayed(store: &dyn Storage) {
    let shop = fixture::tenant(store, "shop").await;
    let (anna, me) = (VisitorId::new(), signed_in(store, &shop, "7").await);
    let scopes = vec![IdempotencyScope::new(shop, &"key".parse().unwrap(), &[])];
    let again = IdempotencyClaim { scopes, body: BodyHash::of(b"body") };
    let start = || fixture::with_claim(fixture::start(anna, "s", "hi"), &again);
    talk(store, &shop, start(), fixture::now()).await;
    let replayed = store.begin_turn(&fixture::act(), &shop, start()).await;
    assert!(matches!(replayed, Ok(TurnOpening::Replayed(_))), "{replayed:?}");
    store.claim_visitor(&fixture::act(), &shop, claim(anna, me, "1")).await.unwrap();
    let ended = store.begin_turn(&fixture::act(), &shop, start()).await;
    assert!(matches!(ended, Ok(TurnOpening::Ended)), "{ended:?}");
}

/// Whoever used a name already keeps it; what comes along under the same gets a new one.
pub async fn a_name_that_is_taken_is_not_merged_into(store: &dyn Storage) {
    let shop = fixture::tenant(store, "shop").await;
    let (anna, me, now) = (VisitorId::new(), signed_in(store, &shop, "7").await, fixture::now());
    let (_, mine) = talk(store, &shop, fixture::start(me, "s", "mine"), now).await;
    let (_, hers) = talk(store, &shop, fixture::start(anna, "s", "before"), now).await;

    let claimed = store.claim_visitor(&fixture::act(), &shop, claim(anna, me, "1")).await.unwrap();

    let Claimed::Merged { sessions, .. } = claimed else { panic!("{claimed:?}") };
    assert_ne!(sessions[0].as_str(), "s");
    let found = |session: &str| {
        let key = key(Door::Public, me, session);
        async move { store.conversation(&shop, &key).await.unwrap().unwrap().id }
    };
    assert_eq!((found("s").await, found(sessions[0].as_str()).await), (mine, hers));
    assert_eq!((texts(store, &shop, &mine).await.len(), texts(store, &shop, &hers).await.len()), (2, 2));
}

/// A proof counts once a tenant, whatever became of the first use that wrote something.
pub async fn a_proof_claims_once(store: &dyn Storage) {
    let (shop, rival) = (fixture::tenant(store, "shop").await, fixture::tenant(store, "rival").await);
    let now = fixture::now();
    for (at, tenant) in [(0, shop), (1, rival)] {
        let (first, second) = (VisitorId::new(), VisitorId::new());
        let me = signed_in(store, &tenant, "7").await;
        talk(store, &tenant, fixture::start(first, "a", "hi"), now).await;
        talk(store, &tenant, fixture::start(second, "b", "hi"), now).await;
        let merged = store.claim_visitor(&fixture::act(), &tenant, claim(first, me, "one")).await.unwrap();
        assert!(matches!(merged, Claimed::Merged { .. }), "a proof of another tenant is another proof: {at}");
        let again = store.claim_visitor(&fixture::act(), &tenant, claim(second, me, "one")).await.unwrap();
        assert_eq!(again, Claimed::ProofUsed);
        let later = fixture::act_at(later(now, Duration::from_secs(3_600)));
        let forgotten = store.claim_visitor(&later, &tenant, claim(second, me, "one")).await.unwrap();
        assert!(matches!(forgotten, Claimed::Merged { .. }), "{forgotten:?}");
    }
}

/// Whoever declines is not asked again, keeps nothing, and the stranger stays one.
pub async fn a_claim_that_is_declined_moves_nothing(store: &dyn Storage) {
    let shop = fixture::tenant(store, "shop").await;
    let (anna, now) = (VisitorId::new(), fixture::now());
    let (me, other) = (signed_in(store, &shop, "7").await, signed_in(store, &shop, "8").await);
    let (_, hers) = talk(store, &shop, fixture::start(anna, "s", "hi"), now).await;
    let no = Claim { accept: false, ..claim(anna, me, "1") };
    assert_eq!(store.claim_visitor(&fixture::act(), &shop, no).await.unwrap(), Claimed::Declined);

    let since = earlier(now, CLAIM_WITHIN);
    let offered = store.claimable(&shop, &anna, &me, since).await.unwrap();
    assert_eq!(offered, Claimable { declined: true, ..Claimable::default() });
    assert_eq!(store.claimable(&shop, &anna, &other, since).await.unwrap().messages, 2);
    assert_eq!(store.own_conversations(&shop, &me, None, 10).await.unwrap(), []);
    let open = fixture::open(store, &shop, fixture::start(anna, "s", "still here")).await;
    assert_eq!(open.conversation, hers);
    let spent = Claim { accept: true, ..claim(anna, me, "1") };
    assert_eq!(store.claim_visitor(&fixture::act(), &shop, spent).await.unwrap(), Claimed::ProofUsed);
}

/// Two people are never merged, an open turn is waited for, and neither uses up the proof.
pub async fn a_claim_that_cannot_be_made_changes_nothing(store: &dyn Storage) {
    let (shop, rival) = (fixture::tenant(store, "shop").await, fixture::tenant(store, "rival").await);
    let (me, other) = (signed_in(store, &shop, "7").await, signed_in(store, &shop, "8").await);
    let anna = VisitorId::new();
    let act = fixture::act();
    talk(store, &shop, fixture::start(other, "s", "mine"), fixture::now()).await;
    for identified in [other, me] {
        let refused = store.claim_visitor(&act, &shop, claim(identified, me, "1")).await.unwrap();
        assert_eq!(refused, Claimed::AlreadyIdentified);
        let none = store.claimable(&shop, &identified, &me, Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(none, Claimable::default());
    }
    let open = fixture::open(store, &shop, fixture::start(anna, "s", "hi")).await;
    let busy = store.claim_visitor(&act, &shop, claim(anna, me, "1")).await.unwrap();
    assert_eq!(busy, Claimed::Busy(open.turn));
    for unknown in [claim(VisitorId::new(), me, "1"), claim(anna, VisitorId::new(), "1")] {
        refused(store.claim_visitor(&act, &shop, unknown).await, StorageErrorKind::NotFound);
    }
    refused(store.claim_visitor(&act, &rival, claim(anna, me, "1")).await, StorageErrorKind::NotFound);
    fixture::settle(store, &shop, &open, 0).await;
    let merged = store.claim_visitor(&act, &shop, claim(anna, me, "1")).await.unwrap();
    assert!(matches!(merged, Claimed::Merged { .. }), "{merged:?}");
    let twice = store.claim_visitor(&act, &shop, claim(anna, other, "2")).await.unwrap();
    assert_eq!(twice, Claimed::AlreadyClaimed);
}

/// More than fifty conversations are not claimed at once; a visitor without recent ones ends all the same.
pub async fn a_claim_is_bounded(store: &dyn Storage) {
    let shop = fixture::tenant(store, "shop").await;
    let (anna, me) = (VisitorId::new(), signed_in(store, &shop, "7").await);
    for number in 0..=CLAIM_CONVERSATIONS {
        talk(store, &shop, fixture::start(anna, &format!("s{number}"), "hi"), fixture::now()).await;
    }
    let act = fixture::act();
    assert_eq!(store.claim_visitor(&act, &shop, claim(anna, me, "1")).await.unwrap(), Claimed::TooLarge);
    let nothing = Claim { since: later(fixture::now(), Duration::from_secs(1)), ..claim(anna, me, "1") };
    let merged = store.claim_visitor(&act, &shop, nothing).await.unwrap();
    assert_eq!(merged, Claimed::Merged { messages: 0, sessions: Vec::new() });
    assert!(store.visitor(&shop, &anna).await.unwrap().unwrap().ended);
}

/// Of all who claim one visitor at once, one wins, and all of it is theirs.
pub async fn of_racing_claims_one_wins(store: &dyn Storage) {
    let shop = fixture::tenant(store, "shop").await;
    let anna = VisitorId::new();
    for session in ["a", "b", "c"] {
        talk(store, &shop, fixture::start(anna, session, "hi"), fixture::now()).await;
    }
    let (mut people, act) = (Vec::new(), fixture::act());
    for subject in ["1", "2", "3", "4"] {
        people.push(signed_in(store, &shop, subject).await);
    }
    let proofs = ["1", "2", "3", "4"];
    let race = |at: usize| store.claim_visitor(&act, &shop, claim(anna, people[at], proofs[at]));
    let (a, b, c, d) = tokio::join!(race(0), race(1), race(2), race(3));
    let won = [a, b, c, d].map(|claimed| match claimed.unwrap() {
        Claimed::Merged { messages: 6, .. } => true,
        Claimed::AlreadyClaimed => false,
        other => panic!("{other:?}"),
    });
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    for (person, won) in people.iter().zip(won) {
        let own = store.own_conversations(&shop, person, None, 10).await.unwrap();
        assert_eq!(own.len(), if won { 3 } else { 0 });
    }
}

/// A visitor's list is their own, the conversation that began last first, and pages without gaps.
pub async fn a_visitors_list_is_their_own_and_pages_without_gaps(store: &dyn Storage) {
    let (shop, rival) = (fixture::tenant(store, "shop").await, fixture::tenant(store, "rival").await);
    let (anna, now) = (VisitorId::new(), fixture::now());
    let mut began = Vec::new();
    for session in ["a", "b", "c"] {
        let conversation = ConversationId::new();
        let start = TurnStart { conversation, ..fixture::start(anna, session, "hi") };
        began.push(talk(store, &shop, start, now).await.1);
    }
    talk(store, &shop, fixture::start(VisitorId::new(), "a", "hi"), now).await;
    began.sort();
    began.reverse();

    let first = store.own_conversations(&shop, &anna, None, 2).await.unwrap();
    let second = store.own_conversations(&shop, &anna, Some(first[1].cursor()), 2).await.unwrap();
    let ids: Vec<_> = first.iter().chain(&second).map(|own| own.id).collect();
    assert_eq!(ids, began);
    let one = first.iter().find(|own| own.id == began[0]).unwrap();
    assert_eq!(
        (one.door, one.messages, one.started_at, one.last_message_at),
        (Door::Public, 2, now, Some(now))
    );
    assert_eq!(store.own_conversations(&rival, &anna, None, 10).await.unwrap(), []);
}
