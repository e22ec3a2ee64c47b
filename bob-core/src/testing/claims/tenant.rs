//! Claims about tenants.

use std::time::Duration;

use super::refused;
use crate::clock::later;
use crate::credit::MilliCredits;
use crate::id::{TenantId, WidgetKeyId};
use crate::storage::{Storage, StorageErrorKind};
use crate::tenant::TenantRef;
use crate::testing::fixture;

/// A slug, a host and an identifier name one tenant or none.
pub async fn a_slug_and_a_host_belong_to_one_tenant(store: &dyn Storage) {
    let first = fixture::tenant(store, "first").await;
    let second = fixture::tenant(store, "second").await;

    let by_slug = |slug: &str| TenantRef::Slug(slug.parse().unwrap());
    assert_eq!(store.find_tenant(&by_slug("first")).await.unwrap(), Some(first));
    assert_eq!(store.find_tenant(&by_slug("third")).await.unwrap(), None);
    assert_eq!(store.find_tenant(&first.into()).await.unwrap(), Some(first));
    assert_eq!(store.find_tenant(&TenantId::new().into()).await.unwrap(), None);
    assert_eq!(store.tenant_of_host("second.example").await.unwrap(), Some(second));
    assert_eq!(store.tenant_of_host("third.example").await.unwrap(), None);
}

/// When any part of an onboarding collides, nothing of it is there.
pub async fn onboarding_is_all_or_nothing(store: &dyn Storage) {
    fixture::tenant(store, "first").await;
    let mut twin = fixture::onboarding("twin");
    twin.tenant.hosts = vec!["first.example".to_owned()];
    twin.people = vec![(fixture::account("twin@shop.example"), crate::account::TenantRole::Owner)];
    let id = twin.tenant.id;

    refused(store.onboard(&fixture::act(), twin).await, StorageErrorKind::Conflict);

    refused(store.tenant_snapshot(&id).await, StorageErrorKind::NotFound);
    assert!(store.account_by_email(&"twin@shop.example".parse().unwrap()).await.unwrap().is_none());
    refused(store.onboard(&fixture::act(), fixture::onboarding("first")).await, StorageErrorKind::Conflict);
}

/// What a snapshot holds never changes without a new version.
pub async fn a_snapshot_shows_each_change_under_a_new_version(store: &dyn Storage) {
    let onboarding = fixture::onboarding("shop");
    let id = onboarding.tenant.id;
    store.onboard(&fixture::act(), onboarding.clone()).await.unwrap();

    let first = store.tenant_snapshot(&id).await.unwrap();
    assert_eq!((&first.tenant, &first.persona), (&onboarding.tenant, &onboarding.persona));
    assert_eq!(first.widget_keys.len(), 1);
    let key = first.widget_keys[0].clone();
    assert_eq!(
        (&key, &key.settings),
        (&onboarding.widget_key, &fixture::widget_key(id, &["https://shop.example"]).settings)
    );
    assert_eq!(store.tenant_version(&id).await.unwrap(), first.version);

    let other = vec!["https://*.shop.example".parse().unwrap(), "http://localhost:8080".parse().unwrap()];
    store.add_key_origins(&fixture::act(), &id, &key.id, other.clone()).await.unwrap();
    let second = store.tenant_snapshot(&id).await.unwrap();
    assert!(second.version > first.version);
    assert_eq!(second.widget_keys[0].settings.origins[1..], other);

    store.end_widget_key(&fixture::act(), &id, &key.id, fixture::now()).await.unwrap();
    let third = store.tenant_snapshot(&id).await.unwrap();
    assert!(third.version > second.version);
    assert_eq!(third.widget_keys[0].ends_at, Some(fixture::now()));

    store.add_widget_key(&fixture::act(), &id, fixture::widget_key(id, &[])).await.unwrap();
    assert_eq!(store.tenant_snapshot(&id).await.unwrap().widget_keys.len(), 2);
    refused(store.add_widget_key(&fixture::act(), &id, key.clone()).await, StorageErrorKind::Conflict);

    let release = store.publish_knowledge(&fixture::act(), &id).await.unwrap();
    let last = store.tenant_snapshot(&id).await.unwrap();
    assert!(last.version > third.version && last.release == release && release > first.release);

    let stranger = fixture::tenant(store, "stranger").await;
    let theirs = store.add_key_origins(&fixture::act(), &stranger, &key.id, Vec::new()).await;
    refused(theirs, StorageErrorKind::NotFound);
    let missing = store.end_widget_key(&fixture::act(), &id, &WidgetKeyId::new(), fixture::now()).await;
    refused(missing, StorageErrorKind::NotFound);
    assert_eq!(store.credit_balance(&id).await.unwrap().granted, MilliCredits::credits(1_000));
    refused(store.credit_balance(&TenantId::new()).await, StorageErrorKind::NotFound);
    refused(store.tenant_version(&TenantId::new()).await, StorageErrorKind::NotFound);
}

/// A preflight that names no tenant learns of live keys only.
pub async fn ended_keys_leave_the_index_of_origins(store: &dyn Storage) {
    let id = fixture::tenant(store, "shop").await;
    let key = store.tenant_snapshot(&id).await.unwrap().widget_keys[0].id;
    let end = later(fixture::now(), Duration::from_secs(60));
    assert_eq!(store.live_origins(fixture::now()).await.unwrap(), ["https://shop.example".parse().unwrap()]);

    store.end_widget_key(&fixture::act(), &id, &key, end).await.unwrap();

    assert_eq!(store.live_origins(fixture::now()).await.unwrap().len(), 1, "the overlap still holds");
    assert_eq!(store.live_origins(end).await.unwrap(), []);
}

/// Nodes that add their own pages to a key at once take nothing from each other.
pub async fn origins_that_are_added_at_once_all_stand(store: &dyn Storage) {
    let onboarding = fixture::onboarding("shop");
    let (id, key) = (onboarding.tenant.id, onboarding.widget_key.id);
    store.onboard(&fixture::act(), onboarding).await.unwrap();
    let origin = |text: &str| text.parse::<crate::origin::OriginPattern>().unwrap();
    let act = fixture::act();
    let (first, second, known) = (
        vec![origin("https://one.example"), origin("https://both.example")],
        vec![origin("https://both.example"), origin("https://two.example")],
        vec![origin("https://shop.example")],
    );
    let (a, b, c) = tokio::join!(
        store.add_key_origins(&act, &id, &key, first),
        store.add_key_origins(&act, &id, &key, second),
        store.add_key_origins(&act, &id, &key, known),
    );
    a.and(b).and(c).unwrap();

    let mut origins = store.tenant_snapshot(&id).await.unwrap().widget_keys[0].settings.origins.clone();
    origins.sort();
    let mut all =
        ["https://both.example", "https://one.example", "https://shop.example", "https://two.example"]
            .map(origin)
            .to_vec();
    all.sort();
    assert_eq!(origins, all);
    let unknown = store.add_key_origins(&act, &id, &WidgetKeyId::new(), Vec::new()).await;
    refused(unknown, StorageErrorKind::NotFound);
}
