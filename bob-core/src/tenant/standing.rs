//! Whether a business's doors are open, and why not.

use std::time::Duration;

use jiff::Timestamp;

use crate::act::Act;
use crate::clock::later;

/// For how long a deletion can be taken back.
pub const DELETION_GRACE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What keeps a business's doors closed; nothing as a rule.
///
/// The two are apart, so that whoever takes one back leaves the other as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The platform closed them.
    pub suspended: Option<Suspension>,
    /// The business is to be deleted, at this moment.
    pub deletes_at: Option<Timestamp>,
}

/// That the platform closed a business's doors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// Since when.
    pub since: Timestamp,
    /// Why, in a platform person's words; told to the business's people and to nobody else.
    pub reason: String,
}

/// What can be done about a business's standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandingChange {
    /// Close its doors until they are opened again; the reason is the act's.
    Suspend,
    /// Close its doors, and delete it after [`DELETION_GRACE`].
    Delete,
    /// Take a deletion back; a suspension stays.
    Keep,
    /// Take everything back.
    Restore,
}

impl StandingChange {
    /// The name it is recorded under.
    #[must_use]
    pub const fn operation(self) -> &'static str {
        match self {
            Self::Suspend => "suspend_tenant",
            Self::Delete => "delete_tenant",
            Self::Keep => "keep_tenant",
            Self::Restore => "restore_tenant",
        }
    }
}

impl Standing {
    /// Whether visitors are answered and the business's people may change things.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.suspended.is_none() && self.deletes_at.is_none()
    }

    /// Whether it is too late to take a deletion back.
    #[must_use]
    pub fn is_gone(&self, now: Timestamp) -> bool {
        self.deletes_at.is_some_and(|end| end <= now)
    }

    /// The standing after a change; what is closed already stays closed since when and why it was.
    #[must_use]
    pub fn after(&self, change: StandingChange, act: &Act) -> Self {
        let mut after = self.clone();
        match change {
            StandingChange::Suspend => {
                let reason = || act.reason.clone().unwrap_or_default();
                after.suspended.get_or_insert_with(|| Suspension { since: act.at, reason: reason() });
            }
            StandingChange::Delete => {
                after.deletes_at.get_or_insert_with(|| later(act.at, DELETION_GRACE));
            }
            StandingChange::Keep => after.deletes_at = None,
            StandingChange::Restore => after = Self::default(),
        }
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn a_deletion_that_is_taken_back_leaves_a_suspension() {
        let act = fixture::act().because("unpaid");
        let suspended = Standing::default().after(StandingChange::Suspend, &act);
        let both = suspended.after(StandingChange::Delete, &act);
        assert_eq!(both.deletes_at, Some(later(act.at, DELETION_GRACE)));
        assert_eq!(both.after(StandingChange::Keep, &act), suspended);
        assert!(!suspended.is_open() && both.after(StandingChange::Restore, &act).is_open());
    }

    #[test]
    fn what_was_closed_first_counts() {
        let (first, second) = (fixture::act().because("unpaid"), fixture::act_at(Timestamp::MAX));
        for change in [StandingChange::Suspend, StandingChange::Delete] {
            let closed = Standing::default().after(change, &first);
            assert_eq!(closed.after(change, &second), closed);
        }
    }

    #[test]
    fn a_deletion_is_too_late_to_take_back_when_its_moment_has_come() {
        let standing = Standing::default().after(StandingChange::Delete, &fixture::act());
        let end = standing.deletes_at.unwrap();
        assert!(!standing.is_gone(end - jiff::Span::new().microseconds(1)) && standing.is_gone(end));
        assert!(!Standing::default().is_gone(Timestamp::MAX));
    }
}
