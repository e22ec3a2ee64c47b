//! Claims about tenants.

use std::time::Duration;

use super::refused;
use crate::account::TenantRole;
use crate::clock::{earlier, later};
use crate::conversation::{ConversationKey, Door};
use crate::credit::{Billing, BillingDay, MilliCredits};
use crate::id::{AccountId, LoginId, TenantId, VisitorId, WidgetKeyId};
use crate::language::Language;
use crate::storage::{Storage, StorageErrorKind};
use crate::tenant::{Contact, DELETION_GRACE, FirstSteps, Standing, StandingChange, Tenant, TenantRef};
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
    twin.tenant.hosts = vec![fixture::host("first.example")];
    twin.people = vec![(fixture::account("twin@shop.example"), TenantRole::Owner)];
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

/// What a business tells about itself is read back everywhere; who read an older revision changes nothing.
pub async fn a_business_is_changed_as_it_was_read(store: &dyn Storage) {
    let id = fixture::tenant(store, "shop").await;
    let was = store.tenant_snapshot(&id).await.unwrap();
    assert_eq!(was.tenant.revision, 1);
    let told = Tenant {
        name: "Shop & Söhne".to_owned(),
        languages: vec![Language::JA, Language::EN],
        hosts: vec![fixture::host("a.shop.example"), fixture::host("shop.example")],
        contact: Contact {
            email: Some("help@shop.example".parse().unwrap()),
            phone: Some("+49 40 123".to_owned()),
            address: Some("Am Markt 1\nHamburg".to_owned()),
            website: Some("https://shop.example".to_owned()),
        },
        hours: Some(fixture::nine_to_five()),
        billing: Billing {
            plan: Some("Pro".to_owned()),
            day: BillingDay::new(15).unwrap(),
            zone: jiff::tz::TimeZone::get("Europe/Berlin").unwrap(),
        },
        visitor_budget: Some(MilliCredits(7)),
        ..was.tenant.clone()
    };

    assert_eq!(store.change_tenant(&fixture::act(), &id, 1, told.clone()).await.unwrap(), 2);
    let now = store.tenant_snapshot(&id).await.unwrap();
    assert_eq!(now.tenant, Tenant { revision: 2, ..told.clone() });
    assert!(now.version > was.version);
    assert_eq!(store.tenants(None, 10).await.unwrap(), std::slice::from_ref(&now.tenant));
    assert_eq!(store.tenant_of_host("a.shop.example").await.unwrap(), Some(id));

    refused(store.change_tenant(&fixture::act(), &id, 1, told.clone()).await, StorageErrorKind::Stale);
    let nobody = store.change_tenant(&fixture::act(), &TenantId::new(), 1, told.clone()).await;
    refused(nobody, StorageErrorKind::NotFound);
    // What is not the business's own to tell stays.
    let forged = Tenant {
        id: TenantId::new(),
        slug: "other".parse().unwrap(),
        standing: Standing { deletes_at: Some(fixture::now()), suspended: None },
        revision: 99,
        contact: Contact::default(),
        hours: None,
        ..told.clone()
    };
    assert_eq!(store.change_tenant(&fixture::act(), &id, 2, forged).await.unwrap(), 3);
    let bare = Tenant { revision: 3, contact: Contact::default(), hours: None, ..told };
    assert_eq!(store.tenant_snapshot(&id).await.unwrap().tenant, bare);
}

/// A host belongs to one business until it gives it up.
pub async fn a_host_moves_when_it_is_given_up(store: &dyn Storage) {
    let (first, second) = (fixture::tenant(store, "first").await, fixture::tenant(store, "second").await);
    let with = async |id: &TenantId, hosts: &[&str]| {
        let tenant = store.tenant_snapshot(id).await.unwrap().tenant;
        let hosts = hosts.iter().map(|host| fixture::host(host)).collect();
        store.change_tenant(&fixture::act(), id, tenant.revision, Tenant { hosts, ..tenant }).await
    };
    refused(with(&second, &["new.example", "first.example"]).await, StorageErrorKind::Conflict);
    assert_eq!(store.tenant_of_host("new.example").await.unwrap(), None, "nothing of it is there");
    assert_eq!(store.tenant_snapshot(&second).await.unwrap().tenant.revision, 1);

    with(&first, &[]).await.unwrap();
    with(&second, &["new.example", "first.example"]).await.unwrap();
    assert_eq!(store.tenant_of_host("first.example").await.unwrap(), Some(second));
    assert_eq!(store.tenant_of_host("second.example").await.unwrap(), None);
}

/// Closing doors changes the snapshot once, and taking one thing back leaves the other.
pub async fn closed_doors_are_seen_by_all_and_recorded_once(store: &dyn Storage) {
    use StandingChange::{Delete, Keep, Restore, Suspend};
    let id = fixture::tenant(store, "shop").await;
    let act = fixture::act().because("unpaid");
    let change = async |change| {
        let answered = store.change_standing(&act, &id, change).await.unwrap();
        let snapshot = store.tenant_snapshot(&id).await.unwrap();
        assert_eq!(snapshot.tenant.standing, answered, "{change:?}");
        (answered, snapshot.version)
    };
    let (open, first) = change(Keep).await;
    assert_eq!((open, first), (Standing::default(), store.tenant_version(&id).await.unwrap()));
    let (suspended, closed) = change(Suspend).await;
    let suspension = suspended.suspended.clone().unwrap();
    assert_eq!((suspension.since, suspension.reason.as_str()), (act.at, "unpaid"));
    assert!(closed > first);
    assert_eq!(change(Suspend).await, (suspended.clone(), closed), "again");
    let (deleting, leaving) = change(Delete).await;
    assert_eq!(deleting.deletes_at, Some(later(act.at, DELETION_GRACE)));
    assert_eq!(deleting.suspended, suspended.suspended);
    assert!(leaving > closed);
    assert_eq!(change(Keep).await.0, suspended);
    assert_eq!(change(Restore).await.0, Standing::default());
    let nobody = store.change_standing(&act, &TenantId::new(), Suspend).await;
    refused(nobody, StorageErrorKind::NotFound);

    change(Delete).await;
    let late = fixture::act_at(later(act.at, DELETION_GRACE));
    refused(store.change_standing(&late, &id, Restore).await, StorageErrorKind::Conflict);
}

/// Pages follow each other without gaps, in the order of identifiers.
pub async fn tenants_are_listed_in_pages(store: &dyn Storage) {
    let mut all = Vec::new();
    for slug in ["one", "two", "three"] {
        all.push(fixture::tenant(store, slug).await);
    }
    all.sort_unstable();
    let ids = |tenants: Vec<Tenant>| tenants.iter().map(|tenant| tenant.id).collect::<Vec<_>>();
    assert_eq!(ids(store.tenants(None, 2).await.unwrap()), all[..2]);
    assert_eq!(ids(store.tenants(Some(all[1]), 2).await.unwrap()), all[2..]);
    assert_eq!(ids(store.tenants(Some(all[2]), 2).await.unwrap()), []);
}

/// A checklist tells what is there.
pub async fn first_steps_are_what_happened(store: &dyn Storage) {
    let with_password = |email: &str| {
        let password = crate::account::PasswordHash::from_stored(
            "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaA".to_owned(),
        );
        crate::account::Account { password: Some(password), ..fixture::account(email) }
    };
    let mut shop = fixture::onboarding("shop");
    shop.people = vec![
        (fixture::account("owner@shop.example"), TenantRole::Owner),
        (with_password("agent@shop.example"), TenantRole::Agent),
    ];
    let (id, owner) = (shop.tenant.id, shop.people[0].0.id);
    store.onboard(&fixture::act(), shop).await.unwrap();
    let steps = |owner_can_sign_in, has_conversation| FirstSteps { owner_can_sign_in, has_conversation };
    assert_eq!(store.first_steps(&id).await.unwrap(), steps(false, false));

    let password = with_password("x@shop.example").password.unwrap();
    store.set_password(&fixture::act(), &owner, password).await.unwrap();
    assert_eq!(store.first_steps(&id).await.unwrap(), steps(true, false));
    fixture::open(store, &id, fixture::start(VisitorId::new(), "s", "hi")).await;
    assert_eq!(store.first_steps(&id).await.unwrap(), steps(true, true));
    refused(store.first_steps(&TenantId::new()).await, StorageErrorKind::NotFound);
}

/// Nobody is deleted who is not to be, or not yet.
pub async fn only_a_deletion_whose_moment_has_come_is_carried_out(store: &dyn Storage) {
    let (kept, leaving) = (fixture::tenant(store, "kept").await, fixture::tenant(store, "leaving").await);
    store.change_standing(&fixture::act(), &leaving, StandingChange::Delete).await.unwrap();
    let end = later(fixture::now(), DELETION_GRACE);
    let just_before = earlier(end, Duration::from_micros(1));

    assert_eq!(store.due_deletions(just_before, 10).await.unwrap(), []);
    assert_eq!(store.due_deletions(end, 10).await.unwrap(), [leaving]);
    assert_eq!(store.due_deletions(end, 0).await.unwrap(), []);
    for (tenant, at) in [(&kept, end), (&leaving, just_before)] {
        refused(store.erase_tenant(&fixture::act_at(at), tenant, 10).await, StorageErrorKind::Conflict);
        assert!(store.tenant_snapshot(tenant).await.is_ok());
    }
    let nobody = store.erase_tenant(&fixture::act_at(end), &TenantId::new(), 10).await;
    refused(nobody, StorageErrorKind::NotFound);
}

/// However small the steps, a deletion ends; slug and host are free then, and others have lost nothing.
pub async fn a_deleted_tenant_leaves_nothing_and_takes_nothing_from_others(store: &dyn Storage) {
    let mut tenants = Vec::new();
    for slug in ["kept", "leaving"] {
        let mut shop = fixture::onboarding(slug);
        shop.people = vec![(fixture::account(&format!("{slug}@work.example")), TenantRole::Owner)];
        let tenant = shop.tenant.id;
        store.onboard(&fixture::act(), shop).await.unwrap();
        let visitor = VisitorId::new();
        for text in ["one", "two", "three"] {
            let open = fixture::open(store, &tenant, fixture::start(visitor, "s", text)).await;
            fixture::settle(store, &tenant, &open, 1_000).await;
        }
        let login = crate::account::Login {
            generation: 0,
            realm: tenant,
            id: LoginId::new(),
            account: AccountId::new(),
            kind: crate::account::AccountKind::Tenant,
            cookie_hash: [1; 32],
            started_at: fixture::now(),
            idle_until: fixture::now(),
            ends_at: fixture::now(),
            ended_at: None,
        };
        let login_id = login.id;
        store.open_login(&fixture::act(), login, [2; 32]).await.unwrap();
        tenants.push((tenant, visitor, login_id));
    }
    let ((kept, with_kept, kept_login), (leaving, with_leaving, login)) = (tenants[0], tenants[1]);
    store.change_standing(&fixture::act(), &leaving, StandingChange::Delete).await.unwrap();
    let late = fixture::act_at(later(fixture::now(), DELETION_GRACE));

    let mut steps = 0;
    while store.erase_tenant(&late, &leaving, 2).await.unwrap() {
        steps += 1;
        assert!(steps < 100, "a deletion ends");
    }

    refused(store.erase_tenant(&late, &leaving, 2).await, StorageErrorKind::NotFound);
    refused(store.tenant_snapshot(&leaving).await, StorageErrorKind::NotFound);
    refused(store.credit_balance(&leaving).await, StorageErrorKind::NotFound);
    assert_eq!(store.find_tenant(&leaving.into()).await.unwrap(), None);
    assert_eq!(store.due_deletions(late.at, 10).await.unwrap(), []);
    assert!(store.login(&leaving, &login).await.unwrap().is_none());
    assert_eq!(store.outbox(&leaving, None, 10).await.unwrap(), []);
    let owner = store.account_by_email(&"leaving@work.example".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(store.memberships(&owner.id).await.unwrap(), []);
    let key = |visitor| ConversationKey { door: Door::Public, visitor, session: "s".parse().unwrap() };
    assert!(!matches!(store.conversation(&leaving, &key(with_leaving)).await, Ok(Some(_))));

    let talk = store.conversation(&kept, &key(with_kept)).await.unwrap().unwrap();
    assert_eq!(store.history(&kept, &talk.id, None, 10).await.unwrap().messages.len(), 6);
    assert!(store.login(&kept, &kept_login).await.unwrap().is_some());
    crate::testing::books::audited(store, &kept).await;
    assert_eq!(
        fixture::tenant(store, "leaving").await,
        store.tenant_of_host("leaving.example").await.unwrap().unwrap()
    );
}
