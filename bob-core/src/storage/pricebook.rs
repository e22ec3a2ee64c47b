//! Pricebooks.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Result;
use crate::act::Act;
use crate::pricebook::Pricebook;

/// The versions of the pricebook, which belong to no tenant.
#[async_trait]
pub trait PricebookStore: fmt::Debug + Send + Sync {
    /// Publishes the first version, if there is none yet.
    async fn found_pricebook(&self, act: &Act, book: Pricebook) -> Result<()>;

    /// The version that holds at `now`.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) before one was published.
    async fn published_pricebook(&self, now: Timestamp) -> Result<Pricebook>;
}
