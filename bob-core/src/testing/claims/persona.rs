//! Claims about personas.

use super::refused;
use crate::id::{PersonaId, TenantId};
use crate::outbox::EventKind;
use crate::persona::{MOST_PERSONAS, PersonaText, Written};
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::fixture;

fn text(name: &str) -> PersonaText {
    PersonaText {
        name: name.to_owned(),
        description: "For tests, 日本語も。".to_owned(),
        tone: "brief".to_owned(),
        system_prompt: "You are {{ business.name }}'s \"front office\".".to_owned(),
    }
}

async fn default_of(store: &dyn Storage, tenant: &TenantId) -> PersonaId {
    store.tenant_snapshot(tenant).await.unwrap().persona.id
}

/// Versions stay as they were written; publishing says which of them holds, an older one too.
pub async fn a_persona_is_written_in_versions_of_which_one_is_published(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let (act, id) = (fixture::act(), PersonaId::new());
    let first = store.add_persona(&act, &tenant, &id, text("One"), Written::AsDraft).await.unwrap();
    assert_eq!((&first.latest, &first.published, first.is_default), (&text("One").at(id, 1), &None, false));
    assert_eq!(first.draft(), Some(&first.latest));

    let second =
        store.write_persona(&act, &tenant, &id, Some(1), text("Two"), Written::Published).await.unwrap();
    assert_eq!(second.published, Some(text("Two").at(id, 2)));
    assert_eq!((second.shown().version, second.draft()), (2, None));
    let third = store.write_persona(&act, &tenant, &id, None, text("Three"), Written::AsDraft).await.unwrap();
    assert_eq!((third.latest.version, third.shown().version), (3, 2));
    assert_eq!(third.draft().unwrap().name, "Three");
    let back = store.publish_persona(&act, &tenant, &id, 1, Some(3)).await.unwrap();
    assert_eq!((back.published.as_ref().unwrap().name.as_str(), back.latest.version), ("One", 3));
    assert_eq!(store.persona(&tenant, &id).await.unwrap(), back);

    let versions = store.persona_versions(&tenant, &id, None, 10).await.unwrap();
    let told: Vec<_> = versions.iter().map(|v| (v.persona.clone(), v.is_published, v.written_at)).collect();
    let expected = [(3, "Three", false), (2, "Two", false), (1, "One", true)];
    assert_eq!(told, expected.map(|(n, name, holds)| (text(name).at(id, n), holds, act.at)));
    let page = store.persona_versions(&tenant, &id, Some(3), 1).await.unwrap();
    assert_eq!((page.len(), page[0].persona.version), (1, 2));
    assert_eq!(store.persona_versions(&tenant, &id, Some(1), 5).await.unwrap(), []);
    for missing in [0, 4] {
        let published = store.publish_persona(&act, &tenant, &id, missing, None).await;
        refused(published, StorageErrorKind::NotFound);
    }
    refused(
        store.add_persona(&act, &tenant, &id, text("Twin"), Written::AsDraft).await,
        StorageErrorKind::Conflict,
    );
}

/// Turns speak as the default's published version says, from the snapshot on; each publication is told once.
pub async fn a_publication_changes_who_speaks_and_is_told(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let (act, id) = (fixture::act(), default_of(store, &tenant).await);
    let snapshot = async || store.tenant_snapshot(&tenant).await.unwrap();
    let begun = snapshot().await.version;

    store.write_persona(&act, &tenant, &id, None, text("Draft"), Written::AsDraft).await.unwrap();
    assert_eq!(snapshot().await.persona.version, 1, "a draft speaks nowhere");
    store.publish_persona(&act, &tenant, &id, 2, None).await.unwrap();
    let published = snapshot().await;
    assert_eq!(published.persona, text("Draft").at(id, 2));
    assert!(published.version > begun);
    store.publish_persona(&act, &tenant, &id, 2, None).await.unwrap();
    store.publish_persona(&act, &tenant, &id, 1, None).await.unwrap();
    assert_eq!(snapshot().await.persona.version, 1);

    let other = PersonaId::new();
    store.add_persona(&act, &tenant, &other, text("Other"), Written::Published).await.unwrap();
    assert_eq!(snapshot().await.persona.id, id);
    let chosen = store.set_default_persona(&act, &tenant, &other).await.unwrap();
    assert!(chosen.is_default && !store.persona(&tenant, &id).await.unwrap().is_default);
    assert_eq!(snapshot().await.persona, text("Other").at(other, 1));

    let told = store.outbox(&tenant, None, 100).await.unwrap();
    let told = told.iter().filter(|event| event.kind == EventKind::PersonaPublished);
    let told: Vec<_> = told.map(|event| (event.subject.persona, event.subject.number)).collect();
    assert_eq!(told, [(Some(id), Some(2)), (Some(id), Some(1)), (Some(other), Some(1))]);
}

/// A change that was meant for an older version changes nothing.
pub async fn whoever_knows_an_older_version_changes_nothing(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let (act, id) = (fixture::act(), PersonaId::new());
    store.add_persona(&act, &tenant, &id, text("One"), Written::Published).await.unwrap();
    store.write_persona(&act, &tenant, &id, Some(1), text("Two"), Written::AsDraft).await.unwrap();
    let known = store.persona(&tenant, &id).await.unwrap();
    for old in [0, 1, 3] {
        let written =
            store.write_persona(&act, &tenant, &id, Some(old), text("Late"), Written::Published).await;
        refused(written, StorageErrorKind::Stale);
        refused(store.publish_persona(&act, &tenant, &id, 2, Some(old)).await, StorageErrorKind::Stale);
        refused(store.delete_persona(&act, &tenant, &id, Some(old)).await, StorageErrorKind::Stale);
    }
    assert_eq!(store.persona(&tenant, &id).await.unwrap(), known);
    store.delete_persona(&act, &tenant, &id, Some(2)).await.unwrap();
    refused(store.persona(&tenant, &id).await, StorageErrorKind::NotFound);
}

/// There is always one who speaks.
pub async fn the_default_persona_stays_and_is_published(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let (act, default, draft) = (fixture::act(), default_of(store, &tenant).await, PersonaId::new());
    store.add_persona(&act, &tenant, &draft, text("Draft"), Written::AsDraft).await.unwrap();

    refused(store.set_default_persona(&act, &tenant, &draft).await, StorageErrorKind::Conflict);
    refused(store.delete_persona(&act, &tenant, &default, None).await, StorageErrorKind::Conflict);
    assert_eq!(store.personas(&tenant, None, 10).await.unwrap().len(), 2);
    store.publish_persona(&act, &tenant, &draft, 1, None).await.unwrap();
    store.set_default_persona(&act, &tenant, &draft).await.unwrap();
    store.delete_persona(&act, &tenant, &default, None).await.unwrap();

    let left = store.personas(&tenant, None, 10).await.unwrap();
    assert_eq!(left.iter().map(|one| (one.latest.id, one.is_default)).collect::<Vec<_>>(), [(draft, true)]);
    assert_eq!(store.personas(&tenant, Some(draft), 10).await.unwrap(), []);
    assert_eq!(store.tenant_snapshot(&tenant).await.unwrap().persona.id, draft);
    let gone = StorageErrorKind::NotFound;
    refused(store.persona(&tenant, &default).await, gone);
    refused(store.persona_versions(&tenant, &default, None, 10).await, gone);
    refused(store.write_persona(&act, &tenant, &default, None, text("x"), Written::AsDraft).await, gone);
    refused(store.publish_persona(&act, &tenant, &default, 1, None).await, gone);
    refused(store.set_default_persona(&act, &tenant, &default).await, gone);
    refused(store.delete_persona(&act, &tenant, &default, None).await, gone);
}

/// A persona is invisible, not forbidden, to every other tenant.
pub async fn another_tenants_persona_is_not_there(store: &dyn Storage) {
    let (shop, rival) = (fixture::tenant(store, "shop").await, fixture::tenant(store, "rival").await);
    let (act, id) = (fixture::act(), default_of(store, &shop).await);
    let known = store.persona(&shop, &id).await.unwrap();
    let gone = StorageErrorKind::NotFound;
    refused(store.persona(&rival, &id).await, gone);
    refused(store.persona_versions(&rival, &id, None, 10).await, gone);
    refused(store.write_persona(&act, &rival, &id, None, text("x"), Written::Published).await, gone);
    refused(store.publish_persona(&act, &rival, &id, 1, None).await, gone);
    refused(store.set_default_persona(&act, &rival, &id).await, gone);
    refused(store.delete_persona(&act, &rival, &id, None).await, gone);
    refused(store.personas(&TenantId::new(), None, 10).await, gone);
    let nobody =
        store.add_persona(&act, &TenantId::new(), &PersonaId::new(), text("x"), Written::AsDraft).await;
    refused(nobody, gone);
    assert_eq!(store.persona(&shop, &id).await.unwrap(), known);
    assert!(store.personas(&rival, None, 10).await.unwrap().iter().all(|one| one.latest.id != id));
}

/// Of many who write at once each gets a version, and none is lost.
pub async fn parallel_writers_get_versions_of_their_own(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let (act, id) = (fixture::act(), default_of(store, &tenant).await);
    let write = |name: &'static str| {
        let act = &act;
        async move { store.write_persona(act, &tenant, &id, None, text(name), Written::Published).await }
    };
    let (a, b, c, d) = tokio::join!(write("a"), write("b"), write("c"), write("d"));
    let mut numbers = [a, b, c, d].map(|written| written.unwrap().latest.version);
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3, 4, 5]);
    let versions = store.persona_versions(&tenant, &id, None, 10).await.unwrap();
    assert_eq!(versions.iter().filter(|version| version.is_published).count(), 1);
    assert_eq!(versions.len(), 5);
}

/// A tenant has so many personas and no more; a deleted one makes room.
pub async fn personas_are_bounded(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let act = fixture::act();
    let add = async || {
        let id = PersonaId::new();
        let added = store.add_persona(&act, &tenant, &id, text("More"), Written::AsDraft).await;
        added.map(|added| added.latest.id)
    };
    let mut last = add().await.unwrap();
    for _ in 2..MOST_PERSONAS {
        last = add().await.unwrap();
    }
    refused(add().await, StorageErrorKind::Conflict);
    store.delete_persona(&act, &tenant, &last, None).await.unwrap();
    add().await.unwrap();
}
