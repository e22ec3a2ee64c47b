//! Businesses: what stands in them, and whether their doors are open.

use bob_core::account::{AccountKind, PLATFORM_REALM};
use bob_core::credit::MilliCredits;
use bob_core::id::{PersonaId, TenantId};
use bob_core::knowledge::Synonyms;
use bob_core::origin::OriginPattern;
use bob_core::persona::Persona;
use bob_core::storage::{Onboarding, StorageErrorKind};
use bob_core::tenant::{StandingChange, Tenant};
use bob_core::widget_key::{KeyMode, KeySettings, PublishableKey, WidgetKey};
use http::{Response, StatusCode};

use crate::auth::business;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::etag::{mark_version, wanted_version};
use crate::page::IdPageQuery;
use crate::problem::Problem;
use crate::request::{parse_json, require_json};
use crate::wire::tenants::{SuspendRequest, TenantPatchRequest, TenantRequest, TenantView};
use crate::wire::{ListView, json};

/// How often a change that insists on no version is tried anew when another came first.
const TRIES: u32 = 5;

/// `GET /api/tenants?limit=&cursor=`
pub(crate) async fn list(call: Call) -> Result<Response<BobBody>, Problem> {
    let IdPageQuery { limit, after } = IdPageQuery::read(call.head.uri.query())?;
    let after = after.map(TenantId::from_uuid);
    let mut found = call.mounted.bob.storage().tenants(after, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next_cursor = found.last().filter(|_| more).map(|last| last.id.to_string());
    let items: Vec<TenantView> = found.iter().map(Into::into).collect();
    json(StatusCode::OK, &ListView { items, next_cursor })
}

/// `POST /api/tenants`: a business without people and pages, which are added later.
pub(crate) async fn create(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    let body = call.read_body().await?;
    let id = crate::idempotency::identifier(&call, PLATFORM_REALM, &[])?
        .map_or_else(TenantId::new, TenantId::from_uuid);
    let tenant = parse_json::<TenantRequest>(&body)?.into_tenant(id, "")?;
    let onboarding = Onboarding {
        persona: Persona::default_for(PersonaId::new(), &tenant.name),
        widget_key: first_key(id, Vec::new())?,
        knowledge: Vec::new(),
        synonyms: Synonyms::default(),
        people: Vec::new(),
        credits: credits_of(&call, &tenant, "plan").await?,
        tenant,
    };
    let (tenant, replayed) = match begin(&call, onboarding).await? {
        Begun::New(tenant) => (tenant, false),
        Begun::Before(tenant) => (tenant, true),
    };
    let mut response = shown(StatusCode::CREATED, &tenant)?;
    if replayed {
        crate::idempotency::mark_replayed(response.headers_mut());
    }
    Ok(response)
}

/// A business that was onboarded.
pub(crate) enum Begun {
    /// Just now.
    New(Tenant),
    /// By the same call, sent earlier.
    Before(Tenant),
}

/// Onboards a business, or finds the one that the same call onboarded before.
pub(crate) async fn begin(call: &Call, onboarding: Onboarding) -> Result<Begun, Problem> {
    let storage = call.mounted.bob.storage();
    let wanted = onboarding.tenant.clone();
    if storage.find_tenant(&wanted.id.into()).await?.is_some() {
        return repeated(call, &wanted).await;
    }
    match storage.onboard(&call.deed()?, onboarding).await {
        Ok(()) => {
            call.mounted.bob.directory().forget(&wanted.id);
            Ok(Begun::New(wanted))
        }
        Err(error) if error.kind() == StorageErrorKind::Conflict => {
            if storage.find_tenant(&wanted.id.into()).await?.is_some() {
                return repeated(call, &wanted).await;
            }
            if storage.find_tenant(&bob_core::tenant::TenantRef::Slug(wanted.slug)).await?.is_some() {
                return Err(Problem::conflict("slug_taken", "Another business has this slug."));
            }
            Err(host_taken())
        }
        Err(error) => Err(error.into()),
    }
}

/// What a call that is sent again finds: the business, if it was about this one.
async fn repeated(call: &Call, wanted: &Tenant) -> Result<Begun, Problem> {
    let known = call.mounted.bob.storage().tenant_snapshot(&wanted.id).await?.tenant;
    let untouched = Tenant { standing: known.standing.clone(), revision: known.revision, ..wanted.clone() };
    let same = known.slug == wanted.slug && (known.revision > 1 || known == untouched);
    if same { Ok(Begun::Before(known)) } else { Err(Problem::idempotency_mismatch()) }
}

fn host_taken() -> Problem {
    Problem::conflict("host_taken", "A host name belongs to another business.")
}

/// A new business's first key, which the embed hands out.
pub(crate) fn first_key(tenant: TenantId, origins: Vec<OriginPattern>) -> Result<WidgetKey, Problem> {
    let key = PublishableKey::generate(KeyMode::Live, tenant).map_err(|_| Problem::internal())?;
    Ok(WidgetKey::new(key, KeySettings { embed: true, ..KeySettings::for_pages(origins) }))
}

/// What a business's plan grants for its first period; `field` is where the plan was named.
pub(crate) async fn credits_of(call: &Call, tenant: &Tenant, field: &str) -> Result<MilliCredits, Problem> {
    let Some(name) = &tenant.billing.plan else { return Ok(MilliCredits::ZERO) };
    let book = call.mounted.bob.pricebooks().current().await?;
    match book.plan(name) {
        Some(plan) => Ok(MilliCredits::credits(plan.credits.into())),
        None => Err(Problem::field(field, "The pricebook has no plan of that name.")),
    }
}

/// `GET /api/tenants/{tenant}`
pub(crate) async fn one(call: Call) -> Result<Response<BobBody>, Problem> {
    shown(StatusCode::OK, &business(&call).await?.tenant)
}

/// `PATCH /api/tenants/{tenant}`
pub(crate) async fn change(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    let body = call.read_body().await?;
    let of_platform = call.person()?.kind == AccountKind::Platform;
    if parse_json::<TenantPatchRequest>(&body)?.concerns_the_platform() && !of_platform {
        let detail = "Plan and billing day need the permission tenant.manage on the platform.";
        return Err(Problem::permission_denied(detail));
    }
    let id = business(&call).await?.tenant.id;
    let (wanted, act) = (wanted_version(call.headers())?, call.deed()?);
    let storage = call.mounted.bob.storage();
    for _ in 0..TRIES {
        let known = storage.tenant_snapshot(&id).await?.tenant;
        let revision = known.revision;
        if wanted.is_some_and(|wanted| wanted != revision) {
            return Err(Problem::precondition_failed());
        }
        let changed = parse_json::<TenantPatchRequest>(&body)?.apply(known.clone(), "")?;
        if changed.billing.plan != known.billing.plan {
            credits_of(&call, &changed, "plan").await?;
        }
        if !of_platform && takes_the_platforms_own(&call, &known, &changed) {
            return Err(host_taken());
        }
        match storage.change_tenant(&act, &id, revision, changed.clone()).await {
            Ok(revision) => {
                call.mounted.bob.directory().forget(&id);
                return shown(StatusCode::OK, &Tenant { revision, ..changed });
            }
            Err(error) if error.kind() == StorageErrorKind::Conflict => return Err(host_taken()),
            Err(error) if error.kind() == StorageErrorKind::Stale && wanted.is_none() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Problem::precondition_failed())
}

/// Whether a business's own people would put it on a host of this very mount, where it would stand in for others.
fn takes_the_platforms_own(call: &Call, known: &Tenant, changed: &Tenant) -> bool {
    let new = changed.hosts.iter().filter(|host| !known.hosts.contains(host));
    let is_own = |name: &str| {
        let mut own = call.mounted.mount.own_origins();
        own.any(|origin| matches!(origin.host(), url::Host::Domain(host) if host == name))
    };
    new.into_iter().any(|host| is_own(host.as_str()))
}

/// `POST /api/tenants/{tenant}/suspend`
pub(crate) async fn suspend(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    let body = call.read_body().await?;
    let reason = parse_json::<SuspendRequest>(&body)?.reason;
    let reason = reason.trim();
    if !(1..=500).contains(&reason.chars().count()) || reason.contains(char::is_control) {
        return Err(Problem::field("reason", "A reason has 1 to 500 characters, on one line."));
    }
    stand(&call, StandingChange::Suspend, Some(reason)).await
}

/// `POST /api/tenants/{tenant}/restore`: platform people take back everything, a business's own people their deletion.
pub(crate) async fn restore(call: Call) -> Result<Response<BobBody>, Problem> {
    let of_platform = call.person()?.kind == AccountKind::Platform;
    if of_platform {
        return stand(&call, StandingChange::Restore, None).await;
    }
    let standing = &business(&call).await?.tenant.standing;
    if standing.deletes_at.is_none() && standing.suspended.is_some() {
        return Err(Problem::tenant_suspended());
    }
    stand(&call, StandingChange::Keep, None).await
}

/// `DELETE /api/tenants/{tenant}`: closes the doors, and deletes after 30 days.
pub(crate) async fn delete(call: Call) -> Result<Response<BobBody>, Problem> {
    stand(&call, StandingChange::Delete, None).await
}

async fn stand(
    call: &Call,
    change: StandingChange,
    reason: Option<&str>,
) -> Result<Response<BobBody>, Problem> {
    let id = business(call).await?.tenant.id;
    let act = match reason {
        Some(reason) => call.deed()?.because(reason),
        None => call.deed()?,
    };
    let storage = call.mounted.bob.storage();
    match storage.change_standing(&act, &id, change).await {
        Ok(_) => {}
        Err(error) if error.kind() == StorageErrorKind::Conflict => {
            return Err(Problem::conflict("deletion_begun", "The business is being deleted for good."));
        }
        Err(error) => return Err(error.into()),
    }
    call.mounted.bob.directory().forget(&id);
    shown(StatusCode::OK, &storage.tenant_snapshot(&id).await?.tenant)
}

fn shown(status: StatusCode, tenant: &Tenant) -> Result<Response<BobBody>, Problem> {
    let mut response = json(status, &TenantView::from(tenant))?;
    mark_version(response.headers_mut(), tenant.revision);
    Ok(response)
}
