//! What is refused while a business's doors are closed.
//!
//! Its visitors get no turn. Its people may still sign in and read, so that they can see why; what they may do is take
//! their own deletion back. Platform people may do everything.

use bob_core::account::AccountKind;
use bob_core::storage::TenantSnapshot;
use http::Method;

use crate::dispatch::{Call, Caller};
use crate::problem::Problem;
use crate::route::{Area, Route};

/// What people of a business may do while its doors are closed.
const STILL: &str = "/api/tenants/{tenant}/restore";

/// Holds that a business's doors are open.
pub(crate) fn require_open(tenant: &TenantSnapshot) -> Result<(), Problem> {
    if tenant.tenant.standing.is_open() { Ok(()) } else { Err(Problem::tenant_suspended()) }
}

/// Holds that a caller may do this, however their business stands.
pub(crate) async fn require(call: &Call, route: &Route) -> Result<(), Problem> {
    match &call.caller {
        Caller::Anyone => Ok(()),
        Caller::Widget(caller) => require_open(&caller.tenant),
        Caller::Person(person) => {
            let changes = !matches!(route.method, Method::GET | Method::HEAD);
            let own_matter = route.area == Area::Account || route.path == STILL;
            match person.tenant {
                Some(tenant) if person.kind == AccountKind::Tenant && changes && !own_matter => {
                    let tenant = call.mounted.bob.directory().snapshot(&tenant).await?;
                    tenant.map_or(Ok(()), |tenant| require_open(&tenant))
                }
                _ => Ok(()),
            }
        }
    }
}
