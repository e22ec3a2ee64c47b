//! Who belongs to a business, and to the platform: inviting, changing, removing.

use bob_core::account::{MemberChange, PLATFORM_REALM, Role};
use bob_core::id::{AccountId, TenantId};
use bob_core::people::Realm;
use bob_core::pricebook::Allowance;
use bob_core::tenant::Tenant;
use http::{Response, StatusCode};

use crate::auth::business;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::etag::{mark_version, wanted_version};
use crate::page::IdPageQuery;
use crate::problem::Problem;
use crate::request::{parse_json, require_json};
use crate::wire::people::{
    AccountRequest, InviteRequest, InvitedView, MemberRequest, MemberView, ReadRole, platform_role,
    tenant_role,
};
use crate::wire::{ListView, json};

/// `GET /api/users?limit=&cursor=`
pub(crate) async fn list(call: Call) -> Result<Response<BobBody>, Problem> {
    let realm = business(&call).await?.tenant.id;
    list_of(&call, &realm).await
}

/// `GET /api/users/{id}`
pub(crate) async fn one(call: Call) -> Result<Response<BobBody>, Problem> {
    let realm = business(&call).await?.tenant.id;
    one_of(&call, &realm).await
}

/// `POST /api/users`
pub(crate) async fn invite(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let request: InviteRequest = body(&mut call).await?;
    let realm = tenant_realm(&call).await?;
    invite_to(&call, &realm, request, tenant_role).await
}

/// `POST /api/users/{id}/invite`
pub(crate) async fn invite_again(call: Call) -> Result<Response<BobBody>, Problem> {
    let realm = tenant_realm(&call).await?;
    invite_again_to(&call, &realm).await
}

/// `PATCH /api/users/{id}`
pub(crate) async fn change(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let request: MemberRequest = body(&mut call).await?;
    let realm = business(&call).await?.tenant.id;
    change_in(&call, &realm, request, tenant_role).await
}

/// `DELETE /api/users/{id}`
pub(crate) async fn remove(call: Call) -> Result<Response<BobBody>, Problem> {
    let realm = business(&call).await?.tenant.id;
    remove_from(&call, &realm).await
}

/// `GET /api/platform/users?limit=&cursor=`
pub(crate) async fn platform_list(call: Call) -> Result<Response<BobBody>, Problem> {
    list_of(&call, &PLATFORM_REALM).await
}

/// `GET /api/platform/users/{id}`
pub(crate) async fn platform_one(call: Call) -> Result<Response<BobBody>, Problem> {
    one_of(&call, &PLATFORM_REALM).await
}

/// `POST /api/platform/users`
pub(crate) async fn platform_invite(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let request: InviteRequest = body(&mut call).await?;
    invite_to(&call, &platform_realm(&call), request, platform_role).await
}

/// `POST /api/platform/users/{id}/invite`
pub(crate) async fn platform_invite_again(call: Call) -> Result<Response<BobBody>, Problem> {
    invite_again_to(&call, &platform_realm(&call)).await
}

/// `PATCH /api/platform/users/{id}`
pub(crate) async fn platform_change(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let request: MemberRequest = body(&mut call).await?;
    change_in(&call, &PLATFORM_REALM, request, platform_role).await
}

/// `DELETE /api/platform/users/{id}`
pub(crate) async fn platform_remove(call: Call) -> Result<Response<BobBody>, Problem> {
    remove_from(&call, &PLATFORM_REALM).await
}

/// `PATCH /api/platform/accounts/{id}`: shuts a whole person out, whatever they belong to, or lets them in again.
pub(crate) async fn disable(mut call: Call) -> Result<Response<BobBody>, Problem> {
    let AccountRequest { disabled } = body(&mut call).await?;
    let account = account(&call)?;
    call.mounted.bob.people().disable(&call.deed()?, &account, disabled).await?;
    Ok(nothing())
}

async fn list_of(call: &Call, realm: &TenantId) -> Result<Response<BobBody>, Problem> {
    let IdPageQuery { limit, after } = IdPageQuery::read(call.head.uri.query())?;
    let after = after.map(AccountId::from_uuid);
    let mut members = call.mounted.bob.storage().members(realm, after, limit + 1).await?;
    let has_more = members.len() > limit as usize;
    members.truncate(limit as usize);
    let next_cursor = members.last().filter(|_| has_more).map(|last| last.account.to_string());
    let items: Vec<MemberView> = members.into_iter().map(Into::into).collect();
    json(StatusCode::OK, &ListView { items, next_cursor })
}

async fn one_of(call: &Call, realm: &TenantId) -> Result<Response<BobBody>, Problem> {
    let member = call.mounted.bob.storage().member(realm, &account(call)?).await?;
    let version = member.version;
    let mut response = json(StatusCode::OK, &MemberView::from(member))?;
    mark_version(response.headers_mut(), version);
    Ok(response)
}

async fn invite_to(
    call: &Call,
    realm: &Realm,
    request: InviteRequest,
    read: ReadRole,
) -> Result<Response<BobBody>, Problem> {
    let person = request.person(read)?;
    may_grant(call, person.role)?;
    let invited = call.mounted.bob.people().invite(&call.deed()?, realm, person).await?;
    let version = invited.0.version;
    let mut response = json(StatusCode::CREATED, &InvitedView::from(invited))?;
    mark_version(response.headers_mut(), version);
    Ok(response)
}

async fn invite_again_to(call: &Call, realm: &Realm) -> Result<Response<BobBody>, Problem> {
    let account = account(call)?;
    let invited = call.mounted.bob.people().invite_again(&call.deed()?, realm, &account).await?;
    json(StatusCode::OK, &InvitedView::from(invited))
}

async fn change_in(
    call: &Call,
    realm: &TenantId,
    request: MemberRequest,
    read: ReadRole,
) -> Result<Response<BobBody>, Problem> {
    let account = account(call)?;
    let change: MemberChange = request.change(read, wanted_version(call.headers())?)?;
    may_grant(call, call.mounted.bob.storage().member(realm, &account).await?.role)?;
    if let Some(role) = change.role {
        may_grant(call, role)?;
    }
    let member = call.mounted.bob.people().change(&call.deed()?, realm, &account, change).await?;
    let version = member.version;
    let mut response = json(StatusCode::OK, &MemberView::from(member))?;
    mark_version(response.headers_mut(), version);
    Ok(response)
}

async fn remove_from(call: &Call, realm: &TenantId) -> Result<Response<BobBody>, Problem> {
    let (account, expected) = (account(call)?, wanted_version(call.headers())?);
    may_grant(call, call.mounted.bob.storage().member(realm, &account).await?.role)?;
    call.mounted.bob.people().remove(&call.deed()?, realm, &account, expected).await?;
    Ok(nothing())
}

/// Nobody gives a role, or changes somebody of a role, that may do what they may not do themselves.
fn may_grant(call: &Call, role: Role) -> Result<(), Problem> {
    let own = call.person()?.permissions;
    match role.permissions().iter().find(|permission| !own.contains(*permission)) {
        None => Ok(()),
        Some(lacking) => Err(Problem::permission_denied(&format!(
            "The role {} needs the permission {lacking}.",
            role.as_str()
        ))),
    }
}

/// The business that the call is about, with the seats of its plan; without a plan there is no bound.
async fn tenant_realm(call: &Call) -> Result<Realm, Problem> {
    realm_of(call, &business(call).await?.tenant).await
}

/// A business as people are invited to it.
pub(crate) async fn realm_of(call: &Call, tenant: &Tenant) -> Result<Realm, Problem> {
    let book = call.mounted.bob.pricebooks().current().await?;
    let plan = tenant.billing.plan.as_deref().and_then(|plan| book.plan(plan));
    Ok(Realm {
        id: tenant.id,
        name: tenant.name.clone(),
        language: tenant.default_language(),
        seats: plan.map_or(Allowance::Unlimited, |plan| plan.seats),
        url: call.mounted.mount.canonical().to_owned(),
    })
}

fn platform_realm(call: &Call) -> Realm {
    Realm::platform(call.mounted.mount.canonical())
}

/// The account in the path; what is no identifier is nobody's.
fn account(call: &Call) -> Result<AccountId, Problem> {
    call.param("id").parse().map_err(|_| Problem::not_found())
}

async fn body<T: serde::de::DeserializeOwned>(call: &mut Call) -> Result<T, Problem> {
    require_json(call.headers())?;
    let body = call.read_body().await?;
    parse_json(&body)
}

fn nothing() -> Response<BobBody> {
    let mut response = Response::new(BobBody::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
