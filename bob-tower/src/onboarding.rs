//! Onboarding: a business, its owner, its persona, its first key and its first credits in one call; and its first steps.

use bob_core::account::{Account, PLATFORM_REALM, TenantRole};
use bob_core::id::{AccountId, PersonaId, TenantId};
use bob_core::knowledge::Synonyms;
use bob_core::origin::OriginPattern;
use bob_core::persona::{Persona, PersonaText};
use bob_core::storage::Onboarding;
use http::{Response, StatusCode};

use crate::auth::business;
use crate::body::BobBody;
use crate::dispatch::Call;
use crate::problem::{FieldError, Problem};
use crate::request::{parse_json, require_json};
use crate::tenants::{Begun, begin, credits_of, first_key};
use crate::wire::json;
use crate::wire::tenants::{ChecklistView, OnboardedView, OnboardingRequest, OwnerRequest};
use crate::{embed, idempotency};

/// The most origins of a key at its beginning.
const MOST_ORIGINS: usize = 50;

/// `POST /api/onboarding`: all of it in one transaction, once under an `Idempotency-Key`.
///
/// An owner who is not known yet gets an account without a password.
pub(crate) async fn onboard(mut call: Call) -> Result<Response<BobBody>, Problem> {
    require_json(call.headers())?;
    let body = call.read_body().await?;
    let OnboardingRequest { tenant, owner, origins, persona } = parse_json(&body)?;
    let id =
        idempotency::identifier(&call, PLATFORM_REALM, &[])?.map_or_else(TenantId::new, TenantId::from_uuid);
    let tenant = tenant.into_tenant(id, "/tenant")?;
    let owner = account(owner)?;
    let origins = patterns(&origins)?;
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
    let owner = storage.account_by_email(&email).await?.is_some_and(|owner| owner.password.is_some());
    let owner = (email.as_str().to_owned(), owner);
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
    Ok(Account {
        id: AccountId::new(),
        email,
        name: name.to_owned(),
        password: None,
        platform_role: None,
        disabled_at: None,
    })
}

fn patterns(origins: &[String]) -> Result<Vec<OriginPattern>, Problem> {
    if !(1..=MOST_ORIGINS).contains(&origins.len()) {
        return Err(wrong("/origins", "A key has 1 to 50 origins."));
    }
    let read = origins.iter().enumerate().map(|(number, text)| {
        let refused = |error| wrong(format!("/origins/{number}"), format!("{error}."));
        text.parse::<OriginPattern>().map_err(refused)
    });
    let mut patterns = read.collect::<Result<Vec<_>, _>>()?;
    patterns.sort_unstable();
    patterns.dedup();
    Ok(patterns)
}

/// `GET /api/customer-portal/onboarding`
pub(crate) async fn checklist(call: Call) -> Result<Response<BobBody>, Problem> {
    let snapshot = business(&call).await?;
    let steps = call.mounted.bob.storage().first_steps(&snapshot.tenant.id).await?;
    let now = call.mounted.bob.clock().now();
    json(StatusCode::OK, &ChecklistView::new(&snapshot.tenant, &snapshot.widget_keys, steps, now))
}
