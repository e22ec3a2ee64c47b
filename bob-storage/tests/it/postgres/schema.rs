//! What tables and statements have in common.

use std::path::Path;

use sqlx::{AssertSqlSafe, Executor as _, Row as _, SqlSafeStr as _};

use super::{Database, answered, number};
use crate::schema::{EXCEPTIONS, literals};
use bob_core::testing::fixture;

#[tokio::test]
async fn every_key_begins_with_the_tenant() {
    let database = Database::new().await;
    let keys = sqlx::query(
        "SELECT t.relname::text, a.attname::text
         FROM pg_index i
         JOIN pg_class t ON t.oid = i.indrelid AND t.relnamespace = current_schema()::regnamespace
         JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
         WHERE i.indisunique",
    );
    let keys = keys.fetch_all(&mut database.beside().await).await.unwrap();
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
async fn tables_and_columns_are_the_same_as_on_sqlite() {
    let database = Database::new().await;
    let columns = "SELECT c.table_name || '.' || c.column_name FROM information_schema.columns c
                   WHERE c.table_schema = current_schema() AND c.table_name LIKE 'bob\\_%' ORDER BY 1";
    let postgres: Vec<String> =
        sqlx::query_scalar(columns).fetch_all(&mut database.beside().await).await.unwrap();
    let columns = "SELECT t.name || '.' || c.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c
                   WHERE t.name LIKE 'bob\\_%' ESCAPE '\\' AND t.type = 'table' ORDER BY 1";
    let sqlite: Vec<String> =
        sqlx::query_scalar(columns).fetch_all(&mut crate::fresh().await.beside().await).await.unwrap();
    assert_eq!(postgres, sqlite);
}

#[tokio::test]
async fn what_is_append_only_cannot_be_changed_by_any_statement() {
    let database = Database::new().await;
    let storage = database.open().await;
    let tenant = fixture::tenant(&storage, "shop").await;
    answered(&storage, &tenant).await;
    let mut other = database.beside().await;
    other.execute(AssertSqlSafe(format!("SET bob.tenant = '{tenant}'"))).await.unwrap();
    for table in ["bob_audit", "bob_ledger"] {
        for wrong in [
            format!("UPDATE {table} SET at = 0"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
            format!("DELETE FROM {table} WHERE false"),
        ] {
            let refused = other.execute(AssertSqlSafe(wrong)).await.unwrap_err().to_string();
            assert!(refused.contains("append-only"), "{table}: {refused}");
        }
    }
    for wrong in [
        "UPDATE bob_credits SET reserved = -1",
        "UPDATE bob_credits SET settled = -1",
        "UPDATE bob_credits SET reserved = granted + 1",
    ] {
        assert!(other.execute(wrong).await.is_err(), "{wrong}");
    }
    assert_eq!(number(&mut other, "SELECT count(*) FROM bob_audit").await, 3);
}

#[tokio::test]
async fn every_statement_prepares() {
    let database = Database::new().await;
    let mut connection = database.beside().await;
    let mut texts = Vec::new();
    literals(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/postgres"), &mut texts);
    // The functions' names end in a hash of their texts there.
    let names = sqlx::query_scalar::<_, String>(
        "SELECT proname::text FROM pg_proc WHERE proname ~ '^bob_.*_[0-9a-f]{8}$'",
    );
    let names = names.fetch_all(&mut connection).await.unwrap();
    assert_eq!(names.len(), 7, "{names:?}");
    let mut prepared = 0;
    for mut text in texts {
        if !matches!(text.split_whitespace().next(), Some("SELECT" | "INSERT" | "UPDATE" | "DELETE")) {
            continue;
        }
        for name in &names {
            let short = &name[..name.len() - 9];
            text = text.replace(&format!("{short}("), &format!("{name}("));
        }
        let statement = connection.prepare(AssertSqlSafe(text.clone()).into_sql_str()).await;
        assert!(statement.is_ok(), "{text}: {statement:?}");
        prepared += 1;
    }
    assert!(prepared >= 70, "only {prepared} found");
}
