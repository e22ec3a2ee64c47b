//! Passwords, hashed with argon2id on a bounded pool.
//!
//! One hash takes 19 MiB and tens of milliseconds of a core, so only a few run at a time, a bounded number waits, and
//! the rest is sent away as [`PasswordError::Busy`] before it costs anything.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use data_encoding::BASE64_NOPAD;
use tokio::sync::Semaphore;

use crate::keyring::{NoRandomness, random_bytes};
use crate::secret::Secret;

/// The longest password that is looked at, in bytes.
pub const LONGEST_PASSWORD: usize = 1_024;

/// What a password is checked against: an argon2id hash in PHC string form.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes a hash back from storage.
    #[must_use]
    pub fn from_stored(phc: String) -> Self {
        Self(phc)
    }

    /// The hash, for storage.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// The cost is below what argon2 can do (RFC 9106: 8 KiB a lane, one pass, one lane) or above what Bob accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a password costs 8 KiB a lane to 1 GiB, 1 to 64 passes and 1 to 64 lanes")]
pub struct PasswordCostError;

impl PasswordCost {
    /// 19 MiB, 2 passes, 1 lane: what OWASP's Password Storage Cheat Sheet asks of argon2id; the default.
    pub const OWASP: Self = Self { memory_kib: 19 * 1_024, passes: 2, lanes: 1 };

    /// The least argon2 can do. For tests; it protects nobody.
    pub const FOR_TESTS: Self = Self { memory_kib: 8, passes: 1, lanes: 1 };

    const MOST: Self = Self { memory_kib: 1_024 * 1_024, passes: 64, lanes: 64 };

    /// A cost of `memory_kib` KiB, filled `passes` times, in `lanes` lanes.
    ///
    /// # Errors
    ///
    /// [`PasswordCostError`] below 8 KiB a lane, one pass or one lane, and above 1 GiB, 64 passes or 64 lanes.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, PasswordCostError> {
        let fits =
            memory_kib <= Self::MOST.memory_kib && passes <= Self::MOST.passes && lanes <= Self::MOST.lanes;
        let possible = Params::new(memory_kib, passes, lanes, None).is_ok();
        (fits && possible).then_some(Self { memory_kib, passes, lanes }).ok_or(PasswordCostError)
    }

    fn argon2(self) -> Argon2<'static> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, None);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params.expect("checked when the cost was made"))
    }

    /// A hash of this cost that no password has.
    fn dummy(self) -> String {
        let Self { memory_kib, passes, lanes } = self;
        let (salt, output) = (BASE64_NOPAD.encode(&[0; 16]), BASE64_NOPAD.encode(&[0; 32]));
        format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${output}")
    }
}

impl Default for PasswordCost {
    fn default() -> Self {
        Self::OWASP
    }
}

/// Why a password was neither hashed nor checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// A new password must have 1 to [`LONGEST_PASSWORD`] bytes.
    #[error("a password has 1 to 1,024 bytes")]
    Length,
    /// Too many wait already; nothing was computed. Try again in a moment.
    #[error("too many passwords are being checked")]
    Busy,
    /// Memory or randomness ran out, or the runtime is shutting down.
    #[error("the password could not be hashed")]
    Failed,
}

impl From<NoRandomness> for PasswordError {
    fn from(_: NoRandomness) -> Self {
        Self::Failed
    }
}

/// Hashes and checks passwords, a few at a time; clones share the pool.
///
/// The default is [`PasswordCost::OWASP`], 2 at work and 64 waiting. Work that has begun ends even when its caller has
/// gone, and keeps its place until then.
#[derive(Clone)]
pub struct Passwords {
    cost: PasswordCost,
    /// At work or waiting.
    places: Arc<Semaphore>,
    /// At work.
    workers: Arc<Semaphore>,
    computed: Arc<AtomicU64>,
}

impl Passwords {
    /// Hashes at `cost`, 2 at a time, 64 waiting.
    #[must_use]
    pub fn new(cost: PasswordCost) -> Self {
        Self {
            cost,
            places: Arc::new(Semaphore::new(0)),
            workers: Arc::new(Semaphore::new(0)),
            computed: Arc::default(),
        }
        .with_pool(2, 64)
    }

    /// Lets `at_work` (at least 1) compute at a time and `waiting` more wait; at most 10,000 of each.
    #[must_use]
    pub fn with_pool(mut self, at_work: usize, waiting: usize) -> Self {
        let at_work = at_work.clamp(1, 10_000);
        self.workers = Arc::new(Semaphore::new(at_work));
        self.places = Arc::new(Semaphore::new(at_work + waiting.min(10_000)));
        self
    }

    /// Hashes a new password with a new salt.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Length`] unless it has 1 to [`LONGEST_PASSWORD`] bytes, [`PasswordError::Busy`] when the queue is
    /// full, [`PasswordError::Failed`] when memory or randomness ran out.
    pub async fn hash(&self, password: Secret) -> Result<PasswordHash, PasswordError> {
        if !has_good_length(&password) {
            return Err(PasswordError::Length);
        }
        let (salt, argon2): ([u8; 16], _) = (random_bytes()?, self.cost.argon2());
        self.compute(move || {
            let hash: Result<phc::PasswordHash, _> =
                argon2.hash_password_with_salt(password.expose().as_bytes(), &salt);
            hash.map(|hash| PasswordHash(hash.to_string())).map_err(|_| PasswordError::Failed)
        })
        .await?
    }

    /// Whether `password` is the one `stored` was made of; the parameters are those that stand in `stored`.
    ///
    /// `None` is never right and costs as much as a hash of today's cost, so that an answer's time does not tell whether
    /// there is an account. The same holds for a password of 0 or more than [`LONGEST_PASSWORD`] bytes, and for a stored
    /// hash that cannot be read or costs more than a [`PasswordCost`] may.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Busy`] when the queue is full, [`PasswordError::Failed`] when memory ran out.
    pub async fn verify(
        &self,
        password: Secret,
        stored: Option<&PasswordHash>,
    ) -> Result<bool, PasswordError> {
        let readable = stored.filter(|_| has_good_length(&password)).and_then(|stored| {
            let read = read(stored.as_str());
            if read.is_none() {
                tracing::error!("a stored password hash cannot be used; its owner cannot sign in");
            }
            read
        });
        let is_real = readable.is_some();
        let password = if has_good_length(&password) { password } else { Secret::new("") };
        let hash = readable.unwrap_or_else(|| {
            phc::PasswordHash::new(&self.cost.dummy()).expect("the dummy is a PHC string")
        });
        let argon2 = self.cost.argon2();
        let verdict =
            self.compute(move || argon2.verify_password(password.expose().as_bytes(), &hash)).await?;
        match verdict {
            Ok(()) => Ok(is_real),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(error) => {
                tracing::error!(%error, "a password could not be checked");
                Err(PasswordError::Failed)
            }
        }
    }

    /// How many hashes were computed since the start, right and wrong ones alike; a figure for metrics.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let worker = Arc::clone(&self.workers).acquire_owned().await.map_err(|_| PasswordError::Failed)?;
        let computed = Arc::clone(&self.computed);
        let task = tokio::task::spawn_blocking(move || {
            let result = work();
            computed.fetch_add(1, Ordering::Relaxed);
            drop((worker, place));
            result
        });
        task.await.map_err(|_| PasswordError::Failed)
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new(PasswordCost::default())
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").field("cost", &self.cost).field("computed", &self.computed()).finish()
    }
}

fn has_good_length(password: &Secret) -> bool {
    (1..=LONGEST_PASSWORD).contains(&password.expose().len())
}

/// Reads a stored hash of a cost that Bob is ready to pay.
fn read(stored: &str) -> Option<phc::PasswordHash> {
    let hash = phc::PasswordHash::new(stored).ok()?;
    Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let params = Params::try_from(&hash).ok()?;
    PasswordCost::new(params.m_cost(), params.t_cost(), params.p_cost()).ok()?;
    (hash.salt.is_some() && hash.hash.is_some()).then_some(hash)
}

#[cfg(test)]
impl Passwords {
    /// Leaves no place in the queue while it is held.
    pub(super) fn fill(&self) -> tokio::sync::OwnedSemaphorePermit {
        Self::take_all(&self.places)
    }

    /// Lets nobody work while it is held.
    pub(super) fn stop(&self) -> tokio::sync::OwnedSemaphorePermit {
        Self::take_all(&self.workers)
    }

    fn take_all(semaphore: &Arc<Semaphore>) -> tokio::sync::OwnedSemaphorePermit {
        let all = u32::try_from(semaphore.available_permits()).unwrap();
        Arc::clone(semaphore).try_acquire_many_owned(all).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> Passwords {
        Passwords::new(PasswordCost::FOR_TESTS)
    }

    async fn hash(password: &str) -> PasswordHash {
        cheap().hash(Secret::new(password)).await.unwrap()
    }

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let stored = hash("correct horse").await;
        assert!(stored.as_str().starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{}", stored.as_str());
        assert_eq!(cheap().verify(Secret::new("correct horse"), Some(&stored)).await, Ok(true));
        for wrong in ["", "correct horsf", "Correct horse", "correct horse ", "correct horse\0"] {
            assert_eq!(cheap().verify(Secret::new(wrong), Some(&stored)).await, Ok(false), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn the_same_password_has_another_hash_each_time() {
        assert_ne!(hash("correct horse").await, hash("correct horse").await);
    }

    #[tokio::test]
    async fn parameters_of_another_time_still_work() {
        let other = Passwords::new(PasswordCost::new(64, 3, 2).unwrap());
        let stored = other.hash(Secret::new("correct horse")).await.unwrap();
        assert_eq!(cheap().verify(Secret::new("correct horse"), Some(&stored)).await, Ok(true));
        assert_eq!(cheap().verify(Secret::new("wrong"), Some(&stored)).await, Ok(false));
    }

    #[tokio::test]
    async fn a_hash_of_the_reference_implementation_is_understood() {
        let stored = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let stored = PasswordHash::from_stored(stored.to_owned());
        assert_eq!(cheap().verify(Secret::new("password"), Some(&stored)).await, Ok(true));
    }

    #[tokio::test]
    async fn the_default_cost_is_what_owasp_asks_for() {
        let stored = Passwords::default().hash(Secret::new("correct horse")).await.unwrap();
        assert!(stored.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", stored.as_str());
    }

    #[tokio::test]
    async fn nobody_costs_as_much_as_somebody() {
        let passwords = cheap();
        assert_eq!(passwords.verify(Secret::new("correct horse"), None).await, Ok(false));
        assert_eq!(passwords.computed(), 1);
        for broken in [
            "",
            "plain",
            "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA",
            "$2b$10$abcdefghijklmnopqrstuv",
        ] {
            let stored = PasswordHash::from_stored(broken.to_owned());
            assert_eq!(passwords.verify(Secret::new("plain"), Some(&stored)).await, Ok(false), "{broken}");
        }
        assert_eq!(passwords.computed(), 5);
        let dummy = PasswordHash::from_stored(PasswordCost::FOR_TESTS.dummy());
        assert!(read(dummy.as_str()).is_some(), "the dummy has the cost of a real hash");
    }

    #[tokio::test]
    async fn a_password_has_1_to_1024_bytes() {
        let passwords = cheap();
        let longest = "x".repeat(LONGEST_PASSWORD);
        let stored = hash(&longest).await;
        assert_eq!(passwords.verify(Secret::new(&*longest), Some(&stored)).await, Ok(true));
        for bad in [String::new(), format!("{longest}x")] {
            assert_eq!(passwords.hash(Secret::new(&*bad)).await, Err(PasswordError::Length));
            assert_eq!(passwords.verify(Secret::new(&*bad), Some(&stored)).await, Ok(false));
        }
        assert_eq!(passwords.computed(), 3, "a bad length costs a check too");
    }

    #[test]
    fn a_stored_hash_cannot_ask_for_more_than_bob_is_ready_to_pay() {
        let (salt, output) = ("AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA");
        for cost in ["m=4294967295,t=1,p=1", "m=8,t=65,p=1", "m=1024,t=1,p=65"] {
            assert!(read(&format!("$argon2id$v=19${cost}${salt}${output}")).is_none(), "{cost}");
        }
        assert!(read(&format!("$argon2id$v=19$m=65536,t=3,p=4${salt}${output}")).is_some());
        assert_eq!(PasswordCost::new(7, 1, 1), Err(PasswordCostError));
        assert_eq!(PasswordCost::new(8, 0, 1), Err(PasswordCostError));
        assert_eq!(PasswordCost::new(8, 1, 2), Err(PasswordCostError));
    }

    #[tokio::test]
    async fn who_finds_the_queue_full_is_sent_away_at_once() {
        let passwords = cheap().with_pool(1, 0);
        let stopped = passwords.stop();
        let waiting = tokio::spawn({
            let passwords = passwords.clone();
            async move { passwords.verify(Secret::new("a"), None).await }
        });
        while passwords.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }

        assert_eq!(passwords.verify(Secret::new("a"), None).await, Err(PasswordError::Busy));
        assert_eq!(passwords.hash(Secret::new("a")).await, Err(PasswordError::Busy));

        drop(stopped);
        assert_eq!(waiting.await.unwrap(), Ok(false));
        assert_eq!(passwords.computed(), 1);
        assert_eq!(passwords.verify(Secret::new("a"), None).await, Ok(false), "there is room again");
    }

    #[test]
    fn a_hash_does_not_print_itself() {
        let stored = PasswordHash::from_stored("$argon2id$…".to_owned());
        assert_eq!(format!("{stored:?}"), "PasswordHash(…)");
    }
}
