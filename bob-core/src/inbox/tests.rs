//! People and visitors who listen and speak, on one node and on two.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::*;
use crate::account::{MemberAdded, NewMember, Role as AccountRole, TenantRole};
use crate::act::Principal;
use crate::chat::{NewMessage, Sent};
use crate::conversation::{Door, MessageText, Owner, Role, SpeakerStep};
use crate::id::VisitorId;
use crate::knowledge::Audience;
use crate::llm::{Line, ScriptedModel};
use crate::storage::memory::MemoryStorage;
use crate::storage::{ConversationStore as _, MemberStore as _, TenantStore as _};
use crate::testing::fixture;
use crate::turn::{TurnEvent, TurnFailure, TurnState};
use crate::visitor::VisitorProof;
use crate::{Bob, Running};

/// Two nodes on one store, whose only model waits before and between its sentences.
struct World {
    store: Arc<MemoryStorage>,
    here: Bob,
    there: Bob,
    _running: [Running; 2],
    tenant: TenantId,
    anna: AccountId,
    go: Arc<Notify>,
}

impl World {
    async fn new() -> Self {
        let (store, onboarding) = (Arc::new(MemoryStorage::new()), fixture::onboarding("shop"));
        let tenant = onboarding.tenant.id;
        store.onboard(&fixture::act().because("to begin with"), onboarding).await.unwrap();
        let anna = NewMember {
            name: "Anna Berg".to_owned(),
            ..fixture::new_member("anna@shop.example", AccountRole::Tenant(TenantRole::Agent))
        };
        let anna = match store.add_member(&fixture::act(), &tenant, anna).await.unwrap() {
            MemberAdded::Added(member) => member.account,
            other => panic!("she should be in: {other:?}"),
        };
        let go = Arc::new(Notify::new());
        let wait = || Line::Wait(Arc::clone(&go));
        let script = vec![
            wait(),
            Line::say("Unworn items can be returned within 30 days [1]. You "),
            wait(),
            Line::say("have 30 days [1]."),
        ];
        let node = async || {
            let model = Arc::new(ScriptedModel::new([script.clone(), script.clone()]));
            let bob = Bob::build(Arc::clone(&store) as Arc<_>).clock(fixture::clock()).model(model);
            let bob = bob.build().await.unwrap();
            let running = bob.start().unwrap();
            (bob, running)
        };
        let ((here, one), (there, other)) = (node().await, node().await);
        Self { here, there, _running: [one, other], store, tenant, anna, go }
    }

    /// A visitor's question on the first node, which its model is answering.
    async fn ask(&self, visitor: VisitorId) -> (Sent, ConversationId) {
        let message = NewMessage {
            tenant: self.here.directory().snapshot(&self.tenant).await.unwrap().unwrap(),
            door: Door::Public,
            widget_key: None,
            visitor: VisitorProof::Proven(visitor),
            trust: crate::visitor::TrustLevel::Anonymous,
            session: Some("s".parse().unwrap()),
            text: MessageText::parse("Can unworn items be returned?").unwrap(),
            audience: Audience::Public,
            accepts: Vec::new(),
            idempotency: None,
        };
        let act = self.here.act(Principal::Visitor(visitor), "test");
        let sent = self.here.chat().send(act, message).await.unwrap();
        let found = self.store.conversation(&self.tenant, &key(visitor)).await.unwrap().unwrap();
        (sent, found.id)
    }

    async fn step(&self, on: &Bob, talk: &ConversationId, step: SpeakerStep) {
        let change = fixture::speaker(step, self.anna);
        let act = on.act(Principal::Account(self.anna), "test");
        let changed = on.inbox().change_speaker(&act, &self.tenant, talk, change).await.unwrap();
        assert!(matches!(changed, SpeakerChanged::Done(_)), "{changed:?}");
    }

    async fn reply(&self, on: &Bob, talk: &ConversationId, text: &str) {
        let act = on.act(Principal::Account(self.anna), "test");
        let reply = fixture::reply(self.anna, text);
        let replied = on.inbox().reply(&act, &self.tenant, talk, reply).await.unwrap();
        assert!(matches!(replied, Replied::Stored(_)), "{replied:?}");
    }
}

fn key(visitor: VisitorId) -> ConversationKey {
    ConversationKey { door: Door::Public, visitor, session: "s".parse().unwrap() }
}

/// An event in a few words.
fn told(event: Option<(Option<HeardUpTo>, ConversationEvent)>) -> (String, Option<String>) {
    let Some((place, event)) = event else { return ("end".to_owned(), None) };
    let event = match event {
        ConversationEvent::Said { message, name } => {
            let name = name.unwrap_or_default();
            format!("{} {name}: {}", message.said.role.as_str(), message.said.text)
        }
        ConversationEvent::SpeakerChanged { ownership, name } => match ownership.owner {
            Owner::Bot => "bot speaks".to_owned(),
            Owner::Person(_) => format!("{} speaks", name.unwrap_or_default()),
        },
        ConversationEvent::Typing { name } => format!("{name} types"),
        ConversationEvent::Closed => "closed".to_owned(),
    };
    (event, place.map(|place| place.to_string()))
}

async fn next(events: &mut ConversationEvents) -> String {
    told(timeout(Duration::from_secs(2), events.next()).await.expect("it is heard within two seconds")).0
}

#[tokio::test(start_paused = true)]
async fn a_visitor_hears_who_speaks_and_what_they_say_on_whatever_node() {
    let world = World::new().await;
    let visitor = VisitorId::new();
    let (sent, talk) = world.ask(visitor).await;
    for same in [true, false] {
        let on = if same { &world.here } else { &world.there };
        let mut events = world.here.inbox().follow_own(world.tenant, &key(visitor), None).await.unwrap();
        assert_eq!(next(&mut events).await, "bot speaks");
        while told(events.next().await).0 != "visitor : Can unworn items be returned?" {}
        if !same {
            assert_eq!(next(&mut events).await, "person Anna: Hello");
        }
        let asked = Instant::now();
        world.step(on, &talk, SpeakerStep::Take).await;
        assert_eq!(next(&mut events).await, "Anna speaks");
        world.reply(on, &talk, "Hello").await;
        assert_eq!(next(&mut events).await, "person Anna: Hello");
        on.inbox().typing(&world.tenant, &talk, world.anna).await.unwrap();
        if same {
            assert_eq!(next(&mut events).await, "Anna types");
        }
        world.step(on, &talk, SpeakerStep::HandBack).await;
        assert_eq!(next(&mut events).await, "bot speaks");
        let most = if same { Duration::from_millis(1) } else { Duration::from_millis(3_000) };
        assert!(asked.elapsed() < most, "three things are heard within {:?}", asked.elapsed());
    }
    drop(sent);
    world.step(&world.here, &talk, SpeakerStep::Take).await;
    let mut events = world.here.inbox().follow(world.tenant, talk, None);
    world.step(&world.there, &talk, SpeakerStep::Close).await;
    while next(&mut events).await != "closed" {}
    assert_eq!(next(&mut events).await, "end");
    assert!(!world.here.inbox().hub.is_silent(), "the turn still listens");
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_misses_nothing_and_hears_nothing_twice() {
    let world = World::new().await;
    let visitor = VisitorId::new();
    let (_sent, talk) = world.ask(visitor).await;
    world.step(&world.here, &talk, SpeakerStep::Take).await;
    for n in 0..45 {
        world.reply(&world.here, &talk, &format!("{n}")).await;
    }
    world.step(&world.here, &talk, SpeakerStep::Close).await;
    let start = Some(HeardUpTo { message: 0, epoch: 0 });
    let mut all = Vec::new();
    let mut events = world.here.inbox().follow(world.tenant, talk, start);
    loop {
        let (event, place) = told(events.next().await);
        if event == "end" {
            break;
        }
        all.push((event, place.unwrap()));
    }
    assert_eq!(all.len(), 1 + 45 + 1, "a question, the replies, and the end: {all:?}");
    for heard in 0..all.len() - 1 {
        let place: HeardUpTo = all[heard].1.parse().unwrap();
        let mut events = world.there.inbox().follow(world.tenant, talk, Some(place));
        let mut rest = Vec::new();
        loop {
            let (event, place) = told(events.next().await);
            if event == "end" {
                break;
            }
            rest.push((event, place.unwrap()));
        }
        assert_eq!(rest, all[heard + 1..], "behind {place}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_running_turn_stops_within_a_second_of_the_take_and_adds_nothing() {
    // How many pieces are released before the person takes over, and on which node they do.
    for (pieces, same) in [(0, true), (1, true), (0, false), (1, false)] {
        let world = World::new().await;
        let visitor = VisitorId::new();
        let (mut sent, talk) = world.ask(visitor).await;
        let Some((1, TurnEvent::Started { turn, .. })) = sent.events.next().await else { panic!("it began") };
        for _ in 0..pieces {
            world.go.notify_one();
            assert!(matches!(sent.events.next().await, Some((_, TurnEvent::Delta(_)))));
            assert!(matches!(sent.events.next().await, Some((_, TurnEvent::Citation(_)))));
        }

        let on = if same { &world.here } else { &world.there };
        let taken = Instant::now();
        world.step(on, &talk, SpeakerStep::Take).await;
        world.reply(on, &talk, "Anna here").await;
        let (_, last) = sent.events.next().await.unwrap();

        assert_eq!(last, TurnEvent::Failed(TurnFailure::Superseded), "{pieces} {same}");
        assert!(taken.elapsed() <= Duration::from_secs(1), "after {:?}", taken.elapsed());
        world.go.notify_waiters();
        assert!(sent.events.next().await.is_none());
        let history = world.store.history(&world.tenant, &talk, None, 10).await.unwrap().messages;
        let roles: Vec<_> = history.iter().map(|message| message.said.role).collect();
        assert_eq!(roles, [Role::Visitor, Role::Person]);
        let state = world.store.turn(&world.tenant, Door::Public, &visitor, &turn).await.unwrap();
        let TurnState::Abandoned { superseded: Some(kept) } = state else { panic!("{state:?}") };
        assert_eq!(kept.pieces.len(), pieces, "what was released is kept for the record");
    }
}

#[tokio::test(start_paused = true)]
async fn the_whole_inbox_hears_who_waits_and_what_is_said() {
    let world = World::new().await;
    let mut heard = world.there.inbox().follow_all(world.tenant, None);
    let (_sent, talk) = world.ask(VisitorId::new()).await;
    world.step(&world.here, &talk, SpeakerStep::Take).await;
    world.reply(&world.here, &talk, "Hello").await;
    let mut all = Vec::new();
    while all.len() < 4 {
        let next = timeout(Duration::from_secs(1), heard.next()).await.expect("it is heard within a second");
        all.push(next.unwrap());
    }
    let kinds: Vec<_> = all
        .iter()
        .map(|(_, event)| match event {
            InboxEvent::Waiting { .. } => "waiting",
            InboxEvent::Updated { conversation, .. } if *conversation == talk => "updated",
            InboxEvent::Said { conversation, message: Some(_), .. } if *conversation == talk => "said",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(kinds, ["updated", "said", "updated", "said"]);

    let mut again = world.here.inbox().follow_all(world.tenant, Some(all[1].0));
    let mut missed = Vec::new();
    while !missed.contains(&all[3].0) {
        missed.push(again.next().await.unwrap().0);
    }
    assert!(missed.contains(&all[2].0), "who comes back misses nothing");
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_what_is_listened_to() {
    let world = World::new().await;
    let (sent, talk) = world.ask(VisitorId::new()).await;
    drop(sent);
    let mut one = world.there.inbox().follow(world.tenant, talk, None);
    let mut all = world.there.inbox().follow_all(world.tenant, None);
    while one.next().await.is_some_and(|(_, event)| !matches!(event, ConversationEvent::Said { .. })) {}
    let World { _running: [_, there], .. } = world;
    assert!(there.drain(Duration::from_secs(1)).await);
    assert!(one.next().await.is_none());
    while all.next().await.is_some() {}
}

#[test]
fn a_person_goes_by_their_first_name() {
    for (name, called) in
        [("Anna Berg", Some("Anna")), ("  Ben", Some("Ben")), ("", None), ("a@b.example", None)]
    {
        assert_eq!(first_name(name), called);
    }
}

#[tokio::test]
async fn a_person_is_called_as_the_business_they_speak_for_calls_them() {
    let store = Arc::new(MemoryStorage::new());
    let (shop, rival) = (fixture::tenant(&*store, "shop").await, fixture::tenant(&*store, "rival").await);
    let mut account = None;
    for (tenant, name) in [(&rival, "Rude Name"), (&shop, "Sam Hill")] {
        let new = fixture::new_member("sam@work.example", AccountRole::Tenant(TenantRole::Agent));
        let new = NewMember { name: name.to_owned(), ..new };
        match store.add_member(&fixture::act(), tenant, new).await.unwrap() {
            MemberAdded::Added(member) => account = Some(member.account),
            other => panic!("they should be in: {other:?}"),
        }
    }
    let account = account.unwrap();
    let bob = Bob::build(Arc::clone(&store) as SharedStorage).build().await.unwrap();
    let called = async |tenant: &TenantId| bob.inbox().name(tenant, &account).await.unwrap();
    assert_eq!(called(&shop).await, "Sam");
    assert_eq!(called(&rival).await, "Rude");
    assert_eq!(called(&TenantId::new()).await, NAMELESS, "who belongs to neither has no name here");
}
