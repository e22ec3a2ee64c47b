//! Sign-in over HTTP: who is behind a request, and the calls that sign in and out.

mod business;
mod password;
mod session;

use bob_core::account::{AccountKind, Permission, Person, SignInError};
use http::Method;
use http::StatusCode;
use http::header::AUTHORIZATION;

use crate::cookie;
use crate::dispatch::Call;
use crate::problem::Problem;
use crate::request::single;
use crate::same_origin;

pub(crate) use business::{business, own_or_named};
pub(crate) use password::{accept, change as change_password, forgot, reset};
pub(crate) use session::{jwks, logout, me, platform_login, refresh, tenant_login};

/// The person behind a request: by access token, or else by session cookie.
///
/// A bad token beside a good cookie is refused. Under the cookie, methods that change something need the CSRF token and
/// a page of this mount.
pub(crate) async fn authenticate(call: &Call) -> Result<Person, Problem> {
    let sign_in = &call.mounted.sign_in;
    if let Some(value) = single(call.headers(), AUTHORIZATION.as_str())? {
        let token = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, token) = token.ok_or_else(Problem::sign_in_required)?;
        return Ok(sign_in.by_access_token(token.trim()).await?);
    }
    let name = call.mounted.mount.session_cookie();
    let cookie = cookie::read(call.headers(), &name).ok_or_else(Problem::sign_in_required)?;
    let person = sign_in.by_cookie(cookie).await?;
    if !matches!(call.head.method, Method::GET | Method::HEAD) {
        same_origin::require(&call.mounted.mount, call.headers(), "csrf_failed")?;
        let token = single(call.headers(), "x-csrf-token")?.unwrap_or_default();
        if !sign_in.check_csrf(&person.login, token) {
            return Err(Problem::forbidden("csrf_failed", "Send the session's X-CSRF-Token."));
        }
    }
    Ok(person)
}

/// The person behind a request, who holds a permission.
pub(crate) async fn holder(call: &Call, permission: Permission) -> Result<Person, Problem> {
    let person = authenticate(call).await?;
    if person.permissions.contains(permission) {
        return Ok(person);
    }
    Err(Problem::permission_denied(&format!("This needs the permission {permission}.")))
}

/// The platform person behind a request, who holds a permission.
pub(crate) async fn platform_holder(call: &Call, permission: Permission) -> Result<Person, Problem> {
    let person = holder(call, permission).await?;
    if person.kind == AccountKind::Platform {
        return Ok(person);
    }
    let detail = format!("This needs the permission {permission} on the platform.");
    Err(Problem::permission_denied(&detail))
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
