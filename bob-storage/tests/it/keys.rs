//! The keys of a database: who may open it, and how its root key is changed.

use std::sync::Arc;

use async_trait::async_trait;
use bob_core::id::{TenantId, VisitorId};
use bob_core::keyring::{Keyring, KeyringError, KeyringErrorKind, LocalKeyring};
use bob_core::storage::{
    ConversationStore as _, KeyStore as _, Storage as _, StorageErrorKind, TurnStore as _,
};
use bob_core::testing::fixture;
use bob_core::turn::{TurnOpening, TurnStart};
use bob_storage::{OpenError, OpenErrorKind, SqliteOptions, SqliteStorage};
use zeroize::Zeroizing;

use crate::{Fresh, answered, fresh, number, open, refused, run};

async fn open_with(fresh: &Fresh, keyring: impl Keyring) -> Result<SqliteStorage, OpenError> {
    SqliteStorage::open(SqliteOptions::file(fresh.path()), Arc::new(keyring)).await
}

#[tokio::test]
async fn another_root_key_does_not_open_the_database_and_changes_nothing() {
    let fresh = fresh().await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    let turn = answered(&fresh.storage, &tenant).await;

    let error = open_with(&fresh, LocalKeyring::from_root([8; 32])).await.unwrap_err();

    assert_eq!(error.kind(), OpenErrorKind::WrongKey);
    assert_eq!(error.to_string(), "the key is not the one that this database was sealed with");
    let again = open(fresh.path()).await;
    assert_eq!(again.history(&tenant, &turn.conversation, None, 9).await.unwrap().messages.len(), 2);
}

/// A key service that cannot be reached.
#[derive(Debug)]
struct Away;

#[async_trait]
impl Keyring for Away {
    async fn wrap(&self, _: &TenantId, _: &[u8; 32]) -> Result<Vec<u8>, KeyringError> {
        Err(KeyringError::new(KeyringErrorKind::Unavailable))
    }

    async fn unwrap(&self, _: &TenantId, _: &[u8]) -> Result<Zeroizing<[u8; 32]>, KeyringError> {
        Err(KeyringError::new(KeyringErrorKind::Unavailable))
    }

    fn is_current(&self, _: &[u8]) -> bool {
        true
    }
}

#[tokio::test]
async fn a_key_service_that_is_away_makes_the_database_unavailable() {
    let fresh = fresh().await;
    let error = open_with(&fresh, Away).await.unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::Unavailable);
}

#[tokio::test]
async fn nodes_on_one_database_have_the_same_purpose_keys() {
    let fresh = fresh().await;
    let second = open(fresh.path()).await;
    let key = |storage: &SqliteStorage| storage.purpose_keys().derive("visitor tokens");
    assert_eq!(key(&fresh.storage), key(&second));
}

#[tokio::test]
async fn after_all_keys_are_wrapped_anew_the_old_root_key_is_not_needed() {
    let fresh = fresh().await;
    let mut turns = Vec::new();
    for slug in ["one", "two", "three"] {
        let tenant = fixture::tenant(&fresh.storage, slug).await;
        turns.push((tenant, answered(&fresh.storage, &tenant).await));
    }
    let changing = LocalKeyring::from_root([8; 32]).accepting([7; 32]);
    let storage = open_with(&fresh, changing).await.unwrap();
    let act = fixture::act();

    assert_eq!(storage.rewrap_keys(&act, 3).await.unwrap(), 3);
    assert_eq!(storage.rewrap_keys(&act, 3).await.unwrap(), 1, "the platform has a key too");
    assert_eq!(storage.rewrap_keys(&act, 3).await.unwrap(), 0);

    let noted = "SELECT count(*) FROM bob_audit WHERE operation = 'rewrap_keys'";
    assert_eq!(number(&mut fresh.beside().await, noted).await, 4);
    let changed = open_with(&fresh, LocalKeyring::from_root([8; 32])).await.unwrap();
    for (tenant, turn) in &turns {
        let history = changed.history(tenant, &turn.conversation, None, 9).await.unwrap();
        assert_eq!(history.messages[1].said.text, turn.answer.text());
        answered(&changed, tenant).await;
    }
}

#[tokio::test]
async fn a_key_that_the_keyring_does_not_hold_stops_the_change() {
    let fresh = fresh().await;
    fixture::tenant(&fresh.storage, "shop").await;
    let other = LocalKeyring::from_root([9; 32]);
    let strange = other.wrap(&TenantId::new(), &[1; 32]).await.unwrap();
    sqlx::query("UPDATE bob_keys SET wrapped = $1 WHERE tenant_id <> zeroblob(16)")
        .bind(strange)
        .execute(&mut fresh.beside().await)
        .await
        .unwrap();

    refused(fresh.storage.rewrap_keys(&fixture::act(), 10).await, StorageErrorKind::Unavailable);
}

/// A second message of a visitor who wrote before.
fn next(visitor: VisitorId) -> TurnStart {
    fixture::start(visitor, "s", "again")
}

#[tokio::test]
async fn two_nodes_that_meet_a_new_visitor_at_once_agree_on_their_key() {
    let fresh = fresh().await;
    let second = open(fresh.path()).await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    let act = fixture::act();
    for round in 0..20 {
        let visitor = VisitorId::new();
        let (here, there) = (format!("here{round}"), format!("there{round}"));
        let (one, two) = tokio::join!(
            fresh.storage.begin_turn(&act, &tenant, fixture::start(visitor, &here, "hi")),
            second.begin_turn(&act, &tenant, fixture::start(visitor, &there, "ho")),
        );
        for (opening, storage) in [(one, &second), (two, &fresh.storage)] {
            let Ok(TurnOpening::Opened(opened)) = opening else { panic!("{opening:?}") };
            let history = storage.history(&tenant, &opened.conversation, None, 9).await.unwrap();
            assert_eq!(history.messages.len(), 1);
        }
    }
}

#[tokio::test]
async fn a_visitor_whose_key_was_erased_begins_with_a_new_one() {
    let fresh = fresh().await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    let visitor = VisitorId::new();
    let open = fixture::open(&fresh.storage, &tenant, next(visitor)).await;
    // What an erasure on another node does; this one still remembers the key.
    run(
        &mut fresh.beside().await,
        "DELETE FROM bob_visitors; DELETE FROM bob_messages; DELETE FROM bob_turns; DELETE FROM bob_conversations",
    )
    .await;

    let finished = fresh.storage.finish_turn(&fixture::act(), &tenant, fixture::finish(&open, "late")).await;
    refused(finished, StorageErrorKind::NotFound);
    let again = fixture::open(&fresh.storage, &tenant, next(visitor)).await;

    let other = crate::open(fresh.path()).await;
    let history = other.history(&tenant, &again.conversation, None, 9).await.unwrap();
    assert_eq!(history.messages[0].said.text, "again");
}

#[tokio::test]
async fn an_answer_to_a_visitor_who_was_erased_meanwhile_is_not_kept() {
    let fresh = fresh().await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    let open = fixture::open(&fresh.storage, &tenant, next(VisitorId::new())).await;
    run(&mut fresh.beside().await, "DELETE FROM bob_visitors").await;

    let closing = fresh.storage.finish_turn(&fixture::act(), &tenant, fixture::finish(&open, "late")).await;

    assert!(matches!(closing, Ok(bob_core::turn::TurnClosing::Superseded)), "{closing:?}");
    let kept = "SELECT count(*) FROM bob_turns WHERE superseded IS NOT NULL";
    assert_eq!(number(&mut fresh.beside().await, kept).await, 0);
}
