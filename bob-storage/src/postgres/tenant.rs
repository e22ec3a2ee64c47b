//! Tenants, their widget keys and their credits.

use async_trait::async_trait;
use bob_core::account::{Account, TenantRole};
use bob_core::act::Act;
use bob_core::credit::{Billing, BillingDay, FIRST_GRANT, LedgerKind, MilliCredits};
use bob_core::id::{AccountId, TenantId};
use bob_core::identity::IdentitySettings;
use bob_core::storage::{Onboarding, Result, StorageError, StorageErrorKind, TenantSnapshot, TenantStore};
use bob_core::tenant::{FirstSteps, HostName, Standing, StandingChange, Tenant, TenantRef};
use bob_core::widget_key::WidgetSettings;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sqlx::Row as _;
use uuid::Uuid;

use super::account::{SealedPerson, insert_account};
use super::audit::{Subject, note};
use super::error::{corrupt, failed};
use super::keys::locked;
use super::persona::read_persona;
use super::release::keep_numbers_free;
use super::rows::{Cells, count, micros};
use super::unit::Unit;
use super::version::{insert_item, insert_version};
use super::widget_key::{insert_key, read_key};
use super::{PostgresStorage, identity, not_found, standing};
use crate::record;

#[async_trait]
impl TenantStore for PostgresStorage {
    async fn onboard(&self, act: &Act, new: Onboarding) -> Result<()> {
        const OPERATION: &str = "onboard";
        let act = act.clone();
        let id = new.tenant.id;
        let wrapped = self.vault().new_tenant_key(&id).await.map_err(locked(OPERATION))?;
        let people = new.people.iter().map(|(person, role)| {
            let person = Account { platform_role: None, ..person.clone() };
            Ok((self.seal_person(OPERATION, &person)?, *role))
        });
        let people = people.collect::<Result<Vec<_>>>()?;
        self.run(OPERATION, &id, move |unit| {
            Box::pin(async move {
                insert_tenant(unit, &act, &new, wrapped).await?;
                insert_credits(unit, &act, &new).await?;
                insert_key(unit, &act, &id, &new.widget_key).await?;
                for (item, text) in &new.knowledge {
                    insert_item(unit, &id, item).await?;
                    insert_version(unit, &act, &id, item, text, Some(1)).await?;
                }
                keep_numbers_free(unit, &id, 1, OPERATION).await?;
                for (position, (language, words)) in (0_i64..).zip(new.synonyms.groups()) {
                    let words = record::write(words).map_err(|error| corrupt(OPERATION, error))?;
                    let insert = sqlx::query(
                        "INSERT INTO bob_synonyms (tenant_id, position, language, words)
                             VALUES ($1, $2, $3, $4)",
                    )
                    .bind(id.as_uuid())
                    .bind(position)
                    .bind(language.as_str())
                    .bind(words);
                    unit.execute(insert).await?;
                }
                for (person, role) in &people {
                    insert_member(unit, &act, &id, person, *role).await?;
                }
                note(unit, Some(&id), &act, OPERATION, Subject(Some(id.as_uuid()), None)).await
            })
        })
        .await
    }

    async fn find_tenant(&self, named: &TenantRef) -> Result<Option<TenantId>> {
        const OPERATION: &str = "find_tenant";
        let question = match named {
            TenantRef::Id(id) => sqlx::query(
                "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
                 CROSS JOIN LATERAL (SELECT tenant_id FROM bob_tenants WHERE tenant_id = f.tenant OFFSET 0) r",
            )
            .bind(id.as_uuid()),
            TenantRef::Slug(slug) => sqlx::query(
                "SELECT r.* FROM (SELECT set_config('bob.worker', 'directory', true) AS worker OFFSET 0) f
                 CROSS JOIN LATERAL (
                     SELECT tenant_id FROM bob_tenants WHERE slug = $1 AND f.worker = 'directory' OFFSET 0) r",
            )
            .bind(slug.as_str()),
        };
        let found = self.row(OPERATION, question).await?;
        found.map(|row| Cells::of(&row, OPERATION).id(TenantId::from_uuid)).transpose()
    }

    async fn tenant_of_host(&self, host: &str) -> Result<Option<TenantId>> {
        const OPERATION: &str = "tenant_of_host";
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.worker', 'directory', true) AS worker OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT tenant_id FROM bob_tenant_hosts WHERE host = $1 AND f.worker = 'directory' OFFSET 0) r",
        )
        .bind(host);
        let found = self.row(OPERATION, question).await?;
        found.map(|row| Cells::of(&row, OPERATION).id(TenantId::from_uuid)).transpose()
    }

    async fn tenant_version(&self, tenant: &TenantId) -> Result<u64> {
        const OPERATION: &str = "tenant_version";
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (SELECT version FROM bob_tenants WHERE tenant_id = f.tenant OFFSET 0) r",
        )
        .bind(tenant.as_uuid());
        let found = self.row(OPERATION, question).await?;
        Cells::of(&found.ok_or_else(|| not_found(OPERATION))?, OPERATION).number()
    }

    async fn tenant_snapshot(&self, tenant: &TenantId) -> Result<TenantSnapshot> {
        const OPERATION: &str = "tenant_snapshot";
        // One statement, hence all of one moment: a row for each key, the tenant's columns repeated.
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT t.version, t.release, t.slug, t.name, t.languages,
                     (SELECT coalesce(json_agg(h.host ORDER BY h.position), '[]')::text
                      FROM bob_tenant_hosts h WHERE h.tenant_id = t.tenant_id),
                     t.contact, t.hours, t.plan, t.billing_day, t.zone, t.visitor_budget, t.suspended_at,
                     t.suspended_reason, t.deletes_at, t.revision,
                     p.persona_id, p.version, p.name, p.description, p.tone, p.system_prompt,
                     k.key_id, k.key, k.ends_at, k.version AS key_version, k.name AS key_name, k.embed,
                     k.messages_per_minute, k.daily_budget,
                     (SELECT coalesce(json_agg(o.origin ORDER BY o.position), '[]')::text
                      FROM bob_widget_key_origins o WHERE o.tenant_id = k.tenant_id AND o.key_id = k.key_id)
                         AS origins,
                     t.gathers_releases, t.widget_version, t.widget,
                     (SELECT coalesce(json_agg(DISTINCT e.expires_at ORDER BY e.expires_at), '[]')::text
                      FROM bob_knowledge_versions e
                      WHERE e.tenant_id = t.tenant_id AND e.status = 'published' AND e.expires_at IS NOT NULL)
                         AS expiries,
                     (SELECT i.settings FROM bob_identity_settings i WHERE i.tenant_id = t.tenant_id)
                         AS identity_settings
                 FROM bob_tenants t
                 JOIN bob_personas p ON p.tenant_id = t.tenant_id AND p.persona_id = t.persona_id
                     AND p.version = t.persona_version
                 LEFT JOIN bob_widget_keys k ON k.tenant_id = t.tenant_id
                 WHERE t.tenant_id = f.tenant
                 OFFSET 0) r
             ORDER BY r.key_id",
        )
        .bind(tenant.as_uuid());
        let rows = self.rows(OPERATION, question).await?;
        let first = rows.first().ok_or_else(|| not_found(OPERATION))?;
        let mut snapshot = read_snapshot(*tenant, &mut Cells::of(first, OPERATION))?;
        read_rest(&mut snapshot, &mut Cells::of(first, OPERATION).skip(31))?;
        for row in &rows {
            snapshot.widget_keys.extend(read_key(row, OPERATION)?);
        }
        if let Some(sealed) =
            first.try_get::<Option<&[u8]>, _>("identity_settings").map_err(failed(OPERATION))?
        {
            snapshot.identity =
                identity::open(&self.tenant_seal(tenant, OPERATION).await?, sealed, OPERATION)?;
        }
        Ok(snapshot)
    }

    async fn tenants(&self, after: Option<TenantId>, limit: u32) -> Result<Vec<Tenant>> {
        const OPERATION: &str = "tenants";
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.worker', 'directory', true) AS worker OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT t.tenant_id, t.slug, t.name, t.languages,
                     (SELECT coalesce(json_agg(h.host ORDER BY h.position), '[]')::text
                      FROM bob_tenant_hosts h WHERE h.tenant_id = t.tenant_id),
                     t.contact, t.hours, t.plan, t.billing_day, t.zone, t.visitor_budget, t.suspended_at,
                     t.suspended_reason, t.deletes_at, t.revision
                 FROM bob_tenants t WHERE t.tenant_id > $1 AND f.worker = 'directory'
                 ORDER BY t.tenant_id LIMIT $2) r
             ORDER BY r.tenant_id",
        )
        .bind(after.map_or(Uuid::nil(), |after| after.as_uuid()))
        .bind(i64::from(limit));
        let rows = self.rows(OPERATION, question).await?;
        let read = |row| {
            let mut cells = Cells::of(row, OPERATION);
            let id = cells.id(TenantId::from_uuid)?;
            read_tenant(id, &mut cells)
        };
        rows.iter().map(read).collect()
    }

    async fn change_tenant(&self, act: &Act, tenant: &TenantId, revision: u64, to: Tenant) -> Result<u64> {
        const OPERATION: &str = "change_tenant";
        let (act, id) = (act.clone(), *tenant);
        self.run(OPERATION, &id, move |unit| {
            Box::pin(async move {
                bump(unit, &id, OPERATION).await?;
                let broken = |error| corrupt(OPERATION, error);
                let update = sqlx::query(
                    "UPDATE bob_tenants SET name = $3, languages = $4, contact = $5, hours = $6, plan = $7,
                         billing_day = $8, zone = $9, visitor_budget = $10, revision = revision + 1
                     WHERE tenant_id = $1 AND revision = $2",
                )
                .bind(id.as_uuid())
                .bind(count(revision))
                .bind(&to.name)
                .bind(languages(&to)?)
                .bind(record::of_contact(&to.contact).map_err(broken)?)
                .bind(to.hours.as_ref().map(record::of_hours).transpose().map_err(broken)?)
                .bind(&to.billing.plan)
                .bind(i64::from(to.billing.day.get()))
                .bind(to.billing.zone_name())
                .bind(to.visitor_budget.map(|budget| budget.0));
                if unit.execute(update).await? == 0 {
                    return Err(StorageError::new(StorageErrorKind::Stale, OPERATION));
                }
                let delete =
                    sqlx::query("DELETE FROM bob_tenant_hosts WHERE tenant_id = $1").bind(id.as_uuid());
                unit.execute(delete).await?;
                insert_hosts(unit, &id, &to).await?;
                note(unit, Some(&id), &act, OPERATION, Subject(Some(id.as_uuid()), None)).await?;
                Ok(revision + 1)
            })
        })
        .await
    }

    async fn change_standing(
        &self,
        act: &Act,
        tenant: &TenantId,
        change: StandingChange,
    ) -> Result<Standing> {
        let (act, tenant) = (act.clone(), *tenant);
        self.run(change.operation(), &tenant, move |unit| {
            Box::pin(async move { standing::change(unit, &act, &tenant, change).await })
        })
        .await
    }

    async fn first_steps(&self, tenant: &TenantId) -> Result<FirstSteps> {
        const OPERATION: &str = "first_steps";
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.tenant', $1::uuid::text, true)::uuid AS tenant OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT EXISTS (SELECT 1 FROM bob_memberships m
                                JOIN bob_accounts a ON a.account_id = m.account_id
                                WHERE m.tenant_id = t.tenant_id AND m.role = 'owner' AND m.disabled_at IS NULL
                                  AND a.password IS NOT NULL AND a.disabled_at IS NULL),
                     EXISTS (SELECT 1 FROM bob_conversations c WHERE c.tenant_id = t.tenant_id)
                 FROM bob_tenants t WHERE t.tenant_id = f.tenant OFFSET 0) r",
        )
        .bind(tenant.as_uuid());
        let row = self.row(OPERATION, question).await?.ok_or_else(|| not_found(OPERATION))?;
        let mut cells = Cells::of(&row, OPERATION);
        Ok(FirstSteps { owner_can_sign_in: cells.take()?, has_conversation: cells.take()? })
    }

    async fn due_deletions(&self, now: Timestamp, limit: u32) -> Result<Vec<TenantId>> {
        const OPERATION: &str = "due_deletions";
        let question = sqlx::query(
            "SELECT r.* FROM (SELECT set_config('bob.worker', 'deletions', true) AS worker OFFSET 0) f
             CROSS JOIN LATERAL (
                 SELECT tenant_id, deletes_at FROM bob_tenants
                 WHERE deletes_at IS NOT NULL AND deletes_at <= $1 AND f.worker = 'deletions'
                 ORDER BY deletes_at, tenant_id LIMIT $2) r
             ORDER BY r.deletes_at, r.tenant_id",
        )
        .bind(micros(now))
        .bind(i64::from(limit));
        let rows = self.rows(OPERATION, question).await?;
        rows.iter().map(|row| Cells::of(row, OPERATION).id(TenantId::from_uuid)).collect()
    }

    async fn erase_tenant(&self, act: &Act, tenant: &TenantId, rows: u32) -> Result<bool> {
        let (act, id) = (act.clone(), *tenant);
        let erasing = self.run("erase_tenant", &id, move |unit| {
            Box::pin(async move { standing::erase(unit, &act, &id, rows).await })
        });
        let more = erasing.await?;
        self.vault().forget_tenant(tenant);
        Ok(more)
    }
}

/// The tenant itself, its key, its persona and its hosts.
async fn insert_tenant(unit: &mut Unit<'_>, act: &Act, new: &Onboarding, wrapped: Vec<u8>) -> Result<()> {
    let Onboarding { tenant, persona, .. } = new;
    let broken = |error| corrupt("onboard", error);
    let insert = sqlx::query(
        "INSERT INTO bob_tenants (tenant_id, slug, name, languages, persona_id, persona_version, version, release,
             plan, billing_day, zone, visitor_budget, created_at, contact, hours)
         VALUES ($1, $2, $3, $4, $5, $6, 1, 1, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(tenant.id.as_uuid())
    .bind(tenant.slug.as_str())
    .bind(&tenant.name)
    .bind(languages(tenant)?)
    .bind(persona.id.as_uuid())
    .bind(i64::from(persona.version))
    .bind(&tenant.billing.plan)
    .bind(i64::from(tenant.billing.day.get()))
    .bind(tenant.billing.zone_name())
    .bind(tenant.visitor_budget.map(|most| most.0))
    .bind(micros(act.at))
    .bind(record::of_contact(&tenant.contact).map_err(broken)?)
    .bind(tenant.hours.as_ref().map(record::of_hours).transpose().map_err(broken)?);
    unit.execute(insert).await?;
    let insert = sqlx::query("INSERT INTO bob_keys (tenant_id, wrapped, changed_at) VALUES ($1, $2, $3)")
        .bind(tenant.id.as_uuid())
        .bind(wrapped)
        .bind(micros(act.at));
    unit.execute(insert).await?;
    let insert = sqlx::query(
        "INSERT INTO bob_personas (tenant_id, persona_id, version, name, description, tone, system_prompt,
             created_at, published)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, true)",
    )
    .bind(tenant.id.as_uuid())
    .bind(persona.id.as_uuid())
    .bind(i64::from(persona.version))
    .bind(&persona.name)
    .bind(&persona.description)
    .bind(&persona.tone)
    .bind(&persona.system_prompt)
    .bind(micros(act.at));
    unit.execute(insert).await?;
    insert_hosts(unit, &tenant.id, tenant).await
}

async fn insert_hosts(unit: &mut Unit<'_>, id: &TenantId, tenant: &Tenant) -> Result<()> {
    for (position, host) in (0_i64..).zip(&tenant.hosts) {
        let insert =
            sqlx::query("INSERT INTO bob_tenant_hosts (host, tenant_id, position) VALUES ($1, $2, $3)")
                .bind(host.as_str())
                .bind(id.as_uuid())
                .bind(position);
        unit.execute(insert).await?;
    }
    Ok(())
}

/// A tenant's languages as JSON.
fn languages(tenant: &Tenant) -> Result<String> {
    let languages: Vec<&str> = tenant.languages.iter().map(|language| language.as_str()).collect();
    record::write(&languages).map_err(|error| corrupt("write_languages", error))
}

/// The first period, and the ledger's first entry unless nothing is granted.
async fn insert_credits(unit: &mut Unit<'_>, act: &Act, new: &Onboarding) -> Result<()> {
    let Onboarding { tenant, credits, .. } = new;
    let insert = sqlx::query(
        "INSERT INTO bob_credits (tenant_id, granted, period_from, period_to, allowance, included, entries)
         VALUES ($1, $2, $3, $4, $2, $2, $5)",
    )
    .bind(tenant.id.as_uuid())
    .bind(credits.0)
    .bind(micros(act.at))
    .bind(micros(tenant.billing.next_after(act.at)))
    .bind(i64::from(credits.0 != 0));
    unit.execute(insert).await?;
    if credits.0 == 0 {
        return Ok(());
    }
    let insert = sqlx::query(
        "INSERT INTO bob_ledger (tenant_id, number, at, kind, amount, balance, reason)
         VALUES ($1, 1, $2, $3, $4, $4, $5)",
    )
    .bind(tenant.id.as_uuid())
    .bind(micros(act.at))
    .bind(LedgerKind::Grant.as_str())
    .bind(credits.0)
    .bind(act.reason.as_deref().unwrap_or(FIRST_GRANT));
    unit.execute(insert).await?;
    Ok(())
}

/// Makes a person a member; whoever is known by their address stays who they are.
async fn insert_member(
    unit: &mut Unit<'_>,
    act: &Act,
    tenant: &TenantId,
    person: &SealedPerson,
    role: TenantRole,
) -> Result<()> {
    let known = sqlx::query("SELECT account_id FROM bob_accounts WHERE email_index = $1")
        .bind(person.email_index.as_slice());
    let member = match unit.row(known).await? {
        Some(row) => Cells::of(&row, "onboard").id(AccountId::from_uuid)?,
        None => {
            insert_account(unit, act, person).await?;
            person.id
        }
    };
    let insert = sqlx::query(
        "INSERT INTO bob_memberships (tenant_id, account_id, role, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, account_id) DO UPDATE SET role = excluded.role",
    )
    .bind(tenant.as_uuid())
    .bind(member.as_uuid())
    .bind(role.as_str())
    .bind(micros(act.at));
    unit.execute(insert).await?;
    Ok(())
}

/// Gives the tenant's snapshot a new version; comes first, so that changes to one tenant wait for each other.
pub(super) async fn bump(unit: &mut Unit<'_>, tenant: &TenantId, operation: &'static str) -> Result<()> {
    let update = sqlx::query("UPDATE bob_tenants SET version = version + 1 WHERE tenant_id = $1")
        .bind(tenant.as_uuid());
    if unit.execute(update).await? == 0 {
        return Err(not_found(operation));
    }
    // Told when it is committed, to whoever listens.
    let tell = sqlx::query("SELECT pg_notify('bob_tenant', $1)").bind(tenant.to_string());
    unit.execute(tell).await?;
    Ok(())
}

/// The tenant and the persona of a snapshot.
fn read_snapshot(id: TenantId, cells: &mut Cells<'_>) -> Result<TenantSnapshot> {
    let (version, release) = (cells.number()?, cells.number()?);
    let tenant = read_tenant(id, cells)?;
    let persona = read_persona(cells)?;
    Ok(TenantSnapshot {
        version,
        tenant,
        persona,
        widget_keys: Vec::new(),
        release,
        expiries: Vec::new(),
        gathers_releases: false,
        widget: WidgetSettings::default(),
        identity: IdentitySettings::default(),
    })
}

/// `slug, name, languages, hosts, contact, hours, plan, billing_day, zone, visitor_budget, suspended_at,
/// suspended_reason, deletes_at, revision`
fn read_tenant(id: TenantId, cells: &mut Cells<'_>) -> Result<Tenant> {
    const OPERATION: &str = "read_tenant";
    let broken = |error| corrupt(OPERATION, error);
    let (slug, name) = (cells.parsed()?, cells.take()?);
    let languages: Vec<&str> = cells.json()?;
    let languages = languages.into_iter().map(str::parse).collect::<std::result::Result<_, _>>();
    let hosts: Vec<String> = cells.json()?;
    Ok(Tenant {
        id,
        slug,
        name,
        languages: languages.map_err(|error| corrupt(OPERATION, error))?,
        hosts: hosts.into_iter().map(HostName::known).collect(),
        contact: record::contact(cells.take()?).map_err(broken)?,
        hours: cells.take::<Option<&str>>()?.map(record::hours).transpose().map_err(broken)?,
        billing: read_billing(cells)?,
        visitor_budget: cells.take::<Option<i64>>()?.map(MilliCredits),
        standing: standing::read(cells)?,
        revision: cells.number()?,
    })
}

/// `gathers_releases, widget_version, widget, expiries`, which stand behind the keys' columns
fn read_rest(snapshot: &mut TenantSnapshot, cells: &mut Cells<'_>) -> Result<()> {
    const OPERATION: &str = "tenant_snapshot";
    snapshot.gathers_releases = cells.take()?;
    let version = cells.number()?;
    if let Some(content) = cells.take::<Option<&str>>()? {
        snapshot.widget = record::widget(content, version).map_err(|error| corrupt(OPERATION, error))?;
    }
    let expiries: Vec<i64> = cells.json()?;
    let moments = expiries.into_iter().map(Timestamp::from_microsecond);
    snapshot.expiries =
        moments.collect::<std::result::Result<_, _>>().map_err(|error| corrupt(OPERATION, error))?;
    Ok(())
}

/// `plan, billing_day, zone`
fn read_billing(cells: &mut Cells<'_>) -> Result<Billing> {
    const OPERATION: &str = "read_tenant";
    let (plan, day) = (cells.take()?, cells.number()?);
    let day = BillingDay::new(day).map_err(|error| corrupt(OPERATION, error))?;
    let zone = TimeZone::get(cells.take()?).map_err(|error| corrupt(OPERATION, error))?;
    Ok(Billing { plan, day, zone })
}
