//! One-time links.

use async_trait::async_trait;
use bob_core::account::{LinkPurpose, LinkToken, LinkUse, NewLink, PLATFORM_REALM};
use bob_core::act::Act;
use bob_core::storage::{LinkStore, Result};

use super::audit::{Subject, note};
use super::error::{corrupt, failed};
use super::rows::{blob, micros};
use super::writer::{Query, Unit};
use super::{SqliteStorage, not_found};
use crate::seal::PersonSeal;

#[async_trait]
impl LinkStore for SqliteStorage {
    async fn store_link(&self, act: &Act, link: NewLink) -> Result<bool> {
        const OPERATION: &str = "store_link";
        let act = act.clone();
        self.writer()
            .run(OPERATION, move |unit| {
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
        let held = holding(act, token).fetch_optional(self.readers()).await;
        Ok(held.map_err(failed("link_holds"))?.is_some())
    }

    async fn use_link(&self, act: &Act, used: LinkUse) -> Result<bool> {
        const OPERATION: &str = "use_link";
        let (act, vault) = (act.clone(), self.shared_vault());
        self.writer()
            .run(OPERATION, move |unit| {
                Box::pin(async move {
                    let LinkUse { token, password, name } = used;
                    if unit.row(holding(&act, &token)).await?.is_none() {
                        return Ok(false);
                    }
                    let seal = PersonSeal { key: vault.platform(), account: token.account };
                    let name = name.map(|name| seal.name(&name)).transpose();
                    let set = sqlx::query(
                        "DELETE FROM bob_links WHERE tenant_id = $1 AND account_id = $2 AND purpose = $3;
                         DELETE FROM bob_links WHERE tenant_id = $6 AND account_id = $2 AND purpose = 'reset';
                         UPDATE bob_memberships SET name = NULL, version = version + 1
                         WHERE tenant_id = $1 AND account_id = $2 AND $5 IS NOT NULL;
                         UPDATE bob_accounts
                         SET password = $4, name = coalesce($5, name), generation = generation + 1,
                             version = version + 1
                         WHERE account_id = $2",
                    )
                    .bind(blob(token.realm.as_uuid()))
                    .bind(blob(token.account.as_uuid()))
                    .bind(token.purpose.as_str())
                    .bind(password.as_str().to_owned())
                    .bind(name.map_err(|error| corrupt(OPERATION, error))?)
                    .bind(blob(PLATFORM_REALM.as_uuid()));
                    unit.execute(set).await?;
                    let subject = Subject(Some(token.account.as_uuid()), None);
                    note(unit, Some(&token.realm), &act, OPERATION, subject).await?;
                    Ok(true)
                })
            })
            .await
    }
}

/// Stores a link in the place of an earlier one, unless that is to be spared.
pub(super) async fn put_link(unit: &mut Unit<'_>, act: &Act, link: &NewLink) -> Result<bool> {
    let insert = sqlx::query(
        "INSERT INTO bob_links (tenant_id, account_id, purpose, hash, made_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant_id, account_id, purpose) DO UPDATE
         SET hash = excluded.hash, made_at = excluded.made_at, expires_at = excluded.expires_at
         WHERE $7 IS NULL OR bob_links.made_at <= $7",
    )
    .bind(blob(link.realm.as_uuid()))
    .bind(blob(link.account.as_uuid()))
    .bind(link.purpose.as_str())
    .bind(link.hash.as_bytes().to_vec())
    .bind(micros(act.at))
    .bind(micros(link.expires_at))
    .bind(link.spares_since.map(micros));
    Ok(unit.execute(insert).await? > 0)
}

/// Whether somebody may have such a link.
fn may_have(link: &NewLink) -> Query {
    let question = match link.purpose {
        LinkPurpose::Reset => {
            sqlx::query("SELECT 1 FROM bob_accounts WHERE account_id = $1 AND disabled_at IS NULL")
        }
        LinkPurpose::Invitation if link.realm == PLATFORM_REALM => sqlx::query(
            "SELECT 1 FROM bob_accounts
             WHERE account_id = $1 AND disabled_at IS NULL AND password IS NULL AND platform_role IS NOT NULL",
        ),
        LinkPurpose::Invitation => sqlx::query(
            "SELECT 1 FROM bob_memberships m JOIN bob_accounts a ON a.account_id = m.account_id
             WHERE m.tenant_id = $2 AND m.account_id = $1 AND m.disabled_at IS NULL AND a.disabled_at IS NULL
               AND a.password IS NULL",
        ),
    };
    question.bind(blob(link.account.as_uuid())).bind(blob(link.realm.as_uuid()))
}

/// The link that a token claims, if it holds.
fn holding(act: &Act, token: &LinkToken) -> Query {
    sqlx::query(
        "SELECT 1 FROM bob_links l JOIN bob_accounts a ON a.account_id = l.account_id
         WHERE l.tenant_id = $1 AND l.account_id = $2 AND l.purpose = $3 AND l.hash = $4 AND l.expires_at > $5
           AND a.disabled_at IS NULL AND (l.purpose = 'reset' OR a.password IS NULL)",
    )
    .bind(blob(token.realm.as_uuid()))
    .bind(blob(token.account.as_uuid()))
    .bind(token.purpose.as_str())
    .bind(token.hash.as_bytes().to_vec())
    .bind(micros(act.at))
}
