//! Claims about credits: reserved before, settled once, told when they run out.

use std::time::Duration;

use super::refused;
use crate::clock::later;
use crate::credit::{LedgerKind, MilliCredits, Reservation};
use crate::id::{TenantId, TurnId};
use crate::outbox::EventKind;
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::books::audited;
use crate::testing::fixture;
use crate::turn::{LEASE, Lease, TurnFinish};

/// What an opened turn was given, in thousandths.
async fn reserved(store: &dyn Storage, tenant: &TenantId, steps: &[i64]) -> Option<i64> {
    let open = fixture::open(store, tenant, fixture::reserving(steps)).await;
    open.reservation.map(|reservation| {
        assert_eq!(reservation.turn, open.turn);
        reservation.amount.0
    })
}

/// The thresholds that the tenant was told so far.
async fn told(store: &dyn Storage, tenant: &TenantId) -> Vec<u64> {
    let events = store.outbox(tenant, None, 1_000).await.unwrap();
    let thresholds = events.iter().filter(|event| event.kind == EventKind::CreditsThreshold);
    thresholds.map(|event| event.subject.number.expect("a threshold has its per cent")).collect()
}

/// Of the steps of a ladder the first that the credits reach for is reserved; what is free can always be had.
pub async fn the_first_step_within_reach_is_reserved(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(10_000)).await;
    let mut left = 10_000;
    for (steps, step) in [
        (&[20_000, 8_000, 1_000][..], Some(8_000)),
        (&[8_000, 2_001], None),
        (&[8_000, 2_001, 1_500], Some(1_500)),
        (&[500], Some(500)),
        (&[1], None),
        (&[1, 0], Some(0)),
    ] {
        assert_eq!(reserved(store, &tenant, steps).await, step, "{steps:?} of {left}");
        left -= step.unwrap_or(0);
        assert_eq!(audited(store, &tenant).await.available(), left);
    }
}

/// When no step is within reach, the turn opens without a reservation and costs nothing; the tenant is told once that
/// all is used, and again when that comes to be after a grant.
pub async fn a_turn_without_credits_is_open_and_free_and_told_once(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(999)).await;
    for _ in 0..2 {
        let open = fixture::open(store, &tenant, fixture::reserving(&[5_000, 1_000])).await;
        assert_eq!(open.reservation, None);
        fixture::settle(store, &tenant, &open, 1_000).await;
        assert_eq!(told(store, &tenant).await, [100]);
    }
    let books = audited(store, &tenant).await;
    assert_eq!((books.available(), books.usage.threshold), (999, 100));
    assert_eq!(books.movements(), [(LedgerKind::Grant, 999)]);

    fixture::grant(store, &tenant, 1_000).await;
    assert_eq!(store.credit_usage(&tenant).await.unwrap().threshold, 0);
    assert_eq!(reserved(store, &tenant, &[1_000]).await, Some(1_000));
    assert_eq!(told(store, &tenant).await, [100]);
    assert_eq!(reserved(store, &tenant, &[1_000]).await, None);
    assert_eq!(told(store, &tenant).await, [100, 100]);
}

/// 80 and 100 per cent of the period's allowance are told once each, and again when a grant lifted the allowance.
pub async fn thresholds_are_told_once_and_again_after_a_grant(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(1_000)).await;
    for (cost, all_told) in [(799, &[][..]), (1, &[80]), (199, &[80]), (1, &[80, 100])] {
        fixture::spend(store, &tenant, cost).await;
        assert_eq!(told(store, &tenant).await, all_told, "after {cost} more");
    }
    let before = audited(store, &tenant).await.usage;
    assert_eq!((before.used.0, before.allowance.0, before.threshold), (1_000, 1_000, 100));

    fixture::grant(store, &tenant, 200).await;
    let granted = audited(store, &tenant).await.usage;
    assert_eq!((granted.allowance.0, granted.threshold), (1_200, 80), "83 per cent are used now");
    fixture::spend(store, &tenant, 200).await;
    assert_eq!(told(store, &tenant).await, [80, 100, 100]);
    fixture::grant(store, &tenant, 10_000).await;
    fixture::spend(store, &tenant, 9_000).await;
    assert_eq!(told(store, &tenant).await, [80, 100, 100, 80]);

    let large = fixture::tenant_with(store, "large", MilliCredits(1_000)).await;
    fixture::spend(store, &large, 1_000).await;
    assert_eq!(told(store, &large).await, [100], "of two that are passed at once, the higher is told");
}

/// An open turn may reserve more while its lease holds and the credits reach for it; else it keeps what it has.
pub async fn a_turn_is_extended_while_its_lease_holds_and_credits_reach(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(5_000)).await;
    let open = fixture::open(store, &tenant, fixture::reserving(&[1_000])).await;
    let extend = async |at, lease: Lease, more| {
        let act = fixture::act_at(at);
        store.extend_turn(&act, &tenant, &open.turn, &lease, MilliCredits(more)).await.unwrap()
    };
    let (now, almost) = (fixture::now(), later(fixture::now(), LEASE - Duration::from_millis(1)));
    let holds = |amount| Some(Reservation { turn: open.turn, amount: MilliCredits(amount) });

    assert_eq!(extend(now, open.lease, 1_500).await, holds(2_500));
    assert_eq!(extend(now, open.lease, 2_501).await, None, "2,500 are left");
    assert_eq!(extend(almost, open.lease, 500).await, holds(3_000));
    assert_eq!(extend(almost, fixture::lease(now), 1).await, None, "another's lease");
    assert_eq!(extend(open.lease.until, open.lease, 1).await, None, "the lease has run out");
    assert_eq!(audited(store, &tenant).await.usage.balance.reserved, MilliCredits(3_000));

    let renewed = store.renew_turn(&fixture::act_at(almost), &tenant, &open.turn, &open.lease).await.unwrap();
    assert_eq!(extend(open.lease.until, renewed.unwrap(), 2_000).await, holds(5_000));
    let finish = TurnFinish { cost: MilliCredits(4_200), ..fixture::finish(&open, "1") };
    store.finish_turn(&fixture::act(), &tenant, finish).await.unwrap();
    assert_eq!(extend(now, open.lease, 1).await, None, "the turn is finished");
    assert_eq!(audited(store, &tenant).await.available(), 800);
}

/// What is no open turn of the tenant is not extended, nor one that opened without a reservation or lost its
/// conversation to a person.
pub async fn only_a_turn_with_a_reservation_is_extended(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(1_000)).await;
    let stranger = fixture::tenant(store, "stranger").await;
    let (act, one) = (fixture::act(), MilliCredits(1));
    let paid = fixture::open(store, &tenant, fixture::reserving(&[500])).await;
    let free = fixture::open(store, &tenant, fixture::reserving(&[5_000])).await;

    refused(
        store.extend_turn(&act, &stranger, &paid.turn, &paid.lease, one).await,
        StorageErrorKind::NotFound,
    );
    refused(
        store.extend_turn(&act, &tenant, &TurnId::new(), &paid.lease, one).await,
        StorageErrorKind::NotFound,
    );
    assert_eq!(store.extend_turn(&act, &tenant, &free.turn, &free.lease, one).await.unwrap(), None);
    fixture::take(store, &tenant, &paid.conversation).await;
    assert_eq!(store.extend_turn(&act, &tenant, &paid.turn, &paid.lease, one).await.unwrap(), None);
    assert_eq!(audited(store, &tenant).await.usage.balance.reserved, MilliCredits(500));
}

/// A turn is settled once, however often and however late it is finished: never above what it holds, never below zero.
pub async fn a_settlement_is_entered_once_with_its_turn(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(10_000)).await;
    let mut movements = vec![(LedgerKind::Grant, 10_000)];
    for (cost, late, settled) in [
        (400, false, 400),
        (9_000, false, 1_000),
        (0, false, 0),
        (-5, false, 0),
        (700, true, 700),
        (9_000, true, 1_000),
    ] {
        let open = fixture::open(store, &tenant, fixture::reserving(&[1_000])).await;
        let act = fixture::act_at(if late { open.lease.until } else { fixture::now() });
        let finish = TurnFinish { cost: MilliCredits(cost), ..fixture::finish(&open, "1") };
        for _ in 0..3 {
            store.finish_turn(&act, &tenant, finish.clone()).await.unwrap();
        }
        if settled > 0 {
            movements.push((LedgerKind::Settlement, -settled));
        }
        let books = audited(store, &tenant).await;
        assert_eq!(books.movements(), movements, "{cost}, late: {late}");
        let last = books.entries.last().unwrap();
        assert_eq!(last.turn == Some(open.turn), settled > 0);
        assert_eq!(last.at, if settled > 0 { act.at } else { last.at });
        assert_eq!(books.usage.balance.reserved, MilliCredits::ZERO);
        assert_eq!(books.usage.used, books.usage.balance.settled);
    }
}

/// What a turn held that was given up is there again at once, and no entry tells of it; its late finish costs nothing.
pub async fn what_a_lost_turn_held_is_given_back_in_full(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(1_000)).await;
    let open = fixture::open(store, &tenant, fixture::reserving(&[600])).await;
    let more = store.extend_turn(&fixture::act(), &tenant, &open.turn, &open.lease, MilliCredits(400)).await;
    assert!(more.unwrap().is_some());
    let late = fixture::act_at(open.lease.until);

    assert_eq!(store.sweep_turns(&late, 10).await.unwrap(), 1);
    assert_eq!(audited(store, &tenant).await.available(), 1_000);
    store.finish_turn(&late, &tenant, fixture::finish(&open, "I am back")).await.unwrap();
    assert_eq!(audited(store, &tenant).await.movements(), [(LedgerKind::Grant, 1_000)]);

    // A correction lifts the share that is used above 80 per cent; that a turn is lost is no use that tells it.
    fixture::spend(store, &tenant, 500).await;
    let open = fixture::open(store, &tenant, fixture::reserving(&[1])).await;
    fixture::grant(store, &tenant, -400).await;
    store.sweep_turns(&fixture::act_at(open.lease.until), 10).await.unwrap();
    assert_eq!(
        (store.credit_usage(&tenant).await.unwrap().threshold, told(store, &tenant).await),
        (0, vec![])
    );
    fixture::spend(store, &tenant, 1).await;
    assert_eq!(told(store, &tenant).await, [80]);
}
