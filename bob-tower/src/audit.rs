//! Who did what to a business, or on the platform.

use std::collections::HashMap;

use bob_core::account::PLATFORM_REALM;
use bob_core::act::Principal;
use bob_core::audit::{AuditQuery, AuditRow};
use bob_core::id::{AccountId, TenantId};
use bob_core::storage::StorageErrorKind;
use http::{Response, StatusCode};

use crate::auth::own_or_named;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::page::IdPageQuery;
use crate::problem::Problem;
use crate::request::query_field;
use crate::wire::audit::{Reader, filter};
use crate::wire::{ListView, json};

/// How many rows one page looks at, so that a filter that nothing passes costs no more than this.
const LOOK_AT: u32 = 10_000;

/// `GET /api/audit?business_id=&principal=&operation=&subject=&from=&to=&limit=&cursor=`
///
/// A business's people see its rows, what platform people did to it included. Platform people who name no business see
/// the platform's own.
pub(crate) async fn rows(call: Call) -> Result<Response<BobBody>, Problem> {
    let query = call.head.uri.query();
    let IdPageQuery { limit, after } = IdPageQuery::read(query)?;
    let filter = filter(query)?;
    let named = query_field(query, "business_id")?;
    let realm = match own_or_named(&call, named.as_deref()).await? {
        Some(business) => business.tenant.id,
        None => PLATFORM_REALM,
    };
    let query = AuditQuery { filter, behind: after, limit, look_at: LOOK_AT };
    let page = call.mounted.bob.storage().audit(&realm, query).await?;
    let reader = Reader {
        of_platform: realm == PLATFORM_REALM,
        is_platform: call.person()?.is_of_platform(),
        names: names(&call, realm, &page.rows).await?,
    };
    let items: Vec<_> = page.rows.into_iter().map(|row| reader.view(row)).collect();
    json(StatusCode::OK, &ListView { items, next_cursor: page.next.map(|next| next.to_string()) })
}

/// What the people of a realm are called who did something: a business's members, or the platform's own people.
async fn names(
    call: &Call,
    realm: TenantId,
    rows: &[AuditRow],
) -> Result<HashMap<AccountId, String>, Problem> {
    let storage = call.mounted.bob.storage();
    let mut names = HashMap::new();
    let mut strangers = Vec::new();
    for row in rows {
        let Principal::Account(account) = row.principal else { continue };
        if names.contains_key(&account) || strangers.contains(&account) {
            continue;
        }
        // What another business calls them is not said here.
        match storage.member(&realm, &account).await {
            Ok(member) => drop(names.insert(account, member.name)),
            Err(error) if error.kind() == StorageErrorKind::NotFound => strangers.push(account),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(names)
}
