//! The keys that sign access tokens.

use async_trait::async_trait;
use bob_core::account::{PLATFORM_REALM, SigningKey};
use bob_core::act::Act;
use bob_core::storage::{Result, SigningKeyStore};
use bob_core::vault::DataKey;
use jiff::Timestamp;
use sqlx::postgres::PgRow;

use super::PostgresStorage;
use super::audit::{Subject, note};
use super::keys::sealed;
use super::rows::{Cells, micros};
use super::unit::Unit;
use crate::seal::{open_signing_seed, signing_seed};

#[async_trait]
impl SigningKeyStore for PostgresStorage {
    async fn signing_keys(&self, now: Timestamp) -> Result<Vec<SigningKey>> {
        const OPERATION: &str = "signing_keys";
        let question = sqlx::query(
            "SELECT number, seed, created_at, signs_from, signs_until, ends_at FROM bob_signing_keys
             WHERE ends_at IS NULL OR ends_at > $1 ORDER BY number",
        )
        .bind(micros(now));
        let rows = self.rows(OPERATION, question).await?;
        rows.iter().map(|row| read(row, self.vault().platform(), OPERATION)).collect()
    }

    async fn add_signing_key(&self, act: &Act, key: SigningKey) -> Result<bool> {
        const OPERATION: &str = "add_signing_key";
        let (act, seed) = (act.clone(), self.sealed_seed(&key, OPERATION)?);
        self.run(OPERATION, &PLATFORM_REALM, move |unit| {
            Box::pin(async move {
                if !insert(unit, &key, seed).await? {
                    return Ok(false);
                }
                let give_way = sqlx::query(
                    "UPDATE bob_signing_keys SET signs_until = $2, ends_at = $3
                     WHERE number < $1 AND ends_at IS NULL",
                )
                .bind(i64::from(key.number))
                .bind(micros(key.signs_from))
                .bind(micros(SigningKey::end_of(key.signs_from)));
                unit.execute(give_way).await?;
                let forget =
                    sqlx::query("DELETE FROM bob_signing_keys WHERE ends_at <= $1").bind(micros(act.at));
                unit.execute(forget).await?;
                note(unit, None, &act, OPERATION, Subject::default()).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn replace_signing_keys(&self, act: &Act, key: SigningKey) -> Result<bool> {
        const OPERATION: &str = "replace_signing_keys";
        let (act, seed) = (act.clone(), self.sealed_seed(&key, OPERATION)?);
        self.run(OPERATION, &PLATFORM_REALM, move |unit| {
            Box::pin(async move {
                if !insert(unit, &key, seed).await? {
                    return Ok(false);
                }
                let forget =
                    sqlx::query("DELETE FROM bob_signing_keys WHERE number < $1").bind(i64::from(key.number));
                unit.execute(forget).await?;
                note(unit, None, &act, OPERATION, Subject::default()).await?;
                Ok(true)
            })
        })
        .await
    }
}

impl PostgresStorage {
    fn sealed_seed(&self, key: &SigningKey, operation: &'static str) -> Result<Vec<u8>> {
        signing_seed(self.vault().platform(), key.number, &key.seed).map_err(sealed(operation))
    }
}

/// Inserts a key, unless there is one of its number or a later one; who comes at the same time waits and then does not.
async fn insert(unit: &mut Unit<'_>, key: &SigningKey, seed: Vec<u8>) -> Result<bool> {
    let insert = sqlx::query(
        "INSERT INTO bob_signing_keys (number, seed, created_at, signs_from)
         SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT 1 FROM bob_signing_keys WHERE number >= $1)
         ON CONFLICT (number) DO NOTHING",
    )
    .bind(i64::from(key.number))
    .bind(seed)
    .bind(micros(key.created_at))
    .bind(micros(key.signs_from));
    Ok(unit.execute(insert).await? == 1)
}

fn read(row: &PgRow, platform: &DataKey, operation: &'static str) -> Result<SigningKey> {
    let mut cells = Cells::of(row, operation);
    let number = cells.number()?;
    let seed: &[u8] = cells.take()?;
    Ok(SigningKey {
        number,
        seed: open_signing_seed(platform, number, seed).map_err(sealed(operation))?,
        created_at: cells.time()?,
        signs_from: cells.time()?,
        signs_until: cells.optional_time()?,
        ends_at: cells.optional_time()?,
    })
}
