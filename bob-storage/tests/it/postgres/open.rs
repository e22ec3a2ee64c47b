//! Opening: whose database it is, and who else uses it.

use std::sync::Arc;

use bob_core::answer::Outcome;
use bob_core::id::VisitorId;
use bob_core::inbox::Stir;
use bob_core::keyring::LocalKeyring;
use bob_core::storage::{InboxStore as _, Storage as _, TurnStore as _, WidgetKeyStore as _};
use bob_core::testing::fixture;
use bob_storage::{OpenErrorKind, PostgresOptions, PostgresStorage};

use super::{Database, answered, number, run};
use crate::keyring;

async fn refused(options: PostgresOptions) -> OpenErrorKind {
    let error = PostgresStorage::open(options, keyring()).await.unwrap_err();
    let told = error.to_string();
    assert!(!told.contains("bob_test") && !told.contains('/') && !told.contains("SELECT"), "{told}");
    error.kind()
}

/// Changes a database with tables in it, and tells how opening it fails then.
async fn spoilt(sql: &'static str) -> OpenErrorKind {
    let database = Database::new().await;
    run(&mut database.beside().await, sql).await;
    refused(database.options()).await
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let newer = "INSERT INTO _bob_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'tomorrow', TRUE, '', 0)";
    assert_eq!(spoilt(newer).await, OpenErrorKind::Newer);
}

#[tokio::test]
async fn a_migration_that_is_not_ours_is_refused() {
    assert_eq!(spoilt("UPDATE _bob_migrations SET checksum = ''").await, OpenErrorKind::NotBobs);
    assert_eq!(
        spoilt("UPDATE _bob_migrations SET version = 0 WHERE version = 1").await,
        OpenErrorKind::NotBobs
    );
}

#[tokio::test]
async fn tables_of_our_names_that_are_not_ours_are_refused_and_left_alone() {
    let database = Database::empty().await;
    let mut host = database.beside().await;
    run(&mut host, "CREATE TABLE bob_tenants (x int)").await;

    assert_eq!(refused(database.options()).await, OpenErrorKind::NotBobs);

    let ours = "SELECT count(*) FROM pg_class WHERE relname LIKE '%bob%' AND relkind = 'r'";
    assert_eq!(number(&mut host, ours).await, 1);
}

#[tokio::test]
async fn a_role_that_may_not_make_tables_is_told_so() {
    let database = Database::empty().await;
    run(&mut database.beside().await, "REVOKE CREATE ON SCHEMA public FROM pg_database_owner").await;
    assert_eq!(refused(database.options()).await, OpenErrorKind::NotAllowed);
}

#[tokio::test]
async fn a_migration_that_is_killed_half_way_leaves_nothing_and_the_next_start_makes_it_whole() {
    let database = Database::empty().await;
    let mut host = database.beside().await;
    // The migration makes many tables before it comes to this one, and then waits for what becomes of it.
    run(&mut host, "BEGIN; CREATE TABLE bob_outbox (x int)").await;
    let opening = tokio::spawn(PostgresStorage::open(database.options(), keyring()));
    let mut other = database.beside().await;
    let killed = "SELECT count(pg_terminate_backend(pid))
                  FROM (SELECT pid FROM pg_stat_activity
                        WHERE datname = current_database() AND usename = current_user AND wait_event_type = 'Lock'
                        OFFSET 0) waiting";
    while number(&mut other, killed).await == 0 {}
    let error = opening.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::Unavailable);
    run(&mut host, "ROLLBACK").await;
    assert_eq!(number(&mut other, "SELECT count(*) FROM pg_class WHERE relname LIKE '%bob%'").await, 0);

    let storage = database.open().await;
    let tenant = fixture::tenant(&storage, "shop").await;
    answered(&storage, &tenant).await;
    storage.close().await;
}

#[tokio::test]
async fn a_database_that_is_not_there_is_unavailable() {
    let database = Database::new().await;
    let missing = database.address().replace("bob_test", "bob_missing");
    assert_eq!(refused(missing.parse().unwrap()).await, OpenErrorKind::Unavailable);
    let closed = "postgres://bob@127.0.0.1:1/bob".parse().unwrap();
    assert_eq!(refused(closed).await, OpenErrorKind::Unavailable);
}

#[tokio::test]
async fn another_keyring_is_named_as_the_wrong_one() {
    let database = Database::new().await;
    let other = Arc::new(LocalKeyring::from_root([8; 32]));
    let error = PostgresStorage::open(database.options(), other).await.unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::WrongKey);
}

#[tokio::test]
async fn a_hosts_own_tables_and_migrations_stay_as_they_are() {
    let database = Database::empty().await;
    let mut host = database.beside().await;
    run(
        &mut host,
        "CREATE TABLE accounts (name text);
         INSERT INTO accounts VALUES ('Anna');
         CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text);
         INSERT INTO _sqlx_migrations VALUES (1, 'the host''s own');",
    )
    .await;

    fixture::tenant(&database.open().await, "shop").await;

    let hosts = "SELECT (SELECT count(*) FROM accounts) + 10 * (SELECT count(*) FROM _sqlx_migrations)";
    assert_eq!(number(&mut host, hosts).await, 11);
    let foreign = "SELECT count(*) FROM pg_class
                   WHERE relnamespace = current_schema()::regnamespace AND relname NOT LIKE 'bob\\_%'
                     AND relname NOT LIKE '\\_bob\\_%' AND relname NOT LIKE 'accounts%'
                     AND relname NOT LIKE '\\_sqlx%'";
    assert_eq!(number(&mut host, foreign).await, 0, "all of ours is called bob_");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_open_an_empty_database_at_once() {
    let database = Database::empty().await;
    let openings = (0..6).map(|_| tokio::spawn(PostgresStorage::open(database.options(), keyring())));
    let mut nodes = Vec::new();
    for opening in openings.collect::<Vec<_>>() {
        nodes.push(opening.await.unwrap().unwrap());
    }
    let tenant = fixture::tenant(&nodes[0], "shop").await;
    for node in &nodes {
        node.check().await.unwrap();
        answered(node, &tenant).await;
    }
    assert_eq!(
        number(&mut database.beside().await, "SELECT max(version) - count(*) FROM _bob_migrations").await,
        0
    );
}

#[tokio::test]
async fn what_changes_on_one_node_is_heard_on_the_others() {
    let database = Database::new().await;
    let (here, there) = (database.open().await, database.open().await);
    let tenant = fixture::tenant(&here, "shop").await;
    let mut changes = there.changes().unwrap();
    both_listen(&database).await;

    here.add_widget_key(&fixture::act(), &tenant, fixture::widget_key(tenant, &[])).await.unwrap();

    assert_eq!(changes.recv().await.unwrap(), tenant);
}

/// Waits until both nodes' listeners are connected.
async fn both_listen(database: &Database) {
    let listening = "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    let mut other = database.beside().await;
    while number(&mut other, listening).await < 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_somebody_waits_for_in_a_conversation_is_heard_on_the_others() {
    let database = Database::new().await;
    let (here, there) = (database.open().await, database.open().await);
    let tenant = fixture::tenant(&here, "shop").await;
    let visitor = VisitorId::new();
    let mut stirs = there.stirs().unwrap();
    both_listen(&database).await;

    let open = fixture::open(&here, &tenant, fixture::start(visitor, "s", "a person, please")).await;
    let mut finish = fixture::finish(&open, "On it");
    finish.answer.outcome = Outcome::Escalated;
    here.finish_turn(&fixture::act(), &tenant, finish).await.unwrap();
    let talk = open.conversation;
    let stir = |typing| Stir { tenant, conversation: talk, typing };
    assert_eq!(stirs.recv().await.unwrap(), stir(None), "a handover");
    let person = fixture::take(&here, &tenant, &talk).await;
    assert_eq!(stirs.recv().await.unwrap(), stir(None), "a take");
    here.reply(&fixture::act(), &tenant, &talk, fixture::reply(person, "hello")).await.unwrap();
    assert_eq!(stirs.recv().await.unwrap(), stir(None), "a reply");
    here.begin_turn(&fixture::act(), &tenant, fixture::start(visitor, "s", "hello")).await.unwrap();
    assert_eq!(stirs.recv().await.unwrap(), stir(None), "a message for a person");
    here.tell_stir(stir(Some(person))).await.unwrap();
    assert_eq!(stirs.recv().await.unwrap(), stir(Some(person)), "that they type");
}
