//! Pricebooks in JSON; version and date have columns of their own.

use bob_core::credit::MilliCredits;
use bob_core::pricebook::{Allowance, ModelRate, Money, Plan, Pricebook, Rates, Support};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{RecordError, read, write};

#[derive(Serialize, Deserialize)]
struct PricebookRecord {
    plans: Vec<PlanRecord>,
    rates: RatesRecord,
}

#[derive(Serialize, Deserialize)]
struct PlanRecord {
    name: String,
    monthly: MoneyRecord,
    credits: u32,
    /// None is no bound.
    seats: Option<u32>,
    integrations: u32,
    support: String,
}

#[derive(Serialize, Deserialize)]
struct MoneyRecord {
    minor: i64,
    currency: String,
}

/// All in thousandths of a credit.
#[derive(Serialize, Deserialize)]
struct RatesRecord {
    grounded_answer: i64,
    tool_call: i64,
    plugin_cpu_second: i64,
    plugin_egress_mib: i64,
    models: Vec<ModelRateRecord>,
    other_models: ModelRateRecord,
}

#[derive(Serialize, Deserialize)]
struct ModelRateRecord {
    model: String,
    input: i64,
    output: i64,
}

/// Writes a pricebook.
pub(crate) fn of_pricebook(book: &Pricebook) -> Result<String, RecordError> {
    let rates = &book.rates;
    write(&PricebookRecord {
        plans: book.plans.iter().map(of_plan).collect(),
        rates: RatesRecord {
            grounded_answer: rates.grounded_answer.0,
            tool_call: rates.tool_call.0,
            plugin_cpu_second: rates.plugin_cpu_second.0,
            plugin_egress_mib: rates.plugin_egress_mib.0,
            models: rates.models.iter().map(of_rate).collect(),
            other_models: of_rate(&rates.other_models),
        },
    })
}

fn of_plan(plan: &Plan) -> PlanRecord {
    PlanRecord {
        name: plan.name.clone(),
        monthly: MoneyRecord { minor: plan.monthly.minor, currency: plan.monthly.currency.clone() },
        credits: plan.credits,
        seats: match plan.seats {
            Allowance::UpTo(seats) => Some(seats),
            Allowance::Unlimited => None,
        },
        integrations: plan.integrations,
        support: plan.support.as_str().to_owned(),
    }
}

fn of_rate(rate: &ModelRate) -> ModelRateRecord {
    ModelRateRecord { model: rate.model.clone(), input: rate.input.0, output: rate.output.0 }
}

/// Reads a pricebook.
pub(crate) fn pricebook(version: u32, effective_at: Timestamp, json: &str) -> Result<Pricebook, RecordError> {
    let PricebookRecord { plans, rates } = read(json)?;
    Ok(Pricebook {
        version,
        effective_at,
        plans: plans.into_iter().map(plan).collect::<Result<_, _>>()?,
        rates: Rates {
            grounded_answer: MilliCredits(rates.grounded_answer),
            tool_call: MilliCredits(rates.tool_call),
            plugin_cpu_second: MilliCredits(rates.plugin_cpu_second),
            plugin_egress_mib: MilliCredits(rates.plugin_egress_mib),
            models: rates.models.into_iter().map(rate).collect(),
            other_models: rate(rates.other_models),
        },
    })
}

fn plan(plan: PlanRecord) -> Result<Plan, RecordError> {
    Ok(Plan {
        name: plan.name,
        monthly: Money { minor: plan.monthly.minor, currency: plan.monthly.currency },
        credits: plan.credits,
        seats: plan.seats.map_or(Allowance::Unlimited, Allowance::UpTo),
        integrations: plan.integrations,
        support: Support::from_name(&plan.support).ok_or(RecordError::Field("support"))?,
    })
}

fn rate(rate: ModelRateRecord) -> ModelRate {
    ModelRate { model: rate.model, input: MilliCredits(rate.input), output: MilliCredits(rate.output) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pricebook_reads_back_as_it_was_written() {
        let mut book = Pricebook::first();
        book.rates.models.push(ModelRate { model: "small".to_owned(), ..book.rates.other_models.clone() });
        let json = of_pricebook(&book).unwrap();
        assert_eq!(pricebook(book.version, book.effective_at, &json).unwrap(), book);
    }

    #[test]
    fn what_is_no_pricebook_is_refused() {
        let good = of_pricebook(&Pricebook::first()).unwrap();
        for bad in ["", "{}", &good.replace("priority", "at once"), &good[1..]] {
            assert!(pricebook(1, Timestamp::UNIX_EPOCH, bad).is_err(), "{bad}");
        }
    }
}
