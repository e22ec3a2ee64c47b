//! What was acknowledged is on disk, and many writes get there together.

use std::path::{Path, PathBuf};

use bob_core::id::{TenantId, VisitorId};
use bob_core::storage::{
    ConversationStore as _, CreditStore as _, Storage as _, StorageErrorKind, TenantStore as _,
    TurnStore as _,
};
use bob_core::testing::fixture;
use bob_core::turn::{FinishedTurn, TurnOpening, TurnStart};
use bob_storage::SqliteStorage;

use crate::{answered, fresh, fresh_with, open, refused, stranger};

async fn holds(storage: &SqliteStorage, tenant: &TenantId, turn: &FinishedTurn) {
    let history = storage.history(tenant, &turn.conversation, None, 10).await.unwrap();
    assert_eq!(history.messages.len(), 2);
    assert_eq!(history.messages[1].said.text, turn.answer.text());
}

fn log_of(path: &Path) -> PathBuf {
    path.with_extension("db-wal")
}

/// How many transactions the write-ahead log holds: each ends with a frame that names the size of the file.
fn commits(path: &Path) -> usize {
    let log = std::fs::read(log_of(path)).unwrap();
    let word = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let (page, salt) = (word(8) as usize, (word(16), word(20)));
    let frames: Vec<usize> = (32..log.len()).step_by(24 + page).collect();
    assert!(frames.len() < 1_000, "the log has begun anew, and with it the count");
    frames.into_iter().filter(|&at| word(at + 4) > 0 && (word(at + 8), word(at + 12)) == salt).count()
}

#[tokio::test]
async fn what_was_stored_is_there_after_closing() {
    let fresh = fresh().await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    let turn = answered(&fresh.storage, &tenant).await;

    fresh.storage.close().await;

    assert!(
        std::fs::metadata(log_of(&fresh.path())).map_or(0, |log| log.len()) == 0,
        "one file is all there is"
    );
    holds(&open(fresh.path()).await, &tenant, &turn).await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_crash() {
    let fresh = fresh().await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    let turn = answered(&fresh.storage, &tenant).await;

    // What a crash leaves behind: the files as they are at this moment.
    let crashed = tempfile::tempdir().unwrap();
    let path = crashed.path().join("bob.db");
    std::fs::copy(fresh.path(), &path).unwrap();
    std::fs::copy(log_of(&fresh.path()), log_of(&path)).unwrap();

    holds(&open(path).await, &tenant, &turn).await;
}

#[tokio::test]
async fn turns_that_wait_together_are_committed_together() {
    let fresh = fresh().await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    let before = commits(&fresh.path());

    let turns = (0..32).map(|_| {
        let storage = fresh.storage.clone();
        tokio::spawn(async move { answered(&storage, &tenant).await })
    });
    for turn in turns.collect::<Vec<_>>() {
        turn.await.unwrap();
    }

    let commits = commits(&fresh.path()) - before;
    assert!((2..=8).contains(&commits), "64 writes took {commits} transactions");
}

#[tokio::test]
async fn a_write_that_fails_does_not_spoil_those_it_is_committed_with() {
    let fresh = fresh().await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    let before = commits(&fresh.path());
    // It fails late: tenant, persona and credits are written when the host turns out to be taken.
    let mut twin = fixture::onboarding("twin");
    twin.tenant.hosts = vec![fixture::host("shop.example")];
    let act = fixture::act();
    let known = fixture::open(&fresh.storage, &tenant, fixture::start(VisitorId::new(), "s", "hi")).await;
    let again = TurnStart { turn: known.turn, ..stranger("t") };

    let (one, conflict, two, repeated, three) = tokio::join!(
        answered(&fresh.storage, &tenant),
        fresh.storage.onboard(&act, twin.clone()),
        answered(&fresh.storage, &tenant),
        fresh.storage.begin_turn(&act, &tenant, again),
        answered(&fresh.storage, &tenant),
    );

    refused(conflict, StorageErrorKind::Conflict);
    refused(repeated, StorageErrorKind::Conflict);
    assert_eq!(fresh.storage.find_tenant(&twin.tenant.id.into()).await.unwrap(), None);
    for turn in [one, two, three] {
        holds(&fresh.storage, &tenant, &turn).await;
    }
    assert!(commits(&fresh.path()) - before <= 3, "they were together");
    let left = fresh.storage.credit_balance(&tenant).await.unwrap();
    assert_eq!(left.reserved, known.reservation.unwrap().amount, "the failed turn holds nothing");
}

#[tokio::test]
async fn a_write_is_finished_when_its_caller_goes_away() {
    let fresh = fresh().await;
    let onboarding = fixture::onboarding("shop");
    let tenant = onboarding.tenant.id;
    let act = fixture::act();

    tokio::select! {
        biased;
        _ = fresh.storage.onboard(&act, onboarding) => panic!("the writer had no chance to run yet"),
        () = std::future::ready(()) => {}
    }

    fresh.storage.check().await.unwrap();
    assert_eq!(fresh.storage.find_tenant(&tenant.into()).await.unwrap(), Some(tenant));
}

#[tokio::test]
async fn what_is_queued_is_written_when_the_last_handle_is_dropped() {
    let fresh = fresh().await;
    let onboarding = fixture::onboarding("shop");
    let (path, tenant, act) = (fresh.path(), onboarding.tenant.id, fixture::act());
    tokio::select! {
        biased;
        _ = fresh.storage.onboard(&act, onboarding) => panic!("the writer had no chance to run yet"),
        () = std::future::ready(()) => {}
    }

    drop(fresh.storage);

    while log_of(&path).exists() {
        tokio::task::yield_now().await;
    }
    assert_eq!(open(path).await.find_tenant(&tenant.into()).await.unwrap(), Some(tenant));
}

#[tokio::test]
async fn a_closed_database_says_so() {
    let fresh = fresh().await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    let clone = fresh.storage.clone();

    fresh.storage.close().await;
    fresh.storage.close().await;

    refused(clone.check().await, StorageErrorKind::Unavailable);
    refused(clone.tenant_version(&tenant).await, StorageErrorKind::Unavailable);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let fresh = fresh_with(|options| options.queue(2)).await;

    let checks = tokio::join!(
        fresh.storage.check(),
        fresh.storage.check(),
        fresh.storage.check(),
        fresh.storage.check(),
    );

    checks.0.unwrap();
    checks.1.unwrap();
    refused(checks.2, StorageErrorKind::Unavailable);
    refused(checks.3, StorageErrorKind::Unavailable);
    fresh.storage.check().await.unwrap();
}

#[tokio::test]
async fn a_history_that_cannot_be_read_concerns_its_own_conversation_only() {
    let fresh = fresh().await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    let turn = answered(&fresh.storage, &tenant).await;
    crate::run(&mut fresh.beside().await, "UPDATE bob_messages SET content = x'7b' WHERE role = 'bot'").await;
    let act = fixture::act();
    let start = fixture::start(turn.visitor, turn.session.as_str(), "and now?");

    let (broken, well) = tokio::join!(
        fresh.storage.begin_turn(&act, &tenant, start),
        fresh.storage.begin_turn(&act, &tenant, fixture::start(VisitorId::new(), "s", "hi")),
    );

    refused(broken, StorageErrorKind::Corrupt);
    assert!(matches!(well, Ok(TurnOpening::Opened(_))), "{well:?}");
}
