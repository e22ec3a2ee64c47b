//! How many hashes are computed at a time, how many wait, and the memory they are computed in.
//!
//! A hash fills 19 MiB and more. Taken from the allocator for each hash, they would stay with it: glibc keeps what is
//! freed with the thread that freed it, and the work wanders over hundreds of them. So those at work hand their memory
//! on to those who wait, and who leaves last gives it back.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon2::Block;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::PasswordError;

/// How much is reserved at least, in bytes; what is not filled takes up addresses, not memory.
///
/// Up to 32 MiB glibc may keep what is freed for later, whatever the size was that it began with (`M_MMAP_THRESHOLD` in
/// mallopt(3)); above that it is the system's again at once.
const RESERVED: usize = 33 << 20;

/// Computes a few hashes at a time.
pub(super) struct Pool {
    /// At work or waiting.
    places: Arc<Semaphore>,
    /// How many places there are.
    all: usize,
    /// At work.
    workers: Arc<Semaphore>,
    /// How many blocks the memory has that is handed on.
    blocks: usize,
    /// Memory that nobody uses just now; never more pieces than may be at work.
    idle: Mutex<Vec<Vec<Block>>>,
    computed: AtomicU64,
}

impl Pool {
    /// Lets `at_work` compute at a time and `waiting` more wait, and hands on memory of `blocks` KiB.
    pub(super) fn new(at_work: usize, waiting: usize, blocks: usize) -> Self {
        let all = at_work + waiting;
        Self {
            places: Arc::new(Semaphore::new(all)),
            all,
            workers: Arc::new(Semaphore::new(at_work)),
            blocks,
            idle: Mutex::default(),
            computed: AtomicU64::new(0),
        }
    }

    /// How many hashes were computed.
    pub(super) fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    /// Waits for its turn and does `work` in memory of at least `blocks` KiB, whatever was in there before.
    ///
    /// Work that has begun ends even when its caller has gone, and keeps its place until then.
    pub(super) async fn compute<T: Send + 'static>(
        self: &Arc<Self>,
        blocks: usize,
        work: impl FnOnce(&mut [Block]) -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place = self.enter()?;
        let worker = Arc::clone(&self.workers).acquire_owned().await.map_err(|_| PasswordError::Failed)?;
        let task = tokio::task::spawn_blocking(move || {
            let pool = &place.pool;
            let mut memory = pool.take(blocks)?;
            let result = work(&mut memory);
            pool.computed.fetch_add(1, Ordering::Relaxed);
            pool.put_back(memory);
            drop((worker, place));
            Ok(result)
        });
        task.await.map_err(|_| PasswordError::Failed)?
    }

    fn enter(self: &Arc<Self>) -> Result<Place, PasswordError> {
        let permit = Arc::clone(&self.places).try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        Ok(Place { permit: Some(permit), pool: Arc::clone(self) })
    }

    fn take(&self, blocks: usize) -> Result<Vec<Block>, PasswordError> {
        let idle = (blocks <= self.blocks).then(|| self.idle().pop()).flatten();
        idle.map_or_else(|| allocate(blocks.max(self.blocks)), Ok)
    }

    /// Keeps it for the next one, unless a hash of another cost needed more than usual.
    fn put_back(&self, memory: Vec<Block>) {
        if memory.len() == self.blocks {
            self.idle().push(memory);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        // The list is right after each step.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    /// What is in the memory comes from passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("computed", &self.computed()).finish_non_exhaustive()
    }
}

/// A place in the pool, for somebody at work or waiting; the last one to leave gives the memory back.
struct Place {
    permit: Option<OwnedSemaphorePermit>,
    pool: Arc<Pool>,
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.permit.take());
        if self.pool.places.available_permits() == self.pool.all {
            let idle = std::mem::take(&mut *self.pool.idle());
            // Freed after the lock.
            drop(idle);
        }
    }
}

fn allocate(blocks: usize) -> Result<Vec<Block>, PasswordError> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(blocks.max(RESERVED / Block::SIZE)).map_err(|_| PasswordError::Failed)?;
    memory.resize(blocks, Block::new());
    Ok(memory)
}

#[cfg(test)]
impl Pool {
    /// Leaves no place while it is held.
    pub(in crate::account) fn fill(&self) -> OwnedSemaphorePermit {
        Self::take_all(&self.places)
    }

    /// Lets nobody work while it is held.
    pub(in crate::account) fn stop(&self) -> OwnedSemaphorePermit {
        Self::take_all(&self.workers)
    }

    /// Waits until no place is left.
    pub(super) async fn is_full(&self) {
        while self.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
    }

    fn take_all(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
        let all = u32::try_from(semaphore.available_permits()).unwrap();
        Arc::clone(semaphore).try_acquire_many_owned(all).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCKS: usize = 8;

    fn pool(at_work: usize, waiting: usize) -> Arc<Pool> {
        Arc::new(Pool::new(at_work, waiting, BLOCKS))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_at_once_share_the_memory_of_those_at_work() {
        let pool = pool(2, 48);
        let staying = pool.enter().unwrap();
        let tasks: Vec<_> = (0..49)
            .map(|_| {
                let pool = Arc::clone(&pool);
                tokio::spawn(async move { pool.compute(BLOCKS, |memory| memory.len()).await })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), Ok(BLOCKS));
        }
        assert!((1..=2).contains(&pool.idle().len()), "{}", pool.idle().len());
        assert_eq!(pool.computed(), 49);

        drop(staying);
        assert!(pool.idle().is_empty(), "nobody is left");
    }

    #[tokio::test]
    async fn who_leaves_last_gives_the_memory_back() {
        let pool = pool(1, 1);
        for _ in 0..3 {
            pool.compute(BLOCKS, |_| ()).await.unwrap();
            assert!(pool.idle().is_empty());
        }
    }

    #[tokio::test]
    async fn who_gives_up_waiting_leaves_no_memory_behind() {
        let pool = pool(1, 1);
        let stopped = pool.stop();
        let mut waiting = Box::pin(pool.compute(BLOCKS, |_| ()));
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("nobody works"),
            () = std::future::ready(()) => {}
        }
        pool.put_back(allocate(BLOCKS).unwrap());
        drop(waiting);
        assert!(pool.idle().is_empty());
        drop(stopped);
        assert_eq!(pool.compute(BLOCKS, |memory| memory.len()).await, Ok(BLOCKS));
    }

    #[tokio::test]
    async fn a_hash_that_needs_more_has_memory_of_its_own() {
        let pool = pool(1, 1);
        let _staying = pool.enter().unwrap();
        assert_eq!(pool.compute(BLOCKS + 1, |memory| memory.len()).await, Ok(BLOCKS + 1));
        assert!(pool.idle().is_empty(), "it is not kept");
        assert_eq!(pool.compute(1, |memory| memory.len()).await, Ok(BLOCKS));
        assert_eq!(pool.idle().len(), 1);
    }

    #[tokio::test]
    async fn memory_that_cannot_be_had_is_a_failure_and_keeps_no_place() {
        let pool = pool(1, 0);
        assert_eq!(pool.compute(usize::MAX / Block::SIZE, |_| ()).await, Err(PasswordError::Failed));
        assert_eq!(pool.compute(BLOCKS, |_| ()).await, Ok(()));
    }

    #[tokio::test]
    async fn work_that_panics_keeps_no_place() {
        let pool = pool(1, 0);
        let broken = pool.compute(BLOCKS, |_| panic!("broken")).await;
        assert_eq!(broken, Err::<(), _>(PasswordError::Failed));
        assert_eq!(pool.compute(BLOCKS, |_| ()).await, Ok(()));
    }
}
