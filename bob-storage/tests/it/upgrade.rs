//! Databases that an earlier version left behind: each is opened, brought up to date, and tells what it was told.
//!
//! A fixture is what a version's database held when that version was released, as statements; it is never changed.
//! It has one shop, one turn that was answered and one that nobody finished, sealed under the root key of these tests.

use bob_core::conversation::{ConversationKey, Door, Role};
use bob_core::credit::{LedgerKind, MilliCredits};
use bob_core::id::VisitorId;
use bob_core::inbox::{InboxFilter, InboxState};
use bob_core::knowledge::Audience;
use bob_core::storage::Storage;
use bob_core::tenant::TenantRef;
use bob_core::testing::{books, fixture};
use bob_core::turn::LEASE;
use sqlx::{ConnectOptions as _, Connection as _};
use uuid::Uuid;

use crate::postgres::{Database, run};

const VISITOR: VisitorId = VisitorId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002));

/// What every fixture tells, and that turns go on in it.
async fn tells_what_it_was_told(store: &dyn Storage) {
    let shop = store.find_tenant(&TenantRef::Slug("shop".parse().unwrap())).await.unwrap().unwrap();
    let anna = store.account_by_email(&"anna@shop.example".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(store.memberships(&anna.id).await.unwrap()[0].tenant, shop);

    let key = ConversationKey { door: Door::Public, visitor: VISITOR, session: "s".parse().unwrap() };
    let conversation = store.conversation(&shop, &key).await.unwrap().unwrap();
    let said = store.history(&shop, &conversation.id, None, 10).await.unwrap().messages;
    let latest = said[2].at;
    let said: Vec<_> = said.iter().map(|message| (message.said.role, message.said.text.as_str())).collect();
    let answer = fixture::answer("Within 30 days").text();
    let told = [
        (Role::Visitor, "Can I return this?"),
        (Role::Bot, answer.as_str()),
        (Role::Visitor, "And the money?"),
    ];
    assert_eq!(said, told);

    let release = store.tenant_snapshot(&shop).await.unwrap().release_at(fixture::now());
    let (texts, _) = store.published_knowledge(&shop, release, Audience::Public).await.unwrap();
    assert_eq!(texts.iter().map(|version| version.text.title()).collect::<Vec<_>>(), ["Returns"]);
    let all = InboxFilter { state: InboxState::Open, door: None };
    let listed = store.inbox(&shop, &all, None, 10).await.unwrap();
    assert_eq!((listed.len(), listed[0].id, listed[0].messages), (1, conversation.id, 3));
    assert_eq!(listed[0].active_at, latest, "the latest message tells when it was active");

    let found = books::audited(store, &shop).await;
    let moved =
        [(LedgerKind::Grant, 1_000_000), (LedgerKind::Settlement, -1_000), (LedgerKind::Correction, -500)];
    assert_eq!(found.movements(), moved);
    assert_eq!(found.usage.balance.reserved, MilliCredits::credits(1));

    let later = fixture::act_at(bob_core::clock::later(fixture::now(), LEASE));
    assert_eq!(store.sweep_turns(&later, 10).await.unwrap(), 1);
    assert_eq!(books::audited(store, &shop).await.usage.balance.reserved, MilliCredits::ZERO);
    let open = fixture::open(store, &shop, fixture::start(VISITOR, "s", "Once more")).await;
    assert_eq!((open.conversation, open.history.len()), (conversation.id, 3));
}

#[tokio::test]
async fn a_sqlite_database_of_version_1_tells_what_it_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = crate::file_in(&folder);
    let mut file = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .foreign_keys(false)
        .connect()
        .await
        .unwrap();
    sqlx::raw_sql(include_str!("../fixtures/schema_1.sqlite.sql")).execute(&mut file).await.unwrap();
    file.close().await.unwrap();

    let storage = crate::open(path).await;
    tells_what_it_was_told(&storage).await;
    storage.close().await;
}

#[tokio::test]
async fn a_postgres_database_of_version_1_tells_what_it_was_told() {
    let database = Database::empty().await;
    let mut host = database.beside().await;
    run(&mut host, include_str!("../fixtures/schema_1.postgres.sql")).await;
    drop(host);

    let storage = database.open().await;
    tells_what_it_was_told(&storage).await;
    storage.close().await;
}
