//! Choosing passwords, on the wire.

use serde::Deserialize;
use utoipa::ToSchema;

/// Another password, by somebody who is signed in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordRequest {
    pub(crate) current_password: String,
    pub(crate) new_password: String,
}

/// Whose password is forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForgotRequest {
    pub(crate) email: String,
}

/// The first password, with an invitation's token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitationRequest {
    pub(crate) token: String,
    pub(crate) password: String,
    /// How they call themselves.
    #[serde(default)]
    pub(crate) name: Option<String>,
}

/// Another password, with a reset link's token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetRequest {
    pub(crate) token: String,
    pub(crate) password: String,
}
