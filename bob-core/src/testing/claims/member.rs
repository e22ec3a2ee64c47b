//! Claims about the people of businesses and of the platform.

use super::{login, refused};
use crate::account::{
    Account, AccountKind, Login, Member, MemberAdded, MemberChange, MemberOutcome, MemberState,
    PLATFORM_REALM, Person, PlatformRole, Role, TenantRole,
};
use crate::id::{AccountId, TenantId};
use crate::pricebook::Allowance;
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::fixture;

const OWNER: Role = Role::Tenant(TenantRole::Owner);
const AGENT: Role = Role::Tenant(TenantRole::Agent);

/// Adds somebody who must get in.
async fn add(store: &dyn Storage, realm: &TenantId, email: &str, role: Role) -> Member {
    match store.add_member(&fixture::act(), realm, fixture::new_member(email, role)).await.unwrap() {
        MemberAdded::Added(member) => *member,
        other => panic!("they should have got in: {other:?}"),
    }
}

/// Adds somebody who has a password.
async fn add_active(store: &dyn Storage, realm: &TenantId, email: &str, role: Role) -> Member {
    let member = add(store, realm, email, role).await;
    store.set_password(&fixture::act(), &member.account, fixture::password_hash()).await.unwrap();
    store.member(realm, &member.account).await.unwrap()
}

async fn change(store: &dyn Storage, realm: &TenantId, who: &Member, change: MemberChange) -> MemberOutcome {
    store.change_member(&fixture::act(), realm, &who.account, change).await.unwrap()
}

async fn remove(store: &dyn Storage, realm: &TenantId, who: &Member) -> MemberOutcome {
    store.remove_member(&fixture::act(), realm, &who.account, None).await.unwrap()
}

/// Whether a sign-in of somebody to a realm holds.
async fn holds(store: &dyn Storage, login: &Login) -> bool {
    let login = store.login(&login.realm, &login.id).await.unwrap().unwrap();
    let account = store.account(&login.account).await.unwrap().unwrap();
    let memberships = store.memberships(&login.account).await.unwrap();
    login.is_live(fixture::now()) && Person::behind(&login, account, memberships).is_some()
}

async fn signed_in(store: &dyn Storage, realm: &TenantId, who: &Member) -> Login {
    let account = store.account(&who.account).await.unwrap().unwrap();
    let kind = if *realm == PLATFORM_REALM { AccountKind::Platform } else { AccountKind::Tenant };
    let generation = account.generation;
    let login = Login { realm: *realm, account: who.account, kind, generation, ..login::login() };
    store.open_login(&fixture::act(), login, [1; 32]).await.unwrap();
    assert!(holds(store, &login).await);
    login
}

fn disabled(disabled: bool) -> MemberChange {
    MemberChange { disabled: Some(disabled), ..MemberChange::default() }
}

fn role(role: Role) -> MemberChange {
    MemberChange { role: Some(role), ..MemberChange::default() }
}

/// Who is new gets an account and waits for a password; who is known joins with the account they have, and each business
/// calls them by a name of its own.
pub async fn who_is_known_joins_with_the_account_they_have(store: &dyn Storage) {
    let (zoo, ape) = (fixture::tenant(store, "zoo").await, fixture::tenant(store, "ape").await);
    let anna = add(store, &zoo, "anna@shop.example", OWNER).await;
    assert_eq!((anna.role, anna.state, &*anna.name), (OWNER, MemberState::Invited, "Anna"));
    assert_eq!(store.member(&zoo, &anna.account).await.unwrap(), anna);
    assert_eq!(store.account(&anna.account).await.unwrap().unwrap().name, "Anna");

    let again = fixture::new_member("ANNA@shop.example", AGENT);
    let again = store.add_member(&fixture::act(), &zoo, again).await.unwrap();
    assert_eq!(again, MemberAdded::Already(anna.account));
    assert_eq!(store.member(&zoo, &anna.account).await.unwrap().role, OWNER);

    store.set_password(&fixture::act(), &anna.account, fixture::password_hash()).await.unwrap();
    let mut other = fixture::new_member("anna@shop.example", AGENT);
    other.name = "Ms Ape".to_owned();
    let MemberAdded::Added(there) = store.add_member(&fixture::act(), &ape, other).await.unwrap() else {
        panic!("she was not there before");
    };
    assert_eq!((there.account, there.state, &*there.name), (anna.account, MemberState::Active, "Ms Ape"));
    assert_eq!(store.member(&zoo, &anna.account).await.unwrap().name, "Anna");
    assert_eq!(store.memberships(&anna.account).await.unwrap().len(), 2);
    let stranger = fixture::new_member("x@y.example", AGENT);
    let nowhere = store.add_member(&fixture::act(), &TenantId::new(), stranger).await;
    refused(nowhere, StorageErrorKind::NotFound);
}

/// The people of a realm are told in pages without gaps, and are strangers elsewhere.
pub async fn members_are_told_in_pages_and_only_in_their_realm(store: &dyn Storage) {
    let (zoo, ape) = (fixture::tenant(store, "zoo").await, fixture::tenant(store, "ape").await);
    let platform = Role::Platform(PlatformRole::Operator);
    let mut there = Vec::new();
    for email in ["a@zoo.example", "b@zoo.example", "c@zoo.example"] {
        there.push(add(store, &zoo, email, AGENT).await);
    }
    let paul = add(store, &PLATFORM_REALM, "paul@platform.example", platform).await;
    there.sort_by_key(|member| member.account);

    let page = store.members(&zoo, None, 2).await.unwrap();
    assert_eq!(page, there[..2]);
    assert_eq!(store.members(&zoo, Some(page[1].account), 2).await.unwrap(), there[2..]);
    assert_eq!(store.members(&PLATFORM_REALM, None, 200).await.unwrap(), std::slice::from_ref(&paul));
    assert_eq!(store.members(&ape, None, 200).await.unwrap(), []);
    for (realm, who) in [(&ape, &there[0]), (&PLATFORM_REALM, &there[0]), (&zoo, &paul)] {
        refused(store.member(realm, &who.account).await, StorageErrorKind::NotFound);
        let act = fixture::act();
        let changed = store.change_member(&act, realm, &who.account, disabled(true)).await;
        refused(changed, StorageErrorKind::NotFound);
        let removed = store.remove_member(&act, realm, &who.account, None).await;
        refused(removed, StorageErrorKind::NotFound);
    }
    assert_eq!(store.members(&zoo, None, 200).await.unwrap(), there, "nothing happened");
    let of_other_kind = store.change_member(&fixture::act(), &zoo, &there[0].account, role(platform)).await;
    refused(of_other_kind, StorageErrorKind::Conflict);
}

/// Of several who are invited at once no more get in than there are seats; invited and disabled people have theirs.
pub async fn seats_hold_however_many_are_invited_at_once(store: &dyn Storage) {
    let zoo = fixture::tenant(store, "zoo").await;
    let invite = async |email: &str| {
        let new =
            crate::account::NewMember { seats: Allowance::UpTo(3), ..fixture::new_member(email, AGENT) };
        store.add_member(&fixture::act(), &zoo, new).await.unwrap() != MemberAdded::NoSeat
    };
    assert!(invite("first@zoo.example").await);
    let (a, b, c, d) = tokio::join!(
        invite("a@zoo.example"),
        invite("b@zoo.example"),
        invite("c@zoo.example"),
        invite("d@zoo.example")
    );
    assert_eq!([a, b, c, d].iter().filter(|in_time| **in_time).count(), 2);
    let members = store.members(&zoo, None, 200).await.unwrap();
    assert_eq!(members.len(), 3);

    change(store, &zoo, &members[0], disabled(true)).await;
    assert!(!invite("e@zoo.example").await);
    remove(store, &zoo, &members[0]).await;
    assert!(invite("e@zoo.example").await);
}

/// A realm that has an owner who can sign in keeps one, also when two go at once.
pub async fn the_last_owner_who_can_sign_in_stays(store: &dyn Storage) {
    let zoo = fixture::tenant(store, "zoo").await;
    for (realm, owner, lesser) in [
        (zoo, OWNER, AGENT),
        (PLATFORM_REALM, Role::Platform(PlatformRole::Owner), Role::Platform(PlatformRole::Auditor)),
    ] {
        let email =
            |name: &str| format!("{name}@{}", if realm == zoo { "zoo.example" } else { "platform.example" });
        let anna = add_active(store, &realm, &email("anna"), owner).await;
        let invited = add(store, &realm, &email("invited"), owner).await;
        add_active(store, &realm, &email("agent"), lesser).await;
        let kept = |outcome| assert_eq!(outcome, MemberOutcome::LastOwner, "{realm}");
        kept(change(store, &realm, &anna, role(lesser)).await);
        kept(change(store, &realm, &anna, disabled(true)).await);
        kept(remove(store, &realm, &anna).await);
        kept(store.disable_account(&fixture::act(), &anna.account, true).await.unwrap());
        assert_eq!(store.member(&realm, &anna.account).await.unwrap(), anna, "nothing happened");
        let named = MemberChange { name: Some("Anna B.".to_owned()), ..role(owner) };
        assert_eq!(change(store, &realm, &anna, named).await, MemberOutcome::Done);
        assert_eq!(remove(store, &realm, &invited).await, MemberOutcome::Done);

        let ben = add_active(store, &realm, &email("ben"), owner).await;
        let (one, two) =
            tokio::join!(remove(store, &realm, &anna), change(store, &realm, &ben, disabled(true)));
        assert!((one == MemberOutcome::Done) != (two == MemberOutcome::Done), "{one:?} {two:?}");
    }
}

/// Who is disabled or removed has no sign-in there any more, gets none back, and keeps those elsewhere.
pub async fn who_is_disabled_or_removed_is_signed_out_there_only(store: &dyn Storage) {
    let (zoo, ape) = (fixture::tenant(store, "zoo").await, fixture::tenant(store, "ape").await);
    let anna = add_active(store, &zoo, "anna@shop.example", AGENT).await;
    add(store, &ape, "anna@shop.example", AGENT).await;
    let (at_zoo, at_ape) = (signed_in(store, &zoo, &anna).await, signed_in(store, &ape, &anna).await);

    assert_eq!(change(store, &zoo, &anna, disabled(true)).await, MemberOutcome::Done);
    assert_eq!(store.member(&zoo, &anna.account).await.unwrap().state, MemberState::Disabled);
    assert_eq!(store.memberships(&anna.account).await.unwrap().len(), 1);
    assert!(!holds(store, &at_zoo).await && holds(store, &at_ape).await);
    change(store, &zoo, &anna, disabled(false)).await;
    assert_eq!(store.member(&zoo, &anna.account).await.unwrap().state, MemberState::Active);
    assert!(!holds(store, &at_zoo).await, "an end stands");

    let again = signed_in(store, &zoo, &anna).await;
    assert_eq!(remove(store, &zoo, &anna).await, MemberOutcome::Done);
    add(store, &zoo, "anna@shop.example", AGENT).await;
    assert!(!holds(store, &again).await && holds(store, &at_ape).await);
}

/// A disabled account is shut out of everything, and a new password or being let in again brings no sign-in back.
pub async fn a_disabled_account_is_shut_out_everywhere(store: &dyn Storage) {
    let zoo = fixture::tenant(store, "zoo").await;
    let operator = Role::Platform(PlatformRole::Operator);
    let anna = add_active(store, &zoo, "anna@shop.example", AGENT).await;
    add(store, &PLATFORM_REALM, "anna@shop.example", operator).await;
    let at_zoo = signed_in(store, &zoo, &anna).await;
    let at_platform = signed_in(store, &PLATFORM_REALM, &anna).await;
    let act = fixture::act();

    assert_eq!(store.disable_account(&act, &anna.account, true).await.unwrap(), MemberOutcome::Done);
    assert!(!holds(store, &at_zoo).await && !holds(store, &at_platform).await);
    assert_eq!(store.member(&zoo, &anna.account).await.unwrap().state, MemberState::Disabled);
    assert_eq!(store.disable_account(&act, &anna.account, false).await.unwrap(), MemberOutcome::Done);
    assert_eq!(store.member(&zoo, &anna.account).await.unwrap().state, MemberState::Active);
    assert!(!holds(store, &at_zoo).await && !holds(store, &at_platform).await);

    let again = signed_in(store, &zoo, &anna).await;
    store.set_password(&act, &anna.account, fixture::password_hash()).await.unwrap();
    assert!(!holds(store, &again).await);
    let again = signed_in(store, &PLATFORM_REALM, &anna).await;
    change(store, &PLATFORM_REALM, &anna, disabled(true)).await;
    assert!(!holds(store, &again).await);
    let nobody = store.disable_account(&act, &AccountId::new(), true).await;
    refused(nobody, StorageErrorKind::NotFound);
}

/// A change and a removal happen only to the version that was expected; every change makes another one.
pub async fn a_member_is_changed_as_they_were_expected(store: &dyn Storage) {
    let zoo = fixture::tenant(store, "zoo").await;
    let mut anna = add(store, &zoo, "anna@shop.example", AGENT).await;
    for next in
        [role(OWNER), disabled(true), MemberChange { name: Some("A. B.".to_owned()), ..disabled(false) }]
    {
        let next = MemberChange { expected: Some(anna.version), ..next };
        assert_eq!(change(store, &zoo, &anna, next.clone()).await, MemberOutcome::Done);
        let late = store.change_member(&fixture::act(), &zoo, &anna.account, next).await;
        refused(late, StorageErrorKind::Stale);
        let changed = store.member(&zoo, &anna.account).await.unwrap();
        assert!(changed.version > anna.version);
        anna = changed;
    }
    assert_eq!((anna.role, &*anna.name), (OWNER, "A. B."));
    let account: Account = store.account(&anna.account).await.unwrap().unwrap();
    assert_eq!(account.name, "Anna", "what a business calls somebody is its own");
    let remove =
        async |version| store.remove_member(&fixture::act(), &zoo, &anna.account, Some(version)).await;
    refused(remove(anna.version + 1).await, StorageErrorKind::Stale);
    assert_eq!(remove(anna.version).await.unwrap(), MemberOutcome::Done);
    refused(store.member(&zoo, &anna.account).await, StorageErrorKind::NotFound);
}
