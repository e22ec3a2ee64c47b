//! Claims about keys.

use crate::storage::Storage;
use crate::testing::fixture;

/// The keys that sign tokens do not change while the store is open, and differ by purpose. That they outlive it is for
/// adapters to show that can be opened again.
pub async fn purpose_keys_stay_and_differ_by_purpose(store: &dyn Storage) {
    let before = store.purpose_keys().derive("visitor");
    fixture::tenant(store, "shop").await;
    store.rewrap_keys(&fixture::act(), 100).await.unwrap();
    assert_eq!(store.purpose_keys().derive("visitor"), before);
    assert_eq!(store.purpose_keys().clone().derive("visitor"), before);
    assert_ne!(store.purpose_keys().derive("session"), before);
}

/// What a store wrapped by the current key-encryption key is not wrapped anew, so that the work has an end.
pub async fn keys_that_are_current_are_not_wrapped_anew(store: &dyn Storage) {
    for slug in ["a", "b", "c"] {
        fixture::tenant(store, slug).await;
    }
    for limit in [100, 1, 0] {
        assert_eq!(store.rewrap_keys(&fixture::act(), limit).await.unwrap(), 0);
    }
}
