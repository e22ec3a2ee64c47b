//! The keys that sign access tokens.

use async_trait::async_trait;
use bob_core::account::SigningKey;
use bob_core::act::Act;
use bob_core::storage::{Result, SigningKeyStore};
use bob_core::vault::DataKey;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::SqliteStorage;
use super::audit::{Subject, note};
use super::error::{corrupt, failed};
use super::rows::{Cells, micros};
use super::writer::Unit;
use crate::seal::{open_signing_seed, signing_seed};

#[async_trait]
impl SigningKeyStore for SqliteStorage {
    async fn signing_keys(&self, now: Timestamp) -> Result<Vec<SigningKey>> {
        const OPERATION: &str = "signing_keys";
        let rows = sqlx::query(
            "SELECT number, seed, created_at, signs_from, signs_until, ends_at FROM bob_signing_keys
             WHERE ends_at IS NULL OR ends_at > $1 ORDER BY number",
        )
        .bind(micros(now))
        .fetch_all(self.readers())
        .await
        .map_err(failed(OPERATION))?;
        rows.iter().map(|row| read(row, self.vault().platform(), OPERATION)).collect()
    }

    async fn add_signing_key(&self, act: &Act, key: SigningKey) -> Result<bool> {
        const OPERATION: &str = "add_signing_key";
        let (act, vault) = (act.clone(), self.shared_vault());
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    if !insert(unit, vault.platform(), &key, OPERATION).await? {
                        return Ok(false);
                    }
                    let give_way = sqlx::query(
                        "UPDATE bob_signing_keys SET signs_until = $2, ends_at = $3
                         WHERE number < $1 AND ends_at IS NULL;
                         DELETE FROM bob_signing_keys WHERE ends_at <= $4",
                    )
                    .bind(i64::from(key.number))
                    .bind(micros(key.signs_from))
                    .bind(micros(SigningKey::end_of(key.signs_from)))
                    .bind(micros(act.at));
                    unit.execute(give_way).await?;
                    note(unit, None, &act, OPERATION, Subject::default()).await?;
                    Ok(true)
                })
            })
            .await
    }

    async fn replace_signing_keys(&self, act: &Act, key: SigningKey) -> Result<bool> {
        const OPERATION: &str = "replace_signing_keys";
        let (act, vault) = (act.clone(), self.shared_vault());
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    if !insert(unit, vault.platform(), &key, OPERATION).await? {
                        return Ok(false);
                    }
                    let forget = sqlx::query("DELETE FROM bob_signing_keys WHERE number < $1")
                        .bind(i64::from(key.number));
                    unit.execute(forget).await?;
                    note(unit, None, &act, OPERATION, Subject::default()).await?;
                    Ok(true)
                })
            })
            .await
    }
}

/// Inserts a key, unless there is one of its number or a later one.
async fn insert(
    unit: &mut Unit<'_>,
    platform: &DataKey,
    key: &SigningKey,
    operation: &'static str,
) -> Result<bool> {
    let seed = signing_seed(platform, key.number, &key.seed).map_err(|error| corrupt(operation, error))?;
    let insert = sqlx::query(
        "INSERT INTO bob_signing_keys (number, seed, created_at, signs_from)
         SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT 1 FROM bob_signing_keys WHERE number >= $1)",
    )
    .bind(i64::from(key.number))
    .bind(seed)
    .bind(micros(key.created_at))
    .bind(micros(key.signs_from));
    Ok(unit.execute(insert).await? == 1)
}

fn read(row: &SqliteRow, platform: &DataKey, operation: &'static str) -> Result<SigningKey> {
    let mut cells = Cells::of(row, operation);
    let number = cells.number()?;
    let sealed: &[u8] = cells.take()?;
    Ok(SigningKey {
        number,
        seed: open_signing_seed(platform, number, sealed).map_err(|error| corrupt(operation, error))?,
        created_at: cells.time()?,
        signs_from: cells.time()?,
        signs_until: cells.optional_time()?,
        ends_at: cells.optional_time()?,
    })
}
