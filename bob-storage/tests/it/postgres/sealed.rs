//! Nothing that a visitor or a person said or is can be read in the tables.

use bob_core::account::{PLATFORM_REALM, TenantRole};
use bob_core::act::Via;
use bob_core::id::VisitorId;
use bob_core::storage::{AccountStore as _, TenantStore as _, TurnStore as _};
use bob_core::testing::fixture;
use sqlx::{AssertSqlSafe, Executor as _};

use super::Database;

const CANARY: &str = "kanarienvogel";
const ADDRESS: &str = "203.0.113.77";

#[tokio::test]
async fn nothing_anybody_said_or_is_can_be_read_in_the_tables() {
    let database = Database::new().await;
    let storage = database.open().await;
    let act = fixture::act().through(Via::Portal, Some(ADDRESS.parse().unwrap()));
    let mut shop = fixture::onboarding("shop");
    let person = |place: &str| bob_core::account::Account {
        name: format!("{CANARY} {place}"),
        ..fixture::account(&format!("{CANARY}.{place}@shop.example"))
    };
    shop.people = vec![(person("member"), TenantRole::Owner)];
    shop.persona.tone = "public-canary".to_owned();
    let tenant = shop.tenant.id;
    storage.onboard(&act, shop).await.unwrap();
    storage.create_account(&act, person("person")).await.unwrap();
    for at in [act.at, act.at + jiff::Span::new().minutes(10)] {
        let start = fixture::start(VisitorId::new(), &format!("{CANARY}-session"), &format!("{CANARY}?"));
        let open = fixture::open(&storage, &tenant, start).await;
        let finish = fixture::finish(&open, &format!("{CANARY}!"));
        storage.finish_turn(&fixture::act_at(at), &tenant, finish).await.unwrap();
    }

    let mut other = database.beside().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace",
    )
    .fetch_all(&mut other)
    .await
    .unwrap();
    let mut public = 0;
    for realm in [tenant, PLATFORM_REALM] {
        other.execute(AssertSqlSafe(format!("SET bob.tenant = '{realm}'"))).await.unwrap();
        for table in &tables {
            // Bytes are written in hexadecimal there.
            let holds = format!(
                "SELECT count(*) FILTER (WHERE t::text ILIKE '%' || $1 || '%'
                     OR t::text LIKE '%' || encode(convert_to($1, 'UTF8'), 'hex') || '%')
                 FROM {table} t"
            );
            let mut found = async |text: &str| {
                let count = sqlx::query_scalar::<_, i64>(AssertSqlSafe(holds.clone())).bind(text.to_owned());
                count.fetch_one(&mut other).await.unwrap()
            };
            assert_eq!((found(CANARY).await, found(ADDRESS).await), (0, 0), "{table}");
            public += found("public-canary").await;
        }
    }
    assert_eq!(public, 1, "the search finds what is public");
}
