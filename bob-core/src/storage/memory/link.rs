//! One-time links in memory.

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryStorage;
use super::world::{Subject, World};
use crate::account::{LinkHash, LinkPurpose, LinkToken, LinkUse, MemberState, NewLink, PLATFORM_REALM};
use crate::act::Act;
use crate::storage::{LinkStore, Result, StorageError, StorageErrorKind};

#[derive(Debug)]
pub(super) struct LinkRow {
    pub(super) hash: LinkHash,
    pub(super) made_at: Timestamp,
    pub(super) expires_at: Timestamp,
}

#[async_trait]
impl LinkStore for MemoryStorage {
    async fn store_link(&self, act: &Act, link: NewLink) -> Result<bool> {
        const OPERATION: &str = "store_link";
        let mut world = self.world();
        let may = match link.purpose {
            LinkPurpose::Invitation => {
                world.member(&link.realm, &link.account).is_some_and(|it| it.state == MemberState::Invited)
            }
            LinkPurpose::Reset => {
                world.accounts.get(&link.account).is_some_and(|account| account.disabled_at.is_none())
            }
        };
        if !may {
            return Err(StorageError::new(StorageErrorKind::NotFound, OPERATION));
        }
        let key = (link.realm, link.account, link.purpose);
        let earlier = world.links.get(&key).map(|row| row.made_at);
        if let (Some(earlier), Some(since)) = (earlier, link.spares_since)
            && earlier > since
        {
            return Ok(false);
        }
        let row = LinkRow { hash: link.hash, made_at: act.at, expires_at: link.expires_at };
        world.links.insert(key, row);
        world.record_on(Some(&link.realm), OPERATION, act, Subject(Some(link.account.as_uuid()), None));
        Ok(true)
    }

    async fn link_holds(&self, act: &Act, token: &LinkToken) -> Result<bool> {
        Ok(self.world().holds(act, token))
    }

    async fn use_link(&self, act: &Act, used: LinkUse) -> Result<bool> {
        let mut world = self.world();
        let token = used.token;
        if !world.holds(act, &token) {
            return Ok(false);
        }
        world.links.remove(&(token.realm, token.account, token.purpose));
        world.links.remove(&(PLATFORM_REALM, token.account, LinkPurpose::Reset));
        if used.name.is_some() {
            let theirs = world
                .members
                .iter_mut()
                .find(|row| row.tenant == token.realm && row.account == token.account);
            if let Some(row) = theirs {
                row.name = None;
            }
        }
        let account = world.accounts.get_mut(&token.account).expect("a link that holds has an account");
        account.password = Some(used.password);
        account.name = used.name.unwrap_or_else(|| account.name.clone());
        account.generation += 1;
        account.version += 1;
        let subject = Subject(Some(token.account.as_uuid()), None);
        world.record_on(Some(&token.realm), "use_link", act, subject);
        Ok(true)
    }
}

impl World {
    fn holds(&self, act: &Act, token: &LinkToken) -> bool {
        let row = self.links.get(&(token.realm, token.account, token.purpose));
        let is_right = row.is_some_and(|row| row.hash == token.hash && act.at < row.expires_at);
        is_right
            && self.accounts.get(&token.account).is_some_and(|account| {
                account.disabled_at.is_none()
                    && (token.purpose == LinkPurpose::Reset || account.password.is_none())
            })
    }
}
