//! Claims about one-time links.

use std::time::Duration;

use super::refused;
use crate::account::{
    Account, LinkHash, LinkPurpose, LinkSecret, LinkToken, LinkUse, MemberChange, MemberState, NewLink,
    PLATFORM_REALM, Role, TenantRole,
};
use crate::clock::{earlier, later};
use crate::id::{AccountId, TenantId};
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::fixture;

const AGENT: Role = Role::Tenant(TenantRole::Agent);

fn hash(purpose: LinkPurpose) -> LinkHash {
    LinkSecret::generate().unwrap().hash(purpose)
}

fn new(purpose: LinkPurpose, realm: TenantId, account: AccountId) -> NewLink {
    let expires_at = later(fixture::now(), purpose.lifetime());
    NewLink { purpose, realm, account, hash: hash(purpose), expires_at, spares_since: None }
}

fn token(link: &NewLink) -> LinkToken {
    LinkToken { purpose: link.purpose, realm: link.realm, account: link.account, hash: link.hash }
}

/// Stores a link that must be stored.
async fn stored(store: &dyn Storage, purpose: LinkPurpose, realm: TenantId, account: AccountId) -> LinkToken {
    let link = new(purpose, realm, account);
    assert!(store.store_link(&fixture::act(), link).await.unwrap());
    token(&link)
}

async fn holds(store: &dyn Storage, token: &LinkToken) -> bool {
    store.link_holds(&fixture::act(), token).await.unwrap()
}

async fn used(store: &dyn Storage, token: LinkToken) -> bool {
    let used = LinkUse { token, password: fixture::password_hash(), name: None };
    store.use_link(&fixture::act(), used).await.unwrap()
}

/// Somebody whom a business invited; the link of the invitation is not known.
async fn invited(store: &dyn Storage, slug: &str) -> (TenantId, AccountId) {
    let tenant = fixture::tenant(store, slug).await;
    let new = fixture::new_member("anna@shop.example", AGENT);
    store.add_member(&fixture::act(), &tenant, new).await.unwrap();
    let account = store.account_by_email(&"anna@shop.example".parse().unwrap()).await.unwrap().unwrap();
    (tenant, account.id)
}

/// A link works once, also when it is used twice at once, and with it the password is set and the sign-ins end.
pub async fn a_link_works_once_and_sets_the_password(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "zoo").await;
    let (secret, purpose) = (LinkSecret::generate().unwrap(), LinkPurpose::Invitation);
    let member = crate::account::NewMember {
        invitation: secret.hash(purpose),
        ..fixture::new_member("anna@shop.example", AGENT)
    };
    store.add_member(&fixture::act(), &tenant, member).await.unwrap();
    let before = store.account_by_email(&"anna@shop.example".parse().unwrap()).await.unwrap().unwrap();
    let token = LinkToken { purpose, realm: tenant, account: before.id, hash: secret.hash(purpose) };
    assert!(holds(store, &token).await);

    let name = Some("Anna Bell".to_owned());
    let accept = LinkUse { token, password: fixture::password_hash(), name };
    let act = fixture::act();
    let (one, two) = tokio::join!(store.use_link(&act, accept.clone()), store.use_link(&act, accept));
    assert!(one.unwrap() != two.unwrap());

    assert!(!holds(store, &token).await);
    let Account { password, name, generation, .. } = store.account(&before.id).await.unwrap().unwrap();
    assert_eq!((password, &*name), (Some(fixture::password_hash()), "Anna Bell"));
    assert_eq!(generation, before.generation + 1);
    let member = store.member(&tenant, &before.id).await.unwrap();
    assert_eq!((member.state, &*member.name), (MemberState::Active, "Anna Bell"));

    let reset = stored(store, LinkPurpose::Reset, PLATFORM_REALM, before.id).await;
    assert!(used(store, reset).await && !used(store, reset).await);
    assert_eq!(store.account(&before.id).await.unwrap().unwrap().generation, before.generation + 2);
}

/// What is expired, replaced or was never made does not hold, and using it changes nothing.
pub async fn only_the_newest_link_holds_and_for_its_time(store: &dyn Storage) {
    let (zoo, anna) = invited(store, "zoo").await;
    let old = stored(store, LinkPurpose::Invitation, zoo, anna).await;
    let invitation = stored(store, LinkPurpose::Invitation, zoo, anna).await;
    let reset = stored(store, LinkPurpose::Reset, PLATFORM_REALM, anna).await;
    assert!(holds(store, &invitation).await && holds(store, &reset).await, "one of each purpose");
    let made_up = [
        old,
        LinkToken { hash: hash(LinkPurpose::Invitation), ..invitation },
        LinkToken { realm: TenantId::new(), ..invitation },
        LinkToken { realm: PLATFORM_REALM, ..invitation },
        LinkToken { account: AccountId::new(), ..invitation },
        LinkToken { purpose: LinkPurpose::Reset, ..invitation },
        LinkToken { purpose: LinkPurpose::Invitation, ..reset },
        LinkToken { realm: zoo, ..reset },
    ];
    for wrong in made_up {
        assert!(!holds(store, &wrong).await && !used(store, wrong).await, "{wrong:?}");
    }
    for token in [invitation, reset] {
        let end = later(fixture::now(), token.purpose.lifetime());
        let just_before = fixture::act_at(earlier(end, Duration::from_micros(1)));
        assert!(store.link_holds(&just_before, &token).await.unwrap());
        let late = fixture::act_at(end);
        assert!(!store.link_holds(&late, &token).await.unwrap());
        let used = LinkUse { token, password: fixture::password_hash(), name: None };
        assert!(!store.use_link(&late, used).await.unwrap());
    }
    assert_eq!(store.account(&anna).await.unwrap().unwrap().password, None);
}

/// An invitation ends with the membership, and with the first password, whoever else invited.
pub async fn an_invitation_ends_with_its_membership_and_with_the_first_password(store: &dyn Storage) {
    let (zoo, anna) = invited(store, "zoo").await;
    let (ape, _) = invited(store, "ape").await;
    let act = fixture::act();
    let of_zoo = stored(store, LinkPurpose::Invitation, zoo, anna).await;
    let of_ape = stored(store, LinkPurpose::Invitation, ape, anna).await;
    store.remove_member(&act, &zoo, &anna, None).await.unwrap();
    assert!(!used(store, of_zoo).await);
    let gone = store.store_link(&act, new(LinkPurpose::Invitation, zoo, anna)).await;
    refused(gone, StorageErrorKind::NotFound);

    let new_member = fixture::new_member("anna@shop.example", AGENT);
    store.add_member(&act, &zoo, new_member).await.unwrap();
    let again = stored(store, LinkPurpose::Invitation, zoo, anna).await;
    let reset = stored(store, LinkPurpose::Reset, PLATFORM_REALM, anna).await;
    assert!(used(store, of_ape).await);
    assert!(!holds(store, &again).await && !used(store, again).await, "she has a password now");
    assert!(!holds(store, &reset).await, "what was asked for before is settled too");
    let needless = store.store_link(&act, new(LinkPurpose::Invitation, zoo, anna)).await;
    refused(needless, StorageErrorKind::NotFound);
}

/// Disabled people get no links, and those they have do not hold; a password that was changed ends a reset.
pub async fn who_is_disabled_gets_no_links(store: &dyn Storage) {
    let (zoo, anna) = invited(store, "zoo").await;
    let act = fixture::act();
    let invitation = stored(store, LinkPurpose::Invitation, zoo, anna).await;
    let reset = stored(store, LinkPurpose::Reset, PLATFORM_REALM, anna).await;
    store.disable_account(&act, &anna, true).await.unwrap();
    assert!(!used(store, invitation).await && !used(store, reset).await);
    let refused_one = store.store_link(&act, new(LinkPurpose::Reset, PLATFORM_REALM, anna)).await;
    refused(refused_one, StorageErrorKind::NotFound);
    let nobody = store.store_link(&act, new(LinkPurpose::Reset, PLATFORM_REALM, AccountId::new())).await;
    refused(nobody, StorageErrorKind::NotFound);
    store.disable_account(&act, &anna, false).await.unwrap();
    assert!(!holds(store, &reset).await && holds(store, &invitation).await);

    let shut_out = MemberChange { disabled: Some(true), ..MemberChange::default() };
    store.change_member(&act, &zoo, &anna, shut_out).await.unwrap();
    let refused_one = store.store_link(&act, new(LinkPurpose::Invitation, zoo, anna)).await;
    refused(refused_one, StorageErrorKind::NotFound);

    let reset = stored(store, LinkPurpose::Reset, PLATFORM_REALM, anna).await;
    store.set_password(&act, &anna, fixture::password_hash()).await.unwrap();
    assert!(!holds(store, &reset).await);
}

/// A young link is spared when the caller says so, so that nobody is flooded.
pub async fn a_young_link_is_spared(store: &dyn Storage) {
    let (_, anna) = invited(store, "zoo").await;
    let offer = async |seconds: u64| {
        let at = later(fixture::now(), Duration::from_secs(seconds));
        let since = Some(earlier(at, Duration::from_secs(60)));
        let link = NewLink { spares_since: since, ..new(LinkPurpose::Reset, PLATFORM_REALM, anna) };
        (store.store_link(&fixture::act_at(at), link).await.unwrap(), token(&link))
    };
    let (is_stored, first) = offer(0).await;
    assert!(is_stored);
    assert!(!offer(59).await.0 && holds(store, &first).await);
    let (is_stored, second) = offer(60).await;
    assert!(is_stored && holds(store, &second).await && !holds(store, &first).await);
    assert!(store.store_link(&fixture::act(), new(LinkPurpose::Reset, PLATFORM_REALM, anna)).await.unwrap());
}
