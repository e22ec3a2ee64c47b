//! Claims about the daily budgets of visitors and of widget keys.

use crate::credit::{Budgets, MilliCredits};
use crate::id::{TenantId, VisitorId, WidgetKeyId};
use crate::outbox::EventKind;
use crate::storage::Storage;
use crate::testing::books::audited;
use crate::testing::fixture;
use crate::turn::{OpenTurn, TurnStart};

const TODAY: i32 = 20_779;

/// One visitor, and a key if they come with one, on one day.
#[derive(Clone, Copy)]
struct Spender {
    visitor: VisitorId,
    budgets: Budgets,
}

impl Spender {
    fn visitor(most: i64) -> Self {
        let budgets = Budgets { day: TODAY, visitor: Some(MilliCredits(most)), key: None };
        Self { visitor: VisitorId::new(), budgets }
    }

    fn on(self, day: i32) -> Self {
        Self { budgets: Budgets { day, ..self.budgets }, ..self }
    }

    fn with_key(self, key: WidgetKeyId, most: i64) -> Self {
        Self { budgets: Budgets { key: Some((key, MilliCredits(most))), ..self.budgets }, ..self }
    }

    /// Opens a turn in a conversation of its own that would like to reserve the first of these steps.
    async fn opens(self, store: &dyn Storage, tenant: &TenantId, steps: &[i64]) -> OpenTurn {
        let session = crate::conversation::SessionId::mint();
        let start = fixture::start(self.visitor, session.as_str(), "hi");
        let start = TurnStart { budgets: self.budgets, reserve: fixture::reserving(steps).reserve, ..start };
        fixture::open(store, tenant, start).await
    }

    /// What such a turn was given.
    async fn gets(self, store: &dyn Storage, tenant: &TenantId, steps: &[i64]) -> Option<i64> {
        self.opens(store, tenant, steps).await.reservation.map(|reservation| reservation.amount.0)
    }
}

/// A visitor whose budget is used up goes on without a reservation; others, and the tenant, have lost nothing.
pub async fn a_visitors_budget_stops_that_visitor_only(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(100_000)).await;
    let (anna, ben) = (Spender::visitor(2_500), Spender::visitor(2_500));
    for (steps, step) in [(&[2_000, 1_000][..], Some(2_000)), (&[2_000, 500], Some(500)), (&[1], None)] {
        assert_eq!(anna.gets(store, &tenant, steps).await, step, "{steps:?}");
    }
    assert_eq!(ben.gets(store, &tenant, &[2_000]).await, Some(2_000));
    let unbound = Spender { budgets: Budgets::NONE, ..anna };
    assert_eq!(unbound.gets(store, &tenant, &[9_000]).await, Some(9_000));

    let books = audited(store, &tenant).await;
    assert_eq!(books.usage.balance.reserved.0, 2_500 + 2_000 + 9_000);
    assert_eq!(books.usage.threshold, 0, "the credits are not used up");
    let events = store.outbox(&tenant, None, 100).await.unwrap();
    assert!(events.iter().all(|event| event.kind != EventKind::CreditsThreshold));
    let stranger = fixture::tenant(store, "stranger").await;
    assert_eq!(anna.gets(store, &stranger, &[2_500]).await, Some(2_500), "another tenant's budget");
}

/// What a turn held and did not use, or lost with its lease, may be used again on the same day.
pub async fn what_was_not_used_of_a_budget_is_given_back(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let key = WidgetKeyId::new();
    let anna = Spender::visitor(1_000).with_key(key, 1_000);
    let used = anna.opens(store, &tenant, &[1_000]).await;
    assert_eq!(anna.gets(store, &tenant, &[1]).await, None);
    fixture::settle(store, &tenant, &used, 300).await;

    let lost = anna.opens(store, &tenant, &[701, 700]).await;
    assert_eq!(lost.reservation.unwrap().amount, MilliCredits(700));
    store.sweep_turns(&fixture::act_at(lost.lease.until), 10).await.unwrap();
    assert_eq!(anna.gets(store, &tenant, &[701, 700]).await, Some(700));
}

/// With the tenant's next day a new budget begins. What yesterday's turns give back is not today's, and nothing is left
/// of a day that is over.
pub async fn a_new_day_is_a_new_budget(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let today = Spender::visitor(1_000).with_key(WidgetKeyId::new(), 1_000);
    let tomorrow = today.on(TODAY + 1);
    let open = today.opens(store, &tenant, &[600]).await;
    assert_eq!(today.gets(store, &tenant, &[500, 400]).await, Some(400));

    assert_eq!(tomorrow.gets(store, &tenant, &[1_000]).await, Some(1_000));
    fixture::settle(store, &tenant, &open, 0).await;
    assert_eq!(tomorrow.gets(store, &tenant, &[1]).await, None);
    assert_eq!(
        today.gets(store, &tenant, &[1]).await,
        None,
        "a node whose clock is behind opens no second one"
    );
    assert_eq!(tomorrow.on(TODAY + 2).gets(store, &tenant, &[1_000]).await, Some(1_000));
}

/// All visitors of a widget key share its budget; visitors of other keys and of none have lost nothing.
pub async fn a_keys_budget_stops_that_key_only(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let (page, other) = (WidgetKeyId::new(), WidgetKeyId::new());
    let visitor = || Spender::visitor(5_000);
    assert_eq!(visitor().with_key(page, 1_500).gets(store, &tenant, &[1_000]).await, Some(1_000));
    assert_eq!(visitor().with_key(page, 1_500).gets(store, &tenant, &[1_000, 500]).await, Some(500));
    assert_eq!(visitor().with_key(page, 1_500).gets(store, &tenant, &[1]).await, None);
    assert_eq!(visitor().with_key(other, 1_500).gets(store, &tenant, &[1_500]).await, Some(1_500));
    assert_eq!(visitor().gets(store, &tenant, &[5_000]).await, Some(5_000));
}

/// A turn must fit both budgets; where one is too small, nothing is taken from the other.
pub async fn the_smaller_of_two_budgets_counts(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let key = WidgetKeyId::new();
    let (small, large) =
        (Spender::visitor(400).with_key(key, 1_000), Spender::visitor(5_000).with_key(key, 1_000));
    assert_eq!(small.gets(store, &tenant, &[500]).await, None);
    assert_eq!(large.gets(store, &tenant, &[1_001, 1_000]).await, Some(1_000), "the key's is whole");
    assert_eq!(small.gets(store, &tenant, &[400]).await, None);
    let alone = Spender { budgets: Budgets { key: None, ..small.budgets }, ..small };
    assert_eq!(alone.gets(store, &tenant, &[400]).await, Some(400), "the visitor's is whole");
}

/// What a turn reserves besides must fit its budgets too, of the day on which it began.
pub async fn an_extension_must_fit_the_budgets(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let anna = Spender::visitor(1_000);
    let open = anna.opens(store, &tenant, &[400]).await;
    let extend = async |more| {
        let extended =
            store.extend_turn(&fixture::act(), &tenant, &open.turn, &open.lease, MilliCredits(more)).await;
        extended.unwrap().map(|reservation| reservation.amount.0)
    };
    assert_eq!(extend(601).await, None);
    assert_eq!(extend(500).await, Some(900));
    assert_eq!(anna.gets(store, &tenant, &[101]).await, None);
    assert_eq!(anna.on(TODAY + 1).gets(store, &tenant, &[1]).await, Some(1));
    assert_eq!(extend(100).await, None, "nothing is left of a day that is over");
    assert_eq!(audited(store, &tenant).await.usage.balance.reserved, MilliCredits(901));
}
