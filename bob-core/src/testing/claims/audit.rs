//! Claims about the audit: each deed leaves one row, which says who, what, on what, through what, from where and why.

use std::net::IpAddr;
use std::time::Duration;

use uuid::Uuid;

use crate::account::{
    AccountKind, LinkPurpose, LinkSecret, LinkToken, LinkUse, Login, MemberChange, NewLink, PLATFORM_REALM,
    PasswordHash, PlatformRole, Role, SigningKey, TenantRole,
};
use crate::act::{Act, Principal, Via};
use crate::audit::{AuditFilter, AuditPage, AuditQuery, AuditRow, NotedRead};
use crate::clock::later;
use crate::conversation::{Door, SpeakerChange, SpeakerStep};
use crate::credit::{CreditChanged, MilliCredits};
use crate::id::{AccountId, ConversationId, KnowledgeId, LoginId, PersonaId, TenantId, VisitorId};
use crate::knowledge::{ImportInto, KnowledgeStatus, KnowledgeText};
use crate::language::Language;
use crate::persona::{PersonaText, Written};
use crate::pricebook::Pricebook;
use crate::storage::{Result, Storage};
use crate::tenant::{StandingChange, Tenant};
use crate::testing::fixture;
use crate::turn::LEASE;
use crate::visitor::VisitorProfile;
use crate::widget_key::{KeySettings, WidgetSettings};

/// The calls that leave one row under their own name; a test holds the ports' sources against it.
pub const DEEDS: &[&str] = &[
    "add_key_origins",
    "add_knowledge",
    "add_member",
    "add_persona",
    "add_signing_key",
    "add_widget_key",
    "approve_knowledge",
    "begin_turn",
    "change_credits",
    "change_member",
    "change_tenant",
    "change_widget_key",
    "create_account",
    "delete_persona",
    "disable_account",
    "draft_knowledge",
    "end_login",
    "end_other_logins",
    "end_widget_key",
    "extend_turn",
    "finish_turn",
    "found_pricebook",
    "gather_releases",
    "import_knowledge",
    "introduce_visitor",
    "move_knowledge",
    "onboard",
    "open_login",
    "publish_knowledge",
    "publish_persona",
    "remove_knowledge",
    "remove_member",
    "renew_credits",
    "replace_signing_keys",
    "reply",
    "rotate_refresh",
    "rotate_widget_key",
    "set_default_persona",
    "set_password",
    "set_widget_settings",
    "store_link",
    "use_link",
    "write_persona",
];

/// The calls that take an act and leave no row under their own name, and why.
pub const OTHERS: &[(&str, &str)] = &[
    ("change_identity", "its row is named by the change"),
    ("change_speaker", "its row is named by the step"),
    ("change_standing", "its row is named by the change"),
    ("claim_visitor", "its reason tells how much moved, and a refusal is decline_claim"),
    ("erase_tenant", "a row on the platform when it begins, and tenant_erased when it is done"),
    ("link_holds", "it only looks, at the moment of the act"),
    ("note_read", "its row is named by what was read"),
    ("note_reading", "the same"),
    ("recognise_visitor", "the deed of the visitor whom it finds out"),
    ("renew_turn", "a turn that goes on is no deed of its own"),
    ("rewrap_keys", "a row for each key that was wrapped anew; memory wraps none"),
    ("sweep_turns", "a row for each turn that it gives up: give_up_turn"),
];

/// The rows of calls that name them otherwise than themselves.
const NAMED_OTHERWISE: &[&str] = &[
    "close_conversation",
    "delete_tenant",
    "hand_back_conversation",
    "keep_tenant",
    "read_conversation",
    "restore_tenant",
    "suspend_tenant",
    "take_conversation",
];

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 77));

/// Does one thing after the other, and looks for its row.
struct Scene<'a> {
    store: &'a dyn Storage,
    person: Principal,
    done: Vec<&'static str>,
}

impl Scene<'_> {
    /// Holds that a deed of a person leaves exactly this row where it belongs.
    async fn leaves<T: std::fmt::Debug>(
        &mut self,
        operation: &'static str,
        realm: TenantId,
        (subject, part_of): (Option<Uuid>, Option<Uuid>),
        deed: impl AsyncFnOnce(&Act) -> Result<T>,
    ) -> T {
        let request = format!("request {}", self.done.len());
        let act = Act::new(self.person, &*request, fixture::now())
            .through(Via::Portal, Some(ADDRESS))
            .because("why not");
        let answer = deed(&act).await.unwrap_or_else(|error| panic!("{operation}: {error:?}"));
        let rows: Vec<AuditRow> =
            all(self.store, &realm).await.into_iter().filter(|row| row.request_id == request).collect();
        let expected = AuditRow::of(&act, Uuid::nil(), operation, subject, part_of);
        let found: Vec<AuditRow> = rows.into_iter().map(|row| AuditRow { id: Uuid::nil(), ..row }).collect();
        assert_eq!(found, [expected], "{operation}");
        self.done.push(operation);
        answer
    }
}

fn query(limit: u32) -> AuditQuery {
    AuditQuery { filter: AuditFilter::default(), behind: None, limit, look_at: 10_000 }
}

async fn all(store: &dyn Storage, realm: &TenantId) -> Vec<AuditRow> {
    store.audit(realm, query(10_000)).await.unwrap().rows
}

/// The operations of a tenant's rows, the earliest first.
async fn operations(store: &dyn Storage, realm: &TenantId) -> Vec<String> {
    let mut rows = all(store, realm).await;
    rows.reverse();
    rows.into_iter().map(|row| row.operation).collect()
}

const NOTHING: (Option<Uuid>, Option<Uuid>) = (None, None);

fn about(subject: Uuid) -> (Option<Uuid>, Option<Uuid>) {
    (Some(subject), None)
}

/// Every call that changes something leaves one row that tells all of its act, and what it changed.
pub async fn every_deed_leaves_one_row(store: &dyn Storage) {
    let mut scene = Scene { store, person: Principal::Account(AccountId::new()), done: Vec::new() };
    deeds_of_the_platform(&mut scene).await;
    let onboarding = fixture::onboarding("shop");
    let tenant = onboarding.tenant.id;
    scene
        .leaves("onboard", tenant, about(tenant.as_uuid()), async |act| store.onboard(act, onboarding).await)
        .await;
    deeds_on_a_business(&mut scene, tenant).await;
    deeds_in_a_conversation(&mut scene, tenant).await;
    deeds_on_personas(&mut scene, tenant).await;
    deeds_on_the_business_itself(&mut scene, tenant).await;
    scene.done.sort_unstable();
    scene.done.dedup();
    let mut shown = [DEEDS, NAMED_OTHERWISE].concat();
    shown.sort_unstable();
    assert_eq!(scene.done, shown, "each of them is shown here");
}

async fn deeds_of_the_platform(scene: &mut Scene<'_>) {
    let (store, realm) = (scene.store, PLATFORM_REALM);
    scene
        .leaves("found_pricebook", realm, NOTHING, async |act| {
            store.found_pricebook(act, Pricebook::first()).await
        })
        .await;
    let person = fixture::account("anna@shop.example");
    let id = person.id;
    let of_person = about(id.as_uuid());
    scene
        .leaves("create_account", realm, of_person, async |act| store.create_account(act, person).await)
        .await;
    let hash = PasswordHash::from_stored("$argon2id$v=19$…".to_owned());
    scene
        .leaves("set_password", realm, of_person, async |act| store.set_password(act, &id, hash).await)
        .await;
    for disabled in [true, false] {
        scene
            .leaves("disable_account", realm, of_person, async |act| {
                store.disable_account(act, &id, disabled).await
            })
            .await;
    }
    deeds_on_people(scene, realm, Role::Platform(PlatformRole::Auditor)).await;
    let login = Login {
        id: LoginId::new(),
        realm,
        account: id,
        kind: AccountKind::Platform,
        generation: 0,
        cookie_hash: [3; 32],
        started_at: fixture::now(),
        idle_until: later(fixture::now(), Duration::from_secs(1_800)),
        ends_at: later(fixture::now(), Duration::from_secs(43_200)),
        ended_at: None,
    };
    let first = SigningKey::first(store.purpose_keys(), fixture::now());
    let second = first.next(fixture::now(), fixture::now()).unwrap();
    scene
        .leaves("add_signing_key", realm, NOTHING, async |act| store.add_signing_key(act, first).await)
        .await;
    scene
        .leaves("replace_signing_keys", realm, NOTHING, async |act| {
            store.replace_signing_keys(act, second).await
        })
        .await;
    let of_login = (Some(login.id.as_uuid()), Some(id.as_uuid()));
    scene
        .leaves("open_login", realm, of_login, async |act| store.open_login(act, login, [1; 32]).await)
        .await;
    scene
        .leaves("rotate_refresh", realm, about(login.id.as_uuid()), async |act| {
            store.rotate_refresh(act, &realm, &login.id, [1; 32], [2; 32]).await
        })
        .await;
    let elsewhere = Login { id: LoginId::new(), ..login };
    store.open_login(&fixture::act(), elsewhere, [4; 32]).await.unwrap();
    scene
        .leaves("end_other_logins", realm, (None, Some(id.as_uuid())), async |act| {
            store.end_other_logins(act, &realm, &id, &login.id).await
        })
        .await;
    scene
        .leaves("end_login", realm, about(login.id.as_uuid()), async |act| {
            store.end_login(act, &realm, &login.id).await
        })
        .await;
}

async fn deeds_on_personas(scene: &mut Scene<'_>, tenant: TenantId) {
    let (store, persona) = (scene.store, PersonaId::new());
    let of_persona = about(persona.as_uuid());
    let usual = store.tenant_snapshot(&tenant).await.unwrap().persona.id;
    let text = |name: &str| PersonaText {
        name: name.to_owned(),
        description: String::new(),
        tone: String::new(),
        system_prompt: String::new(),
    };
    scene
        .leaves("add_persona", tenant, of_persona, async |act| {
            store.add_persona(act, &tenant, &persona, text("One"), Written::Published).await
        })
        .await;
    scene
        .leaves("write_persona", tenant, of_persona, async |act| {
            store.write_persona(act, &tenant, &persona, None, text("Two"), Written::AsDraft).await
        })
        .await;
    scene
        .leaves("publish_persona", tenant, of_persona, async |act| {
            store.publish_persona(act, &tenant, &persona, 2, None).await
        })
        .await;
    scene
        .leaves("set_default_persona", tenant, of_persona, async |act| {
            store.set_default_persona(act, &tenant, &persona).await
        })
        .await;
    scene
        .leaves("delete_persona", tenant, about(usual.as_uuid()), async |act| {
            store.delete_persona(act, &tenant, &usual, None).await
        })
        .await;
}

async fn deeds_on_the_business_itself(scene: &mut Scene<'_>, tenant: TenantId) {
    let (store, of_tenant) = (scene.store, about(tenant.as_uuid()));
    let known = store.tenant_snapshot(&tenant).await.unwrap().tenant;
    scene
        .leaves("change_tenant", tenant, of_tenant, async |act| {
            let renamed = Tenant { name: "Another name".to_owned(), ..known.clone() };
            store.change_tenant(act, &tenant, known.revision, renamed).await
        })
        .await;
    for (operation, change) in [
        ("suspend_tenant", StandingChange::Suspend),
        ("restore_tenant", StandingChange::Restore),
        ("delete_tenant", StandingChange::Delete),
        ("keep_tenant", StandingChange::Keep),
    ] {
        scene
            .leaves(operation, tenant, of_tenant, async |act| {
                store.change_standing(act, &tenant, change).await
            })
            .await;
    }
}

/// Somebody is invited, changed and removed.
async fn deeds_on_people(scene: &mut Scene<'_>, realm: TenantId, role: Role) {
    let store = scene.store;
    let mut new = fixture::new_member("unnamed@new.example", role);
    new.email = format!("{}@new.example", new.account).parse().unwrap();
    let (account, of_account) = (new.account, about(new.account.as_uuid()));
    scene.leaves("add_member", realm, of_account, async |act| store.add_member(act, &realm, new).await).await;
    let change = MemberChange { name: Some("A. B.".to_owned()), ..MemberChange::default() };
    scene
        .leaves("change_member", realm, of_account, async |act| {
            store.change_member(act, &realm, &account, change).await
        })
        .await;
    let purpose = LinkPurpose::Invitation;
    let hash = LinkSecret::generate().unwrap().hash(purpose);
    let expires_at = later(fixture::now(), purpose.lifetime());
    let link = NewLink { purpose, realm, account, hash, expires_at, spares_since: None };
    scene.leaves("store_link", realm, of_account, async |act| store.store_link(act, link).await).await;
    let token = LinkToken { purpose, realm, account, hash };
    let used = LinkUse { token, password: fixture::password_hash(), name: None };
    scene.leaves("use_link", realm, of_account, async |act| store.use_link(act, used).await).await;
    scene
        .leaves("remove_member", realm, of_account, async |act| {
            store.remove_member(act, &realm, &account, None).await
        })
        .await;
}

async fn deeds_on_keys(scene: &mut Scene<'_>, tenant: TenantId) {
    let store = scene.store;
    deeds_on_people(scene, tenant, Role::Tenant(TenantRole::Agent)).await;
    let key = fixture::widget_key(tenant, &["https://shop.example"]);
    let (id, of_key) = (key.id, about(key.id.as_uuid()));
    let origins = || vec!["https://other.example".parse().expect("tests use good origins")];
    scene
        .leaves("add_widget_key", tenant, of_key, async |act| store.add_widget_key(act, &tenant, key).await)
        .await;
    scene
        .leaves("change_widget_key", tenant, of_key, async |act| {
            store.change_widget_key(act, &tenant, &id, 1, KeySettings::for_pages(origins())).await
        })
        .await;
    scene
        .leaves("add_key_origins", tenant, of_key, async |act| {
            store.add_key_origins(act, &tenant, &id, origins()).await
        })
        .await;
    let next = fixture::widget_key(tenant, &[]);
    let in_its_place = (Some(next.id.as_uuid()), Some(id.as_uuid()));
    scene
        .leaves("rotate_widget_key", tenant, in_its_place, async |act| {
            store.rotate_widget_key(act, &tenant, &id, 3, (next.id, next.key), fixture::now()).await
        })
        .await;
    scene
        .leaves("end_widget_key", tenant, of_key, async |act| {
            store.end_widget_key(act, &tenant, &id, fixture::now()).await
        })
        .await;
    scene
        .leaves("set_widget_settings", tenant, about(tenant.as_uuid()), async |act| {
            store.set_widget_settings(act, &tenant, None, WidgetSettings::default()).await
        })
        .await;
}

async fn deeds_on_knowledge(scene: &mut Scene<'_>, tenant: TenantId) {
    let (store, of_tenant) = (scene.store, about(tenant.as_uuid()));
    let item = KnowledgeId::new();
    let of_item = about(item.as_uuid());
    let text = || KnowledgeText::new(Language::EN, "Parking", "Parking is free.").unwrap();
    scene
        .leaves("add_knowledge", tenant, of_item, async |act| {
            store.add_knowledge(act, &tenant, &item, text()).await
        })
        .await;
    scene
        .leaves("draft_knowledge", tenant, of_item, async |act| {
            store.draft_knowledge(act, &tenant, &item, Some(1), text()).await
        })
        .await;
    scene
        .leaves("move_knowledge", tenant, of_item, async |act| {
            store.move_knowledge(act, &tenant, &item, 2, KnowledgeStatus::Review).await
        })
        .await;
    scene
        .leaves("approve_knowledge", tenant, of_item, async |act| {
            store.approve_knowledge(act, &tenant, &item, 2).await
        })
        .await;
    scene
        .leaves("remove_knowledge", tenant, of_item, async |act| {
            store.remove_knowledge(act, &tenant, &item, None).await
        })
        .await;
    scene
        .leaves("import_knowledge", tenant, of_tenant, async |act| {
            store.import_knowledge(act, &tenant, ImportInto::Draft, vec![text()]).await
        })
        .await;
    scene
        .leaves("gather_releases", tenant, of_tenant, async |act| {
            store.gather_releases(act, &tenant, true).await
        })
        .await;
    scene
        .leaves("publish_knowledge", tenant, of_tenant, async |act| {
            store.publish_knowledge(act, &tenant).await
        })
        .await;
}

async fn deeds_on_a_business(scene: &mut Scene<'_>, tenant: TenantId) {
    let store = scene.store;
    deeds_on_keys(scene, tenant).await;
    deeds_on_knowledge(scene, tenant).await;
    let change = fixture::change(1_000);
    let of_change = about(change.id());
    let changed = scene
        .leaves("change_credits", tenant, of_change, async |act| {
            store.change_credits(act, &tenant, change).await
        })
        .await;
    fixture::entered(changed);
    let due = store.credit_usage(&tenant).await.unwrap().to;
    scene
        .leaves("renew_credits", tenant, about(tenant.as_uuid()), async |act| {
            store.renew_credits(act, &tenant, fixture::renewal(due, 100_000)).await
        })
        .await;
}

async fn deeds_in_a_conversation(scene: &mut Scene<'_>, tenant: TenantId) {
    let store = scene.store;
    let start = fixture::start(VisitorId::new(), "s", "hi");
    let (turn, conversation) = (start.turn.as_uuid(), start.conversation);
    let of_turn = (Some(turn), Some(conversation.as_uuid()));
    scene
        .leaves("begin_turn", tenant, of_turn, async |act| store.begin_turn(act, &tenant, start).await)
        .await;
    let visitor = open_visitor(store, &tenant).await;
    let profile = VisitorProfile::said(Some("Anna".to_owned()), None).unwrap();
    scene
        .leaves("introduce_visitor", tenant, about(visitor.as_uuid()), async |act| {
            store.introduce_visitor(act, &tenant, &visitor, profile).await
        })
        .await;
    let open = fixture_turn(store, &tenant).await;
    let of_open = (Some(open.turn.as_uuid()), Some(open.conversation.as_uuid()));
    scene
        .leaves("extend_turn", tenant, about(open.turn.as_uuid()), async |act| {
            store.extend_turn(act, &tenant, &open.turn, &open.lease, MilliCredits(1)).await
        })
        .await;
    scene
        .leaves("finish_turn", tenant, of_open, async |act| {
            store.finish_turn(act, &tenant, fixture::finish(&open, "Thirty days")).await
        })
        .await;
    deeds_in_the_inbox(scene, tenant, open.conversation).await;
}

async fn deeds_in_the_inbox(scene: &mut Scene<'_>, tenant: TenantId, conversation: ConversationId) {
    let store = scene.store;
    let (person, of_conversation) = (AccountId::new(), about(conversation.as_uuid()));
    let step = |step| SpeakerChange { step, person, expected: None };
    scene
        .leaves("read_conversation", tenant, of_conversation, async |act| {
            store.note_reading(act, &tenant, &conversation).await
        })
        .await;
    scene
        .leaves("take_conversation", tenant, of_conversation, async |act| {
            store.change_speaker(act, &tenant, &conversation, step(SpeakerStep::Take)).await
        })
        .await;
    let reply = fixture::reply(person, "Good day");
    let of_reply = (Some(reply.message.as_uuid()), Some(conversation.as_uuid()));
    scene
        .leaves("reply", tenant, of_reply, async |act| store.reply(act, &tenant, &conversation, reply).await)
        .await;
    for (operation, change) in
        [("hand_back_conversation", SpeakerStep::HandBack), ("close_conversation", SpeakerStep::Close)]
    {
        scene
            .leaves(operation, tenant, of_conversation, async |act| {
                store.change_speaker(act, &tenant, &conversation, step(change)).await
            })
            .await;
    }
}

async fn open_visitor(store: &dyn Storage, tenant: &TenantId) -> VisitorId {
    let visitor = VisitorId::new();
    fixture::open(store, tenant, fixture::start(visitor, "v", "hi")).await;
    visitor
}

async fn fixture_turn(store: &dyn Storage, tenant: &TenantId) -> crate::turn::OpenTurn {
    fixture::open(store, tenant, fixture::start(VisitorId::new(), "t", "hi")).await
}

/// A call that changed nothing leaves nothing: what was refused, and what was done before.
pub async fn what_changed_nothing_leaves_no_row(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let act = fixture::act();
    let open = fixture_turn(store, &tenant).await;
    let finish = fixture::finish(&open, "1");
    store.finish_turn(&act, &tenant, finish.clone()).await.unwrap();
    let before = operations(store, &tenant).await;
    assert_eq!(before, ["onboard", "begin_turn", "finish_turn"]);

    store.finish_turn(&act, &tenant, finish).await.unwrap();
    store.renew_turn(&act, &tenant, &open.turn, &open.lease).await.unwrap();
    store.extend_turn(&act, &tenant, &open.turn, &open.lease, MilliCredits(1)).await.unwrap();
    let refused = store.change_credits(&act, &tenant, fixture::change(-2_000_000)).await.unwrap();
    assert_eq!(refused, CreditChanged::Insufficient);
    let change = SpeakerChange { step: SpeakerStep::Take, person: AccountId::new(), expected: Some(7) };
    let stale = store.change_speaker(&act, &tenant, &open.conversation, change).await;
    stale.expect_err("the epoch is another");
    store.end_login(&act, &tenant, &LoginId::new()).await.unwrap();
    store.onboard(&act, fixture::onboarding("shop")).await.expect_err("the slug is taken");

    assert_eq!(operations(store, &tenant).await, before);
}

/// A turn's rows tell its door; a visitor's has no address, a person's has theirs, and the platform's people are told
/// from the business's.
pub async fn a_turns_rows_tell_its_door_and_who_came_through_it(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let visitor = VisitorId::new();
    let person = AccountId::new();
    let at = fixture::now();
    let through_widget =
        Act::new(Principal::Visitor(visitor), "r", at).through(Via::Door(Door::Widget), None);
    let by_person = Act::new(Principal::Account(person), "r", at)
        .through(Via::Door(Door::SignedIn), Some(ADDRESS))
        .by_platform();
    for (act, session) in [(&through_widget, "w"), (&by_person, "p")] {
        let opening = store.begin_turn(act, &tenant, fixture::start(visitor, session, "hi")).await.unwrap();
        let crate::turn::TurnOpening::Opened(open) = opening else { panic!("{opening:?}") };
        store.finish_turn(act, &tenant, fixture::finish(&open, "1")).await.unwrap();
    }

    let rows = all(store, &tenant).await;
    let told: Vec<_> = rows
        .iter()
        .map(|row| (&*row.operation, row.principal, row.via, row.address, row.by_platform))
        .collect();
    let widget = (Principal::Visitor(visitor), Via::Door(Door::Widget), None, false);
    let signed_in = (Principal::Account(person), Via::Door(Door::SignedIn), Some(ADDRESS), true);
    let row = |operation, (who, via, address, by_platform)| (operation, who, via, address, by_platform);
    assert_eq!(
        told[..4],
        [
            row("finish_turn", signed_in),
            row("begin_turn", signed_in),
            row("finish_turn", widget),
            row("begin_turn", widget),
        ]
    );
}

/// Each turn that is given up leaves a row in its own business's audit, whoever came across it.
pub async fn a_turn_that_is_given_up_leaves_a_row(store: &dyn Storage) {
    let (swept, begun) = (fixture::tenant(store, "swept").await, fixture::tenant(store, "begun").await);
    let visitor = VisitorId::new();
    let first = fixture::open(store, &swept, fixture::start(visitor, "s", "hi")).await;
    let second = fixture::open(store, &begun, fixture::start(visitor, "s", "hi")).await;
    let at = later(fixture::now(), LEASE);

    let again = Act::new(Principal::Visitor(visitor), "again", at).through(Via::Door(Door::Public), None);
    store.begin_turn(&again, &begun, fixture::sent_at(fixture::start(visitor, "s", "ho"), at)).await.unwrap();
    let sweep = fixture::act_at(at);
    assert_eq!(store.sweep_turns(&sweep, 10).await.unwrap(), 1);

    for (tenant, lost, act) in [(&swept, &first, &sweep), (&begun, &second, &again)] {
        let rows = all(store, tenant).await;
        let given_up: Vec<_> = rows.into_iter().filter(|row| row.operation == "give_up_turn").collect();
        let subject = (Some(lost.turn.as_uuid()), Some(lost.conversation.as_uuid()));
        let expected = AuditRow::of(act, given_up[0].id, "give_up_turn", subject.0, subject.1);
        assert_eq!(given_up, [expected]);
    }
}

/// Rows come latest first, in pages that what is written meanwhile does not move, and another tenant sees none of them.
pub async fn an_audit_is_read_from_the_latest_back_in_stable_pages(store: &dyn Storage) {
    let (tenant, other) = (fixture::tenant(store, "shop").await, fixture::tenant(store, "other").await);
    for _ in 0..6 {
        fixture::grant(store, &tenant, 1).await;
    }
    let whole = all(store, &tenant).await;
    assert_eq!(whole.len(), 7);
    assert!(whole.is_sorted_by(|one, next| one.id > next.id));

    let mut read = Vec::new();
    let mut behind = None;
    loop {
        let page = store.audit(&tenant, AuditQuery { behind, ..query(3) }).await.unwrap();
        fixture::grant(store, &tenant, 1).await;
        read.extend(page.rows);
        behind = page.next;
        if behind.is_none() {
            break;
        }
    }
    assert_eq!(read, whole);

    assert_eq!(operations(store, &other).await, ["onboard"]);
    assert_eq!(all(store, &TenantId::new()).await, []);
    let foreign = AuditQuery { behind: Some(whole[0].id), ..query(10) };
    let page = store.audit(&other, foreign).await.unwrap();
    assert!(
        page.rows.iter().all(|row| row.subject == Some(other.as_uuid())),
        "a cursor opens nobody else's audit"
    );
}

/// Each part of a filter narrows, and all of them together narrow most.
pub async fn an_audit_is_filtered_by_who_what_on_what_and_when(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let (anna, carl) = (AccountId::new(), AccountId::new());
    let hour = |hours: u64| later(fixture::now(), Duration::from_secs(hours * 3_600));
    let key = fixture::widget_key(tenant, &["https://shop.example"]);
    let by = |who, at| Act::new(Principal::Account(who), "r", hour(at));
    store.add_widget_key(&by(anna, 1), &tenant, key.clone()).await.unwrap();
    let listed = KeySettings::for_pages(Vec::new());
    store.change_widget_key(&by(carl, 2), &tenant, &key.id, 1, listed).await.unwrap();
    store.end_widget_key(&by(anna, 3), &tenant, &key.id, hour(3)).await.unwrap();
    let open = fixture_turn(store, &tenant).await;

    let found = async |filter: AuditFilter| -> Vec<String> {
        let page = store.audit(&tenant, AuditQuery { filter, ..query(100) }).await.unwrap();
        page.rows.into_iter().map(|row| row.operation).collect()
    };
    let none = AuditFilter::default;
    let rows: [(AuditFilter, &[&str]); 12] = [
        (none(), &["begin_turn", "end_widget_key", "change_widget_key", "add_widget_key", "onboard"]),
        (AuditFilter { principal: Some(anna.as_uuid()), ..none() }, &["end_widget_key", "add_widget_key"]),
        (AuditFilter { principal: Some(Uuid::nil()), ..none() }, &[]),
        (AuditFilter { operation: Some("add_".to_owned()), ..none() }, &["add_widget_key"]),
        (AuditFilter { operation: Some("end_widget_key".to_owned()), ..none() }, &["end_widget_key"]),
        (AuditFilter { operation: Some("%".to_owned()), ..none() }, &[]),
        (
            AuditFilter { subject: Some(key.id.as_uuid()), ..none() },
            &["end_widget_key", "change_widget_key", "add_widget_key"],
        ),
        (AuditFilter { subject: Some(open.conversation.as_uuid()), ..none() }, &["begin_turn"]),
        (AuditFilter { from: Some(hour(2)), ..none() }, &["end_widget_key", "change_widget_key"]),
        (AuditFilter { to: Some(hour(2)), ..none() }, &["begin_turn", "add_widget_key", "onboard"]),
        (AuditFilter { from: Some(hour(2)), to: Some(hour(2)), ..none() }, &[]),
        (
            AuditFilter {
                principal: Some(anna.as_uuid()),
                operation: Some("end".to_owned()),
                subject: Some(key.id.as_uuid()),
                from: Some(hour(3)),
                to: Some(hour(4)),
            },
            &["end_widget_key"],
        ),
    ];
    for (filter, operations) in rows {
        assert_eq!(found(filter.clone()).await, operations, "{filter:?}");
    }
}

/// A page looks at no more rows than it was told to, and says where the next one goes on.
pub async fn a_page_looks_at_a_bounded_number_of_rows(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    for _ in 0..7 {
        fixture::grant(store, &tenant, 1).await;
    }
    let filter = AuditFilter { operation: Some("onboard".to_owned()), ..AuditFilter::default() };
    let page = |behind| {
        let query = AuditQuery { filter: filter.clone(), behind, limit: 1, look_at: 3 };
        async move { store.audit(&tenant, query).await.unwrap() }
    };
    let first = page(None).await;
    let second = page(first.next).await;
    let third = page(second.next).await;
    assert_eq!((first.rows.len(), second.rows.len()), (0, 0));
    assert!(first.next.is_some() && second.next.is_some());
    assert_eq!(third.rows.iter().map(|row| &*row.operation).collect::<Vec<_>>(), ["onboard"]);
    assert_eq!(third.next, None);
    let exactly = AuditQuery { look_at: 8, ..query(8) };
    let AuditPage { rows, next } = store.audit(&tenant, exactly).await.unwrap();
    assert_eq!((rows.len(), next), (8, None));
}

/// What a platform person read stands in the business's own audit.
pub async fn a_read_worth_a_row_is_noted(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let act = Act::new(Principal::Account(AccountId::new()), "r", fixture::now())
        .through(Via::Control, Some(ADDRESS))
        .by_platform()
        .because("GET /api/tenants/{tenant}/usage");

    store.note_read(&act, &tenant, NotedRead::Platform).await.unwrap();
    store.note_read(&act, &PLATFORM_REALM, NotedRead::Platform).await.unwrap();

    for realm in [tenant, PLATFORM_REALM] {
        let rows = all(store, &realm).await;
        let expected = AuditRow::of(&act, rows[0].id, "platform_read", Some(realm.as_uuid()), None);
        assert_eq!(rows[0], expected);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the calls in the ports' sources that take an act.
    fn calls_with_an_act() -> Vec<String> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/storage");
        let mut calls = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            for declared in source.split("async fn ").skip(1) {
                let (name, rest) = declared.split_once('(').unwrap();
                let parameters = rest.split(") ->").next().unwrap();
                if parameters.contains("act: &Act") {
                    calls.push(name.to_owned());
                }
            }
        }
        calls.sort();
        calls
    }

    #[test]
    fn every_call_that_takes_an_act_is_shown_to_leave_its_row() {
        let calls = calls_with_an_act();
        assert!(calls.len() > 20, "{calls:?}");
        let mut known: Vec<&str> =
            DEEDS.iter().copied().chain(OTHERS.iter().map(|(call, _)| *call)).collect();
        known.sort_unstable();
        assert_eq!(calls, known, "show each in every_deed_leaves_one_row, and name it in DEEDS");
    }
}
