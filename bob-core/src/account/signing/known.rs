//! The keys as storage told them a few seconds ago.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::KeyRing;
use crate::clock::Clock;
use crate::storage::{Result, SigningKeyStore, StorageError, StorageErrorKind};

/// How old a node's knowledge of the keys may be: how long a withdrawn key goes unnoticed at most.
pub const SIGNING_KEY_CACHE_AGE: Duration = Duration::from_secs(5);

/// How soon storage is asked again because of a key that is not known: tokens that name made-up keys cost a question a
/// second, however many they are.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What a process knows of the keys.
#[derive(Debug, Default)]
pub(in crate::account) struct KnownKeys {
    known: Mutex<Option<(Timestamp, Arc<KeyRing>)>>,
    /// Held by the one who asks storage; all others wait for its answer.
    asking: tokio::sync::Mutex<()>,
    /// How often storage did not answer.
    failures: AtomicU64,
}

impl KnownKeys {
    /// The keys, at most [`SIGNING_KEY_CACHE_AGE`] old.
    pub(in crate::account) async fn ring(
        &self,
        store: &dyn SigningKeyStore,
        clock: &dyn Clock,
    ) -> Result<Arc<KeyRing>> {
        self.younger_than(SIGNING_KEY_CACHE_AGE, store, clock).await
    }

    /// The keys, with the one of this name if it is there: another node may have just made it.
    pub(in crate::account) async fn ring_with(
        &self,
        kid: &str,
        store: &dyn SigningKeyStore,
        clock: &dyn Clock,
    ) -> Result<Arc<KeyRing>> {
        let ring = self.ring(store, clock).await?;
        if ring.named(kid, clock.now()).is_some() {
            return Ok(ring);
        }
        self.younger_than(ASKED_AGAIN_AFTER, store, clock).await
    }

    async fn younger_than(
        &self,
        age: Duration,
        store: &dyn SigningKeyStore,
        clock: &dyn Clock,
    ) -> Result<Arc<KeyRing>> {
        if let Some(ring) = self.known_since(age, clock.now()) {
            return Ok(ring);
        }
        let failures = self.failures.load(Ordering::Acquire);
        let _asking = self.asking.lock().await;
        // No answer is younger than its question.
        let asked_at = clock.now();
        if let Some(ring) = self.known_since(age, asked_at) {
            return Ok(ring);
        }
        if self.failures.load(Ordering::Acquire) != failures {
            // Whoever waited for a question without an answer does not ask it once more.
            return Err(StorageError::new(StorageErrorKind::Unavailable, "signing_keys"));
        }
        match store.signing_keys(asked_at).await {
            Ok(keys) => {
                let ring = Arc::new(KeyRing::new(keys));
                *self.known() = Some((asked_at, Arc::clone(&ring)));
                Ok(ring)
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Release);
                Err(error)
            }
        }
    }

    fn known_since(&self, age: Duration, now: Timestamp) -> Option<Arc<KeyRing>> {
        let known = self.known();
        let (asked_at, ring) = known.as_ref()?;
        let since = now.duration_since(*asked_at);
        // A clock that was set back must not make anything young again.
        let is_young = !since.is_negative() && since < SignedDuration::try_from(age).ok()?;
        is_young.then(|| Arc::clone(ring))
    }

    fn known(&self) -> MutexGuard<'_, Option<(Timestamp, Arc<KeyRing>)>> {
        // The place is empty or whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize};

    use async_trait::async_trait;

    use super::*;
    use crate::account::SigningKey;
    use crate::act::Act;
    use crate::clock::ManualClock;
    use crate::keyring::PurposeKeys;
    use crate::testing::fixture;

    /// A store of the first key that counts how often it is asked.
    #[derive(Debug, Default)]
    struct Counting {
        asked: AtomicUsize,
        is_down: AtomicBool,
    }

    #[async_trait]
    impl SigningKeyStore for Counting {
        async fn signing_keys(&self, _: Timestamp) -> Result<Vec<SigningKey>> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            if self.is_down.load(Ordering::Relaxed) {
                return Err(StorageError::new(StorageErrorKind::Unavailable, "signing_keys"));
            }
            Ok(vec![SigningKey::first(&PurposeKeys::from_root([1; 32]), fixture::now())])
        }

        async fn add_signing_key(&self, _: &Act, _: SigningKey) -> Result<bool> {
            Ok(false)
        }

        async fn replace_signing_keys(&self, _: &Act, _: SigningKey) -> Result<bool> {
            Ok(false)
        }
    }

    impl Counting {
        fn asked(&self) -> usize {
            self.asked.swap(0, Ordering::Relaxed)
        }
    }

    /// A hundred callers at once, each with a name that nobody has.
    async fn crowd(known: &Arc<KnownKeys>, store: &Arc<Counting>, clock: &Arc<ManualClock>) -> usize {
        let callers: Vec<_> = (0..100)
            .map(|number| {
                let (known, store, clock) = (Arc::clone(known), Arc::clone(store), Arc::clone(clock));
                tokio::spawn(async move {
                    let kid = format!("made up {number}");
                    known.ring_with(&kid, &*store, &*clock).await.is_ok()
                })
            })
            .collect();
        let mut answered = 0;
        for caller in callers {
            answered += usize::from(caller.await.unwrap());
        }
        answered
    }

    #[tokio::test]
    async fn names_that_nobody_has_cost_one_question_a_second() {
        let (known, store, clock) = (Arc::default(), Arc::default(), fixture::clock());
        assert_eq!((crowd(&known, &store, &clock).await, store.asked()), (100, 1));
        assert_eq!((crowd(&known, &store, &clock).await, store.asked()), (100, 0));
        clock.advance(ASKED_AGAIN_AFTER);
        assert_eq!((crowd(&known, &store, &clock).await, store.asked()), (100, 1));
        for _ in 0..10 {
            clock.advance(Duration::from_millis(500));
            crowd(&known, &store, &clock).await;
        }
        assert_eq!(store.asked(), 5);
    }

    #[tokio::test]
    async fn a_known_name_is_believed_for_five_seconds_and_not_longer() {
        let (known, store, clock) = (KnownKeys::default(), Counting::default(), fixture::clock());
        let kid = known.ring(&store, &*clock).await.unwrap().published(clock.now())[0].kid.clone();
        clock.advance(Duration::from_millis(4_999));
        known.ring_with(&kid, &store, &*clock).await.unwrap();
        assert_eq!(store.asked(), 1);
        clock.advance(Duration::from_millis(1));
        known.ring_with(&kid, &store, &*clock).await.unwrap();
        assert_eq!(store.asked(), 1);
    }

    #[tokio::test]
    async fn a_store_that_is_away_is_asked_once_for_all_who_wait_and_nobody_is_let_in() {
        let (known, store, clock) = (Arc::default(), Arc::<Counting>::default(), fixture::clock());
        store.is_down.store(true, Ordering::Relaxed);
        assert_eq!((crowd(&known, &store, &clock).await, store.asked()), (0, 1));
        store.is_down.store(false, Ordering::Relaxed);
        assert_eq!((crowd(&known, &store, &clock).await, store.asked()), (100, 1));
    }
}
