//! Claims about widget keys, and how the widget looks.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::refused;
use crate::clock::later;
use crate::credit::MilliCredits;
use crate::id::{TenantId, WidgetKeyId};
use crate::language::Language;
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::fixture;
use crate::widget_key::{Corner, KeyMode, KeySettings, MOST_KEYS, PublishableKey, WidgetKey, WidgetSettings};

fn after(seconds: u64) -> Timestamp {
    later(fixture::now(), Duration::from_secs(seconds))
}

fn next(tenant: TenantId) -> (WidgetKeyId, PublishableKey) {
    (WidgetKeyId::new(), PublishableKey::generate(KeyMode::Live, tenant).unwrap())
}

fn settings(origins: &[&str]) -> KeySettings {
    KeySettings {
        name: "Shop „Süd“".to_owned(),
        origins: origins.iter().map(|origin| origin.parse().unwrap()).collect(),
        embed: false,
        messages_per_minute: 30.try_into().ok(),
        daily_budget: Some(MilliCredits::credits(5)),
    }
}

async fn key(store: &dyn Storage, tenant: &TenantId, id: &WidgetKeyId) -> WidgetKey {
    let keys = store.tenant_snapshot(tenant).await.unwrap().widget_keys;
    keys.into_iter().find(|key| key.id == *id).unwrap()
}

async fn first_key(store: &dyn Storage, tenant: &TenantId) -> WidgetKey {
    store.tenant_snapshot(tenant).await.unwrap().widget_keys.remove(0)
}

/// A key is changed as a whole, under the next version, by whoever knew the one before.
pub async fn a_change_follows_the_version_it_was_made_for(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let (act, old) = (fixture::act(), first_key(store, &tenant).await);
    let before = store.tenant_version(&tenant).await.unwrap();
    let wanted = settings(&["https://b.example", "https://*.a.example"]);

    let version = store.change_widget_key(&act, &tenant, &old.id, old.version, wanted.clone()).await.unwrap();

    let changed = key(store, &tenant, &old.id).await;
    assert_eq!(changed, WidgetKey { version, settings: wanted.clone(), ..old.clone() });
    assert!(version > old.version && store.tenant_version(&tenant).await.unwrap() > before);
    let stale = store.change_widget_key(&act, &tenant, &old.id, old.version, settings(&[])).await;
    refused(stale, StorageErrorKind::Stale);
    let both = tokio::join!(
        store.change_widget_key(&act, &tenant, &old.id, version, settings(&["https://one.example"])),
        store.change_widget_key(&act, &tenant, &old.id, version, settings(&["https://two.example"])),
    );
    assert_eq!([both.0, both.1].into_iter().filter(Result::is_ok).count(), 1, "one of two is too late");

    store.end_widget_key(&act, &tenant, &old.id, fixture::now()).await.unwrap();
    let ended = key(store, &tenant, &old.id).await;
    let late = store.change_widget_key(&act, &tenant, &old.id, ended.version, wanted).await;
    refused(late, StorageErrorKind::Conflict);
    assert_eq!(key(store, &tenant, &old.id).await, ended);
}

/// An end that is set moves to an earlier moment only.
pub async fn a_key_never_ends_later_than_it_was_told(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let id = first_key(store, &tenant).await.id;
    for (asked, ends) in [(60, 60), (90, 60), (30, 30), (60, 30)] {
        store.end_widget_key(&fixture::act(), &tenant, &id, after(asked)).await.unwrap();
        assert_eq!(key(store, &tenant, &id).await.ends_at, Some(after(ends)));
    }
}

/// A rotation adds the next key with the same settings and ends the old one, in the same moment or not at all.
pub async fn a_rotation_hands_the_settings_to_the_next_key(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let (act, old) = (fixture::act(), first_key(store, &tenant).await);
    let wanted = settings(&["https://b.example", "https://a.example"]);
    let version = store.change_widget_key(&act, &tenant, &old.id, old.version, wanted.clone()).await.unwrap();
    let (id, text) = next(tenant);

    let stale = store.rotate_widget_key(&act, &tenant, &old.id, old.version, next(tenant), after(60)).await;
    refused(stale, StorageErrorKind::Stale);
    store.rotate_widget_key(&act, &tenant, &old.id, version, (id, text.clone()), after(60)).await.unwrap();

    let new = key(store, &tenant, &id).await;
    assert_eq!(new, WidgetKey { id, ..WidgetKey::new(text, wanted) });
    let ending = key(store, &tenant, &old.id).await;
    assert_eq!((ending.ends_at, &ending.settings), (Some(after(60)), &new.settings));
    assert!(ending.is_live(after(59)) && !ending.is_live(after(60)));
    let again =
        store.rotate_widget_key(&act, &tenant, &old.id, ending.version, next(tenant), after(60)).await;
    refused(again, StorageErrorKind::Conflict);
    assert_eq!(store.tenant_snapshot(&tenant).await.unwrap().widget_keys.len(), 2);

    store.rotate_widget_key(&act, &tenant, &id, new.version, next(tenant), fixture::now()).await.unwrap();
    assert!(!key(store, &tenant, &id).await.is_live(fixture::now()), "a leaked key ends at once");
}

/// More live keys than may be are refused, and of the ended ones only the latest are kept.
pub async fn a_tenant_has_so_many_live_keys_and_keeps_as_many_ended_ones(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let act = fixture::act();
    for _ in 1..MOST_KEYS {
        store.add_widget_key(&act, &tenant, fixture::widget_key(tenant, &[])).await.unwrap();
    }
    let more = store.add_widget_key(&act, &tenant, fixture::widget_key(tenant, &[])).await;
    refused(more, StorageErrorKind::Conflict);
    let mut old = first_key(store, &tenant).await;
    let overlaps = store.rotate_widget_key(&act, &tenant, &old.id, 1, next(tenant), after(60)).await;
    refused(overlaps, StorageErrorKind::Conflict);
    assert_eq!(first_key(store, &tenant).await, old, "nothing of it happened");

    let mut ended = Vec::new();
    for second in 0..=MOST_KEYS as u64 {
        let (id, text) = next(tenant);
        let act = fixture::act_at(after(second));
        store.rotate_widget_key(&act, &tenant, &old.id, 1, (id, text), after(second)).await.unwrap();
        ended.push(old.id);
        old = key(store, &tenant, &id).await;
    }
    let kept = store.tenant_snapshot(&tenant).await.unwrap().widget_keys;
    assert_eq!(kept.len(), 2 * MOST_KEYS);
    let now = after(MOST_KEYS as u64);
    assert_eq!(kept.iter().filter(|key| key.is_live(now)).count(), MOST_KEYS);
    assert!(!kept.iter().any(|key| key.id == ended[0]), "the one that ended first is forgotten");
    assert!(ended[1..].iter().all(|id| kept.iter().any(|key| key.id == *id)));
}

/// How the widget looks is one value, under the next version, felt by every node.
pub async fn the_widgets_look_is_set_as_a_whole(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let act = fixture::act();
    let first = store.tenant_snapshot(&tenant).await.unwrap();
    assert_eq!(first.widget, WidgetSettings::default());
    let said = BTreeMap::from([
        (Language::DE, "Grüß Gott „Sie“ <b>".to_owned()),
        (Language::JA, "こんにちは".to_owned()),
    ]);
    let wanted = WidgetSettings {
        version: 99,
        corner: Corner::Left,
        colour: "#3f4bd8".parse().ok(),
        greeting: said.clone(),
        launcher: said,
    };

    assert_eq!(store.set_widget_settings(&act, &tenant, Some(0), wanted.clone()).await.unwrap(), 1);

    let second = store.tenant_snapshot(&tenant).await.unwrap();
    assert_eq!(second.widget, WidgetSettings { version: 1, ..wanted.clone() });
    assert!(second.version > first.version);
    let stale = store.set_widget_settings(&act, &tenant, Some(0), wanted).await;
    refused(stale, StorageErrorKind::Stale);
    assert_eq!(store.set_widget_settings(&act, &tenant, None, WidgetSettings::default()).await.unwrap(), 2);
    let usual = WidgetSettings { version: 2, ..WidgetSettings::default() };
    assert_eq!(store.tenant_snapshot(&tenant).await.unwrap().widget, usual);
}

/// A tenant's keys cannot be changed under another tenant.
pub async fn another_tenants_key_cannot_be_changed(store: &dyn Storage) {
    let (owner, stranger) = (fixture::tenant(store, "owner").await, fixture::tenant(store, "stranger").await);
    let (act, theirs) = (fixture::act(), first_key(store, &owner).await);
    let changed = store.change_widget_key(&act, &stranger, &theirs.id, 1, settings(&[])).await;
    refused(changed, StorageErrorKind::NotFound);
    let rotated = store.rotate_widget_key(&act, &stranger, &theirs.id, 1, next(stranger), after(0)).await;
    refused(rotated, StorageErrorKind::NotFound);
    let ended = store.end_widget_key(&act, &stranger, &theirs.id, after(0)).await;
    refused(ended, StorageErrorKind::NotFound);
    let nobody = TenantId::new();
    let added = store.add_widget_key(&act, &nobody, fixture::widget_key(nobody, &[])).await;
    refused(added, StorageErrorKind::NotFound);
    let set = store.set_widget_settings(&act, &nobody, None, WidgetSettings::default()).await;
    refused(set, StorageErrorKind::NotFound);
    assert_eq!(first_key(store, &owner).await, theirs);
    assert_eq!(store.tenant_snapshot(&stranger).await.unwrap().widget_keys.len(), 1);
}
