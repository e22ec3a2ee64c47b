//! Claims about the pricebook.

use std::time::Duration;

use super::refused;
use crate::clock::{earlier, later};
use crate::credit::MilliCredits;
use crate::pricebook::{ModelRate, Pricebook};
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::fixture;

/// The first pricebook stands as it was given, however many nodes found one; it holds from its moment on.
pub async fn a_pricebook_is_founded_once_and_holds_from_its_moment_on(store: &dyn Storage) {
    refused(store.published_pricebook(fixture::now()).await, StorageErrorKind::NotFound);
    let mut first = Pricebook::first();
    first.rates.models = vec![ModelRate {
        model: "small/β".to_owned(),
        input: MilliCredits(7),
        output: MilliCredits(i64::MAX),
    }];
    store.found_pricebook(&fixture::act(), first.clone()).await.unwrap();
    let mut second = Pricebook { effective_at: fixture::now(), ..first.clone() };
    for version in [1, 2] {
        second.version = version;
        store.found_pricebook(&fixture::act(), second.clone()).await.unwrap();
    }

    for now in [first.effective_at, fixture::now(), later(fixture::now(), Duration::from_secs(1))] {
        assert_eq!(store.published_pricebook(now).await.unwrap(), first, "{now}");
    }
    let before = earlier(first.effective_at, Duration::from_micros(1));
    refused(store.published_pricebook(before).await, StorageErrorKind::NotFound);
}

/// Of nodes that found different pricebooks at once, all read the one that was first.
pub async fn nodes_that_start_at_once_agree_on_a_pricebook(store: &dyn Storage) {
    let found = async |credits: u32| {
        let mut book = Pricebook::first();
        book.plans[0].credits = credits;
        store.found_pricebook(&fixture::act(), book).await.unwrap();
        store.published_pricebook(fixture::now()).await.unwrap()
    };
    let (a, b, c, d) = tokio::join!(found(1), found(2), found(3), found(4));
    assert!([&b, &c, &d].iter().all(|book| **book == a));
}
