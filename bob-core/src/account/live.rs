//! The sign-ins of the last seconds, so that not every request asks the store.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::bounded::BoundedMap;
use super::{Login, Person};
use crate::id::{AccountId, LoginId, TenantId};

/// How old an answer about a sign-in may be: how long a lost role or an end on another node goes unnoticed at most.
pub const LOGIN_CACHE_AGE: Duration = Duration::from_secs(5);

/// Sign-ins that are remembered; when there are more, the oldest leave and are asked for again.
const CAPACITY: usize = 10_000;

/// Where a sign-in is found: its realm and itself.
pub(super) type LoginKey = (TenantId, LoginId);

/// A sign-in and who is behind it, of one moment.
#[derive(Debug, Clone)]
pub(super) struct Live {
    pub(super) login: Login,
    pub(super) person: Person,
    /// When it was asked for: no answer is younger than its question.
    pub(super) asked_at: Timestamp,
}

/// What is known of a sign-in.
#[derive(Debug)]
pub(super) enum Known {
    Live(Box<Live>),
    /// It has ended; that never changes.
    Ended,
    /// Nothing, or nothing that is young enough.
    Nothing,
}

#[derive(Debug)]
enum Entry {
    Live(Box<Live>),
    Ended,
}

#[derive(Debug)]
pub(super) struct LiveLogins {
    entries: Mutex<BoundedMap<LoginKey, Entry>>,
}

impl LiveLogins {
    pub(super) fn new() -> Self {
        Self { entries: Mutex::new(BoundedMap::new(CAPACITY)) }
    }

    pub(super) fn get(&self, key: &LoginKey, now: Timestamp) -> Known {
        match self.entries().get(key) {
            Some(Entry::Ended) => Known::Ended,
            Some(Entry::Live(live)) if live.is_young(now) && live.login.is_live(now) => {
                Known::Live(live.clone())
            }
            _ => Known::Nothing,
        }
    }

    /// Remembers what the store said. An end that came meanwhile stands: the store may have been asked before it.
    pub(super) fn put(&self, live: Live) {
        let key = (live.login.realm, live.login.id);
        let mut entries = self.entries();
        let outdated = match entries.get(&key) {
            Some(Entry::Ended) => true,
            Some(Entry::Live(known)) => known.asked_at > live.asked_at,
            None => false,
        };
        if !outdated {
            entries.insert(key, Entry::Live(Box::new(live)));
        }
    }

    /// Forgets what was told of a person's sign-ins, but not that some have ended.
    pub(super) fn forget(&self, account: &AccountId) {
        let of_others = |entry: &Entry| match entry {
            Entry::Live(live) => live.login.account != *account,
            Entry::Ended => true,
        };
        self.entries().retain(of_others);
    }

    pub(super) fn end(&self, key: LoginKey) {
        self.entries().insert(key, Entry::Ended);
    }

    /// Moves the end of idle time on, without making what is known any younger.
    pub(super) fn touch(&self, key: &LoginKey, idle_until: Timestamp) {
        if let Some(Entry::Live(live)) = self.entries().get_mut(key) {
            live.login.idle_until = live.login.idle_until.max(idle_until);
        }
    }

    fn entries(&self) -> MutexGuard<'_, BoundedMap<LoginKey, Entry>> {
        // The map is right after each step.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    fn is_young(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.asked_at);
        // A clock that was set back must not make anything young again.
        !age.is_negative() && age < SignedDuration::try_from(LOGIN_CACHE_AGE).unwrap_or(SignedDuration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Account, AccountKind, Membership, PLATFORM_REALM, PlatformRole, TenantRole};
    use crate::clock::{earlier, later};
    use crate::testing::fixture;

    fn live(asked_at: Timestamp) -> Live {
        let account =
            Account { platform_role: Some(PlatformRole::Owner), ..fixture::account("paul@platform.example") };
        let login = Login {
            id: LoginId::new(),
            realm: PLATFORM_REALM,
            account: account.id,
            kind: AccountKind::Platform,
            generation: 0,
            cookie_hash: [3; 32],
            started_at: asked_at,
            idle_until: later(asked_at, Duration::from_secs(3)),
            ends_at: later(asked_at, Duration::from_secs(60)),
            ended_at: None,
        };
        Live { login, person: Person::behind(&login, account, Vec::new()).unwrap(), asked_at }
    }

    fn key(live: &Live) -> LoginKey {
        (live.login.realm, live.login.id)
    }

    #[test]
    fn an_end_is_not_undone_by_an_answer_that_was_on_its_way() {
        let (logins, live) = (LiveLogins::new(), live(fixture::now()));
        logins.end(key(&live));
        logins.put(live.clone());
        assert!(matches!(logins.get(&key(&live), fixture::now()), Known::Ended));
    }

    #[test]
    fn an_older_answer_does_not_replace_a_younger_one() {
        let (logins, young) = (LiveLogins::new(), live(fixture::now()));
        logins.put(young.clone());
        logins.put(Live { asked_at: earlier(fixture::now(), Duration::from_secs(4)), ..young.clone() });
        let in_two_seconds = later(fixture::now(), Duration::from_secs(2));
        assert!(matches!(logins.get(&key(&young), in_two_seconds), Known::Live(_)));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nothing_young() {
        let (logins, live) = (LiveLogins::new(), live(fixture::now()));
        logins.put(live.clone());
        let before = earlier(fixture::now(), Duration::from_secs(1));
        assert!(matches!(logins.get(&key(&live), before), Known::Nothing));
    }

    #[test]
    fn idle_time_is_asked_for_again_rather_than_believed() {
        let (logins, live) = (LiveLogins::new(), live(fixture::now()));
        logins.put(live.clone());
        let at = later(fixture::now(), Duration::from_secs(3));
        assert!(matches!(logins.get(&key(&live), at), Known::Nothing), "it may have been used elsewhere");
        logins.touch(&key(&live), later(at, Duration::from_secs(60)));
        assert!(matches!(logins.get(&key(&live), at), Known::Live(_)));
    }

    #[test]
    fn nobody_is_behind_a_sign_in_that_does_not_fit() {
        let live = live(fixture::now());
        let account = fixture::account("anna@shop.example");
        let (zoo, ape) = (TenantId::new(), TenantId::new());
        let membership = Membership {
            tenant: zoo,
            tenant_name: "Zoo".to_owned(),
            tenant_slug: "zoo".parse().unwrap(),
            role: TenantRole::Agent,
        };
        let behind = |kind, realm| {
            let login = Login { kind, realm, ..live.login };
            Person::behind(&login, account.clone(), vec![membership.clone()]).is_some()
        };
        assert!(behind(AccountKind::Tenant, zoo));
        assert!(!behind(AccountKind::Tenant, ape));
        assert!(!behind(AccountKind::Tenant, PLATFORM_REALM));
        assert!(!behind(AccountKind::Platform, PLATFORM_REALM));
        assert!(!behind(AccountKind::Platform, zoo));
    }
}
