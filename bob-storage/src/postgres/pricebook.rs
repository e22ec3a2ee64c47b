//! The versions of the pricebook.

use async_trait::async_trait;
use bob_core::account::PLATFORM_REALM;
use bob_core::act::Act;
use bob_core::pricebook::Pricebook;
use bob_core::storage::{PricebookStore, Result};
use jiff::Timestamp;

use super::audit::{Subject, note};
use super::error::corrupt;
use super::rows::{Cells, micros};
use super::{PostgresStorage, not_found};
use crate::record;

#[async_trait]
impl PricebookStore for PostgresStorage {
    async fn found_pricebook(&self, act: &Act, book: Pricebook) -> Result<()> {
        const OPERATION: &str = "found_pricebook";
        let act = act.clone();
        let content = record::of_pricebook(&book).map_err(|error| corrupt(OPERATION, error))?;
        self.run(OPERATION, &PLATFORM_REALM, move |unit| {
            Box::pin(async move {
                let insert = sqlx::query(
                    "INSERT INTO bob_pricebooks (version, effective_at, content)
                     SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM bob_pricebooks)
                     ON CONFLICT (version) DO NOTHING",
                )
                .bind(i64::from(book.version))
                .bind(micros(book.effective_at))
                .bind(content);
                if unit.execute(insert).await? == 0 {
                    return Ok(());
                }
                note(unit, None, &act, OPERATION, Subject::default()).await
            })
        })
        .await
    }

    async fn published_pricebook(&self, now: Timestamp) -> Result<Pricebook> {
        const OPERATION: &str = "published_pricebook";
        let question = sqlx::query(
            "SELECT version, effective_at, content FROM bob_pricebooks
             WHERE effective_at <= $1 ORDER BY version DESC LIMIT 1",
        )
        .bind(micros(now));
        let row = self.row(OPERATION, question).await?.ok_or_else(|| not_found(OPERATION))?;
        let mut cells = Cells::of(&row, OPERATION);
        let (version, effective_at) = (cells.number()?, cells.time()?);
        record::pricebook(version, effective_at, cells.take()?).map_err(|error| corrupt(OPERATION, error))
    }
}
