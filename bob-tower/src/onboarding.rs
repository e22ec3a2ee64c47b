//! Onboarding: a business, its owner, its persona, its first key and its first credits in one call; and its first steps.

use bob_core::account::{Account, PLATFORM_REALM, TenantRole};
use bob_core::id::{PersonaId, TenantId};
use bob_core::knowledge::Synonyms;
use bob_core::people::{MailSent, PeopleError};
use bob_core::persona::{Persona, PersonaText};
use bob_core::storage::Onboarding;
use bob_core::tenant::Tenant;
use bob_core::widget_key::KeyMode;
use http::{Response, StatusCode};

use crate::auth::business;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::people::realm_of;
use crate::problem::{FieldError, Problem};
use crate::request::{parse_json, require_json};
use crate::tenants::{Begun, begin, credits_of, first_key};
use crate::wire::json;
use crate::wire::tenants::{ChecklistView, OnboardedView, OnboardingRequest, OwnerRequest, OwnerView};
use crate::wire::widget::origins as origins_of;
use crate::{embed, idempotency};

/// `POST /api/onboarding`: all of it in one transaction, once under an `Idempotency-Key`.
///
/// An owner who has no password yet is sent an invitation.
pub(crate) async fn onboard(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    let body = call.read_body().await?;
    let OnboardingRequest { tenant, owner, origins, persona } = parse_json(&body)?;
    let id =
        idempotency::identifier(&call, PLATFORM_REALM, &[])?.map_or_else(TenantId::new, TenantId::from_uuid);
    let tenant = tenant.into_tenant(id, "/tenant")?;
    let owner = account(owner)?;
    let origins = origins_of(KeyMode::Live, &origins, &[])?;
    let persona_id = PersonaId::new();
    let persona = match persona {
        Some(request) => {
            PersonaText::try_from(request).map_err(|problem| problem.below("/persona"))?.at(persona_id, 1)
        }
        None => Persona::default_for(persona_id, &tenant.name),
    };
    let email = owner.email.clone();
    let onboarding = Onboarding {
        credits: credits_of(&call, &tenant, "tenant/plan").await?,
        persona,
        widget_key: first_key(id, origins)?,
        knowledge: Vec::new(),
        synonyms: Synonyms::default(),
        people: vec![(owner, TenantRole::Owner)],
        tenant,
    };
    let begun = begin(&call, onboarding).await?;
    let storage = call.mounted.bob.storage();
    let snapshot = storage.tenant_snapshot(&id).await?;
    let key = snapshot.widget_keys.iter().min_by_key(|key| key.id).ok_or_else(Problem::internal)?;
    let owner = storage.account_by_email(&email).await?.ok_or_else(Problem::internal)?;
    // Who sends the call again is not to send the mail again.
    let mail = match begun {
        Begun::Before(_) => MailSent::None,
        _ => invite(&call, &snapshot.tenant, &owner).await?,
    };
    let owner = OwnerView::new(&owner, mail);
    let code = embed::code(&call, &id);
    let view = OnboardedView::new(&snapshot.tenant, snapshot.persona.id, key, owner, code);
    let mut response = json(StatusCode::CREATED, &view)?;
    if matches!(begun, Begun::Before(_)) {
        idempotency::mark_replayed(response.headers_mut());
    }
    Ok(response)
}

fn wrong(pointer: impl Into<String>, detail: impl Into<String>) -> Problem {
    let (pointer, detail) = (pointer.into(), detail.into());
    Problem::invalid(vec![FieldError { pointer, code: "invalid", detail }])
}

fn account(OwnerRequest { email, name }: OwnerRequest) -> Result<Account, Problem> {
    let email = email.parse().map_err(|_| wrong("/owner/email", "Not an e-mail address."))?;
    let name = name.trim();
    if !(1..=200).contains(&name.chars().count()) || name.contains(char::is_control) {
        return Err(wrong("/owner/name", "A name has 1 to 200 characters, on one line."));
    }
    Ok(Account::new(email, name))
}

/// Tells the owner of a new business how they get in; what they need no invitation for is not sent.
async fn invite(call: &Call, tenant: &Tenant, owner: &Account) -> Result<MailSent, Problem> {
    let realm = realm_of(call, tenant).await?;
    match call.mounted.bob.people().invite_again(&call.deed()?, &realm, &owner.id).await {
        Ok((_, sent)) => Ok(sent),
        Err(PeopleError::NotInvited) => Ok(MailSent::None),
        Err(error) => Err(error.into()),
    }
}

/// `GET /api/customer-portal/onboarding`
pub(crate) async fn checklist(call: Call) -> Result<Response<BobBody>, Problem> {
    let snapshot = business(&call).await?;
    let steps = call.mounted.bob.storage().first_steps(&snapshot.tenant.id).await?;
    let now = call.mounted.bob.clock().now();
    json(StatusCode::OK, &ChecklistView::new(&snapshot.tenant, &snapshot.widget_keys, steps, now))
}
