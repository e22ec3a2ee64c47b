//! The write-ahead log stays within its bound, whoever reads.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bob_core::id::KnowledgeId;
use bob_core::knowledge::{Audience, KnowledgeText, MAX_BODY};
use bob_core::language::Language;
use bob_core::storage::{KnowledgeStore as _, Result, Storage as _, StorageErrorKind, TenantStore as _};
use bob_core::testing::fixture;
use bob_storage::SqliteStorage;
use sqlx::SqliteConnection;

use crate::{Fresh, answered, fresh_with, number, open, refused, run};

const MIB: u64 = 1 << 20;

fn log_of(path: &Path) -> u64 {
    std::fs::metadata(path.with_extension("db-wal")).unwrap().len()
}

/// Writes a few megabytes in one transaction: a business with a lot to say.
async fn fill(storage: &SqliteStorage) -> Result<()> {
    let mut onboarding = fixture::onboarding(&format!("shop-{}", uuid::Uuid::new_v4().simple()));
    let text = |number| {
        let body = format!("{number:x>MAX_BODY$}");
        (KnowledgeId::new(), KnowledgeText::new(Language::EN, "Much", &body).unwrap())
    };
    onboarding.knowledge.extend((0..150).map(text));
    storage.onboard(&fixture::act(), onboarding).await
}

/// Somebody who reads and does not go.
async fn long_reader(fresh: &Fresh) -> SqliteConnection {
    let mut reader = fresh.beside().await;
    run(&mut reader, "BEGIN").await;
    number(&mut reader, "SELECT count(*) FROM bob_turns").await;
    reader
}

/// Fills until a write is refused, and tells how large the log was then.
async fn filled(fresh: &Fresh, bound: u64) -> u64 {
    let begun = Instant::now();
    loop {
        let written = fill(&fresh.storage).await;
        let log = log_of(&fresh.path());
        assert!(log <= bound, "{log} bytes");
        assert!(begun.elapsed() < Duration::from_secs(60), "the log has {log} bytes and goes on");
        if written.is_err() {
            refused(written, StorageErrorKind::Unavailable);
            return log;
        }
    }
}

#[tokio::test]
async fn a_reader_who_stays_stops_writes_before_the_log_passes_its_bound() {
    let fresh = fresh_with(|options| options.busy_timeout(Duration::from_millis(10))).await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    let mut reader = long_reader(&fresh).await;

    let log = filled(&fresh, 64 * MIB).await;

    assert!(log >= 48 * MIB, "what there is room for is written: {log} bytes");
    refused(fresh.storage.check().await, StorageErrorKind::Unavailable);
    assert_eq!(fresh.storage.tenant_version(&tenant).await.unwrap(), 1, "reads go on");

    run(&mut reader, "COMMIT").await;
    answered(&fresh.storage, &tenant).await;
    assert!(log_of(&fresh.path()) < MIB, "the log was emptied");
    assert_eq!(number(&mut reader, "SELECT count(*) FROM bob_turns").await, 1);
}

#[tokio::test]
async fn a_smaller_bound_holds_as_well() {
    let fresh = fresh_with(|options| options.busy_timeout(Duration::from_millis(10)).max_log_bytes(1)).await;
    let _reader = long_reader(&fresh).await;
    filled(&fresh, 16 * MIB).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_without_a_gap_do_not_make_the_log_grow() {
    let fresh = fresh_with(|options| options).await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    let enough = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let (storage, enough) = (fresh.storage.clone(), Arc::clone(&enough));
            tokio::spawn(async move {
                while !enough.load(Ordering::Relaxed) {
                    storage.published_knowledge(&tenant, 1, Audience::Public).await.unwrap();
                }
            })
        })
        .collect();
    let mut largest = 0;
    for _ in 0..25 {
        fill(&fresh.storage).await.unwrap();
        answered(&fresh.storage, &tenant).await;
        largest = largest.max(log_of(&fresh.path()));
    }
    enough.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    assert!(largest < 48 * MIB, "{largest} bytes");
}

#[tokio::test]
async fn a_log_that_a_crash_left_large_is_emptied() {
    let fresh = fresh_with(|options| options.busy_timeout(Duration::from_millis(10))).await;
    let _reader = long_reader(&fresh).await;
    filled(&fresh, 64 * MIB).await;
    let crashed = tempfile::tempdir().unwrap();
    let path = crashed.path().join("bob.db");
    std::fs::copy(fresh.path(), &path).unwrap();
    std::fs::copy(fresh.path().with_extension("db-wal"), path.with_extension("db-wal")).unwrap();

    let again = open(path.clone()).await;

    again.check().await.unwrap();
    assert!(log_of(&path) < MIB);
}
