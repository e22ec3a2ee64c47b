//! The calls that set passwords: with the current one, or with a one-time link.

use bob_core::account::SignInError;
use bob_core::act::{Act, Principal};
use bob_core::id::AccountId;
use bob_core::secret::Secret;
use http::{Response, StatusCode};
use uuid::Uuid;

use super::session::{answer, body};
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::problem::Problem;
use crate::wire::password::{ForgotRequest, InvitationRequest, PasswordRequest, ResetRequest};
use crate::wire::people;

/// `POST /api/auth/password`
pub(crate) async fn change(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let (person, act) = (call.own_person()?.clone(), call.deed()?);
    let request: PasswordRequest = body(&mut call).await?;
    let (current, new) = (Secret::new(request.current_password), Secret::new(request.new_password));
    let (bob, sign_in) = (&call.mounted.bob, &call.mounted.sign_in);
    let changed = sign_in.change_password(&act, &person, current, new, call.client()).await;
    bob.people().tell_failed_sign_ins();
    match changed {
        Ok(issued) => {
            bob.people().tell_password_changed(person.email);
            answer(&call, &issued)
        }
        // Who calls is known; what they say they know is not right.
        Err(SignInError::InvalidCredentials) => {
            Err(Problem::forbidden("current_password_wrong", "The current password is not right."))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /api/auth/forgot`: answers the same whether the address is known or not, before it is looked up.
pub(crate) async fn forgot(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let request: ForgotRequest = body(&mut call).await?;
    let url = call.mounted.mount.canonical();
    // What cannot be an address is answered like one that nobody has.
    if let Ok(email) = request.email.parse() {
        call.mounted.bob.people().forgot(&nobody(&call), email, call.client(), url)?;
    }
    Ok(empty(StatusCode::ACCEPTED))
}

/// `POST /api/auth/invitation`
pub(crate) async fn accept(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let InvitationRequest { token, password, name } = body(&mut call).await?;
    let name = name.as_deref().map(people::name).transpose()?;
    let people = call.mounted.bob.people();
    people.accept(&nobody(&call), &token, Secret::new(password), name).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `POST /api/auth/reset`
pub(crate) async fn reset(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let ResetRequest { token, password } = body(&mut call).await?;
    call.mounted.bob.people().reset(&nobody(&call), &token, Secret::new(password)).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// A deed of somebody whom the service finds out, and then records as their own.
fn nobody(call: &Call) -> Act {
    call.act(Principal::Account(AccountId::from_uuid(Uuid::nil())))
}

fn empty(status: StatusCode) -> Response<BobBody> {
    let mut response = Response::new(BobBody::default());
    *response.status_mut() = status;
    response
}
