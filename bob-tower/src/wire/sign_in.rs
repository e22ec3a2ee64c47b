//! Sign-in on the wire.

use bob_core::account::{
    Credentials, Issued, Login, Membership, PLATFORM_REALM, Permission, Person, PublicKey,
};
use bob_core::id::LoginId;
use bob_core::secret::Secret;
use bob_core::tenant::TenantRef;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::SignedIn;
use crate::problem::{Problem, ProblemView};

/// What platform people send.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginRequest {
    email: String,
    password: String,
}

/// What a business's people send.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomerLoginRequest {
    email: String,
    password: String,
    #[serde(default)]
    business_id: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshRequest {
    pub(crate) refresh_token: String,
}

impl TryFrom<LoginRequest> for Option<Credentials> {
    type Error = Problem;

    fn try_from(LoginRequest { email, password }: LoginRequest) -> Result<Self, Problem> {
        CustomerLoginRequest { email, password, business_id: None }.try_into()
    }
}

/// `None` when no account can have that address, or no business that name.
impl TryFrom<CustomerLoginRequest> for Option<Credentials> {
    type Error = Problem;

    fn try_from(request: CustomerLoginRequest) -> Result<Self, Problem> {
        let password = Secret::new(request.password);
        if !(1..=1_024).contains(&password.expose().len()) {
            return Err(Problem::field("password", "A password has 1 to 1,024 bytes."));
        }
        let Ok(email) = request.email.parse() else { return Ok(None) };
        let tenant = request.business_id.map(|named| named.parse::<TenantRef>()).transpose();
        Ok(tenant.ok().map(|tenant| Credentials { email, password, tenant }))
    }
}

/// What a sign-in answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedView<'a> {
    token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    refresh_token: &'a str,
    csrf_token: &'a str,
    user: UserView<'a>,
    memberships: Vec<MembershipView<'a>>,
}

impl<'a> From<&'a Issued> for IssuedView<'a> {
    fn from(issued: &'a Issued) -> Self {
        Self {
            token: issued.access_token.expose(),
            token_type: "Bearer",
            expires_in: issued.expires_in.as_secs(),
            refresh_token: issued.refresh_token.expose(),
            csrf_token: issued.csrf_token.expose(),
            user: (&issued.person).into(),
            memberships: issued.person.memberships.iter().map(Into::into).collect(),
        }
    }
}

#[derive(Serialize, ToSchema)]
struct UserView<'a> {
    id: String,
    /// Nothing for people whom the embedding host signed in.
    email: Option<&'a str>,
    name: &'a str,
    kind: &'static str,
    tenant_id: Option<String>,
    /// One, or none for people whom the embedding host signed in.
    roles: Vec<&'static str>,
    permissions: Vec<&'static str>,
}

impl<'a> From<&'a Person> for UserView<'a> {
    fn from(person: &'a Person) -> Self {
        Self {
            id: person.account.to_string(),
            email: Some(person.email.as_str()),
            name: &person.name,
            kind: person.kind.as_str(),
            tenant_id: person.tenant.map(|tenant| tenant.to_string()),
            roles: vec![person.role.as_str()],
            permissions: person.permissions.iter().map(Permission::as_str).collect(),
        }
    }
}

#[derive(Serialize, ToSchema)]
struct MembershipView<'a> {
    tenant_id: String,
    slug: &'a str,
    name: &'a str,
    role: &'static str,
}

impl<'a> From<&'a Membership> for MembershipView<'a> {
    fn from(membership: &'a Membership) -> Self {
        Self {
            tenant_id: membership.tenant.to_string(),
            slug: membership.tenant_slug.as_str(),
            name: &membership.tenant_name,
            role: membership.role.as_str(),
        }
    }
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeView<'a> {
    user: UserView<'a>,
    memberships: Vec<MembershipView<'a>>,
    /// Nothing for people whom the embedding host signed in.
    csrf_token: Option<&'a str>,
}

impl<'a> MeView<'a> {
    pub(crate) fn new(person: &'a Person, csrf_token: &'a str) -> Self {
        let memberships = person.memberships.iter().map(Into::into).collect();
        Self { user: person.into(), memberships, csrf_token: Some(csrf_token) }
    }

    /// Somebody whom the embedding host signed in.
    pub(crate) fn of_host(person: &'a SignedIn) -> Self {
        let user = UserView {
            id: person.principal().id().to_string(),
            email: None,
            name: &person.name,
            kind: person.kind.as_str(),
            tenant_id: person.tenant.map(|tenant| tenant.to_string()),
            roles: Vec::new(),
            permissions: person.permissions.iter().map(Permission::as_str).collect(),
        };
        Self { user, memberships: Vec::new(), csrf_token: None }
    }
}

/// The problem of belonging to several businesses, with their list.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChooseView<'a> {
    #[serde(flatten)]
    problem: ProblemView<'a>,
    memberships: Vec<MembershipView<'a>>,
}

impl<'a> ChooseView<'a> {
    pub(crate) fn new(problem: ProblemView<'a>, memberships: &'a [Membership]) -> Self {
        Self { problem, memberships: memberships.iter().map(Into::into).collect() }
    }
}

/// One of a person's own sign-ins.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnSignInView {
    id: String,
    kind: &'static str,
    /// The business it is for; nothing on the platform.
    tenant_id: Option<String>,
    started_at: String,
    /// When it ends unless it is used before.
    idle_until: String,
    /// When it ends in any case.
    ends_at: String,
    /// Whether it is the one that asks.
    current: bool,
}

impl OwnSignInView {
    pub(crate) fn new(login: &Login, current: &LoginId) -> Self {
        Self {
            id: login.id.to_string(),
            kind: login.kind.as_str(),
            tenant_id: (login.realm != PLATFORM_REALM).then(|| login.realm.to_string()),
            started_at: login.started_at.to_string(),
            idle_until: login.idle_until.to_string(),
            ends_at: login.ends_at.to_string(),
            current: login.id == *current,
        }
    }
}

/// What ending one's other sign-ins answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct EndedView {
    /// How many there were.
    pub(crate) ended: usize,
}

/// Public keys (RFC 7517, RFC 8037).
#[derive(Serialize, ToSchema)]
pub(crate) struct JwksView {
    keys: Vec<JwkView>,
}

#[derive(Serialize, ToSchema)]
struct JwkView {
    kty: &'static str,
    crv: &'static str,
    alg: &'static str,
    r#use: &'static str,
    kid: String,
    x: String,
}

impl From<Vec<PublicKey>> for JwksView {
    fn from(keys: Vec<PublicKey>) -> Self {
        let keys = keys.into_iter().map(|key| JwkView {
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            r#use: "sig",
            kid: key.kid,
            x: key.x,
        });
        Self { keys: keys.collect() }
    }
}
