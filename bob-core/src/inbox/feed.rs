//! A tenant's outbox, read on and on.

use std::collections::BTreeSet;

use uuid::{Builder, Uuid};

use crate::id::TenantId;
use crate::outbox::{OutboxEvent, new_row_id};
use crate::storage::{Result, Storage};

/// How far behind the latest event another one may still appear, in milliseconds: nodes make identifiers by clocks of
/// their own, before they commit.
const OVERLAP: u64 = 3_000;

/// How many events are read at a time.
const PAGE: u32 = 500;

/// Where a reader of the outbox is; events that appear late are not missed, and none is given twice.
#[derive(Debug)]
pub(super) struct Feed {
    latest: Uuid,
    /// What was given already and may still be read again.
    given: BTreeSet<Uuid>,
}

impl Feed {
    /// From now on, the last moments included: whoever begins to listen has looked shortly before.
    pub(super) fn from_now() -> Self {
        Self::behind(new_row_id())
    }

    /// From behind an event on; what happened shortly before it may come again.
    pub(super) fn behind(event: Uuid) -> Self {
        Self { latest: event, given: BTreeSet::from([event]) }
    }

    /// What happened since the last time, in order as far as nodes' clocks agree.
    pub(super) async fn read(
        &mut self,
        storage: &dyn Storage,
        tenant: &TenantId,
    ) -> Result<Vec<OutboxEvent>> {
        let from = earlier(self.latest, OVERLAP);
        let (mut new, mut after) = (Vec::new(), from);
        loop {
            let page = storage.outbox(tenant, Some(after), PAGE).await?;
            let full = page.len() >= PAGE as usize;
            after = page.last().map_or(after, |event| event.id);
            new.extend(page.into_iter().filter(|event| self.given.insert(event.id)));
            if !full {
                break;
            }
        }
        self.latest = self.latest.max(after);
        self.given = self.given.split_off(&earlier(self.latest, OVERLAP));
        Ok(new)
    }
}

/// The first identifier of so many milliseconds before another one.
fn earlier(id: Uuid, milliseconds: u64) -> Uuid {
    let at = u64::try_from(id.as_u128() >> 80).unwrap_or_default();
    Builder::from_unix_timestamp_millis(at.saturating_sub(milliseconds), &[0; 10]).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::VisitorId;
    use crate::storage::memory::MemoryStorage;
    use crate::testing::fixture;

    #[tokio::test]
    async fn each_event_is_given_once_however_many_there_are() {
        let store = MemoryStorage::new();
        let tenant = fixture::tenant(&store, "shop").await;
        let mut feed = Feed::from_now();
        assert_eq!(feed.read(&store, &tenant).await.unwrap(), []);
        for n in 1..=3 {
            for _ in 0..300 {
                fixture::open(&store, &tenant, fixture::start(VisitorId::new(), "s", "hi")).await;
            }
            let read = feed.read(&store, &tenant).await.unwrap();
            assert_eq!(read.len(), 600, "{n}: a conversation and a message each");
            assert_eq!(feed.read(&store, &tenant).await.unwrap(), []);
        }
    }

    #[test]
    fn an_earlier_identifier_sorts_before_all_of_its_time() {
        let id = Uuid::now_v7();
        let (second, same) = (earlier(id, 1_000), earlier(id, 0));
        assert!(second < same && same <= id);
        assert_eq!(earlier(Uuid::nil(), 5).as_u128() >> 80, 0);
    }
}
