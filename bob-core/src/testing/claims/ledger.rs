//! Claims about the ledger and what is granted or taken back by hand.

use super::refused;
use crate::credit::{CreditChange, LedgerKind, MilliCredits};
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
    let (act, check) = (fixture::act(), async || audited(store, &tenant).await);
    let open = fixture::open(store, &tenant, fixture::reserving(&[3_000])).await;
    check().await;
    store.change_credits(&act, &tenant, fixture::change(500)).await.unwrap();
    check().await;
    let held = fixture::open(store, &tenant, fixture::reserving(&[1_000])).await;
    fixture::settle(store, &tenant, &open, 2_500).await;
    check().await;
    store.change_credits(&act, &tenant, fixture::change(-250)).await.unwrap();
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
        store.change_credits(&fixture::act(), &tenant, fixture::change(amount)).await.unwrap();
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
    let take =
        async |amount: i64| store.change_credits(&fixture::act(), &tenant, fixture::change(-amount)).await;

    refused(take(601).await, StorageErrorKind::Conflict);
    let entry = take(600).await.unwrap();
    assert_eq!((entry.number, entry.amount.0, entry.balance.0), (2, -600, 400));
    assert_eq!(
        (entry.kind, entry.reason.as_deref(), entry.turn),
        (LedgerKind::Correction, Some("by hand"), None)
    );
    refused(take(1).await, StorageErrorKind::Conflict);
    fixture::settle(store, &tenant, &open, 100).await;
    take(300).await.unwrap();

    let books = audited(store, &tenant).await;
    assert_eq!((books.available(), books.usage.allowance.0), (0, 100));
    refused(
        store.change_credits(&fixture::act(), &TenantId::new(), fixture::change(1)).await,
        StorageErrorKind::NotFound,
    );
}

/// A change that is repeated answers the same entry and changes nothing; another change under its identifier is a
/// conflict, and under another tenant it is a change of its own.
pub async fn a_change_is_known_by_its_identifier(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(1_000)).await;
    let act = fixture::act();
    let change = fixture::change(-600);
    let entry = store.change_credits(&act, &tenant, change.clone()).await.unwrap();
    let again = store.change_credits(&fixture::act_at(entry.at), &tenant, change.clone()).await;
    assert_eq!(again.unwrap(), entry, "though only 400 are left");

    for other in [
        CreditChange { amount: MilliCredits(-601), ..change.clone() },
        CreditChange { amount: MilliCredits(600), kind: LedgerKind::Grant, ..change.clone() },
        CreditChange { reason: "another".to_owned(), ..change.clone() },
    ] {
        refused(store.change_credits(&act, &tenant, other).await, StorageErrorKind::Conflict);
    }
    refused(
        store
            .change_credits(
                &act,
                &tenant,
                CreditChange { amount: MilliCredits(-401), ..fixture::change(-401) },
            )
            .await,
        StorageErrorKind::Conflict,
    );
    let stranger = fixture::tenant_with(store, "stranger", MilliCredits(1_000)).await;
    store.change_credits(&act, &stranger, change).await.unwrap();
    for tenant in [tenant, stranger] {
        assert_eq!(audited(store, &tenant).await.available(), 400);
    }
}

/// Of the same change sent many times at once exactly one is entered, and all are answered with it.
pub async fn parallel_repetitions_of_a_change_are_entered_once(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(1_000)).await;
    let change = fixture::change(250);
    let send = async || store.change_credits(&fixture::act(), &tenant, change.clone()).await.unwrap().number;
    let numbers = tokio::join!(send(), send(), send(), send(), send(), send());
    assert_eq!(numbers, (2, 2, 2, 2, 2, 2));
    assert_eq!(audited(store, &tenant).await.available(), 1_250);
}
