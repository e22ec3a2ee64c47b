//! Nothing that a visitor or a person said or is can be read in the files.

use std::path::Path;

use bob_core::account::{Email, TenantRole};
use bob_core::conversation::{Door, SessionId};
use bob_core::id::{TenantId, VisitorId};
use bob_core::identity::{IdentityChange, IdentitySecret};
use bob_core::secret::Secret;
use bob_core::storage::{
    AccountStore as _, ConversationStore as _, IdentityStore as _, TenantStore as _, TurnStore as _,
    VisitorStore as _,
};
use bob_core::testing::fixture;
use bob_core::turn::{BodyHash, IdempotencyClaim, IdempotencyScope, TurnStart, TurnState};
use bob_core::visitor::{VisitorProfile, VisitorProof};
use bob_storage::SqliteStorage;

use crate::{Fresh, fresh};

/// What must not be found, each somewhere else.
const PLANTED: [&str; 11] = [
    "Kanarienvogel-Frage",
    "Kanarienvogel-Antwort",
    "kanarienvogel-session",
    "Kanarienvogel-Nachzuegler",
    "kanarienvogel.mitglied",
    "Kanarienvogel Mitglied",
    "kanarienvogel.person",
    "Kanarienvogel Person",
    "kanarienvogel-subjekt",
    "Kanarienvogel Besucherin",
    "kanarienvogel-geheimnis-0123456789abcdef",
];

/// A shop with a member, a person of the platform, an answered turn and one whose answer came too late.
async fn plant(storage: &SqliteStorage) -> TenantId {
    let [
        asked,
        answered,
        session,
        late,
        member_email,
        member_name,
        email,
        name,
        subject,
        visitor_name,
        secret,
    ] = PLANTED;
    let person = |email: &str, name: &str| {
        let email: Email = format!("{email}@shop.example").parse().unwrap();
        bob_core::account::Account { email, name: name.to_owned(), ..fixture::account("x@shop.example") }
    };
    let mut shop = fixture::onboarding("shop");
    shop.people = vec![(person(member_email, member_name), TenantRole::Owner)];
    let (tenant, act) = (shop.tenant.id, fixture::act());
    storage.onboard(&act, shop).await.unwrap();
    storage.create_account(&act, person(email, name)).await.unwrap();

    let secret = IdentitySecret::given(Secret::new(secret), act.at).unwrap();
    storage.change_identity(&act, &tenant, None, IdentityChange::Add(secret)).await.unwrap();
    let profile = VisitorProfile {
        subject: Some(subject.to_owned()),
        name: Some(visitor_name.to_owned()),
        ..VisitorProfile::default()
    };
    storage.recognise_visitor(&act, &tenant, profile).await.unwrap();

    let claim = IdempotencyClaim {
        scopes: vec![IdempotencyScope::new(tenant, &"key".parse().unwrap(), &[])],
        body: BodyHash::of(asked.as_bytes()),
    };
    let visitor = VisitorId::new();
    let start = fixture::with_claim(fixture::start(visitor, session, asked), &claim);
    let open = fixture::open(storage, &tenant, start).await;
    storage.finish_turn(&act, &tenant, fixture::finish(&open, answered)).await.unwrap();

    let open = fixture::open(storage, &tenant, fixture::start(visitor, session, asked)).await;
    let after = act.at + jiff::Span::new().minutes(10);
    storage.finish_turn(&fixture::act_at(after), &tenant, fixture::finish(&open, late)).await.unwrap();
    let state = storage.turn(&tenant, Door::Public, &visitor, &open.turn).await.unwrap();
    let TurnState::Abandoned { superseded: Some(kept) } = state else { panic!("{state:?}") };
    assert!(kept.text().starts_with(late), "what is sealed reads back");
    tenant
}

/// Every planted string that a file holds, in UTF-8 or UTF-16.
fn readable_in(path: &Path) -> Vec<&'static str> {
    let Ok(bytes) = std::fs::read(path) else { return Vec::new() };
    let holds = |wanted: &[u8]| bytes.windows(wanted.len()).any(|window| window == wanted);
    let planted = PLANTED.into_iter().filter(|planted| {
        let wide: Vec<u8> = planted.encode_utf16().flat_map(u16::to_le_bytes).collect();
        holds(planted.as_bytes()) || holds(&wide)
    });
    planted.collect()
}

#[track_caller]
fn nothing_readable(fresh: &Fresh) {
    let mut looked_at = 0;
    for entry in std::fs::read_dir(fresh.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(readable_in(&path), [""; 0], "{}", path.display());
        looked_at += 1;
    }
    assert!(looked_at > 0);
}

#[tokio::test]
async fn nothing_anybody_said_or_is_can_be_read_in_the_files() {
    let fresh = fresh().await;
    plant(&fresh.storage).await;

    nothing_readable(&fresh);
    fresh.storage.backup(&fresh.folder.path().join("backup.db")).await.unwrap();
    nothing_readable(&fresh);
    fresh.storage.close().await;
    nothing_readable(&fresh);
}

#[tokio::test]
async fn what_is_public_can_be_read_so_the_search_finds_things() {
    let fresh = fresh().await;
    let mut shop = fixture::onboarding("shop");
    shop.persona.name = PLANTED[0].to_owned();
    fresh.storage.onboard(&fixture::act(), shop).await.unwrap();
    fresh.storage.close().await;
    assert_eq!(readable_in(&fresh.path()), [PLANTED[0]]);
}

#[tokio::test]
async fn people_are_found_by_their_address_all_the_same() {
    let fresh = fresh().await;
    plant(&fresh.storage).await;
    let email = "kanarienvogel.person@shop.example".parse().unwrap();
    let found = fresh.storage.account_by_email(&email).await.unwrap().expect("they are there");
    assert_eq!((found.email, found.name.as_str()), (email, "Kanarienvogel Person"));
}

#[tokio::test]
async fn a_session_that_was_minted_just_now_continues_nothing() {
    let fresh = fresh().await;
    let tenant = fixture::tenant(&fresh.storage, "shop").await;
    let session = SessionId::mint();
    let start = |session_is_new| TurnStart {
        visitor: VisitorProof::New(VisitorId::new()),
        session_is_new,
        ..fixture::start(VisitorId::new(), session.as_str(), "hi")
    };
    let first = fixture::open(&fresh.storage, &tenant, start(true)).await;
    fresh.storage.finish_turn(&fixture::act(), &tenant, fixture::finish(&first, "hello")).await.unwrap();

    let second = fixture::open(&fresh.storage, &tenant, start(false)).await;

    assert_eq!(second.conversation, first.conversation);
    assert_eq!((first.proven, second.proven), (true, false));
    assert_eq!(second.history.len(), 2);
}
