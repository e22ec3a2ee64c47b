//! The calls about one's own sign-ins: which there are, and ending them from elsewhere.

use bob_core::id::LoginId;
use http::{Response, StatusCode};

use crate::body::BobBody;
use crate::dispatch::Call;
use crate::page::IdPageQuery;
use crate::problem::Problem;
use crate::wire::sign_in::{EndedView, OwnSignInView};
use crate::wire::{ListView, json};

/// `GET /api/auth/sessions`
pub(crate) async fn own_sign_ins(call: Call) -> Result<Response<BobBody>, Problem> {
    let person = call.own_person()?;
    let IdPageQuery { limit, after } = IdPageQuery::read(call.head.uri.query())?;
    let after = after.map(LoginId::from_uuid);
    // One more than is shown tells whether there is a next page.
    let mut logins = call.mounted.sign_in.own_sign_ins(person, after, limit + 1).await?;
    let more = logins.len() > limit as usize;
    logins.truncate(limit as usize);
    let last = logins.last().filter(|_| more).map(|login| login.id.to_string());
    let items = logins.iter().map(|login| OwnSignInView::new(login, &person.login)).collect();
    json(StatusCode::OK, &ListView { items, next_cursor: last })
}

/// `DELETE /api/auth/sessions/{sign_in}`
pub(crate) async fn end_own(call: Call) -> Result<Response<BobBody>, Problem> {
    let person = call.own_person()?;
    let named =
        call.params.iter().find(|(name, _)| name == "sign_in").map(|(_, value)| value.parse::<LoginId>());
    let Some(Ok(login)) = named else { return Err(Problem::not_found()) };
    if !call.mounted.sign_in.end_own_sign_in(&call.deed()?, person, &login).await? {
        return Err(Problem::not_found());
    }
    let mut response = Response::new(BobBody::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// `POST /api/auth/sessions/end-others`
pub(crate) async fn end_others(call: Call) -> Result<Response<BobBody>, Problem> {
    let ended = call.mounted.sign_in.end_other_sign_ins(&call.deed()?, call.own_person()?).await?;
    json(StatusCode::OK, &EndedView { ended })
}
