//! From an identity that a page sent to the visitor it proves.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use lru::LruCache;

use super::counts::Counter;
use super::{IdentityCounts, IdentityMode, InvalidIdentity, VerifiedIdentity};
use crate::account::Email;
use crate::act::Act;
use crate::clock::Clock;
use crate::id::{TenantId, VisitorId};
use crate::storage::{Result, SharedStorage, TenantSnapshot};
use crate::visitor::VisitorProfile;

/// How many people's visitors are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(16_384).expect("not zero");

/// What a page sent in the place of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented<'a> {
    /// Nothing.
    Nothing,
    /// One text.
    Token(&'a str),
    /// Something that is no text, or more than one.
    Garbage,
}

/// What an identity is worth to its business.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Judged {
    /// It holds.
    Verified(Box<VerifiedIdentity>),
    /// There is none, or it does not hold and is only watched: a stranger.
    Stranger,
    /// There must be one.
    Required,
    /// It does not hold, and is refused; why is for the business only.
    Refused(InvalidIdentity),
}

/// Judges identities, counts them, and knows whose visitor each proven person is.
pub struct Identities {
    storage: SharedStorage,
    clock: Arc<dyn Clock>,
    counter: Counter,
    /// By tenant and person: the visitor, and what was last said of them.
    visitors: Mutex<LruCache<(TenantId, Digest), (VisitorId, Digest)>>,
}

type Digest = [u8; 32];

impl Identities {
    /// Knows nobody yet.
    #[must_use]
    pub fn new(storage: SharedStorage, clock: Arc<dyn Clock>) -> Self {
        Self { storage, clock, counter: Counter::default(), visitors: Mutex::new(LruCache::new(REMEMBERED)) }
    }

    /// Judges what a page sent by what its business decided, and counts it.
    #[must_use]
    pub fn judge(&self, tenant: &TenantSnapshot, presented: Presented<'_>) -> Judged {
        let policy = &tenant.identity.policy;
        let enforced = match policy.mode {
            IdentityMode::Off => return Judged::Stranger,
            IdentityMode::Observe => false,
            IdentityMode::Enforce => true,
        };
        let (id, now) = (tenant.tenant.id, self.clock.now());
        let verified = match presented {
            Presented::Nothing => {
                self.counter.count(id, now, |counts| counts.missing += 1);
                return if enforced && policy.require { Judged::Required } else { Judged::Stranger };
            }
            Presented::Garbage => Err(InvalidIdentity::Malformed),
            Presented::Token(token) => tenant.identity.verify(token, id, now),
        };
        match verified {
            Ok(identity) => {
                self.counter.count(id, now, |counts| counts.valid += 1);
                Judged::Verified(Box::new(identity))
            }
            Err(why) => {
                self.counter.count(id, now, |counts| *counts.invalid.entry(why).or_default() += 1);
                if enforced { Judged::Refused(why) } else { Judged::Stranger }
            }
        }
    }

    /// Whether an identity that was believed before still is; not counted.
    #[must_use]
    pub fn holds(&self, tenant: &TenantSnapshot, presented: Presented<'_>) -> bool {
        let looked_at = tenant.identity.policy.mode != IdentityMode::Off;
        let Presented::Token(token) = presented else { return false };
        looked_at && tenant.identity.verify(token, tenant.tenant.id, self.clock.now()).is_ok()
    }

    /// What this process counted for a business; nothing before the first.
    #[must_use]
    pub fn counts(&self, tenant: TenantId) -> Option<IdentityCounts> {
        self.counter.of(tenant)
    }

    /// The visitor that a proven person is; the same on every node, and made when they come for the first time.
    ///
    /// Asks storage only for people who are new to this process, or of whom something else is said than last time.
    ///
    /// # Errors
    ///
    /// When storage fails.
    pub async fn visitor(
        &self,
        act: &Act,
        tenant: &TenantId,
        identity: &VerifiedIdentity,
    ) -> Result<VisitorId> {
        let profile = &identity.profile;
        let person = (*tenant, digest_of(&[profile.issuer.as_deref(), profile.subject.as_deref()]));
        let verified = if profile.email_verified { "yes" } else { "no" };
        let email = profile.email.as_ref().map(|email| email.as_str());
        let said =
            digest_of(&[profile.name.as_deref(), email, Some(verified), profile.attributes.as_deref()]);
        if let Some((visitor, known)) = self.remembered().get(&person).copied()
            && known == said
        {
            return Ok(visitor);
        }
        let visitor = self.storage.recognise_visitor(act, tenant, profile.clone()).await?;
        self.remembered().put(person, (visitor, said));
        Ok(visitor)
    }

    /// Keeps what a page says, unproven, of a visitor; storage is asked when it says something new.
    ///
    /// # Errors
    ///
    /// When storage fails.
    pub async fn introduce(
        &self,
        act: &Act,
        tenant: &TenantId,
        visitor: VisitorId,
        profile: VisitorProfile,
    ) -> Result<()> {
        let who = (*tenant, digest_of(&[Some(&visitor.to_string())]));
        let said = digest_of(&[profile.name.as_deref(), profile.email.as_ref().map(Email::as_str)]);
        if self.remembered().get(&who).is_some_and(|(_, known)| *known == said) {
            return Ok(());
        }
        self.storage.introduce_visitor(act, tenant, &visitor, profile).await?;
        self.remembered().put(who, (visitor, said));
        Ok(())
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, LruCache<(TenantId, Digest), (VisitorId, Digest)>> {
        // A cache is whole between any two of its calls.
        self.visitors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// SHA-256 over parts that may be missing, each with its length.
fn digest_of(parts: &[Option<&str>]) -> Digest {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        context.update(&length.to_be_bytes());
        context.update(part.unwrap_or_default().as_bytes());
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identities").finish_non_exhaustive()
    }
}
