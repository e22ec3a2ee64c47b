//! Bob as a whole: built once, started once, mounted as often as one likes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;

use crate::account::{Passwords, SignInMemory, found_signing_key, rotate_signing_key_if_due};
use crate::act::{Act, Principal};
use crate::answer::GroundedAnswerer;
use crate::chat::{Chat, ChatParts};
use crate::clock::{Clock, SystemClock};
use crate::credit::{Ladder, renewals};
use crate::directory::Directory;
use crate::id::NodeId;
use crate::identity::Identities;
use crate::inbox::{Hub, Inbox};
use crate::keyring::PurposeKeys;
use crate::life::{Life, NotRunning};
use crate::limit::{LimitRates, Limits};
use crate::llm::LanguageModel;
use crate::mail::Mailer;
use crate::people::{People, PeopleParts};
use crate::pricebook::{Pricebook, Pricebooks};
use crate::retrieve::{LexicalRetriever, Retriever, StoredKnowledge};
use crate::storage::{SharedStorage, StorageError};
use crate::tenant::erasure;
use crate::visitor::VisitorTokens;

/// How often turns whose node is gone are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// A storage that takes longer to say that it works does not.
const CHECKED_WITHIN: Duration = Duration::from_secs(5);

/// How often tenants whose period is over are looked for.
const RENEW_EVERY: Duration = Duration::from_secs(30);

/// How often it is looked whether the next signing key is due.
const ROTATE_EVERY: Duration = Duration::from_secs(10 * 60);
/// How often businesses whose grace is over are looked for.
const ERASE_EVERY: Duration = Duration::from_secs(60);

/// How many turns one sweep gives up.
const SWEEP_MOST: u32 = 500;

/// A governed front office; cheap to clone, all clones are the same one.
#[derive(Clone)]
pub struct Bob {
    inner: Arc<Inner>,
}

struct Inner {
    storage: SharedStorage,
    clock: Arc<dyn Clock>,
    directory: Directory,
    pricebooks: Arc<Pricebooks>,
    limits: Limits,
    visitor_tokens: VisitorTokens,
    identities: Identities,
    passwords: Passwords,
    sign_in_memory: Arc<SignInMemory>,
    chat: Chat,
    inbox: Inbox,
    hub: Arc<Hub>,
    node: NodeId,
    people: People,
    model: Option<String>,
    life: Arc<Life>,
    sweeper: Beat,
    renewals: Beat,
    signing_keys: Beat,
    erasures: Beat,
}

impl fmt::Debug for Bob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bob")
            .field("node", &self.inner.node)
            .field("storage", &self.inner.storage.name())
            .finish()
    }
}

/// Bob cannot be built from what it was given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The storage does not answer.
    #[error("the storage cannot be used")]
    Storage(#[source] StorageError),
}

/// Bob was started before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Bob was started before")]
pub struct AlreadyStarted;

/// What a [`Bob`] is made of.
#[derive(Debug)]
#[must_use]
pub struct BobBuilder {
    storage: SharedStorage,
    clock: Arc<dyn Clock>,
    retriever: Option<Arc<dyn Retriever>>,
    answerer: GroundedAnswerer,
    models: Vec<Arc<dyn LanguageModel>>,
    limits: LimitRates,
    passwords: Option<Passwords>,
    mailer: Option<Arc<dyn Mailer>>,
}

impl Bob {
    /// Begins to build one on `storage`.
    pub fn build(storage: SharedStorage) -> BobBuilder {
        BobBuilder {
            storage,
            clock: Arc::new(SystemClock),
            retriever: None,
            answerer: GroundedAnswerer::default(),
            models: Vec::new(),
            limits: LimitRates::default(),
            passwords: None,
            mailer: None,
        }
    }

    /// Spawns the workers on the current runtime; from now on turns are taken.
    ///
    /// # Errors
    ///
    /// [`AlreadyStarted`] on a second call.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn start(&self) -> Result<Running, AlreadyStarted> {
        if !self.inner.life.start(Handle::current()) {
            return Err(AlreadyStarted);
        }
        let bob = self.clone();
        self.inner.life.spawn_worker(async move { bob.sweep().await });
        let bob = self.clone();
        self.inner.life.spawn_worker(async move { bob.renew().await });
        let bob = self.clone();
        self.inner.life.spawn_worker(async move { bob.rotate().await });
        let bob = self.clone();
        self.inner.life.spawn_worker(async move { bob.erase().await });
        let bob = self.clone();
        self.inner.life.spawn_worker(async move { bob.inner.hub.follow(Arc::clone(bob.storage())).await });
        if let Some(changes) = self.inner.storage.changes() {
            let bob = self.clone();
            self.inner.life.spawn_worker(async move { bob.inner.directory.follow(changes).await });
        }
        Ok(Running { bob: self.clone() })
    }

    /// The turn pipeline.
    #[must_use]
    pub fn chat(&self) -> &Chat {
        &self.inner.chat
    }

    /// Conversations as people see and answer them, and those who listen.
    #[must_use]
    pub fn inbox(&self) -> &Inbox {
        &self.inner.inbox
    }

    /// The tenants.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.inner.directory
    }

    /// The abuse limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// Makes and checks visitor tokens.
    #[must_use]
    pub fn visitor_tokens(&self) -> &VisitorTokens {
        &self.inner.visitor_tokens
    }

    /// Judges who visitors say they are.
    #[must_use]
    pub fn identities(&self) -> &Identities {
        &self.inner.identities
    }

    /// Hashes and checks passwords, on one pool for all mounts.
    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.inner.passwords
    }

    /// What all mounts remember of sign-ins.
    #[must_use]
    pub fn sign_in_memory(&self) -> &Arc<SignInMemory> {
        &self.inner.sign_in_memory
    }

    /// Invites people and lets them choose passwords.
    #[must_use]
    pub fn people(&self) -> &People {
        &self.inner.people
    }

    /// Where everything is kept.
    #[must_use]
    pub fn storage(&self) -> &SharedStorage {
        &self.inner.storage
    }

    /// The keys that sign tokens.
    #[must_use]
    pub fn keys(&self) -> &PurposeKeys {
        self.inner.storage.purpose_keys()
    }

    /// The published pricebook.
    #[must_use]
    pub fn pricebooks(&self) -> &Pricebooks {
        &self.inner.pricebooks
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// A deed of `principal` for a request, now.
    pub fn act(&self, principal: Principal, request_id: impl Into<String>) -> Act {
        Act::new(principal, request_id, self.inner.clock.now())
    }

    /// A deed of this node itself, now.
    pub fn system_act(&self, what: &'static str) -> Act {
        self.act(Principal::System(self.inner.node), what)
    }

    /// Whether turns are taken.
    ///
    /// # Errors
    ///
    /// [`NotRunning`] says why not.
    pub fn running(&self) -> Result<(), NotRunning> {
        self.inner.life.state()
    }

    /// How Bob is.
    pub async fn health(&self) -> Health {
        Health {
            running: self.running(),
            storage: self.inner.storage.name(),
            storage_works: tokio::time::timeout(CHECKED_WITHIN, self.inner.storage.check())
                .await
                .is_ok_and(|checked| checked.is_ok()),
            warnings: self.inner.storage.warnings().to_vec(),
            model: self.inner.model.clone(),
            workers: vec![
                ("sweeper", self.inner.sweeper.last()),
                ("renewals", self.inner.renewals.last()),
                ("signing_keys", self.inner.signing_keys.last()),
                ("erasures", self.inner.erasures.last()),
            ],
        }
    }

    async fn sweep(&self) {
        loop {
            let act = self.system_act("sweep");
            match self.inner.storage.sweep_turns(&act, SWEEP_MOST).await {
                Ok(0) => {}
                Ok(turns) => tracing::info!(turns, "gave up turns whose node is gone"),
                Err(error) => tracing::warn!(error = ?error, "could not look for lost turns"),
            }
            self.inner.sweeper.now(self.inner.clock.now());
            tokio::time::sleep(SWEEP_EVERY).await;
        }
    }

    async fn renew(&self) {
        loop {
            let act = self.system_act("renewal");
            let begun = match self.inner.pricebooks.current().await {
                Ok(book) => renewals::renew_due(&*self.inner.storage, &book, &act).await,
                Err(error) => Err(error),
            };
            match begun {
                Ok(0) => {}
                Ok(tenants) => {
                    tracing::info!(tenants, "began new periods");
                    self.inner.renewals.now(self.inner.clock.now());
                    // On the first of a month there are many.
                    continue;
                }
                Err(error) => tracing::warn!(error = ?error, "could not begin all periods that are due"),
            }
            self.inner.renewals.now(self.inner.clock.now());
            tokio::time::sleep(RENEW_EVERY).await;
        }
    }

    async fn rotate(&self) {
        loop {
            let act = self.system_act("signing keys");
            match rotate_signing_key_if_due(&*self.inner.storage, &act).await {
                Ok(None) => {}
                Ok(Some(next)) => {
                    tracing::info!(number = next.number, from = %next.signs_from, "made the next signing key");
                }
                Err(error) => tracing::warn!(error = ?error, "could not look whether a signing key is due"),
            }
            self.inner.signing_keys.now(self.inner.clock.now());
            tokio::time::sleep(ROTATE_EVERY).await;
        }
    }
}

impl Bob {
    async fn erase(&self) {
        loop {
            let act = self.system_act("deletion");
            match erasure::erase_due(&*self.inner.storage, &act).await {
                Ok(0) => {}
                Ok(tenants) => tracing::info!(tenants, "deleted businesses whose grace was over"),
                Err(error) => tracing::warn!(error = ?error, "could not look for businesses to delete"),
            }
            self.inner.erasures.now(self.inner.clock.now());
            tokio::time::sleep(ERASE_EVERY).await;
        }
    }
}

impl BobBuilder {
    /// Takes another clock than the machine's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Takes another retriever than the lexical one.
    pub fn retriever(mut self, retriever: Arc<dyn Retriever>) -> Self {
        self.retriever = Some(retriever);
        self
    }

    /// Takes an answerer with other thresholds.
    pub fn answerer(mut self, answerer: GroundedAnswerer) -> Self {
        self.answerer = answerer;
        self
    }

    /// Lets a language model write; without one Bob answers in approved sentences.
    ///
    /// A second one, cheaper by the pricebook, writes when what is left does not reach for the first; further ones are
    /// never asked.
    pub fn model(mut self, model: Arc<dyn LanguageModel>) -> Self {
        if self.models.len() < Ladder::MOST - 1 {
            self.models.push(model);
        }
        self
    }

    /// Takes other abuse limits.
    pub fn limits(mut self, limits: LimitRates) -> Self {
        self.limits = limits;
        self
    }

    /// Takes a pool for passwords of another size or cost.
    pub fn passwords(mut self, passwords: Passwords) -> Self {
        self.passwords = Some(passwords);
        self
    }

    /// Sends mail to people; without one none leaves, and links are handed over by hand.
    pub fn mailer(mut self, mailer: Arc<dyn Mailer>) -> Self {
        self.mailer = Some(mailer);
        self
    }

    /// Checks everything and puts it together. Spawns nothing.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the storage cannot be written and read.
    pub async fn build(self) -> Result<Bob, BuildError> {
        let Self { storage, clock, retriever, answerer, models, limits, passwords, mailer } = self;
        storage.check().await.map_err(BuildError::Storage)?;
        let node = NodeId::new();
        let founding = Act::new(Principal::System(node), "first pricebook", clock.now());
        storage.found_pricebook(&founding, Pricebook::first()).await.map_err(BuildError::Storage)?;
        let founding = Act::new(Principal::System(node), "first signing key", clock.now());
        found_signing_key(&*storage, &founding).await.map_err(BuildError::Storage)?;
        let stored =
            || Arc::new(LexicalRetriever::new(Arc::new(StoredKnowledge::new(Arc::clone(&storage))))) as _;
        let retriever = retriever.unwrap_or_else(stored);
        let life = Arc::new(Life::default());
        let model_name = models.first().map(|model| model.name().to_owned());
        let pricebooks = Arc::new(Pricebooks::new(Arc::clone(&storage), Arc::clone(&clock)));
        let hub = Arc::new(Hub::default());
        let chat = Chat::new(ChatParts {
            storage: Arc::clone(&storage),
            clock: Arc::clone(&clock),
            retriever,
            answerer,
            models,
            pricebooks: Arc::clone(&pricebooks),
            node,
            hub: Arc::clone(&hub),
            life: Arc::clone(&life),
        });
        let passwords = passwords.unwrap_or_default();
        let sign_in_memory = Arc::new(SignInMemory::new(storage.purpose_keys()));
        let people = People::new(PeopleParts {
            storage: Arc::clone(&storage),
            clock: Arc::clone(&clock),
            passwords: passwords.clone(),
            mailer,
            memory: Arc::clone(&sign_in_memory),
            life: Arc::clone(&life),
        });
        let inner = Inner {
            directory: Directory::new(Arc::clone(&storage), Arc::clone(&clock)),
            limits: Limits::new(limits),
            visitor_tokens: VisitorTokens::new(storage.purpose_keys()),
            identities: Identities::new(Arc::clone(&storage), Arc::clone(&clock)),
            passwords,
            sign_in_memory,
            people,
            inbox: Inbox::new(Arc::clone(&storage), Arc::clone(&hub), Arc::clone(&life)),
            model: model_name,
            sweeper: Beat::default(),
            renewals: Beat::default(),
            signing_keys: Beat::default(),
            erasures: Beat::default(),
            pricebooks,
            storage,
            clock,
            chat,
            hub,
            node,
            life,
        };
        Ok(Bob { inner: Arc::new(inner) })
    }
}

/// A Bob that was started.
#[derive(Debug)]
#[must_use = "turns are lost when the process ends without a drain"]
pub struct Running {
    bob: Bob,
}

impl Running {
    /// Takes no new turns, waits for the open ones until `deadline` has passed, and ends the workers.
    ///
    /// `false` when turns were still open at the deadline; the next start gives them up when their leases run out.
    pub async fn drain(self, deadline: Duration) -> bool {
        self.bob.inner.life.drain(deadline).await
    }
}

/// How a [`Bob`] is.
#[derive(Debug, Clone)]
pub struct Health {
    /// Whether turns are taken.
    pub running: Result<(), NotRunning>,
    /// The kind of storage.
    pub storage: &'static str,
    /// Whether it can be written and read.
    pub storage_works: bool,
    /// What an operator should change about the storage.
    pub warnings: Vec<&'static str>,
    /// The name of the model, if there is one.
    pub model: Option<String>,
    /// Each worker's name, and when it last did its work.
    pub workers: Vec<(&'static str, Option<Timestamp>)>,
}

/// When a worker last did its work.
#[derive(Debug, Default)]
struct Beat(AtomicI64);

impl Beat {
    fn now(&self, at: Timestamp) {
        self.0.store(at.as_microsecond(), Ordering::Relaxed);
    }

    fn last(&self) -> Option<Timestamp> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            at => Timestamp::from_microsecond(at).ok(),
        }
    }
}
