//! Things tests need, ready-made.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::account::{Account, Email, LinkPurpose, LinkSecret, NewMember, PasswordHash, Role};
use crate::act::{Act, Principal};
use crate::answer::{Answer, Citation, Handoff, Outcome, Suggestion};
use crate::clock::{Clock as _, ManualClock, later};
use crate::conversation::{Door, MessageText, SessionId, SpeakerChange, SpeakerChanged, SpeakerStep};
use crate::credit::{
    Budgets, CreditChange, CreditChanged, Ladder, LedgerEntry, LedgerKind, MilliCredits, Renewal,
};
use crate::id::{
    AccountId, ConversationId, KnowledgeId, MessageId, NodeId, PersonaId, TenantId, TurnId, VisitorId,
};
use crate::inbox::PersonReply;
use crate::knowledge::{KnowledgeText, Synonyms};
use crate::language::Language;
use crate::persona::Persona;
use crate::pricebook::Allowance;
use crate::storage::{Onboarding, Storage};
use crate::tenant::hours::Interval;
use crate::tenant::{HostName, OpeningHours, Tenant};
use crate::turn::{
    IdempotencyClaim, Lease, OpenTurn, TurnClosing, TurnFinish, TurnOpening, TurnStart, Versions,
};
use crate::visitor::VisitorProof;
use crate::widget_key::{KeyMode, KeySettings, PublishableKey, WidgetKey};

/// The moment tests begin at.
#[must_use]
pub fn now() -> Timestamp {
    ManualClock::default().now()
}

/// A deed of Bob itself, at the moment tests begin at.
#[must_use]
pub fn act() -> Act {
    act_at(now())
}

/// A deed of Bob itself at `at`.
#[must_use]
pub fn act_at(at: Timestamp) -> Act {
    Act::new(Principal::System(NodeId::new()), "test", at)
}

/// A business with a persona, a key for `https://shop.example`, one text and 1,000 credits, not stored yet.
#[must_use]
pub fn onboarding(slug: &str) -> Onboarding {
    let id = TenantId::new();
    let text = KnowledgeText::new(Language::EN, "Returns", "Unworn items can be returned within 30 days.");
    Onboarding {
        tenant: Tenant {
            languages: vec![Language::EN, Language::DE, Language::JA],
            hosts: vec![host(&format!("{slug}.example"))],
            ..Tenant::new(id, slug.parse().expect("tests use good slugs"), slug)
        },
        persona: Persona::default_for(PersonaId::new(), slug),
        widget_key: widget_key(id, &["https://shop.example"]),
        knowledge: vec![(KnowledgeId::new(), text.expect("the text is within bounds"))],
        synonyms: Synonyms::default(),
        people: Vec::new(),
        credits: MilliCredits::credits(1_000),
    }
}

/// A host name.
#[must_use]
pub fn host(name: &str) -> HostName {
    name.parse().expect("tests use good host names")
}

/// Monday to Friday, nine to five.
#[must_use]
pub fn nine_to_five() -> OpeningHours {
    let day = Interval::read("09:00", "17:00").expect("these are times");
    let week = std::array::from_fn(|weekday| if weekday < 5 { vec![day] } else { Vec::new() });
    OpeningHours::new(week, []).expect("they are apart")
}

/// Stores [`onboarding`] with other credits and answers the tenant.
pub async fn tenant_with(store: &dyn Storage, slug: &str, credits: MilliCredits) -> TenantId {
    let onboarding = Onboarding { credits, ..onboarding(slug) };
    let id = onboarding.tenant.id;
    store.onboard(&act().because("to begin with"), onboarding).await.expect("the slug is new");
    id
}

/// Stores [`onboarding`] and answers the tenant.
pub async fn tenant(store: &dyn Storage, slug: &str) -> TenantId {
    tenant_with(store, slug, MilliCredits::credits(1_000)).await
}

/// A live widget key for pages of `origins`, handed out by the embed.
#[must_use]
pub fn widget_key(tenant: TenantId, origins: &[&str]) -> WidgetKey {
    let origins = origins.iter().map(|origin| origin.parse().expect("tests use good origins")).collect();
    let key = PublishableKey::generate(KeyMode::Live, tenant).expect("there is randomness");
    WidgetKey::new(key, KeySettings { embed: true, ..KeySettings::for_pages(origins) })
}

/// A person without password or role.
#[must_use]
pub fn account(email: &str) -> Account {
    Account::new(email.parse::<Email>().expect("tests use good addresses"), "Anna")
}

/// Somebody called Anna who is to join a realm with seats for everybody.
#[must_use]
pub fn new_member(email: &str, role: Role) -> NewMember {
    let invitation = LinkPurpose::Invitation;
    NewMember {
        account: AccountId::new(),
        email: email.parse::<Email>().expect("tests use good addresses"),
        name: "Anna".to_owned(),
        role,
        seats: Allowance::Unlimited,
        invitation: LinkSecret::generate().expect("there is randomness").hash(invitation),
        expires_at: later(now(), invitation.lifetime()),
    }
}

/// What stands for a password where none is checked.
#[must_use]
pub fn password_hash() -> PasswordHash {
    PasswordHash::from_stored("$argon2id$v=19$…".to_owned())
}

/// A message of a proven visitor through the public door, reserving one credit.
#[must_use]
pub fn start(visitor: VisitorId, session: &str, text: &str) -> TurnStart {
    TurnStart {
        turn: TurnId::new(),
        message: MessageId::new(),
        conversation: ConversationId::new(),
        door: Door::Public,
        session: session.parse::<SessionId>().expect("tests use good session ids"),
        session_is_new: false,
        visitor: VisitorProof::Proven(visitor),
        text: MessageText::parse(text).expect("tests use good messages"),
        idempotency: None,
        lease: lease(now()),
        reserve: Ladder::of([MilliCredits::credits(1)]),
        budgets: Budgets::NONE,
        history: 20,
    }
}

/// A new visitor's message in a conversation of its own, which reserves the first of these thousandths within reach.
#[must_use]
pub fn reserving(steps: &[i64]) -> TurnStart {
    TurnStart {
        reserve: Ladder::of(steps.iter().copied().map(MilliCredits)),
        ..start(VisitorId::new(), "s", "hi")
    }
}

/// The same message, sent at `at`.
#[must_use]
pub fn sent_at(start: TurnStart, at: Timestamp) -> TurnStart {
    TurnStart { lease: lease(at), ..start }
}

/// The same message under an idempotency claim.
#[must_use]
pub fn with_claim(mut start: TurnStart, claim: &IdempotencyClaim) -> TurnStart {
    start.idempotency = Some(claim.clone());
    start
}

/// A new node's lease from `at` on.
#[must_use]
pub fn lease(at: Timestamp) -> Lease {
    Lease::new(NodeId::new(), 7, at)
}

/// Opens a turn that must open.
pub async fn open(store: &dyn Storage, tenant: &TenantId, start: TurnStart) -> OpenTurn {
    match store.begin_turn(&act(), tenant, start).await {
        Ok(TurnOpening::Opened(open)) => *open,
        other => panic!("the turn should have opened: {other:?}"),
    }
}

/// Opens a turn that must open, at `at`.
pub async fn open_at(store: &dyn Storage, tenant: &TenantId, start: TurnStart, at: Timestamp) -> OpenTurn {
    match store.begin_turn(&act_at(at), tenant, sent_at(start, at)).await {
        Ok(TurnOpening::Opened(open)) => *open,
        other => panic!("the turn should have opened: {other:?}"),
    }
}

/// Closes `open` with an answer that costs so many thousandths; it must be stored.
pub async fn settle(store: &dyn Storage, tenant: &TenantId, open: &OpenTurn, cost: i64) {
    let finish = TurnFinish { cost: MilliCredits(cost), ..finish(open, "1") };
    match store.finish_turn(&act(), tenant, finish).await {
        Ok(TurnClosing::Stored(_)) => {}
        other => panic!("the answer should have been stored: {other:?}"),
    }
}

/// Reserves and settles so many thousandths with a turn of its own.
pub async fn spend(store: &dyn Storage, tenant: &TenantId, cost: i64) {
    let open = open(store, tenant, reserving(&[cost])).await;
    settle(store, tenant, &open, cost).await;
}

/// A grant, or below zero a correction, of so many thousandths.
#[must_use]
pub fn change(amount: i64) -> CreditChange {
    let kind = if amount > 0 { LedgerKind::Grant } else { LedgerKind::Correction };
    CreditChange::new(kind, MilliCredits(amount), "by hand").unwrap()
}

/// Grants, or below zero takes back, so many thousandths; answers the entry.
pub async fn grant(store: &dyn Storage, tenant: &TenantId, amount: i64) -> LedgerEntry {
    entered(store.change_credits(&act(), tenant, change(amount)).await.unwrap())
}

/// The entry of a change that must be new.
pub fn entered(changed: CreditChanged) -> LedgerEntry {
    match changed {
        CreditChanged::Entered(entry) => entry,
        other => panic!("the change should have been entered: {other:?}"),
    }
}

/// The period that follows the one that ends at `due`, a month of so many thousandths.
#[must_use]
pub fn renewal(due: Timestamp, credits: i64) -> Renewal {
    Renewal {
        due,
        next: later(due, Duration::from_secs(30 * 24 * 60 * 60)),
        credits: MilliCredits(credits),
        reason: "a new period".to_owned(),
    }
}

/// A person's wish about who speaks, whatever they saw before.
#[must_use]
pub fn speaker(step: SpeakerStep, person: AccountId) -> SpeakerChange {
    SpeakerChange { step, person, expected: None }
}

/// A person takes a conversation over, which they must be able to; answers who they are.
pub async fn take(store: &dyn Storage, tenant: &TenantId, conversation: &ConversationId) -> AccountId {
    let person = AccountId::new();
    step(store, tenant, conversation, speaker(SpeakerStep::Take, person)).await;
    person
}

/// Changes who speaks, which must be possible.
pub async fn step(
    store: &dyn Storage,
    tenant: &TenantId,
    conversation: &ConversationId,
    change: SpeakerChange,
) {
    match store.change_speaker(&act(), tenant, conversation, change).await {
        Ok(SpeakerChanged::Done(_)) => {}
        other => panic!("{change:?} should have been done: {other:?}"),
    }
}

/// What a person writes to the visitor.
#[must_use]
pub fn reply(person: AccountId, text: &str) -> PersonReply {
    let text = MessageText::parse(text).expect("tests use good messages");
    PersonReply { message: MessageId::new(), person, text, expected: None }
}

/// An answer with every part filled.
#[must_use]
pub fn answer(text: &str) -> Answer {
    Answer {
        outcome: Outcome::Answered,
        language: Language::EN,
        pieces: vec![format!("{text} [1]."), " And more, 日本語も。".to_owned()],
        citations: vec![Citation {
            index: 1,
            title: "Returns".to_owned(),
            url: Some("https://shop.example/returns".to_owned()),
            quote: text.to_owned(),
            content_hash: [9; 32],
        }],
        suggestions: vec![Suggestion {
            title: "Refunds".to_owned(),
            question: "When do I get it?".to_owned(),
        }],
        handoff: Some(Handoff {
            expected_at: Some(later(now(), Duration::from_secs(3_600))),
            ..Handoff::to("our team")
        }),
    }
}

/// Closes `open` with an answer, at the price of one credit.
#[must_use]
pub fn finish(open: &OpenTurn, text: &str) -> TurnFinish {
    TurnFinish {
        turn: open.turn,
        conversation: open.conversation,
        lease: open.lease,
        epoch: open.epoch,
        key: open.key.clone(),
        proven: open.proven,
        disclose: open.disclose,
        message: MessageId::new(),
        answer: answer(text),
        persona: "Bob".to_owned(),
        versions: Versions { persona: (PersonaId::new(), 1), knowledge: 1, pricebook: 1 },
        cost: MilliCredits::credits(1),
    }
}

/// A clock at the moment tests begin at, to be moved.
#[must_use]
pub fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::default())
}
