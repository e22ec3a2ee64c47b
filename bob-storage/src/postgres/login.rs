//! Sign-ins and their refresh tokens.

use async_trait::async_trait;
use bob_core::account::{AccountKind, Login, RefreshOutcome};
use bob_core::act::Act;
use bob_core::id::{AccountId, LoginId, TenantId};
use bob_core::storage::{LoginStore, Result};
use jiff::Timestamp;
use sqlx::postgres::PgRow;

use super::audit::{Subject, note};
use super::rows::{Cells, count, micros};
use super::unit::Unit;
use super::{PostgresStorage, not_found};

#[async_trait]
impl LoginStore for PostgresStorage {
    async fn open_login(&self, act: &Act, login: Login, refresh: [u8; 32]) -> Result<()> {
        const OPERATION: &str = "open_login";
        let act = act.clone();
        let realm = login.realm;
        self.run(OPERATION, &realm, move |unit| {
            Box::pin(async move {
                let insert = sqlx::query(
                    "INSERT INTO bob_logins (tenant_id, login_id, account_id, kind, cookie_hash, started_at,
                             idle_until, ends_at, ended_at, generation)
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                )
                .bind(login.realm.as_uuid())
                .bind(login.id.as_uuid())
                .bind(login.account.as_uuid())
                .bind(login.kind.as_str())
                .bind(login.cookie_hash.to_vec())
                .bind(micros(login.started_at))
                .bind(micros(login.idle_until))
                .bind(micros(login.ends_at))
                .bind(login.ended_at.map(micros))
                .bind(count(login.generation));
                unit.execute(insert).await?;
                insert_token(unit, &login.realm, &login.id, refresh).await?;
                let subject = Subject(Some(login.id.as_uuid()), Some(login.account.as_uuid()));
                note(unit, Some(&login.realm), &act, OPERATION, subject).await
            })
        })
        .await
    }

    async fn login(&self, realm: &TenantId, login: &LoginId) -> Result<Option<Login>> {
        const OPERATION: &str = "login";
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT tenant_id, login_id, account_id, kind, cookie_hash, started_at, idle_until, ends_at, ended_at,
                 generation
                 FROM bob_logins WHERE tenant_id = f.tenant AND login_id = $2
                 OFFSET 0) r",
        )
        .bind(realm.as_uuid())
        .bind(login.as_uuid());
        let found = self.row(OPERATION, question).await?;
        found.map(|row| read(&row, OPERATION)).transpose()
    }

    async fn touch_login(&self, realm: &TenantId, login: &LoginId, idle_until: Timestamp) -> Result<()> {
        const OPERATION: &str = "touch_login";
        let (realm, login) = (*realm, *login);
        self.run(OPERATION, &realm, move |unit| {
            Box::pin(async move {
                let update = sqlx::query(
                    "UPDATE bob_logins SET idle_until = $3
                         WHERE tenant_id = $1 AND login_id = $2 AND ended_at IS NULL",
                )
                .bind(realm.as_uuid())
                .bind(login.as_uuid())
                .bind(micros(idle_until));
                if unit.execute(update).await? == 0 { Err(not_found(OPERATION)) } else { Ok(()) }
            })
        })
        .await
    }

    async fn rotate_refresh(
        &self,
        act: &Act,
        realm: &TenantId,
        login: &LoginId,
        used: [u8; 32],
        next: [u8; 32],
    ) -> Result<RefreshOutcome> {
        const OPERATION: &str = "rotate_refresh";
        let (act, realm, login) = (act.clone(), *realm, *login);
        self.run(OPERATION, &realm, move |unit| {
            Box::pin(async move {
                let find = sqlx::query(
                    "SELECT r.used_at IS NOT NULL
                         FROM bob_logins l
                         JOIN bob_refresh_tokens r ON r.tenant_id = l.tenant_id AND r.login_id = l.login_id
                         WHERE l.tenant_id = $1 AND l.login_id = $2 AND r.hash = $3
                           AND l.ended_at IS NULL AND l.idle_until > $4 AND l.ends_at > $4
                         FOR UPDATE",
                )
                .bind(realm.as_uuid())
                .bind(login.as_uuid())
                .bind(used.to_vec())
                .bind(micros(act.at));
                let Some(token) = unit.row(find).await? else { return Ok(RefreshOutcome::Unknown) };
                let reused = Cells::of(&token, OPERATION).take()?;
                if reused {
                    let end = sqlx::query(
                        "UPDATE bob_logins SET ended_at = $3 WHERE tenant_id = $1 AND login_id = $2",
                    )
                    .bind(realm.as_uuid())
                    .bind(login.as_uuid())
                    .bind(micros(act.at));
                    unit.execute(end).await?;
                } else {
                    let use_up = sqlx::query(
                        "UPDATE bob_refresh_tokens SET used_at = $4
                             WHERE tenant_id = $1 AND login_id = $2 AND hash = $3",
                    )
                    .bind(realm.as_uuid())
                    .bind(login.as_uuid())
                    .bind(used.to_vec())
                    .bind(micros(act.at));
                    unit.execute(use_up).await?;
                    insert_token(unit, &realm, &login, next).await?;
                }
                let subject = Subject(Some(login.as_uuid()), None);
                note(unit, Some(&realm), &act, OPERATION, subject).await?;
                Ok(if reused { RefreshOutcome::Reused } else { RefreshOutcome::Rotated })
            })
        })
        .await
    }

    async fn end_login(&self, act: &Act, realm: &TenantId, login: &LoginId) -> Result<()> {
        const OPERATION: &str = "end_login";
        let (act, realm, login) = (act.clone(), *realm, *login);
        self.run(OPERATION, &realm, move |unit| {
            Box::pin(async move {
                let update = sqlx::query(
                    "UPDATE bob_logins SET ended_at = $3
                         WHERE tenant_id = $1 AND login_id = $2 AND ended_at IS NULL",
                )
                .bind(realm.as_uuid())
                .bind(login.as_uuid())
                .bind(micros(act.at));
                if unit.execute(update).await? == 0 {
                    return Ok(());
                }
                note(unit, Some(&realm), &act, OPERATION, Subject(Some(login.as_uuid()), None)).await
            })
        })
        .await
    }

    async fn logins_of(
        &self,
        realm: &TenantId,
        account: &AccountId,
        now: Timestamp,
        before: Option<LoginId>,
        limit: u32,
    ) -> Result<Vec<Login>> {
        const OPERATION: &str = "logins_of";
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT tenant_id, login_id, account_id, kind, cookie_hash, started_at, idle_until, ends_at, ended_at,
                     generation
                 FROM bob_logins
                 WHERE tenant_id = f.tenant AND account_id = $2 AND ended_at IS NULL AND idle_until > $3
                   AND ends_at > $3 AND ($4::uuid IS NULL OR login_id < $4)
                 ORDER BY login_id DESC LIMIT $5) r
             ORDER BY r.login_id DESC",
        )
        .bind(realm.as_uuid())
        .bind(account.as_uuid())
        .bind(micros(now))
        .bind(before.map(|before| before.as_uuid()))
        .bind(i64::from(limit));
        let rows = self.rows(OPERATION, question).await?;
        rows.iter().map(|row| read(row, OPERATION)).collect()
    }

    async fn end_other_logins(
        &self,
        act: &Act,
        realm: &TenantId,
        account: &AccountId,
        kept: &LoginId,
    ) -> Result<Vec<LoginId>> {
        const OPERATION: &str = "end_other_logins";
        let (act, realm, account, kept) = (act.clone(), *realm, *account, *kept);
        self.run(OPERATION, &realm, move |unit| {
            Box::pin(async move {
                let update = sqlx::query(
                    "UPDATE bob_logins SET ended_at = $4
                         WHERE tenant_id = $1 AND account_id = $2 AND login_id <> $3
                           AND ended_at IS NULL AND idle_until > $4 AND ends_at > $4
                         RETURNING login_id",
                )
                .bind(realm.as_uuid())
                .bind(account.as_uuid())
                .bind(kept.as_uuid())
                .bind(micros(act.at));
                let rows = unit.rows(update).await?;
                if rows.is_empty() {
                    return Ok(Vec::new());
                }
                let subject = Subject(None, Some(account.as_uuid()));
                note(unit, Some(&realm), &act, OPERATION, subject).await?;
                rows.iter().map(|row| Cells::of(row, OPERATION).id(LoginId::from_uuid)).collect()
            })
        })
        .await
    }
}

async fn insert_token(unit: &mut Unit<'_>, realm: &TenantId, login: &LoginId, hash: [u8; 32]) -> Result<()> {
    let insert =
        sqlx::query("INSERT INTO bob_refresh_tokens (tenant_id, login_id, hash) VALUES ($1, $2, $3)")
            .bind(realm.as_uuid())
            .bind(login.as_uuid())
            .bind(hash.to_vec());
    unit.execute(insert).await?;
    Ok(())
}

fn read(row: &PgRow, operation: &'static str) -> Result<Login> {
    let mut cells = Cells::of(row, operation);
    let kind_of = |name: &str| {
        [AccountKind::Platform, AccountKind::Tenant].into_iter().find(|kind| kind.as_str() == name)
    };
    Ok(Login {
        realm: cells.id(TenantId::from_uuid)?,
        id: cells.id(LoginId::from_uuid)?,
        account: cells.id(AccountId::from_uuid)?,
        kind: cells.named(kind_of)?,
        cookie_hash: cells.bytes()?,
        started_at: cells.time()?,
        idle_until: cells.time()?,
        ends_at: cells.time()?,
        ended_at: cells.optional_time()?,
        generation: cells.number()?,
    })
}
