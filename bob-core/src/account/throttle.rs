//! Guessing passwords, made slow: failures are counted by account and address, and too many of them are refused.
//!
//! Counters live in this process. A cluster of n nodes therefore lets n times as many guesses pass, and a restart
//! forgets; both are far from what guessing needs.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use jiff::Timestamp;

use super::Email;
use super::bounded::BoundedMap;
use crate::clock::{earlier, later, until};
use crate::keyring::PurposeKeys;
use crate::limit::{Limited, Quota, Rate};

/// How long a failure counts.
pub const THROTTLE_WINDOW: Duration = Duration::from_secs(15 * 60);

/// Failures of one account from one address, after which it is refused there.
pub const FAILURES_PER_ACCOUNT_AND_ADDRESS: usize = 10;

/// Failures from one address, after which it is refused.
pub const FAILURES_PER_ADDRESS: usize = 50;

/// The limits that refuse, by their names in the `RateLimit` field.
const OF_PAIR: (&str, usize) = ("sign-in", FAILURES_PER_ACCOUNT_AND_ADDRESS);
const OF_ADDRESS: (&str, usize) = ("sign-in-address", FAILURES_PER_ADDRESS);

/// Failures of one account over all addresses, after which its answers slow down.
pub const FAILURES_PER_ACCOUNT: usize = 100;

/// How much each further failure slows an account down, and how much at most.
const SLOWER: Duration = Duration::from_millis(100);
const SLOWEST: Duration = Duration::from_secs(2);

/// Failures that are remembered of an account: enough to reach [`SLOWEST`].
const REMEMBERED_PER_ACCOUNT: usize = FAILURES_PER_ACCOUNT + 20;

/// Accounts that wait to be told at a time.
const ALARMS: usize = 100;

/// How soon to come back when attempts that still run fill the limit.
const SOON: Duration = Duration::from_secs(1);

/// Counters of each sort; when there are more, the oldest leave. Those that count nothing any more leave before.
const CAPACITY: usize = 10_000;

/// Where an attempt comes from: an IPv4 address, or the /64 of an IPv6 address, which is what one subscriber has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Bucket {
    V4([u8; 4]),
    V6([u16; 4]),
    /// The host did not say.
    Unknown,
}

impl Bucket {
    fn of(client: Option<IpAddr>) -> Self {
        match client.map(|address| address.to_canonical()) {
            None => Self::Unknown,
            Some(IpAddr::V4(address)) => Self::V4(address.octets()),
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

/// An account, or an address that has none, without its name.
type AccountTag = [u8; 16];

#[derive(Debug, Default)]
struct Counter {
    /// When the failures were, oldest first.
    failures: VecDeque<Timestamp>,
    /// Attempts that have begun and not ended.
    running: usize,
}

impl Counter {
    fn forget_old(&mut self, now: Timestamp) {
        let since = earlier(now, THROTTLE_WINDOW);
        while self.failures.front().is_some_and(|&at| at <= since) {
            self.failures.pop_front();
        }
    }

    /// How long to wait until fewer than `limit` count; `None` when an attempt may begin now.
    fn wait(&mut self, limit: usize, now: Timestamp) -> Option<Duration> {
        self.forget_old(now);
        if let Some(surplus) = self.failures.len().checked_sub(limit) {
            let leaves = later(*self.failures.get(surplus)?, THROTTLE_WINDOW);
            return Some(until(now, leaves));
        }
        (self.failures.len() + self.running >= limit).then_some(SOON)
    }

    fn fail(&mut self, at: Timestamp, remembered: usize) {
        self.forget_old(at);
        self.failures.push_back(at);
        while self.failures.len() > remembered {
            self.failures.pop_front();
        }
    }

    fn is_empty(&self) -> bool {
        self.failures.is_empty() && self.running == 0
    }
}

#[derive(Debug)]
struct Counters {
    pairs: BoundedMap<(AccountTag, Bucket), Counter>,
    addresses: BoundedMap<Bucket, Counter>,
    accounts: BoundedMap<AccountTag, Counter>,
}

/// Decides which attempts to sign in may begin.
#[derive(Debug)]
pub(crate) struct Throttle {
    counters: Mutex<Counters>,
    tags: hmac::Key,
    /// Accounts that are to be told; none are kept where nobody is told.
    alarms: Option<Mutex<Vec<Email>>>,
}

impl Throttle {
    pub(super) fn new(keys: &PurposeKeys) -> Self {
        let counters = Counters {
            pairs: BoundedMap::new(CAPACITY),
            addresses: BoundedMap::new(CAPACITY),
            accounts: BoundedMap::new(CAPACITY),
        };
        let alarms = Some(Mutex::default());
        Self { counters: Mutex::new(counters), tags: keys.hmac("sign-in throttle"), alarms }
    }

    /// For attempts that need no password: nobody has to be told of many.
    pub(super) fn without_alarms(mut self) -> Self {
        self.alarms = None;
        self
    }

    /// The accounts that were guessed at often since the last call, each once a window.
    pub(crate) fn take_alarms(&self) -> Vec<Email> {
        let alarms = self.alarms.as_ref().map(|alarms| alarms.lock().unwrap_or_else(PoisonError::into_inner));
        alarms.map(|mut alarms| std::mem::take(&mut *alarms)).unwrap_or_default()
    }

    /// Lets an attempt begin, or says how long to wait.
    ///
    /// Attempts that still run count as failures do, so that many at a time get no further than one after the other.
    /// Without an address, attempts are counted by account alone: a limit shared by all the world would shut it out.
    pub(crate) fn begin(
        &self,
        email: &Email,
        client: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Attempt<'_>, Limited> {
        let (tag, bucket) = (self.tag(email), Bucket::of(client));
        let mut counters = self.counters();
        let of_pair = limited(counters.pairs.get_mut(&(tag, bucket)), OF_PAIR, now);
        let of_address = limited(counters.addresses.get_mut(&bucket), OF_ADDRESS, now);
        if let Some(limited) = of_pair.into_iter().chain(of_address).max_by_key(|it| it.retry_after) {
            return Err(limited);
        }
        let failures = counters.accounts.get_mut(&tag).map_or(0, |counter| {
            counter.forget_old(now);
            counter.failures.len()
        });
        entry(&mut counters.pairs, (tag, bucket)).running += 1;
        if bucket != Bucket::Unknown {
            entry(&mut counters.addresses, bucket).running += 1;
        }
        Ok(Attempt {
            throttle: self,
            email: email.clone(),
            tag,
            bucket,
            begun: now,
            outcome: Outcome::Failed,
            delay: delay(failures),
        })
    }

    fn end(&self, email: &Email, tag: AccountTag, bucket: Bucket, at: Timestamp, outcome: Outcome) {
        let mut counters = self.counters();
        end_one(&mut counters.pairs, (tag, bucket), at, outcome, FAILURES_PER_ACCOUNT_AND_ADDRESS);
        if bucket != Bucket::Unknown {
            // One good sign-in does not wash away what else came from there.
            let outcome = if outcome == Outcome::Succeeded { Outcome::Excused } else { outcome };
            end_one(&mut counters.addresses, bucket, at, outcome, FAILURES_PER_ADDRESS);
        }
        let slows_down = outcome == Outcome::Failed && count_for_account(&mut counters.accounts, tag, at);
        drop(counters);
        if let (true, Some(alarms)) = (slows_down, &self.alarms) {
            let mut alarms = alarms.lock().unwrap_or_else(PoisonError::into_inner);
            if alarms.len() < ALARMS {
                alarms.push(email.clone());
            }
            drop(alarms);
            tracing::warn!(
                account = HEXLOWER.encode(&tag),
                failures = FAILURES_PER_ACCOUNT,
                "somebody guesses an account's password from many addresses; its sign-ins slow down"
            );
        }
    }

    /// The name of an account in events and counters; who has the root key can find out whose it is.
    fn tag(&self, email: &Email) -> AccountTag {
        let mut tag = [0; 16];
        tag.copy_from_slice(&hmac::sign(&self.tags, email.as_str().as_bytes()).as_ref()[..16]);
        tag
    }

    fn counters(&self) -> MutexGuard<'_, Counters> {
        // Counters are right after each step.
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The refusal of a counter that has reached a limit.
fn limited(counter: Option<&mut Counter>, of: (&'static str, usize), now: Timestamp) -> Option<Limited> {
    let (policy, count) = of;
    let retry_after = counter?.wait(count, now)?;
    let rate = Rate { count: u32::try_from(count).unwrap_or(u32::MAX), per: THROTTLE_WINDOW };
    Some(Limited { policy, quota: Quota::Within(rate), retry_after })
}

fn entry<K: Copy + Eq + std::hash::Hash>(map: &mut BoundedMap<K, Counter>, key: K) -> &mut Counter {
    if map.get(&key).is_none() {
        map.insert(key, Counter::default());
    }
    map.get_mut(&key).expect("it is there or was just set")
}

fn end_one<K: Copy + Eq + std::hash::Hash>(
    map: &mut BoundedMap<K, Counter>,
    key: K,
    at: Timestamp,
    outcome: Outcome,
    limit: usize,
) {
    while map.pop_oldest_if(|counter| {
        counter.forget_old(at);
        counter.is_empty()
    }) {}
    // Setting it again makes it the youngest, so that counters in use stay.
    let mut counter = map.remove(&key).unwrap_or_default();
    counter.running = counter.running.saturating_sub(1);
    match outcome {
        Outcome::Failed => counter.fail(at, limit),
        Outcome::Succeeded => counter.failures.clear(),
        Outcome::Excused => {}
    }
    if !counter.is_empty() {
        map.insert(key, counter);
    }
}

/// Counts a failure of an account; whether it is the one from which on the account slows down.
fn count_for_account(map: &mut BoundedMap<AccountTag, Counter>, tag: AccountTag, at: Timestamp) -> bool {
    let failures =
        |map: &BoundedMap<AccountTag, Counter>| map.get(&tag).map_or(0, |counter| counter.failures.len());
    let before = failures(map);
    end_one(map, tag, at, Outcome::Failed, REMEMBERED_PER_ACCOUNT);
    before < FAILURES_PER_ACCOUNT && failures(map) == FAILURES_PER_ACCOUNT
}

fn delay(failures: usize) -> Duration {
    let over = (failures + 1).saturating_sub(FAILURES_PER_ACCOUNT);
    SLOWER.saturating_mul(u32::try_from(over).unwrap_or(u32::MAX)).min(SLOWEST)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Failed,
    Succeeded,
    Excused,
}

/// One attempt to sign in. Dropped without a word it has failed, so that hanging up does not buy a free guess.
#[derive(Debug)]
#[must_use = "an attempt that is dropped has failed"]
pub(crate) struct Attempt<'a> {
    throttle: &'a Throttle,
    email: Email,
    tag: AccountTag,
    bucket: Bucket,
    begun: Timestamp,
    outcome: Outcome,
    delay: Duration,
}

impl Attempt<'_> {
    /// How much later it is to be answered, right or wrong.
    pub(super) fn delay(&self) -> Duration {
        self.delay
    }

    /// The password was right: this account's failures from this address are forgotten.
    pub(super) fn succeeded(mut self) {
        self.outcome = Outcome::Succeeded;
    }

    /// It was not looked at, for a reason of ours.
    pub(super) fn excused(mut self) {
        self.outcome = Outcome::Excused;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.throttle.end(&self.email, self.tag, self.bucket, self.begun, self.outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    fn throttle() -> Throttle {
        Throttle::new(&PurposeKeys::from_root([1; 32]))
    }

    fn email(name: &str) -> Email {
        format!("{name}@shop.example").parse().unwrap()
    }

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    fn fail(throttle: &Throttle, times: usize, name: &str, client: &str, now: Timestamp) {
        for _ in 0..times {
            drop(throttle.begin(&email(name), address(client), now).unwrap());
        }
    }

    #[track_caller]
    fn check(throttle: &Throttle, name: &str, client: &str, now: Timestamp, wait: Option<u64>) {
        let refused = throttle.begin(&email(name), address(client), now).map(Attempt::excused).err();
        let wait = wait.map(Duration::from_secs);
        assert_eq!(refused.map(|limited| limited.retry_after), wait, "{name} from {client}");
    }

    #[test]
    fn ten_failures_shut_an_account_out_from_one_address() {
        let (throttle, now) = (throttle(), fixture::now());
        fail(&throttle, 9, "anna", "192.0.2.1", now);
        check(&throttle, "anna", "192.0.2.1", now, None);
        fail(&throttle, 1, "anna", "192.0.2.1", now);
        check(&throttle, "anna", "192.0.2.1", now, Some(900));
        check(&throttle, "anna", "192.0.2.2", now, None);
        check(&throttle, "ben", "192.0.2.1", now, None);
    }

    #[test]
    fn a_failure_counts_for_fifteen_minutes() {
        let (throttle, now) = (throttle(), fixture::now());
        let minutes = |minutes: u64| later(now, Duration::from_secs(60 * minutes));
        fail(&throttle, 1, "anna", "192.0.2.1", now);
        fail(&throttle, 9, "anna", "192.0.2.1", minutes(10));
        check(&throttle, "anna", "192.0.2.1", minutes(14), Some(60));
        check(&throttle, "anna", "192.0.2.1", minutes(15), None);
        fail(&throttle, 1, "anna", "192.0.2.1", minutes(15));
        check(&throttle, "anna", "192.0.2.1", minutes(15), Some(600));
    }

    #[test]
    fn fifty_failures_shut_an_address_out_for_everybody() {
        let (throttle, now) = (throttle(), fixture::now());
        for person in 0..10 {
            fail(&throttle, 5, &format!("person{person}"), "192.0.2.1", now);
        }
        check(&throttle, "anna", "192.0.2.1", now, Some(900));
        check(&throttle, "anna", "192.0.2.2", now, None);
        check(&throttle, "anna", "::ffff:192.0.2.1", now, Some(900));
        let limited = throttle.begin(&email("anna"), address("192.0.2.1"), now).unwrap_err();
        let rate = Rate { count: 50, per: THROTTLE_WINDOW };
        assert_eq!((limited.policy, limited.quota), ("sign-in-address", Quota::Within(rate)));
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_address() {
        let (throttle, now) = (throttle(), fixture::now());
        for host in 0..10 {
            fail(&throttle, 1, "anna", &format!("2001:db8:1:2::{host}"), now);
        }
        check(&throttle, "anna", "2001:db8:1:2:ffff::1", now, Some(900));
        check(&throttle, "anna", "2001:db8:1:3::1", now, None);
    }

    #[test]
    fn a_good_sign_in_forgets_the_failures_of_its_account_there_only() {
        let (throttle, now) = (throttle(), fixture::now());
        fail(&throttle, 9, "anna", "192.0.2.1", now);
        throttle.begin(&email("anna"), address("192.0.2.1"), now).unwrap().succeeded();
        fail(&throttle, 9, "anna", "192.0.2.1", now);
        check(&throttle, "anna", "192.0.2.1", now, None);
        for person in 0..8 {
            fail(&throttle, 4, &format!("person{person}"), "192.0.2.1", now);
        }
        check(&throttle, "anna", "192.0.2.1", now, Some(900));
    }

    #[test]
    fn attempts_that_run_count_so_that_many_at_once_gain_nothing() {
        let (throttle, now) = (throttle(), fixture::now());
        let running: Vec<_> =
            (0..10).map(|_| throttle.begin(&email("anna"), address("192.0.2.1"), now).unwrap()).collect();
        check(&throttle, "anna", "192.0.2.1", now, Some(1));
        running.into_iter().for_each(Attempt::excused);
        check(&throttle, "anna", "192.0.2.1", now, None);
    }

    #[test]
    fn without_addresses_accounts_are_counted_alone() {
        let (throttle, now) = (throttle(), fixture::now());
        for person in 0..20 {
            for _ in 0..10 {
                drop(throttle.begin(&email(&format!("person{person}")), None, now).unwrap());
            }
        }
        assert!(throttle.begin(&email("person0"), None, now).is_err());
        assert!(throttle.begin(&email("anna"), None, now).is_ok());
    }

    #[test]
    fn an_account_that_is_guessed_from_everywhere_slows_down_and_is_never_refused() {
        let (throttle, now) = (throttle(), fixture::now());
        let delay = |now| {
            let attempt = throttle.begin(&email("anna"), address("198.51.100.1"), now).unwrap();
            let delay = attempt.delay();
            attempt.excused();
            delay
        };
        let guess = |from: usize, to: usize| {
            (from..to)
                .for_each(|host| fail(&throttle, 1, "anna", &format!("10.0.{}.{host}", host / 200), now));
        };
        guess(0, 99);
        assert_eq!(delay(now), Duration::ZERO);
        guess(99, 100);
        assert_eq!(delay(now), Duration::from_millis(100));
        guess(100, 110);
        assert_eq!(delay(now), Duration::from_millis(1_100));
        guess(110, 250);
        assert_eq!(delay(now), Duration::from_secs(2));
        assert_eq!(delay(later(now, THROTTLE_WINDOW)), Duration::ZERO);
    }

    #[test]
    fn an_account_that_is_guessed_from_everywhere_is_told_each_time_it_begins() {
        let (throttle, now) = (throttle(), fixture::now());
        let told = |times: usize, account: u8, minute: u64| {
            let mut counters = throttle.counters();
            let at = later(now, Duration::from_secs(60 * minute));
            let mut fail = || count_for_account(&mut counters.accounts, [account; 16], at);
            (0..times).filter(|_| fail()).count()
        };
        assert_eq!(told(99, 1, 0), 0);
        assert_eq!(told(200, 1, 0), 1);
        assert_eq!(told(200, 1, 14), 0);
        assert_eq!(told(200, 1, 40), 1);

        assert_eq!((told(6, 2, 50), told(99, 2, 51)), (0, 1));
        assert_eq!(told(1, 2, 65), 0, "fewer than before, but it never stopped");
    }

    #[test]
    fn counters_are_bounded() {
        let (throttle, now) = (throttle(), fixture::now());
        for name in 0..CAPACITY + 10 {
            let client = IpAddr::from(u32::try_from(name).unwrap().to_be_bytes());
            drop(throttle.begin(&email(&name.to_string()), Some(client), now).unwrap());
        }
        let counters = throttle.counters();
        assert_eq!(counters.pairs.len(), CAPACITY);
        assert_eq!(counters.addresses.len(), CAPACITY);
        assert_eq!(counters.accounts.len(), CAPACITY);
    }

    #[test]
    fn failures_of_long_ago_leave_nothing_behind() {
        let (throttle, now) = (throttle(), fixture::now());
        for person in 0..100 {
            fail(&throttle, 1, &format!("person{person}"), &format!("192.0.2.{person}"), now);
        }
        fail(&throttle, 1, "anna", "198.51.100.1", later(now, THROTTLE_WINDOW));
        let counters = throttle.counters();
        assert_eq!((counters.pairs.len(), counters.addresses.len(), counters.accounts.len()), (1, 1, 1));
    }

    #[test]
    fn good_sign_ins_leave_nothing_behind() {
        let (throttle, now) = (throttle(), fixture::now());
        throttle.begin(&email("anna"), address("192.0.2.1"), now).unwrap().succeeded();
        let counters = throttle.counters();
        assert_eq!((counters.pairs.len(), counters.addresses.len(), counters.accounts.len()), (0, 0, 0));
    }
}
