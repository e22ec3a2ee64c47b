//! Open event streams, counted by address.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{AddressBucket, Limited, Quota};

type Counts = Mutex<HashMap<AddressBucket, u32>>;

/// How many streams each address has open.
#[derive(Debug, Default)]
pub struct OpenStreams(Arc<Counts>);

impl OpenStreams {
    pub(super) fn open(&self, address: AddressBucket, most: u32) -> Result<StreamGuard, Limited> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = counts.entry(address).or_default();
        if *open >= most {
            let retry_after = Duration::from_secs(5);
            return Err(Limited { policy: "streams", quota: Quota::AtOnce(most), retry_after });
        }
        *open += 1;
        Ok(StreamGuard { counts: Arc::clone(&self.0), address })
    }
}

/// One open stream; it closes when this is dropped.
#[derive(Debug)]
pub struct StreamGuard {
    counts: Arc<Counts>,
    address: AddressBucket,
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = counts.get_mut(&self.address) {
            *open -= 1;
            if *open == 0 {
                counts.remove(&self.address);
            }
        }
    }
}
