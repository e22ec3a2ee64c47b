//! One Bob with two businesses, its people and its mount, ready to be asked.

mod ask;
mod identity;
mod table;
mod watched;

use std::net::IpAddr;
use std::sync::Arc;

use bob_core::account::{Account, PasswordCost, PasswordHash, Passwords, PlatformRole, TenantRole};
use bob_core::clock::{Clock, ManualClock};
use bob_core::id::{KnowledgeId, TenantId, WidgetKeyId};
use bob_core::knowledge::{Audience, KnowledgeText};
use bob_core::language::Language;
use bob_core::limit::LimitRates;
use bob_core::llm::{Line, ScriptedModel};
use bob_core::pricebook::Pricebook;
use bob_core::secret::Secret;
use bob_core::storage::{
    AccountStore as _, CreditStore as _, Onboarding, PricebookStore as _, SharedStorage, TenantStore as _,
    WidgetKeyStore as _,
};
use bob_core::testing::fixture;
use bob_core::widget_key::{KeyMode, KeySettings, PublishableKey, WidgetKey};
use bob_core::{Bob, BobBuilder, Running};
use bob_tower::{BobService, Mount};
use serde_json::{Value, json};

pub use ask::{Answer, Ask, Event};
pub use identity::{SETTINGS, Signer};
pub use table::{Route, Rule, Sample, table};
pub use watched::{Fault, WARNING, Watched};

/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery";

/// The mount's canonical URL, and so its own origin.
pub const OWN: &str = "https://bob.example";

/// An origin on the list of the shop's key.
pub const SHOP_PAGE: &str = "https://shop.example";

/// What visitors ask in these tests, and what the shop approved to that.
pub const RETURNS: &str = "How long can I return items?";

/// One business.
#[derive(Debug, Clone)]
pub struct Shop {
    pub id: TenantId,
    /// Its live embed key.
    pub key: String,
    pub key_id: WidgetKeyId,
    /// A key for pages on loopback.
    pub test_key: String,
    /// A key that has ended.
    pub ended_key: String,
}

/// A Bob with everything around it.
#[derive(Debug)]
pub struct App {
    pub service: BobService,
    pub bob: Bob,
    pub store: Arc<Watched>,
    pub clock: Arc<ManualClock>,
    /// The business that the mount serves when none is named.
    pub shop: Shop,
    /// A business that the mount does not serve.
    pub rival: Shop,
    pub running: Option<Running>,
}

/// How an [`App`] is made.
#[must_use]
pub struct Setup {
    mount: Mount,
    limits: LimitRates,
    build: Box<dyn FnOnce(BobBuilder) -> BobBuilder>,
    shop: Box<dyn FnOnce(&mut Onboarding)>,
    rival: Box<dyn FnOnce(&mut Onboarding)>,
    pricebook: Pricebook,
    started: bool,
}

/// An app with no limits, no model and everything else as it is by default.
pub async fn app() -> App {
    Setup::new().run().await
}

/// An app whose model follows these scripts.
pub async fn with_model(scripts: impl IntoIterator<Item = Vec<Line>>) -> App {
    let model = Arc::new(ScriptedModel::new(scripts));
    Setup::new().build(|bob| bob.model(model)).run().await
}

impl Setup {
    pub fn new() -> Self {
        Self {
            mount: mount_at(&[OWN]),
            limits: LimitRates::unlimited(),
            build: Box::new(|bob| bob),
            shop: Box::new(|_| {}),
            rival: Box::new(|_| {}),
            pricebook: Pricebook::first(),
            started: true,
        }
    }

    pub fn mount(mut self, mount: Mount) -> Self {
        self.mount = mount;
        self
    }

    pub fn limits(mut self, limits: LimitRates) -> Self {
        self.limits = limits;
        self
    }

    pub fn build(mut self, build: impl FnOnce(BobBuilder) -> BobBuilder + 'static) -> Self {
        self.build = Box::new(build);
        self
    }

    /// Begins the shop otherwise than usual.
    pub fn shop(mut self, change: impl FnOnce(&mut Onboarding) + 'static) -> Self {
        self.shop = Box::new(change);
        self
    }

    /// Begins the rival otherwise than usual.
    pub fn rival(mut self, change: impl FnOnce(&mut Onboarding) + 'static) -> Self {
        self.rival = Box::new(change);
        self
    }

    pub fn pricebook(mut self, book: Pricebook) -> Self {
        self.pricebook = book;
        self
    }

    pub fn not_started(mut self) -> Self {
        self.started = false;
        self
    }

    pub async fn run(self) -> App {
        let (store, clock) = (Arc::new(Watched::default()), fixture::clock());
        let passwords = Passwords::new(PasswordCost::FOR_TESTS);
        let password = passwords.hash(Secret::new(PASSWORD)).await.unwrap();
        let person = |email: &str| Account { password: Some(password.clone()), ..fixture::account(email) };
        let both = person("both@work.example");
        let shop = onboard(
            &store,
            "shop",
            vec![
                (person("owner@shop.example"), TenantRole::Owner),
                (person("manager@shop.example"), TenantRole::Manager),
                (person("agent@shop.example"), TenantRole::Agent),
                (person("viewer@shop.example"), TenantRole::Viewer),
                (both.clone(), TenantRole::Manager),
            ],
            self.shop,
        );
        let shop = shop.await;
        let rival = onboard(
            &store,
            "rival",
            vec![(person("owner@rival.example"), TenantRole::Owner), (both, TenantRole::Viewer)],
            self.rival,
        );
        let rival = rival.await;
        onboard_platform(&store, &password).await;
        store.found_pricebook(&fixture::act(), self.pricebook).await.unwrap();
        let builder = Bob::build(Arc::clone(&store) as SharedStorage)
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .passwords(passwords)
            .limits(self.limits);
        let bob = (self.build)(builder).build().await.unwrap();
        let running = self.started.then(|| bob.start().unwrap());
        let service = BobService::new(bob.clone(), self.mount);
        store.forget();
        App { service, bob, store, clock, shop, rival, running }
    }
}

/// A mount that serves the shop.
pub fn mount_at(urls: &[&str]) -> Mount {
    let slug: bob_core::tenant::TenantRef = "shop".parse().unwrap();
    Mount::at(urls.iter().copied()).unwrap().default_tenant(slug)
}

/// The origins on the list of a live key.
const ORIGINS: &[&str] = &[
    SHOP_PAGE,
    "https://*.pages.example",
    "https://ports.example:8443",
    "https://bücher.example",
    "http://plain.example",
    OWN,
];

async fn onboard(
    store: &Watched,
    slug: &str,
    people: Vec<(Account, TenantRole)>,
    change: Box<dyn FnOnce(&mut Onboarding)>,
) -> Shop {
    let mut onboarding = fixture::onboarding(slug);
    let id = onboarding.tenant.id;
    onboarding.people = people;
    onboarding.knowledge = knowledge();
    let origins: Vec<_> = match slug {
        "shop" => ORIGINS.iter().map(|origin| origin.parse().unwrap()).collect(),
        _ => vec![format!("https://{slug}.example").parse().unwrap()],
    };
    onboarding.widget_key.settings.origins = origins;
    change(&mut onboarding);
    let (key, key_id) = (onboarding.widget_key.key.as_str().to_owned(), onboarding.widget_key.id);
    store.onboard(&fixture::act(), onboarding).await.unwrap();
    let test = KeySettings::for_pages(vec![
        "http://localhost:3000".parse().unwrap(),
        "https://staging.example".parse().unwrap(),
    ]);
    let test = WidgetKey::new(PublishableKey::generate(KeyMode::Test, id).unwrap(), test);
    let mut ended = fixture::widget_key(id, &[SHOP_PAGE, "https://ended.example"]);
    ended.settings.embed = false;
    ended.ends_at = Some(fixture::now());
    let (test_key, ended_key) = (test.key.as_str().to_owned(), ended.key.as_str().to_owned());
    for key in [test, ended] {
        store.add_widget_key(&fixture::act(), &id, key).await.unwrap();
    }
    Shop { id, key, key_id, test_key, ended_key }
}

async fn onboard_platform(store: &Watched, password: &PasswordHash) {
    for (email, role) in [
        ("admin@bob.example", PlatformRole::Owner),
        ("operator@bob.example", PlatformRole::Operator),
        ("auditor@bob.example", PlatformRole::Auditor),
    ] {
        let account = Account {
            password: Some(password.clone()),
            platform_role: Some(role),
            ..fixture::account(email)
        };
        store.create_account(&fixture::act(), account).await.unwrap();
    }
}

/// The texts both businesses approved.
pub fn knowledge() -> Vec<(KnowledgeId, KnowledgeText)> {
    let text = |language, title: &str, body: &str, question: &str| {
        KnowledgeText::new(language, title, body).unwrap().asked_as([question.to_owned()]).unwrap()
    };
    let texts = [
        text(
            Language::EN,
            "Returns",
            "Unworn items can be returned within 30 days. The return label is free.",
            RETURNS,
        )
        .found_at("https://shop.example/returns")
        .unwrap(),
        text(Language::EN, "Opening hours", "The store opens at 9 every weekday.", "When do you open?"),
        text(
            Language::DE,
            "Rückgabe",
            "Ungetragene Ware nehmen wir innerhalb von 30 Tagen zurück.",
            "Wie lange kann ich etwas zurückgeben?",
        ),
        text(Language::JA, "返品", "未使用の商品は30日以内に返品できます。", "返品はいつまでできますか？"),
        text(
            Language::EN,
            "Discount for staff",
            "Colleagues get 40 percent off every item.",
            "What is the staff discount?",
        )
        .for_audience(Audience::Staff),
    ];
    texts.into_iter().map(|text| (KnowledgeId::new(), text)).collect()
}

/// What somebody holds who signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub token: String,
    pub refresh: String,
    pub csrf: String,
    /// The session cookie, as a browser sends it back.
    pub cookie: String,
    pub body: Value,
}

impl App {
    pub fn ask(&self, method: &str, path: &str) -> Ask {
        let path =
            path.replace("{shop}", &self.shop.id.to_string()).replace("{rival}", &self.rival.id.to_string());
        Ask::new(self.service.clone(), method, &path)
    }

    pub fn get(&self, path: &str) -> Ask {
        self.ask("GET", path)
    }

    pub fn post(&self, path: &str) -> Ask {
        self.ask("POST", path)
    }

    /// A message through the public door.
    pub fn say(&self, message: &str) -> Ask {
        self.post("/api/chat").json(&json!({ "message": message }))
    }

    /// A message through the widget door, from a page of the shop.
    pub fn widget_say(&self, message: &str) -> Ask {
        self.widget("POST", "/api/widget/chat").json(&json!({ "message": message }))
    }

    /// A call of a page of the shop.
    pub fn widget(&self, method: &str, path: &str) -> Ask {
        self.ask(method, path).header("x-widget-key", &self.shop.key).header("origin", SHOP_PAGE)
    }

    /// One message through each door.
    pub async fn doors(&self, message: &str) -> Vec<(&'static str, Box<dyn Fn() -> Ask + '_>)> {
        let agent = self.person("agent@shop.example").await;
        let (said, body) = (message.to_owned(), json!({ "message": message }));
        let (in_events, from_widget) = (said.clone(), said.clone());
        vec![
            ("public", Box::new(move || self.say(&said))),
            ("public, in events", Box::new(move || self.say(&in_events).events())),
            ("widget", Box::new(move || self.widget_say(&from_widget))),
            ("signed in", Box::new(move || self.post("/api/chat/message").json(&body).bearer(&agent.token))),
        ]
    }

    /// Signs a person of a business in, or with `platform` a platform person.
    pub async fn sign_in_at(&self, path: &str, email: &str) -> SignedIn {
        let answer = self.post(path).json(&json!({ "email": email, "password": PASSWORD })).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        let cookie = answer.set_cookies().remove(0);
        let cookie = cookie.split(';').next().unwrap().to_owned();
        SignedIn {
            token: text("token"),
            refresh: text("refresh_token"),
            csrf: text("csrf_token"),
            cookie,
            body,
        }
    }

    pub async fn person(&self, email: &str) -> SignedIn {
        self.sign_in_at("/api/customers/auth/login", email).await
    }

    pub async fn platform(&self, email: &str) -> SignedIn {
        self.sign_in_at("/api/auth/login", email).await
    }

    /// What the shop's credits are spent to, in thousandths.
    pub async fn settled(&self) -> i64 {
        self.store.credit_balance(&self.shop.id).await.unwrap().settled.0
    }
}

pub fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}
