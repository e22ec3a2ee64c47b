//! What platform people read of a business's, noted where the business sees it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bob_core::audit::NotedRead;
use bob_core::clock::later;
use bob_core::id::TenantId;
use http::Method;
use jiff::Timestamp;
use uuid::Uuid;

use crate::dispatch::Call;
use crate::problem::Problem;

/// How long a read speaks for those that follow it: the same person, address and business.
const ONCE_IN: Duration = Duration::from_secs(60);

/// How many reads are remembered. When there are more within a minute, some are noted again.
const MOST: usize = 4_096;

/// The reads of the last minute that were noted.
#[derive(Debug, Default)]
pub(crate) struct NotedReads {
    until: Mutex<HashMap<Read, Timestamp>>,
}

/// Who read, at which address of the table, and whose.
type Read = (Uuid, &'static str, TenantId);

impl NotedReads {
    fn is_noted(&self, read: &Read, now: Timestamp) -> bool {
        self.until().get(read).is_some_and(|until| now < *until)
    }

    fn remember(&self, read: Read, now: Timestamp) {
        let mut known = self.until();
        if known.len() >= MOST {
            known.retain(|_, until| now < *until);
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(read, later(now, ONCE_IN));
    }

    fn until(&self) -> MutexGuard<'_, HashMap<Read, Timestamp>> {
        // The map is right after each step.
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes that a platform person reads what belongs to a business; what cannot be noted is not read.
///
/// What they change leaves a row of its own.
pub(crate) async fn note(call: &Call, tenant: TenantId) -> Result<(), Problem> {
    if !matches!(call.head.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let act = call.deed()?.because(format!("GET {}", call.path));
    let (reads, read) = (&call.mounted.noted_reads, (act.principal.id(), call.path, tenant));
    if reads.is_noted(&read, act.at) {
        return Ok(());
    }
    call.mounted.bob.storage().note_read(&act, &tenant, NotedRead::Platform).await?;
    // Only now: another one that is on its way meanwhile must not count on a row that may not come to be.
    reads.remember(read, act.at);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_has_a_bound_and_an_end() {
        let (reads, now) = (NotedReads::default(), Timestamp::UNIX_EPOCH);
        let read = |n: usize| (Uuid::from_u128(n as u128), "/api/audit", TenantId::from_uuid(Uuid::nil()));
        for n in 0..3 * MOST {
            reads.remember(read(n), now);
            assert!(reads.until().len() <= MOST);
        }
        assert!(reads.is_noted(&read(3 * MOST - 1), now));
        assert!(!reads.is_noted(&read(3 * MOST - 1), later(now, ONCE_IN)));
        assert!(!reads.is_noted(&read(0), now));
    }
}
