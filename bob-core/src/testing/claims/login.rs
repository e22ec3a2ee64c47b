//! Claims about sign-ins.

use std::time::Duration;

use super::refused;
use crate::account::{AccountKind, Login, PLATFORM_REALM, RefreshOutcome};
use crate::clock::later;
use crate::id::{AccountId, LoginId, TenantId};
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::fixture;

pub(super) fn login() -> Login {
    Login {
        id: LoginId::new(),
        realm: PLATFORM_REALM,
        account: AccountId::new(),
        kind: AccountKind::Platform,
        generation: 0,
        cookie_hash: [3; 32],
        started_at: fixture::now(),
        idle_until: later(fixture::now(), Duration::from_secs(1_800)),
        ends_at: later(fixture::now(), Duration::from_secs(43_200)),
        ended_at: None,
    }
}

/// Each refresh token works once; a second use ends the sign-in and every token of it.
pub async fn a_refresh_token_works_once_and_reuse_ends_the_login(store: &dyn Storage) {
    let (act, login) = (fixture::act(), login());
    store.open_login(&act, login, [1; 32]).await.unwrap();
    assert_eq!(store.login(&login.realm, &login.id).await.unwrap(), Some(login));
    assert_eq!(
        store.login(&TenantId::new(), &login.id).await.unwrap(),
        None,
        "another realm does not see it"
    );
    let rotate =
        |used: u8, next: u8| store.rotate_refresh(&act, &login.realm, &login.id, [used; 32], [next; 32]);

    assert_eq!(rotate(9, 2).await.unwrap(), RefreshOutcome::Unknown);
    assert_eq!(rotate(1, 2).await.unwrap(), RefreshOutcome::Rotated);
    assert_eq!(rotate(2, 3).await.unwrap(), RefreshOutcome::Rotated);
    assert_eq!(rotate(1, 4).await.unwrap(), RefreshOutcome::Reused);

    assert_eq!(rotate(3, 5).await.unwrap(), RefreshOutcome::Unknown, "the newest token died too");
    let ended = store.login(&login.realm, &login.id).await.unwrap().unwrap();
    assert!(!ended.is_live(fixture::now()));
}

/// Ending keeps the first moment it was ended at.
pub async fn a_login_ends_once(store: &dyn Storage) {
    let login = login();
    store.open_login(&fixture::act(), login, [1; 32]).await.unwrap();
    let end = |at| {
        let act = fixture::act_at(at);
        async move { store.end_login(&act, &login.realm, &login.id).await }
    };

    end(fixture::now()).await.unwrap();
    end(later(fixture::now(), Duration::from_secs(60))).await.unwrap();

    let ended = store.login(&login.realm, &login.id).await.unwrap().unwrap();
    assert_eq!(ended.ended_at, Some(fixture::now()));
    let touched = store.touch_login(&login.realm, &login.id, login.ends_at).await;
    refused(touched, StorageErrorKind::NotFound);
    store.end_login(&fixture::act(), &login.realm, &LoginId::new()).await.unwrap();
}

/// Use makes a sign-in last longer; refresh tokens die with it.
pub async fn idle_time_moves_with_use(store: &dyn Storage) {
    let login = login();
    store.open_login(&fixture::act(), login, [1; 32]).await.unwrap();
    let later_on = later(fixture::now(), Duration::from_secs(3_000));

    store.touch_login(&login.realm, &login.id, later_on).await.unwrap();

    let touched = store.login(&login.realm, &login.id).await.unwrap().unwrap();
    assert_eq!(touched, Login { idle_until: later_on, ..login });
    let late = fixture::act_at(later_on);
    let rotated = store.rotate_refresh(&late, &login.realm, &login.id, [1; 32], [2; 32]).await.unwrap();
    assert_eq!(rotated, RefreshOutcome::Unknown, "the sign-in ran out");
}

/// The latest comes first; those that ended or ran out, other people's and other realms' are not among them.
pub async fn the_sign_ins_of_an_account_are_listed_realm_by_realm(store: &dyn Storage) {
    let (act, now) = (fixture::act(), fixture::now());
    let (mine, tenant) = (login(), TenantId::new());
    let of_mine = |id: LoginId| Login { id, account: mine.account, ..login() };
    let (second, third) = (of_mine(LoginId::new()), of_mine(LoginId::new()));
    let elsewhere = Login { realm: tenant, kind: AccountKind::Tenant, ..of_mine(LoginId::new()) };
    let over = Login { idle_until: now, ..of_mine(LoginId::new()) };
    for (login, hash) in [mine, second, third, elsewhere, over, login()].into_iter().zip(1..) {
        store.open_login(&act, login, [hash; 32]).await.unwrap();
    }
    let list = async |realm: TenantId, before, limit| {
        store.logins_of(&realm, &mine.account, now, before, limit).await.unwrap()
    };

    assert_eq!(list(PLATFORM_REALM, None, 9).await, [third, second, mine]);
    assert_eq!(list(PLATFORM_REALM, None, 2).await, [third, second]);
    assert_eq!(list(PLATFORM_REALM, Some(second.id), 2).await, [mine]);
    assert_eq!(list(tenant, None, 9).await, [elsewhere]);
    assert!(list(TenantId::new(), None, 9).await.is_empty());
    store.end_login(&act, &PLATFORM_REALM, &second.id).await.unwrap();
    assert_eq!(list(PLATFORM_REALM, None, 9).await, [third, mine]);
}

/// The one who asks stays; what had ended before keeps the moment it ended at.
pub async fn all_sign_ins_of_an_account_but_one_are_ended(store: &dyn Storage) {
    let kept = login();
    let of_account = || Login { account: kept.account, ..login() };
    let (other, gone, elsewhere) = (of_account(), of_account(), of_account());
    let elsewhere = Login { realm: TenantId::new(), kind: AccountKind::Tenant, ..elsewhere };
    let stranger = login();
    for (login, hash) in [kept, other, gone, elsewhere, stranger].into_iter().zip(1..) {
        store.open_login(&fixture::act(), login, [hash; 32]).await.unwrap();
    }
    store.end_login(&fixture::act(), &gone.realm, &gone.id).await.unwrap();
    let act = fixture::act_at(later(fixture::now(), Duration::from_secs(60)));
    let end = async || store.end_other_logins(&act, &kept.realm, &kept.account, &kept.id).await.unwrap();

    assert_eq!(end().await, [other.id]);
    assert!(end().await.is_empty());

    for (login, ended_at) in [
        (kept, None),
        (other, Some(act.at)),
        (gone, Some(fixture::now())),
        (elsewhere, None),
        (stranger, None),
    ] {
        let found = store.login(&login.realm, &login.id).await.unwrap().unwrap();
        assert_eq!(found.ended_at, ended_at);
    }
}
