//! Claims about how visitors prove who they are.

use super::refused;
use crate::act::Principal;
use crate::audit::{AuditFilter, AuditQuery};
use crate::id::{IdentitySecretId, TenantId, VisitorId};
use crate::identity::{
    IdentityChange, IdentityChanged, IdentityMode, IdentityPolicy, IdentityRefusal, IdentitySecret,
    IdentitySettings,
};
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::fixture;
use crate::visitor::{TrustLevel, VisitorProfile};

async fn change(store: &dyn Storage, tenant: &TenantId, change: IdentityChange) -> IdentitySettings {
    match store.change_identity(&fixture::act(), tenant, None, change).await.unwrap() {
        IdentityChanged::Changed(settings) => settings,
        other => panic!("the change should have been made: {other:?}"),
    }
}

/// The snapshot holds what was decided, secrets and keys included, under a new version with each change.
pub async fn what_was_decided_about_identities_is_in_the_snapshot(store: &dyn Storage) {
    let (shop, rival) = (fixture::tenant(store, "shop").await, fixture::tenant(store, "rival").await);
    assert_eq!(store.tenant_snapshot(&shop).await.unwrap().identity, IdentitySettings::default());
    let secret = IdentitySecret::generate(fixture::now()).unwrap();
    let before = store.tenant_version(&shop).await.unwrap();
    change(store, &shop, IdentityChange::Add(secret.clone())).await;
    let keys = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let policy = IdentityPolicy {
        mode: IdentityMode::Enforce,
        require: true,
        issuer: Some("https://shop.example".to_owned()),
        keys: Some(keys.parse().unwrap()),
    };
    let decided = change(store, &shop, IdentityChange::Decide(Box::new(policy.clone()))).await;

    let snapshot = store.tenant_snapshot(&shop).await.unwrap();
    assert_eq!(snapshot.identity, decided);
    assert_eq!(
        (&snapshot.identity.policy, &snapshot.identity.secrets, snapshot.identity.version),
        (&policy, &vec![secret.clone()], 2)
    );
    assert_eq!(snapshot.version, before + 2);
    change(store, &shop, IdentityChange::Remove(secret.id)).await;
    assert_eq!(store.tenant_snapshot(&shop).await.unwrap().identity.secrets, []);
    assert_eq!(store.tenant_snapshot(&rival).await.unwrap().identity, IdentitySettings::default());
}

/// The audit tells each change by what it was, and that a person became known as their own deed.
pub async fn changes_of_identities_and_people_who_become_known_are_audited(store: &dyn Storage) {
    let shop = fixture::tenant(store, "shop").await;
    let secret = IdentitySecret::generate(fixture::now()).unwrap();
    let id = secret.id;
    change(store, &shop, IdentityChange::Add(secret)).await;
    change(store, &shop, IdentityChange::Decide(Box::default())).await;
    change(store, &shop, IdentityChange::Remove(id)).await;
    let visitor = store.recognise_visitor(&fixture::act(), &shop, person("7")).await.unwrap();
    store.recognise_visitor(&fixture::act(), &shop, person("7")).await.unwrap();

    let query = AuditQuery { filter: AuditFilter::default(), behind: None, limit: 10, look_at: 10 };
    let rows = store.audit(&shop, query).await.unwrap().rows;
    let told: Vec<_> = rows.iter().map(|row| (row.operation.as_str(), row.subject)).collect();
    let of_shop = Some(shop.as_uuid());
    assert_eq!(
        told,
        [
            ("recognise_visitor", Some(visitor.as_uuid())),
            ("remove_identity_secret", of_shop),
            ("decide_identity", of_shop),
            ("add_identity_secret", of_shop),
            ("onboard", of_shop),
        ]
    );
    assert_eq!(rows[0].principal, Principal::Visitor(visitor));
}

/// A change that is refused, or based on what was, writes nothing.
pub async fn a_change_of_identities_is_made_on_the_version_it_was_meant_for(store: &dyn Storage) {
    let shop = fixture::tenant(store, "shop").await;
    let add = || IdentityChange::Add(IdentitySecret::generate(fixture::now()).unwrap());
    let act = fixture::act();
    store.change_identity(&act, &shop, Some(0), add()).await.unwrap();

    refused(store.change_identity(&act, &shop, Some(0), add()).await, StorageErrorKind::Stale);
    let unknown = IdentityChange::Remove(IdentitySecretId::new());
    let unknown = store.change_identity(&act, &shop, None, unknown).await.unwrap();
    assert_eq!(unknown, IdentityChanged::Refused(IdentityRefusal::UnknownSecret));
    let snapshot = store.tenant_snapshot(&shop).await.unwrap();
    assert_eq!((snapshot.identity.version, snapshot.identity.secrets.len()), (1, 1));
    refused(store.change_identity(&act, &TenantId::new(), None, add()).await, StorageErrorKind::NotFound);
}

/// Secrets that are added at once all stand, up to the bound.
pub async fn secrets_that_are_added_at_once_all_stand(store: &dyn Storage) {
    let shop = fixture::tenant(store, "shop").await;
    let act = fixture::act();
    let add = || {
        let secret = IdentitySecret::generate(fixture::now()).unwrap();
        store.change_identity(&act, &shop, None, IdentityChange::Add(secret))
    };
    let (a, b, c, d) = tokio::join!(add(), add(), add(), add());
    for added in [a, b, c, d] {
        assert!(matches!(added, Ok(IdentityChanged::Changed(_))), "{added:?}");
    }
    assert_eq!(store.tenant_snapshot(&shop).await.unwrap().identity.secrets.len(), 4);
}

fn person(subject: &str) -> VisitorProfile {
    VisitorProfile {
        subject: Some(subject.to_owned()),
        name: Some("Anna Ärmel".to_owned()),
        email: Some("anna@home.example".parse().unwrap()),
        email_verified: true,
        attributes: Some(r#"{"plan":"gold"}"#.to_owned()),
        ..VisitorProfile::default()
    }
}

/// One person is one visitor, however many ask at once; issuer and subject together are the person.
pub async fn a_proven_person_is_one_visitor(store: &dyn Storage) {
    let (shop, rival) = (fixture::tenant(store, "shop").await, fixture::tenant(store, "rival").await);
    let act = fixture::act();
    let know = |tenant: TenantId, profile: VisitorProfile| {
        let act = &act;
        async move { store.recognise_visitor(act, &tenant, profile).await.unwrap() }
    };
    let (a, b, c) = tokio::join!(know(shop, person("7")), know(shop, person("7")), know(shop, person("7")));
    assert!(a == b && b == c);
    let issued = |issuer: &str| VisitorProfile { issuer: Some(issuer.to_owned()), ..person("7") };
    let others = [
        know(shop, person("8")).await,
        know(shop, issued("x")).await,
        know(shop, issued("")).await,
        know(rival, person("7")).await,
    ];
    let mut all: Vec<VisitorId> = others.into_iter().chain([a]).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 5);

    let known = store.visitor(&shop, &a).await.unwrap().unwrap();
    assert_eq!((known.trust, known.profile, known.ended), (TrustLevel::Verified, Some(person("7")), false));
    let renamed = VisitorProfile {
        name: Some("Anna Neu".to_owned()),
        email: None,
        email_verified: false,
        ..person("7")
    };
    assert_eq!(know(shop, renamed.clone()).await, a);
    assert_eq!(store.visitor(&shop, &a).await.unwrap().unwrap().profile, Some(renamed));
    assert_eq!(store.visitor(&rival, &a).await.unwrap(), None);
    refused(store.recognise_visitor(&act, &TenantId::new(), person("7")).await, StorageErrorKind::NotFound);
}

/// What a page says is kept of a visitor it may be true of, and changes nothing of one who proved who they are.
pub async fn what_a_page_says_of_a_visitor_is_kept_until_it_is_proven(store: &dyn Storage) {
    let (shop, rival) = (fixture::tenant(store, "shop").await, fixture::tenant(store, "rival").await);
    let (act, visitor) = (fixture::act(), VisitorId::new());
    fixture::open(store, &shop, fixture::start(visitor, "s", "hi")).await;
    assert_eq!(store.visitor(&shop, &visitor).await.unwrap().unwrap().trust, TrustLevel::Anonymous);
    let said = VisitorProfile::said(Some("Anna".to_owned()), None).unwrap();
    store.introduce_visitor(&act, &shop, &visitor, said.clone()).await.unwrap();
    let known = store.visitor(&shop, &visitor).await.unwrap().unwrap();
    assert_eq!((known.trust, known.profile), (TrustLevel::Identified, Some(said.clone())));

    let proven = store.recognise_visitor(&act, &shop, person("7")).await.unwrap();
    store.introduce_visitor(&act, &shop, &proven, said.clone()).await.unwrap();
    let known = store.visitor(&shop, &proven).await.unwrap().unwrap();
    assert_eq!((known.trust, known.profile), (TrustLevel::Verified, Some(person("7"))));
    for (tenant, visitor) in [(shop, VisitorId::new()), (rival, visitor)] {
        let refusal = store.introduce_visitor(&act, &tenant, &visitor, said.clone()).await;
        refused(refusal, StorageErrorKind::NotFound);
    }
}
