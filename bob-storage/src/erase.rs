//! What goes with a tenant when it is deleted, the same in all databases.

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

/// Every table that holds rows of tenants, but that of their keys, and what follows the tenant in its key; those that
/// refer to others come before them. A test holds that none is missing.
pub(crate) const TABLES: [(&str, &str); 25] = [
    ("bob_outbox", "event_id"),
    ("bob_idempotency", "scope"),
    ("bob_messages", "conversation_id, number"),
    ("bob_turns", "turn_id"),
    ("bob_conversations", "conversation_id"),
    ("bob_identity_proofs", "proof_index"),
    ("bob_visitor_identities", "identity_index"),
    ("bob_identity_settings", ITSELF),
    ("bob_visitors", "visitor_id"),
    ("bob_spending", "spender_id"),
    ("bob_ledger", "number"),
    ("bob_credits", ITSELF),
    ("bob_refresh_tokens", "login_id, hash"),
    ("bob_logins", "login_id"),
    ("bob_links", "account_id, purpose"),
    ("bob_memberships", "account_id"),
    ("bob_synonyms", "position"),
    ("bob_knowledge_versions", "item_id, number"),
    ("bob_knowledge_items", "item_id"),
    ("bob_widget_key_origins", "key_id, position"),
    ("bob_widget_keys", "key_id"),
    ("bob_personas", "persona_id, version"),
    ("bob_tenant_hosts", "host"),
    ("bob_audit", "audit_id"),
    ("bob_tenants", ITSELF),
];

/// The key of a table with one row a tenant.
pub(crate) const ITSELF: &str = "tenant_id";

/// Deletes at most `$2` rows that belong to the tenant `$1`.
pub(crate) fn deletion(table: &str, key: &str) -> SqlStr {
    // Names of our own, which no statement can take as parameters.
    let sql = format!(
        "DELETE FROM {table} WHERE tenant_id = $1
         AND ({key}) IN (SELECT {key} FROM {table} WHERE tenant_id = $1 LIMIT $2)"
    );
    AssertSqlSafe(sql).into_sql_str()
}
