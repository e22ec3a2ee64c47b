//! Fills a database with what is not asked for, as plain SQL and past Bob, because there is a lot of it.

use bob_core::id::TenantId;
use sqlx::{Executor as _, PgConnection, SqliteConnection};

use crate::Result;
use crate::database::Database;
use crate::postgres;

/// How many businesses are made at a time.
const CHUNK: usize = 10_000;

/// A business each with an address, a key, a persona, a widget key, a text, credits, and one conversation of one turn.
/// Identifiers are random, so that those who are asked stand among them.
const BUSINESSES: &str = "
    INSERT INTO bob_tenants (tenant_id, slug, name, languages, persona_id, persona_version, version, release, billing_day,
        zone, created_at)
    SELECT tenant, slug, slug, '[\"en\"]', thing, 1, 1, 1, 1, 'UTC', 0 FROM filler;
    INSERT INTO bob_tenant_hosts (host, tenant_id, position) SELECT slug || '.example', tenant, 0 FROM filler;
    INSERT INTO bob_keys (tenant_id, wrapped, changed_at) SELECT tenant, bytes, 0 FROM filler;
    INSERT INTO bob_personas (tenant_id, persona_id, version, name, description, tone, system_prompt, created_at)
    SELECT tenant, thing, 1, 'Bob', 'Answers visitors', 'friendly', 'Be brief.', 0 FROM filler;
    INSERT INTO bob_widget_keys (tenant_id, key_id, key, embed, created_at)
    SELECT tenant, thing, 'pk_live_' || slug, true, 0 FROM filler;
    INSERT INTO bob_widget_key_origins (tenant_id, key_id, position, origin)
    SELECT tenant, thing, 0, 'https://' || slug || '.example' FROM filler;
    INSERT INTO bob_knowledge_items (tenant_id, item_id, position) SELECT tenant, thing, 0 FROM filler;
    INSERT INTO bob_knowledge_versions (tenant_id, item_id, number, status, language, audience, title, body, questions,
        changed_at, from_release)
    SELECT tenant, thing, 1, 'published', 'en', 'public', 'Returns', 'Unworn items can be returned within 30 days.', '[]',
        0, 1
    FROM filler;
    INSERT INTO bob_credits (tenant_id, granted, period_from, period_to, allowance, included, entries)
    SELECT tenant, 1000000, 0, 9000000000000000, 0, 0, 0 FROM filler;
    INSERT INTO bob_visitors (tenant_id, visitor_id, key, created_at) SELECT tenant, thing, bytes, 0 FROM filler;
    INSERT INTO bob_turns (tenant_id, turn_id, conversation_id, visitor_id, proven, disclose, epoch, state, lease_node,
        lease_token, lease_until, reserved, settled, answer, language, persona, persona_id, persona_version,
        knowledge_release, pricebook_version, started_at, closed_at)
    SELECT tenant, thing, thing, thing, true, true, 0, 'finished', thing, 1, 0, 1000, 1000, 2, 'en', 'Bob', thing, 1, 1,
        1, 0, 0
    FROM filler;
    INSERT INTO bob_messages (tenant_id, conversation_id, number, message_id, turn_id, role, at, content)
    SELECT tenant, thing, 1, thing, thing, 'visitor', 0, bytes FROM filler;
    INSERT INTO bob_messages (tenant_id, conversation_id, number, message_id, turn_id, role, at, content)
    SELECT tenant, thing, 2, thing, thing, 'bot', 0, bytes FROM filler;
    INSERT INTO bob_audit (tenant_id, audit_id, at, principal_kind, principal_id, request_id, operation, subject, part_of)
    SELECT tenant, thing, 0, 'system', thing, 'fill', 'finish_turn', thing, thing FROM filler;
    DROP TABLE filler";

/// Lets the tables' owner past the fence between tenants, until [`FENCE`].
const LIFT: &str = "DO $$ DECLARE fenced text; BEGIN
    FOR fenced IN SELECT relname FROM pg_class WHERE relforcerowsecurity LOOP
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', fenced);
    END LOOP;
    END $$";

const FENCE: &str = "DO $$ DECLARE fenced text; BEGIN
    FOR fenced IN SELECT relname FROM pg_class WHERE relrowsecurity LOOP
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', fenced);
    END LOOP;
    END $$";

/// Makes so many businesses.
pub async fn businesses(database: &Database, count: usize) -> Result<()> {
    let mut left = count;
    while left > 0 {
        let chunk = i64::try_from(left.min(CHUNK))?;
        match database {
            Database::Sqlite(file) => on_sqlite(&mut file.connect().await?, chunk).await?,
            Database::Postgres(database) => on_postgres(&mut database.connect().await?, chunk).await?,
        }
        left -= left.min(CHUNK);
    }
    settle(database).await
}

async fn on_sqlite(connection: &mut SqliteConnection, count: i64) -> Result<()> {
    connection.execute("BEGIN IMMEDIATE").await?;
    sqlx::query(
        "CREATE TEMP TABLE filler AS
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
         SELECT randomblob(16) AS tenant, randomblob(16) AS thing, lower(hex(randomblob(12))) AS slug,
             randomblob(60) AS bytes
         FROM n",
    )
    .bind(count)
    .execute(&mut *connection)
    .await?;
    connection
        .execute(
            "INSERT INTO bob_conversations (tenant_id, conversation_id, door, session_index, session, visitor_id, epoch,
                 language, messages, disclosed_epoch, started_at)
             SELECT tenant, thing, 'public', substr(bytes, 1, 32), bytes, thing, 0, 'en', 2, 0, 0 FROM filler",
        )
        .await?;
    connection.execute(BUSINESSES).await?;
    connection.execute("COMMIT").await?;
    Ok(())
}

async fn on_postgres(connection: &mut PgConnection, count: i64) -> Result<()> {
    connection.execute("BEGIN").await?;
    connection.execute(LIFT).await?;
    sqlx::query(
        "CREATE TEMP TABLE filler AS
         SELECT gen_random_uuid() AS tenant, gen_random_uuid() AS thing,
             replace(gen_random_uuid()::text, '-', '') AS slug,
             decode(md5(random()::text) || md5(random()::text) || md5(random()::text) || md5(random()::text), 'hex')
                 AS bytes
         FROM generate_series(1, $1)",
    )
    .bind(count)
    .execute(&mut *connection)
    .await?;
    connection
        .execute(
            "INSERT INTO bob_conversations (tenant_id, conversation_id, door, session_index, session, visitor_id, epoch,
                 language, messages, disclosed_epoch, started_at)
             SELECT tenant, thing, 'public', substr(bytes, 1, 32), bytes, thing, 0, 'en', 2, 0, 0 FROM filler",
        )
        .await?;
    connection.execute(BUSINESSES).await?;
    connection.execute(FENCE).await?;
    connection.execute("COMMIT").await?;
    Ok(())
}

/// Makes all conversations of a tenant, which have two messages or more, 10,000 messages long.
pub async fn messages(database: &Database, tenant: TenantId) -> Result<()> {
    const MORE: &str = "
        INSERT INTO bob_messages (tenant_id, conversation_id, number, message_id, turn_id, role, at, content)
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
        SELECT m.tenant_id, m.conversation_id, n.i, m.message_id, m.turn_id, m.role, m.at, m.content
        FROM bob_conversations c
        JOIN n ON n.i > c.messages
        JOIN bob_messages m
          ON m.tenant_id = c.tenant_id AND m.conversation_id = c.conversation_id AND m.number = 2 - n.i % 2
        WHERE c.tenant_id = $1";
    const COUNT: &str = "UPDATE bob_conversations SET messages = 10000 WHERE tenant_id = $1";
    let named = tenant.as_uuid();
    match database {
        Database::Sqlite(file) => {
            let mut connection = file.connect().await?;
            for statement in [MORE, COUNT] {
                sqlx::query(statement).bind(named).execute(&mut connection).await?;
            }
        }
        Database::Postgres(database) => {
            let mut connection = database.connect().await?;
            postgres::see(&mut connection, tenant).await?;
            for statement in [MORE, COUNT] {
                sqlx::query(statement).bind(named).execute(&mut connection).await?;
            }
        }
    }
    settle(database).await
}

/// Lets the database do what it would have done long ago with so much.
async fn settle(database: &Database) -> Result<()> {
    match database {
        Database::Sqlite(file) => {
            file.connect().await?.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        }
        Database::Postgres(database) => {
            database.connect().await?.execute("VACUUM ANALYZE").await?;
        }
    }
    Ok(())
}
