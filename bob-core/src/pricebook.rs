//! The pricebook: what plans cost and hold, and what answers cost in credits.

use crate::credit::MilliCredits;

/// An amount of money in minor units (cents) and its ISO 4217 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    /// Hundredths.
    pub minor: i64,
    /// The currency.
    pub currency: &'static str,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Its name.
    pub name: &'static str,
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

/// One version of the pricebook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pricebook {
    /// 1 for the first.
    pub version: u32,
    /// The plans, cheapest first.
    pub plans: &'static [Plan],
    /// What one answer from approved knowledge costs, without a model.
    pub grounded_answer: MilliCredits,
}

const fn usd(dollars: i64) -> Money {
    Money { minor: dollars * 100, currency: "USD" }
}

/// The first version.
pub const V1: Pricebook = Pricebook {
    version: 1,
    plans: &[
        Plan {
            name: "Starter",
            monthly: usd(79),
            credits: 15_000,
            seats: Allowance::UpTo(3),
            integrations: 1,
            support: Support::Email,
        },
        Plan {
            name: "Pro",
            monthly: usd(249),
            credits: 75_000,
            seats: Allowance::UpTo(10),
            integrations: 3,
            support: Support::Priority,
        },
        Plan {
            name: "Enterprise",
            monthly: usd(899),
            credits: 250_000,
            seats: Allowance::Unlimited,
            integrations: 10,
            support: Support::Dedicated,
        },
    ],
    grounded_answer: MilliCredits::credits(1),
};
