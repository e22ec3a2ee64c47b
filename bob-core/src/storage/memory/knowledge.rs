//! Knowledge in memory.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryStorage;
use super::world::{KeptItem, KeptVersion, Shop, Subject};
use crate::act::Act;
use crate::id::{KnowledgeId, TenantId};
use crate::knowledge::{
    Audience, ImportInto, ImportedAs, KnowledgeEntry, KnowledgeFilter, KnowledgeItem, KnowledgeStatus,
    KnowledgeStep, KnowledgeText, KnowledgeVersion, Synonyms,
};
use crate::outbox::{EventKind, EventSubject};
use crate::storage::{KnowledgeStore, Result, StorageError, StorageErrorKind};
use KnowledgeStatus::{Approved, Draft, Published, Retired, Review};

#[async_trait]
impl KnowledgeStore for MemoryStorage {
    async fn add_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        text: KnowledgeText,
    ) -> Result<KnowledgeVersion> {
        const OPERATION: &str = "add_knowledge";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        if shop.items.iter().any(|known| known.id == *item) {
            return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
        }
        let version = shop.add(act, *item, text);
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(item.as_uuid()), None));
        Ok(version)
    }

    async fn draft_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        latest: Option<u32>,
        text: KnowledgeText,
    ) -> Result<KnowledgeVersion> {
        const OPERATION: &str = "draft_knowledge";
        let mut world = self.world();
        let known = world.shop_mut(OPERATION, tenant)?.item_mut(OPERATION, item)?;
        known.require_latest(OPERATION, latest)?;
        let version = known.draft(act, text);
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(item.as_uuid()), None));
        Ok(version)
    }

    async fn move_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        version: u32,
        to: KnowledgeStatus,
    ) -> Result<()> {
        const OPERATION: &str = "move_knowledge";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let kept = shop.item_mut(OPERATION, item)?.version_mut(OPERATION, version)?;
        if to == Published || !kept.version.status.may_become(to) {
            return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
        }
        let was = kept.version.status;
        kept.stand(act, to);
        if was == Published {
            shop.release(act, |_| false);
        }
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(item.as_uuid()), None));
        Ok(())
    }

    async fn approve_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        version: u32,
    ) -> Result<Option<u64>> {
        const OPERATION: &str = "approve_knowledge";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let kept = shop.item_mut(OPERATION, item)?.version_mut(OPERATION, version)?;
        if kept.version.status != Review || kept.has_expired(act.at) {
            return Err(StorageError::new(StorageErrorKind::Conflict, OPERATION));
        }
        kept.stand(act, Approved);
        let release = (!shop.gathers_releases).then(|| shop.release(act, |approved| approved.item == *item));
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(item.as_uuid()), None));
        Ok(release)
    }

    async fn publish_knowledge(&self, act: &Act, tenant: &TenantId) -> Result<u64> {
        const OPERATION: &str = "publish_knowledge";
        let mut world = self.world();
        let release = world.shop_mut(OPERATION, tenant)?.release(act, |_| true);
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(tenant.as_uuid()), None));
        Ok(release)
    }

    async fn remove_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        item: &KnowledgeId,
        latest: Option<u32>,
    ) -> Result<()> {
        const OPERATION: &str = "remove_knowledge";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let known = shop.item_mut(OPERATION, item)?;
        known.require_latest(OPERATION, latest)?;
        known.removed = true;
        let was_published = known.versions.iter().any(|kept| kept.version.status == Published);
        for kept in known.versions.iter_mut().filter(|kept| kept.version.status != Retired) {
            kept.stand(act, Retired);
        }
        if was_published {
            shop.release(act, |_| false);
        }
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(item.as_uuid()), None));
        Ok(())
    }

    async fn import_knowledge(
        &self,
        act: &Act,
        tenant: &TenantId,
        into: ImportInto,
        texts: Vec<KnowledgeText>,
    ) -> Result<Vec<ImportedAs>> {
        const OPERATION: &str = "import_knowledge";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        let mut imported = Vec::new();
        for text in texts {
            let same_place = |item: &&KeptItem| {
                let latest = &item.latest().text;
                !item.removed && latest.language() == text.language() && latest.title() == text.title()
            };
            let known = shop.items.iter().find(same_place);
            let says_so =
                known.is_some_and(|item| item.latest().text == text && item.latest().status != Retired);
            let known = known.map(|item| item.id);
            imported.push(match known {
                _ if says_so => ImportedAs::Unchanged,
                Some(_) => ImportedAs::Updated,
                None => ImportedAs::Created,
            });
            if says_so || into == ImportInto::Nowhere {
                continue;
            }
            let drafted = match known {
                Some(id) => shop.item_mut(OPERATION, &id)?.draft(act, text),
                None => shop.add(act, KnowledgeId::new(), text),
            };
            if into == ImportInto::Review {
                let item = shop.item_mut(OPERATION, &drafted.item)?;
                item.version_mut(OPERATION, drafted.number)?.stand(act, Review);
            }
        }
        if into != ImportInto::Nowhere {
            world.record_on(Some(tenant), OPERATION, act, Subject(Some(tenant.as_uuid()), None));
        }
        Ok(imported)
    }

    async fn gather_releases(&self, act: &Act, tenant: &TenantId, gathers: bool) -> Result<()> {
        const OPERATION: &str = "gather_releases";
        let mut world = self.world();
        let shop = world.shop_mut(OPERATION, tenant)?;
        shop.gathers_releases = gathers;
        shop.version += 1;
        world.record_on(Some(tenant), OPERATION, act, Subject(Some(tenant.as_uuid()), None));
        Ok(())
    }

    async fn knowledge_item(&self, tenant: &TenantId, item: &KnowledgeId) -> Result<KnowledgeItem> {
        const OPERATION: &str = "knowledge_item";
        let mut world = self.world();
        let item = world.shop_mut(OPERATION, tenant)?.item_mut(OPERATION, item)?;
        let versions = item.versions.iter().rev().map(|kept| &kept.version);
        let step = |version: &KnowledgeVersion| KnowledgeStep {
            number: version.number,
            status: version.status,
            changed_at: version.changed_at,
        };
        Ok(KnowledgeItem {
            latest: item.latest().clone(),
            published: versions.clone().find(|version| version.status == Published).cloned(),
            steps: versions.take(KnowledgeItem::MOST_STEPS as usize).map(step).collect(),
        })
    }

    async fn knowledge_items(
        &self,
        tenant: &TenantId,
        filter: &KnowledgeFilter,
        after: Option<KnowledgeId>,
        limit: u32,
    ) -> Result<Vec<KnowledgeEntry>> {
        let world = self.world();
        let Some(shop) = world.tenants.get(tenant) else { return Ok(Vec::new()) };
        let mut items: Vec<&KeptItem> = shop.items.iter().filter(|item| !item.removed).collect();
        items.sort_by_key(|item| std::cmp::Reverse(item.id));
        let behind = items.into_iter().filter(|item| after.is_none_or(|after| item.id < after));
        let shown = behind.map(KeptItem::entry).filter(|entry| filter.shows(entry));
        Ok(shown.take(limit as usize).collect())
    }

    async fn published_knowledge(
        &self,
        tenant: &TenantId,
        release: u64,
        audience: Audience,
    ) -> Result<(Vec<KnowledgeVersion>, Synonyms)> {
        const OPERATION: &str = "published_knowledge";
        let world = self.world();
        let shop = world.shop(OPERATION, tenant)?;
        if release > shop.release + shop.expiries().len() as u64 {
            return Err(StorageError::new(StorageErrorKind::NotFound, OPERATION));
        }
        let versions = shop.items.iter().flat_map(|item| &item.versions);
        let held = versions
            .filter(|kept| kept.from.is_some_and(|from| from <= release))
            .filter(|kept| kept.until.is_none_or(|until| release < until))
            .map(|kept| KnowledgeVersion { status: Published, ..kept.version.clone() })
            .filter(|version| audience.may_read(version.text.audience()));
        Ok((held.collect(), shop.synonyms.clone()))
    }
}

impl Shop {
    /// Makes a new release: what is approved and `picked` is published, what it replaces and what has expired retires.
    fn release(&mut self, act: &Act, picked: impl Fn(&KnowledgeVersion) -> bool) -> u64 {
        let numbers = self.items.iter().flat_map(|item| &item.versions).filter_map(|kept| kept.until);
        let release = numbers.max().unwrap_or_default().max(self.release) + 1;
        for item in &mut self.items {
            let next = item
                .versions
                .iter()
                .rposition(|kept| kept.version.status == Approved && picked(&kept.version));
            for (at, kept) in item.versions.iter_mut().enumerate() {
                match (kept.version.status, next) {
                    (Approved, Some(next)) if at == next => {
                        kept.stand(act, Published);
                        kept.from = Some(release);
                    }
                    (Approved | Published, Some(_)) => kept.stand(act, Retired),
                    _ => {}
                }
                if kept.version.status == Published && kept.has_expired(act.at) {
                    kept.stand(act, Retired);
                }
                if kept.version.status == Retired && kept.from.is_some() {
                    kept.until = Some(kept.until.unwrap_or(release).min(release));
                }
            }
        }
        self.release = release;
        self.keep_numbers_free();
        self.version += 1;
        let subject = EventSubject { number: Some(release), ..EventSubject::default() };
        self.tell(act, &[EventKind::KnowledgePublished], subject);
        release
    }

    /// Gives each moment at which published texts expire the next number behind the release.
    pub(super) fn keep_numbers_free(&mut self) {
        let (release, expiries) = (self.release, self.expiries());
        let published = self.items.iter_mut().flat_map(|item| &mut item.versions);
        for kept in published.filter(|kept| kept.version.status == Published) {
            let expires_at = kept.version.text.expires_at();
            kept.until = (release + 1..)
                .zip(&expiries)
                .find_map(|(number, moment)| (Some(*moment) == expires_at).then_some(number));
        }
    }

    /// The moments at which published texts expire, each once, in order.
    pub(super) fn expiries(&self) -> Vec<Timestamp> {
        let versions = self.items.iter().flat_map(|item| &item.versions);
        let published = versions.filter(|kept| kept.version.status == Published);
        let moments: BTreeSet<_> = published.filter_map(|kept| kept.version.text.expires_at()).collect();
        moments.into_iter().collect()
    }

    fn add(&mut self, act: &Act, id: KnowledgeId, text: KnowledgeText) -> KnowledgeVersion {
        let version = KnowledgeVersion { item: id, number: 1, status: Draft, text, changed_at: act.at };
        let kept = KeptVersion { version: version.clone(), from: None, until: None };
        self.items.push(KeptItem { id, removed: false, versions: vec![kept] });
        version
    }

    fn item_mut(&mut self, operation: &'static str, item: &KnowledgeId) -> Result<&mut KeptItem> {
        let known = self.items.iter_mut().find(|known| known.id == *item && !known.removed);
        known.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, operation))
    }
}

impl KeptItem {
    fn latest(&self) -> &KnowledgeVersion {
        &self.versions.last().expect("an item is made with its first version").version
    }

    fn require_latest(&self, operation: &'static str, latest: Option<u32>) -> Result<()> {
        match latest {
            Some(number) if number != self.latest().number => {
                Err(StorageError::new(StorageErrorKind::Stale, operation))
            }
            _ => Ok(()),
        }
    }

    fn version_mut(&mut self, operation: &'static str, number: u32) -> Result<&mut KeptVersion> {
        let known = self.versions.iter_mut().find(|kept| kept.version.number == number);
        known.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, operation))
    }

    /// The next draft, in the place of one that was not approved.
    fn draft(&mut self, act: &Act, text: KnowledgeText) -> KnowledgeVersion {
        let open = |kept: &&mut KeptVersion| matches!(kept.version.status, Draft | Review);
        for kept in self.versions.iter_mut().filter(open) {
            kept.stand(act, Retired);
        }
        let number = self.latest().number + 1;
        let version = KnowledgeVersion { item: self.id, number, status: Draft, text, changed_at: act.at };
        self.versions.push(KeptVersion { version: version.clone(), from: None, until: None });
        version
    }

    fn entry(&self) -> KnowledgeEntry {
        let latest = self.latest();
        let published = self.versions.iter().find(|kept| kept.version.status == Published);
        KnowledgeEntry {
            item: self.id,
            number: latest.number,
            status: latest.status,
            published: published.map(|kept| kept.version.number),
            language: latest.text.language(),
            audience: latest.text.audience(),
            title: latest.text.title().to_owned(),
            changed_at: latest.changed_at,
            expires_at: latest.text.expires_at(),
        }
    }
}

impl KeptVersion {
    fn stand(&mut self, act: &Act, status: KnowledgeStatus) {
        self.version.status = status;
        self.version.changed_at = act.at;
    }

    fn has_expired(&self, now: Timestamp) -> bool {
        self.version.text.expires_at().is_some_and(|end| end <= now)
    }
}
