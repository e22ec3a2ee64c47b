//! The pricebook on the wire.
//!
//! Every amount says its unit in its name. Thousandths of credits (`…_millicredits`) are whole numbers, so that no
//! reader rounds them; a plan is sold in whole `credits`; money is in minor units (`amount_minor`).

use bob_core::pricebook::{Allowance, ModelRate, Plan, Pricebook};
use serde::Serialize;
use utoipa::ToSchema;

/// One version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PricebookView<'a> {
    version: u32,
    effective_at: String,
    plans: Vec<PlanView<'a>>,
    rates: RatesView<'a>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PlanView<'a> {
    name: &'a str,
    monthly: MoneyView<'a>,
    credits: u32,
    /// `null` for as many as one likes.
    seats: Option<u32>,
    integrations: u32,
    support: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
struct MoneyView<'a> {
    amount_minor: i64,
    currency: &'a str,
}

#[derive(Debug, Serialize, ToSchema)]
struct RatesView<'a> {
    grounded_answer_millicredits: i64,
    tool_call_millicredits: i64,
    plugin_cpu_second_millicredits: i64,
    plugin_egress_mib_millicredits: i64,
    /// The last one, `*`, is of all models that have none of their own.
    models: Vec<ModelRateView<'a>>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ModelRateView<'a> {
    model: &'a str,
    input_per_1000_tokens_millicredits: i64,
    output_per_1000_tokens_millicredits: i64,
}

impl<'a> From<&'a Pricebook> for PricebookView<'a> {
    fn from(book: &'a Pricebook) -> Self {
        let rates = &book.rates;
        Self {
            version: book.version,
            effective_at: book.effective_at.to_string(),
            plans: book.plans.iter().map(Into::into).collect(),
            rates: RatesView {
                grounded_answer_millicredits: rates.grounded_answer.0,
                tool_call_millicredits: rates.tool_call.0,
                plugin_cpu_second_millicredits: rates.plugin_cpu_second.0,
                plugin_egress_mib_millicredits: rates.plugin_egress_mib.0,
                models: rates.models.iter().chain([&rates.other_models]).map(Into::into).collect(),
            },
        }
    }
}

impl<'a> From<&'a Plan> for PlanView<'a> {
    fn from(plan: &'a Plan) -> Self {
        Self {
            name: &plan.name,
            monthly: MoneyView { amount_minor: plan.monthly.minor, currency: &plan.monthly.currency },
            credits: plan.credits,
            seats: match plan.seats {
                Allowance::UpTo(seats) => Some(seats),
                Allowance::Unlimited => None,
            },
            integrations: plan.integrations,
            support: plan.support.as_str(),
        }
    }
}

impl<'a> From<&'a ModelRate> for ModelRateView<'a> {
    fn from(rate: &'a ModelRate) -> Self {
        Self {
            model: &rate.model,
            input_per_1000_tokens_millicredits: rate.input.0,
            output_per_1000_tokens_millicredits: rate.output.0,
        }
    }
}
