//! Migrations: the steps that made the tables what they are, each run once; and the functions of this version.

use bob_core::account::PLATFORM_REALM;
use bob_core::keyring::Keyring;
use bob_core::vault::Vault;
use jiff::Timestamp;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _, SqlSafeStr as _};

use super::functions::Functions;
use super::rows::micros;
use crate::error::{OpenError, OpenErrorKind};

/// Where Bob notes which migrations ran; not sqlx's own table, which the host may use for its migrations.
const MIGRATIONS: &str = "_bob_migrations";

/// One migration: its number, its name, and what it runs. None is ever changed once it was released.
pub(super) type Step = (i64, &'static str, &'static str);

/// All migrations, in order; a number means the same change on every database.
pub(super) const STEPS: &[Step] = &[
    (1, "begin", include_str!("../../migrations/postgres/0001_begin.sql")),
    (2, "people", include_str!("../../migrations/postgres/0002_people.sql")),
    (3, "tenants", include_str!("../../migrations/postgres/0003_tenants.sql")),
    (4, "personas", include_str!("../../migrations/postgres/0004_personas.sql")),
    (5, "knowledge", include_str!("../../migrations/postgres/0005_knowledge.sql")),
    (6, "widget_keys", include_str!("../../migrations/postgres/0006_widget_keys.sql")),
    (7, "visitors", include_str!("../../migrations/postgres/0007_visitors.sql")),
    (8, "inbox", include_str!("../../migrations/postgres/0008_inbox.sql")),
    (9, "audit", include_str!("../../migrations/postgres/0009_audit.sql")),
    (10, "signing_keys", include_str!("../../migrations/postgres/0010_signing_keys.sql")),
];

fn migrator(steps: &[Step]) -> Migrator {
    let steps = steps.iter().map(|&(number, name, sql)| {
        Migration::new(number, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(steps.collect());
    migrator.dangerous_set_table_name(MIGRATIONS);
    // The one around all of this is held by the transaction, so that none is left behind.
    migrator.set_locking(false);
    migrator
}

/// Brings tables and functions up to date, all or nothing, and answers the wrapped platform key; a lock keeps other
/// nodes out meanwhile, so that any number of them may start at once on an empty database.
pub(super) async fn migrate(
    connection: &mut PgConnection,
    functions: &Functions,
    keyring: &dyn Keyring,
    steps: &[Step],
    may_found: bool,
) -> Result<Vec<u8>, OpenError> {
    let mut transaction = connection.begin().await?;
    // Another node's migration may take as long as it needs to.
    transaction.execute("SET LOCAL lock_timeout = '10min'; SET LOCAL statement_timeout = '10min'").await?;
    transaction.execute("SELECT pg_advisory_xact_lock(hashtextextended('bob migrations', 0))").await?;
    run(&mut transaction, steps).await?;
    functions.create(&mut transaction).await?;
    let platform = platform_key(&mut transaction, keyring, may_found).await?;
    // Says at once what a turn would find out later: that the database cannot be written.
    sqlx::query(
        "INSERT INTO bob_health (node, at) VALUES (0, $1) ON CONFLICT (node) DO UPDATE SET at = excluded.at",
    )
    .bind(micros(Timestamp::now()))
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(platform)
}

/// Runs the steps that have not run yet.
async fn run(transaction: &mut PgConnection, steps: &[Step]) -> Result<(), OpenError> {
    use MigrateError::{Execute, ExecuteMigration, VersionMissing};

    let newest = steps.last().map_or(0, |&(number, ..)| number);
    match migrator(steps).run_direct(None, transaction, false).await {
        Ok(()) => Ok(()),
        Err(Execute(error) | ExecuteMigration(error, _)) => Err(error.into()),
        Err(VersionMissing(version)) if version > newest => {
            Err(OpenError::because(OpenErrorKind::Newer, VersionMissing(version)))
        }
        Err(error) => Err(OpenError::because(OpenErrorKind::NotBobs, error)),
    }
}

/// The wrapped platform key; a new database gets one, if it may be made.
async fn platform_key(
    connection: &mut PgConnection,
    keyring: &dyn Keyring,
    may_found: bool,
) -> Result<Vec<u8>, OpenError> {
    sqlx::query("SELECT set_config('bob.tenant', $1::uuid::text, true)")
        .bind(PLATFORM_REALM.as_uuid())
        .execute(&mut *connection)
        .await?;
    let known = sqlx::query("SELECT wrapped FROM bob_keys WHERE tenant_id = $1")
        .bind(PLATFORM_REALM.as_uuid())
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(row) = known {
        return Ok(row.try_get(0)?);
    }
    if !may_found {
        return Err(OpenError::because(OpenErrorKind::Missing, "it has no key yet"));
    }
    let wrapped = Vault::found(keyring).await?;
    sqlx::query("INSERT INTO bob_keys (tenant_id, wrapped, changed_at) VALUES ($1, $2, $3)")
        .bind(PLATFORM_REALM.as_uuid())
        .bind(&wrapped)
        .bind(micros(Timestamp::now()))
        .execute(connection)
        .await?;
    Ok(wrapped)
}
