//! Claims about periods: what a plan includes, and what of it expires.

use jiff::Timestamp;

use super::refused;
use crate::credit::{LedgerKind, MilliCredits};
use crate::id::TenantId;
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::books::audited;
use crate::testing::fixture;

use LedgerKind::{Correction, Expiry, Grant, Renewal, Settlement};

/// When the tenant's period ends.
async fn due(store: &dyn Storage, tenant: &TenantId) -> Timestamp {
    store.credit_usage(tenant).await.unwrap().to
}

/// Begins the tenant's next period with so many thousandths.
async fn renew(store: &dyn Storage, tenant: &TenantId, credits: i64) {
    let due = due(store, tenant).await;
    let begun = store.renew_credits(&fixture::act_at(due), tenant, fixture::renewal(due, credits)).await;
    assert!(begun.unwrap(), "the period begins");
}

/// However many nodes begin a period, it begins once; one that has begun, and one that is not next, never does.
pub async fn a_period_begins_once_however_many_try(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(1_000)).await;
    let due = due(store, &tenant).await;
    let renewal = fixture::renewal(due, 5_000);
    let act = fixture::act_at(due);
    let node = async || store.renew_credits(&act, &tenant, renewal.clone()).await.unwrap();
    let begun = tokio::join!(node(), node(), node(), node(), node(), node());
    let begun = [begun.0, begun.1, begun.2, begun.3, begun.4, begun.5];
    assert_eq!(begun.iter().filter(|begun| **begun).count(), 1);

    let books = audited(store, &tenant).await;
    assert_eq!(books.movements(), [(Grant, 1_000), (Expiry, -1_000), (Renewal, 5_000)]);
    let usage = &books.usage;
    assert_eq!((usage.from, usage.to), (due, renewal.next));
    assert_eq!((usage.allowance.0, usage.included.0, usage.used.0), (5_000, 5_000, 0));
    for entry in &books.entries[1..] {
        assert_eq!((entry.at, entry.reason.as_deref()), (due, Some("a new period")));
    }
    for other in [due, fixture::now(), Timestamp::MAX] {
        let again = store.renew_credits(&act, &tenant, fixture::renewal(other, 5_000)).await;
        assert!(!again.unwrap(), "{other} is not when the period ends");
    }
    assert_eq!(audited(store, &tenant).await, books);
    refused(store.renew_credits(&act, &TenantId::new(), renewal).await, StorageErrorKind::NotFound);
}

/// What a plan included and was not used expires, but not what open turns hold; they settle in the period after.
pub async fn what_was_included_and_not_used_expires_except_what_turns_hold(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(1_000)).await;
    fixture::spend(store, &tenant, 300).await;
    let due = due(store, &tenant).await;
    let open = fixture::open_at(store, &tenant, fixture::reserving(&[500]), due).await;
    renew(store, &tenant, 2_000).await;

    let books = audited(store, &tenant).await;
    let movements = [(Grant, 1_000), (Settlement, -300), (Expiry, -200), (Renewal, 2_000)];
    assert_eq!(books.movements(), movements);
    assert_eq!((books.available(), books.usage.allowance.0, books.usage.used.0), (2_000, 2_500, 0));

    let late = crate::turn::TurnFinish { cost: MilliCredits(400), ..fixture::finish(&open, "1") };
    store.finish_turn(&fixture::act_at(due), &tenant, late).await.unwrap();
    let books = audited(store, &tenant).await;
    assert_eq!((books.available(), books.usage.used.0), (2_100, 400), "it counts where it is settled");

    renew(store, &tenant, 0).await;
    let movements = audited(store, &tenant).await.movements();
    assert_eq!(movements[4..], [(Settlement, -400), (Expiry, -1_600)], "what was used came first");
    assert_eq!(audited(store, &tenant).await.available(), 500);
}

/// What was granted by hand stays when the period ends, however little of the plan's credits was used.
pub async fn what_was_granted_by_hand_does_not_expire(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits::ZERO).await;
    renew(store, &tenant, 1_000).await;
    let change = async |amount: i64| {
        fixture::grant(store, &tenant, amount).await;
    };
    change(700).await;
    renew(store, &tenant, 1_000).await;
    assert_eq!(audited(store, &tenant).await.available(), 1_700);
    change(-200).await;
    fixture::spend(store, &tenant, 1_100).await;
    renew(store, &tenant, 1_000).await;
    let books = audited(store, &tenant).await;
    assert_eq!(books.available(), 1_400, "500 − 100 of the grant are left");
    change(-1_100).await;
    renew(store, &tenant, 50).await;
    let books = audited(store, &tenant).await;
    let last = [(Correction, -1_100), (Expiry, -300), (Renewal, 50)];
    assert_eq!(books.movements()[books.entries.len() - 3..], last, "no more expires than there is");
}

/// A period of nothing leaves nothing in the ledger, and begins all the same.
pub async fn a_period_of_nothing_begins_without_an_entry(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits::ZERO).await;
    let end = due(store, &tenant).await;
    renew(store, &tenant, 0).await;
    let books = audited(store, &tenant).await;
    assert_eq!((books.entries, books.usage.from), (Vec::new(), end));
}

/// A new period is told of its thresholds anew.
pub async fn a_new_period_is_told_of_its_thresholds_anew(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(1_000)).await;
    for period in 1..=2 {
        fixture::spend(store, &tenant, 850).await;
        assert_eq!(audited(store, &tenant).await.usage.threshold, 80, "period {period}");
        renew(store, &tenant, 1_000).await;
        assert_eq!(audited(store, &tenant).await.usage.threshold, 0, "period {period}");
    }
    let events = store.outbox(&tenant, None, 100).await.unwrap();
    let told = events.iter().filter(|event| event.kind == crate::outbox::EventKind::CreditsThreshold);
    assert_eq!(told.count(), 2);
}

/// Periods that are over are found at the moment they end, the longest ended first, and until the next has begun.
pub async fn due_periods_are_found_the_longest_ended_first(store: &dyn Storage) {
    let mut ends = Vec::new();
    for (slug, day) in [("third", 30), ("first", 25), ("second", 27)] {
        let mut shop = fixture::onboarding(slug);
        shop.tenant.billing.day = crate::credit::BillingDay::new(day).unwrap();
        let tenant = shop.tenant.id;
        store.onboard(&fixture::act(), shop).await.unwrap();
        ends.push((due(store, &tenant).await, tenant));
    }
    ends.sort();
    let all: Vec<_> = ends.iter().map(|(end, tenant)| (*tenant, *end)).collect();
    let moment_before = all[0].1.checked_sub(std::time::Duration::from_micros(1)).unwrap();
    for (now, limit, found) in [
        (fixture::now(), 10, &all[..0]),
        (moment_before, 10, &all[..0]),
        (all[0].1, 10, &all[..1]),
        (all[1].1, 10, &all[..2]),
        (all[2].1, 10, &all[..]),
        (all[2].1, 2, &all[..2]),
        (all[2].1, 0, &all[..0]),
    ] {
        assert_eq!(store.due_renewals(now, limit).await.unwrap(), found, "{now}, at most {limit}");
    }
    renew(store, &all[0].0, 0).await;
    assert_eq!(store.due_renewals(all[2].1, 10).await.unwrap(), all[1..]);
}
