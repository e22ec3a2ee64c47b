//! Claims about people.

use super::refused;
use crate::account::{PasswordHash, PlatformRole, TenantRole};
use crate::id::AccountId;
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::fixture;

/// Two people cannot share an address.
pub async fn an_address_has_one_account(store: &dyn Storage) {
    store.create_account(&fixture::act(), fixture::account("anna@shop.example")).await.unwrap();
    let twin = store.create_account(&fixture::act(), fixture::account("ANNA@shop.example")).await;
    refused(twin, StorageErrorKind::Conflict);
}

/// A person is found by address, with all businesses they belong to; a known person who joins another keeps their account.
pub async fn people_are_found_by_address_and_membership(store: &dyn Storage) {
    let anna = fixture::account("anna@shop.example");
    for (slug, role) in [("zoo", TenantRole::Owner), ("ape", TenantRole::Agent)] {
        let mut onboarding = fixture::onboarding(slug);
        let person = crate::account::Account { id: AccountId::new(), ..anna.clone() };
        onboarding.people = vec![(person, role)];
        store.onboard(&fixture::act(), onboarding).await.unwrap();
    }

    let found = store.account_by_email(&anna.email).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.platform_role), ("Anna", None));
    assert_eq!(store.account(&found.id).await.unwrap().unwrap().email, anna.email);
    let memberships = store.memberships(&found.id).await.unwrap();
    let read: Vec<_> = memberships.iter().map(|m| (m.tenant_slug.as_str(), m.role)).collect();
    assert_eq!(read, [("ape", TenantRole::Agent), ("zoo", TenantRole::Owner)]);
    assert!(store.account_by_email(&"bob@shop.example".parse().unwrap()).await.unwrap().is_none());
    assert!(store.account(&AccountId::new()).await.unwrap().is_none());
    assert_eq!(store.memberships(&AccountId::new()).await.unwrap(), []);
}

/// A password is set and read back, and begins a new generation of sign-ins; platform people are known.
pub async fn a_password_is_changed(store: &dyn Storage) {
    let anna = fixture::account("anna@shop.example");
    store.create_account(&fixture::act(), anna.clone()).await.unwrap();
    assert!(!store.has_platform_people().await.unwrap());

    let hash = PasswordHash::from_stored("$argon2id$v=19$…".to_owned());
    store.set_password(&fixture::act(), &anna.id, hash.clone()).await.unwrap();

    let read = store.account(&anna.id).await.unwrap().unwrap();
    assert_eq!((read.password, read.platform_role), (Some(hash.clone()), None));
    assert_eq!(read.generation, anna.generation + 1);
    assert!(read.version > anna.version);
    assert!(!store.has_platform_people().await.unwrap());
    refused(store.set_password(&fixture::act(), &AccountId::new(), hash).await, StorageErrorKind::NotFound);

    let operator = Some(PlatformRole::Operator);
    let paul =
        crate::account::Account { platform_role: operator, ..fixture::account("paul@platform.example") };
    store.create_account(&fixture::act(), paul.clone()).await.unwrap();
    assert_eq!(store.account(&paul.id).await.unwrap().unwrap().platform_role, operator);
    assert!(store.has_platform_people().await.unwrap());
}
