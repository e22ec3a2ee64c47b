//! Claims about knowledge.

use std::time::Duration;

use jiff::Timestamp;

use super::refused;
use crate::clock::later;
use crate::id::{KnowledgeId, TenantId};
use crate::knowledge::{
    Audience, ImportInto, ImportedAs, KnowledgeFilter, KnowledgeStatus, KnowledgeText, KnowledgeVersion,
    Synonyms,
};
use crate::language::Language;
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::fixture;
use ImportedAs::{Created, Unchanged, Updated};
use KnowledgeStatus::{Approved, Draft, Published, Retired, Review};

fn text(title: &str) -> KnowledgeText {
    KnowledgeText::new(Language::DE, title, "Ein Satz. Noch einer.\n\nEin Absatz.")
        .and_then(|text| text.asked_as(["Wie?".to_owned(), "Warum „so“?".to_owned()]))
        .and_then(|text| text.found_at("https://shop.example/hilfe"))
        .unwrap()
}

fn after(seconds: u64) -> Timestamp {
    later(fixture::now(), Duration::from_secs(seconds))
}

/// What an audience is answered from at a moment.
async fn titles_at(
    store: &dyn Storage,
    tenant: &TenantId,
    audience: Audience,
    now: Timestamp,
) -> Vec<String> {
    let release = store.tenant_snapshot(tenant).await.unwrap().release_at(now);
    titles_of(store, tenant, audience, release).await
}

async fn titles(store: &dyn Storage, tenant: &TenantId, audience: Audience) -> Vec<String> {
    titles_at(store, tenant, audience, fixture::now()).await
}

async fn titles_of(store: &dyn Storage, tenant: &TenantId, audience: Audience, release: u64) -> Vec<String> {
    let (versions, _) = store.published_knowledge(tenant, release, audience).await.unwrap();
    assert!(
        versions.iter().all(|version| version.status == Published),
        "a release holds what was published in it"
    );
    versions.iter().map(|version| version.text.title().to_owned()).collect()
}

/// A new item whose first version is in review.
async fn reviewed(store: &dyn Storage, tenant: &TenantId, text: KnowledgeText) -> KnowledgeId {
    let item = KnowledgeId::new();
    store.add_knowledge(&fixture::act(), tenant, &item, text).await.unwrap();
    store.move_knowledge(&fixture::act(), tenant, &item, 1, Review).await.unwrap();
    item
}

async fn published(store: &dyn Storage, tenant: &TenantId, text: KnowledgeText) -> KnowledgeId {
    let item = reviewed(store, tenant, text).await;
    store.approve_knowledge(&fixture::act(), tenant, &item, 1).await.unwrap().unwrap();
    item
}

async fn drafted(
    store: &dyn Storage,
    tenant: &TenantId,
    item: &KnowledgeId,
    title: &str,
) -> KnowledgeVersion {
    store.draft_knowledge(&fixture::act(), tenant, item, None, text(title)).await.unwrap()
}

/// All approved versions appear together, in the order of their items, and replace what was published before.
pub async fn a_release_is_published_at_once(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let act = fixture::act();
    store.gather_releases(&act, &tenant, true).await.unwrap();
    let first = reviewed(store, &tenant, text("A")).await;
    assert_eq!(store.approve_knowledge(&act, &tenant, &first, 1).await.unwrap(), None);
    let second = reviewed(store, &tenant, text("B")).await;
    store.approve_knowledge(&act, &tenant, &second, 1).await.unwrap();
    let again = drafted(store, &tenant, &first, "A2").await;
    store.move_knowledge(&act, &tenant, &first, again.number, Review).await.unwrap();
    store.approve_knowledge(&act, &tenant, &first, again.number).await.unwrap();
    assert_eq!(titles(store, &tenant, Audience::Public).await, ["Returns"], "approved is not published");
    let before = store.tenant_snapshot(&tenant).await.unwrap();
    assert!(before.gathers_releases);

    let release = store.publish_knowledge(&act, &tenant).await.unwrap();

    assert!(release > before.release);
    assert_eq!(store.tenant_snapshot(&tenant).await.unwrap().release, release);
    let (versions, _) = store.published_knowledge(&tenant, release, Audience::Public).await.unwrap();
    let (latest, rest) = (versions.iter().find(|v| v.item == first).unwrap(), versions.len());
    assert_eq!((latest.number, latest.status, rest), (2, Published, 3));
    assert_eq!(latest.text, text("A2"), "a text reads back as it was written");
    assert_eq!(titles(store, &tenant, Audience::Public).await, ["Returns", "A2", "B"]);
    let item = store.knowledge_item(&tenant, &first).await.unwrap();
    assert_eq!(
        item.steps.iter().map(|step| (step.number, step.status)).collect::<Vec<_>>(),
        [(2, Published), (1, Retired)]
    );
}

/// Approving publishes in the same moment: that version alone, in the place of the item's own.
pub async fn approving_publishes_unless_releases_are_gathered(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let act = fixture::act();
    store.gather_releases(&act, &tenant, true).await.unwrap();
    let waits = reviewed(store, &tenant, text("Waits")).await;
    store.approve_knowledge(&act, &tenant, &waits, 1).await.unwrap();
    store.gather_releases(&act, &tenant, false).await.unwrap();

    let item = reviewed(store, &tenant, text("A")).await;
    let before = store.tenant_snapshot(&tenant).await.unwrap();
    let first = store.approve_knowledge(&act, &tenant, &item, 1).await.unwrap().unwrap();
    let snapshot = store.tenant_snapshot(&tenant).await.unwrap();
    assert!(snapshot.release == first && first > before.release && snapshot.version > before.version);
    assert_eq!(titles(store, &tenant, Audience::Public).await, ["Returns", "A"]);
    drafted(store, &tenant, &item, "A2").await;
    store.move_knowledge(&act, &tenant, &item, 2, Review).await.unwrap();
    assert_eq!(
        titles(store, &tenant, Audience::Public).await,
        ["Returns", "A"],
        "the old one stands meanwhile"
    );
    store.approve_knowledge(&act, &tenant, &item, 2).await.unwrap().unwrap();
    assert_eq!(titles(store, &tenant, Audience::Public).await, ["Returns", "A2"]);
    refused(store.approve_knowledge(&act, &tenant, &item, 2).await, StorageErrorKind::Conflict);
    refused(store.approve_knowledge(&act, &tenant, &item, 3).await, StorageErrorKind::NotFound);

    let late = reviewed(store, &tenant, text("Late").until(fixture::now())).await;
    refused(store.approve_knowledge(&act, &tenant, &late, 1).await, StorageErrorKind::Conflict);
    store.publish_knowledge(&act, &tenant).await.unwrap();
    assert_eq!(titles(store, &tenant, Audience::Public).await, ["Returns", "Waits", "A2"]);
}

/// What a number held, it holds after others were published: a turn that began before is answered from it.
pub async fn a_release_holds_the_same_when_later_ones_are_published(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let act = fixture::act();
    let mut told = vec![(store.tenant_snapshot(&tenant).await.unwrap().release, vec!["Returns".to_owned()])];
    let mut note = async |store: &dyn Storage| {
        let release = store.tenant_snapshot(&tenant).await.unwrap().release;
        told.push((release, titles_of(store, &tenant, Audience::Public, release).await));
        for (release, titles) in &told {
            assert_eq!(
                &titles_of(store, &tenant, Audience::Public, *release).await,
                titles,
                "release {release}"
            );
        }
        assert!(told.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 != pair[1].1), "{told:?}");
    };
    let first = published(store, &tenant, text("A")).await;
    note(store).await;
    let second = published(store, &tenant, text("B").until(after(60))).await;
    note(store).await;
    drafted(store, &tenant, &first, "A2").await;
    store.move_knowledge(&act, &tenant, &first, 2, Review).await.unwrap();
    store.approve_knowledge(&act, &tenant, &first, 2).await.unwrap();
    note(store).await;
    store.move_knowledge(&act, &tenant, &first, 2, Retired).await.unwrap();
    note(store).await;
    store.remove_knowledge(&act, &tenant, &second, None).await.unwrap();
    note(store).await;

    let last = store.tenant_snapshot(&tenant).await.unwrap().release;
    for ahead in [last + 1, last + 100, u64::MAX] {
        let read = store.published_knowledge(&tenant, ahead, Audience::Public).await;
        refused(read, StorageErrorKind::NotFound);
    }
}

/// An expired text is gone at its moment, under a number of its own that never stands for anything else.
pub async fn a_text_expires_at_its_moment_under_a_number_of_its_own(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    for (title, seconds) in [("Late", 120), ("Soon", 60), ("As soon", 60)] {
        published(store, &tenant, text(title).until(after(seconds))).await;
    }
    let snapshot = store.tenant_snapshot(&tenant).await.unwrap();
    assert_eq!(snapshot.expiries, [after(60), after(120)], "each moment once, in order");
    let all = ["Returns", "Late", "Soon", "As soon"];
    for (seconds, number, held) in
        [(0, 0, &all[..]), (59, 0, &all), (60, 1, &all[..2]), (119, 1, &all[..2]), (120, 2, &all[..1])]
    {
        assert_eq!(snapshot.release_at(after(seconds)), snapshot.release + number, "after {seconds} s");
        assert_eq!(
            titles_at(store, &tenant, Audience::Public, after(seconds)).await,
            held,
            "after {seconds} s"
        );
    }

    // A publication goes past all numbers that were kept free, and changes nothing about those that came to be.
    for (seconds, left) in [(70, 1), (130, 0), (150, 0)] {
        let item = reviewed(store, &tenant, text("More")).await;
        let before = store.tenant_snapshot(&tenant).await.unwrap();
        let release =
            store.approve_knowledge(&fixture::act_at(after(seconds)), &tenant, &item, 1).await.unwrap();
        assert!(release.unwrap() > before.release + before.expiries.len() as u64);
        assert_eq!(store.tenant_snapshot(&tenant).await.unwrap().expiries.len(), left, "after {seconds} s");
    }
    assert_eq!(
        titles_at(store, &tenant, Audience::Public, after(150)).await,
        ["Returns", "More", "More", "More"]
    );
    assert_eq!(titles_of(store, &tenant, Audience::Public, snapshot.release).await, all);
    assert_eq!(titles_of(store, &tenant, Audience::Public, snapshot.release + 1).await, all[..2]);
    let shown = store.knowledge_items(&tenant, &KnowledgeFilter::default(), None, 10).await.unwrap();
    let retired = shown.iter().filter(|entry| entry.status == Retired).count();
    assert_eq!(retired, 3, "whoever publishes later finds them retired");
}

/// A draft is reviewed and approved before it is published, in that order.
pub async fn the_way_to_publication_cannot_be_cut_short(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let act = fixture::act();
    let item = KnowledgeId::new();
    let version = store.add_knowledge(&act, &tenant, &item, text("A")).await.unwrap();
    assert_eq!((version.number, version.status), (1, Draft));

    for status in [Approved, Published, Draft] {
        refused(store.move_knowledge(&act, &tenant, &item, 1, status).await, StorageErrorKind::Conflict);
    }
    refused(store.approve_knowledge(&act, &tenant, &item, 1).await, StorageErrorKind::Conflict);
    store.move_knowledge(&act, &tenant, &item, 1, Review).await.unwrap();
    store.publish_knowledge(&act, &tenant).await.unwrap();
    assert_eq!(titles(store, &tenant, Audience::Staff).await, ["Returns"], "review is not published");
    refused(store.move_knowledge(&act, &tenant, &item, 2, Review).await, StorageErrorKind::NotFound);
}

/// The next draft takes the place of what was not approved, and only of the version its author knew.
pub async fn a_draft_follows_the_version_its_author_knew(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let act = fixture::act();
    let item = reviewed(store, &tenant, text("A")).await;
    refused(store.add_knowledge(&act, &tenant, &item, text("A")).await, StorageErrorKind::Conflict);

    let next = store.draft_knowledge(&act, &tenant, &item, Some(1), text("B")).await.unwrap();
    assert_eq!((next.number, next.status, next.text.title()), (2, Draft, "B"));
    for stale in [0, 1, 3] {
        let drafted = store.draft_knowledge(&act, &tenant, &item, Some(stale), text("C")).await;
        refused(drafted, StorageErrorKind::Stale);
        refused(store.remove_knowledge(&act, &tenant, &item, Some(stale)).await, StorageErrorKind::Stale);
    }
    refused(store.approve_knowledge(&act, &tenant, &item, 1).await, StorageErrorKind::Conflict);
    let both = tokio::join!(
        store.draft_knowledge(&act, &tenant, &item, Some(2), text("One")),
        store.draft_knowledge(&act, &tenant, &item, Some(2), text("Other")),
    );
    let stored = [both.0, both.1].into_iter().filter(Result::is_ok).count();
    assert_eq!(stored, 1, "of two who knew the same version one is too late");

    let read = store.knowledge_item(&tenant, &item).await.unwrap();
    assert_eq!((read.latest.number, read.published), (3, None));
    let steps: Vec<_> = read.steps.iter().map(|step| (step.number, step.status)).collect();
    assert_eq!(steps, [(3, Draft), (2, Retired), (1, Retired)]);
    let unknown = store.draft_knowledge(&act, &tenant, &KnowledgeId::new(), None, text("A")).await;
    refused(unknown, StorageErrorKind::NotFound);
}

/// A retired text is gone with the next release, which its retirement makes.
pub async fn retiring_takes_a_text_out_of_the_next_release(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let before = store.tenant_snapshot(&tenant).await.unwrap().release;
    let (versions, _) = store.published_knowledge(&tenant, before, Audience::Public).await.unwrap();
    let act = fixture::act();

    store.move_knowledge(&act, &tenant, &versions[0].item, 1, Retired).await.unwrap();

    assert!(store.tenant_snapshot(&tenant).await.unwrap().release > before);
    assert_eq!(titles(store, &tenant, Audience::Staff).await, [""; 0]);
}

/// A removed item is on no list, cannot be changed, and is gone from the next release.
pub async fn a_removed_item_is_gone(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let act = fixture::act();
    let item = published(store, &tenant, text("A")).await;
    drafted(store, &tenant, &item, "A2").await;
    let before = store.tenant_snapshot(&tenant).await.unwrap();

    store.remove_knowledge(&act, &tenant, &item, Some(2)).await.unwrap();

    let snapshot = store.tenant_snapshot(&tenant).await.unwrap();
    assert!(snapshot.release > before.release && snapshot.version > before.version);
    assert_eq!(titles(store, &tenant, Audience::Public).await, ["Returns"]);
    refused(store.knowledge_item(&tenant, &item).await, StorageErrorKind::NotFound);
    refused(store.remove_knowledge(&act, &tenant, &item, None).await, StorageErrorKind::NotFound);
    refused(store.draft_knowledge(&act, &tenant, &item, None, text("A")).await, StorageErrorKind::NotFound);
    refused(store.move_knowledge(&act, &tenant, &item, 2, Review).await, StorageErrorKind::NotFound);
    refused(store.approve_knowledge(&act, &tenant, &item, 2).await, StorageErrorKind::NotFound);
    refused(store.add_knowledge(&act, &tenant, &item, text("A")).await, StorageErrorKind::Conflict);
    assert_eq!(store.knowledge_items(&tenant, &KnowledgeFilter::default(), None, 10).await.unwrap().len(), 1);

    let draft = KnowledgeId::new();
    store.add_knowledge(&act, &tenant, &draft, text("Never shown")).await.unwrap();
    store.remove_knowledge(&act, &tenant, &draft, None).await.unwrap();
    assert_eq!(store.tenant_snapshot(&tenant).await.unwrap().release, snapshot.release, "nobody saw it");
}

/// A list is read in pages from the latest item back, and shows what its filter names.
pub async fn items_are_listed_from_the_latest_back_as_filters_say(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let english = KnowledgeText::new(Language::EN, "Öffnung & 100% OFF", "Body.").unwrap();
    published(store, &tenant, english.for_audience(Audience::Staff)).await;
    let item = published(store, &tenant, text("Rückgabe")).await;
    drafted(store, &tenant, &item, "Rückgabe neu").await;
    reviewed(store, &tenant, text("Versand_kosten").until(after(60))).await;

    let all = store.knowledge_items(&tenant, &KnowledgeFilter::default(), None, 10).await.unwrap();
    let told: Vec<_> =
        all.iter().map(|entry| (entry.title.as_str(), entry.number, entry.status, entry.published)).collect();
    assert_eq!(
        told,
        [
            ("Versand_kosten", 1, Review, None),
            ("Rückgabe neu", 2, Draft, Some(1)),
            ("Öffnung & 100% OFF", 1, Published, Some(1)),
            ("Returns", 1, Published, Some(1)),
        ]
    );
    assert_eq!((all[0].language, all[0].expires_at), (Language::DE, Some(after(60))));
    for size in 1..=5 {
        let (mut read, mut behind) = (Vec::new(), None);
        loop {
            let page =
                store.knowledge_items(&tenant, &KnowledgeFilter::default(), behind, size).await.unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= size as usize);
            behind = Some(last.item);
            read.extend(page);
        }
        assert_eq!(read, all, "{size} at a time");
    }

    let title = |title: &str| KnowledgeFilter { title: Some(title.to_owned()), ..KnowledgeFilter::default() };
    let status = |status| KnowledgeFilter { status: Some(status), ..KnowledgeFilter::default() };
    for filter in [
        status(Published),
        status(Draft),
        status(Review),
        status(Approved),
        status(Retired),
        KnowledgeFilter { language: Some(Language::EN), ..KnowledgeFilter::default() },
        KnowledgeFilter { language: Some(Language::JA), ..KnowledgeFilter::default() },
        KnowledgeFilter { audience: Some(Audience::Staff), ..KnowledgeFilter::default() },
        KnowledgeFilter { audience: Some(Audience::Public), ..status(Published) },
        KnowledgeFilter { language: Some(Language::DE), ..title("neu") },
        title("r"),
        title("RETURNS"),
        title("ffnung"),
        title("öffnung"),
        title("%"),
        title("_"),
        title("off'; DROP"),
    ] {
        let shown = store.knowledge_items(&tenant, &filter, None, 10).await.unwrap();
        let expected: Vec<_> = all.iter().filter(|entry| filter.shows(entry)).cloned().collect();
        assert_eq!(shown, expected, "{filter:?}");
    }
    assert_eq!(
        store.knowledge_items(&TenantId::new(), &KnowledgeFilter::default(), None, 10).await.unwrap(),
        []
    );
}

/// An import adds what is new, drafts what changed and leaves the rest alone; the same again changes nothing.
pub async fn the_same_import_twice_changes_nothing(store: &dyn Storage) {
    let (tenant, stranger) = (fixture::tenant(store, "shop").await, fixture::tenant(store, "stranger").await);
    let act = fixture::act();
    let returns = |body: &str| KnowledgeText::new(Language::EN, "Returns", body).unwrap();
    let texts = vec![
        returns("Unworn items can be returned within 30 days."),
        text("A"),
        KnowledgeText::new(Language::EN, "A", "The same title in English.").unwrap(),
    ];
    let import = async |into, texts: &[KnowledgeText]| {
        store.import_knowledge(&act, &tenant, into, texts.to_vec()).await.unwrap()
    };
    let items = async || store.knowledge_items(&tenant, &KnowledgeFilter::default(), None, 10).await.unwrap();

    assert_eq!(import(ImportInto::Nowhere, &texts).await, [Unchanged, Created, Created]);
    assert_eq!(items().await.len(), 1, "looking writes nothing");
    assert_eq!(import(ImportInto::Review, &texts).await, [Unchanged, Created, Created]);
    let first = items().await;
    assert_eq!(first.iter().map(|entry| entry.status).collect::<Vec<_>>(), [Review, Review, Published]);
    for into in [ImportInto::Nowhere, ImportInto::Draft, ImportInto::Review] {
        assert_eq!(import(into, &texts).await, [Unchanged; 3]);
    }
    assert_eq!(items().await, first);

    let asked = text("A").asked_as(["Wann?".to_owned()]).unwrap();
    let changed = [returns("Within 14 days."), asked, text("A").for_audience(Audience::Staff)];
    assert_eq!(import(ImportInto::Draft, &changed[..2]).await, [Updated, Updated], "questions count too");
    assert_eq!(import(ImportInto::Draft, &changed[2..]).await, [Updated]);
    assert_eq!(titles(store, &tenant, Audience::Public).await, ["Returns"], "nothing is published by it");
    let returned = items().await.pop().unwrap();
    assert_eq!((returned.number, returned.status, returned.published), (2, Draft, Some(1)));

    store.move_knowledge(&act, &tenant, &returned.item, 2, Retired).await.unwrap();
    assert_eq!(import(ImportInto::Draft, &changed[..1]).await, [Updated], "what is retired is drafted again");
    store.remove_knowledge(&act, &tenant, &returned.item, None).await.unwrap();
    assert_eq!(import(ImportInto::Draft, &changed[..1]).await, [Created], "what is removed is not found");

    let (one, other) = tokio::join!(
        store.import_knowledge(&act, &stranger, ImportInto::Draft, vec![text("New")]),
        store.import_knowledge(&act, &stranger, ImportInto::Draft, vec![text("New")]),
    );
    let mut became = [one.unwrap()[0], other.unwrap()[0]];
    became.sort_by_key(|became| *became != Created);
    assert_eq!(became, [Created, Unchanged], "who imports at the same time makes nothing twice");
    let nobody = store.import_knowledge(&act, &TenantId::new(), ImportInto::Draft, vec![text("A")]).await;
    refused(nobody, StorageErrorKind::NotFound);
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
    assert_eq!(store.published_knowledge(&tenant, 1, Audience::Public).await.unwrap().1, synonyms);
}

/// A tenant's texts cannot be read or touched under another tenant.
pub async fn another_tenants_item_cannot_be_read_or_changed(store: &dyn Storage) {
    let (owner, stranger) = (fixture::tenant(store, "owner").await, fixture::tenant(store, "stranger").await);
    let act = fixture::act();
    let item = reviewed(store, &owner, text("Mine")).await;
    let before = store.knowledge_item(&owner, &item).await.unwrap();

    refused(store.knowledge_item(&stranger, &item).await, StorageErrorKind::NotFound);
    let drafted = store.draft_knowledge(&act, &stranger, &item, None, text("Mine now")).await;
    refused(drafted, StorageErrorKind::NotFound);
    refused(store.move_knowledge(&act, &stranger, &item, 1, Retired).await, StorageErrorKind::NotFound);
    refused(store.approve_knowledge(&act, &stranger, &item, 1).await, StorageErrorKind::NotFound);
    refused(store.remove_knowledge(&act, &stranger, &item, None).await, StorageErrorKind::NotFound);
    let nobody = TenantId::new();
    refused(store.gather_releases(&act, &nobody, true).await, StorageErrorKind::NotFound);
    refused(store.publish_knowledge(&act, &nobody).await, StorageErrorKind::NotFound);
    let added = store.add_knowledge(&act, &nobody, &KnowledgeId::new(), text("A")).await;
    refused(added, StorageErrorKind::NotFound);
    let read = store.published_knowledge(&nobody, 1, Audience::Public).await;
    refused(read, StorageErrorKind::NotFound);

    assert_eq!(store.knowledge_item(&owner, &item).await.unwrap(), before);
    // Under its own roof a stranger may use the same identifier: nobody looks over the fence.
    store.add_knowledge(&act, &stranger, &item, text("Another")).await.unwrap();
    assert_eq!(store.knowledge_item(&owner, &item).await.unwrap(), before);
}
