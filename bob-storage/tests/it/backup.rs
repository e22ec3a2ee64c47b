//! A backup is a whole database of one moment, and restoring it gives that back.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bob_core::storage::{ConversationStore as _, Storage as _, TurnStore as _};
use bob_core::testing::fixture;
use bob_storage::sqlite::{backup, restore};
use bob_storage::{BackupErrorKind, SqliteOptions};
use sqlx::SqliteConnection;

use crate::{answered, beside, file_in, fresh, number, open, run};

/// Turns of which something is missing, or which are paid twice.
const TORN: &str = "
    SELECT (SELECT count(*) FROM bob_turns t
            WHERE (SELECT count(*) FROM bob_messages m WHERE m.tenant_id = t.tenant_id AND m.turn_id = t.turn_id)
                <> CASE t.state WHEN 'finished' THEN 2 ELSE 1 END)
         + (SELECT count(*) FROM bob_turns t
            WHERE (SELECT count(*) FROM bob_audit a WHERE a.tenant_id = t.tenant_id AND a.subject = t.turn_id)
                <> CASE t.state WHEN 'finished' THEN 2 ELSE 1 END)
         + (SELECT count(*) FROM bob_credits c
            WHERE c.settled <> (SELECT coalesce(sum(t.settled), 0) FROM bob_turns t WHERE t.tenant_id = c.tenant_id)
               OR c.reserved <> (SELECT coalesce(sum(t.reserved), 0) FROM bob_turns t
                                 WHERE t.tenant_id = c.tenant_id AND t.state = 'open'))";

async fn counted(path: &Path) -> (i64, SqliteConnection) {
    let mut connection = beside(path).await;
    let turns = number(&mut connection, "SELECT count(*) FROM bob_turns WHERE state = 'finished'").await;
    (turns, connection)
}

fn names_in(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_taken_while_turns_are_written_has_whole_turns_only_and_serves() {
    let fresh = fresh().await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    let before = answered(&fresh.storage, &tenant).await;
    let enough = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (storage, enough) = (fresh.storage.clone(), Arc::clone(&enough));
            tokio::spawn(async move {
                while !enough.load(Ordering::Relaxed) {
                    answered(&storage, &tenant).await;
                }
            })
        })
        .collect();
    let backups = tempfile::tempdir().unwrap();
    let mut had = 0;
    for name in ["one", "two", "three"] {
        let acknowledged = counted(&fresh.path()).await.0;
        fresh.storage.backup(&backups.path().join(name)).await.unwrap();
        let (has, mut copy) = counted(&backups.path().join(name)).await;
        assert_eq!(number(&mut copy, TORN).await, 0);
        assert!(has >= acknowledged.max(had), "{has} turns of {acknowledged} that were there before");
        had = has;
    }
    enough.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(names_in(backups.path()), ["one", "three", "two"], "no draft is left");

    let elsewhere = tempfile::tempdir().unwrap();
    let path = file_in(&elsewhere);
    restore(&backups.path().join("three"), &path).await.unwrap();

    let restored = open(path.clone()).await;
    assert_eq!(counted(&path).await.0, had);
    let history = restored.history(&tenant, &before.conversation, None, 10).await.unwrap();
    assert_eq!(history.messages[1].said.text, before.answer.text());
    restored.check().await.unwrap();
    answered(&restored, &tenant).await;
    // Turns that were open at that moment end as after a crash.
    let later = fixture::act_at(bob_core::clock::later(fixture::now(), std::time::Duration::from_secs(16)));
    restored.sweep_turns(&later, 100).await.unwrap();
    let open = "SELECT count(*) FROM bob_turns WHERE state = 'open'";
    assert_eq!(number(&mut beside(&path).await, open).await, 0);
}

#[tokio::test]
async fn a_database_is_backed_up_without_opening_it_and_stays_as_it_was() {
    let fresh = fresh().await;
    fixture::tenant(&fresh.storage, "shop").await;
    let options = SqliteOptions::file(fresh.path());

    backup(&options, &fresh.folder.path().join("while-it-runs")).await.unwrap();
    fresh.storage.close().await;
    let before = std::fs::read(fresh.path()).unwrap();
    backup(&options, &fresh.folder.path().join("afterwards")).await.unwrap();

    assert_eq!(std::fs::read(fresh.path()).unwrap(), before);
    let copies = ["while-it-runs", "afterwards"].map(|name| fresh.folder.path().join(name));
    for copy in copies {
        let mut connection = beside(&copy).await;
        assert_eq!(number(&mut connection, "SELECT count(*) FROM bob_tenants").await, 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(copy).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

#[tokio::test]
async fn nothing_is_overwritten() {
    let fresh = fresh().await;
    let folder = fresh.folder.path();
    let kept = folder.join("kept");
    std::fs::write(&kept, "mine").unwrap();
    let good = folder.join("good");
    fresh.storage.backup(&good).await.unwrap();

    let exists = fresh.storage.backup(&kept).await.unwrap_err();
    assert_eq!(exists.kind(), BackupErrorKind::Exists);
    assert_eq!(restore(&good, &kept).await.unwrap_err().kind(), BackupErrorKind::Exists);
    assert_eq!(restore(&good, &fresh.path()).await.unwrap_err().kind(), BackupErrorKind::Exists);
    assert_eq!(std::fs::read(&kept).unwrap(), b"mine");

    // The log of a database that was there would be taken for the new one's.
    std::fs::write(folder.join("new.db-wal"), "").unwrap();
    let left = restore(&good, &folder.join("new.db")).await.unwrap_err();
    assert_eq!(left.kind(), BackupErrorKind::Exists);
}

#[tokio::test]
async fn what_is_no_sound_backup_is_not_restored() {
    let fresh = fresh().await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    for _ in 0..20 {
        answered(&fresh.storage, &tenant).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let copy = async |name: &str| fresh.storage.backup(&file(name)).await.unwrap();

    std::fs::write(file("text"), "Not a database. ".repeat(1_000)).unwrap();
    std::fs::write(file("empty"), "").unwrap();
    run(&mut beside(&file("foreign")).await, "CREATE TABLE bob_tenants (x)").await;
    copy("newer").await;
    let newer = "INSERT INTO _bob_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'tomorrow', TRUE, x'00', 0)";
    run(&mut beside(&file("newer")).await, newer).await;
    copy("cut").await;
    let bytes = std::fs::read(file("cut")).unwrap();
    std::fs::write(file("cut"), &bytes[..bytes.len() / 2]).unwrap();
    copy("scratched").await;
    let mut bytes = std::fs::read(file("scratched")).unwrap();
    for page in bytes.chunks_mut(4_096).skip(4) {
        page[..200].fill(0xa5);
    }
    std::fs::write(file("scratched"), bytes).unwrap();

    for (name, kind) in [
        ("text", BackupErrorKind::NotBobs),
        ("empty", BackupErrorKind::NotBobs),
        ("foreign", BackupErrorKind::NotBobs),
        ("newer", BackupErrorKind::Newer),
        ("cut", BackupErrorKind::Damaged),
        ("scratched", BackupErrorKind::Damaged),
        ("missing", BackupErrorKind::Unavailable),
    ] {
        let refused = restore(&file(name), &file("restored.db")).await.unwrap_err();
        assert_eq!(refused.kind(), kind, "{name}: {refused:?}");
        let told = refused.to_string();
        assert!(!told.contains('/') && !told.contains("PRAGMA"), "{told}");
    }
    assert!(
        names_in(folder.path()).iter().all(|name| !name.starts_with('.') && !name.starts_with("restored"))
    );
}

#[tokio::test]
async fn a_backup_without_room_or_a_folder_leaves_nothing() {
    let fresh = fresh().await;
    let missing = fresh.folder.path().join("missing").join("backup");
    let refused = fresh.storage.backup(&missing).await.unwrap_err();
    assert_eq!(refused.kind(), BackupErrorKind::Unavailable);
    let not_bobs = SqliteOptions::file(fresh.folder.path().join("host.db"));
    run(&mut beside(not_bobs.path()).await, "CREATE TABLE accounts (name TEXT)").await;
    let refused = backup(&not_bobs, &fresh.folder.path().join("backup")).await.unwrap_err();
    assert_eq!(refused.kind(), BackupErrorKind::NotBobs);
    assert!(names_in(fresh.folder.path()).iter().all(|name| !name.contains("backup")));
}
