//! Sign-in over HTTP: who is behind a request, and the calls that sign in and out.

mod business;
mod own;
mod password;
mod session;
mod signed_in;

use bob_core::account::{Asked, Permission, Person, SignInError, Undecided};
use bob_core::id::TenantId;
use http::header::AUTHORIZATION;
use http::{Method, StatusCode};

use crate::cookie;
use crate::dispatch::Call;
use crate::host_principal::HostPrincipal;
use crate::problem::Problem;
use crate::request::single;
use crate::same_origin::{self, Site};

pub(crate) use business::{business, own_or_named};
pub(crate) use own::{end_others, end_own, own_sign_ins};
pub(crate) use password::{accept, change as change_password, forgot, reset};
pub(crate) use session::{jwks, logout, me, platform_login, refresh, tenant_login};
pub(crate) use signed_in::SignedIn;

/// Who is behind a request: whom the host names, or else by access token, or else by session cookie.
///
/// A bad token beside a good cookie is refused. Under the cookie, methods that change something need the CSRF token and
/// a page of this mount.
pub(crate) async fn authenticate(call: &Call) -> Result<SignedIn, Problem> {
    if let Some(host) = call.head.extensions.get::<HostPrincipal>() {
        return by_host(call, host).await;
    }
    let sign_in = &call.mounted.sign_in;
    if call.headers().contains_key(AUTHORIZATION) {
        // Two of them, or one that is not ASCII, are no proof of anybody.
        let value = single(call.headers(), AUTHORIZATION.as_str()).ok().flatten();
        let token = value.and_then(bearer).ok_or_else(Problem::sign_in_required)?;
        return Ok(sign_in.by_access_token(token).await?.into());
    }
    let name = call.mounted.mount.session_cookie();
    let cookie = cookie::read(call.headers(), &name).ok_or_else(Problem::sign_in_required)?;
    let person = sign_in.by_cookie(cookie).await?;
    if changes_something(call) {
        same_origin::require(&call.mounted.mount, call.headers(), "csrf_failed")?;
        // Two of them are none, as readers on the way may disagree which one counts.
        let token = single(call.headers(), "x-csrf-token").ok().flatten().unwrap_or_default();
        if !sign_in.check_csrf(&person.login, token) {
            return Err(Problem::forbidden("csrf_failed", "Send the session's X-CSRF-Token."));
        }
    }
    Ok(person.into())
}

/// Somebody whom the host signed in, unless they signed in to Bob too.
async fn by_host(call: &Call, host: &HostPrincipal) -> Result<SignedIn, Problem> {
    let sign_in = &call.mounted.sign_in;
    let mut two = false;
    if let Some(token) = single(call.headers(), AUTHORIZATION.as_str())?.and_then(bearer) {
        two |= holds(sign_in.by_access_token(token).await)?;
    }
    if let Some(cookie) = cookie::read(call.headers(), &call.mounted.mount.session_cookie()) {
        two |= holds(sign_in.by_cookie(cookie).await)?;
    }
    if two {
        let detail = "This request carries two sign-ins, the host's and one of Bob's own. Send one of them.";
        return Err(Problem::unauthorized("two_sign_ins", detail));
    }
    // Without a session of Bob's there is no CSRF token, so that the browser must say where it comes from.
    if host.ambient
        && changes_something(call)
        && same_origin::site(&call.mounted.mount, call.headers())? != Site::Own
    {
        let detail = "Only pages of this mount may call this address, from a browser that says so.";
        return Err(Problem::forbidden("csrf_failed", detail));
    }
    Ok(host.into())
}

/// Whether a sign-in of Bob's own holds; what is none of Bob's is the host's business.
fn holds(person: Result<Person, SignInError>) -> Result<bool, Problem> {
    match person {
        Ok(_) => Ok(true),
        Err(SignInError::InvalidToken) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn changes_something(call: &Call) -> bool {
    !matches!(call.head.method, Method::GET | Method::HEAD)
}

/// Who is behind a request, and may use a permission.
pub(crate) async fn holder(call: &Call, permission: Permission) -> Result<SignedIn, Problem> {
    let person = authenticate(call).await?;
    if may(call, &person, permission, person.tenant).await? {
        return Ok(person);
    }
    Err(Problem::permission_denied(&format!("This needs the permission {permission}.")))
}

/// The platform person behind a request, who may use a permission.
pub(crate) async fn platform_holder(call: &Call, permission: Permission) -> Result<SignedIn, Problem> {
    let person = holder(call, permission).await?;
    if person.is_of_platform() {
        return Ok(person);
    }
    let detail = format!("This needs the permission {permission} on the platform.");
    Err(Problem::permission_denied(&detail))
}

/// Whether somebody may use a permission on a business, as the mount's authoriser says.
pub(crate) async fn may(
    call: &Call,
    person: &SignedIn,
    permission: Permission,
    tenant: Option<TenantId>,
) -> Result<bool, Problem> {
    let asked = Asked::whether(person.principal(), person.permissions, permission, tenant);
    Ok(call.mounted.mount.authoriser.allows(asked).await?)
}

impl From<Undecided> for Problem {
    fn from(error: Undecided) -> Self {
        tracing::warn!(error = &error as &dyn std::error::Error, "the authoriser could not decide");
        Self::unavailable("permission_undecided", "It cannot be told at the moment who may do this.")
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::InvalidCredentials => {
                Self::unauthorized("invalid_credentials", "E-mail or password is not right.")
            }
            SignInError::ChooseTenant(_) => Self::new(
                StatusCode::CONFLICT,
                "choose_business",
                "Name one of your businesses in business_id.",
            ),
            SignInError::TooManyAttempts(limited) => {
                Self::limited("too_many_attempts", "Too many attempts to sign in. Please wait.", &limited)
            }
            SignInError::Busy => {
                Self::unavailable("busy", "Many people sign in at this moment. Please try again.")
            }
            SignInError::InvalidToken => Self::sign_in_required(),
            SignInError::WeakPassword(weak) => Self::weak_password("new_password", weak),
            SignInError::Unavailable(error) => error.into(),
            _ => Self::internal(),
        }
    }
}
