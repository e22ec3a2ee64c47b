//! Beginning the periods of tenants whose last one is over.

use jiff::Timestamp;

use super::{MilliCredits, Renewal};
use crate::act::Act;
use crate::id::TenantId;
use crate::pricebook::Pricebook;
use crate::storage::{Result, Storage};

/// How many tenants one round renews.
const MOST: u32 = 200;

/// Begins the next period of tenants whose period has ended at the act's time, at most [`MOST`], and answers how many it
/// began; whoever calls it goes on until that is none.
///
/// A period that nobody began in time is begun late, one after the other. Several nodes may do this at once: each
/// period begins once. A tenant whose period cannot be begun keeps no other from theirs.
pub(crate) async fn renew_due(storage: &dyn Storage, book: &Pricebook, act: &Act) -> Result<u32> {
    let mut begun = 0;
    for (tenant, due) in storage.due_renewals(act.at, MOST).await? {
        match renew(storage, book, act, &tenant, due).await {
            Ok(new) => begun += u32::from(new),
            Err(error) => tracing::warn!(%tenant, error = ?error, "a period that is due could not be begun"),
        }
    }
    Ok(begun)
}

async fn renew(
    storage: &dyn Storage,
    book: &Pricebook,
    act: &Act,
    tenant: &TenantId,
    due: Timestamp,
) -> Result<bool> {
    let billing = storage.tenant_snapshot(tenant).await?.tenant.billing;
    let plan = billing.plan.as_deref().and_then(|name| book.plan(name));
    let credits = plan.map_or(MilliCredits::ZERO, |plan| MilliCredits::credits(i64::from(plan.credits)));
    let day = due.to_zoned(billing.zone.clone()).date();
    let renewal = Renewal {
        due,
        next: billing.next_after(due),
        credits,
        reason: format!(
            "{} from {day}, pricebook {}",
            billing.plan.as_deref().unwrap_or("no plan"),
            book.version
        ),
    };
    storage.renew_credits(act, tenant, renewal).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credit::{Billing, BillingDay, LedgerKind};
    use crate::storage::memory::MemoryStorage;
    use crate::storage::{CreditStore as _, TenantStore as _};
    use crate::testing::fixture;

    #[tokio::test]
    async fn each_period_is_begun_once_and_late_ones_one_after_the_other() {
        let store = MemoryStorage::new();
        let mut shop = fixture::onboarding("shop");
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        shop.tenant.billing =
            Billing { plan: Some("Starter".to_owned()), day: BillingDay::new(15).unwrap(), zone };
        let tenant = shop.tenant.id;
        store.onboard(&fixture::act(), shop).await.unwrap();
        let book = Pricebook::first();
        let first_end = store.credit_usage(&tenant).await.unwrap().to;

        let early = Act { at: first_end - jiff::Span::new().seconds(1), ..fixture::act() };
        assert_eq!(renew_due(&store, &book, &early).await.unwrap(), 0);
        let late = Act { at: first_end + jiff::Span::new().hours(24 * 40), ..fixture::act() };
        assert_eq!(renew_due(&store, &book, &late).await.unwrap(), 1);
        assert_eq!(renew_due(&store, &book, &late).await.unwrap(), 1);
        assert_eq!(renew_due(&store, &book, &late).await.unwrap(), 0);

        let usage = store.credit_usage(&tenant).await.unwrap();
        assert!(usage.from <= late.at && late.at < usage.to);
        assert_eq!(usage.balance.available(), MilliCredits::credits(15_000), "what was not used expired");
        let kinds: Vec<_> = store
            .ledger(&tenant, None, 10)
            .await
            .unwrap()
            .entries
            .iter()
            .rev()
            .map(|entry| entry.kind)
            .collect();
        use LedgerKind::{Expiry, Grant, Renewal};
        assert_eq!(kinds, [Grant, Expiry, Renewal, Expiry, Renewal]);
    }

    #[tokio::test]
    async fn of_many_tenants_all_come_to_their_turn() {
        let store = MemoryStorage::new();
        for number in 0..=MOST {
            fixture::tenant(&store, &format!("shop-{number}")).await;
        }
        let later = Act { at: fixture::now() + jiff::Span::new().hours(24 * 20), ..fixture::act() };
        let book = Pricebook::first();
        assert_eq!(renew_due(&store, &book, &later).await.unwrap(), MOST);
        assert_eq!(renew_due(&store, &book, &later).await.unwrap(), 1);
        assert_eq!(renew_due(&store, &book, &later).await.unwrap(), 0);
    }
}
