//! Which business a signed-in person's call is about.

use std::sync::Arc;

use bob_core::account::AccountKind;
use bob_core::id::TenantId;
use bob_core::storage::TenantSnapshot;
use bob_core::tenant::TenantRef;

use super::may;
use crate::dispatch::Call;
use crate::noted_reads;
use crate::problem::Problem;
use crate::request::query_field;
use crate::route::Access;

/// The business in the path, or else in `business_id` of the query, or else the person's own.
pub(crate) async fn business(call: &Call) -> Result<Arc<TenantSnapshot>, Problem> {
    let queried = query_field(call.head.uri.query(), "business_id")?;
    let in_path = call.params.iter().find(|(name, _)| name == "tenant").map(|(_, named)| named.clone());
    let named = in_path.or(queried);
    own_or_named(call, named.as_deref()).await?.ok_or_else(Problem::tenant_required)
}

/// A tenant's person has one tenant; another one is not there for them. A platform person names one, or gets none.
pub(crate) async fn own_or_named(
    call: &Call,
    named: Option<&str>,
) -> Result<Option<Arc<TenantSnapshot>>, Problem> {
    let person = call.person()?;
    let directory = call.mounted.bob.directory();
    let named =
        named.map(|named| named.parse::<TenantRef>().map_err(|_| Problem::not_found())).transpose()?;
    match (person.kind, person.tenant) {
        (AccountKind::Tenant, Some(own)) => {
            let own = directory.snapshot(&own).await?.ok_or_else(Problem::not_found)?;
            let other = named.is_some_and(|named| {
                named != TenantRef::Id(own.tenant.id) && named != TenantRef::Slug(own.tenant.slug.clone())
            });
            if other { Err(Problem::not_found()) } else { Ok(Some(own)) }
        }
        (AccountKind::Platform, _) => {
            let Some(named) = named else { return Ok(None) };
            let found = directory.named(&named).await?.ok_or_else(Problem::not_found)?;
            allowed_there(call, found.tenant.id).await?;
            noted_reads::note(call, found.tenant.id).await?;
            Ok(Some(found))
        }
        (AccountKind::Tenant, None) => Err(Problem::sign_in_required()),
    }
}

/// A business that a platform person may not touch is not there for them.
async fn allowed_there(call: &Call, tenant: TenantId) -> Result<(), Problem> {
    let (Access::Holds(permission) | Access::HoldsOnPlatform(permission)) = call.access else {
        return Ok(());
    };
    let allowed = may(call, call.person()?, permission, Some(tenant)).await?;
    allowed.then_some(()).ok_or_else(Problem::not_found)
}
