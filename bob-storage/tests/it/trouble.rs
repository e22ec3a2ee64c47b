//! Trouble with the file: it is said at once, reads go on, and writes heal by themselves.

use std::time::Duration;

use bob_core::id::VisitorId;
use bob_core::storage::{
    ConversationStore as _, Storage as _, StorageErrorKind, TenantStore as _, TurnStore as _,
};
use bob_core::testing::fixture;
use bob_storage::{OpenErrorKind, SqliteOptions, SqliteStorage};

use crate::{answered, fresh_with, keyring, number, refused, run, stranger};

#[tokio::test]
async fn a_locked_database_is_unavailable_until_it_is_free() {
    let fresh = fresh_with(|options| options.busy_timeout(Duration::from_millis(10))).await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    let mut other = fresh.beside().await;
    run(&mut other, "BEGIN EXCLUSIVE").await;

    let (act, start) = (fixture::act(), || fixture::start(VisitorId::new(), "s", "hi"));
    let (one, two) = tokio::join!(
        fresh.storage.begin_turn(&act, &tenant, start()),
        fresh.storage.begin_turn(&act, &tenant, start()),
    );
    refused(one, StorageErrorKind::Unavailable);
    refused(two, StorageErrorKind::Unavailable);
    refused(fresh.storage.check().await, StorageErrorKind::Unavailable);
    assert_eq!(fresh.storage.tenant_version(&tenant).await.unwrap(), 1, "reads go on");

    run(&mut other, "ROLLBACK").await;
    fresh.storage.check().await.unwrap();
    answered(&fresh.storage, &tenant).await;
    let turns = number(&mut other, "SELECT count(*) FROM bob_turns").await;
    assert_eq!(turns, 1, "what was unavailable wrote nothing");
}

#[tokio::test]
async fn a_full_database_is_unavailable_until_there_is_room() {
    const BOUND: u64 = 2_000_000;
    let fresh = fresh_with(|options| options.max_bytes(BOUND)).await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    let turn = answered(&fresh.storage, &tenant).await;
    let mut other = fresh.beside().await;
    run(&mut other, "CREATE TABLE ballast (x); INSERT INTO ballast VALUES (zeroblob(1900000))").await;

    let act = fixture::act();
    let mut stored = 1;
    let full = loop {
        assert!(stored < 10_000, "the bound holds");
        let ask = |n: i64| stranger(&format!("s{n}"));
        // Two at once, because a batch must not be half there.
        let (one, two) = tokio::join!(
            fresh.storage.begin_turn(&act, &tenant, ask(stored)),
            fresh.storage.begin_turn(&act, &tenant, ask(stored + 1)),
        );
        match (one, two) {
            (Ok(_), Ok(_)) => stored += 2,
            (Err(one), Err(two)) => break [one, two],
            other => panic!("one of a batch was stored: {other:?}"),
        }
    };

    assert!(full.iter().all(|error| error.kind() == StorageErrorKind::Unavailable), "{full:?}");
    assert_eq!(number(&mut other, "SELECT count(*) FROM bob_turns").await, stored);
    let history = fresh.storage.history(&tenant, &turn.conversation, None, 10).await.unwrap();
    assert_eq!(history.messages.len(), 2, "reads go on");

    run(&mut other, "DROP TABLE ballast").await;
    answered(&fresh.storage, &tenant).await;
    assert_eq!(number(&mut other, "SELECT count(*) FROM bob_turns").await, stored + 1);
}

#[tokio::test]
async fn a_read_only_database_does_not_open() {
    let fresh = fresh_with(|options| options).await;
    fresh.storage.close().await;
    // A write version that SQLite does not know makes a file read-only for everybody, root as well.
    let mut bytes = std::fs::read(fresh.path()).unwrap();
    bytes[18] = 9;
    std::fs::write(fresh.path(), bytes).unwrap();

    let opened = SqliteStorage::open(SqliteOptions::file(fresh.path()), keyring()).await;

    assert_eq!(opened.unwrap_err().kind(), OpenErrorKind::Unavailable);
}

#[tokio::test]
async fn an_error_names_neither_path_nor_statement() {
    let fresh = fresh_with(|options| options.busy_timeout(Duration::from_millis(1))).await;
    let mut other = fresh.beside().await;
    run(&mut other, "BEGIN EXCLUSIVE").await;

    let error = fresh.storage.check().await.unwrap_err();

    assert_eq!(error.to_string(), "check: unavailable");
}
