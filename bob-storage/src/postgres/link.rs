//! One-time links.

use async_trait::async_trait;
use bob_core::account::{LinkPurpose, LinkToken, LinkUse, NewLink, PLATFORM_REALM};
use bob_core::act::Act;
use bob_core::storage::{LinkStore, Result, StorageErrorKind};

use super::audit::{Subject, note};
use super::keys::sealed;
use super::rows::micros;
use super::unit::{Query, Unit};
use super::{PostgresStorage, not_found};
use crate::seal::PersonSeal;

#[async_trait]
impl LinkStore for PostgresStorage {
    async fn store_link(&self, act: &Act, link: NewLink) -> Result<bool> {
        const OPERATION: &str = "store_link";
        let (act, realm) = (act.clone(), link.realm);
        self.run(OPERATION, &realm, move |unit| {
            Box::pin(async move {
                unit.row(may_have(&link)).await?.ok_or_else(|| not_found(OPERATION))?;
                if !put_link(unit, &act, &link).await? {
                    return Ok(false);
                }
                let subject = Subject(Some(link.account.as_uuid()), None);
                note(unit, Some(&link.realm), &act, OPERATION, subject).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn link_holds(&self, act: &Act, token: &LinkToken) -> Result<bool> {
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT 1 FROM bob_links l JOIN bob_accounts a ON a.account_id = l.account_id
                 WHERE l.tenant_id = f.tenant AND l.account_id = $2 AND l.purpose = $3 AND l.hash = $4
                   AND l.expires_at > $5 AND a.disabled_at IS NULL
                   AND (l.purpose = 'reset' OR a.password IS NULL)
                 OFFSET 0) r",
        )
        .bind(token.realm.as_uuid())
        .bind(token.account.as_uuid())
        .bind(token.purpose.as_str())
        .bind(token.hash.as_bytes().to_vec())
        .bind(micros(act.at));
        Ok(self.row("link_holds", question).await?.is_some())
    }

    async fn use_link(&self, act: &Act, used: LinkUse) -> Result<bool> {
        const OPERATION: &str = "use_link";
        let (act, realm) = (act.clone(), used.token.realm);
        let seal = PersonSeal { key: self.vault().platform(), account: used.token.account };
        let name = used.name.as_deref().map(|name| seal.name(name)).transpose();
        let name = name.map_err(sealed(OPERATION))?;
        self.run(OPERATION, &realm, move |unit| {
            Box::pin(async move {
                let LinkUse { token, password, .. } = used;
                // The account first: who else uses a link of it waits here, and finds it settled.
                let set = sqlx::query(
                    "UPDATE bob_accounts a
                     SET password = $4, name = coalesce($5, a.name), generation = a.generation + 1,
                         version = a.version + 1
                     WHERE a.account_id = $2 AND a.disabled_at IS NULL
                       AND ($3 = 'reset' OR a.password IS NULL)
                       AND EXISTS (
                           SELECT 1 FROM bob_links l
                           WHERE l.tenant_id = $1 AND l.account_id = $2 AND l.purpose = $3 AND l.hash = $6
                             AND l.expires_at > $7)",
                )
                .bind(token.realm.as_uuid())
                .bind(token.account.as_uuid())
                .bind(token.purpose.as_str())
                .bind(password.as_str().to_owned())
                .bind(name.clone())
                .bind(token.hash.as_bytes().to_vec())
                .bind(micros(act.at));
                if unit.execute(set).await? == 0 {
                    return Ok(false);
                }
                let use_up = sqlx::query(
                    "DELETE FROM bob_links
                     WHERE tenant_id = $1 AND account_id = $2 AND purpose = $3 AND hash = $4",
                )
                .bind(token.realm.as_uuid())
                .bind(token.account.as_uuid())
                .bind(token.purpose.as_str())
                .bind(token.hash.as_bytes().to_vec());
                if unit.execute(use_up).await? == 0 {
                    // Used meanwhile, by somebody whose commit this one waited for.
                    return Err(not_found(OPERATION));
                }
                if name.is_some() {
                    let own_name = sqlx::query(
                        "UPDATE bob_memberships SET name = NULL, version = version + 1
                         WHERE tenant_id = $1 AND account_id = $2",
                    )
                    .bind(token.realm.as_uuid())
                    .bind(token.account.as_uuid());
                    unit.execute(own_name).await?;
                }
                let subject = Subject(Some(token.account.as_uuid()), None);
                note(unit, Some(&token.realm), &act, OPERATION, subject).await?;
                let platform = sqlx::query("SELECT set_config('bob.tenant', $1::uuid::text, true)")
                    .bind(PLATFORM_REALM.as_uuid());
                unit.execute(platform).await?;
                let settled = sqlx::query(
                    "DELETE FROM bob_links WHERE tenant_id = $1 AND account_id = $2 AND purpose = 'reset'",
                )
                .bind(PLATFORM_REALM.as_uuid())
                .bind(token.account.as_uuid());
                unit.execute(settled).await?;
                Ok(true)
            })
        })
        .await
        .or_else(|error| match error.kind() {
            StorageErrorKind::NotFound => Ok(false),
            _ => Err(error),
        })
    }
}

/// Stores a link in the place of an earlier one, unless that is to be spared.
pub(super) async fn put_link(unit: &mut Unit<'_>, act: &Act, link: &NewLink) -> Result<bool> {
    let insert = sqlx::query(
        "INSERT INTO bob_links (tenant_id, account_id, purpose, hash, made_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant_id, account_id, purpose) DO UPDATE
         SET hash = excluded.hash, made_at = excluded.made_at, expires_at = excluded.expires_at
         WHERE $7::bigint IS NULL OR bob_links.made_at <= $7",
    )
    .bind(link.realm.as_uuid())
    .bind(link.account.as_uuid())
    .bind(link.purpose.as_str())
    .bind(link.hash.as_bytes().to_vec())
    .bind(micros(act.at))
    .bind(micros(link.expires_at))
    .bind(link.spares_since.map(micros));
    Ok(unit.execute(insert).await? > 0)
}

/// Whether somebody may have such a link.
fn may_have(link: &NewLink) -> Query<'static> {
    match link.purpose {
        LinkPurpose::Reset => {
            sqlx::query("SELECT 1 FROM bob_accounts WHERE account_id = $1 AND disabled_at IS NULL")
                .bind(link.account.as_uuid())
        }
        LinkPurpose::Invitation if link.realm == PLATFORM_REALM => sqlx::query(
            "SELECT 1 FROM bob_accounts
             WHERE account_id = $1 AND disabled_at IS NULL AND password IS NULL AND platform_role IS NOT NULL",
        )
        .bind(link.account.as_uuid()),
        LinkPurpose::Invitation => sqlx::query(
            "SELECT 1 FROM bob_memberships m JOIN bob_accounts a ON a.account_id = m.account_id
             WHERE m.tenant_id = $2 AND m.account_id = $1 AND m.disabled_at IS NULL AND a.disabled_at IS NULL
               AND a.password IS NULL",
        )
        .bind(link.account.as_uuid())
        .bind(link.realm.as_uuid()),
    }
}
