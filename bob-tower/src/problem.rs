//! Problem documents (RFC 9457): what Bob answers when it cannot do what was asked.
//!
//! The only place that knows which failure of the libraries below has which HTTP status. A detail helps a person and never carries SQL, paths,
//! secrets or another tenant's data.

use std::time::Duration;

use bob_core::account::WeakPassword;
use bob_core::chat::SendError;
use bob_core::conversation::Hindrance;
use bob_core::id::TurnId;
use bob_core::life::NotRunning;
use bob_core::limit::Limited;
use bob_core::people::PeopleError;
use bob_core::persona::PersonaError;
use bob_core::storage::{StorageError, StorageErrorKind};
use bob_core::turn::TurnFailure;
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::BobBody;
use crate::rate_limit::{self, whole_seconds};
use crate::wire::inbox::SpeakerView;

/// One failure of a request; boxed, since it is the rarer half of every result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    turn: Option<TurnId>,
    speaker: Option<(SpeakerView, u64)>,
    retry_after: Option<Duration>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// One field of a request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// A JSON Pointer (RFC 6901) into the body.
    pub(crate) pointer: String,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
}

/// A problem as JSON.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemView<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    turn_id: Option<String>,
    /// Who speaks in the conversation instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<&'a SpeakerView>,
    /// How often who speaks has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    errors: &'a [FieldError],
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let (errors, headers) = (Vec::new(), Vec::new());
        let detail = detail.into();
        Self(Box::new(Parts {
            status,
            code,
            detail,
            errors,
            turn: None,
            speaker: None,
            retry_after: None,
            headers,
        }))
    }

    pub(crate) fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub(crate) fn unauthorized(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    /// A 401 that tells a client to send a bearer token (RFC 6750).
    pub(crate) fn sign_in_required() -> Self {
        Self::unauthorized("unauthorized", "Sign in, or send a valid access token.")
            .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    pub(crate) fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// Who signed in may not do this; the detail names the permission.
    pub(crate) fn permission_denied(detail: &str) -> Self {
        Self::forbidden("permission_denied", detail)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here.")
    }

    pub(crate) fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// The caller's `If-Match` names another version than the current one.
    pub(crate) fn precondition_failed() -> Self {
        let detail = "It has changed since you read it. Read it again, then decide.";
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail)
    }

    /// What is wanted does not go together with what is there.
    pub(crate) fn conflict(code: &'static str, detail: &str) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// The business's doors are closed.
    pub(crate) fn tenant_suspended() -> Self {
        let detail = "This business does not answer here at the moment. Please reach it another way.";
        Self::forbidden("tenant_suspended", detail)
    }

    /// The call could be about any business.
    pub(crate) fn tenant_required() -> Self {
        Self::unprocessable("tenant_required", "Name the business in business_id.")
    }

    /// The key was used before, for something else.
    pub(crate) fn idempotency_mismatch() -> Self {
        Self::unprocessable(
            "idempotency_mismatch",
            "This Idempotency-Key was used with another body. Use a new key for something new.",
        )
    }

    /// More would be taken back than is left.
    pub(crate) fn credits_insufficient() -> Self {
        let detail = "Less is left than this would take back. Open turns hold what they may still use.";
        Self::new(StatusCode::CONFLICT, "credits_insufficient", detail)
    }

    /// More would have been granted in all than can be.
    pub(crate) fn credits_excessive() -> Self {
        Self::field("amount_millicredits", "With this, more would be granted than can be counted.")
    }

    /// A body whose fields are wrong.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let code = errors.first().map_or("validation_failed", |first| match first.code {
            "unknown_field" => "unknown_field",
            _ => "validation_failed",
        });
        let mut problem = Self::unprocessable(code, "The body does not fit; see errors.");
        problem.0.errors = errors;
        problem
    }

    /// One wrong field at the top of the body.
    pub(crate) fn field(name: &str, detail: impl Into<String>) -> Self {
        let pointer = format!("/{name}");
        Self::invalid(vec![FieldError { pointer, code: "invalid", detail: detail.into() }])
    }

    /// A password that may not be set, in the field of this name.
    pub(crate) fn weak_password(field: &str, weak: WeakPassword) -> Self {
        let (code, detail) = match weak {
            WeakPassword::Short => ("password_too_short", "A password has at least 8 characters."),
            WeakPassword::Long => ("password_too_long", "A password has at most 128 characters."),
            WeakPassword::Common => {
                ("password_common", "This password is one of the commonest. Choose another one.")
            }
            _ => (
                "password_guessable",
                "A password holds neither its owner's address or name nor the business's name.",
            ),
        };
        Self::invalid(vec![FieldError { pointer: format!("/{field}"), code, detail: detail.to_owned() }])
    }

    /// The same for fields that stand at `at` of the body.
    pub(crate) fn below(mut self, at: &str) -> Self {
        for error in &mut self.0.errors {
            error.pointer.insert_str(0, at);
        }
        self
    }

    pub(crate) fn method_not_allowed(allow: &str) -> Self {
        let allow = HeaderValue::from_str(allow).unwrap_or(HeaderValue::from_static("GET"));
        let detail = "This address does not take that method; see Allow.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).with_header(ALLOW, allow)
    }

    pub(crate) fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(Duration::from_secs(2))
    }

    pub(crate) fn internal() -> Self {
        let detail = "Something went wrong here. The request id finds it in the server's log.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail)
    }

    /// A limit is used up; says which, and when to try again.
    pub(crate) fn limited(code: &'static str, detail: &str, limited: &Limited) -> Self {
        let mut problem =
            Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail).retry_after(limited.retry_after);
        problem.0.headers.extend(rate_limit::refusal(limited));
        problem
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    pub(crate) fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    pub(crate) fn about(mut self, turn: TurnId) -> Self {
        self.0.turn = Some(turn);
        self
    }

    /// Somebody else speaks: who, and under which epoch.
    pub(crate) fn spoken_by(mut self, speaker: SpeakerView, epoch: u64) -> Self {
        self.0.speaker = Some((speaker, epoch));
        self
    }

    /// The problem as JSON, as the last event of a stream or the body of an answer.
    pub(crate) fn view<'a>(&'a self, request_id: &'a str) -> ProblemView<'a> {
        ProblemView {
            r#type: format!("urn:bob:problem:{}", self.0.code),
            title: self.0.status.canonical_reason().unwrap_or("Error"),
            status: self.0.status.as_u16(),
            code: self.0.code,
            detail: &self.0.detail,
            request_id,
            turn_id: self.0.turn.map(|turn| turn.to_string()),
            speaker: self.0.speaker.as_ref().map(|(speaker, _)| speaker),
            epoch: self.0.speaker.as_ref().map(|(_, epoch)| *epoch),
            errors: &self.0.errors,
        }
    }

    pub(crate) fn into_response(self, request_id: &str) -> Response<BobBody> {
        let body = serde_json::to_vec(&self.view(request_id)).unwrap_or_default();
        let mut response = Response::new(BobBody::from(body));
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(after) = self.0.retry_after {
            headers.insert(RETRY_AFTER, whole_seconds(after).into());
        }
        headers.extend(self.0.headers);
        response
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        match error.kind() {
            StorageErrorKind::NotFound => Self::not_found(),
            StorageErrorKind::Conflict => {
                Self::new(StatusCode::CONFLICT, "conflict", "It changed meanwhile.")
            }
            StorageErrorKind::Stale => Self::precondition_failed(),
            StorageErrorKind::Unavailable => {
                tracing::warn!(error = ?error, "the storage is unavailable");
                Self::unavailable("storage_unavailable", "Nothing was stored. Please try again.")
            }
            _ => {
                tracing::error!(error = ?error, "the storage failed");
                Self::internal()
            }
        }
    }
}

impl From<PeopleError> for Problem {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::InvalidLink => Self::unprocessable(
                "link_invalid",
                "The link was used before, has expired or was never made. Ask for a new one.",
            ),
            PeopleError::Weak(weak) => Self::weak_password("password", weak),
            PeopleError::AlreadyMember => {
                Self::conflict("already_member", "Somebody with this address belongs to it already.")
            }
            PeopleError::NoSeat => Self::conflict(
                "seat_limit",
                "All seats of the plan are taken. Remove somebody, or change the plan.",
            ),
            PeopleError::NotInvited => {
                Self::conflict("not_invited", "This person is not waiting for an invitation.")
            }
            PeopleError::LastOwner => Self::conflict(
                "last_owner",
                "One owner who can sign in must stay. Make somebody else an owner first.",
            ),
            PeopleError::TooMany(limited) => {
                Self::limited("too_many_attempts", "Too many attempts. Please wait.", &limited)
            }
            PeopleError::Busy => {
                Self::unavailable("busy", "Many people sign in at this moment. Please try again.")
            }
            PeopleError::NotRunning(state) => state.into(),
            PeopleError::Storage(error) => error.into(),
            _ => Self::internal(),
        }
    }
}

impl From<PersonaError> for Problem {
    fn from(error: PersonaError) -> Self {
        let code = match error {
            PersonaError::Template(_) => "invalid_template",
            _ => "invalid",
        };
        let pointer = format!("/{}", error.field());
        Self::invalid(vec![FieldError { pointer, code, detail: format!("{error}.") }])
    }
}

impl From<NotRunning> for Problem {
    fn from(state: NotRunning) -> Self {
        match state {
            NotRunning::Draining => Self::unavailable("shutting_down", "The server is being stopped."),
            _ => Self::unavailable("not_started", "The server is starting."),
        }
    }
}

impl From<SendError> for Problem {
    fn from(error: SendError) -> Self {
        let conflict = |code, detail: &str, turn, after| {
            Self::new(StatusCode::CONFLICT, code, detail).about(turn).retry_after(after)
        };
        match error {
            SendError::NotRunning(state) => state.into(),
            SendError::Closed => Self::tenant_suspended(),
            SendError::Storage(error) => error.into(),
            SendError::Busy { turn, retry_after } => conflict(
                "conversation_busy",
                "The previous message is still being answered.",
                turn,
                retry_after,
            ),
            SendError::InProgress { turn, retry_after } => {
                conflict("turn_in_progress", "This very message is still being answered.", turn, retry_after)
            }
            SendError::IdempotencyMismatch => Self::idempotency_mismatch(),
            _ => Self::internal(),
        }
    }
}

impl From<TurnFailure> for Problem {
    fn from(failure: TurnFailure) -> Self {
        match failure {
            TurnFailure::Superseded => {
                let detail = "Somebody else took over the conversation while this was being answered.";
                Self::new(StatusCode::CONFLICT, "turn_superseded", detail)
            }
            TurnFailure::Cancelled => {
                Self::unavailable("turn_cancelled", "The answer was given up. Please ask again.")
            }
            _ => {
                Self::unavailable("storage_unavailable", "The answer could not be stored. Please ask again.")
            }
        }
    }
}

impl From<Hindrance> for Problem {
    fn from(hindrance: Hindrance) -> Self {
        let conflict = |code, detail: &str| Self::new(StatusCode::CONFLICT, code, detail);
        match hindrance {
            Hindrance::Closed => {
                conflict("conversation_closed", "It is closed until its visitor writes again.")
            }
            Hindrance::Taken => conflict(
                "conversation_taken",
                "A colleague has it. Name the epoch you saw to take it from them.",
            ),
            Hindrance::NotTheOwner => conflict("not_the_owner", "Somebody else speaks here. Take it first."),
            Hindrance::Answering => {
                conflict("conversation_busy", "Bob is answering.").retry_after(Duration::from_secs(2))
            }
            Hindrance::Stale => Self::precondition_failed(),
            _ => Self::internal(),
        }
    }
}

impl From<Limited> for Problem {
    fn from(limited: Limited) -> Self {
        Self::limited("rate_limited", "Too many calls. Please wait a moment.", &limited)
    }
}
