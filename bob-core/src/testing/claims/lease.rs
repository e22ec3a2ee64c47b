//! Claims about leases and owners.

use std::time::Duration;

use crate::clock::later;
use crate::conversation::Owner;
use crate::credit::MilliCredits;
use crate::id::{TenantId, TurnId, VisitorId};
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::fixture;
use crate::turn::{LEASE, TurnClosing, TurnFinish, TurnOpening, TurnState};

use super::refused;

async fn visitor_texts(
    store: &dyn Storage,
    tenant: &TenantId,
    conversation: &crate::id::ConversationId,
) -> usize {
    store.history(tenant, conversation, None, 100).await.unwrap().messages.len()
}

/// A lease holds as long as it is renewed in time by its holder, and not a moment longer.
pub async fn a_lease_is_renewed_until_it_is_lost(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let open = fixture::open(store, &tenant, fixture::start(VisitorId::new(), "s", "hi")).await;
    let almost = later(fixture::now(), LEASE - Duration::from_millis(1));

    let renewed = store.renew_turn(&fixture::act_at(almost), &tenant, &open.turn, &open.lease).await.unwrap();
    assert_eq!(renewed, Some(open.lease.renewed(almost)));

    let thief = fixture::lease(almost);
    assert_eq!(store.renew_turn(&fixture::act_at(almost), &tenant, &open.turn, &thief).await.unwrap(), None);
    let end = fixture::act_at(later(almost, LEASE));
    assert_eq!(store.renew_turn(&end, &tenant, &open.turn, &open.lease).await.unwrap(), None);
    refused(store.renew_turn(&end, &tenant, &TurnId::new(), &open.lease).await, StorageErrorKind::NotFound);
}

/// What comes after the lease ran out is kept as superseded and is no part of the conversation; the usage is settled.
pub async fn a_finish_after_the_lease_ran_out_is_superseded(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let open = fixture::open(store, &tenant, fixture::start(visitor, "s", "hi")).await;
    let late = fixture::act_at(open.lease.until);

    let closing = store.finish_turn(&late, &tenant, fixture::finish(&open, "Too late")).await.unwrap();

    assert!(matches!(closing, TurnClosing::Superseded));
    assert_eq!(visitor_texts(store, &tenant, &open.conversation).await, 1);
    let state = store.turn(&tenant, open.key.door, &visitor, &open.turn).await.unwrap();
    let TurnState::Abandoned { superseded: Some(kept) } = state else { panic!("{state:?}") };
    assert_eq!(*kept, fixture::answer("Too late"));
    let balance = store.credit_balance(&tenant).await.unwrap();
    assert_eq!((balance.reserved, balance.settled), (MilliCredits::ZERO, MilliCredits::credits(1)));
}

/// Whoever lost the conversation adds nothing to it.
pub async fn a_finish_under_another_owner_is_superseded(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let open = fixture::open(store, &tenant, fixture::start(VisitorId::new(), "s", "hi")).await;
    let person = Owner::Person(fixture::take(store, &tenant, &open.conversation).await);
    let owned = store.ownership(&tenant, &open.conversation).await.unwrap();
    assert_eq!((owned.owner, owned.epoch), (person, open.epoch + 1));
    let renewed = store.renew_turn(&fixture::act(), &tenant, &open.turn, &open.lease).await.unwrap();
    assert_eq!(renewed, None, "the lease is lost with the conversation");

    let stale = store.finish_turn(&fixture::act(), &tenant, fixture::finish(&open, "Me too")).await.unwrap();

    assert!(matches!(stale, TurnClosing::Superseded));
    let guessed = TurnFinish { epoch: owned.epoch, ..fixture::finish(&open, "Me too") };
    let guessed = store.finish_turn(&fixture::act(), &tenant, guessed).await.unwrap();
    assert!(matches!(guessed, TurnClosing::Superseded), "a person owns it, whatever the epoch");
    assert_eq!(visitor_texts(store, &tenant, &open.conversation).await, 1);
    assert_eq!(store.credit_balance(&tenant).await.unwrap().reserved, MilliCredits::ZERO);
}

/// A crashed node blocks a conversation no longer than its lease, and its reservation costs nothing.
pub async fn a_turn_whose_node_is_gone_frees_its_conversation(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let lost = fixture::open(store, &tenant, fixture::start(visitor, "s", "first")).await;
    let late = fixture::act_at(lost.lease.until);

    let next =
        crate::turn::TurnStart { lease: fixture::lease(late.at), ..fixture::start(visitor, "s", "second") };
    let opening = store.begin_turn(&late, &tenant, next).await.unwrap();

    let TurnOpening::Opened(open) = opening else { panic!("{opening:?}") };
    assert_eq!(open.conversation, lost.conversation);
    let balance = store.credit_balance(&tenant).await.unwrap();
    assert_eq!((balance.reserved, balance.settled), (MilliCredits::credits(1), MilliCredits::ZERO));
    let state = store.turn(&tenant, open.key.door, &visitor, &lost.turn).await.unwrap();
    assert!(matches!(state, TurnState::Abandoned { superseded: None }));
    let revenant = store.finish_turn(&late, &tenant, fixture::finish(&lost, "I am back")).await.unwrap();
    assert!(matches!(revenant, TurnClosing::Superseded));
    let done = store.finish_turn(&late, &tenant, fixture::finish(&open, "Mine")).await.unwrap();
    assert!(matches!(done, TurnClosing::Stored(_)), "the revenant took nothing from the new holder");
}

/// Sweeping gives up what ran out, nothing else, and only once.
pub async fn a_sweep_gives_up_only_what_ran_out(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    for session in ["a", "b", "c"] {
        fixture::open(store, &tenant, fixture::start(VisitorId::new(), session, "hi")).await;
    }
    let end = later(fixture::now(), LEASE);
    let fresh =
        crate::turn::TurnStart { lease: fixture::lease(end), ..fixture::start(VisitorId::new(), "d", "hi") };
    store.begin_turn(&fixture::act_at(end), &tenant, fresh).await.unwrap();

    assert_eq!(store.sweep_turns(&fixture::act(), 100).await.unwrap(), 0, "all leases hold");
    assert_eq!(store.sweep_turns(&fixture::act_at(end), 2).await.unwrap(), 2, "the limit holds");
    assert_eq!(store.sweep_turns(&fixture::act_at(end), 100).await.unwrap(), 1);
    assert_eq!(store.sweep_turns(&fixture::act_at(end), 100).await.unwrap(), 0);

    let balance = store.credit_balance(&tenant).await.unwrap();
    assert_eq!((balance.reserved, balance.settled), (MilliCredits::credits(1), MilliCredits::ZERO));
}
