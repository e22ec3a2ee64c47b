//! Signing in, staying signed in, and ending it.
//!
//! One [`Login`] row stands behind everything somebody holds after a password: the access token names it (`sid`), the
//! session cookie and the refresh token carry its name and a secret of their own, and the CSRF token is its HMAC. Ending
//! the row ends them all. Whether it still holds, and what its person may do, is asked of the store for every request,
//! through a memory at most [`LOGIN_CACHE_AGE`] old.

mod own;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::access_token::named_key;
use super::csrf::CsrfTokens;
use super::live::{Known, Live, LoginKey};
use super::memory::SignInMemory;
use super::person::role;
use super::{
    ACCESS_TOKEN_LIFETIME, AccessClaims, AccessTokens, Account, AccountKind, BearerKind, BearerToken, Email,
    IDLE, InvalidAccessToken, KeyRing, LONGEST, Login, Membership, MintError, NewPassword, PLATFORM_REALM,
    ParseBearerError, PasswordError, Passwords, Person, PublicKey, RefreshOutcome, TokenNameError,
    WeakPassword,
};
use crate::act::Act;
use crate::clock::{Clock, later};
use crate::id::{LoginId, TenantId};
use crate::keyring::{NoRandomness, PurposeKeys};
use crate::limit::Limited;
use crate::secret::Secret;
use crate::storage::{
    AccountStore, LoginStore, SharedStorage, SigningKeyStore, StorageError, StorageErrorKind,
};
use crate::tenant::TenantRef;

/// How often use is written down at most.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// What signing in is made of.
#[derive(Debug, Clone)]
pub struct SignInSetup {
    /// Where people, sign-ins and signing keys are kept; a key must have been
    /// [founded](super::found_signing_key) in it.
    pub storage: SharedStorage,
    /// The root key, the same on all nodes.
    pub keys: PurposeKeys,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The pool that hashes passwords.
    pub passwords: Passwords,
    /// What sign-ins are remembered by; one for all that share the keys, or each allows its own number of guesses.
    pub memory: Arc<SignInMemory>,
    /// The `iss` of access tokens; 1 to 512 bytes.
    pub issuer: String,
    /// The `aud` of access tokens: the mount's canonical URL; 1 to 512 bytes.
    pub audience: String,
}

/// What somebody signs in with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Their address.
    pub email: Email,
    /// Their password, as they typed it.
    pub password: Secret,
    /// The business they mean, where they belong to several; nothing to platform people.
    pub tenant: Option<TenantRef>,
}

/// What somebody gets for their password, or for a refresh token.
#[derive(Debug, Clone)]
pub struct Issued {
    /// A JWT for the `Authorization` header.
    pub access_token: Secret,
    /// How long it holds.
    pub expires_in: Duration,
    /// Gets the next of these, once.
    pub refresh_token: Secret,
    /// The session cookie's value; `None` after a refresh, which leaves the cookie as it is.
    pub cookie: Option<Secret>,
    /// What unsafe requests under the cookie must carry.
    pub csrf_token: Secret,
    /// Who signed in.
    pub person: Person,
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// Address, password, business or account is not right; which of them is not told, in words or in time.
    #[error("address or password is wrong")]
    InvalidCredentials,
    /// The password is right, and one of these businesses must be named.
    #[error("the person belongs to several businesses and named none")]
    ChooseTenant(Vec<Membership>),
    /// Too many attempts failed; this one was not looked at.
    #[error("too many attempts to sign in")]
    TooManyAttempts(Limited),
    /// Too many passwords are being checked; this one was not looked at. Try again in a moment.
    #[error("too many sign-ins at a time")]
    Busy,
    /// The new password is not good enough.
    #[error(transparent)]
    WeakPassword(#[from] WeakPassword),
    /// The token is damaged, used, over or not ours, or its person was shut out; which of them is not told.
    #[error("the token is not valid")]
    InvalidToken,
    /// The store did not answer, so nobody is let in. Try again later.
    #[error("sign-ins cannot be checked")]
    Unavailable(#[source] StorageError),
    /// Memory or randomness ran out.
    #[error("the sign-in could not be made")]
    Failed,
}

impl From<StorageError> for SignInError {
    fn from(error: StorageError) -> Self {
        Self::Unavailable(error)
    }
}

impl From<InvalidAccessToken> for SignInError {
    fn from(_: InvalidAccessToken) -> Self {
        Self::InvalidToken
    }
}

impl From<ParseBearerError> for SignInError {
    fn from(_: ParseBearerError) -> Self {
        Self::InvalidToken
    }
}

impl From<NoRandomness> for SignInError {
    fn from(_: NoRandomness) -> Self {
        Self::Failed
    }
}

impl From<MintError> for SignInError {
    fn from(_: MintError) -> Self {
        Self::Failed
    }
}

impl From<PasswordError> for SignInError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Busy,
            PasswordError::Length | PasswordError::Failed => Self::Failed,
        }
    }
}

/// Signs people in and knows who is signed in. Spawns nothing; share it in an `Arc`.
pub struct SignIn {
    accounts: Arc<dyn AccountStore>,
    logins: Arc<dyn LoginStore>,
    signing_keys: Arc<dyn SigningKeyStore>,
    clock: Arc<dyn Clock>,
    passwords: Passwords,
    tokens: AccessTokens,
    csrf: CsrfTokens,
    memory: Arc<SignInMemory>,
}

impl SignIn {
    /// Puts the parts together.
    ///
    /// # Errors
    ///
    /// [`TokenNameError`] unless issuer and audience have 1 to 512 bytes.
    pub fn new(setup: SignInSetup) -> Result<Self, TokenNameError> {
        let SignInSetup { storage, keys, clock, passwords, memory, issuer, audience } = setup;
        Ok(Self {
            accounts: Arc::clone(&storage) as Arc<dyn AccountStore>,
            logins: Arc::clone(&storage) as Arc<dyn LoginStore>,
            signing_keys: storage,
            clock,
            passwords,
            tokens: AccessTokens::new(issuer, audience)?,
            csrf: CsrfTokens::new(&keys),
            memory,
        })
    }

    /// Signs somebody in; every sign-in is a new one. `client` is the address they come from, where the host knows it.
    ///
    /// The act is recorded as the person's own. Failures are counted by account and address, and unknown accounts like
    /// known ones: 10 within 15 minutes shut an account out from one address (IPv6: one /64), 50 shut an address out. An
    /// account with 100 over all addresses is answered later and later, by 2 s at most, and never refused; an event of
    /// level `WARN` tells so. Without addresses, accounts are counted alone.
    ///
    /// # Errors
    ///
    /// [`InvalidCredentials`](SignInError::InvalidCredentials) for an unknown address, a wrong password, a disabled
    /// account, and a person who is nothing where they sign in to, all at the cost of one hash;
    /// [`ChooseTenant`](SignInError::ChooseTenant) when several businesses are possible and none is named, once the
    /// password was right; [`TooManyAttempts`](SignInError::TooManyAttempts) and [`Busy`](SignInError::Busy) before it
    /// is looked at; [`Unavailable`](SignInError::Unavailable) and [`Failed`](SignInError::Failed), which do not count
    /// as failures.
    pub async fn login(
        &self,
        act: &Act,
        kind: AccountKind,
        credentials: Credentials,
        client: Option<IpAddr>,
    ) -> Result<Issued, SignInError> {
        let attempt = self
            .memory
            .throttle
            .begin(&credentials.email, client, self.clock.now())
            .map_err(SignInError::TooManyAttempts)?;
        if !attempt.delay().is_zero() {
            tokio::time::sleep(attempt.delay()).await;
        }
        let admitted = self.admit(kind, credentials).await;
        match &admitted {
            Ok(_) | Err(SignInError::ChooseTenant(_)) => attempt.succeeded(),
            Err(SignInError::InvalidCredentials) => drop(attempt),
            Err(_) => attempt.excused(),
        }
        self.open(act, kind, admitted?).await
    }

    /// Who is behind an access token.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](SignInError::InvalidToken) when the token or its sign-in does not hold, or its person was shut
    /// out; [`Unavailable`](SignInError::Unavailable) when the store did not say.
    pub async fn by_access_token(&self, token: &str) -> Result<Person, SignInError> {
        let now = self.clock.now();
        let kid = named_key(token)?;
        let keys = self.memory.keys.ring_with(&kid, &*self.signing_keys, &*self.clock).await?;
        let claims = self.tokens.verify(&keys, token, now)?;
        let live = self.live((claims.realm, claims.login), now).await?;
        if claims != AccessClaims::from(&live.login) {
            return Err(SignInError::InvalidToken);
        }
        Ok(live.person)
    }

    /// Who is behind a session cookie's value. Their idle time begins again, which is written at most once a minute.
    ///
    /// Idle time under access tokens begins again when they are refreshed, every ten minutes.
    ///
    /// # Errors
    ///
    /// As [`by_access_token`](Self::by_access_token). Use that cannot be written down is tried again with the next
    /// request, and keeps nobody out.
    pub async fn by_cookie(&self, value: &str) -> Result<Person, SignInError> {
        let now = self.clock.now();
        let cookie = BearerToken::parse(BearerKind::Session, value)?;
        let live = self.live((cookie.realm(), cookie.login()), now).await?;
        if !cookie.matches(&live.login.cookie_hash) {
            return Err(SignInError::InvalidToken);
        }
        self.touch(&live.login, now).await?;
        Ok(live.person)
    }

    /// Uses up a refresh token for the next access and refresh token; the sign-in's idle time begins again.
    ///
    /// A token that was used before ends its sign-in: somebody else has a copy. The act is recorded as the person's own.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](SignInError::InvalidToken) for every token that does not hold;
    /// [`Unavailable`](SignInError::Unavailable) when the store did not answer, after which the token may still hold.
    pub async fn refresh(&self, act: &Act, token: &str) -> Result<Issued, SignInError> {
        let now = self.clock.now();
        let used = BearerToken::parse(BearerKind::Refresh, token)?;
        let key = (used.realm(), used.login());
        let Live { login, person, .. } = self.ask(key, now).await?;
        let next = BearerToken::generate(BearerKind::Refresh, login.realm, login.id)?;
        let keys = self.keys().await?;
        let (hash, issued) = (next.hash(), self.issue(&keys, &login, person, next, None, now)?);
        let act = Act { principal: issued.person.principal(), ..act.clone() };
        match self.logins.rotate_refresh(&act, &key.0, &key.1, used.hash(), hash).await? {
            RefreshOutcome::Rotated => {}
            RefreshOutcome::Reused => {
                tracing::warn!(login = %key.1, "a refresh token was used twice; its sign-in is ended");
                self.memory.live.end(key);
                return Err(SignInError::InvalidToken);
            }
            RefreshOutcome::Unknown => return Err(SignInError::InvalidToken),
        }
        self.touch(&login, now).await?;
        Ok(issued)
    }

    /// Ends a sign-in with every token of it: here at once, on other nodes within [`LOGIN_CACHE_AGE`].
    ///
    /// # Errors
    ///
    /// [`Unavailable`](SignInError::Unavailable) when the store did not answer; the sign-in still holds then.
    ///
    /// [`LOGIN_CACHE_AGE`]: super::LOGIN_CACHE_AGE
    pub async fn logout(&self, act: &Act, person: &Person) -> Result<(), SignInError> {
        let act = Act { principal: person.principal(), ..act.clone() };
        let key = (person.realm(), person.login);
        self.logins.end_login(&act, &key.0, &key.1).await?;
        self.memory.live.end(key);
        Ok(())
    }

    /// Sets another password for a person who shows that they know the current one. All their sign-ins end, here at once and
    /// on other nodes within [`LOGIN_CACHE_AGE`]; they get a new one of the same kind.
    ///
    /// A wrong current password counts like a failed sign-in.
    ///
    /// # Errors
    ///
    /// [`WeakPassword`](SignInError::WeakPassword), [`InvalidCredentials`](SignInError::InvalidCredentials) for a wrong
    /// current password, and what [`login`](Self::login) answers besides.
    ///
    /// [`LOGIN_CACHE_AGE`]: super::LOGIN_CACHE_AGE
    pub async fn change_password(
        &self,
        act: &Act,
        person: &Person,
        current: Secret,
        new: Secret,
        client: Option<IpAddr>,
    ) -> Result<Issued, SignInError> {
        let businesses = person.memberships.iter().map(|membership| membership.tenant_name.as_str());
        let known = [person.email.as_str(), &person.name].into_iter().chain(businesses);
        let new = NewPassword::check(new, known)?;
        let credentials = Credentials {
            email: person.email.clone(),
            password: current,
            tenant: person.tenant.map(TenantRef::Id),
        };
        let attempt = self
            .memory
            .throttle
            .begin(&person.email, client, self.clock.now())
            .map_err(SignInError::TooManyAttempts)?;
        match self.admit(person.kind, credentials).await {
            Ok(_) => attempt.succeeded(),
            Err(SignInError::InvalidCredentials) => {
                drop(attempt);
                return Err(SignInError::InvalidCredentials);
            }
            Err(error) => {
                attempt.excused();
                return Err(error);
            }
        }
        let hash = self.passwords.hash(new.into_secret()).await?;
        let act = Act { principal: person.principal(), ..act.clone() };
        self.accounts.set_password(&act, &person.account, hash).await?;
        self.memory.live.end((person.realm(), person.login));
        self.memory.forget(&person.account);
        // Read again, since the new sign-in belongs to the generation that has just begun.
        let account = self.accounts.account(&person.account).await?.ok_or(SignInError::InvalidToken)?;
        let memberships = self.accounts.memberships(&person.account).await?;
        self.open(&act, person.kind, Admitted { account, memberships, realm: person.realm() }).await
    }

    /// What unsafe requests under a sign-in's cookie must carry; the same all its life long.
    #[must_use]
    pub fn csrf_token(&self, login: &LoginId) -> Secret {
        self.csrf.mint(login)
    }

    /// Whether `token` is the CSRF token of `login`, compared in constant time.
    #[must_use]
    pub fn check_csrf(&self, login: &LoginId, token: &str) -> bool {
        self.csrf.check(login, token)
    }

    /// The keys that check access tokens, the oldest first: the one that signs, the one that will be next, and the one
    /// before as long as a token of its may hold.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](SignInError::Unavailable) when the store did not answer.
    pub async fn jwks(&self) -> Result<Vec<PublicKey>, SignInError> {
        Ok(self.keys().await?.published(self.clock.now()))
    }

    /// The keys, as they were a few seconds ago at most.
    async fn keys(&self) -> Result<Arc<KeyRing>, StorageError> {
        self.memory.keys.ring(&*self.signing_keys, &*self.clock).await
    }

    /// Checks the password, then chooses where to; nothing of the second is told before the first was right.
    async fn admit(&self, kind: AccountKind, credentials: Credentials) -> Result<Admitted, SignInError> {
        let Credentials { email, password, tenant } = credentials;
        let account = self.accounts.account_by_email(&email).await?;
        let stored = account.as_ref().and_then(|account| account.password.as_ref());
        let is_right = self.passwords.verify(password, stored).await?;
        let account = account.filter(|_| is_right).ok_or(SignInError::InvalidCredentials)?;
        let memberships = self.accounts.memberships(&account.id).await?;
        let realm = choose(kind, &account, &memberships, tenant.as_ref())?;
        Ok(Admitted { account, memberships, realm })
    }

    async fn open(&self, act: &Act, kind: AccountKind, admitted: Admitted) -> Result<Issued, SignInError> {
        let (now, id, realm) = (self.clock.now(), LoginId::new(), admitted.realm);
        let cookie = BearerToken::generate(BearerKind::Session, realm, id)?;
        let refresh = BearerToken::generate(BearerKind::Refresh, realm, id)?;
        let login = Login {
            id,
            realm,
            account: admitted.account.id,
            kind,
            generation: admitted.account.generation,
            cookie_hash: cookie.hash(),
            started_at: now,
            idle_until: later(now, IDLE),
            ends_at: later(now, LONGEST),
            ended_at: None,
        };
        let person = Person::behind(&login, admitted.account, admitted.memberships)
            .ok_or(SignInError::InvalidCredentials)?;
        let keys = self.keys().await?;
        let (hash, issued) = (refresh.hash(), self.issue(&keys, &login, person, refresh, Some(cookie), now)?);
        let act = Act { principal: issued.person.principal(), ..act.clone() };
        self.logins.open_login(&act, login, hash).await?;
        Ok(issued)
    }

    fn issue(
        &self,
        keys: &KeyRing,
        login: &Login,
        person: Person,
        refresh: BearerToken,
        cookie: Option<BearerToken>,
        now: Timestamp,
    ) -> Result<Issued, SignInError> {
        Ok(Issued {
            access_token: self.tokens.mint(keys, &AccessClaims::from(login), now)?,
            expires_in: ACCESS_TOKEN_LIFETIME,
            refresh_token: refresh.into_text(),
            cookie: cookie.map(BearerToken::into_text),
            csrf_token: self.csrf.mint(&login.id),
            person,
        })
    }

    /// A sign-in that holds, from memory or from the store.
    async fn live(&self, key: LoginKey, now: Timestamp) -> Result<Live, SignInError> {
        match self.memory.live.get(&key, now) {
            Known::Live(live) => Ok(*live),
            Known::Ended => Err(SignInError::InvalidToken),
            Known::Nothing => self.ask(key, now).await,
        }
    }

    /// A sign-in that holds, from the store.
    async fn ask(&self, key: LoginKey, now: Timestamp) -> Result<Live, SignInError> {
        // What nobody has is not remembered: names of sign-ins can be made up.
        let login = self.logins.login(&key.0, &key.1).await?.ok_or(SignInError::InvalidToken)?;
        if login.ended_at.is_some() {
            self.memory.live.end(key);
        }
        if !login.is_live(now) {
            return Err(SignInError::InvalidToken);
        }
        let account = self.accounts.account(&login.account).await?.ok_or(SignInError::InvalidToken)?;
        let memberships = self.accounts.memberships(&login.account).await?;
        let person = Person::behind(&login, account, memberships).ok_or(SignInError::InvalidToken)?;
        let live = Live { login, person, asked_at: now };
        self.memory.live.put(live.clone());
        Ok(live)
    }

    /// Lets idle time begin again, if the last time is a while ago.
    async fn touch(&self, login: &Login, now: Timestamp) -> Result<(), SignInError> {
        let (key, idle_until) = ((login.realm, login.id), later(now, IDLE));
        if idle_until < later(login.idle_until, TOUCH_EVERY) {
            return Ok(());
        }
        // First in memory, so that requests at the same time do not all write.
        self.memory.live.touch(&key, idle_until);
        match self.logins.touch_login(&key.0, &key.1, idle_until).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == StorageErrorKind::NotFound => {
                self.memory.live.end(key);
                Err(SignInError::InvalidToken)
            }
            Err(error) => {
                tracing::warn!(%error, "the use of a sign-in could not be written down");
                Ok(())
            }
        }
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn")
            .field("passwords", &self.passwords)
            .field("tokens", &self.tokens)
            .finish_non_exhaustive()
    }
}

/// Somebody whose password was right, and where they sign in to.
struct Admitted {
    account: Account,
    memberships: Vec<Membership>,
    realm: TenantId,
}

/// Decides where somebody signs in to, whose password was right.
fn choose(
    kind: AccountKind,
    account: &Account,
    memberships: &[Membership],
    named: Option<&TenantRef>,
) -> Result<TenantId, SignInError> {
    let realm = match (kind, named, memberships) {
        (AccountKind::Platform, _, _) => Some(PLATFORM_REALM),
        (AccountKind::Tenant, Some(named), _) => {
            let is_named = |membership: &&Membership| match named {
                TenantRef::Id(id) => membership.tenant == *id,
                TenantRef::Slug(slug) => membership.tenant_slug == *slug,
            };
            memberships.iter().find(is_named).map(|membership| membership.tenant)
        }
        (AccountKind::Tenant, None, [only]) => Some(only.tenant),
        (AccountKind::Tenant, None, [_, _, ..]) if account.disabled_at.is_none() => {
            return Err(SignInError::ChooseTenant(memberships.to_vec()));
        }
        (AccountKind::Tenant, None, _) => None,
    };
    realm
        .filter(|&realm| role(kind, realm, account, memberships).is_some())
        .ok_or(SignInError::InvalidCredentials)
}

#[cfg(test)]
mod tests;
