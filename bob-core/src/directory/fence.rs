//! Which pages may call with which of a tenant's widget keys.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use crate::origin::{CorsDecision, Origin, OriginPattern, OriginPolicy};
use crate::storage::TenantSnapshot;
use crate::widget_key::{KeyMode, PublishableKey, WidgetKey};

/// The widget keys of one snapshot and the pages that may call with each, ready to be asked often.
///
/// A key's list is turned into a policy when it is first asked about and kept as long as the snapshot, so that deciding
/// takes the same time however long the list is.
#[derive(Debug)]
pub struct WidgetFence {
    snapshot: Arc<TenantSnapshot>,
    /// One for each key of the snapshot, in its order.
    policies: Vec<OnceLock<OriginPolicy>>,
}

impl WidgetFence {
    /// The fence of a snapshot.
    #[must_use]
    pub fn new(snapshot: Arc<TenantSnapshot>) -> Self {
        let policies = snapshot.widget_keys.iter().map(|_| OnceLock::new()).collect();
        Self { snapshot, policies }
    }

    /// The tenant, as it was when these keys were its keys.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<TenantSnapshot> {
        &self.snapshot
    }

    /// Decides by all keys that are accepted at `now`: what a preflight can be told, which names no key.
    #[must_use]
    pub fn decide(&self, origin: Option<&Origin>, now: Timestamp) -> CorsDecision {
        match origin {
            None => CorsDecision::NotABrowser,
            Some(_) if self.live_keys(now).any(|key| key.decide(origin) == CorsDecision::Echo) => {
                CorsDecision::Echo
            }
            Some(_) => CorsDecision::Refuse,
        }
    }

    /// The key that was sent, if it is the tenant's and accepted at `now`.
    #[must_use]
    pub fn live_key(&self, sent: &PublishableKey, now: Timestamp) -> Option<FencedKey<'_>> {
        self.live_keys(now).find(|fenced| fenced.key.key == *sent)
    }

    fn live_keys(&self, now: Timestamp) -> impl Iterator<Item = FencedKey<'_>> {
        let keys = self.snapshot.widget_keys.iter().zip(&self.policies);
        keys.filter(move |(key, _)| key.is_live(now)).map(|(key, policy)| FencedKey { key, policy })
    }
}

/// A widget key, and who may call with it.
#[derive(Debug, Clone, Copy)]
pub struct FencedKey<'a> {
    /// The key.
    pub key: &'a WidgetKey,
    policy: &'a OnceLock<OriginPolicy>,
}

impl FencedKey<'_> {
    /// Decides by the key's list; for a test key, by what on it is on this machine.
    #[must_use]
    pub fn decide(&self, origin: Option<&Origin>) -> CorsDecision {
        self.policy.get_or_init(|| policy(self.key)).decide(origin)
    }
}

fn policy(key: &WidgetKey) -> OriginPolicy {
    let meant =
        |origin: &&OriginPattern| key.key.mode() == KeyMode::Live || OriginPattern::is_loopback(origin);
    key.settings.origins.iter().filter(meant).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TenantId;
    use crate::storage::TenantStore as _;
    use crate::storage::memory::MemoryStorage;
    use crate::testing::fixture;

    async fn fence(mode: KeyMode, origins: &[&str]) -> (WidgetFence, PublishableKey) {
        let store = MemoryStorage::new();
        let tenant = fixture::tenant(&store, "shop").await;
        let mut snapshot = store.tenant_snapshot(&tenant).await.unwrap();
        let key = PublishableKey::generate(mode, tenant).unwrap();
        snapshot.widget_keys = vec![
            WidgetKey {
                ends_at: Some(fixture::now()),
                ..fixture::widget_key(tenant, &["https://ended.example"])
            },
            WidgetKey { key: key.clone(), ..fixture::widget_key(tenant, origins) },
            fixture::widget_key(tenant, &["https://other.example"]),
        ];
        (WidgetFence::new(Arc::new(snapshot)), key)
    }

    #[tokio::test]
    async fn a_preflight_is_decided_by_all_live_keys_and_a_call_by_its_own() {
        let (fence, key) = fence(KeyMode::Live, &["https://*.shop.example", "http://localhost:1"]).await;
        let own = fence.live_key(&key, fixture::now()).unwrap();
        for (origin, of_any, of_own) in [
            ("https://de.shop.example", CorsDecision::Echo, CorsDecision::Echo),
            ("http://localhost:1", CorsDecision::Echo, CorsDecision::Echo),
            ("https://other.example", CorsDecision::Echo, CorsDecision::Refuse),
            ("https://ended.example", CorsDecision::Refuse, CorsDecision::Refuse),
            ("https://shop.example", CorsDecision::Refuse, CorsDecision::Refuse),
        ] {
            let parsed = origin.parse().unwrap();
            assert_eq!(fence.decide(Some(&parsed), fixture::now()), of_any, "{origin}");
            assert_eq!(own.decide(Some(&parsed)), of_own, "{origin}");
        }
        assert_eq!(fence.decide(None, fixture::now()), CorsDecision::NotABrowser);
    }

    #[tokio::test]
    async fn a_test_key_is_for_pages_of_this_machine_whatever_its_list_says() {
        let list = ["https://shop.example", "https://*.shop.localhost", "http://127.0.0.1:3000"];
        let (fence, key) = fence(KeyMode::Test, &list).await;
        let own = fence.live_key(&key, fixture::now()).unwrap();
        for (origin, decision) in [
            ("https://shop.example", CorsDecision::Refuse),
            ("https://de.shop.localhost", CorsDecision::Echo),
            ("http://127.0.0.1:3000", CorsDecision::Echo),
            ("http://127.0.0.1", CorsDecision::Refuse),
        ] {
            assert_eq!(own.decide(Some(&origin.parse().unwrap())), decision, "{origin}");
            assert_eq!(fence.decide(Some(&origin.parse().unwrap()), fixture::now()), decision, "{origin}");
        }
    }

    #[tokio::test]
    async fn a_key_that_ended_or_is_somebody_elses_is_not_found() {
        let (fence, _) = fence(KeyMode::Live, &[]).await;
        let ended = fence.snapshot().widget_keys[0].key.clone();
        assert!(fence.live_key(&ended, fixture::now()).is_none());
        let strange = PublishableKey::generate(KeyMode::Live, TenantId::new()).unwrap();
        assert!(fence.live_key(&strange, fixture::now()).is_none());
    }
}
