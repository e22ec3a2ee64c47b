//! Credits on the wire: always thousandths, as whole numbers in fields whose names end in `_millicredits`.

use bob_core::credit::{
    CreditChange, CreditChangeError, CreditUsage, LedgerEntry, LedgerKind, LedgerPage, MilliCredits,
};
use bob_core::tenant::Tenant;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;

/// The most that one call grants or takes back: a thousand million credits.
///
/// It leaves room for a million of such calls below what may be granted in all.
const MOST: MilliCredits = MilliCredits::credits(1_000_000_000);

/// How a business stands in its period.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageView<'a> {
    tenant_id: String,
    plan: Option<&'a str>,
    period: PeriodView,
    balance: BalanceView,
}

#[derive(Debug, Serialize, ToSchema)]
struct PeriodView {
    from: String,
    to: String,
    allowance_millicredits: i64,
    included_millicredits: i64,
    used_millicredits: i64,
    /// The highest of 0, 80 and 100 that was passed.
    threshold_percent: u8,
}

#[derive(Debug, Serialize, ToSchema)]
struct BalanceView {
    granted_millicredits: i64,
    settled_millicredits: i64,
    reserved_millicredits: i64,
    available_millicredits: i64,
}

impl<'a> UsageView<'a> {
    pub(crate) fn new(tenant: &'a Tenant, usage: &CreditUsage) -> Self {
        let balance = &usage.balance;
        Self {
            tenant_id: tenant.id.to_string(),
            plan: tenant.billing.plan.as_deref(),
            period: PeriodView {
                from: usage.from.to_string(),
                to: usage.to.to_string(),
                allowance_millicredits: usage.allowance.0,
                included_millicredits: usage.included.0,
                used_millicredits: usage.used.0,
                threshold_percent: usage.threshold,
            },
            balance: BalanceView {
                granted_millicredits: balance.granted.0,
                settled_millicredits: balance.settled.0,
                reserved_millicredits: balance.reserved.0,
                available_millicredits: balance.available().0,
            },
        }
    }
}

/// A page of a ledger, the latest entry first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LedgerView<'a> {
    items: Vec<EntryView<'a>>,
    next_cursor: Option<String>,
}

/// One movement of credits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntryView<'a> {
    number: u64,
    at: String,
    kind: &'static str,
    amount_millicredits: i64,
    balance_millicredits: i64,
    turn_id: Option<String>,
    reason: Option<&'a str>,
}

impl<'a> From<&'a LedgerPage> for LedgerView<'a> {
    fn from(page: &'a LedgerPage) -> Self {
        let next_cursor = page.next.map(|next| next.to_string());
        Self { items: page.entries.iter().map(Into::into).collect(), next_cursor }
    }
}

impl<'a> From<&'a LedgerEntry> for EntryView<'a> {
    fn from(entry: &'a LedgerEntry) -> Self {
        Self {
            number: entry.number,
            at: entry.at.to_string(),
            kind: entry.kind.as_str(),
            amount_millicredits: entry.amount.0,
            balance_millicredits: entry.balance.0,
            turn_id: entry.turn.map(|turn| turn.to_string()),
            reason: entry.reason.as_deref(),
        }
    }
}

/// What a platform person grants or takes back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreditsRequest {
    amount_millicredits: i64,
    reason: String,
    #[serde(default)]
    kind: Option<String>,
}

impl TryFrom<CreditsRequest> for CreditChange {
    type Error = Problem;

    fn try_from(request: CreditsRequest) -> Result<Self, Problem> {
        let wrong_amount = || {
            let detail =
                "An amount is 1 to 1,000,000,000,000 thousandths of a credit, or as much below zero.";
            Problem::field("amount_millicredits", detail)
        };
        let wrong_reason = || Problem::field("reason", "A reason has 1 to 500 characters, on one line.");
        let amount = MilliCredits(request.amount_millicredits);
        if !(MilliCredits(-MOST.0)..=MOST).contains(&amount) {
            return Err(wrong_amount());
        }
        let kind = match request.kind.as_deref() {
            None if amount > MilliCredits::ZERO => LedgerKind::Grant,
            None | Some("correction") => LedgerKind::Correction,
            Some("grant") => LedgerKind::Grant,
            Some(_) => return Err(Problem::field("kind", "The kinds are grant and correction.")),
        };
        let reason = request.reason.trim();
        if reason.chars().any(char::is_control) {
            return Err(wrong_reason());
        }
        CreditChange::new(kind, amount, reason).map_err(|error| match error {
            CreditChangeError::Kind => Problem::field("kind", "A grant is above zero."),
            CreditChangeError::Reason => wrong_reason(),
            _ => wrong_amount(),
        })
    }
}
