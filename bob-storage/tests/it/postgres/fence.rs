//! The second fence: the database shows a statement the rows of the tenant it was set for, and no others.

use bob_core::account::{Role, TenantRole};
use bob_core::clock::later;
use bob_core::id::{TenantId, VisitorId};
use bob_core::identity::{IdentityChange, IdentitySecret};
use bob_core::knowledge::Synonyms;
use bob_core::language::Language;
use bob_core::storage::{
    ConversationStore as _, IdentityStore as _, LoginStore as _, MemberStore as _, Storage as _,
    TenantStore as _, VisitorStore as _, WidgetKeyStore as _,
};
use bob_core::testing::fixture;
use bob_core::turn::{BodyHash, IdempotencyClaim, IdempotencyScope, TurnStart};
use bob_core::visitor::{Claim, VisitorProfile};
use bob_storage::PostgresStorage;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection};
use std::time::Duration;

use super::{Database, answered};

/// Fills every table that belongs to a tenant.
async fn fill(storage: &PostgresStorage, slug: &str) -> TenantId {
    let mut shop = fixture::onboarding(slug);
    shop.people = vec![(fixture::account(&format!("anna@{slug}.example")), TenantRole::Owner)];
    shop.synonyms = Synonyms::new().with(Language::EN, ["return", "refund"]);
    shop.tenant.visitor_budget = Some(bob_core::credit::MilliCredits::credits(10));
    let tenant = shop.tenant.id;
    storage.onboard(&fixture::act(), shop).await.unwrap();
    answered(storage, &tenant).await;
    let scopes = vec![IdempotencyScope::new(tenant, &"key".parse().unwrap(), &[])];
    let claim = IdempotencyClaim { scopes, body: BodyHash::of(b"body") };
    let mut start = fixture::with_claim(fixture::start(VisitorId::new(), "s", "hi"), &claim);
    start.budgets.visitor = Some(bob_core::credit::MilliCredits::credits(10));
    fixture::open(storage, &tenant, TurnStart { ..start }).await;
    let now = fixture::now();
    let login = bob_core::account::Login {
        realm: tenant,
        id: bob_core::id::LoginId::new(),
        account: bob_core::id::AccountId::new(),
        kind: bob_core::account::AccountKind::Tenant,
        generation: 0,
        cookie_hash: [1; 32],
        started_at: now,
        idle_until: now,
        ends_at: now,
        ended_at: None,
    };
    storage.open_login(&fixture::act(), login, [2; 32]).await.unwrap();
    let secret = IdentitySecret::generate(now).unwrap();
    let added = IdentityChange::Add(secret);
    storage.change_identity(&fixture::act(), &tenant, None, added).await.unwrap();
    let person = VisitorProfile { subject: Some("7".to_owned()), ..VisitorProfile::default() };
    let identified = storage.recognise_visitor(&fixture::act(), &tenant, person).await.unwrap();
    let anonymous = VisitorId::new();
    let open = fixture::open(storage, &tenant, fixture::start(anonymous, "before", "hi")).await;
    fixture::settle(storage, &tenant, &open, 0).await;
    let proof_until = later(now, Duration::from_secs(3_600));
    let claim =
        Claim { anonymous, identified, proof: "once".to_owned(), proof_until, accept: true, since: now };
    storage.claim_visitor(&fixture::act(), &tenant, claim).await.unwrap();
    let invited = fixture::new_member(&format!("new@{slug}.example"), Role::Tenant(TenantRole::Agent));
    storage.add_member(&fixture::act(), &tenant, invited).await.unwrap();
    tenant
}

/// The tables that belong to tenants.
async fn tables(connection: &mut PgConnection) -> Vec<String> {
    let tables = "SELECT table_name::text FROM information_schema.columns
                  WHERE column_name = 'tenant_id' AND table_schema = current_schema() ORDER BY 1";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(connection).await.unwrap();
    assert!(tables.len() >= 20, "{tables:?}");
    tables
}

async fn rows(connection: &mut PgConnection, table: &str, condition: &str) -> i64 {
    let count = AssertSqlSafe(format!("SELECT count(*) FROM {table} WHERE {condition}"));
    sqlx::query_scalar(count).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn a_statement_that_forgets_the_tenant_sees_nothing_and_a_tenant_sees_only_its_own() {
    let database = Database::new().await;
    let storage = database.open().await;
    let (first, second) = (fill(&storage, "first").await, fill(&storage, "second").await);
    let mut other = database.beside().await;

    for table in tables(&mut other).await {
        assert_eq!(rows(&mut other, &table, "true").await, 0, "{table} without a tenant");
        for (tenant, stranger) in [(first, second), (second, first)] {
            let set = AssertSqlSafe(format!("SET bob.tenant = '{tenant}'"));
            other.execute(set).await.unwrap();
            assert!(rows(&mut other, &table, "true").await > 0, "{table} has a row of each tenant");
            let theirs = format!("tenant_id = '{stranger}'");
            assert_eq!(rows(&mut other, &table, &theirs).await, 0, "{table} of a stranger");
        }
        other.execute("RESET bob.tenant").await.unwrap();
        assert_eq!(rows(&mut other, &table, "true").await, 0, "{table} after its tenant was reset");
    }
}

#[tokio::test]
async fn no_row_can_be_given_to_another_tenant() {
    let database = Database::new().await;
    let storage = database.open().await;
    let (first, second) = (fill(&storage, "first").await, fill(&storage, "second").await);
    let mut other = database.beside().await;
    other.execute(AssertSqlSafe(format!("SET bob.tenant = '{first}'"))).await.unwrap();

    for table in tables(&mut other).await {
        let moved = AssertSqlSafe(format!("INSERT INTO {table} SELECT * FROM {table}"));
        let refused = other.execute(moved).await.unwrap_err().to_string();
        assert!(refused.contains("duplicate key"), "the row itself would fit: {table}: {refused}");
        if ["bob_audit", "bob_ledger"].contains(&table.as_str()) {
            continue;
        }
        let taken = AssertSqlSafe(format!("UPDATE {table} SET tenant_id = '{second}'"));
        let refused = other.execute(taken).await.unwrap_err().to_string();
        assert!(refused.contains("row-level security"), "{table}: {refused}");
    }
}

#[tokio::test]
async fn every_table_of_tenants_is_fenced_and_its_owner_is_not_exempt() {
    let database = Database::new().await;
    let mut other = database.beside().await;
    for table in tables(&mut other).await {
        let fenced = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = $1::regclass";
        let fenced: bool = sqlx::query_scalar(fenced).bind(&table).fetch_one(&mut other).await.unwrap();
        assert!(fenced, "{table}");
    }
}

#[tokio::test]
async fn questions_set_their_tenant_before_they_read_however_they_are_planned() {
    let database = Database::new().await;
    let storage = database.open().await;
    let tenant = fill(&storage, "shop").await;
    storage.close().await;
    for plan in ["nestloop", "hashjoin", "mergejoin", "indexscan", "seqscan", "material", "bitmapscan"] {
        let set = format!("options=-c%20enable_{plan}%3Doff");
        let storage = database.open_by(&set).await;
        // Often enough that a prepared statement gets a plan of its own for good.
        for _ in 0..7 {
            assert_eq!(storage.tenant_version(&tenant).await.unwrap(), 2, "without {plan}");
            assert_eq!(
                storage.tenant_snapshot(&tenant).await.unwrap().widget_keys.len(),
                1,
                "without {plan}"
            );
            assert_eq!(storage.live_origins(fixture::now()).await.unwrap().len(), 1, "without {plan}");
            let host = storage.tenant_of_host("shop.example").await.unwrap();
            assert_eq!(host, Some(tenant), "without {plan}");
        }
        let turn = answered(&storage, &tenant).await;
        let history = storage.history(&tenant, &turn.conversation, None, 10).await.unwrap();
        assert_eq!(history.messages.len(), 2, "without {plan}");
    }
}

#[tokio::test]
async fn a_role_that_passes_the_fence_is_warned_of() {
    let database = Database::new().await;
    assert_eq!(database.open().await.warnings(), [""; 0]);
    let Some(exempt) = database.open_as_superuser().await else { return };
    assert!(exempt.warnings()[0].contains("row-level security"), "{:?}", exempt.warnings());
}
