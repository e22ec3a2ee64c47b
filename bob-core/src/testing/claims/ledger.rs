//! Claims about the ledger and what is granted or taken back by hand.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::refused;
use crate::clock::later;
use crate::credit::{CreditChange, CreditChanged, LedgerKind, MilliCredits};
use crate::id::TenantId;
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::books::audited;
use crate::testing::fixture;

/// The first entry is what a tenant begins with, for the reason it was onboarded; of nothing there is no entry.
pub async fn a_ledger_begins_with_what_was_granted(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(1_500)).await;
    let books = audited(store, &tenant).await;
    assert_eq!(books.movements(), [(LedgerKind::Grant, 1_500)]);
    let first = &books.entries[0];
    assert_eq!((first.at, first.reason.as_deref()), (fixture::now(), Some("to begin with")));
    let usage = &books.usage;
    assert_eq!((usage.allowance.0, usage.included.0, usage.used.0, usage.threshold), (1_500, 1_500, 0, 0));
    assert_eq!(usage.from, fixture::now());
    let billing = store.tenant_snapshot(&tenant).await.unwrap().tenant.billing;
    assert_eq!(usage.to, billing.next_after(fixture::now()));

    let poor = fixture::tenant_with(store, "poor", MilliCredits::ZERO).await;
    assert_eq!(audited(store, &poor).await.entries, []);
    refused(store.ledger(&TenantId::new(), None, 10).await, StorageErrorKind::NotFound);
    refused(store.credit_usage(&TenantId::new()).await, StorageErrorKind::NotFound);
}

/// After each step of any kind the sum of the ledger is what was granted less what was settled.
pub async fn the_ledger_adds_up_at_every_step(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(10_000)).await;
    let check = async || audited(store, &tenant).await;
    let open = fixture::open(store, &tenant, fixture::reserving(&[3_000])).await;
    check().await;
    fixture::grant(store, &tenant, 500).await;
    check().await;
    let held = fixture::open(store, &tenant, fixture::reserving(&[1_000])).await;
    fixture::settle(store, &tenant, &open, 2_500).await;
    check().await;
    fixture::grant(store, &tenant, -250).await;
    let due = check().await.usage.to;
    store.renew_credits(&fixture::act_at(due), &tenant, fixture::renewal(due, 8_000)).await.unwrap();
    check().await;
    store.sweep_turns(&fixture::act_at(held.lease.until), 10).await.unwrap();

    use LedgerKind::{Correction, Expiry, Grant, Renewal, Settlement};
    let movements = check().await.movements();
    assert_eq!(
        movements,
        [
            (Grant, 10_000),
            (Grant, 500),
            (Settlement, -2_500),
            (Correction, -250),
            (Expiry, -6_750),
            (Renewal, 8_000)
        ]
    );
}

/// Pages of any size go from the latest entry back to the first, each entry once.
pub async fn a_ledger_is_read_from_the_latest_back_without_gaps(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(1_000)).await;
    for amount in [5, -4, 3, -2, 1] {
        fixture::grant(store, &tenant, amount).await;
    }
    let all = store.ledger(&tenant, None, 100).await.unwrap();
    assert_eq!(all.entries.iter().map(|entry| entry.number).collect::<Vec<_>>(), [6, 5, 4, 3, 2, 1]);
    assert_eq!(all.next, None);
    for size in 1..=7 {
        let (mut paged, mut before) = (Vec::new(), None);
        loop {
            let page = store.ledger(&tenant, before, size).await.unwrap();
            assert!(page.entries.len() <= size as usize && paged.len() <= 6, "the pages come to an end");
            paged.extend(page.entries);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(paged, all.entries, "pages of {size}");
    }
    assert_eq!(store.ledger(&tenant, Some(1), 10).await.unwrap().entries, []);
}

/// Only what no open turn holds can be taken back.
pub async fn a_correction_takes_no_more_than_is_left(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(1_000)).await;
    let open = fixture::open(store, &tenant, fixture::reserving(&[400])).await;
    let change = async |amount| store.change_credits(&fixture::act(), &tenant, fixture::change(amount)).await;

    assert_eq!(change(-601).await.unwrap(), CreditChanged::Insufficient);
    let entry = fixture::grant(store, &tenant, -600).await;
    assert_eq!((entry.number, entry.amount.0, entry.balance.0), (2, -600, 400));
    assert_eq!(
        (entry.kind, entry.reason.as_deref(), entry.turn),
        (LedgerKind::Correction, Some("by hand"), None)
    );
    for amount in [-1, -CreditChange::MOST.0] {
        assert_eq!(change(amount).await.unwrap(), CreditChanged::Insufficient, "{amount}");
    }
    fixture::settle(store, &tenant, &open, 100).await;
    fixture::grant(store, &tenant, -300).await;

    let books = audited(store, &tenant).await;
    assert_eq!((books.available(), books.usage.allowance.0), (0, 100));
    let stranger = TenantId::new();
    refused(
        store.change_credits(&fixture::act(), &stranger, fixture::change(1)).await,
        StorageErrorKind::NotFound,
    );
}

/// What was granted stays far enough below what can be counted, whatever came in before.
pub async fn grants_add_up_to_a_bound(store: &dyn Storage) {
    let (most, rest) = (CreditChange::MOST_GRANTED.0, CreditChange::MOST.0);
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(most - rest)).await;
    fixture::grant(store, &tenant, rest).await;
    let huge = fixture::tenant_with(store, "huge", MilliCredits(i64::MAX)).await;
    for tenant in [&tenant, &huge] {
        for amount in [1, rest] {
            let changed = store.change_credits(&fixture::act(), tenant, fixture::change(amount)).await;
            assert_eq!(changed.unwrap(), CreditChanged::Excessive, "{amount}");
        }
        fixture::grant(store, tenant, -rest).await;
    }
    assert_eq!(audited(store, &tenant).await.available(), most - rest);
    fixture::grant(store, &tenant, 1).await;
}

/// A change that is repeated answers the same entry and changes nothing; another change under its identifier is told
/// from it, whatever is left; and under another tenant it is a change of its own.
pub async fn a_change_is_known_by_its_identifier(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(1_000)).await;
    let act = fixture::act();
    let change = fixture::change(-600);
    let entry = fixture::entered(store.change_credits(&act, &tenant, change.clone()).await.unwrap());
    for at in [entry.at, later(entry.at, Duration::from_secs(60))] {
        let again = store.change_credits(&fixture::act_at(at), &tenant, change.clone()).await;
        assert_eq!(again.unwrap(), CreditChanged::Repeated(entry.clone()), "though only 400 are left");
    }

    let another = CreditChange::new(LedgerKind::Correction, MilliCredits(-600), "another").unwrap();
    let by_kind = CreditChange::new(LedgerKind::Correction, MilliCredits(5), "by hand").unwrap();
    for other in [another, fixture::change(-400), fixture::change(-401), fixture::change(600)] {
        let other = other.under(change.id());
        let changed = store.change_credits(&act, &tenant, other.clone()).await.unwrap();
        assert_eq!(changed, CreditChanged::Mismatch, "{other:?}");
    }
    let grant = fixture::change(5);
    let granted = fixture::entered(store.change_credits(&act, &tenant, grant.clone()).await.unwrap());
    let changed = store.change_credits(&act, &tenant, by_kind.under(grant.id())).await.unwrap();
    assert_eq!(changed, CreditChanged::Mismatch, "only the kind differs from {granted:?}");

    let stranger = fixture::tenant_with(store, "stranger", MilliCredits(1_000)).await;
    fixture::entered(store.change_credits(&act, &stranger, change).await.unwrap());
    assert_eq!(audited(store, &tenant).await.available(), 405);
    assert_eq!(audited(store, &stranger).await.available(), 400);
}

/// The identifier of a change that was refused is free: the change is entered once there is enough for it.
pub async fn a_change_that_was_refused_may_be_sent_again(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(1_000)).await;
    let change = fixture::change(-1_001);
    let send = async || store.change_credits(&fixture::act(), &tenant, change.clone()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(send().await, CreditChanged::Insufficient);
    }
    fixture::grant(store, &tenant, 1).await;
    let entry = fixture::entered(send().await);
    assert_eq!(send().await, CreditChanged::Repeated(entry));
    assert_eq!(audited(store, &tenant).await.available(), 0);
}

/// Of the same change sent many times at once exactly one is entered, and all are answered with it.
pub async fn parallel_repetitions_of_a_change_are_entered_once(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(1_000)).await;
    let change = fixture::change(250);
    let (new, known) = (AtomicU64::new(0), AtomicU64::new(0));
    let send = async || {
        let changed = store.change_credits(&fixture::act(), &tenant, change.clone()).await.unwrap();
        let (count, entry) = match changed {
            CreditChanged::Entered(entry) => (&new, entry),
            CreditChanged::Repeated(entry) => (&known, entry),
            other => panic!("the same change, and {other:?}"),
        };
        count.fetch_add(1, Ordering::Relaxed);
        entry.number
    };
    let numbers = tokio::join!(send(), send(), send(), send(), send(), send());
    assert_eq!(numbers, (2, 2, 2, 2, 2, 2));
    assert_eq!((new.into_inner(), known.into_inner()), (1, 5));
    assert_eq!(audited(store, &tenant).await.available(), 1_250);
}

/// However the balance moves meanwhile, a change under an identifier of its own is entered, or there is too little for it.
pub async fn parallel_changes_are_never_taken_for_each_other(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(1_000)).await;
    let taker = async || {
        for _ in 0..5 {
            let taken =
                store.change_credits(&fixture::act(), &tenant, fixture::change(-1_000)).await.unwrap();
            if matches!(taken, CreditChanged::Entered(_)) {
                fixture::grant(store, &tenant, 1_000).await;
            } else {
                assert_eq!(taken, CreditChanged::Insufficient);
            }
        }
    };
    tokio::join!(taker(), taker(), taker(), taker(), taker(), taker(), taker(), taker());
    assert_eq!(audited(store, &tenant).await.available(), 1_000);
}
