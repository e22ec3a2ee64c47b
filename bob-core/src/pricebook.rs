//! The pricebook: what plans cost and hold, and what answers cost in credits.
//!
//! Versions are immutable; the published one with the highest number holds. A turn notes which one it was settled by.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::clock::{Clock, later};
use crate::credit::MilliCredits;
use crate::directory::FRESH;
use crate::llm::Usage;
use crate::storage::{self, SharedStorage};

/// An amount of money in minor units (cents) and its ISO 4217 code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Money {
    /// Hundredths.
    pub minor: i64,
    /// The currency, three capital letters.
    pub currency: String,
}

/// How many of something a plan holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// So many.
    UpTo(u32),
    /// As many as one likes.
    Unlimited,
}

/// One plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// What a month costs.
    pub monthly: Money,
    /// The credits of a month.
    pub credits: u32,
    /// How many people may sign in.
    pub seats: Allowance,
    /// How many standard integrations may be on.
    pub integrations: u32,
    /// What support is included.
    pub support: Support,
}

/// The kinds of support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// By e-mail.
    Email,
    /// By e-mail, answered first.
    Priority,
    /// By a contact of one's own.
    Dedicated,
}

impl Support {
    /// The name used in storage and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Priority => "priority",
            Self::Dedicated => "dedicated",
        }
    }

    /// Reads a name that [`as_str`](Self::as_str) gave.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Email, Self::Priority, Self::Dedicated].into_iter().find(|support| support.as_str() == name)
    }
}

/// What a model's tokens cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRate {
    /// The model, as [`LanguageModel::name`](crate::llm::LanguageModel::name) tells it.
    pub model: String,
    /// For 1,000 tokens read.
    pub input: MilliCredits,
    /// For 1,000 tokens written.
    pub output: MilliCredits,
}

impl ModelRate {
    /// What this use of the model costs, a started thousandth of a credit as a whole one.
    #[must_use]
    pub fn cost(&self, usage: Usage) -> MilliCredits {
        let of = |rate: MilliCredits, tokens: u64| i128::from(rate.0.max(0)) * i128::from(tokens);
        let all = of(self.input, usage.input) + of(self.output, usage.output);
        MilliCredits(i64::try_from((all + 999) / 1_000).unwrap_or(i64::MAX))
    }
}

/// What things cost in credits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    /// One answer from approved knowledge, without a model.
    pub grounded_answer: MilliCredits,
    /// One call of a tool.
    pub tool_call: MilliCredits,
    /// One second of a plugin's CPU.
    pub plugin_cpu_second: MilliCredits,
    /// One MiB (1,048,576 bytes) that a plugin sends or receives.
    pub plugin_egress_mib: MilliCredits,
    /// Models with rates of their own.
    pub models: Vec<ModelRate>,
    /// Any other model's rate; its name is [`ANY_MODEL`].
    pub other_models: ModelRate,
}

/// The name of the rate of models that have none of their own.
pub const ANY_MODEL: &str = "*";

impl Rates {
    /// The rate of a model.
    #[must_use]
    pub fn model(&self, name: &str) -> &ModelRate {
        self.models.iter().find(|rate| rate.model == name).unwrap_or(&self.other_models)
    }
}

/// One version of the pricebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pricebook {
    /// 1 for the first.
    pub version: u32,
    /// Since when it holds.
    pub effective_at: Timestamp,
    /// The plans, cheapest first.
    pub plans: Vec<Plan>,
    /// What things cost in credits.
    pub rates: Rates,
}

impl Pricebook {
    /// The first version, which a new database begins with; it holds since 1 January 2026, UTC.
    #[must_use]
    pub fn first() -> Self {
        let effective_at = Timestamp::constant(1_767_225_600, 0);
        let plan = |name: &str, dollars: i64, credits, seats, integrations, support| Plan {
            name: name.to_owned(),
            monthly: Money { minor: dollars * 100, currency: "USD".to_owned() },
            credits,
            seats,
            integrations,
            support,
        };
        let rate = |model: &str, input, output| ModelRate {
            model: model.to_owned(),
            input: MilliCredits(input),
            output: MilliCredits(output),
        };
        Self {
            version: 1,
            effective_at,
            plans: vec![
                plan("Starter", 79, 15_000, Allowance::UpTo(3), 1, Support::Email),
                plan("Pro", 249, 75_000, Allowance::UpTo(10), 3, Support::Priority),
                plan("Enterprise", 899, 250_000, Allowance::Unlimited, 10, Support::Dedicated),
            ],
            rates: Rates {
                grounded_answer: MilliCredits::credits(1),
                tool_call: MilliCredits(500),
                plugin_cpu_second: MilliCredits(1_000),
                plugin_egress_mib: MilliCredits(200),
                models: Vec::new(),
                other_models: rate(ANY_MODEL, 500, 2_000),
            },
        }
    }

    /// A plan by its name.
    #[must_use]
    pub fn plan(&self, name: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.name == name)
    }
}

/// The published pricebook, as it was at most [`FRESH`] ago.
#[derive(Debug)]
pub struct Pricebooks {
    storage: SharedStorage,
    clock: Arc<dyn Clock>,
    read: Mutex<Option<(Timestamp, Arc<Pricebook>)>>,
}

impl Pricebooks {
    /// Reads from `storage` when it is first asked.
    #[must_use]
    pub fn new(storage: SharedStorage, clock: Arc<dyn Clock>) -> Self {
        Self { storage, clock, read: Mutex::default() }
    }

    /// The published pricebook; when storage fails, the one that was read last.
    ///
    /// # Errors
    ///
    /// When storage fails and none was read before.
    pub async fn current(&self) -> storage::Result<Arc<Pricebook>> {
        let now = self.clock.now();
        let known = self.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((read_at, book)) = &known
            && *read_at <= now
            && now < later(*read_at, FRESH)
        {
            return Ok(Arc::clone(book));
        }
        match (self.storage.published_pricebook(now).await, known) {
            (Ok(book), _) => {
                let book = Arc::new(book);
                *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&book)));
                Ok(book)
            }
            (Err(error), Some((_, book))) => {
                tracing::warn!(error = ?error, version = book.version, "the pricebook could not be read anew");
                Ok(book)
            }
            (Err(error), None) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_tokens_cost_by_the_thousand_rounded_up() {
        let rate = ModelRate { model: "m".to_owned(), input: MilliCredits(500), output: MilliCredits(2_000) };
        for (input, output, cost) in [(0, 0, 0), (1, 0, 1), (1_000, 0, 500), (2_000, 300, 1_600), (3, 1, 4)] {
            assert_eq!(
                rate.cost(Usage { input, output }),
                MilliCredits(cost),
                "{input} read, {output} written"
            );
        }
        assert_eq!(rate.cost(Usage { input: u64::MAX, output: u64::MAX }), MilliCredits(i64::MAX));
    }

    #[test]
    fn a_model_without_a_rate_of_its_own_has_the_common_one() {
        let mut book = Pricebook::first();
        let own = ModelRate { model: "small".to_owned(), ..book.rates.other_models.clone() };
        book.rates.models.push(own);
        assert_eq!(book.rates.model("small").model, "small");
        assert_eq!(book.rates.model("large").model, ANY_MODEL);
    }
}
