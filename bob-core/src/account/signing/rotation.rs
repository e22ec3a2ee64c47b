//! Making the first key, the next one in time, and another one at once.

use super::{PUBLISHED_BEFORE, SIGNING_PERIOD, SigningKey};
use crate::act::Act;
use crate::clock::later;
use crate::keyring::NoRandomness;
use crate::storage::{Result, Storage, StorageError, StorageErrorKind};

/// Makes the first key where there is none; [`Bob`](crate::Bob) does so when it is built.
///
/// # Errors
///
/// When storage does not answer.
pub async fn found_signing_key(storage: &dyn Storage, act: &Act) -> Result<()> {
    if storage.signing_keys(act.at).await?.is_empty() {
        // Another node may be faster; what it makes is the same.
        storage.add_signing_key(act, SigningKey::first(storage.purpose_keys(), act.at)).await?;
    }
    Ok(())
}

/// Makes the next key if the newest one has signed for [`SIGNING_PERIOD`], and answers it. It signs after
/// [`PUBLISHED_BEFORE`], until when the one before goes on.
///
/// # Errors
///
/// When storage does not answer.
pub async fn rotate_signing_key_if_due(storage: &dyn Storage, act: &Act) -> Result<Option<SigningKey>> {
    let newest = newest(storage, act).await?;
    if act.at < later(newest.signs_from, SIGNING_PERIOD) {
        return Ok(None);
    }
    let next = made(newest.next(act.at, later(act.at, PUBLISHED_BEFORE)))?;
    // Where another node was faster, its key is the next one.
    Ok(storage.add_signing_key(act, next.clone()).await?.then_some(next))
}

/// Makes the next key now, and answers it; one that is there and does not sign yet is the next one already.
///
/// # Errors
///
/// When storage does not answer.
pub async fn rotate_signing_key(storage: &dyn Storage, act: &Act) -> Result<SigningKey> {
    loop {
        let newest = newest(storage, act).await?;
        if act.at < newest.signs_from {
            return Ok(newest);
        }
        let next = made(newest.next(act.at, later(act.at, PUBLISHED_BEFORE)))?;
        if storage.add_signing_key(act, next.clone()).await? {
            return Ok(next);
        }
    }
}

/// Withdraws all keys, since one fell into wrong hands, and answers the one that signs in their place at once.
///
/// Whatever they signed is refused, here and on other nodes within
/// [`SIGNING_KEY_CACHE_AGE`](super::SIGNING_KEY_CACHE_AGE). Sign-ins go on: cookies and refresh tokens are not signed.
///
/// # Errors
///
/// When storage does not answer.
pub async fn replace_signing_keys(storage: &dyn Storage, act: &Act) -> Result<SigningKey> {
    loop {
        let next = made(newest(storage, act).await?.next(act.at, act.at))?;
        if storage.replace_signing_keys(act, next.clone()).await? {
            return Ok(next);
        }
    }
}

async fn newest(storage: &dyn Storage, act: &Act) -> Result<SigningKey> {
    found_signing_key(storage, act).await?;
    let missing = || StorageError::new(StorageErrorKind::Unavailable, "signing_keys");
    // The newest one has no end.
    storage.signing_keys(act.at).await?.pop().ok_or_else(missing)
}

fn made(key: std::result::Result<SigningKey, NoRandomness>) -> Result<SigningKey> {
    key.map_err(|error| StorageError::because(StorageErrorKind::Unavailable, "new_signing_key", error))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::account::KeyRing;
    use crate::clock::earlier;
    use crate::storage::SigningKeyStore as _;
    use crate::storage::memory::MemoryStorage;
    use crate::testing::fixture;

    #[tokio::test]
    async fn a_key_is_followed_after_its_period_and_once() {
        let storage = MemoryStorage::new();
        found_signing_key(&storage, &fixture::act()).await.unwrap();
        let due = later(fixture::now(), SIGNING_PERIOD);
        let early = fixture::act_at(earlier(due, Duration::from_secs(1)));
        assert_eq!(rotate_signing_key_if_due(&storage, &early).await.unwrap(), None);

        let in_time = fixture::act_at(due);
        let next = rotate_signing_key_if_due(&storage, &in_time).await.unwrap().unwrap();
        assert_eq!((next.number, next.signs_from), (2, later(in_time.at, PUBLISHED_BEFORE)));
        assert_eq!(rotate_signing_key_if_due(&storage, &in_time).await.unwrap(), None);
        assert_eq!(rotate_signing_key(&storage, &in_time).await.unwrap(), next, "it is the next one already");
    }

    #[tokio::test]
    async fn a_node_that_slept_for_years_goes_on_with_the_key_it_has_until_the_next_is_known() {
        let storage = MemoryStorage::new();
        found_signing_key(&storage, &fixture::act()).await.unwrap();
        let years_later = fixture::act_at(later(fixture::now(), 10 * SIGNING_PERIOD));
        rotate_signing_key_if_due(&storage, &years_later).await.unwrap().unwrap();
        let ring = KeyRing::new(storage.signing_keys(years_later.at).await.unwrap());
        assert_eq!(ring.published(years_later.at).len(), 2);
        assert_eq!(ring.signer(years_later.at).unwrap().public, ring.published(years_later.at)[0]);
    }

    #[tokio::test]
    async fn in_an_emergency_one_key_is_left() {
        let storage = MemoryStorage::new();
        rotate_signing_key(&storage, &fixture::act()).await.unwrap();
        let only = replace_signing_keys(&storage, &fixture::act()).await.unwrap();
        assert_eq!(storage.signing_keys(fixture::now()).await.unwrap(), std::slice::from_ref(&only));
        assert_eq!((only.number, only.signs_from), (3, fixture::now()));
    }
}
