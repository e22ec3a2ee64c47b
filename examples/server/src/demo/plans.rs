//! The text about Bob's plans, written from the pricebook so that it cannot differ from it.

use bob_core::language::Language;
use bob_core::pricebook::{Allowance, Money, Plan, Pricebook, Support};

use super::texts::Item;

/// The text in one language: one paragraph a plan, so that each can be quoted by itself.
pub fn item(language: Language, pricebook: &Pricebook) -> Item {
    let words = Words::of(language);
    let paragraphs: Vec<String> = pricebook.plans.iter().map(|plan| (words.plan)(plan)).collect();
    Item {
        key: "plans".to_owned(),
        title: words.title.to_owned(),
        questions: words.questions.iter().map(|question| (*question).to_owned()).collect(),
        body: paragraphs.join("\n\n"),
    }
}

struct Words {
    title: &'static str,
    questions: &'static [&'static str],
    plan: fn(&Plan) -> String,
}

impl Words {
    fn of(language: Language) -> Self {
        match language {
            Language::DE => Self {
                title: "Tarife und Preise von Bob",
                questions: &[
                    "Was kostet Bob im Monat?",
                    "Wie viel kostet der Tarif pro Monat?",
                    "Welche Tarife gibt es?",
                    "Wie viele Credits sind im Tarif enthalten?",
                ],
                plan: |plan| {
                    format!(
                        "Der Tarif {} kostet {} im Monat. Der Tarif {} enthält {} Credits im Monat, {}, {} und {}.",
                        plan.name,
                        money(&plan.monthly, ','),
                        plan.name,
                        grouped(plan.credits, '.'),
                        match plan.seats {
                            Allowance::UpTo(seats) => format!("{seats} Plätze"),
                            Allowance::Unlimited => "beliebig viele Plätze".to_owned(),
                        },
                        match plan.integrations {
                            1 => "1 Standard-Integration".to_owned(),
                            more => format!("{more} Standard-Integrationen"),
                        },
                        match plan.support {
                            Support::Email => "Hilfe per E-Mail",
                            Support::Priority => "bevorzugte Hilfe",
                            Support::Dedicated => "einen festen Ansprechpartner",
                        },
                    )
                },
            },
            Language::JA => Self {
                title: "Bobの料金プラン",
                questions: &[
                    "Bobの料金は月いくらですか？",
                    "プランの月額料金を教えてください。",
                    "どんなプランがありますか？",
                    "プランにはクレジットがいくつ含まれますか？",
                ],
                plan: |plan| {
                    format!(
                        "{}プランの料金は月額{}です。{}プランには、月{}クレジット、{}、標準連携{}件、{}が含まれます。",
                        plan.name,
                        money(&plan.monthly, '.'),
                        plan.name,
                        grouped(plan.credits, ','),
                        match plan.seats {
                            Allowance::UpTo(seats) => format!("{seats}席"),
                            Allowance::Unlimited => "無制限の席".to_owned(),
                        },
                        plan.integrations,
                        match plan.support {
                            Support::Email => "メールサポート",
                            Support::Priority => "優先サポート",
                            Support::Dedicated => "専任サポート",
                        },
                    )
                },
            },
            _ => Self {
                title: "Bob's plans and prices",
                questions: &[
                    "What does Bob cost per month?",
                    "How much is a plan?",
                    "Which plans are there?",
                    "How many credits does a plan include?",
                ],
                plan: |plan| {
                    format!(
                        "The {} plan costs {} per month. The {} plan includes {} credits a month, {}, {} and {}.",
                        plan.name,
                        money(&plan.monthly, '.'),
                        plan.name,
                        grouped(plan.credits, ','),
                        match plan.seats {
                            Allowance::UpTo(seats) => format!("{seats} seats"),
                            Allowance::Unlimited => "unlimited seats".to_owned(),
                        },
                        match plan.integrations {
                            1 => "1 standard integration".to_owned(),
                            more => format!("{more} standard integrations"),
                        },
                        match plan.support {
                            Support::Email => "email support",
                            Support::Priority => "priority support",
                            Support::Dedicated => "dedicated support",
                        },
                    )
                },
            },
        }
    }
}

/// `249 USD`, or `9.50 EUR` where there are cents.
fn money(money: &Money, point: char) -> String {
    let (whole, cents) = (money.minor / 100, money.minor % 100);
    match cents {
        0 => format!("{whole} {}", money.currency),
        cents => format!("{whole}{point}{cents:02} {}", money.currency),
    }
}

/// `75,000`
fn grouped(number: u32, separator: char) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_price_of_the_pricebook_is_told_in_every_language() {
        let book = Pricebook::first();
        for language in [Language::EN, Language::DE, Language::JA] {
            let text = item(language, &book);
            for price in ["79 USD", "249 USD", "899 USD"] {
                assert!(text.body.contains(price), "{language}: {price}");
            }
        }
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(
            [grouped(999, ','), grouped(75_000, '.'), grouped(1_250_000, ',')],
            ["999", "75.000", "1,250,000"]
        );
    }
}
