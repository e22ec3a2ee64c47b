//! What is measured on: a shop with texts, a Bob that serves it, and messages to it.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bob_core::credit::MilliCredits;
use bob_core::id::{KnowledgeId, TenantId};
use bob_core::keyring::{Keyring, LocalKeyring, random_bytes};
use bob_core::knowledge::KnowledgeText;
use bob_core::language::Language;
use bob_core::limit::LimitRates;
use bob_core::origin::OriginPattern;
use bob_core::storage::{Onboarding, SharedStorage};
use bob_core::testing::fixture;
use bob_core::{Bob, Running};
use bob_tower::{BobService, ClientAddr, Mount};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use serde::Deserialize;
use tower::ServiceExt as _;

use crate::Result;
use crate::model::Parrot;

/// The page that calls the widget door.
pub const ORIGIN: &str = "https://shop.example";

/// How many texts the shop has.
pub const TEXTS: usize = 100;

/// How many turns a conversation that is continued has had: 20 messages, which is all that a turn reads.
pub const HISTORY: usize = 10;

/// A host's keyring: content rests sealed in what is measured.
pub fn keyring() -> Result<Arc<dyn Keyring>> {
    Ok(Arc::new(LocalKeyring::from_root(random_bytes()?)))
}

/// A runtime for what is measured, with a worker for each of two cores.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// What real texts say, and how they are asked for.
const TOPICS: [[&str; 3]; 8] = [
    ["Returns", "Unworn items can be returned within 30 days of delivery.", "How long can I return an item?"],
    ["Shipping costs", "Standard shipping costs 4.90 EUR within Germany.", "How much does shipping cost?"],
    ["Delivery time", "Parcels arrive within two to four working days.", "When does my parcel arrive?"],
    ["Payment", "We take credit cards, PayPal and bank transfer.", "How can I pay?"],
    ["Gift cards", "A gift card is valid for three years.", "How long is a gift card valid?"],
    ["Opening hours", "The store is open from 10 to 18 on weekdays.", "What are your opening hours?"],
    ["Repairs", "We repair shoes we sold, for 35 EUR and within two weeks.", "Do you repair shoes?"],
    ["Invoices", "You find each invoice in your account under orders.", "Where do I find my invoice?"],
];

/// A question that a text of the shop answers.
pub fn question(number: usize) -> &'static str {
    TOPICS[number % TOPICS.len()][2]
}

/// Texts of one paragraph each: the shop's own, then made-up ones with a vocabulary as wide as real texts have.
pub fn texts(count: usize) -> Result<Vec<(KnowledgeId, KnowledgeText)>> {
    let mut dice = Dice(7);
    let real = TOPICS.iter().map(|[title, body, question]| {
        KnowledgeText::new(Language::EN, title, body)?.asked_as([(*question).to_owned()])
    });
    let made_up = (0..count.saturating_sub(TOPICS.len())).map(|_| {
        let title = [dice.word(), dice.word(), dice.word()].join(" ");
        let question = format!("How do I get the {title}?");
        KnowledgeText::new(Language::EN, &title, &dice.paragraph())?.asked_as([question])
    });
    let all = real.take(count).chain(made_up).map(|text| Ok((KnowledgeId::new(), text?)));
    all.collect()
}

/// A shop with `texts` texts whose widget key has `origins`, and credits that do not run out.
pub fn shop(texts_count: usize, origins: Vec<OriginPattern>) -> Result<Onboarding> {
    shop_named("shop", texts_count, origins)
}

/// The same under another name.
pub fn shop_named(name: &str, texts_count: usize, origins: Vec<OriginPattern>) -> Result<Onboarding> {
    let mut shop = fixture::onboarding(name);
    shop.knowledge = texts(texts_count)?;
    shop.credits = MilliCredits::credits(1_000_000_000);
    shop.widget_key.settings.origins = origins;
    Ok(shop)
}

/// The same numbers in every run.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `below`.
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    /// A made-up word out of 4,096, some of which are far more frequent than others.
    fn word(&mut self) -> String {
        const SYLLABLES: [&str; 16] = [
            "ba", "lor", "mi", "ten", "ku", "sar", "ve", "dol", "pi", "ran", "go", "fel", "nu", "wex", "ta",
            "jo",
        ];
        let number = self.roll(4_096) * self.roll(4_096) / 4_096;
        [number >> 8 & 15, number >> 4 & 15, number & 15].map(|at| SYLLABLES[at]).concat()
    }

    fn paragraph(&mut self) -> String {
        const GRAMMAR: [&str; 8] = ["the", "of", "with", "for", "is", "and", "your", "in"];
        let mut text = String::new();
        for _ in 0..3 {
            for at in 0..12 {
                let word = if at % 2 == 0 { GRAMMAR[self.roll(8)].to_owned() } else { self.word() };
                let _ = write!(text, "{}{word}", if at == 0 { "" } else { " " });
            }
            text.push_str(". ");
        }
        text
    }
}

/// A Bob that runs, and the shop it serves.
#[derive(Debug)]
pub struct World {
    pub service: BobService,
    pub tenant: TenantId,
    /// The shop's widget key.
    pub key: String,
    running: Running,
}

/// How Bob is set up.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Limits that count; none by default, so that nothing is counted.
    pub limits: Option<LimitRates>,
    /// Answers with a model, which reads the history; without one Bob answers in approved sentences.
    pub model: bool,
    /// Businesses that are served besides the shop.
    pub others: Vec<Onboarding>,
}

impl World {
    /// Onboards `shop` and starts.
    pub async fn start(storage: SharedStorage, shop: Onboarding, setup: Setup) -> Result<Self> {
        let (tenant, key) = (shop.tenant.id, shop.widget_key.key.as_str().to_owned());
        let limits = setup.limits.unwrap_or_else(LimitRates::unlimited);
        let mut bob = Bob::build(Arc::clone(&storage)).limits(limits);
        if setup.model {
            bob = bob.model(Arc::new(Parrot));
        }
        let bob = bob.build().await?;
        let mut mount = Mount::at(["http://127.0.0.1"])?.default_tenant(tenant);
        for other in &setup.others {
            mount = mount.serving(other.tenant.id);
        }
        for shop in setup.others.into_iter().chain([shop]) {
            storage.onboard(&bob.system_act("bench"), shop).await?;
        }
        let running = bob.start()?;
        Ok(Self { service: BobService::new(bob, mount), tenant, key, running })
    }

    /// Ends the workers, when no turn is open any more.
    pub async fn stop(self) -> Result<()> {
        if self.running.drain(Duration::from_secs(10)).await {
            Ok(())
        } else {
            Err("turns stayed open".into())
        }
    }

    /// Sends a message through the public door, in process, and reads the answer.
    pub async fn ask(&self, message: &str, talk: Option<&Talk>) -> Result<Bytes> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri("/api/chat")
            .header("host", "shop.example")
            .header("content-type", "application/json")
            .header("accept-language", "en")
            .extension(ClientAddr(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        if let Some(token) = talk.and_then(|talk| talk.visitor_token.as_deref()) {
            request = request.header("x-bob-visitor", token);
        }
        let request = request.body(Full::new(Bytes::from(body(message, talk))))?;
        let response = self.service.clone().oneshot(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        if head.status.is_success() {
            return Ok(body);
        }
        Err(format!("{}: {}", head.status, String::from_utf8_lossy(&body)).into())
    }

    /// Begins a conversation and goes on until it has all the messages that a turn reads.
    pub async fn talk(&self) -> Result<Talk> {
        self.talk_with(None, HISTORY).await
    }

    /// Begins a conversation with the shop, or another business, of so many turns.
    pub async fn talk_with(&self, business: Option<TenantId>, turns: usize) -> Result<Talk> {
        let mut talk = Talk { business, ..Talk::default() };
        talk = Talk { business, ..serde_json::from_slice(&self.ask(question(0), Some(&talk)).await?)? };
        for number in 1..turns {
            let answer: Talk = serde_json::from_slice(&self.ask(question(number), Some(&talk)).await?)?;
            if answer.outcome.as_deref() != Some("answered") {
                return Err(format!("{:?} was not answered", question(number)).into());
            }
        }
        Ok(talk)
    }
}

/// A conversation, as far as an answer tells of it; one that proves nothing has no token.
#[derive(Debug, Default, Deserialize)]
pub struct Talk {
    /// None before it has begun.
    pub session_id: Option<String>,
    pub visitor_token: Option<String>,
    pub outcome: Option<String>,
    /// Another business than the shop.
    #[serde(skip)]
    pub business: Option<TenantId>,
}

/// A message's body.
pub fn body(message: &str, talk: Option<&Talk>) -> String {
    let mut body = serde_json::json!({ "message": message });
    if let Some(session) = talk.and_then(|talk| talk.session_id.as_ref()) {
        body["session_id"] = session.as_str().into();
    }
    if let Some(business) = talk.and_then(|talk| talk.business) {
        body["business_id"] = business.to_string().into();
    }
    body.to_string()
}
