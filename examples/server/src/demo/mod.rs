//! The demo: a shop in Hamburg, its texts in three languages, and what it sells besides.

mod plans;
mod profile;
mod texts;

use std::error::Error;

use bob_core::account::{Account, PasswordHash, TenantRole};
use bob_core::credit::{Billing, MilliCredits};
use bob_core::id::{PersonaId, TenantId};
use bob_core::language::Language;
use bob_core::persona::Persona;
use bob_core::pricebook::Pricebook;
use bob_core::storage::Onboarding;
use bob_core::tenant::Tenant;
use bob_core::widget_key::{KeyMode, KeySettings, PublishableKey, WidgetKey};
use jiff::tz::TimeZone;

/// The demo tenant's slug.
pub const SLUG: &str = "office16852-platform";

/// The address of its owner.
pub const OWNER: &str = "customer@business.com";

/// Its plan, the largest: the demo does not run dry.
const PLAN: &str = "Enterprise";

/// The demo tenant and all it needs; its citations link to the help pages below `canonical`.
pub fn onboarding(
    canonical: &str,
    password: PasswordHash,
    book: &Pricebook,
) -> Result<Onboarding, Box<dyn Error>> {
    let id = TenantId::new();
    let name = "Office16852";
    let owner = Account { password: Some(password), ..Account::new(OWNER.parse()?, "Mara Lindner") };
    Ok(Onboarding {
        tenant: Tenant {
            languages: vec![Language::EN, Language::DE, Language::JA],
            contact: profile::contact()?,
            hours: Some(profile::hours()?),
            billing: Billing {
                plan: Some(PLAN.to_owned()),
                zone: TimeZone::get("Europe/Berlin")?,
                ..Billing::none()
            },
            visitor_budget: Some(MilliCredits::credits(500)),
            ..Tenant::new(id, SLUG.parse()?, name)
        },
        persona: Persona::default_for(PersonaId::new(), name),
        widget_key: WidgetKey::new(
            PublishableKey::generate(KeyMode::Live, id)?,
            KeySettings { name: "Demo".to_owned(), embed: true, ..KeySettings::for_pages(Vec::new()) },
        ),
        knowledge: texts::all(canonical, book)?,
        synonyms: texts::synonyms()?,
        people: vec![(owner, TenantRole::Owner)],
        credits: book
            .plan(PLAN)
            .map_or(MilliCredits::ZERO, |plan| MilliCredits::credits(plan.credits.into())),
    })
}
