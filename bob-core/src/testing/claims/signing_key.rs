//! Claims about signing keys.

use std::time::Duration;

use crate::account::{
    CHECKS_AFTER, PUBLISHED_BEFORE, SigningKey, found_signing_key, replace_signing_keys, rotate_signing_key,
};
use crate::clock::{earlier, later};
use crate::storage::Storage;
use crate::testing::fixture;

fn first(store: &dyn Storage) -> SigningKey {
    SigningKey::first(store.purpose_keys(), fixture::now())
}

/// A key reads back as it was made, the first one too, and the one before it as it gives way.
pub async fn a_key_gives_way_to_the_next_one(store: &dyn Storage) {
    assert!(store.signing_keys(fixture::now()).await.unwrap().is_empty());
    found_signing_key(store, &fixture::act()).await.unwrap();
    assert_eq!(store.signing_keys(fixture::now()).await.unwrap(), [first(store)]);

    let next = rotate_signing_key(store, &fixture::act()).await.unwrap();

    let takes_over = later(fixture::now(), PUBLISHED_BEFORE);
    let over = later(takes_over, CHECKS_AFTER);
    assert_eq!((next.number, next.created_at, next.signs_from), (2, fixture::now(), takes_over));
    let before = SigningKey { signs_until: Some(takes_over), ends_at: Some(over), ..first(store) };
    let still = earlier(over, Duration::from_micros(1));
    assert_eq!(store.signing_keys(still).await.unwrap(), [before, next.clone()]);
    assert_eq!(store.signing_keys(over).await.unwrap(), [next]);
}

/// Of nodes that make a key at once, each gets the same one.
pub async fn nodes_that_make_a_key_at_once_make_one(store: &dyn Storage) {
    let act = fixture::act();
    let found = || found_signing_key(store, &act);
    let (a, b, c) = tokio::join!(found(), found(), found());
    a.and(b).and(c).unwrap();
    assert_eq!(store.signing_keys(act.at).await.unwrap(), [first(store)]);

    let rotate = || rotate_signing_key(store, &act);
    let (a, b, c) = tokio::join!(rotate(), rotate(), rotate());
    let next = a.unwrap();
    assert_eq!((b.unwrap(), c.unwrap()), (next.clone(), next.clone()));
    assert_eq!(store.signing_keys(act.at).await.unwrap().last(), Some(&next));
    assert_eq!(store.signing_keys(act.at).await.unwrap().len(), 2);
}

/// A number is given once: whoever looked too early changes nothing.
pub async fn a_number_of_a_key_is_given_once(store: &dyn Storage) {
    let (act, first) = (fixture::act(), first(store));
    let next = |key: &SigningKey| key.next(act.at, act.at).unwrap();
    let second = next(&first);
    assert!(store.add_signing_key(&act, first.clone()).await.unwrap());
    assert!(store.add_signing_key(&act, second.clone()).await.unwrap());
    let there = store.signing_keys(act.at).await.unwrap();

    for late in [first.clone(), next(&first)] {
        assert!(!store.add_signing_key(&act, late.clone()).await.unwrap());
        assert!(!store.replace_signing_keys(&act, late).await.unwrap());
    }

    assert_eq!(store.signing_keys(act.at).await.unwrap(), there);
    let third = next(&second);
    assert!(store.replace_signing_keys(&act, third.clone()).await.unwrap());
    assert!(!store.add_signing_key(&act, next(&second)).await.unwrap(), "a forgotten number is not free");
    assert_eq!(store.signing_keys(act.at).await.unwrap(), [third]);
}

/// In an emergency all keys go, those to come too, and the new one signs at once.
pub async fn keys_are_replaced_all_at_once(store: &dyn Storage) {
    rotate_signing_key(store, &fixture::act()).await.unwrap();

    let act = fixture::act();
    let (a, b) = tokio::join!(replace_signing_keys(store, &act), replace_signing_keys(store, &act));

    let left = store.signing_keys(fixture::now()).await.unwrap();
    let [only] = &left[..] else { panic!("{left:?}") };
    assert_eq!((only.number, only.signs_from, only.ends_at), (4, fixture::now(), None));
    assert!([a.unwrap(), b.unwrap()].contains(only));
}

/// Keys that are over are forgotten when the next one is made.
pub async fn keys_that_are_over_are_forgotten(store: &dyn Storage) {
    rotate_signing_key(store, &fixture::act()).await.unwrap();
    let later_on = later(fixture::now(), PUBLISHED_BEFORE + CHECKS_AFTER);

    let third = rotate_signing_key(store, &fixture::act_at(later_on)).await.unwrap();

    let at_the_beginning = store.signing_keys(fixture::now()).await.unwrap();
    let numbers: Vec<_> = at_the_beginning.iter().map(|key| key.number).collect();
    assert_eq!((numbers, third.number), (vec![2, 3], 3));
}
