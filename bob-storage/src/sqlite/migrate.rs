//! Migrations: the steps that made the tables what they are, each run once.

use std::sync::Arc;

use bob_core::keyring::Keyring;
use bob_core::vault::Vault;
use jiff::Timestamp;
use sqlx::migrate::{Migrate as _, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Connection as _, SqlSafeStr as _, SqliteConnection};

use super::key::open_vault;
use super::rows::micros;
use crate::error::{OpenError, OpenErrorKind};

/// Where Bob notes which migrations ran; not sqlx's own table, which the host may use for its migrations.
const MIGRATIONS: &str = "_bob_migrations";

/// One migration: its number, its name, and what it runs. None is ever changed once it was released.
pub(super) type Step = (i64, &'static str, &'static str);

/// All migrations, in order.
pub(super) const STEPS: &[Step] = &[
    (1, "begin", include_str!("../../migrations/sqlite/0001_begin.sql")),
    (2, "people", include_str!("../../migrations/sqlite/0002_people.sql")),
    (3, "tenants", include_str!("../../migrations/sqlite/0003_tenants.sql")),
    (4, "personas", include_str!("../../migrations/sqlite/0004_personas.sql")),
    (5, "knowledge", include_str!("../../migrations/sqlite/0005_knowledge.sql")),
    (6, "widget_keys", include_str!("../../migrations/sqlite/0006_widget_keys.sql")),
    (7, "visitors", include_str!("../../migrations/sqlite/0007_visitors.sql")),
    (8, "inbox", include_str!("../../migrations/sqlite/0008_inbox.sql")),
    (9, "audit", include_str!("../../migrations/sqlite/0009_audit.sql")),
    (10, "signing_keys", include_str!("../../migrations/sqlite/0010_signing_keys.sql")),
];

fn migrator(steps: &[Step]) -> Migrator {
    let steps = steps.iter().map(|&(number, name, sql)| {
        Migration::new(number, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(steps.collect());
    migrator.dangerous_set_table_name(MIGRATIONS);
    migrator
}

/// Brings the tables up to date and opens the vault, all or nothing; the write lock keeps other processes out meanwhile.
pub(super) async fn migrate(
    connection: &mut SqliteConnection,
    steps: &[Step],
    keyring: &Arc<dyn Keyring>,
    may_found: bool,
) -> Result<Vault, OpenError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    run(&mut transaction, steps).await?;
    let vault = open_vault(&mut transaction, Arc::clone(keyring), may_found).await?;
    // Says at once what a turn would find out later: that the file cannot be written.
    sqlx::query("INSERT OR REPLACE INTO bob_health (node, at) VALUES (0, $1)")
        .bind(micros(Timestamp::now()))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(vault)
}

/// Runs the steps that have not run yet.
async fn run(transaction: &mut SqliteConnection, steps: &[Step]) -> Result<(), OpenError> {
    use MigrateError::{Execute, ExecuteMigration};

    match migrator(steps).run_direct(None, transaction, false).await {
        Ok(()) => Ok(()),
        Err(Execute(error) | ExecuteMigration(error, _)) => Err(error.into()),
        Err(error) => Err(foreign(error, steps)),
    }
}

/// Holds that the tables are Bob's, and of no newer version than the steps know; of an older one they may be.
pub(super) async fn recognize(connection: &mut SqliteConnection, steps: &[Step]) -> Result<(), OpenError> {
    let not_bobs = |error| OpenError::because(OpenErrorKind::NotBobs, error);
    let known = migrator(steps);
    let applied = connection.list_applied_migrations(MIGRATIONS).await.map_err(not_bobs)?;
    if applied.is_empty() {
        return Err(OpenError::because(OpenErrorKind::NotBobs, "no migration ran"));
    }
    for applied in applied {
        let Some(step) = known.iter().find(|step| step.version == applied.version) else {
            return Err(foreign(MigrateError::VersionMissing(applied.version), steps));
        };
        if step.checksum != applied.checksum {
            return Err(not_bobs(MigrateError::VersionMismatch(applied.version)));
        }
    }
    Ok(())
}

/// Whose tables they are that do not fit the steps.
fn foreign(error: MigrateError, steps: &[Step]) -> OpenError {
    let newest = steps.last().map_or(0, |&(number, ..)| number);
    match error {
        MigrateError::VersionMissing(version) if version > newest => {
            OpenError::because(OpenErrorKind::Newer, error)
        }
        _ => OpenError::because(OpenErrorKind::NotBobs, error),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tempfile::TempDir;

    use super::*;
    use crate::SqliteOptions;

    /// The number of what a later version might bring.
    const NEXT: i64 = STEPS[STEPS.len() - 1].0 + 1;

    /// What that might be.
    const BETTER: Step = (
        NEXT,
        "better",
        "ALTER TABLE bob_tenants ADD COLUMN motto TEXT;
         CREATE TABLE bob_better (tenant_id BLOB PRIMARY KEY, text TEXT NOT NULL) STRICT;
         INSERT INTO bob_better
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2000)
         SELECT randomblob(16), hex(randomblob(500)) FROM n",
    );

    /// The same with a slip at its end.
    const SLIPS: Step = (
        NEXT,
        "better",
        "ALTER TABLE bob_tenants ADD COLUMN motto TEXT;
         CREATE TABLE bob_better (tenant_id BLOB PRIMARY KEY, text TEXT NOT NULL) STRICT;
         INSERT INTO bob_better (tenant_id) VALUES (x'00')",
    );

    fn with(next: Step) -> Vec<Step> {
        [STEPS, &[next]].concat()
    }

    fn keyring() -> Arc<dyn Keyring> {
        Arc::new(bob_core::keyring::LocalKeyring::from_root([7; 32]))
    }

    async fn connect(path: &Path) -> SqliteConnection {
        SqliteOptions::file(path).writer().await.unwrap()
    }

    /// A database of today's version.
    async fn begun() -> (TempDir, SqliteConnection) {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::file(folder.path().join("bob.db"));
        let connection = options.prepare(&keyring()).await.unwrap().0;
        (folder, connection)
    }

    /// Which version the notes say, and what is there of the next step: tables, and columns.
    async fn state(connection: &mut SqliteConnection) -> (i64, i64, i64) {
        let sql = "SELECT (SELECT max(version) FROM _bob_migrations),
                       (SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'bob_better'),
                       (SELECT count(*) FROM pragma_table_info('bob_tenants') WHERE name = 'motto')";
        sqlx::query_as(sql).fetch_one(connection).await.unwrap()
    }

    #[tokio::test]
    async fn a_later_version_runs_what_is_new_once() {
        let (_folder, mut connection) = begun().await;
        for _ in 0..2 {
            migrate(&mut connection, &with(BETTER), &keyring(), true).await.unwrap();
            assert_eq!(state(&mut connection).await, (NEXT, 1, 1));
        }
        let earlier = migrate(&mut connection, STEPS, &keyring(), true).await.unwrap_err();
        assert_eq!(earlier.kind(), OpenErrorKind::Newer, "the earlier one");
        let kind = |result: Result<(), OpenError>| result.unwrap_err().kind();
        assert_eq!(kind(recognize(&mut connection, STEPS).await), OpenErrorKind::Newer);
        recognize(&mut connection, &with(BETTER)).await.unwrap();
        assert_eq!(
            kind(recognize(&mut connection, &with(SLIPS)).await),
            OpenErrorKind::NotBobs,
            "another next one"
        );
    }

    #[tokio::test]
    async fn a_migration_that_fails_half_way_leaves_what_was_there() {
        let (_folder, mut connection) = begun().await;

        migrate(&mut connection, &with(SLIPS), &keyring(), true).await.unwrap_err();

        assert_eq!(state(&mut connection).await, (NEXT - 1, 0, 0));
        migrate(&mut connection, STEPS, &keyring(), true)
            .await
            .expect("the earlier version opens it as before");
        migrate(&mut connection, &with(BETTER), &keyring(), true)
            .await
            .expect("and the corrected one upgrades it");
        assert_eq!(state(&mut connection).await, (NEXT, 1, 1));
    }

    #[tokio::test]
    async fn a_migration_that_is_killed_half_way_leaves_what_was_there() {
        let (folder, mut connection) = begun().await;
        // With no room in memory, what is not committed yet is written to the log before its time.
        sqlx::query("PRAGMA cache_size = 1").execute(&mut connection).await.unwrap();
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
        run(&mut transaction, &with(BETTER)).await.unwrap();

        // What a kill leaves behind: the files as they are at this moment.
        let killed = tempfile::tempdir().unwrap();
        for name in ["bob.db", "bob.db-wal"] {
            std::fs::copy(folder.path().join(name), killed.path().join(name)).unwrap();
        }
        let log = std::fs::metadata(killed.path().join("bob.db-wal")).unwrap().len();
        assert!(log > 1_000_000, "the log has {log} bytes, so most of the migration is in it");

        let mut again = connect(&killed.path().join("bob.db")).await;
        assert_eq!(state(&mut again).await, (NEXT - 1, 0, 0));
        migrate(&mut again, &with(BETTER), &keyring(), true).await.unwrap();
        assert_eq!(state(&mut again).await, (NEXT, 1, 1));
    }

    #[tokio::test]
    async fn tables_that_are_not_bobs_are_not_recognized() {
        let folder = tempfile::tempdir().unwrap();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("x.db"));
        let mut connection = sqlx::ConnectOptions::connect(&options.create_if_missing(true)).await.unwrap();
        let not_bobs = recognize(&mut connection, STEPS).await.unwrap_err();
        assert_eq!(not_bobs.kind(), OpenErrorKind::NotBobs);
    }
}
