//! Claims about knowledge.

use super::refused;
use crate::id::KnowledgeId;
use crate::knowledge::{Audience, KnowledgeStatus, KnowledgeText, Synonyms};
use crate::language::Language;
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::fixture;

fn text(title: &str) -> KnowledgeText {
    KnowledgeText::new(Language::DE, title, "Ein Satz. Noch einer.\n\nEin Absatz.")
        .and_then(|text| text.asked_as(["Wie?".to_owned(), "Warum „so“?".to_owned()]))
        .and_then(|text| text.found_at("https://shop.example/hilfe"))
        .unwrap()
}

async fn titles(store: &dyn Storage, tenant: &crate::id::TenantId, audience: Audience) -> Vec<String> {
    let (_, versions, _) = store.published_knowledge(tenant, audience).await.unwrap();
    versions.iter().map(|version| version.text.title().to_owned()).collect()
}

/// All approved versions appear together, in the order of their items, and replace what was published before.
pub async fn a_release_is_published_at_once(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let act = fixture::act();
    let (first, second) = (KnowledgeId::new(), KnowledgeId::new());
    for (item, title) in [(first, "A"), (second, "B"), (first, "A2")] {
        let version = store.draft_knowledge(&act, &tenant, &item, text(title)).await.unwrap();
        for status in [KnowledgeStatus::Review, KnowledgeStatus::Approved] {
            store.move_knowledge(&act, &tenant, &item, version.number, status).await.unwrap();
        }
    }
    assert_eq!(titles(store, &tenant, Audience::Public).await, ["Returns"], "approved is not published");
    let before = store.tenant_snapshot(&tenant).await.unwrap().release;

    let release = store.publish_knowledge(&act, &tenant).await.unwrap();

    assert!(release > before);
    let (shown, versions, _) = store.published_knowledge(&tenant, Audience::Public).await.unwrap();
    assert_eq!(shown, release);
    let (latest, rest) = (versions.iter().find(|v| v.item == first).unwrap(), versions.len());
    assert_eq!((latest.number, latest.status, rest), (2, KnowledgeStatus::Published, 3));
    assert_eq!(latest.text, text("A2"), "a text reads back as it was written");
    assert_eq!(titles(store, &tenant, Audience::Public).await, ["Returns", "A2", "B"]);
}

/// A draft is reviewed and approved before it is published, in that order.
pub async fn the_way_to_publication_cannot_be_cut_short(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let act = fixture::act();
    let item = KnowledgeId::new();
    let version = store.draft_knowledge(&act, &tenant, &item, text("A")).await.unwrap();
    assert_eq!((version.number, version.status), (1, KnowledgeStatus::Draft));

    for status in [KnowledgeStatus::Approved, KnowledgeStatus::Published, KnowledgeStatus::Draft] {
        refused(store.move_knowledge(&act, &tenant, &item, 1, status).await, StorageErrorKind::Conflict);
    }
    store.move_knowledge(&act, &tenant, &item, 1, KnowledgeStatus::Review).await.unwrap();
    store.publish_knowledge(&act, &tenant).await.unwrap();
    assert_eq!(titles(store, &tenant, Audience::Staff).await, ["Returns"], "review is not published");
    refused(
        store.move_knowledge(&act, &tenant, &item, 2, KnowledgeStatus::Review).await,
        StorageErrorKind::NotFound,
    );
}

/// A retired text is gone with the next release, which its retirement makes.
pub async fn retiring_takes_a_text_out_of_the_next_release(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let (before, versions, _) = store.published_knowledge(&tenant, Audience::Public).await.unwrap();
    let act = fixture::act();

    store.move_knowledge(&act, &tenant, &versions[0].item, 1, KnowledgeStatus::Retired).await.unwrap();

    let (after, versions, _) = store.published_knowledge(&tenant, Audience::Public).await.unwrap();
    assert!(after > before && versions.is_empty());
    assert_eq!(store.tenant_snapshot(&tenant).await.unwrap().release, after);
}

/// What is written for staff is found by staff only.
pub async fn staff_texts_are_not_for_the_public(store: &dyn Storage) {
    let mut onboarding = fixture::onboarding("shop");
    onboarding.knowledge.push((KnowledgeId::new(), text("Margins").for_audience(Audience::Staff)));
    onboarding.synonyms = Synonyms::new().with(Language::DE, ["Rückgabe", "Retoure"]);
    let (tenant, synonyms) = (onboarding.tenant.id, onboarding.synonyms.clone());
    store.onboard(&fixture::act(), onboarding).await.unwrap();

    assert_eq!(titles(store, &tenant, Audience::Public).await, ["Returns"]);
    assert_eq!(titles(store, &tenant, Audience::Staff).await, ["Returns", "Margins"]);
    assert_eq!(store.published_knowledge(&tenant, Audience::Public).await.unwrap().2, synonyms);
}

/// A tenant's texts cannot be touched under another tenant.
pub async fn another_tenants_item_cannot_be_drafted_or_moved(store: &dyn Storage) {
    let (owner, stranger) = (fixture::tenant(store, "owner").await, fixture::tenant(store, "stranger").await);
    let act = fixture::act();
    let item = store.published_knowledge(&owner, Audience::Public).await.unwrap().1[0].item;

    let drafted = store.draft_knowledge(&act, &stranger, &item, text("Mine now")).await;
    refused(drafted, StorageErrorKind::NotFound);
    let moved = store.move_knowledge(&act, &stranger, &item, 1, KnowledgeStatus::Retired).await;
    refused(moved, StorageErrorKind::NotFound);
    refused(
        store.published_knowledge(&crate::id::TenantId::new(), Audience::Public).await,
        StorageErrorKind::NotFound,
    );
    assert_eq!(titles(store, &owner, Audience::Public).await, ["Returns"]);
}
