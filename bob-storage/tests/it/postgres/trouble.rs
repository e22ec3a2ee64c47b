//! Trouble with the server: it is said in time, and everything heals by itself.

use std::time::Duration;

use bob_core::credit::MilliCredits;
use bob_core::id::{TurnId, VisitorId};
use bob_core::storage::{
    ConversationStore as _, CreditStore as _, Storage as _, StorageErrorKind, TenantStore as _,
    TurnStore as _,
};
use bob_core::testing::fixture;
use bob_core::turn::{TurnClosing, TurnOpening, TurnStart};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection};

use super::{Database, answered, number, run};
use crate::refused;

/// Ends every other connection to the database.
async fn cut(connection: &mut PgConnection) {
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!(number(connection, cut).await > 0);
    let left =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                  AND query NOT LIKE 'LISTEN%'";
    while number(connection, left).await > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_was_cut_off_is_connected_to_again_by_the_next_call() {
    let database = Database::new().await;
    let storage = database.open().await;
    let tenant = fixture::tenant(&storage, "shop").await;
    let mut other = database.beside().await;
    for _ in 0..3 {
        let turn = answered(&storage, &tenant).await;
        cut(&mut other).await;
        assert_eq!(storage.tenant_version(&tenant).await.unwrap(), 1);
        cut(&mut other).await;
        storage.check().await.unwrap();
        let open =
            fixture::open(&storage, &tenant, fixture::start(turn.visitor, turn.session.as_str(), "and?"))
                .await;
        cut(&mut other).await;
        let closing =
            storage.finish_turn(&fixture::act(), &tenant, fixture::finish(&open, "Yes")).await.unwrap();
        assert!(matches!(closing, TurnClosing::Stored(_)), "{closing:?}");
        let history = storage.history(&tenant, &turn.conversation, None, 10).await.unwrap();
        assert_eq!(history.messages.len(), 4);
    }
    let balance = storage.credit_balance(&tenant).await.unwrap();
    assert_eq!((balance.reserved, balance.settled), (MilliCredits::ZERO, MilliCredits::credits(6)));
}

#[tokio::test]
async fn a_tenant_that_somebody_holds_keeps_no_other_waiting_for_long() {
    let database = Database::new().await;
    let storage = database.open_with(|options| options.lock_timeout(Duration::from_millis(100))).await;
    let (held, free) = (fixture::tenant(&storage, "held").await, fixture::tenant(&storage, "free").await);
    let mut other = database.beside().await;
    run(&mut other, "BEGIN").await;
    other.execute(AssertSqlSafe(format!("SET LOCAL bob.tenant = '{held}'"))).await.unwrap();
    run(&mut other, "SELECT 1 FROM bob_credits FOR UPDATE").await;

    let (act, start) = (fixture::act(), || fixture::start(VisitorId::new(), "s", "hi"));
    let (one, two, three) = tokio::join!(
        storage.begin_turn(&act, &held, start()),
        storage.begin_turn(&act, &free, start()),
        storage.begin_turn(&act, &held, start()),
    );
    refused(one, StorageErrorKind::Unavailable);
    refused(three, StorageErrorKind::Unavailable);
    assert!(matches!(two, Ok(TurnOpening::Opened(_))), "{two:?}");
    assert_eq!(storage.tenant_version(&held).await.unwrap(), 1, "reads go on");

    run(&mut other, "ROLLBACK").await;
    answered(&storage, &held).await;
}

#[tokio::test]
async fn a_turn_that_cannot_be_written_does_not_spoil_those_it_is_written_with() {
    let database = Database::new().await;
    let storage = database.open().await;
    let tenant = fixture::tenant(&storage, "shop").await;
    let known = fixture::open(&storage, &tenant, fixture::start(VisitorId::new(), "s", "hi")).await;
    let again = TurnStart { turn: known.turn, ..fixture::start(VisitorId::new(), "t", "hi") };
    let act = fixture::act();

    let (one, repeated, two) = tokio::join!(
        answered(&storage, &tenant),
        storage.begin_turn(&act, &tenant, again),
        answered(&storage, &tenant),
    );

    refused(repeated, StorageErrorKind::Conflict);
    for turn in [one, two] {
        let history = storage.history(&tenant, &turn.conversation, None, 10).await.unwrap();
        assert_eq!(history.messages.len(), 2);
    }
    let left = storage.credit_balance(&tenant).await.unwrap();
    assert_eq!(left.reserved, known.reservation.unwrap().amount, "the failed turn holds nothing");
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let database = Database::new().await;
    let storage = database.open_with(|options| options.queue(2)).await;
    let tenant = fixture::tenant(&storage, "shop").await;
    storage.tenant_version(&tenant).await.unwrap();
    answered(&storage, &tenant).await;
    let act = fixture::act();
    let begin =
        |n: u32| storage.begin_turn(&act, &tenant, fixture::start(VisitorId::new(), &format!("s{n}"), "hi"));

    let (one, two, three) = tokio::join!(begin(1), begin(2), begin(3));

    assert!(one.is_ok() && two.is_ok());
    refused(three, StorageErrorKind::Unavailable);
}

#[tokio::test]
async fn a_closed_storage_says_so() {
    let database = Database::new().await;
    let storage = database.open().await;
    let tenant = fixture::tenant(&storage, "shop").await;
    let open = fixture::open(&storage, &tenant, fixture::start(VisitorId::new(), "s", "hi")).await;

    storage.close().await;
    storage.close().await;

    refused(storage.check().await, StorageErrorKind::Unavailable);
    let late = storage.finish_turn(&fixture::act(), &tenant, fixture::finish(&open, "Late")).await;
    refused(late, StorageErrorKind::Unavailable);
}

#[tokio::test]
async fn a_lease_is_counted_by_the_databases_clock() {
    let database = Database::new().await;
    let options = database.address().parse().unwrap();
    let storage = bob_storage::PostgresStorage::open(options, crate::keyring()).await.unwrap();
    let tenant = fixture::tenant(&storage, "shop").await;

    // The caller's clock is months behind.
    let open = fixture::open(&storage, &tenant, fixture::start(VisitorId::new(), "s", "hi")).await;
    assert_ne!(open.lease.until, bob_core::turn::Lease::new(open.lease.node, 7, fixture::now()).until);
    let renewed = storage.renew_turn(&fixture::act(), &tenant, &open.turn, &open.lease).await.unwrap();
    assert!(renewed.unwrap().until >= open.lease.until);
    assert_eq!(storage.sweep_turns(&fixture::act(), 10).await.unwrap(), 0);
    let missing = storage.renew_turn(&fixture::act(), &tenant, &TurnId::new(), &open.lease).await;
    refused(missing, StorageErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_work_on_the_same_tenants_neither_lock_each_other_up_nor_lose_a_credit() {
    let database = Database::new().await;
    let mut nodes = Vec::new();
    for _ in 0..4 {
        nodes.push(database.open().await);
    }
    let tenants = [fixture::tenant(&nodes[0], "one").await, fixture::tenant(&nodes[0], "two").await];

    let turns = (0..64_usize).map(|n| {
        let (node, tenant) = (nodes[n % nodes.len()].clone(), tenants[n / 4 % tenants.len()]);
        tokio::spawn(async move { answered(&node, &tenant).await })
    });
    for turn in turns.collect::<Vec<_>>() {
        turn.await.unwrap();
    }

    for tenant in tenants {
        let balance = nodes[1].credit_balance(&tenant).await.unwrap();
        assert_eq!((balance.reserved, balance.settled), (MilliCredits::ZERO, MilliCredits::credits(32)));
        assert_eq!(nodes[2].ledger(&tenant, None, 100).await.unwrap().entries.len(), 33);
    }
}
