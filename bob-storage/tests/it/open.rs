//! Opening: whose file it is, and who else uses it.

use std::path::Path;

use bob_core::storage::Storage as _;
use bob_core::testing::fixture;
use bob_storage::{OpenErrorKind, SqliteOptions, SqliteStorage};

use crate::{beside, file_in, fresh, keyring, number, open, run};

/// Closes a fresh database, changes it, and tells how opening it again fails.
async fn spoilt(sql: &'static str) -> OpenErrorKind {
    let fresh = fresh().await;
    fresh.storage.close().await;
    run(&mut fresh.beside().await, sql).await;
    refused(&fresh.path()).await
}

async fn refused(path: &Path) -> OpenErrorKind {
    let error = SqliteStorage::open(SqliteOptions::file(path), keyring()).await.unwrap_err();
    let told = error.to_string();
    assert!(!told.contains("bob.db") && !told.contains('/') && !told.contains("SELECT"), "{told}");
    error.kind()
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let newer = "INSERT INTO _bob_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'tomorrow', TRUE, x'00', 0)";
    assert_eq!(spoilt(newer).await, OpenErrorKind::Newer);
}

#[tokio::test]
async fn a_migration_that_is_not_ours_is_refused() {
    assert_eq!(spoilt("UPDATE _bob_migrations SET checksum = x'00'").await, OpenErrorKind::NotBobs);
    assert_eq!(
        spoilt("UPDATE _bob_migrations SET version = 0 WHERE version = 1").await,
        OpenErrorKind::NotBobs
    );
}

#[tokio::test]
async fn tables_of_our_names_that_are_not_ours_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = beside(&file_in(&folder)).await;
    run(&mut host, "CREATE TABLE bob_tenants (x)").await;

    assert_eq!(refused(&file_in(&folder)).await, OpenErrorKind::NotBobs);

    assert_eq!(number(&mut host, "SELECT count(*) FROM sqlite_schema").await, 1);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = "Not a database. ".repeat(1_000);
    std::fs::write(file_in(&folder), &text).unwrap();

    assert_eq!(refused(&file_in(&folder)).await, OpenErrorKind::NotBobs);

    assert_eq!(std::fs::read_to_string(file_in(&folder)).unwrap(), text);
}

#[tokio::test]
async fn a_folder_that_is_missing_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(refused(&folder.path().join("missing").join("bob.db")).await, OpenErrorKind::Unavailable);
    assert_eq!(refused(folder.path()).await, OpenErrorKind::Unavailable);
}

#[tokio::test]
async fn a_hosts_own_tables_and_migrations_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = beside(&file_in(&folder)).await;
    run(
        &mut host,
        "CREATE TABLE accounts (name TEXT);
         INSERT INTO accounts VALUES ('Anna');
         CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT);
         INSERT INTO _sqlx_migrations VALUES (1, 'the host''s own');",
    )
    .await;

    let storage = open(file_in(&folder)).await;
    fixture::tenant(&storage, "shop").await;

    let hosts = "SELECT (SELECT count(*) FROM accounts) + 10 * (SELECT count(*) FROM _sqlx_migrations)";
    assert_eq!(number(&mut host, hosts).await, 11);
    let foreign = "SELECT count(*) FROM sqlite_schema
                   WHERE tbl_name NOT LIKE 'bob\\_%' ESCAPE '\\' AND tbl_name <> '_bob_migrations'
                     AND tbl_name NOT IN ('accounts', '_sqlx_migrations')";
    assert_eq!(number(&mut host, foreign).await, 0, "all of ours is called bob_");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_open_an_empty_file_at_once() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let openings = (0..4).map(|_| tokio::spawn(open(file_in(&folder))));
        let mut tokens = Vec::new();
        for opening in openings.collect::<Vec<_>>() {
            let storage = opening.await.unwrap();
            storage.check().await.unwrap();
            tokens.push(storage.purpose_keys().derive("test"));
        }
        assert!(tokens.iter().all(|token| token == &tokens[0]), "all found the same keys");
        let mut other = beside(&file_in(&folder)).await;
        assert_eq!(number(&mut other, "SELECT max(version) - count(*) FROM _bob_migrations").await, 0);
    }
}

#[tokio::test]
async fn two_who_share_a_file_see_each_others_writes() {
    let fresh = fresh().await;
    let second = open(fresh.path()).await;

    let here = fixture::tenant(&fresh.storage, "here").await;
    let there = fixture::tenant(&second, "there").await;

    crate::answered(&fresh.storage, &there).await;
    crate::answered(&second, &here).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_for_its_owners_eyes_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let fresh = fresh().await;
    fixture::tenant(&fresh.storage, "shop").await;
    for name in ["bob.db", "bob.db-wal", "bob.db-shm"] {
        let mode = std::fs::metadata(fresh.folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
