//! Passwords, hashed with argon2id on a bounded pool.
//!
//! One hash takes 19 MiB and tens of milliseconds of a core, so only a few run at a time, a bounded number waits, and
//! the rest is sent away as [`PasswordError::Busy`] before it costs anything.

mod cost;
mod pool;
mod rules;

use std::fmt;
use std::sync::Arc;

use argon2::password_hash::phc::{self, Output, ParamsString, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

pub use cost::{PasswordCost, PasswordCostError};
pub use rules::{NewPassword, WeakPassword};

use crate::keyring::{NoRandomness, random_bytes};
use crate::secret::Secret;
use pool::Pool;
use rules::normalized;

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
/// gone, and keeps its place until then. Memory is taken for those at work only, 19 MiB each by default, handed on while
/// others wait, and given back to the system when nobody is left.
#[derive(Clone)]
pub struct Passwords {
    cost: PasswordCost,
    pool: Arc<Pool>,
}

impl Passwords {
    /// Hashes at `cost`, 2 at a time, 64 waiting.
    #[must_use]
    pub fn new(cost: PasswordCost) -> Self {
        Self { cost, pool: Arc::new(Pool::new(2, 64, blocks(&cost.argon2()))) }
    }

    /// Lets `at_work` (at least 1) compute at a time and `waiting` more wait; at most 10,000 of each.
    #[must_use]
    pub fn with_pool(mut self, at_work: usize, waiting: usize) -> Self {
        let (at_work, waiting) = (at_work.clamp(1, 10_000), waiting.min(10_000));
        self.pool = Arc::new(Pool::new(at_work, waiting, blocks(&self.cost.argon2())));
        self
    }

    /// Hashes a new password with a new salt, in Unicode's normal form C.
    ///
    /// Whether it is a good one is for [`NewPassword`] to say.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Length`] unless it has 1 to [`LONGEST_PASSWORD`] bytes, [`PasswordError::Busy`] when the queue is
    /// full, [`PasswordError::Failed`] when memory or randomness ran out.
    pub async fn hash(&self, password: Secret) -> Result<PasswordHash, PasswordError> {
        if !has_good_length(&password) {
            return Err(PasswordError::Length);
        }
        let password = normalized(password);
        let (salt, argon2) = (random_bytes::<16>()?, self.cost.argon2());
        let hash = move |memory: &mut [Block]| {
            let salt = Salt::new(&salt)?;
            let output = output(&argon2, &password, &salt, memory)?;
            let (version, params) = (Some(Version::V0x13.into()), ParamsString::try_from(argon2.params())?);
            let algorithm = Algorithm::Argon2id.ident();
            let hash = phc::PasswordHash { algorithm, version, params, salt: Some(salt), hash: Some(output) };
            Ok(PasswordHash(hash.to_string()))
        };
        let hash = self.pool.compute(blocks(&self.cost.argon2()), hash).await?;
        hash.map_err(|error: argon2::password_hash::Error| {
            tracing::error!(%error, "a password could not be hashed");
            PasswordError::Failed
        })
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
            let read = Expected::read(stored.as_str());
            if read.is_none() {
                tracing::error!("a stored password hash cannot be used; its owner cannot sign in");
            }
            read
        });
        let is_real = readable.is_some();
        let password = if has_good_length(&password) { normalized(password) } else { Secret::new("") };
        let expected = readable.unwrap_or_else(|| {
            Expected::read(&self.cost.dummy()).expect("the dummy is a hash like any other")
        });
        let verdict = self.pool.compute(blocks(&expected.argon2), move |memory| {
            let computed = output(&expected.argon2, &password, &expected.salt, memory)?;
            // Outputs compare in constant time.
            Ok(computed == expected.output)
        });
        match verdict.await? {
            Ok(fits) => Ok(fits && is_real),
            Err(error) => {
                let error: argon2::password_hash::Error = error;
                tracing::error!(%error, "a password could not be checked");
                Err(PasswordError::Failed)
            }
        }
    }

    /// How many hashes were computed since the start, right and wrong ones alike; a figure for metrics.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.pool.computed()
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

/// What a stored hash asks of a password.
struct Expected {
    argon2: Argon2<'static>,
    salt: Salt,
    output: Output,
}

impl Expected {
    /// Reads a stored hash of a cost that Bob is ready to pay.
    fn read(stored: &str) -> Option<Self> {
        let hash = phc::PasswordHash::new(stored).ok()?;
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
        let version = hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
        let params = Params::try_from(&hash).ok()?;
        PasswordCost::new(params.m_cost(), params.t_cost(), params.p_cost()).ok()?;
        Some(Self { argon2: Argon2::new(algorithm, version, params), salt: hash.salt?, output: hash.hash? })
    }
}

/// The memory that a hash fills, in KiB.
fn blocks(argon2: &Argon2<'_>) -> usize {
    argon2.params().block_count()
}

/// Computes in `memory`, which holds at least [`blocks`]; what is in there does not matter.
fn output(
    argon2: &Argon2<'_>,
    password: &Secret,
    salt: &Salt,
    memory: &mut [Block],
) -> Result<Output, argon2::password_hash::Error> {
    let length = argon2.params().output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let mut bytes = [0; Output::MAX_LENGTH];
    let bytes = bytes.get_mut(..length).ok_or(argon2::password_hash::Error::OutputSize)?;
    argon2.hash_password_into_with_memory(password.expose().as_bytes(), salt, bytes, memory)?;
    Ok(Output::new(bytes)?)
}

#[cfg(test)]
impl Passwords {
    /// Leaves no place in the queue while it is held.
    pub(super) fn fill(&self) -> tokio::sync::OwnedSemaphorePermit {
        self.pool.fill()
    }

    /// Lets nobody work while it is held.
    pub(super) fn stop(&self) -> tokio::sync::OwnedSemaphorePermit {
        self.pool.stop()
    }
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher as _, PasswordVerifier as _};

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
    async fn what_others_left_in_the_memory_changes_no_hash() {
        let stored = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let passwords = Passwords::new(PasswordCost::new(256, 2, 1).unwrap()).with_pool(1, 1);
        let stopped = passwords.stop();
        let other = passwords.hash(Secret::new("correct horse"));
        let stored = PasswordHash::from_stored(stored.to_owned());
        let right = passwords.verify(Secret::new("password"), Some(&stored));
        // Both wait, so that the second computes in the memory of the first.
        let go = async { drop(stopped) };
        let (other, right, ()) = tokio::join!(other, right, go);
        assert_eq!(right, Ok(true));
        assert_eq!(cheap().verify(Secret::new("correct horse"), Some(&other.unwrap())).await, Ok(true));
    }

    #[tokio::test]
    async fn hashes_of_any_kind_of_argon2_are_understood() {
        for (algorithm, version, cost, length) in [
            (Algorithm::Argon2id, Version::V0x13, (8, 1, 1), 32),
            (Algorithm::Argon2id, Version::V0x10, (64, 3, 2), 16),
            (Algorithm::Argon2i, Version::V0x13, (35, 2, 4), 64),
            (Algorithm::Argon2d, Version::V0x10, (8, 1, 1), 10),
        ] {
            let params = Params::new(cost.0, cost.1, cost.2, Some(length)).unwrap();
            let argon2 = Argon2::new(algorithm, version, params);
            let stored = argon2.hash_password_with_salt(b"correct horse", b"a salt of theirs").unwrap();
            let stored = PasswordHash::from_stored(stored.to_string());
            let is_right = async |password| cheap().verify(Secret::new(password), Some(&stored)).await;
            assert_eq!(is_right("correct horse").await, Ok(true), "{}", stored.as_str());
            assert_eq!(is_right("correct horsf").await, Ok(false), "{}", stored.as_str());
        }
    }

    #[tokio::test]
    async fn others_understand_what_is_stored() {
        let stored = hash("correct horse").await;
        let stored = phc::PasswordHash::new(stored.as_str()).unwrap();
        assert_eq!(Argon2::default().verify_password(b"correct horse", &stored), Ok(()));
        assert!(Argon2::default().verify_password(b"correct horsf", &stored).is_err());
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
            "$argon2id$v=20$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        ] {
            let stored = PasswordHash::from_stored(broken.to_owned());
            assert_eq!(passwords.verify(Secret::new("plain"), Some(&stored)).await, Ok(false), "{broken}");
        }
        assert_eq!(passwords.computed(), 6);
        let dummy = PasswordHash::from_stored(PasswordCost::FOR_TESTS.dummy());
        assert!(Expected::read(dummy.as_str()).is_some(), "the dummy has the cost of a real hash");
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
            assert!(Expected::read(&format!("$argon2id$v=19${cost}${salt}${output}")).is_none(), "{cost}");
        }
        assert!(Expected::read(&format!("$argon2id$v=19$m=65536,t=3,p=4${salt}${output}")).is_some());
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
        passwords.pool.is_full().await;

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
