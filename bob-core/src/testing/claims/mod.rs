//! The claims: what every implementation of the ports promises, one function each.

pub mod account;
pub mod audit;
pub mod budget;
pub mod claim;
pub mod credit;
pub mod identity;
pub mod inbox;
pub mod key;
pub mod knowledge;
pub mod lease;
pub mod ledger;
pub mod link;
pub mod login;
pub mod member;
pub mod outbox;
pub mod period;
pub mod persona;
pub mod pricebook;
pub mod signing_key;
pub mod tenant;
pub mod turn;
pub mod widget_key;

use crate::storage::{Result, StorageErrorKind};

/// Holds that a call failed in one way.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, kind: StorageErrorKind) {
    assert_eq!(result.expect_err("the call should have failed").kind(), kind);
}
