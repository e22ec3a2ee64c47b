//! Deleting businesses for good whose grace is over.

use crate::act::Act;
use crate::storage::{Result, Storage};

/// How many tenants one round ends.
const MOST: u32 = 20;

/// How many rows of a kind go in one transaction, so that others get their turn in between.
const ROWS: u32 = 1_000;

/// Deletes the tenants whose moment has come at the act's time, at most [`MOST`], and answers how many are gone.
///
/// Several nodes may do this at once, and one that dies half way is followed by another: each step is a transaction of its
/// own, the first takes the keys. A tenant that cannot be deleted keeps no other from it.
pub(crate) async fn erase_due(storage: &dyn Storage, act: &Act) -> Result<u32> {
    let mut gone = 0;
    for tenant in storage.due_deletions(act.at, MOST).await? {
        loop {
            match storage.erase_tenant(act, &tenant, ROWS).await {
                Ok(true) => {}
                Ok(false) => {
                    gone += 1;
                    break;
                }
                Err(error) => {
                    tracing::warn!(%tenant, error = ?error, "a business whose time has come could not be deleted");
                    break;
                }
            }
        }
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::later;
    use crate::storage::TenantStore as _;
    use crate::storage::memory::MemoryStorage;
    use crate::tenant::{DELETION_GRACE, StandingChange};
    use crate::testing::fixture;

    #[tokio::test]
    async fn only_those_whose_grace_is_over_are_deleted() {
        let store = MemoryStorage::new();
        let (kept, leaving) =
            (fixture::tenant(&store, "kept").await, fixture::tenant(&store, "leaving").await);
        store.change_standing(&fixture::act(), &leaving, StandingChange::Delete).await.unwrap();
        let end = later(fixture::now(), DELETION_GRACE);

        assert_eq!(erase_due(&store, &fixture::act()).await.unwrap(), 0);
        assert!(store.find_tenant(&leaving.into()).await.unwrap().is_some());
        assert_eq!(erase_due(&store, &fixture::act_at(end)).await.unwrap(), 1);
        assert!(store.find_tenant(&leaving.into()).await.unwrap().is_none());
        assert!(store.find_tenant(&kept.into()).await.unwrap().is_some());
        assert_eq!(erase_due(&store, &fixture::act_at(end)).await.unwrap(), 0);
    }
}
