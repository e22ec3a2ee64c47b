-- Bob's tables. All names begin with bob_, because hosts may keep tables of their own in the same database.
--
-- The same tables and columns as on SQLite: times are microseconds UTC, amounts are thousandths of a credit. Every
-- primary key and unique index begins with the tenant; the exceptions are named in a test. Rows that every turn writes
-- refer to each other without a foreign key: the functions that write them hold the tenant's row in bob_credits, and a
-- reference would read and lock the row it names once more each time.
--
-- What visitors and people say and are is sealed: message contents, superseded answers and session names under the
-- visitor's key, which is wrapped under the tenant's; people's addresses and names under the platform's. What must be
-- found again stands beside it as a keyed hash (session_index, email_index, body). What is readable is public or the
-- business's own.

-- The keys of tenants, each wrapped by the host's keyring; the platform's own stands under the nil tenant.
CREATE TABLE bob_keys (
    tenant_id  uuid   NOT NULL PRIMARY KEY,
    wrapped    bytea  NOT NULL,
    changed_at bigint NOT NULL
);

CREATE TABLE bob_tenants (
    tenant_id       uuid   NOT NULL PRIMARY KEY,
    slug            text   NOT NULL,
    name            text   NOT NULL,
    languages       text   NOT NULL, -- JSON, the default first
    persona_id      uuid   NOT NULL, -- the published default persona
    persona_version bigint NOT NULL,
    version         bigint NOT NULL, -- of the snapshot
    release         bigint NOT NULL, -- of the knowledge
    plan            text, -- in the pricebook
    billing_day     bigint NOT NULL CHECK (billing_day BETWEEN 1 AND 31),
    zone            text   NOT NULL, -- the IANA name of the time zone
    visitor_budget  bigint, -- a day
    created_at      bigint NOT NULL
);
CREATE UNIQUE INDEX bob_tenants_slug ON bob_tenants (slug);

CREATE TABLE bob_tenant_hosts (
    host      text   NOT NULL PRIMARY KEY,
    tenant_id uuid   NOT NULL REFERENCES bob_tenants (tenant_id),
    position  bigint NOT NULL
);
CREATE INDEX bob_tenant_hosts_tenant ON bob_tenant_hosts (tenant_id, position);

CREATE TABLE bob_personas (
    tenant_id     uuid   NOT NULL REFERENCES bob_tenants (tenant_id),
    persona_id    uuid   NOT NULL,
    version       bigint NOT NULL CHECK (version > 0),
    name          text   NOT NULL,
    description   text   NOT NULL,
    tone          text   NOT NULL,
    system_prompt text   NOT NULL,
    created_at    bigint NOT NULL,
    PRIMARY KEY (tenant_id, persona_id, version)
);

CREATE TABLE bob_widget_keys (
    tenant_id    uuid    NOT NULL REFERENCES bob_tenants (tenant_id),
    key_id       uuid    NOT NULL,
    key          text    NOT NULL,
    embed        boolean NOT NULL,
    ends_at      bigint,
    daily_budget bigint,
    created_at   bigint  NOT NULL,
    PRIMARY KEY (tenant_id, key_id)
);
CREATE UNIQUE INDEX bob_widget_keys_key ON bob_widget_keys (tenant_id, key);

CREATE TABLE bob_widget_key_origins (
    tenant_id uuid   NOT NULL,
    key_id    uuid   NOT NULL,
    position  bigint NOT NULL,
    origin    text   NOT NULL,
    PRIMARY KEY (tenant_id, key_id, position),
    FOREIGN KEY (tenant_id, key_id) REFERENCES bob_widget_keys (tenant_id, key_id)
);

CREATE TABLE bob_knowledge_items (
    tenant_id uuid   NOT NULL REFERENCES bob_tenants (tenant_id),
    item_id   uuid   NOT NULL,
    position  bigint NOT NULL, -- the order in which items were made
    PRIMARY KEY (tenant_id, item_id)
);
CREATE UNIQUE INDEX bob_knowledge_items_position ON bob_knowledge_items (tenant_id, position);
CREATE INDEX bob_knowledge_items_owner ON bob_knowledge_items (item_id);

CREATE TABLE bob_knowledge_versions (
    tenant_id  uuid   NOT NULL,
    item_id    uuid   NOT NULL,
    number     bigint NOT NULL CHECK (number > 0),
    status     text   NOT NULL CHECK (status IN ('draft', 'review', 'approved', 'published', 'retired')),
    language   text   NOT NULL,
    audience   text   NOT NULL,
    title      text   NOT NULL,
    body       text   NOT NULL,
    questions  text   NOT NULL, -- JSON
    url        text,
    changed_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, item_id, number),
    FOREIGN KEY (tenant_id, item_id) REFERENCES bob_knowledge_items (tenant_id, item_id)
);
CREATE INDEX bob_knowledge_versions_status ON bob_knowledge_versions (tenant_id, status);

CREATE TABLE bob_synonyms (
    tenant_id uuid   NOT NULL REFERENCES bob_tenants (tenant_id),
    position  bigint NOT NULL,
    language  text   NOT NULL,
    words     text   NOT NULL, -- JSON
    PRIMARY KEY (tenant_id, position)
);

CREATE TABLE bob_accounts (
    account_id    uuid   NOT NULL PRIMARY KEY,
    email_index   bytea  NOT NULL CHECK (octet_length(email_index) = 32),
    email         bytea  NOT NULL, -- sealed
    name          bytea  NOT NULL, -- sealed
    password      text, -- argon2id, PHC string
    platform_role text,
    disabled_at   bigint,
    created_at    bigint NOT NULL
);
CREATE UNIQUE INDEX bob_accounts_email ON bob_accounts (email_index);
CREATE INDEX bob_accounts_platform ON bob_accounts (platform_role) WHERE platform_role IS NOT NULL;

CREATE TABLE bob_memberships (
    tenant_id  uuid   NOT NULL REFERENCES bob_tenants (tenant_id),
    account_id uuid   NOT NULL REFERENCES bob_accounts (account_id),
    role       text   NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, account_id)
);
CREATE INDEX bob_memberships_account ON bob_memberships (account_id);

-- A platform person's sign-ins are kept under the nil tenant, which has no row, hence no reference to one.
CREATE TABLE bob_logins (
    tenant_id   uuid   NOT NULL,
    login_id    uuid   NOT NULL,
    account_id  uuid   NOT NULL,
    kind        text   NOT NULL CHECK (kind IN ('platform', 'tenant')),
    cookie_hash bytea  NOT NULL CHECK (octet_length(cookie_hash) = 32),
    started_at  bigint NOT NULL,
    idle_until  bigint NOT NULL,
    ends_at     bigint NOT NULL,
    ended_at    bigint,
    PRIMARY KEY (tenant_id, login_id)
);

CREATE TABLE bob_refresh_tokens (
    tenant_id uuid   NOT NULL,
    login_id  uuid   NOT NULL,
    hash      bytea  NOT NULL CHECK (octet_length(hash) = 32),
    used_at   bigint,
    PRIMARY KEY (tenant_id, login_id, hash),
    FOREIGN KEY (tenant_id, login_id) REFERENCES bob_logins (tenant_id, login_id)
);

-- One row a tenant, apart from bob_tenants because every turn writes it.
CREATE TABLE bob_credits (
    tenant_id   uuid   NOT NULL PRIMARY KEY REFERENCES bob_tenants (tenant_id),
    granted     bigint NOT NULL,
    reserved    bigint NOT NULL DEFAULT 0,
    settled     bigint NOT NULL DEFAULT 0,
    period_from bigint NOT NULL,
    period_to   bigint NOT NULL,
    allowance   bigint NOT NULL, -- of the period
    used        bigint NOT NULL DEFAULT 0,
    included    bigint NOT NULL,
    threshold   bigint NOT NULL DEFAULT 0, -- the highest one passed, in per cent
    entries     bigint NOT NULL, -- how many the ledger has, and the number of the latest
    CONSTRAINT bob_credits_reserved CHECK (reserved >= 0),
    CONSTRAINT bob_credits_settled CHECK (settled >= 0),
    CONSTRAINT bob_credits_granted CHECK (settled + reserved <= granted)
);
-- Every turn changes its tenant's row: room in its page keeps the new versions there and the index as it is.
ALTER TABLE bob_credits SET (fillfactor = 50);
CREATE INDEX bob_credits_due ON bob_credits (period_to);

CREATE FUNCTION bob_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$$;

-- Append-only: every credit that came in or went out.
CREATE TABLE bob_ledger (
    tenant_id uuid   NOT NULL,
    number    bigint NOT NULL CHECK (number > 0),
    at        bigint NOT NULL,
    kind      text   NOT NULL,
    amount    bigint NOT NULL CHECK (amount <> 0),
    balance   bigint NOT NULL, -- the sum of all amounts up to this one
    turn_id   uuid,
    reason    text,
    change_id uuid, -- of a change by hand
    PRIMARY KEY (tenant_id, number)
);
CREATE UNIQUE INDEX bob_ledger_change ON bob_ledger (tenant_id, change_id) WHERE change_id IS NOT NULL;
CREATE TRIGGER bob_ledger_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON bob_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION bob_append_only();

-- What a visitor or a widget key with a daily budget used or holds, on its latest day, counted from 1970-01-01.
CREATE TABLE bob_spending (
    tenant_id  uuid   NOT NULL,
    spender_id uuid   NOT NULL,
    day        bigint NOT NULL,
    spent      bigint NOT NULL CHECK (spent >= 0),
    PRIMARY KEY (tenant_id, spender_id)
);
CREATE INDEX bob_spending_day ON bob_spending (day);

-- Each visitor's key. Without its row, nothing they said can be read.
CREATE TABLE bob_visitors (
    tenant_id  uuid   NOT NULL,
    visitor_id uuid   NOT NULL,
    key        bytea  NOT NULL, -- wrapped under the tenant's
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, visitor_id)
);

CREATE TABLE bob_conversations (
    tenant_id        uuid   NOT NULL,
    conversation_id  uuid   NOT NULL,
    door             text   NOT NULL,
    session_index    bytea  NOT NULL CHECK (octet_length(session_index) = 32), -- of door and session
    session          bytea  NOT NULL, -- sealed
    visitor_id       uuid   NOT NULL,
    owner            uuid, -- the person who speaks; none is Bob
    epoch            bigint NOT NULL, -- how often the owner changed
    language         text,
    person_wanted_at bigint,
    messages         bigint NOT NULL, -- how many there are, and the number of the latest
    open_turn        uuid,
    disclosed_epoch  bigint, -- whose speaker an answer last announced to the visitor
    started_at       bigint NOT NULL,
    PRIMARY KEY (tenant_id, conversation_id)
);
-- Finds a conversation, by its first two columns also for a visitor who proves only a secret session.
CREATE UNIQUE INDEX bob_conversations_key ON bob_conversations (tenant_id, session_index, visitor_id);

-- A turn and its reservation, which is open as long as the turn is, then settled, or released where settled is null. The
-- budgets that it was taken from too stand beside it, where there are any.
CREATE TABLE bob_turns (
    tenant_id         uuid    NOT NULL,
    turn_id           uuid    NOT NULL,
    conversation_id   uuid    NOT NULL,
    visitor_id        uuid    NOT NULL,
    proven            boolean NOT NULL,
    disclose          boolean NOT NULL,
    epoch             bigint  NOT NULL,
    state             text    NOT NULL CHECK (state = 'open' OR state = 'finished' OR state = 'abandoned'),
    lease_node        uuid    NOT NULL,
    lease_token       bigint  NOT NULL,
    lease_until       bigint  NOT NULL,
    reserved          bigint  CHECK (reserved >= 0), -- null: credits or budgets did not reach
    settled           bigint  CHECK (settled BETWEEN 0 AND coalesce(reserved, 0)),
    budget_day        bigint,
    visitor_budget    bigint,
    key_id            uuid,
    key_budget        bigint,
    answer            bigint, -- the number of Bob's message
    language          text,
    persona           text,
    persona_id        uuid,
    persona_version   bigint,
    knowledge_release bigint,
    pricebook_version bigint,
    superseded        bytea, -- the answer that came too late, as a message's content
    started_at        bigint  NOT NULL,
    closed_at         bigint,
    PRIMARY KEY (tenant_id, turn_id)
);
CREATE INDEX bob_turns_open ON bob_turns (lease_until) WHERE state = 'open';

CREATE TABLE bob_messages (
    tenant_id       uuid   NOT NULL,
    conversation_id uuid   NOT NULL,
    number          bigint NOT NULL CHECK (number > 0),
    message_id      uuid   NOT NULL,
    turn_id         uuid   NOT NULL,
    role            text   NOT NULL,
    at              bigint NOT NULL,
    content         bytea  NOT NULL, -- a visitor's text, or Bob's answer in JSON, sealed
    PRIMARY KEY (tenant_id, conversation_id, number)
);

CREATE TABLE bob_idempotency (
    tenant_id uuid   NOT NULL,
    scope     bytea  NOT NULL CHECK (octet_length(scope) = 32),
    body      bytea  NOT NULL CHECK (octet_length(body) = 32), -- a keyed hash
    turn_id   uuid   NOT NULL,
    until     bigint NOT NULL,
    PRIMARY KEY (tenant_id, scope)
);
CREATE INDEX bob_idempotency_until ON bob_idempotency (until);

-- Append-only: who did what, when and why, and nothing anybody said. The platform's own deeds stand under the nil tenant.
CREATE TABLE bob_audit (
    tenant_id      uuid   NOT NULL,
    audit_id       uuid   NOT NULL,
    at             bigint NOT NULL,
    principal_kind text   NOT NULL,
    principal_id   uuid   NOT NULL,
    request_id     text   NOT NULL,
    reason         text,
    operation      text   NOT NULL,
    subject        uuid, -- what was changed,
    part_of        uuid, -- and what that belongs to
    PRIMARY KEY (tenant_id, audit_id)
);
CREATE TRIGGER bob_audit_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON bob_audit
    FOR EACH STATEMENT EXECUTE FUNCTION bob_append_only();

-- What happened, one row a transaction. Rows name things and quote nothing.
CREATE TABLE bob_outbox (
    tenant_id       uuid   NOT NULL,
    event_id        uuid   NOT NULL, -- of the row's first event
    at              bigint NOT NULL,
    kinds           text   NOT NULL, -- by name, with a space between two
    conversation_id uuid,
    turn_id         uuid,
    message_id      uuid,
    number          bigint,
    PRIMARY KEY (tenant_id, event_id)
);
CREATE INDEX bob_outbox_at ON bob_outbox (at);

-- Versions are never changed.
CREATE TABLE bob_pricebooks (
    version      bigint NOT NULL PRIMARY KEY CHECK (version > 0),
    effective_at bigint NOT NULL,
    content      text   NOT NULL -- JSON
);

-- What health checks write.
CREATE TABLE bob_health (
    node bigint NOT NULL PRIMARY KEY CHECK (node = 0),
    at   bigint NOT NULL
);

-- The second fence: whoever forgets the tenant sees nothing. A statement sees the rows of the tenant that its transaction
-- has set, also where it is the tables' owner who asks.
DO $$
DECLARE
    fenced text;
BEGIN
    FOREACH fenced IN ARRAY ARRAY[
        'bob_keys', 'bob_tenants', 'bob_tenant_hosts', 'bob_personas', 'bob_widget_keys',
        'bob_widget_key_origins', 'bob_knowledge_items', 'bob_knowledge_versions', 'bob_synonyms',
        'bob_memberships', 'bob_logins', 'bob_refresh_tokens', 'bob_credits', 'bob_ledger', 'bob_spending',
        'bob_visitors', 'bob_conversations', 'bob_turns', 'bob_messages', 'bob_idempotency', 'bob_audit',
        'bob_outbox']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', fenced);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', fenced);
        EXECUTE format('CREATE POLICY bob_tenant ON %I
            USING (tenant_id = nullif(current_setting(''bob.tenant'', true), '''')::uuid)', fenced);
    END LOOP;
END
$$;

-- The few questions in which no tenant can be named, each under a name of its own.
CREATE POLICY bob_directory ON bob_tenants FOR SELECT USING (current_setting('bob.worker', true) = 'directory');
CREATE POLICY bob_directory ON bob_tenant_hosts FOR SELECT USING (current_setting('bob.worker', true) = 'directory');
CREATE POLICY bob_directory ON bob_memberships FOR SELECT USING (current_setting('bob.worker', true) = 'directory');
CREATE POLICY bob_items ON bob_knowledge_items FOR SELECT USING (current_setting('bob.worker', true) = 'items');
CREATE POLICY bob_origins ON bob_widget_keys FOR SELECT USING (current_setting('bob.worker', true) = 'origins');
CREATE POLICY bob_origins ON bob_widget_key_origins FOR SELECT USING (current_setting('bob.worker', true) = 'origins');
CREATE POLICY bob_renewals ON bob_credits FOR SELECT USING (current_setting('bob.worker', true) = 'renewals');
CREATE POLICY bob_sweep ON bob_turns FOR SELECT USING (current_setting('bob.worker', true) = 'sweep');
CREATE POLICY bob_sweep ON bob_idempotency USING (current_setting('bob.worker', true) = 'sweep');
CREATE POLICY bob_sweep ON bob_outbox USING (current_setting('bob.worker', true) = 'sweep');
CREATE POLICY bob_sweep ON bob_spending USING (current_setting('bob.worker', true) = 'sweep');
CREATE POLICY bob_keys ON bob_keys FOR SELECT USING (current_setting('bob.worker', true) = 'keys');
