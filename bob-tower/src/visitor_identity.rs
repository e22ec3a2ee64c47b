//! How a business's visitors prove who they are: what is decided, and the secrets.

use bob_core::id::{IdentitySecretId, TenantId};
use bob_core::identity::{
    IdentityChange, IdentityChanged, IdentityPolicy, IdentityRefusal, IdentitySecret, IdentitySettings,
};
use bob_core::secret::Secret;
use http::{Response, StatusCode};

use crate::auth::business;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::etag::{mark_version, wanted_version};
use crate::problem::Problem;
use crate::request::{parse_json, require_json};
use crate::wire::identity::{
    IdentitySecretRequest, NewIdentitySecretView, VisitorIdentityRequest, VisitorIdentityView,
};
use crate::wire::json;

/// `GET /api/customer-portal/visitor-identity`
pub(crate) async fn read(call: Call) -> Result<Response<BobBody>, Problem> {
    let tenant = business(&call).await?;
    shown(&call, tenant.tenant.id, &tenant.identity)
}

/// `PUT /api/customer-portal/visitor-identity`
pub(crate) async fn decide(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    let body = call.read_body().await?;
    let policy: IdentityPolicy = parse_json::<VisitorIdentityRequest>(&body)?.try_into()?;
    let tenant = business(&call).await?.tenant.id;
    let settings = change(&call, tenant, IdentityChange::Decide(Box::new(policy))).await?;
    shown(&call, tenant, &settings)
}

/// `POST /api/customer-portal/visitor-identity/secrets`: the answer is the only one that shows the secret.
pub(crate) async fn add_secret(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let body = call.read_body().await?;
    let request: IdentitySecretRequest = if body.is_empty() {
        IdentitySecretRequest::default()
    } else {
        require_json(call.headers())?;
        parse_json(&body)?
    };
    let tenant = business(&call).await?.tenant.id;
    let now = call.mounted.bob.clock().now();
    let secret = match request.secret {
        Some(text) => IdentitySecret::given(Secret::new(text), now)
            .map_err(|error| Problem::field("secret", error.to_string()))?,
        None => IdentitySecret::generate(now).map_err(|_| Problem::internal())?,
    };
    let settings = change(&call, tenant, IdentityChange::Add(secret.clone())).await?;
    let mut response = json(StatusCode::CREATED, &NewIdentitySecretView::from(&secret))?;
    mark_version(response.headers_mut(), settings.version);
    Ok(response)
}

/// `DELETE /api/customer-portal/visitor-identity/secrets/{secret}`
pub(crate) async fn remove_secret(call: Call) -> Result<Response<BobBody>, Problem> {
    let tenant = business(&call).await?.tenant.id;
    let secret: IdentitySecretId = call.param("secret").parse().map_err(|_| Problem::not_found())?;
    let settings = change(&call, tenant, IdentityChange::Remove(secret)).await?;
    let mut response = Response::new(BobBody::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    mark_version(response.headers_mut(), settings.version);
    Ok(response)
}

async fn change(call: &Call, tenant: TenantId, change: IdentityChange) -> Result<IdentitySettings, Problem> {
    let removes = matches!(change, IdentityChange::Remove(_));
    let (act, expected) = (call.deed()?, wanted_version(call.headers())?);
    let changed = call.mounted.bob.storage().change_identity(&act, &tenant, expected, change).await?;
    call.mounted.bob.directory().forget(&tenant);
    let conflict = |code, why: IdentityRefusal| Problem::new(StatusCode::CONFLICT, code, format!("{why}."));
    match changed {
        IdentityChanged::Changed(settings) => Ok(settings),
        IdentityChanged::Refused(IdentityRefusal::UnknownSecret) => Err(Problem::not_found()),
        IdentityChanged::Refused(why @ IdentityRefusal::NoKey) if removes => {
            Err(conflict("last_identity_key", why))
        }
        IdentityChanged::Refused(why @ IdentityRefusal::NoKey) => {
            Err(Problem::field("mode", format!("{why}.")))
        }
        IdentityChanged::Refused(why) => Err(conflict("too_many_secrets", why)),
        _ => Err(Problem::internal()),
    }
}

fn shown(call: &Call, tenant: TenantId, settings: &IdentitySettings) -> Result<Response<BobBody>, Problem> {
    let counts = call.mounted.bob.identities().counts(tenant);
    let mut response = json(StatusCode::OK, &VisitorIdentityView::new(tenant, settings, counts))?;
    mark_version(response.headers_mut(), settings.version);
    Ok(response)
}
