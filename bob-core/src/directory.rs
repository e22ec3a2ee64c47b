//! The tenants a process knows: snapshots, kept as long as their version stands.

mod fence;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::broadcast;

use crate::clock::{Clock, later};
use crate::id::TenantId;
use crate::origin::OriginPolicy;
use crate::storage::{Result, SharedStorage, StorageErrorKind, TenantSnapshot};
use crate::tenant::TenantRef;

pub use fence::{FencedKey, WidgetFence};

/// For how long a snapshot is believed without asking for its version.
pub const FRESH: Duration = Duration::from_secs(1);

/// How many snapshots are kept; beyond that, the half that was asked for longest ago goes.
const MOST: usize = 10_000;

/// Finds tenants and keeps their snapshots.
///
/// A change to a tenant is felt within [`FRESH`], on every node.
#[derive(Debug)]
pub struct Directory {
    storage: SharedStorage,
    clock: Arc<dyn Clock>,
    snapshots: Mutex<HashMap<TenantId, Kept>>,
    /// Whose each host name is, nobody's too, and when that was read.
    hosts: Mutex<HashMap<String, (Timestamp, Option<TenantId>)>>,
    origins: Mutex<Option<(Timestamp, Arc<OriginPolicy>)>>,
}

#[derive(Debug)]
struct Kept {
    fence: Arc<WidgetFence>,
    checked_at: Timestamp,
    used_at: Timestamp,
}

impl Directory {
    /// A directory that knows nobody yet.
    #[must_use]
    pub fn new(storage: SharedStorage, clock: Arc<dyn Clock>) -> Self {
        Self {
            storage,
            clock,
            snapshots: Mutex::default(),
            hosts: Mutex::default(),
            origins: Mutex::default(),
        }
    }

    /// The snapshot of the tenant that a caller named; `None` when there is none.
    ///
    /// # Errors
    ///
    /// When storage fails.
    pub async fn named(&self, named: &TenantRef) -> Result<Option<Arc<TenantSnapshot>>> {
        let id = match named {
            TenantRef::Id(id) => Some(*id),
            TenantRef::Slug(_) => {
                match self.kept_by(|snapshot| TenantRef::Slug(snapshot.tenant.slug.clone()) == *named) {
                    None => self.storage.find_tenant(named).await?,
                    known => known,
                }
            }
        };
        match id {
            Some(id) => self.snapshot(&id).await,
            None => Ok(None),
        }
    }

    /// The snapshot of the tenant of a host name; `None` when there is none.
    ///
    /// # Errors
    ///
    /// When storage fails.
    pub async fn of_host(&self, host: &str) -> Result<Option<Arc<TenantSnapshot>>> {
        match self.owner_of(host).await? {
            Some(id) => self.snapshot(&id).await,
            None => Ok(None),
        }
    }

    /// Forgets the snapshots of tenants that storage tells have changed, until it tells no more.
    pub(crate) async fn follow(&self, mut changes: broadcast::Receiver<TenantId>) {
        loop {
            let mut snapshots = match changes.recv().await {
                Ok(tenant) => {
                    self.snapshots.lock().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
                    continue;
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
                }
                Err(broadcast::error::RecvError::Closed) => return,
            };
            snapshots.clear();
        }
    }

    /// Whose a host name is, as it was at most [`FRESH`] ago: callers write what they like into `Host`.
    async fn owner_of(&self, host: &str) -> Result<Option<TenantId>> {
        let now = self.clock.now();
        if let Some((read_at, owner)) = self.hosts.lock().unwrap_or_else(PoisonError::into_inner).get(host)
            && now < later(*read_at, FRESH)
        {
            return Ok(*owner);
        }
        let owner = self.storage.tenant_of_host(host).await?;
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= MOST {
            hosts.clear();
        }
        hosts.insert(host.to_owned(), (now, owner));
        Ok(owner)
    }

    /// A tenant's snapshot, at most [`FRESH`] old; `None` when there is no such tenant.
    ///
    /// # Errors
    ///
    /// When storage fails.
    pub async fn snapshot(&self, tenant: &TenantId) -> Result<Option<Arc<TenantSnapshot>>> {
        Ok(self.fence(tenant).await?.map(|fence| Arc::clone(fence.snapshot())))
    }

    /// The fence of a tenant's widget keys, with the snapshot it belongs to; as old and as missing as
    /// [`snapshot`](Self::snapshot).
    ///
    /// # Errors
    ///
    /// When storage fails.
    pub async fn fence(&self, tenant: &TenantId) -> Result<Option<Arc<WidgetFence>>> {
        let now = self.clock.now();
        let old = match self.kept(tenant, now) {
            Believed::Fresh(fence) => return Ok(Some(fence)),
            Believed::Old(fence) => Some(fence),
            Believed::Unknown => None,
        };
        let read = match old {
            Some(old) => match self.storage.tenant_version(tenant).await {
                Ok(version) if version == old.snapshot().version => return Ok(Some(old)),
                Ok(_) => self.storage.tenant_snapshot(tenant).await,
                Err(error) => Err(error),
            },
            None => self.storage.tenant_snapshot(tenant).await,
        };
        match read {
            Ok(snapshot) => {
                let fence = Arc::new(WidgetFence::new(Arc::new(snapshot)));
                self.keep(Arc::clone(&fence), now);
                Ok(Some(fence))
            }
            Err(error) => {
                self.snapshots.lock().unwrap_or_else(PoisonError::into_inner).remove(tenant);
                if error.kind() == StorageErrorKind::NotFound { Ok(None) } else { Err(error) }
            }
        }
    }

    /// The origins of all live keys of all tenants, at most [`FRESH`] old.
    ///
    /// # Errors
    ///
    /// When storage fails.
    pub async fn live_origins(&self) -> Result<Arc<OriginPolicy>> {
        let now = self.clock.now();
        if let Some((read_at, origins)) = &*self.origins.lock().unwrap_or_else(PoisonError::into_inner)
            && now < later(*read_at, FRESH)
        {
            return Ok(Arc::clone(origins));
        }
        let origins: Arc<OriginPolicy> =
            Arc::new(self.storage.live_origins(now).await?.into_iter().collect());
        *self.origins.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&origins)));
        Ok(origins)
    }

    /// Forgets a tenant, so that this process sees a change of its own at once.
    pub fn forget(&self, tenant: &TenantId) {
        self.snapshots.lock().unwrap_or_else(PoisonError::into_inner).remove(tenant);
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner).clear();
        *self.origins.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn kept_by(&self, is: impl Fn(&TenantSnapshot) -> bool) -> Option<TenantId> {
        let snapshots = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        // Slugs do not change, so a kept one is good for finding the tenant; a long list is not searched.
        if snapshots.len() > 64 {
            return None;
        }
        let mut kept = snapshots.values().map(|kept| kept.fence.snapshot());
        kept.find(|snapshot| is(snapshot)).map(|snapshot| snapshot.tenant.id)
    }

    fn kept(&self, tenant: &TenantId, now: Timestamp) -> Believed {
        let mut snapshots = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(kept) = snapshots.get_mut(tenant) else { return Believed::Unknown };
        kept.used_at = now;
        if now < later(kept.checked_at, FRESH) {
            return Believed::Fresh(Arc::clone(&kept.fence));
        }
        // This caller asks for the version; those who come meanwhile are served what is here.
        kept.checked_at = now;
        Believed::Old(Arc::clone(&kept.fence))
    }

    fn keep(&self, fence: Arc<WidgetFence>, now: Timestamp) {
        let mut snapshots = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        if snapshots.len() >= MOST {
            let mut used: Vec<Timestamp> = snapshots.values().map(|kept| kept.used_at).collect();
            let (_, median, _) = used.select_nth_unstable(MOST / 2);
            let median = *median;
            snapshots.retain(|_, kept| kept.used_at > median);
        }
        let tenant = fence.snapshot().tenant.id;
        snapshots.insert(tenant, Kept { checked_at: now, used_at: now, fence });
    }
}

enum Believed {
    Fresh(Arc<WidgetFence>),
    Old(Arc<WidgetFence>),
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::memory::MemoryStorage;
    use crate::storage::{Storage, WidgetKeyStore as _};
    use crate::testing::fixture;

    #[tokio::test]
    async fn a_change_is_felt_after_a_second_and_a_forgotten_tenant_at_once() {
        let store = Arc::new(MemoryStorage::new());
        let tenant = fixture::tenant(&*store, "shop").await;
        let clock = fixture::clock();
        let directory =
            Directory::new(Arc::clone(&store) as Arc<dyn Storage>, Arc::clone(&clock) as Arc<dyn Clock>);
        let keys = async || directory.snapshot(&tenant).await.unwrap().unwrap().widget_keys.len();
        let add = async || {
            store.add_widget_key(&fixture::act(), &tenant, fixture::widget_key(tenant, &[])).await.unwrap();
        };
        assert_eq!(keys().await, 1);

        add().await;
        clock.advance(Duration::from_millis(999));
        assert_eq!(keys().await, 1);
        clock.advance(Duration::from_millis(1));
        assert_eq!(keys().await, 2);
        add().await;
        directory.forget(&tenant);
        assert_eq!(keys().await, 3);
    }

    #[tokio::test]
    async fn a_tenant_is_found_by_slug_uuid_and_host() {
        let store = Arc::new(MemoryStorage::new());
        let tenant = fixture::tenant(&*store, "shop").await;
        let directory = Directory::new(store, fixture::clock());
        for named in ["shop".to_owned(), tenant.to_string()] {
            for _ in 0..2 {
                let found = directory.named(&named.parse().unwrap()).await.unwrap().unwrap();
                assert_eq!(found.tenant.id, tenant);
            }
        }
        assert_eq!(directory.of_host("shop.example").await.unwrap().unwrap().tenant.id, tenant);
        assert!(directory.of_host("other.example").await.unwrap().is_none());
        assert!(directory.named(&"other".parse().unwrap()).await.unwrap().is_none());
        assert!(directory.snapshot(&TenantId::new()).await.unwrap().is_none());
    }
}
