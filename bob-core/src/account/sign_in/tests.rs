use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::account::{
    LOGIN_CACHE_AGE, MemberChange, PasswordCost, PasswordHash, Permission, PlatformRole, Role,
    SIGNING_KEY_CACHE_AGE, SigningKey, TenantRole, found_signing_key, replace_signing_keys,
    rotate_signing_key,
};
use crate::act::Principal;
use crate::clock::ManualClock;
use crate::id::AccountId;
use crate::storage::memory::MemoryStorage;
use crate::storage::{self, MemberStore as _, TenantStore as _};
use crate::testing::fixture;

const PASSWORD: &str = "correct horse";
const HOME: &str = "192.0.2.1";
const NEIGHBOUR: &str = "192.0.2.2";

/// A memory store that can be pulled out, shuts people out, and notes what it was asked.
#[derive(Debug, Default)]
struct Store {
    inner: Arc<MemoryStorage>,
    is_down: AtomicBool,
    left: Mutex<Vec<(AccountId, TenantId)>>,
    disabled: Mutex<Vec<AccountId>>,
    asked: AtomicUsize,
    touched: AtomicUsize,
    acts: Mutex<Vec<Principal>>,
}

impl Store {
    fn up(&self) -> storage::Result<&MemoryStorage> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(StorageError::new(StorageErrorKind::Unavailable, "test"));
        }
        Ok(&self.inner)
    }

    fn note(&self, act: &Act) {
        self.acts.lock().unwrap().push(act.principal);
    }

    fn with_disabled(&self, account: Option<Account>) -> Option<Account> {
        let is_disabled = |account: &Account| self.disabled.lock().unwrap().contains(&account.id);
        account.map(|account| {
            let disabled_at = is_disabled(&account).then(fixture::now);
            Account { disabled_at, ..account }
        })
    }
}

#[async_trait]
impl AccountStore for Store {
    async fn create_account(&self, act: &Act, account: Account) -> storage::Result<()> {
        self.up()?.create_account(act, account).await
    }

    async fn account_by_email(&self, email: &Email) -> storage::Result<Option<Account>> {
        Ok(self.with_disabled(self.up()?.account_by_email(email).await?))
    }

    async fn account(&self, account: &AccountId) -> storage::Result<Option<Account>> {
        Ok(self.with_disabled(self.up()?.account(account).await?))
    }

    async fn has_platform_people(&self) -> storage::Result<bool> {
        self.up()?.has_platform_people().await
    }

    async fn set_password(
        &self,
        act: &Act,
        account: &AccountId,
        password: PasswordHash,
    ) -> storage::Result<()> {
        self.up()?.set_password(act, account, password).await
    }

    async fn memberships(&self, account: &AccountId) -> storage::Result<Vec<Membership>> {
        let mut memberships = self.up()?.memberships(account).await?;
        memberships.retain(|membership| !self.left.lock().unwrap().contains(&(*account, membership.tenant)));
        Ok(memberships)
    }
}

#[async_trait]
impl LoginStore for Store {
    async fn open_login(&self, act: &Act, login: Login, refresh: [u8; 32]) -> storage::Result<()> {
        self.note(act);
        self.up()?.open_login(act, login, refresh).await
    }

    async fn login(&self, realm: &TenantId, login: &LoginId) -> storage::Result<Option<Login>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.up()?.login(realm, login).await
    }

    async fn touch_login(
        &self,
        realm: &TenantId,
        login: &LoginId,
        idle_until: Timestamp,
    ) -> storage::Result<()> {
        self.touched.fetch_add(1, Ordering::Relaxed);
        self.up()?.touch_login(realm, login, idle_until).await
    }

    async fn rotate_refresh(
        &self,
        act: &Act,
        realm: &TenantId,
        login: &LoginId,
        used: [u8; 32],
        next: [u8; 32],
    ) -> storage::Result<RefreshOutcome> {
        self.note(act);
        self.up()?.rotate_refresh(act, realm, login, used, next).await
    }

    async fn end_login(&self, act: &Act, realm: &TenantId, login: &LoginId) -> storage::Result<()> {
        self.note(act);
        self.up()?.end_login(act, realm, login).await
    }

    async fn logins_of(
        &self,
        realm: &TenantId,
        account: &AccountId,
        now: Timestamp,
        before: Option<LoginId>,
        limit: u32,
    ) -> storage::Result<Vec<Login>> {
        self.up()?.logins_of(realm, account, now, before, limit).await
    }

    async fn end_other_logins(
        &self,
        act: &Act,
        realm: &TenantId,
        account: &AccountId,
        kept: &LoginId,
    ) -> storage::Result<Vec<LoginId>> {
        self.note(act);
        self.up()?.end_other_logins(act, realm, account, kept).await
    }
}

#[async_trait]
impl SigningKeyStore for Store {
    async fn signing_keys(&self, now: Timestamp) -> storage::Result<Vec<SigningKey>> {
        self.up()?.signing_keys(now).await
    }

    async fn add_signing_key(&self, act: &Act, key: SigningKey) -> storage::Result<bool> {
        self.up()?.add_signing_key(act, key).await
    }

    async fn replace_signing_keys(&self, act: &Act, key: SigningKey) -> storage::Result<bool> {
        self.up()?.replace_signing_keys(act, key).await
    }
}

/// An installation with three people: Paul runs the platform, Anna owns the zoo, Ben works at the zoo and the ape house.
struct Scene {
    store: Arc<Store>,
    clock: Arc<ManualClock>,
    passwords: Passwords,
    sign_in: SignIn,
    zoo: TenantId,
    ape: TenantId,
}

async fn scene() -> Scene {
    let (store, clock) = (Arc::new(Store::default()), fixture::clock());
    let passwords = Passwords::new(PasswordCost::FOR_TESTS);
    let hash = passwords.hash(Secret::new(PASSWORD)).await.unwrap();
    let person = |email| Account { password: Some(hash.clone()), ..fixture::account(email) };
    let paul = Account { platform_role: Some(PlatformRole::Operator), ..person("paul@platform.example") };
    store.inner.create_account(&fixture::act(), paul).await.unwrap();
    store.inner.create_account(&fixture::act(), fixture::account("new@shop.example")).await.unwrap();
    let (mut zoo, mut ape) = (fixture::onboarding("zoo"), fixture::onboarding("ape"));
    zoo.people = vec![
        (person("anna@shop.example"), TenantRole::Owner),
        (person("ben@shop.example"), TenantRole::Agent),
    ];
    ape.people = vec![(person("ben@shop.example"), TenantRole::Viewer)];
    let ids = (zoo.tenant.id, ape.tenant.id);
    store.inner.onboard(&fixture::act(), zoo).await.unwrap();
    store.inner.onboard(&fixture::act(), ape).await.unwrap();
    found_signing_key(&*store.inner, &fixture::act()).await.unwrap();
    let sign_in = node(&store, &clock, &passwords);
    Scene { store, clock, passwords, sign_in, zoo: ids.0, ape: ids.1 }
}

/// One node of a cluster.
fn node(store: &Arc<Store>, clock: &Arc<ManualClock>, passwords: &Passwords) -> SignIn {
    let keys = PurposeKeys::from_root([1; 32]);
    let setup = SignInSetup {
        storage: Arc::clone(&store.inner) as SharedStorage,
        memory: Arc::new(SignInMemory::new(&keys)),
        keys,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        passwords: passwords.clone(),
        issuer: "https://bob.example".to_owned(),
        audience: "https://bob.example/api".to_owned(),
    };
    SignIn {
        accounts: Arc::clone(store) as Arc<dyn AccountStore>,
        logins: Arc::clone(store) as Arc<dyn LoginStore>,
        signing_keys: Arc::clone(store) as Arc<dyn SigningKeyStore>,
        ..SignIn::new(setup).unwrap()
    }
}

fn credentials(email: &str, password: &str) -> Credentials {
    Credentials { email: email.parse().unwrap(), password: Secret::new(password), tenant: None }
}

impl Scene {
    fn act(&self) -> Act {
        fixture::act_at(self.clock.now())
    }

    async fn try_login(
        &self,
        kind: AccountKind,
        email: &str,
        password: &str,
        client: &str,
    ) -> Result<Issued, SignInError> {
        let client = Some(client.parse().unwrap());
        self.sign_in.login(&self.act(), kind, credentials(email, password), client).await
    }

    async fn anna(&self) -> Issued {
        self.try_login(AccountKind::Tenant, "anna@shop.example", PASSWORD, HOME).await.unwrap()
    }

    async fn paul(&self) -> Issued {
        self.try_login(AccountKind::Platform, "paul@platform.example", PASSWORD, HOME).await.unwrap()
    }

    async fn ben(&self, named: Option<TenantRef>) -> Result<Issued, SignInError> {
        let credentials = Credentials { tenant: named, ..credentials("ben@shop.example", PASSWORD) };
        self.sign_in.login(&self.act(), AccountKind::Tenant, credentials, None).await
    }

    /// Tries a wrong password `times` times, each answered as wrong.
    async fn guess(&self, times: usize, email: &str, client: &str) {
        for _ in 0..times {
            let answer = self.try_login(AccountKind::Tenant, email, "wrong", client).await;
            assert!(matches!(answer, Err(SignInError::InvalidCredentials)), "{answer:?}");
        }
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    async fn by_token(&self, issued: &Issued) -> Result<Person, SignInError> {
        self.sign_in.by_access_token(issued.access_token.expose()).await
    }

    async fn by_cookie(&self, issued: &Issued) -> Result<Person, SignInError> {
        self.sign_in.by_cookie(cookie(issued)).await
    }

    async fn refresh(&self, token: &Secret) -> Result<Issued, SignInError> {
        self.sign_in.refresh(&self.act(), token.expose()).await
    }

    fn pull_out(&self, is_down: bool) {
        self.store.is_down.store(is_down, Ordering::Relaxed);
    }
}

fn cookie(issued: &Issued) -> &str {
    issued.cookie.as_ref().unwrap().expose()
}

#[track_caller]
fn invalid<T: fmt::Debug>(answer: Result<T, SignInError>) {
    match answer {
        Err(SignInError::InvalidToken) => {}
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn wrong<T: fmt::Debug>(answer: Result<T, SignInError>) {
    match answer {
        Err(SignInError::InvalidCredentials) => {}
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn unavailable<T: fmt::Debug>(answer: Result<T, SignInError>) {
    match answer {
        Err(SignInError::Unavailable(_)) => {}
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn too_many<T: fmt::Debug>(answer: Result<T, SignInError>, seconds: u64) {
    match answer {
        Err(SignInError::TooManyAttempts(limited)) => assert_eq!(limited.retry_after.as_secs(), seconds),
        other => panic!("{other:?}"),
    }
}

// Signing in

#[tokio::test]
async fn platform_people_sign_in_to_mission_control() {
    let scene = scene().await;
    let issued = scene.paul().await;
    let person = &issued.person;
    assert_eq!((person.kind, person.tenant, person.realm()), (AccountKind::Platform, None, PLATFORM_REALM));
    assert_eq!(person.role, Role::Platform(PlatformRole::Operator));
    assert!(person.permissions.contains(Permission::PricebookManage));
    assert!(!person.permissions.contains(Permission::UserManage));
    assert_eq!(issued.expires_in, Duration::from_secs(600));
    assert_eq!(scene.by_token(&issued).await.unwrap(), *person);
    assert_eq!(scene.by_cookie(&issued).await.unwrap(), *person);
}

#[tokio::test]
async fn a_businesss_people_sign_in_to_their_business() {
    let scene = scene().await;
    let issued = scene.anna().await;
    let person = &issued.person;
    assert_eq!((person.kind, person.tenant), (AccountKind::Tenant, Some(scene.zoo)));
    assert_eq!((person.email.as_str(), person.role.as_str()), ("anna@shop.example", "owner"));
    assert_eq!(person.permissions, TenantRole::Owner.permissions());
    assert_eq!(person.memberships.len(), 1);
    assert_eq!(scene.by_token(&issued).await.unwrap(), *person);
    assert_eq!(scene.by_cookie(&issued).await.unwrap(), *person);
}

#[tokio::test]
async fn wrong_unknown_and_disabled_are_answered_alike_and_cost_the_same() {
    let scene = scene().await;
    let ben = scene.ben(Some(scene.zoo.into())).await.unwrap().person.account;
    scene.store.disabled.lock().unwrap().push(ben);
    let mut answers = Vec::new();
    for (email, password) in [
        ("anna@shop.example", "wrong"),
        ("nobody@shop.example", PASSWORD),
        ("nobody@shop.example", ""),
        ("ben@shop.example", PASSWORD),
        ("ben@shop.example", "wrong"),
        ("new@shop.example", PASSWORD),
        ("paul@platform.example", PASSWORD),
        ("anna@shop.example", &"x".repeat(2_000)),
    ] {
        let before = scene.passwords.computed();
        let answer = scene.try_login(AccountKind::Tenant, email, password, HOME).await.unwrap_err();
        assert_eq!(scene.passwords.computed() - before, 1, "{email}");
        answers.push(format!("{answer} {answer:?}"));
    }
    answers.dedup();
    assert_eq!(answers, ["address or password is wrong InvalidCredentials"]);
}

#[tokio::test]
async fn nobody_signs_in_to_where_they_are_nothing() {
    let scene = scene().await;
    wrong(scene.try_login(AccountKind::Platform, "anna@shop.example", PASSWORD, HOME).await);
    wrong(scene.try_login(AccountKind::Tenant, "paul@platform.example", PASSWORD, HOME).await);
    let paul =
        Credentials { tenant: Some(scene.zoo.into()), ..credentials("paul@platform.example", PASSWORD) };
    wrong(scene.sign_in.login(&scene.act(), AccountKind::Tenant, paul, None).await);
    let anna = Credentials { tenant: Some(scene.ape.into()), ..credentials("anna@shop.example", PASSWORD) };
    wrong(scene.sign_in.login(&scene.act(), AccountKind::Tenant, anna, None).await);
}

#[tokio::test]
async fn who_belongs_to_several_businesses_chooses_after_the_password_was_right() {
    let scene = scene().await;
    wrong(scene.try_login(AccountKind::Tenant, "ben@shop.example", "wrong", HOME).await);
    let Err(SignInError::ChooseTenant(choice)) = scene.ben(None).await else { panic!("nothing to choose") };
    assert_eq!(choice.iter().map(|m| m.tenant_slug.as_str()).collect::<Vec<_>>(), ["ape", "zoo"]);

    let by_id = scene.ben(Some(scene.zoo.into())).await.unwrap().person;
    assert_eq!((by_id.tenant, by_id.role), (Some(scene.zoo), Role::Tenant(TenantRole::Agent)));
    let by_slug = scene.ben(Some("ape".parse().unwrap())).await.unwrap().person;
    assert_eq!((by_slug.tenant, by_slug.role), (Some(scene.ape), Role::Tenant(TenantRole::Viewer)));
    for stranger in [TenantId::new().into(), "nowhere".parse().unwrap(), PLATFORM_REALM.into()] {
        wrong(scene.ben(Some(stranger)).await);
    }
}

#[tokio::test]
async fn who_must_choose_has_not_failed() {
    let scene = scene().await;
    for _ in 0..3 {
        scene.guess(9, "ben@shop.example", HOME).await;
        let answer = scene.try_login(AccountKind::Tenant, "ben@shop.example", PASSWORD, HOME).await;
        assert!(matches!(answer, Err(SignInError::ChooseTenant(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn every_sign_in_is_a_new_one() {
    let scene = scene().await;
    let (one, two) = (scene.anna().await, scene.anna().await);
    assert_ne!(one.person.login, two.person.login);
    assert_ne!(one.access_token, two.access_token);
    assert_ne!(one.refresh_token, two.refresh_token);
    assert_ne!(one.cookie, two.cookie);
    assert_ne!(one.csrf_token, two.csrf_token);
}

#[tokio::test]
async fn deeds_are_recorded_as_the_persons_own() {
    let scene = scene().await;
    let issued = scene.anna().await;
    let issued = scene.refresh(&issued.refresh_token).await.unwrap();
    scene.sign_in.logout(&scene.act(), &issued.person).await.unwrap();
    assert_eq!(*scene.store.acts.lock().unwrap(), [issued.person.principal(); 3]);
}

// Guessing

#[tokio::test]
async fn ten_failures_shut_an_account_out_where_they_came_from() {
    let scene = scene().await;
    scene.guess(10, "anna@shop.example", HOME).await;
    let before = scene.passwords.computed();

    too_many(scene.try_login(AccountKind::Tenant, "anna@shop.example", PASSWORD, HOME).await, 900);
    too_many(scene.try_login(AccountKind::Platform, "anna@shop.example", PASSWORD, HOME).await, 900);
    assert_eq!(scene.passwords.computed(), before, "the password was not looked at");

    scene.try_login(AccountKind::Tenant, "anna@shop.example", PASSWORD, NEIGHBOUR).await.unwrap();
    scene.try_login(AccountKind::Platform, "paul@platform.example", PASSWORD, HOME).await.unwrap();
    scene.pass(899);
    too_many(scene.try_login(AccountKind::Tenant, "anna@shop.example", PASSWORD, HOME).await, 1);
    scene.pass(1);
    scene.anna().await;
}

#[tokio::test]
async fn unknown_accounts_are_shut_out_like_known_ones() {
    let scene = scene().await;
    scene.guess(10, "nobody@shop.example", HOME).await;
    too_many(scene.try_login(AccountKind::Tenant, "nobody@shop.example", "wrong", HOME).await, 900);
}

#[tokio::test]
async fn a_good_sign_in_forgets_the_failures_before_it() {
    let scene = scene().await;
    for _ in 0..3 {
        scene.guess(9, "anna@shop.example", HOME).await;
        scene.anna().await;
    }
}

#[tokio::test]
async fn fifty_failures_shut_an_address_out() {
    let scene = scene().await;
    for person in 0..10 {
        scene.guess(5, &format!("person{person}@shop.example"), HOME).await;
    }
    too_many(scene.try_login(AccountKind::Tenant, "anna@shop.example", PASSWORD, HOME).await, 900);
    scene.try_login(AccountKind::Tenant, "anna@shop.example", PASSWORD, NEIGHBOUR).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_account_guessed_from_everywhere_is_answered_later_and_never_refused() {
    for email in ["anna@shop.example", "nobody@shop.example"] {
        let scene = scene().await;
        for host in 0..200 {
            scene.guess(1, email, &format!("10.0.0.{host}")).await;
        }
        let begin = tokio::time::Instant::now();
        scene.guess(1, email, NEIGHBOUR).await;
        assert_eq!(begin.elapsed().as_secs(), 2, "wrong ones wait");
        if email.starts_with("anna") {
            let begin = tokio::time::Instant::now();
            scene.anna().await;
            assert_eq!(begin.elapsed().as_secs(), 2, "and right ones");
        }
        let begin = tokio::time::Instant::now();
        scene.paul().await;
        assert!(begin.elapsed() < Duration::from_millis(10), "others do not");
    }
}

#[tokio::test]
async fn trouble_of_our_own_is_no_failure_of_theirs() {
    let scene = scene().await;
    let full = scene.passwords.fill();
    for _ in 0..12 {
        let answer = scene.try_login(AccountKind::Tenant, "anna@shop.example", PASSWORD, HOME).await;
        assert!(matches!(answer, Err(SignInError::Busy)), "{answer:?}");
    }
    drop(full);
    scene.pull_out(true);
    for _ in 0..12 {
        unavailable(scene.try_login(AccountKind::Tenant, "anna@shop.example", PASSWORD, HOME).await);
    }
    scene.pull_out(false);
    scene.anna().await;
}

#[tokio::test]
async fn hanging_up_does_not_buy_a_free_guess() {
    let scene = scene().await;
    let _stopped = scene.passwords.stop();
    for _ in 0..10 {
        let mut guess =
            std::pin::pin!(scene.try_login(AccountKind::Tenant, "anna@shop.example", "wrong", HOME));
        let poll = std::future::poll_fn(|context| std::task::Poll::Ready(guess.as_mut().poll(context))).await;
        assert!(poll.is_pending());
    }
    too_many(scene.try_login(AccountKind::Tenant, "anna@shop.example", PASSWORD, HOME).await, 900);
}

// Staying signed in

#[tokio::test]
async fn an_access_token_ends_after_ten_minutes_and_a_refresh_token_gets_the_next() {
    let scene = scene().await;
    let issued = scene.anna().await;
    scene.pass(599);
    scene.by_token(&issued).await.unwrap();
    scene.pass(1);
    invalid(scene.by_token(&issued).await);

    let next = scene.refresh(&issued.refresh_token).await.unwrap();
    assert_eq!(scene.by_token(&next).await.unwrap(), issued.person);
    assert_eq!((next.cookie.as_ref(), &next.csrf_token), (None, &issued.csrf_token));
    scene.by_cookie(&issued).await.unwrap();
    scene.refresh(&next.refresh_token).await.unwrap();
}

#[tokio::test]
async fn using_a_refresh_token_twice_ends_the_sign_in_at_once() {
    let scene = scene().await;
    let issued = scene.anna().await;
    let bystander = scene.anna().await;
    let next = scene.refresh(&issued.refresh_token).await.unwrap();
    scene.by_token(&next).await.unwrap();

    invalid(scene.refresh(&issued.refresh_token).await);

    invalid(scene.by_token(&next).await);
    invalid(scene.by_token(&issued).await);
    invalid(scene.by_cookie(&issued).await);
    invalid(scene.refresh(&next.refresh_token).await);
    scene.by_token(&bystander).await.unwrap();
}

#[tokio::test]
async fn a_refresh_token_that_was_made_up_ends_nothing() {
    let scene = scene().await;
    let issued = scene.anna().await;
    let guessed = BearerToken::generate(BearerKind::Refresh, scene.zoo, issued.person.login).unwrap();
    invalid(scene.refresh(&guessed.into_text()).await);
    let unknown = BearerToken::generate(BearerKind::Refresh, scene.zoo, LoginId::new()).unwrap();
    invalid(scene.refresh(&unknown.into_text()).await);
    for nonsense in ["", "br_", cookie(&issued), issued.access_token.expose()] {
        invalid(scene.refresh(&Secret::new(nonsense)).await);
    }
    scene.refresh(&issued.refresh_token).await.unwrap();
}

#[tokio::test]
async fn a_refresh_that_the_store_did_not_answer_can_be_tried_again() {
    let scene = scene().await;
    let issued = scene.anna().await;
    scene.pull_out(true);
    unavailable(scene.refresh(&issued.refresh_token).await);
    scene.pull_out(false);
    scene.refresh(&issued.refresh_token).await.unwrap();
}

#[tokio::test]
async fn logging_out_ends_the_access_token_too() {
    let scene = scene().await;
    let issued = scene.anna().await;
    let person = scene.by_token(&issued).await.unwrap();
    scene.by_cookie(&issued).await.unwrap();

    scene.sign_in.logout(&scene.act(), &person).await.unwrap();

    invalid(scene.by_token(&issued).await);
    invalid(scene.by_cookie(&issued).await);
    invalid(scene.refresh(&issued.refresh_token).await);
    scene.sign_in.logout(&scene.act(), &person).await.unwrap();
}

#[tokio::test]
async fn a_logout_that_the_store_did_not_answer_is_told() {
    let scene = scene().await;
    let issued = scene.anna().await;
    scene.pull_out(true);
    unavailable(scene.sign_in.logout(&scene.act(), &issued.person).await);
    scene.pull_out(false);
    scene.by_token(&issued).await.unwrap();
}

#[tokio::test]
async fn other_nodes_notice_a_logout_within_five_seconds() {
    let scene = scene().await;
    let other = node(&scene.store, &scene.clock, &scene.passwords);
    let issued = scene.anna().await;
    let token = issued.access_token.expose();
    other.by_access_token(token).await.unwrap();
    scene.sign_in.logout(&scene.act(), &issued.person).await.unwrap();
    other.by_access_token(token).await.unwrap();
    scene.pass(5);
    invalid(other.by_access_token(token).await);
}

#[tokio::test]
async fn a_role_change_is_felt_after_five_seconds_and_not_later() {
    let scene = scene().await;
    let (issued, act) = (scene.paul().await, fixture::act());
    let role = |person: Person| person.role.as_str();
    assert_eq!(scene.by_token(&issued).await.map(role).unwrap(), "operator");
    let members: &MemoryStorage = &scene.store.inner;
    let account = issued.person.account;
    let auditor =
        MemberChange { role: Some(Role::Platform(PlatformRole::Auditor)), ..MemberChange::default() };

    members.change_member(&act, &PLATFORM_REALM, &account, auditor).await.unwrap();
    scene.clock.advance(LOGIN_CACHE_AGE - Duration::from_micros(1));
    assert_eq!(scene.by_token(&issued).await.map(role).unwrap(), "operator");
    scene.clock.advance(Duration::from_micros(1));
    let person = scene.by_token(&issued).await.unwrap();
    assert_eq!((person.role.as_str(), person.permissions), ("auditor", PlatformRole::Auditor.permissions()));

    members.remove_member(&act, &PLATFORM_REALM, &account, None).await.unwrap();
    scene.pass(5);
    invalid(scene.by_token(&issued).await);
    invalid(scene.by_cookie(&issued).await);
}

#[tokio::test]
async fn another_password_ends_all_sign_ins_and_begins_a_new_one() {
    let scene = scene().await;
    let other = node(&scene.store, &scene.clock, &scene.passwords);
    let (here, there) = (scene.anna().await, scene.anna().await);
    let person = scene.by_token(&here).await.unwrap();
    for token in [&here, &there] {
        other.by_access_token(token.access_token.expose()).await.unwrap();
        scene.by_token(token).await.unwrap();
    }
    let change = async |current: &str, new: &str| {
        let (current, new) = (Secret::new(current), Secret::new(new));
        scene.sign_in.change_password(&scene.act(), &person, current, new, Some(HOME.parse().unwrap())).await
    };

    let weak = change(PASSWORD, "sunshine1").await;
    assert!(matches!(weak, Err(SignInError::WeakPassword(WeakPassword::Common))), "{weak:?}");
    let weak = change(PASSWORD, "anna@shop.example").await;
    assert!(matches!(weak, Err(SignInError::WeakPassword(WeakPassword::Known))), "{weak:?}");
    scene.by_token(&here).await.unwrap();
    let issued = change(PASSWORD, "four small blue boats").await.unwrap();

    assert_eq!((issued.person.tenant, issued.person.kind), (person.tenant, person.kind));
    scene.by_token(&issued).await.unwrap();
    scene.by_cookie(&issued).await.unwrap();
    for ended in [&here, &there] {
        invalid(scene.by_token(ended).await);
        invalid(scene.refresh(&ended.refresh_token).await);
        other.by_access_token(ended.access_token.expose()).await.unwrap();
    }
    scene.pass(5);
    invalid(other.by_access_token(there.access_token.expose()).await);
    other.by_access_token(issued.access_token.expose()).await.unwrap();
    let old = scene.try_login(AccountKind::Tenant, "anna@shop.example", PASSWORD, NEIGHBOUR).await;
    assert!(matches!(old, Err(SignInError::InvalidCredentials)));
}

#[tokio::test]
async fn a_wrong_current_password_counts_as_a_failed_sign_in() {
    let scene = scene().await;
    let issued = scene.anna().await;
    let change = async |current: &str| {
        let (current, new) = (Secret::new(current), Secret::new("four small blue boats"));
        let client = Some(HOME.parse().unwrap());
        scene.sign_in.change_password(&scene.act(), &issued.person, current, new, client).await
    };
    for _ in 0..10 {
        assert!(matches!(change("wrong").await, Err(SignInError::InvalidCredentials)));
    }
    assert!(matches!(change(PASSWORD).await, Err(SignInError::TooManyAttempts(_))));
    let shut_out = scene.try_login(AccountKind::Tenant, "anna@shop.example", PASSWORD, HOME).await;
    assert!(matches!(shut_out, Err(SignInError::TooManyAttempts(_))));
}

#[tokio::test]
async fn who_is_removed_or_disabled_is_out_within_five_seconds() {
    let scene = scene().await;
    let (anna, ben) = (scene.anna().await, scene.ben(Some(scene.zoo.into())).await.unwrap());
    let bens_other = scene.ben(Some(scene.ape.into())).await.unwrap();
    scene.by_token(&anna).await.unwrap();
    scene.by_token(&ben).await.unwrap();

    scene.store.disabled.lock().unwrap().push(anna.person.account);
    scene.store.left.lock().unwrap().push((ben.person.account, scene.zoo));
    scene.pass(5);

    for issued in [&anna, &ben] {
        invalid(scene.by_token(issued).await);
        invalid(scene.by_cookie(issued).await);
        invalid(scene.refresh(&issued.refresh_token).await);
    }
    let person = scene.by_token(&bens_other).await.unwrap();
    assert_eq!(person.memberships.iter().map(|m| m.tenant).collect::<Vec<_>>(), [scene.ape]);
}

#[tokio::test]
async fn without_the_store_nobody_is_let_in() {
    let scene = scene().await;
    let (issued, fresh) = (scene.anna().await, scene.paul().await);
    scene.by_token(&issued).await.unwrap();
    scene.pull_out(true);
    unavailable(scene.by_token(&fresh).await);
    unavailable(scene.by_cookie(&fresh).await);
    scene.pass(4);
    scene.by_token(&issued).await.unwrap();
    scene.pass(1);
    unavailable(scene.by_token(&issued).await);
    unavailable(scene.by_cookie(&issued).await);
    scene.pull_out(false);
    scene.by_token(&issued).await.unwrap();
}

#[tokio::test]
async fn the_store_is_asked_once_in_five_seconds() {
    let scene = scene().await;
    let issued = scene.anna().await;
    for _ in 0..100 {
        scene.by_token(&issued).await.unwrap();
        scene.by_cookie(&issued).await.unwrap();
    }
    assert_eq!(scene.store.asked.load(Ordering::Relaxed), 1);
    scene.pass(5);
    scene.by_token(&issued).await.unwrap();
    assert_eq!(scene.store.asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn half_an_hour_without_use_ends_a_sign_in() {
    let scene = scene().await;
    let (used, unused) = (scene.anna().await, scene.anna().await);
    scene.pass(29 * 60);
    scene.by_cookie(&used).await.unwrap();
    scene.pass(60);
    scene.by_cookie(&used).await.unwrap();
    invalid(scene.by_cookie(&unused).await);
    invalid(scene.refresh(&unused.refresh_token).await);
    scene.pass(30 * 60);
    invalid(scene.by_cookie(&used).await);
}

#[tokio::test]
async fn use_on_another_node_counts() {
    let scene = scene().await;
    let other = node(&scene.store, &scene.clock, &scene.passwords);
    let issued = scene.anna().await;
    scene.pass(30 * 60 - 2);
    scene.by_token(&scene.refresh(&issued.refresh_token).await.unwrap()).await.unwrap();
    other.by_cookie(cookie(&issued)).await.unwrap();
    scene.pass(30 * 60 - 2);
    other.by_cookie(cookie(&issued)).await.unwrap();
    scene.pass(4);
    scene.by_cookie(&issued).await.unwrap();
}

#[tokio::test]
async fn use_is_written_down_once_a_minute() {
    let scene = scene().await;
    let issued = scene.anna().await;
    let touched = || scene.store.touched.load(Ordering::Relaxed);
    for _ in 0..60 {
        scene.by_cookie(&issued).await.unwrap();
        scene.pass(1);
    }
    assert_eq!(touched(), 0);
    for _ in 0..60 {
        scene.by_cookie(&issued).await.unwrap();
        scene.pass(1);
    }
    assert_eq!(touched(), 1);
}

#[tokio::test]
async fn refreshing_is_use_too() {
    let scene = scene().await;
    let mut issued = scene.anna().await;
    for _ in 0..12 {
        scene.pass(590);
        scene.by_token(&issued).await.unwrap();
        issued = scene.refresh(&issued.refresh_token).await.unwrap();
    }
}

#[tokio::test]
async fn a_sign_in_ends_after_twelve_hours_however_busy_it_is() {
    let scene = scene().await;
    let issued = scene.anna().await;
    for _ in 0..71 {
        scene.pass(600);
        scene.by_cookie(&issued).await.unwrap();
    }
    scene.pass(599);
    scene.by_cookie(&issued).await.unwrap();
    scene.pass(1);
    invalid(scene.by_cookie(&issued).await);
    invalid(scene.refresh(&issued.refresh_token).await);
}

// Tokens in the wrong place

#[tokio::test]
async fn a_cookie_of_another_realm_is_refused() {
    let scene = scene().await;
    let zoo = scene.ben(Some(scene.zoo.into())).await.unwrap();
    let ape = scene.ben(Some(scene.ape.into())).await.unwrap();
    scene.by_cookie(&zoo).await.unwrap();
    let parts = |issued: &Issued| cookie(issued).split('_').map(str::to_owned).collect::<Vec<_>>();
    let (of_zoo, of_ape) = (parts(&zoo), parts(&ape));
    for moved in [
        [&*of_ape[1], &*of_zoo[2], &*of_zoo[3]],
        [&*of_ape[1], &*of_ape[2], &*of_zoo[3]],
        [&*of_zoo[1], &*of_ape[2], &*of_ape[3]],
        [&*"a".repeat(26), &*of_zoo[2], &*of_zoo[3]],
    ] {
        invalid(scene.sign_in.by_cookie(&format!("bs_{}", moved.join("_"))).await);
    }
}

#[tokio::test]
async fn a_cookie_needs_its_secret() {
    let scene = scene().await;
    let issued = scene.anna().await;
    scene.by_cookie(&issued).await.unwrap();
    let guessed = BearerToken::generate(BearerKind::Session, scene.zoo, issued.person.login).unwrap();
    invalid(scene.sign_in.by_cookie(guessed.into_text().expose()).await);
    invalid(scene.sign_in.by_cookie(&cookie(&issued).replacen("bs_", "br_", 1)).await);
    invalid(scene.sign_in.by_cookie(&issued.refresh_token.expose().replacen("br_", "bs_", 1)).await);
    invalid(scene.sign_in.by_cookie(issued.access_token.expose()).await);
}

#[tokio::test]
async fn an_access_token_must_say_what_its_sign_in_says() {
    let scene = scene().await;
    let issued = scene.anna().await;
    let paul = scene.paul().await;
    let good = AccessClaims {
        account: issued.person.account,
        login: issued.person.login,
        realm: scene.zoo,
        kind: AccountKind::Tenant,
    };
    let keys = scene.sign_in.keys().await.unwrap();
    let token = |claims| scene.sign_in.tokens.mint(&keys, &claims, scene.clock.now()).unwrap();
    scene.sign_in.by_access_token(token(good).expose()).await.unwrap();
    for claims in [
        AccessClaims { account: AccountId::new(), ..good },
        AccessClaims { account: paul.person.account, ..good },
        AccessClaims { login: LoginId::new(), ..good },
        AccessClaims { login: paul.person.login, ..good },
        AccessClaims { realm: scene.ape, ..good },
        AccessClaims { realm: PLATFORM_REALM, kind: AccountKind::Platform, ..good },
    ] {
        invalid(scene.sign_in.by_access_token(token(claims).expose()).await);
    }
}

#[tokio::test]
async fn a_csrf_token_of_another_sign_in_is_refused() {
    let scene = scene().await;
    let (one, two) = (scene.anna().await, scene.anna().await);
    let check = |login: &Issued, token: &str| scene.sign_in.check_csrf(&login.person.login, token);
    assert!(check(&one, one.csrf_token.expose()));
    assert_eq!(scene.sign_in.csrf_token(&one.person.login), one.csrf_token);
    assert!(!check(&two, one.csrf_token.expose()));
    assert!(!check(&one, ""));
    assert!(!check(&one, cookie(&one)));
}

#[tokio::test]
async fn the_published_key_is_the_one_that_tokens_name() {
    let scene = scene().await;
    let issued = scene.anna().await;
    let [key] = &scene.sign_in.jwks().await.unwrap()[..] else { panic!("one key") };
    let header = jsonwebtoken::decode_header(issued.access_token.expose()).unwrap();
    assert_eq!(header.kid.as_ref(), Some(&key.kid));
}

#[tokio::test]
async fn a_new_key_signs_after_a_quarter_of_an_hour_and_interrupts_nobody() {
    let scene = scene().await;
    let other_node = node(&scene.store, &scene.clock, &scene.passwords);
    let old = scene.anna().await;
    let kid = |issued: &Issued| named_key(issued.access_token.expose()).unwrap();
    rotate_signing_key(&*scene.store.inner, &scene.act()).await.unwrap();
    scene.pass(SIGNING_KEY_CACHE_AGE.as_secs());
    let published = other_node.jwks().await.unwrap();
    assert_eq!((published.len(), &published[0].kid), (2, &kid(&old)));
    scene.pass(890);
    let last = scene.anna().await;
    assert_eq!(kid(&last), kid(&old), "until it was published for fifteen minutes");
    scene.pass(10);
    let first = scene.anna().await;
    assert_eq!(kid(&first), published[1].kid);
    for issued in [&last, &first] {
        other_node.by_access_token(issued.access_token.expose()).await.unwrap();
    }
    scene.pass(600);
    assert_eq!(other_node.jwks().await.unwrap().len(), 2, "clocks of others may be behind");
    scene.pass(60);
    assert_eq!(other_node.jwks().await.unwrap(), published[1..]);
}

#[tokio::test]
async fn what_a_withdrawn_key_signed_is_refused_within_five_seconds_and_sign_ins_go_on() {
    let scene = scene().await;
    let other_node = node(&scene.store, &scene.clock, &scene.passwords);
    let old = scene.anna().await;
    other_node.by_access_token(old.access_token.expose()).await.unwrap();
    replace_signing_keys(&*scene.store.inner, &scene.act()).await.unwrap();
    scene.pass(4);
    other_node.by_access_token(old.access_token.expose()).await.unwrap();
    scene.pass(1);
    invalid(other_node.by_access_token(old.access_token.expose()).await);
    invalid(scene.by_token(&old).await);
    scene.by_cookie(&old).await.unwrap();
    let new = scene.refresh(&old.refresh_token).await.unwrap();
    other_node.by_access_token(new.access_token.expose()).await.unwrap();
}

#[tokio::test]
async fn a_token_of_a_key_that_was_just_made_is_known_after_a_second() {
    let scene = scene().await;
    let other_node = node(&scene.store, &scene.clock, &scene.passwords);
    other_node.jwks().await.unwrap();
    replace_signing_keys(&*scene.store.inner, &scene.act()).await.unwrap();
    let new = scene.anna().await;
    invalid(other_node.by_access_token(new.access_token.expose()).await);
    scene.pass(1);
    other_node.by_access_token(new.access_token.expose()).await.unwrap();
}

#[tokio::test]
async fn people_see_and_end_their_own_sign_ins_wherever_they_are() {
    let scene = scene().await;
    let named = |tenant| Some(TenantRef::Id(tenant));
    let zoo = scene.ben(named(scene.zoo)).await.unwrap();
    let ape = scene.ben(named(scene.ape)).await.unwrap();
    let anna = scene.anna().await;
    let list = async |issued: &Issued, after, limit| -> Vec<LoginId> {
        let logins = scene.sign_in.own_sign_ins(&issued.person, after, limit).await.unwrap();
        logins.iter().map(|login| login.id).collect()
    };
    let (of_zoo, of_ape) = (zoo.person.login, ape.person.login);
    assert_eq!(list(&zoo, None, 9).await, [of_ape, of_zoo]);
    assert_eq!(list(&zoo, None, 1).await, [of_ape]);
    assert_eq!(list(&zoo, Some(of_ape), 1).await, [of_zoo]);
    assert_eq!(list(&anna, None, 9).await, [anna.person.login]);

    let end =
        async |of: &LoginId| scene.sign_in.end_own_sign_in(&scene.act(), &zoo.person, of).await.unwrap();
    assert!(!end(&anna.person.login).await && !end(&LoginId::new()).await);
    scene.by_token(&anna).await.unwrap();
    assert!(end(&of_ape).await && !end(&of_ape).await);
    invalid(scene.by_token(&ape).await);

    let (again, elsewhere) =
        (scene.ben(named(scene.zoo)).await.unwrap(), scene.ben(named(scene.ape)).await.unwrap());
    assert_eq!(scene.sign_in.end_other_sign_ins(&scene.act(), &zoo.person).await.unwrap(), 2);
    invalid(scene.by_cookie(&again).await);
    invalid(scene.by_cookie(&elsewhere).await);
    assert_eq!(list(&zoo, None, 9).await, [of_zoo]);
    scene.pass(1_800);
    assert!(list(&zoo, None, 9).await.is_empty(), "what ran out is not listed");
}

#[tokio::test]
async fn tokens_and_passwords_never_appear_in_debug_output() {
    let scene = scene().await;
    let issued = scene.anna().await;
    scene.by_token(&issued).await.unwrap();
    let printed = format!(
        "{issued:?} {:#?} {:?} {:?} {:?}",
        scene.sign_in,
        scene.sign_in.memory.live,
        scene.sign_in.memory.throttle,
        credentials("anna@shop.example", PASSWORD)
    );
    for secret in [
        issued.access_token.expose(),
        issued.access_token.expose().split('.').nth(2).unwrap(),
        issued.refresh_token.expose(),
        issued.refresh_token.expose().rsplit('_').next().unwrap(),
        cookie(&issued),
        cookie(&issued).rsplit('_').next().unwrap(),
        issued.csrf_token.expose(),
        PASSWORD,
        "anna@shop.example",
    ] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}
