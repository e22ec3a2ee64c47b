//! Claims about the outbox: what happened is there with the call in which it happened, and nothing else.

use std::collections::HashSet;

use uuid::Uuid;

use crate::answer::Outcome;
use crate::conversation::SpeakerStep;
use crate::credit::{CreditChanged, MilliCredits};
use crate::id::{AccountId, KnowledgeId, TenantId, VisitorId};
use crate::knowledge::{KnowledgeStatus, KnowledgeText};
use crate::language::Language;
use crate::outbox::{EventKind, EventSubject, OutboxEvent};
use crate::storage::Storage;
use crate::testing::fixture;
use crate::turn::{BodyHash, IdempotencyClaim, IdempotencyScope, OpenTurn, TurnFinish};

use EventKind::{
    ConversationAssigned, ConversationEscalated, ConversationResolved, ConversationStarted, CreditsChanged,
    CreditsThreshold, KnowledgePublished, MessageCreated, TurnAbandoned, TurnRefused,
};

/// Reads on from where it has read to.
struct Reader<'a> {
    store: &'a dyn Storage,
    tenant: TenantId,
    after: Option<Uuid>,
}

impl<'a> Reader<'a> {
    fn new(store: &'a dyn Storage, tenant: TenantId) -> Self {
        Self { store, tenant, after: None }
    }

    /// What happened since it last read.
    async fn read(&mut self) -> Vec<OutboxEvent> {
        let events = self.store.outbox(&self.tenant, self.after, 100).await.unwrap();
        self.after = events.last().map(|event| event.id).or(self.after);
        events
    }

    /// Holds that exactly this happened since it last read, about `subject`.
    async fn expect(&mut self, call: &str, kinds: &[EventKind], subject: EventSubject) {
        let events = self.read().await;
        assert_eq!(events.iter().map(|event| event.kind).collect::<Vec<_>>(), kinds, "{call}");
        assert!(events.iter().all(|event| event.subject == subject), "{call}: {events:?}");
    }

    async fn expect_nothing(&mut self, call: &str) {
        self.expect(call, &[], EventSubject::default()).await;
    }
}

fn about(open: &OpenTurn) -> EventSubject {
    EventSubject { conversation: Some(open.conversation), turn: Some(open.turn), ..EventSubject::default() }
}

/// What opening, closing and losing turns tells; calls that are refused or repeated tell nothing.
pub async fn each_step_of_a_turn_tells_what_happened(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let mut outbox = Reader::new(store, tenant);
    let (act, visitor) = (fixture::act(), VisitorId::new());
    let start = |text: &str| fixture::start(visitor, "s", text);
    outbox.expect_nothing("onboarding").await;

    let first = start("first");
    let said = Some(first.message);
    let open = fixture::open(store, &tenant, first).await;
    let message = |message| EventSubject { message, ..about(&open) };
    outbox.expect("a first message", &[ConversationStarted, MessageCreated], message(said)).await;
    store.begin_turn(&act, &tenant, start("busy")).await.unwrap();
    outbox.expect_nothing("a message while another is answered").await;
    store.renew_turn(&act, &tenant, &open.turn, &open.lease).await.unwrap();
    store.extend_turn(&act, &tenant, &open.turn, &open.lease, MilliCredits(1)).await.unwrap();
    outbox.expect_nothing("renewing and extending").await;

    let finish = fixture::finish(&open, "1");
    store.finish_turn(&act, &tenant, finish.clone()).await.unwrap();
    outbox.expect("an answer", &[MessageCreated], message(Some(finish.message))).await;
    store.finish_turn(&act, &tenant, finish).await.unwrap();
    outbox.expect_nothing("an answer that was stored").await;

    for (outcome, kinds) in [
        (Outcome::Escalated, &[MessageCreated, ConversationEscalated][..]),
        (Outcome::Refused, &[MessageCreated, TurnRefused]),
        (Outcome::Clarify, &[MessageCreated]),
    ] {
        let next = start("next");
        let said = Some(next.message);
        let open = fixture::open(store, &tenant, next).await;
        outbox
            .expect("another message", &[MessageCreated], EventSubject { message: said, ..about(&open) })
            .await;
        let mut finish = fixture::finish(&open, "2");
        finish.answer.outcome = outcome;
        let message = Some(finish.message);
        store.finish_turn(&act, &tenant, finish).await.unwrap();
        outbox.expect("an outcome", kinds, EventSubject { message, ..about(&open) }).await;
    }

    let open = fixture::open(store, &tenant, start("lost")).await;
    outbox.read().await;
    let late = fixture::act_at(open.lease.until);
    store.sweep_turns(&act, 10).await.unwrap();
    outbox.expect_nothing("a sweep that finds nothing").await;
    store.sweep_turns(&late, 10).await.unwrap();
    outbox.expect("a sweep", &[TurnAbandoned], about(&open)).await;
    store.finish_turn(&late, &tenant, fixture::finish(&open, "I am back")).await.unwrap();
    store.sweep_turns(&late, 10).await.unwrap();
    outbox.expect_nothing("what comes after a turn was given up").await;

    let open = fixture::open(store, &tenant, start("too late")).await;
    outbox.read().await;
    for _ in 0..2 {
        store.finish_turn(&late, &tenant, fixture::finish(&open, "too late")).await.unwrap();
    }
    outbox.expect("answers that come too late", &[TurnAbandoned], about(&open)).await;

    let open = fixture::open(store, &tenant, start("gone")).await;
    outbox.read().await;
    let next = start("and again");
    let said = Some(next.message);
    let next = fixture::open_at(store, &tenant, next, open.lease.until).await;
    let told = outbox.read().await;
    let told: Vec<_> = told.iter().map(|event| (event.kind, event.subject)).collect();
    let taken = EventSubject { message: said, ..about(&next) };
    assert_eq!(
        told,
        [(TurnAbandoned, about(&open)), (MessageCreated, taken)],
        "taking over from a lost turn"
    );
}

/// What calls that are known by an idempotency key, and messages for a person, tell.
pub async fn a_repetition_tells_nothing_and_a_delivery_its_message(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let mut outbox = Reader::new(store, tenant);
    let act = fixture::act();
    let key = "5f0c3c9e-9d1b-4a6e-8f0a-2b7c1d9e4f33".parse().unwrap();
    let scopes = vec![IdempotencyScope::new(tenant, &key, &["public"])];
    let claim = IdempotencyClaim { scopes, body: BodyHash::of(b"body") };
    let other = IdempotencyClaim { body: BodyHash::of(b"other"), ..claim.clone() };
    let visitor = VisitorId::new();
    let start = || fixture::start(visitor, "s", "hi");
    let open = fixture::open(store, &tenant, fixture::with_claim(start(), &claim)).await;
    outbox.read().await;

    store.begin_turn(&act, &tenant, fixture::with_claim(start(), &claim)).await.unwrap();
    outbox.expect_nothing("a repetition of what is being answered").await;
    store.finish_turn(&act, &tenant, fixture::finish(&open, "1")).await.unwrap();
    outbox.read().await;
    store.begin_turn(&act, &tenant, fixture::with_claim(start(), &claim)).await.unwrap();
    store.begin_turn(&act, &tenant, fixture::with_claim(start(), &other)).await.unwrap();
    outbox.expect_nothing("a repetition, and another body").await;

    let scopes = vec![IdempotencyScope::new(tenant, &key, &["another"])];
    let claim = IdempotencyClaim { scopes, ..claim };
    let lost = fixture::open(store, &tenant, fixture::with_claim(start(), &claim)).await;
    outbox.read().await;
    let late = lost.lease.until;
    let again = fixture::open_at(store, &tenant, fixture::with_claim(start(), &claim), late).await;
    outbox.expect("taking up what was cut short", &[TurnAbandoned], about(&lost)).await;
    store.finish_turn(&fixture::act_at(late), &tenant, fixture::finish(&again, "1")).await.unwrap();
    outbox.read().await;

    let assigned = EventSubject { conversation: Some(open.conversation), ..EventSubject::default() };
    let person = fixture::take(store, &tenant, &open.conversation).await;
    outbox.expect("a person takes over", &[ConversationAssigned], assigned).await;
    for (row, change) in [
        ("taking what is one's own", fixture::speaker(SpeakerStep::Take, person)),
        ("taking what a colleague has", fixture::speaker(SpeakerStep::Take, AccountId::new())),
        ("closing what a colleague has", fixture::speaker(SpeakerStep::Close, AccountId::new())),
    ] {
        store.change_speaker(&act, &tenant, &open.conversation, change).await.unwrap();
        outbox.expect_nothing(row).await;
    }
    let reply = fixture::reply(person, "Here I am");
    let said = EventSubject { message: Some(reply.message), ..assigned };
    store.reply(&act, &tenant, &open.conversation, reply.clone()).await.unwrap();
    outbox.expect("a person's reply", &[MessageCreated], said).await;
    store.reply(&act, &tenant, &open.conversation, reply).await.unwrap();
    outbox.expect_nothing("the same reply again").await;
    let start = start();
    let delivered = EventSubject { turn: Some(start.turn), message: Some(start.message), ..assigned };
    store.begin_turn(&act, &tenant, start).await.unwrap();
    outbox.expect("a message for a person", &[MessageCreated], delivered).await;
    store.note_reading(&act, &tenant, &open.conversation).await.unwrap();
    outbox.expect_nothing("reading").await;
    for (step, kind) in
        [(SpeakerStep::HandBack, ConversationAssigned), (SpeakerStep::Close, ConversationResolved)]
    {
        fixture::step(store, &tenant, &open.conversation, fixture::speaker(step, person)).await;
        outbox.expect("a person's step", &[kind], assigned).await;
    }
}

/// What credits that come, go and run out tell.
pub async fn credits_that_move_by_hand_or_run_out_are_told(store: &dyn Storage) {
    let tenant = fixture::tenant_with(store, "shop", MilliCredits(1_000)).await;
    let mut outbox = Reader::new(store, tenant);
    let act = fixture::act();
    let numbered = |number| EventSubject { number: Some(number), ..EventSubject::default() };

    let start = fixture::reserving(&[1_000]);
    let open = fixture::open(store, &tenant, start).await;
    outbox.read().await;
    let finish = TurnFinish { cost: MilliCredits(900), ..fixture::finish(&open, "1") };
    let message = Some(finish.message);
    store.finish_turn(&act, &tenant, finish).await.unwrap();
    let subject = EventSubject { message, number: Some(80), ..about(&open) };
    outbox.expect("an answer past a threshold", &[MessageCreated, CreditsThreshold], subject).await;

    let open = fixture::open(store, &tenant, fixture::reserving(&[100])).await;
    outbox.read().await;
    let late = TurnFinish { cost: MilliCredits(100), ..fixture::finish(&open, "late") };
    store.finish_turn(&fixture::act_at(open.lease.until), &tenant, late).await.unwrap();
    let subject = EventSubject { number: Some(100), ..about(&open) };
    outbox.expect("a late answer past a threshold", &[TurnAbandoned, CreditsThreshold], subject).await;

    let change = fixture::change(500);
    fixture::entered(store.change_credits(&act, &tenant, change.clone()).await.unwrap());
    outbox.expect("a grant", &[CreditsChanged], numbered(4)).await;
    for (row, not_entered) in [
        ("a grant that was made", change.clone()),
        ("another under its identifier", fixture::change(1).under(change.id())),
        ("a correction that is refused", fixture::change(-501)),
    ] {
        let changed = store.change_credits(&act, &tenant, not_entered).await.unwrap();
        assert!(!matches!(changed, CreditChanged::Entered(_)), "{row}: {changed:?}");
        outbox.expect_nothing(row).await;
    }
    fixture::grant(store, &tenant, -100).await;
    outbox.expect("a correction", &[CreditsChanged], numbered(5)).await;

    let start = fixture::reserving(&[401]);
    let said = Some(start.message);
    let open = fixture::open(store, &tenant, start).await;
    let subject = EventSubject { message: said, number: Some(100), ..about(&open) };
    let kinds = [ConversationStarted, MessageCreated, CreditsThreshold];
    outbox.expect("a message that credits do not reach for", &kinds, subject).await;

    let due = store.credit_usage(&tenant).await.unwrap().to;
    for again in [false, true] {
        store.renew_credits(&fixture::act_at(due), &tenant, fixture::renewal(due, 700)).await.unwrap();
        if again {
            outbox.expect_nothing("a period that has begun").await;
        } else {
            // No included credits are left to expire, so the period is one entry.
            outbox.expect("a new period", &[CreditsChanged], numbered(6)).await;
        }
    }
}

/// Each release of knowledge is told by its number.
pub async fn each_release_of_knowledge_is_told(store: &dyn Storage) {
    let tenant = fixture::tenant(store, "shop").await;
    let mut outbox = Reader::new(store, tenant);
    let (act, item) = (fixture::act(), KnowledgeId::new());
    let text = KnowledgeText::new(Language::EN, "Refunds", "Refunds take three days.").unwrap();
    store.add_knowledge(&act, &tenant, &item, text).await.unwrap();
    for status in [KnowledgeStatus::Review, KnowledgeStatus::Approved] {
        store.move_knowledge(&act, &tenant, &item, 1, status).await.unwrap();
    }
    outbox.expect_nothing("what is not published").await;
    let numbered = |number| EventSubject { number: Some(number), ..EventSubject::default() };
    let release = store.publish_knowledge(&act, &tenant).await.unwrap();
    outbox.expect("a release", &[KnowledgePublished], numbered(release)).await;
    store.move_knowledge(&act, &tenant, &item, 1, KnowledgeStatus::Draft).await.unwrap_err();
    outbox.expect_nothing("a step that is refused").await;
    store.move_knowledge(&act, &tenant, &item, 1, KnowledgeStatus::Retired).await.unwrap();
    outbox.expect("a text taken out", &[KnowledgePublished], numbered(release + 1)).await;
}

/// Events have identifiers of their own, in the order in which they happened; read again, in whatever pieces, they are
/// the same. Another tenant has its own.
pub async fn events_are_in_order_and_the_same_when_read_again(store: &dyn Storage) {
    let (tenant, stranger) = (fixture::tenant(store, "shop").await, fixture::tenant(store, "stranger").await);
    let visitor = VisitorId::new();
    for n in 1..=4 {
        let open = fixture::open(store, &tenant, fixture::start(visitor, "s", "hi")).await;
        fixture::settle(store, &tenant, &open, 1_000).await;
        fixture::grant(store, &tenant, n).await;
        fixture::open(store, &stranger, fixture::start(VisitorId::new(), "s", "hi")).await;
    }
    let all = store.outbox(&tenant, None, 100).await.unwrap();
    assert_eq!(all.len(), 1 + 4 * 3);
    assert!(all.windows(2).all(|pair| pair[0].id < pair[1].id), "later ones sort after earlier ones");
    assert!(all.iter().all(|event| event.at == fixture::now()));
    assert_eq!(store.outbox(&tenant, None, 100).await.unwrap(), all);
    for size in 1..=all.len() {
        let (mut read, mut after) = (Vec::new(), None);
        loop {
            let some = store.outbox(&tenant, after, u32::try_from(size).unwrap()).await.unwrap();
            assert!(some.len() <= size && read.len() <= all.len(), "reading on comes to an end");
            let Some(last) = some.last() else { break };
            after = Some(last.id);
            read.extend(some);
        }
        assert_eq!(read, all, "{size} at a time");
    }

    let theirs = store.outbox(&stranger, None, 100).await.unwrap();
    assert_eq!(theirs.len(), 4 * 2);
    let ids: HashSet<_> = all.iter().chain(&theirs).map(|event| event.id).collect();
    assert_eq!(ids.len(), all.len() + theirs.len());
    assert_eq!(store.outbox(&TenantId::new(), None, 100).await.unwrap(), []);
}
