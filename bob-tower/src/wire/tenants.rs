//! Businesses on the wire.

use bob_core::account::Account;
use bob_core::credit::{BillingDay, MilliCredits};
use bob_core::id::{PersonaId, TenantId};
use bob_core::language::Language;
use bob_core::people::MailSent;
use bob_core::tenant::{Contact, FirstSteps, HostName, ProfileError, Slug, Tenant};
use bob_core::widget_key::WidgetKey;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::embed::WidgetCodeView;
use super::hours::{HoursRequest, HoursView};
use super::personas::PersonaRequest;
use crate::problem::{FieldError, Problem};

/// The longest name of a time zone, in bytes.
const LONGEST_ZONE: usize = 64;

/// One business.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TenantView {
    id: String,
    slug: String,
    name: String,
    /// The default first.
    languages: Vec<String>,
    hosts: Vec<String>,
    contact: ContactView,
    hours: Option<HoursView>,
    /// The IANA name of the time zone of its hours and of its periods.
    time_zone: String,
    plan: Option<String>,
    billing_day: i8,
    visitor_budget_millicredits: Option<i64>,
    /// `active`, `suspended` or `deleting`
    status: &'static str,
    suspended_at: Option<String>,
    suspended_reason: Option<String>,
    deletes_at: Option<String>,
    /// As in `ETag`.
    version: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct ContactView {
    email: Option<String>,
    phone: Option<String>,
    address: Option<String>,
    website: Option<String>,
}

impl From<&Tenant> for TenantView {
    fn from(tenant: &Tenant) -> Self {
        let Contact { email, phone, address, website } = tenant.contact.clone();
        let email = email.map(|email| email.as_str().to_owned());
        let suspended = tenant.standing.suspended.as_ref();
        Self {
            id: tenant.id.to_string(),
            slug: tenant.slug.to_string(),
            name: tenant.name.clone(),
            languages: tenant.languages.iter().map(ToString::to_string).collect(),
            hosts: tenant.hosts.iter().map(ToString::to_string).collect(),
            contact: ContactView { email, phone, address, website },
            hours: tenant.hours.as_ref().map(Into::into),
            time_zone: tenant.billing.zone_name().to_owned(),
            plan: tenant.billing.plan.clone(),
            billing_day: tenant.billing.day.get(),
            visitor_budget_millicredits: tenant.visitor_budget.map(|budget| budget.0),
            status: match (tenant.standing.deletes_at, suspended) {
                (Some(_), _) => "deleting",
                (None, Some(_)) => "suspended",
                (None, None) => "active",
            },
            suspended_at: suspended.map(|suspended| suspended.since.to_string()),
            suspended_reason: suspended.map(|suspended| suspended.reason.clone()),
            deletes_at: tenant.standing.deletes_at.map(|at| at.to_string()),
            version: tenant.revision,
        }
    }
}

/// How people reach a business.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContactRequest {
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    website: Option<String>,
}

/// A new business.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantRequest {
    /// Its name in addresses, which never changes: 1 to 63 of `a-z 0-9 -`.
    slug: String,
    name: String,
    #[serde(default)]
    languages: Option<Vec<String>>,
    #[serde(default)]
    hosts: Option<Vec<String>>,
    #[serde(default)]
    contact: Option<ContactRequest>,
    #[serde(default)]
    hours: Option<HoursRequest>,
    /// The IANA name; `UTC` when absent.
    #[serde(default)]
    time_zone: Option<String>,
    /// In the pricebook; without one nothing is granted.
    #[serde(default)]
    plan: Option<String>,
    /// The day of the month on which periods begin, 1 to 31.
    #[serde(default)]
    billing_day: Option<i8>,
    #[serde(default)]
    visitor_budget_millicredits: Option<i64>,
}

/// What is to be changed of a business; what is absent stays, what is null is cleared.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantPatchRequest {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    languages: Option<Vec<String>>,
    #[serde(default)]
    hosts: Option<Vec<String>>,
    #[serde(default)]
    contact: Option<ContactRequest>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<HoursRequest>)]
    hours: Option<Option<HoursRequest>>,
    #[serde(default)]
    time_zone: Option<String>,
    /// For platform people only.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    plan: Option<Option<String>>,
    /// For platform people only.
    #[serde(default)]
    billing_day: Option<i8>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>)]
    visitor_budget_millicredits: Option<Option<i64>>,
}

/// Tells what is null from what is absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// Names a wrong field of a business, below `at`.
fn wrong(at: &str, field: &str, detail: impl Into<String>) -> Problem {
    let pointer = format!("{at}/{field}");
    Problem::invalid(vec![FieldError { pointer, code: "invalid", detail: detail.into() }])
}

impl TenantRequest {
    /// The business, where the request stands at `at` of the body.
    pub(crate) fn into_tenant(self, id: TenantId, at: &str) -> Result<Tenant, Problem> {
        let slug: Slug = self.slug.parse().map_err(|error| wrong(at, "slug", format!("{error}.")))?;
        if slug.is_reserved() {
            return Err(wrong(at, "slug", "This name is reserved for the platform."));
        }
        let patch = TenantPatchRequest {
            name: None,
            languages: self.languages,
            hosts: self.hosts,
            contact: self.contact,
            hours: Some(self.hours),
            time_zone: self.time_zone,
            plan: Some(self.plan),
            billing_day: self.billing_day,
            visitor_budget_millicredits: Some(self.visitor_budget_millicredits),
        };
        patch.apply(Tenant::new(id, slug, self.name.trim()), at)
    }
}

impl TenantPatchRequest {
    /// Whether it changes what only platform people change.
    pub(crate) fn concerns_the_platform(&self) -> bool {
        self.plan.is_some() || self.billing_day.is_some()
    }

    /// The business as it is to be, where the request stands at `at` of the body.
    pub(crate) fn apply(self, mut tenant: Tenant, at: &str) -> Result<Tenant, Problem> {
        if let Some(name) = self.name {
            tenant.name = name.trim().to_owned();
        }
        if let Some(languages) = self.languages {
            let read = languages.iter().map(|text| text.parse::<Language>()).collect::<Result<_, _>>();
            tenant.languages =
                read.map_err(|_| wrong(at, "languages", "A language is a tag such as en or de."))?;
        }
        if let Some(hosts) = self.hosts {
            let read = hosts.iter().enumerate().map(|(number, text)| {
                let field = format!("hosts/{number}");
                text.parse::<HostName>().map_err(|error| wrong(at, &field, format!("{error}.")))
            });
            tenant.hosts = read.collect::<Result<_, _>>()?;
        }
        if let Some(ContactRequest { email, phone, address, website }) = self.contact {
            let email = email.map(|email| email.parse()).transpose();
            let email = email.map_err(|_| wrong(at, "contact/email", "Not an e-mail address."))?;
            tenant.contact = Contact { email, phone, address, website };
        }
        if let Some(hours) = self.hours {
            let hours = hours.map(TryInto::try_into).transpose();
            tenant.hours = hours.map_err(|detail: String| wrong(at, "hours", format!("{detail}.")))?;
        }
        if let Some(name) = self.time_zone {
            let zone = TimeZone::get(&name).ok().filter(|_| name.len() <= LONGEST_ZONE);
            let zone = zone.filter(|zone| zone.iana_name().is_some());
            tenant.billing.zone =
                zone.ok_or_else(|| wrong(at, "time_zone", "An IANA name such as Europe/Berlin."))?;
        }
        if let Some(plan) = self.plan {
            tenant.billing.plan = plan;
        }
        if let Some(day) = self.billing_day {
            let day = BillingDay::new(day);
            tenant.billing.day = day.map_err(|error| wrong(at, "billing_day", format!("{error}.")))?;
        }
        if let Some(budget) = self.visitor_budget_millicredits {
            tenant.visitor_budget = budget.map(MilliCredits);
        }
        let out_of_bounds = |ProfileError { field, bounds }| wrong(at, field, format!("It {bounds}."));
        tenant.check().map_err(out_of_bounds)?;
        Ok(tenant)
    }
}

/// Why a business's doors are closed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuspendRequest {
    /// Told to the business's people; 1 to 500 characters on one line.
    pub(crate) reason: String,
}

/// A business and all it needs to answer its first visitor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OnboardingRequest {
    pub(crate) tenant: TenantRequest,
    pub(crate) owner: OwnerRequest,
    /// The pages that the first widget key is for: origins, or `https://*.` and a domain; 1 to 200.
    pub(crate) origins: Vec<String>,
    /// A friendly one when absent.
    #[serde(default)]
    pub(crate) persona: Option<PersonaRequest>,
}

/// Who owns a new business.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnerRequest {
    pub(crate) email: String,
    pub(crate) name: String,
}

/// What an onboarding made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OnboardedView {
    tenant: TenantView,
    persona_id: String,
    widget_key: FirstKeyView,
    owner: OwnerView,
    embed: WidgetCodeView,
}

#[derive(Debug, Serialize, ToSchema)]
struct FirstKeyView {
    id: String,
    /// Public: it stands in customers' pages.
    key: String,
    origins: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnerView {
    email: String,
    /// Whether they can sign in already.
    can_sign_in: bool,
    /// What became of their invitation: `sent`, `failed` or `none`. It can be sent again.
    mail: &'static str,
}

impl OwnerView {
    pub(crate) fn new(owner: &Account, mail: MailSent) -> Self {
        let can_sign_in = owner.password.is_some() && owner.disabled_at.is_none();
        Self { email: owner.email.as_str().to_owned(), can_sign_in, mail: mail.as_str() }
    }
}

impl OnboardedView {
    pub(crate) fn new(
        tenant: &Tenant,
        persona: PersonaId,
        key: &WidgetKey,
        owner: OwnerView,
        embed: WidgetCodeView,
    ) -> Self {
        Self {
            tenant: tenant.into(),
            persona_id: persona.to_string(),
            widget_key: FirstKeyView {
                id: key.id.to_string(),
                key: key.key.as_str().to_owned(),
                origins: key.settings.origins.iter().map(ToString::to_string).collect(),
            },
            owner,
            embed,
        }
    }
}

/// How far a business is with its first steps; every step is a fact, none a mark that somebody set.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChecklistView {
    tenant_id: String,
    /// How many of the six are done.
    done: usize,
    items: Vec<StepView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct StepView {
    /// `tenant`, `profile`, `channel`, `credentials`, `origins` or `test_conversation`
    step: &'static str,
    done: bool,
}

impl ChecklistView {
    pub(crate) fn new(tenant: &Tenant, keys: &[WidgetKey], steps: FirstSteps, now: Timestamp) -> Self {
        let live = || keys.iter().filter(|key| key.is_live(now));
        let items = [
            ("tenant", tenant.standing.is_open()),
            ("profile", tenant.contact.is_reachable() && tenant.hours.is_some()),
            ("channel", !tenant.hosts.is_empty() || live().any(|key| key.settings.embed)),
            ("credentials", steps.owner_can_sign_in),
            ("origins", live().any(|key| !key.settings.origins.is_empty())),
            ("test_conversation", steps.has_conversation),
        ];
        let items: Vec<_> = items.map(|(step, done)| StepView { step, done }).into();
        let done = items.iter().filter(|item| item.done).count();
        Self { tenant_id: tenant.id.to_string(), done, items }
    }
}
