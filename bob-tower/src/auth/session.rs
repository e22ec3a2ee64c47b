//! The calls that sign in, refresh, look and sign out.

use bob_core::account::{AccountKind, Credentials, Issued, LONGEST, SignInError};
use bob_core::act::Principal;
use bob_core::id::AccountId;
use http::header::{CACHE_CONTROL, HeaderValue, SET_COOKIE};
use http::{Response, StatusCode};
use std::time::Duration;
use uuid::Uuid;

use crate::body::BobBody;
use crate::cookie;
use crate::dispatch::Call;
use crate::problem::Problem;
use crate::request::{parse_json, require_json};
use crate::wire::json;
use crate::wire::sign_in::{
    ChooseView, CustomerLoginRequest, IssuedView, JwksView, LoginRequest, MeView, RefreshRequest,
};

/// `POST /api/auth/login`
pub(crate) async fn platform_login(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let request: LoginRequest = body(&mut call).await?;
    let credentials = request.try_into()?;
    login(&call, AccountKind::Platform, credentials).await
}

/// `POST /api/customers/auth/login`
pub(crate) async fn tenant_login(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let request: CustomerLoginRequest = body(&mut call).await?;
    let credentials = request.try_into()?;
    login(&call, AccountKind::Tenant, credentials).await
}

async fn login(
    call: &Call,
    kind: AccountKind,
    credentials: Option<Credentials>,
) -> Result<Response<BobBody>, Problem> {
    // An address or a business that cannot exist is answered like one that does not.
    let Some(credentials) = credentials else { return Err(SignInError::InvalidCredentials.into()) };
    // The service records the act as the person's own once it knows them.
    let act = call.act(Principal::Account(AccountId::from_uuid(Uuid::nil())));
    let issued = call.mounted.sign_in.login(&act, kind, credentials, call.client()).await;
    call.mounted.bob.people().tell_failed_sign_ins();
    match issued {
        Ok(issued) => answer(call, &issued),
        Err(SignInError::ChooseTenant(memberships)) => {
            let problem = Problem::from(SignInError::ChooseTenant(Vec::new()));
            json(StatusCode::CONFLICT, &ChooseView::new(problem.view(&call.request_id), &memberships))
                .map(as_problem)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /api/auth/refresh`
pub(crate) async fn refresh(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let request: RefreshRequest = body(&mut call).await?;
    let act = call.act(Principal::Account(AccountId::from_uuid(Uuid::nil())));
    let issued = call.mounted.sign_in.refresh(&act, &request.refresh_token).await?;
    answer(&call, &issued)
}

/// `POST /api/auth/logout`
pub(crate) async fn logout(call: Call) -> Result<Response<BobBody>, Problem> {
    let person = call.own_person()?;
    let act = call.deed()?;
    call.mounted.sign_in.logout(&act, person).await?;
    let mut response = Response::new(BobBody::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    set_cookie(&call, &mut response, "", Duration::ZERO);
    Ok(response)
}

/// `GET /api/auth/me`
pub(crate) async fn me(call: Call) -> Result<Response<BobBody>, Problem> {
    let person = call.own_person()?;
    let csrf = call.mounted.sign_in.csrf_token(&person.login);
    json(StatusCode::OK, &MeView::new(person, csrf.expose()))
}

/// `GET /.well-known/jwks.json`
pub(crate) async fn jwks(call: Call) -> Result<Response<BobBody>, Problem> {
    let keys = call.mounted.sign_in.jwks().await?;
    let mut response = json(StatusCode::OK, &JwksView::from(keys))?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    Ok(response)
}

pub(super) async fn body<T: serde::de::DeserializeOwned>(call: &mut Call) -> Result<T, Problem> {
    require_json(call.headers())?;
    let body = call.read_body().await?;
    parse_json(&body)
}

pub(super) fn answer(call: &Call, issued: &Issued) -> Result<Response<BobBody>, Problem> {
    let mut response = json(StatusCode::OK, &IssuedView::from(issued))?;
    if let Some(cookie) = &issued.cookie {
        set_cookie(call, &mut response, cookie.expose(), LONGEST);
    }
    Ok(response)
}

fn set_cookie(call: &Call, response: &mut Response<BobBody>, value: &str, max_age: Duration) {
    let mount = &call.mounted.mount;
    // The prefix __Host- holds for the path / only; the mount's suffix in the name keeps mounts apart.
    if let Some(line) = cookie::write(&mount.session_cookie(), value, "/", mount.is_secure(), max_age) {
        response.headers_mut().append(SET_COOKIE, line);
    }
}

fn as_problem(mut response: Response<BobBody>) -> Response<BobBody> {
    let problem = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, problem);
    response
}
