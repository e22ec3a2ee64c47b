//! What tables and statements have in common.

use std::path::Path;

use bob_core::storage::TenantStore as _;
use bob_core::testing::fixture;
use sqlx::{AssertSqlSafe, Executor as _, Row as _, SqlSafeStr as _, SqliteConnection};

use crate::{Fresh, answered, fresh, number};

/// Keys that do not begin with the tenant, and why they cannot.
pub const EXCEPTIONS: [(&str, &str); 8] = [
    ("bob_tenants", "slug"),         // names a tenant to those who do not know it yet
    ("bob_tenant_hosts", "host"),    // the same
    ("bob_accounts", "account_id"),  // a person may belong to several tenants, or to the platform
    ("bob_accounts", "email_index"), // the login directory
    ("bob_pricebooks", "version"),   // belong to no tenant
    ("bob_signing_keys", "number"),  // the same
    ("bob_health", "node"),          // belongs to nobody
    ("_bob_migrations", "version"),  // the same
];

#[tokio::test]
async fn every_key_begins_with_the_tenant() {
    let fresh = fresh().await;
    let mut connection = fresh.beside().await;
    let keys = sqlx::query(
        "SELECT s.name, first.name
         FROM sqlite_schema s
         JOIN pragma_index_list(s.name) i
         JOIN pragma_index_info(i.name) first ON first.seqno = 0
         WHERE s.type = 'table' AND i.\"unique\"
         UNION
         SELECT s.name, c.name
         FROM sqlite_schema s JOIN pragma_table_info(s.name) c ON c.pk = 1
         WHERE s.type = 'table'",
    );
    let keys = keys.fetch_all(&mut connection).await.unwrap();
    assert!(keys.len() > 20, "the question finds keys");
    let mut unused = EXCEPTIONS.to_vec();
    for key in &keys {
        let key: (&str, &str) = (key.get(0), key.get(1));
        unused.retain(|exception| *exception != key);
        assert!(key.1 == "tenant_id" || EXCEPTIONS.contains(&key), "{key:?} does not begin with the tenant");
    }
    assert!(unused.is_empty(), "no exceptions any more: {unused:?}");
}

#[tokio::test]
async fn every_table_keeps_its_types() {
    let fresh = fresh().await;
    let loose = "SELECT count(*) FROM pragma_table_list
                 WHERE name LIKE 'bob\\_%' ESCAPE '\\' AND type = 'table' AND NOT strict";
    assert_eq!(number(&mut fresh.beside().await, loose).await, 0);
}

#[tokio::test]
async fn credits_cannot_be_spent_twice_by_any_statement() {
    let fresh = fresh().await;
    fixture::tenant(&fresh.storage, "shop").await;
    let mut connection = fresh.beside().await;
    for wrong in [
        "UPDATE bob_credits SET reserved = -1",
        "UPDATE bob_credits SET settled = -1",
        "UPDATE bob_credits SET reserved = granted + 1",
        "UPDATE bob_credits SET reserved = 600000, settled = 600000",
    ] {
        assert!(connection.execute(wrong).await.is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn audit_and_ledger_are_append_only_and_the_audit_quotes_nobody() {
    let fresh = fresh().await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    let turn = answered(&fresh.storage, &tenant).await;
    let mut connection = fresh.beside().await;

    let rows = sqlx::query(
        "SELECT operation, part_of, concat_ws(' ', request_id, reason, principal_kind) FROM bob_audit
         WHERE tenant_id = $1 ORDER BY audit_id",
    )
    .bind(tenant.as_uuid().as_bytes().to_vec())
    .fetch_all(&mut connection)
    .await
    .unwrap();

    let operations: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(operations, ["onboard", "begin_turn", "finish_turn"]);
    for row in &rows[1..] {
        assert_eq!(row.get::<&[u8], _>(1), turn.conversation.as_uuid().as_bytes());
        assert_eq!(row.get::<&str, _>(2), "test system");
    }
    for wrong in [
        "UPDATE bob_audit SET reason = 'other'",
        "DELETE FROM bob_audit",
        "UPDATE bob_ledger SET amount = 1",
        "DELETE FROM bob_ledger",
    ] {
        assert!(connection.execute(wrong).await.is_err(), "{wrong}");
    }
}

/// What is deleted with a tenant, as the source lists it, and its key.
pub fn deleted_with_a_tenant() -> Vec<String> {
    let source = include_str!("../../src/erase.rs");
    let rows = source.lines().filter_map(|line| line.trim().strip_prefix("(\"")?.split_once('"'));
    let mut tables: Vec<String> = rows.map(|(table, _)| table.to_owned()).collect();
    tables.push("bob_keys".to_owned());
    tables.sort();
    tables
}

#[tokio::test]
async fn every_table_of_tenants_is_deleted_with_them() {
    let tables = "SELECT t.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c
                  WHERE t.name LIKE 'bob\\_%' ESCAPE '\\' AND t.type = 'table' AND c.name = 'tenant_id' ORDER BY 1";
    let tables: Vec<String> =
        sqlx::query_scalar(tables).fetch_all(&mut fresh().await.beside().await).await.unwrap();
    assert_eq!(deleted_with_a_tenant(), tables, "src/erase.rs lists what is deleted");
}

#[tokio::test]
async fn a_deletion_is_told_on_the_platform_and_leaves_no_row() {
    let fresh = fresh().await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    answered(&fresh.storage, &tenant).await;
    let delete = bob_core::tenant::StandingChange::Delete;
    fresh.storage.change_standing(&fixture::act(), &tenant, delete).await.unwrap();
    let late = fixture::act_at(bob_core::clock::later(fixture::now(), bob_core::tenant::DELETION_GRACE));
    let mut connection = fresh.beside().await;

    assert!(fresh.storage.erase_tenant(&late, &tenant, 100).await.unwrap(), "the key goes first");
    assert_eq!(number(&mut connection, "SELECT count(*) FROM bob_messages").await, 2);
    let keys = "SELECT count(*) FROM bob_keys WHERE tenant_id <> zeroblob(16)";
    assert_eq!(number(&mut connection, keys).await, 0);
    while fresh.storage.erase_tenant(&late, &tenant, 100).await.unwrap() {}

    for table in deleted_with_a_tenant() {
        let left = AssertSqlSafe(format!("SELECT count(*) FROM {table} WHERE tenant_id <> zeroblob(16)"));
        let left: i64 = sqlx::query_scalar(left).fetch_one(&mut connection).await.unwrap();
        assert_eq!(left, 0, "{table}");
    }
    let told = "SELECT group_concat(operation, ' ') FROM bob_audit WHERE subject = (SELECT max(subject) FROM bob_audit)";
    let told: String = sqlx::query_scalar(told).fetch_one(&mut connection).await.unwrap();
    assert_eq!(told, "erase_tenant tenant_erased");
}

/// The texts between quotes in all sources below a folder.
pub fn literals(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            literals(&path, found);
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap();
        let code: Vec<&str> = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let code = code.join("\n");
        assert!(
            !code.contains("'\"'") && !code.contains("r#\"") && !code.contains("\\\""),
            "{}",
            path.display()
        );
        found.extend(code.split('"').skip(1).step_by(2).map(str::to_owned));
    }
}

/// A connection that knows the writer's procedures, and all other statements, one by one.
async fn statements(fresh: &Fresh) -> (SqliteConnection, Vec<String>) {
    let mut connection = fresh.beside().await;
    let mut texts = Vec::new();
    literals(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sqlite"), &mut texts);
    let (mut procedures, mut statements) = (0, Vec::new());
    for text in texts {
        match text.split_whitespace().next() {
            Some("CREATE") => {
                sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
                procedures += 1;
            }
            Some("SELECT" | "INSERT" | "UPDATE" | "DELETE") => {
                statements.extend(text.split(';').map(|statement| statement.trim().to_owned()));
            }
            _ => {}
        }
    }
    assert!(procedures == 2 && statements.len() >= 60, "only {procedures} and {} found", statements.len());
    (connection, statements)
}

#[tokio::test]
async fn every_statement_prepares() {
    let (mut connection, statements) = statements(&fresh().await).await;
    for statement in statements {
        let prepared = connection.prepare(AssertSqlSafe(statement.clone()).into_sql_str()).await;
        assert!(prepared.is_ok(), "{statement}: {prepared:?}");
    }
}

#[tokio::test]
async fn no_statement_reads_a_whole_table_but_the_index_of_origins_and_the_few_pricebooks_and_keys() {
    let (mut connection, statements) = statements(&fresh().await).await;
    let mut scans = Vec::new();
    for statement in statements {
        let plan = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let steps = sqlx::query(plan).fetch_all(&mut connection).await.unwrap();
        let steps = steps.iter().map(|step| step.get::<String, _>("detail"));
        let whole = |step: &String| step.starts_with("SCAN ") && !step.contains("CONSTANT ROW");
        scans.extend(steps.filter(|step| whole(step) && !step.contains("USING")));
    }
    scans.sort();
    scans.dedup();
    assert_eq!(
        scans,
        ["SCAN bob_pricebooks", "SCAN bob_signing_keys", "SCAN o"],
        "all origins of all tenants"
    );
}
