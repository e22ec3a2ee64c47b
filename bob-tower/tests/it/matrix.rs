//! The matrix: every route of the table × every kind of caller × their own things, another business's, missing and
//! malformed ones. What is answered follows from the route's rule and from whose the thing is, and nothing of another
//! business is found in a body, a header, a log line or what a model is told.
//!
//! Routes come from the API's description. A route with a kind of `{part}` that is new here needs a line in
//! [`World::part`], and one whose body must mean something a line in [`World::body`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, Mutex};

use bob_core::account::{Permission, PermissionSet, PlatformRole, TenantRole};
use bob_core::audit::{AuditFilter, AuditQuery};
use bob_core::id::{KnowledgeId, TenantId};
use bob_core::identity::{IdentityChange, IdentitySecret};
use bob_core::knowledge::KnowledgeText;
use bob_core::language::Language;
use bob_core::llm::{Line, ScriptedModel};
use bob_core::storage::{AccountStore as _, AuditStore as _, IdentityStore as _, TenantStore as _};
use bob_core::testing::fixture;
use bob_tower::HostPrincipal;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use uuid::Uuid;

use crate::harness::{
    Answer, App, Ask, OWN, PASSWORD, RETURNS, Route, Rule, SHOP_PAGE, Sample, Setup, SignedIn, table,
};

/// What only the rival has, each somewhere else, and so must be found nowhere outside.
const CANARIES: [&str; 8] = [
    "Canary-Business",
    "Canary-Persona",
    "Canary-Prompt",
    "Canary-Knowledge",
    "Canary-Person",
    "owner@rival.example",
    "Canary-Question",
    "Canary-Reason",
];

/// Whose a thing is that a call names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Own,
    Other,
    Missing,
    Malformed,
}

const ALL: [Whose; 4] = [Whose::Own, Whose::Other, Whose::Missing, Whose::Malformed];

/// What a call names: things in its path, and a business in its query.
#[derive(Debug, Clone, Copy)]
struct Target {
    path: Whose,
    business: Option<Whose>,
}

/// On whose side a caller stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Nobody,
    Shop,
    Rival,
    Platform,
}

/// How somebody proves who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    Nothing,
    WidgetKey,
    Bearer,
    Cookie,
    /// The cookie from another page, and without the CSRF token.
    StolenCookie,
    /// A token whose sign-in has ended.
    Ended,
    /// The host's word, given with the request itself.
    Host,
    /// The host's word after a cookie, from a page of the mount.
    AmbientHost,
    /// The host's word after a cookie, from another page.
    StolenHost,
}

/// One kind of caller.
#[derive(Debug, Clone, Copy)]
struct Caller {
    name: &'static str,
    side: Side,
    proof: Proof,
    email: &'static str,
    permissions: fn() -> PermissionSet,
}

const fn caller(name: &'static str, side: Side, proof: Proof, email: &'static str) -> Caller {
    Caller { name, side, proof, email, permissions: PermissionSet::default }
}

const fn holding(caller: Caller, permissions: fn() -> PermissionSet) -> Caller {
    Caller { permissions, ..caller }
}

fn owner() -> PermissionSet {
    TenantRole::Owner.permissions()
}

fn platform_owner() -> PermissionSet {
    PlatformRole::Owner.permissions()
}

const CALLERS: [Caller; 19] = [
    caller("anonymous", Side::Nobody, Proof::Nothing, ""),
    caller("widget", Side::Nobody, Proof::WidgetKey, ""),
    holding(caller("owner", Side::Shop, Proof::Bearer, "owner@shop.example"), owner),
    holding(caller("owner, by cookie", Side::Shop, Proof::Cookie, "owner@shop.example"), owner),
    holding(
        caller("owner, by a stolen cookie", Side::Shop, Proof::StolenCookie, "owner@shop.example"),
        owner,
    ),
    holding(caller("owner, signed out", Side::Shop, Proof::Ended, "owner@shop.example"), owner),
    holding(caller("manager", Side::Shop, Proof::Bearer, "manager@shop.example"), || {
        TenantRole::Manager.permissions()
    }),
    holding(caller("agent", Side::Shop, Proof::Bearer, "agent@shop.example"), || {
        TenantRole::Agent.permissions()
    }),
    holding(caller("viewer", Side::Shop, Proof::Bearer, "viewer@shop.example"), || {
        TenantRole::Viewer.permissions()
    }),
    holding(caller("rival's owner", Side::Rival, Proof::Bearer, "owner@rival.example"), owner),
    holding(caller("platform owner", Side::Platform, Proof::Bearer, "admin@bob.example"), platform_owner),
    holding(
        caller("platform owner, by cookie", Side::Platform, Proof::Cookie, "admin@bob.example"),
        platform_owner,
    ),
    holding(caller("platform operator", Side::Platform, Proof::Bearer, "operator@bob.example"), || {
        PlatformRole::Operator.permissions()
    }),
    holding(caller("platform auditor", Side::Platform, Proof::Bearer, "auditor@bob.example"), || {
        PlatformRole::Auditor.permissions()
    }),
    holding(caller("host's owner", Side::Shop, Proof::Host, ""), owner),
    holding(caller("host's agent, ambient", Side::Shop, Proof::AmbientHost, ""), || {
        TenantRole::Agent.permissions()
    }),
    holding(caller("host's owner, from another page", Side::Shop, Proof::StolenHost, ""), owner),
    holding(caller("host's owner of the rival", Side::Rival, Proof::Host, ""), owner),
    holding(caller("host's platform person", Side::Platform, Proof::Host, ""), platform_owner),
];

impl Caller {
    fn comes_from_another_page(&self) -> bool {
        matches!(self.proof, Proof::StolenCookie | Proof::StolenHost)
    }

    /// Whether what is the rival's must stay hidden from them.
    fn is_stranger_to_rival(&self) -> bool {
        matches!(self.side, Side::Nobody | Side::Shop)
    }

    /// How a route's rule alone refuses them, whatever they name.
    fn refusal(&self, route: &Route) -> Option<(u16, &'static str)> {
        let signed_in = !matches!(self.proof, Proof::Nothing | Proof::WidgetKey | Proof::Ended);
        let forged = self.comes_from_another_page() && route.method != "GET";
        let identified = || match (signed_in, forged) {
            (false, _) => Some((401, "unauthorized")),
            (true, true) => Some((403, "csrf_failed")),
            (true, false) => None,
        };
        let holds = |permission: Permission| (self.permissions)().contains(permission);
        let denied = Some((403, "permission_denied"));
        match route.rule {
            Rule::Open => None,
            Rule::OwnOrigin if self.comes_from_another_page() || self.proof == Proof::WidgetKey => {
                Some((403, "cross_origin_refused"))
            }
            Rule::OwnOrigin => None,
            Rule::WidgetKey if self.proof == Proof::WidgetKey => None,
            Rule::WidgetKey => Some((401, "unknown_widget_key")),
            Rule::SignedIn => identified(),
            Rule::Holds(permission) => identified().or(if holds(permission) { None } else { denied }),
            Rule::HoldsOnPlatform(permission) => {
                let allowed = holds(permission) && self.side == Side::Platform;
                identified().or(if allowed { None } else { denied })
            }
        }
    }
}

/// Lines of the log, as they are written.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

/// Two businesses with things of every kind, and one caller who has proven who they are.
struct World {
    app: App,
    model: Arc<ScriptedModel>,
    /// How many prompts there were before the caller came.
    prompts: usize,
    caller: Caller,
    headers: Vec<(&'static str, String)>,
    host: Option<HostPrincipal>,
    /// A turn of the caller's own, or else of the shop; and one of the other business.
    turns: [String; 2],
    /// The conversations they belong to.
    conversations: [String; 2],
    /// Whether they have a conversation of their own.
    talked: bool,
    /// A sign-in of the caller's own besides the one they ask with, and one of the other business.
    sign_ins: [String; 2],
    /// One of the people of the shop, of the rival, and of the platform.
    people: [String; 3],
    /// A persona of the caller's business, or else of the shop; and one of the other business.
    personas: [String; 2],
}

const OUR_TEXT: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0a01);
const THEIR_TEXT: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0a02);
const SESSION: &str = "our-session";
const THEIR_SESSION: &str = "their-session";

impl World {
    async fn of(caller: Caller) -> Self {
        let sentence = || vec![Line::say("Unworn items can be returned within 30 days [1].")];
        let model = Arc::new(ScriptedModel::new((0..400).map(|_| sentence())));
        let writer = Arc::clone(&model);
        let text = |title: &str, body: &str| KnowledgeText::new(Language::EN, title, body).unwrap();
        let app = Setup::new().build(|bob| bob.model(writer)).shop(move |shop| {
            shop.knowledge.push((KnowledgeId::from_uuid(OUR_TEXT), text("Parking", "Parking is free.")));
        });
        let app = app.rival(move |rival| {
            rival.tenant.name = CANARIES[0].to_owned();
            rival.persona.name = CANARIES[1].to_owned();
            rival.persona.system_prompt = CANARIES[2].to_owned();
            let secret = text(CANARIES[3], "Canary-Knowledge is secret.");
            rival.knowledge.push((KnowledgeId::from_uuid(THEIR_TEXT), secret));
            for (person, _) in &mut rival.people {
                if person.email.as_str() == CANARIES[5] {
                    person.name = CANARIES[4].to_owned();
                }
            }
        });
        let mut world = Self {
            app: app.run().await,
            model,
            prompts: 0,
            caller,
            headers: Vec::new(),
            host: None,
            turns: Default::default(),
            conversations: Default::default(),
            talked: false,
            sign_ins: Default::default(),
            people: Default::default(),
            personas: Default::default(),
        };
        world.settle().await;
        world
    }

    /// Fills both businesses, and lets the caller in.
    async fn settle(&mut self) {
        let theirs = self.app.person("owner@rival.example").await;
        let said = json!({"message": format!("{} {RETURNS}", CANARIES[6]), "session_id": THEIR_SESSION});
        let turn = self.app.post("/api/chat/message").json(&said).bearer(&theirs.token).send().await;
        let admin = self.app.platform("admin@bob.example").await;
        let grant = json!({"amount_millicredits": 1_000, "reason": CANARIES[7]});
        let granted = self.app.post("/api/tenants/{rival}/credits").json(&grant).bearer(&admin.token);
        assert_eq!(granted.send().await.status, 201);
        let turn = if self.caller.side == Side::Rival { self.app.say(RETURNS).send().await } else { turn };
        self.turns[1] = turn.json()["turn_id"].as_str().unwrap().to_owned();

        self.sign_ins = self.elsewhere(&theirs).await;
        for (at, email) in ["agent@shop.example", CANARIES[5], "operator@bob.example"].into_iter().enumerate()
        {
            let account = self.app.store.account_by_email(&email.parse().unwrap()).await.unwrap();
            self.people[at] = account.unwrap().id.to_string();
        }
        let mut personas = [String::new(), String::new()];
        for (persona, id) in personas.iter_mut().zip([self.app.shop.id, self.app.rival.id]) {
            *persona = self.app.store.tenant_snapshot(&id).await.unwrap().persona.id.to_string();
        }
        if self.caller.side == Side::Rival {
            personas.reverse();
        }
        self.personas = personas;

        self.prove().await;
        let chats = (self.caller.permissions)().contains(Permission::ChatManage);
        self.talked = chats && !self.caller.comes_from_another_page() && self.caller.proof != Proof::Ended;
        let said =
            json!({"message": RETURNS, "session_id": SESSION, "business_id": self.business(Whose::Own)});
        let said = if self.talked {
            self.proven(self.app.post("/api/chat/message").json(&said)).send().await
        } else {
            self.app.say(RETURNS).send().await
        };
        assert_eq!(said.status, 200, "{}: {}", self.caller.name, said.text());
        self.turns[0] = said.json()["turn_id"].as_str().unwrap().to_owned();
        for (at, whose) in [Whose::Own, Whose::Other].into_iter().enumerate() {
            self.conversations[at] = self.conversation_of(&self.turns[at], &self.business(whose)).await;
        }
        self.prompts = self.model.prompts().len();
    }

    /// The conversation of a turn, as the audit tells it.
    async fn conversation_of(&self, turn: &str, business: &str) -> String {
        let filter = AuditFilter { subject: Some(turn.parse().unwrap()), ..AuditFilter::default() };
        let query = AuditQuery { filter, behind: None, limit: 1, look_at: 1_000 };
        let page = self.app.store.audit(&business.parse().unwrap(), query).await.unwrap();
        page.rows[0].part_of.unwrap().to_string()
    }

    /// Sign-ins besides the one that the caller asks with: one of their own, and one of the other business.
    async fn elsewhere(&self, rival: &SignedIn) -> [String; 2] {
        let named = |person: &SignedIn| part_of_token(&person.token, "sid");
        let (app, caller) = (&self.app, self.caller);
        let own = match caller.side {
            _ if caller.email.is_empty() => Uuid::now_v7().to_string(),
            Side::Platform => named(&app.platform(caller.email).await),
            _ => named(&app.person(caller.email).await),
        };
        let other = match caller.side {
            Side::Rival => named(&app.person("owner@shop.example").await),
            _ => named(rival),
        };
        [own, other]
    }

    async fn prove(&mut self) {
        let (app, caller) = (&self.app, self.caller);
        let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
        let by_host = || {
            let (id, permissions) = (Uuid::now_v7(), (caller.permissions)());
            match caller.side {
                Side::Platform => HostPrincipal::of_platform(id, "Hanna", permissions),
                Side::Rival => HostPrincipal::of_business(id, "Hanna", app.rival.id, permissions),
                _ => HostPrincipal::of_business(id, "Hanna", app.shop.id, permissions),
            }
        };
        match caller.proof {
            Proof::Nothing => {}
            Proof::WidgetKey => {
                self.headers = vec![("x-widget-key", app.shop.key.clone()), ("origin", SHOP_PAGE.to_owned())];
            }
            Proof::Host => self.host = Some(by_host().not_ambient()),
            Proof::AmbientHost => {
                self.host = Some(by_host());
                self.headers = vec![("origin", OWN.to_owned())];
            }
            Proof::StolenHost => {
                self.host = Some(by_host());
                self.headers = vec![("origin", "https://evil.example".to_owned())];
            }
            Proof::Bearer | Proof::Cookie | Proof::StolenCookie | Proof::Ended => {
                let person = match caller.side {
                    Side::Platform => app.platform(caller.email).await,
                    _ => app.person(caller.email).await,
                };
                self.headers = match caller.proof {
                    Proof::Cookie => vec![
                        ("cookie", person.cookie),
                        ("x-csrf-token", person.csrf),
                        ("sec-fetch-site", "same-origin".to_owned()),
                    ],
                    Proof::StolenCookie => {
                        vec![("cookie", person.cookie), ("sec-fetch-site", "cross-site".to_owned())]
                    }
                    Proof::Ended => {
                        app.post("/api/auth/logout").bearer(&person.token).send().await;
                        vec![bearer(&person.token)]
                    }
                    _ => vec![bearer(&person.token)],
                };
            }
        }
    }

    fn proven(&self, ask: Ask) -> Ask {
        let ask = ask.headers(self.headers.iter().map(|(name, value)| (*name, &**value)));
        match &self.host {
            Some(person) => ask.by_host(person),
            None => ask,
        }
    }

    fn business(&self, whose: Whose) -> String {
        let rival_is_own = self.caller.side == Side::Rival;
        match whose {
            Whose::Own if rival_is_own => self.app.rival.id.to_string(),
            Whose::Other if rival_is_own => self.app.shop.id.to_string(),
            Whose::Own => self.app.shop.id.to_string(),
            Whose::Other => self.app.rival.id.to_string(),
            Whose::Missing => TenantId::new().to_string(),
            Whose::Malformed => "%00%27%22".to_owned(),
        }
    }

    /// What stands for one `{part}` of a path.
    fn part(&self, name: &str, path: &str, whose: Whose) -> String {
        let at = usize::from(whose == Whose::Other);
        let theirs = if self.caller.side == Side::Rival { "other-session" } else { THEIR_SESSION };
        let known = |missing: String, known: String| match whose {
            Whose::Missing => missing,
            Whose::Malformed => "%00%27%22".to_owned(),
            Whose::Own | Whose::Other => known,
        };
        match name {
            "tenant" => self.business(whose),
            "turn" => known(Uuid::now_v7().to_string(), self.turns[at].clone()),
            "conversation" => known(Uuid::now_v7().to_string(), self.conversations[at].clone()),
            "sign_in" => known(Uuid::now_v7().to_string(), self.sign_ins[at].clone()),
            "id" if path.contains("/users/") || path.contains("/accounts/") => {
                known(Uuid::now_v7().to_string(), self.person(path, whose))
            }
            "id" => known(Uuid::now_v7().to_string(), self.thing(path, at)),
            "session" => known("no-session".to_owned(), [SESSION, theirs][at].to_owned()),
            "persona" => known(Uuid::now_v7().to_string(), self.personas[at].clone()),
            "n" => known("9".to_owned(), "1".to_owned()),
            "file" => known("nothing.js".to_owned(), "module.js".to_owned()),
            _ => panic!("{path} has a part that is new here: add a sample of {{{name}}} to World::part"),
        }
    }

    /// What stands for `{id}`, which is something else in each room: the caller's own, or the other business's.
    fn thing(&self, path: &str, at: usize) -> String {
        // The rival's own things come first for the rival's people.
        let at = if self.caller.side == Side::Rival { 1 - at } else { at };
        let (shop, rival) = (&self.app.shop, &self.app.rival);
        let things = match path.split("/{id}").next().unwrap_or_default() {
            "/api/customer-portal/knowledge" => [OUR_TEXT, THEIR_TEXT],
            "/api/customer-portal/widget-keys" => [shop.key_id.as_uuid(), rival.key_id.as_uuid()],
            _ => panic!("{path} has an id that is new here: add a sample of it to World::thing"),
        };
        things[at].to_string()
    }

    /// A secret that identities are signed with; one that was deleted is followed by another.
    async fn secret(&self, whose: Whose) -> String {
        let tenant = match whose {
            Whose::Own | Whose::Other => self.business(whose).parse().unwrap(),
            Whose::Missing => return Uuid::now_v7().to_string(),
            Whose::Malformed => return "%00%27%22".to_owned(),
        };
        let settings = self.app.store.tenant_snapshot(&tenant).await.unwrap().identity;
        if let Some(secret) = settings.secrets.first() {
            return secret.id.to_string();
        }
        let secret = IdentitySecret::generate(fixture::now()).unwrap();
        let (id, added) = (secret.id, IdentityChange::Add(secret));
        self.app.store.change_identity(&fixture::act(), &tenant, None, added).await.unwrap();
        id.to_string()
    }

    /// One of the people that a path is about.
    fn person(&self, path: &str, whose: Whose) -> String {
        let rival_is_own = self.caller.side == Side::Rival;
        match (path, whose) {
            // Every account is the platform's to shut out, so that none is another's.
            ("/api/platform/accounts/{id}", Whose::Other) => Uuid::now_v7().to_string(),
            (path, Whose::Own) if path.starts_with("/api/platform/") => self.people[2].clone(),
            (_, whose) => self.people[usize::from((whose == Whose::Other) != rival_is_own)].clone(),
        }
    }

    /// What is sent: a body that its schema takes, or one that means something.
    fn body(&self, route: &Route) -> Option<Sample> {
        let json = |body: Value| Some(Sample::Json(body));
        match (&*route.method, &*route.path) {
            ("POST", "/api/tenants/{tenant}/credits") => {
                json(json!({"amount_millicredits": 1_000, "reason": "why not"}))
            }
            ("POST", "/api/users") => {
                json(json!({"email": "new@new.example", "name": "New", "role": "viewer"}))
            }
            ("POST", "/api/platform/users") => {
                json(json!({"email": "new@new.example", "name": "New", "role": "auditor"}))
            }
            ("PATCH", "/api/platform/accounts/{id}") => json(json!({"disabled": true})),
            ("PATCH", path) if path.ends_with("/users/{id}") => json(json!({"name": "New"})),
            ("POST", "/api/onboarding") => json(json!({
                "tenant": {"slug": "bakery", "name": "Bakery"},
                "owner": {"email": "berta@bakery.example", "name": "Berta"},
                "origins": ["https://bakery.example"],
            })),
            ("POST", path) if path.ends_with("/login") => {
                json(json!({"email": "nobody@new.example", "password": PASSWORD}))
            }
            ("POST", "/api/chat/message") => {
                json(json!({"message": RETURNS, "business_id": self.business(Whose::Own)}))
            }
            _ => route.body.clone(),
        }
    }

    async fn ask(&self, route: &Route, target: Target) -> Answer {
        let mut path = String::new();
        for part in route.path.split('/').skip(1) {
            path.push('/');
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some("secret") => path.push_str(&self.secret(target.path).await),
                Some(name) => path.push_str(&self.part(name, &route.path, target.path)),
                None => path.push_str(part),
            }
        }
        if let Some(whose) = target.business {
            path = format!("{path}?business_id={}", self.business(whose));
        }
        let ask = self.proven(self.app.ask(&route.method, &path));
        let ask = match self.body(route) {
            Some(Sample::Json(body)) => ask.json(&body),
            Some(Sample::Text { media_type }) => ask.header("content-type", &media_type).body("sample"),
            None => ask,
        };
        ask.send_in_bounds().await
    }
}

/// A claim of an access token.
fn part_of_token(token: &str, name: &str) -> String {
    let claims = data_encoding::BASE64URL_NOPAD.decode(token.split('.').nth(1).unwrap().as_bytes()).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()[name].as_str().unwrap().to_owned()
}

/// What a route is asked about.
fn targets(route: &Route, caller: &Caller) -> Vec<Target> {
    let named = caller.side == Side::Platform && route.names_business;
    let business = named.then_some(Whose::Own);
    let mut targets = Vec::new();
    if route.path.contains('{') {
        targets.extend(ALL.map(|path| Target { path, business }));
    }
    if route.names_business {
        let named = ALL.map(|whose| Target { path: Whose::Own, business: Some(whose) });
        // What is one's own is named once.
        targets.extend(named.into_iter().skip(usize::from(!targets.is_empty())));
    }
    if targets.is_empty() {
        targets.push(Target { path: Whose::Own, business: None });
    }
    // What is one's own is changed last: afterwards it may be gone, or the business closed.
    targets.rotate_left(1);
    targets
}

/// Whether what a caller names is there for them.
fn is_there(route: &Route, caller: &Caller, target: Target) -> bool {
    if caller.side != Side::Platform {
        return target.path == Whose::Own && matches!(target.business, None | Some(Whose::Own));
    }
    let parts = route.path.matches('{').count() - usize::from(route.path.contains("{tenant}"));
    let there = |whose| matches!(whose, Whose::Own | Whose::Other);
    match (target.path, target.business) {
        (Whose::Own, None | Some(Whose::Own)) => true,
        // Things of one business are not there in another.
        (path, business) => parts == 0 && there(path) && business.is_none_or(there),
    }
}

/// An answer without what differs from request to request.
fn told(answer: &Answer) -> (u16, Value) {
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| json!(answer.text()));
    if let Some(problem) = body.as_object_mut() {
        problem.remove("request_id");
    }
    (answer.status, body)
}

#[track_caller]
fn code(answer: &Answer) -> String {
    let (_, body) = told(answer);
    body["code"].as_str().unwrap_or_default().to_owned()
}

/// What was counted.
#[derive(Debug, Default)]
struct Count {
    requests: usize,
    /// Own things that were answered with 2xx.
    answered: usize,
    leaks: Vec<String>,
    /// What the rival's own people found of theirs: the search finds things.
    found: BTreeSet<&'static str>,
}

impl Count {
    /// Looks for what only the rival has.
    fn search(&mut self, place: &str, text: &str) {
        let found = CANARIES.iter().filter(|canary| text.contains(*canary));
        self.leaks.extend(found.map(|canary| format!("{canary} in {place}")));
    }
}

/// Asks one route everything one caller may ask it; answers whether something was changed.
async fn check(world: &World, route: &Route, count: &mut Count) -> bool {
    let caller = &world.caller;
    let refusal = caller.refusal(route);
    let mut changed = false;
    let mut foreign: BTreeMap<(bool, Whose), (u16, Value)> = BTreeMap::new();
    let mut refusals = Vec::new();
    for target in targets(route, caller) {
        let row = format!("{} {} for {}: {target:?}", route.method, route.path, caller.name);
        let answer = world.ask(route, target).await;
        count.requests += 1;
        changed |= route.method != "GET" && answer.status < 300;
        assert!(answer.status < 500, "{row}: {}", answer.text());
        if caller.side == Side::Rival {
            let text = answer.text();
            count.found.extend(CANARIES.iter().filter(|canary| text.contains(**canary)));
        }
        if caller.is_stranger_to_rival() {
            count.search(&format!("the body of {row}"), &answer.text());
            count.search(&format!("the head of {row}"), &format!("{:?}", answer.headers));
        }
        if let Some((status, expected)) = refusal {
            assert_eq!((answer.status, &*code(&answer)), (status, expected), "{row}: {}", answer.text());
            refusals.push(told(&answer));
            continue;
        }
        let there = is_there(route, caller, target);
        if !world.talked && route.path.starts_with("/api/chat/") {
            continue;
        }
        match route.rule {
            Rule::Open | Rule::OwnOrigin => {}
            Rule::WidgetKey if there => assert_ne!(code(&answer), "unknown_widget_key", "{row}"),
            Rule::WidgetKey if route.path.contains("{tenant}") => {
                assert_eq!((answer.status, &*code(&answer)), (401, "unknown_widget_key"), "{row}");
            }
            Rule::WidgetKey => {}
            Rule::SignedIn => {
                let code = code(&answer);
                assert!(
                    !["unauthorized", "permission_denied", "csrf_failed"].contains(&&*code),
                    "{row}: {code}"
                );
            }
            Rule::Holds(_) | Rule::HoldsOnPlatform(_) if there => {
                let refused = [401, 403, 404].contains(&answer.status);
                assert!(!refused, "{row}: {}", answer.text());
                let read = route.method != "GET" || answer.status < 400;
                assert!(read, "{row}: add what it needs to World: {}", answer.text());
                count.answered += usize::from(answer.status < 300);
            }
            Rule::Holds(_) | Rule::HoldsOnPlatform(_) => {
                let refused = (400..500).contains(&answer.status) && ![401, 403].contains(&answer.status);
                assert!(refused, "{row}: {} {}", answer.status, answer.text());
                // A session is a name of the caller's own, and what nobody named has not begun.
                let hidden = matches!(target, Target { path: Whose::Other | Whose::Missing, .. })
                    || matches!(target.business, Some(Whose::Other | Whose::Missing));
                assert!(route.method != "GET" || !hidden || answer.status == 404, "{row}: {}", answer.text());
            }
        }
        if !there {
            let by_path = target.path != Whose::Own;
            let whose = if by_path { target.path } else { target.business.unwrap_or(target.path) };
            foreign.insert((by_path, whose), told(&answer));
        }
    }
    refusals.dedup();
    assert!(
        refusals.len() <= 1,
        "{} {} tells {} what is there: {refusals:?}",
        route.method,
        route.path,
        caller.name
    );
    // The public door serves the shop to everybody, whosever they are.
    let is_public = route.rule == Rule::OwnOrigin && !caller.is_stranger_to_rival();
    if route.rule != Rule::Open && !is_public {
        for by_path in [true, false] {
            let other = foreign.get(&(by_path, Whose::Other));
            let missing = foreign.get(&(by_path, Whose::Missing));
            if let (Some(other), Some(missing)) = (other, missing) {
                assert_eq!(other, missing, "{} {} for {}", route.method, route.path, caller.name);
            }
        }
    }
    changed
}

#[tokio::test]
async fn each_route_answers_each_caller_by_its_rule_and_tells_nobody_of_others() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(log.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let mut routes = table();
    // Reads first, and last what takes something away.
    routes.sort_by_key(|route| (route.method != "GET", takes_away(route)));
    let mut count = Count::default();
    for caller in CALLERS {
        // Tests beside this one listen to nothing, and a line that one of them writes first may be noted as unwanted.
        tracing::callsite::rebuild_interest_cache();
        let mut world = World::of(caller).await;
        for route in &routes {
            let changed = check(&world, route, &mut count).await;
            if changed && takes_away(route) {
                heard(&world, &mut count);
                world = World::of(caller).await;
            }
        }
        heard(&world, &mut count);
    }
    let written = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(written.lines().count() >= count.requests, "each request leaves a line");
    count.search("the log", &written);
    report(routes.len(), &count);
    assert_eq!(count.leaks, [""; 0]);
    for canary in ["Canary-Person", "owner@rival.example", "Canary-Reason"] {
        assert!(count.found.contains(canary), "the rival itself sees {canary}: {:?}", count.found);
    }
    assert!(count.answered > 20 && count.requests > routes.len() * CALLERS.len());
}

/// Whether a call may take away what others ask for, or end the sign-in that they ask with.
fn takes_away(route: &Route) -> bool {
    route.method == "DELETE" || route.method != "GET" && ["Account", "Control"].contains(&&*route.area)
}

/// What the model was told on the caller's behalf.
fn heard(world: &World, count: &mut Count) {
    if world.caller.is_stranger_to_rival() {
        let prompts = world.model.prompts();
        count.search(
            &format!("a prompt for {}", world.caller.name),
            &format!("{:?}", &prompts[world.prompts..]),
        );
    }
}

#[expect(clippy::print_stdout, reason = "the one line that says how much was asked")]
fn report(routes: usize, count: &Count) {
    println!(
        "matrix: {routes} routes, {} callers, {} requests, {} own things answered, {} leaks",
        CALLERS.len(),
        count.requests,
        count.answered,
        count.leaks.len()
    );
}
