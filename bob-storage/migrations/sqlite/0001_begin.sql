-- Bob's tables. All names begin with bob_, because hosts may keep tables of their own in the same file.
--
-- Identifiers are UUIDs in 16 bytes, times are microseconds UTC, amounts are thousandths of a credit. Every primary key
-- and unique index begins with the tenant; the exceptions are named in a test. A check on what every turn writes is spelled
-- without IN (…), for which SQLite builds a table each time, and such rows refer to each other without a foreign key, for
-- which it would look the other row up once more.
--
-- What visitors and people say and are is sealed: message contents, superseded answers and session names under the
-- visitor's key, which is wrapped under the tenant's; people's addresses and names under the platform's. What must be
-- found again stands beside it as a keyed hash (session_index, email_index, body). What is readable is public or the
-- business's own.

-- The keys of tenants, each wrapped by the host's keyring; the platform's own stands under the nil tenant.
CREATE TABLE bob_keys (
    tenant_id  BLOB    NOT NULL PRIMARY KEY CHECK (length(tenant_id) = 16),
    wrapped    BLOB    NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bob_tenants (
    tenant_id       BLOB    NOT NULL PRIMARY KEY CHECK (length(tenant_id) = 16),
    slug            TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    languages       TEXT    NOT NULL, -- JSON, the default first
    persona_id      BLOB    NOT NULL, -- the published default persona
    persona_version INTEGER NOT NULL,
    version         INTEGER NOT NULL, -- of the snapshot
    release         INTEGER NOT NULL, -- of the knowledge
    plan            TEXT, -- in the pricebook
    billing_day     INTEGER NOT NULL CHECK (billing_day BETWEEN 1 AND 31),
    zone            TEXT    NOT NULL, -- the IANA name of the time zone
    visitor_budget  INTEGER, -- a day
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX bob_tenants_slug ON bob_tenants (slug);

CREATE TABLE bob_tenant_hosts (
    host      TEXT    NOT NULL PRIMARY KEY,
    tenant_id BLOB    NOT NULL REFERENCES bob_tenants (tenant_id),
    position  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX bob_tenant_hosts_tenant ON bob_tenant_hosts (tenant_id, position);

CREATE TABLE bob_personas (
    tenant_id     BLOB    NOT NULL REFERENCES bob_tenants (tenant_id),
    persona_id    BLOB    NOT NULL CHECK (length(persona_id) = 16),
    version       INTEGER NOT NULL CHECK (version > 0),
    name          TEXT    NOT NULL,
    description   TEXT    NOT NULL,
    tone          TEXT    NOT NULL,
    system_prompt TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, persona_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE bob_widget_keys (
    tenant_id    BLOB    NOT NULL REFERENCES bob_tenants (tenant_id),
    key_id       BLOB    NOT NULL CHECK (length(key_id) = 16),
    key          TEXT    NOT NULL,
    embed        INTEGER NOT NULL CHECK (embed IN (0, 1)),
    ends_at      INTEGER,
    daily_budget INTEGER,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, key_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX bob_widget_keys_key ON bob_widget_keys (tenant_id, key);

CREATE TABLE bob_widget_key_origins (
    tenant_id BLOB    NOT NULL,
    key_id    BLOB    NOT NULL,
    position  INTEGER NOT NULL,
    origin    TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, key_id, position),
    FOREIGN KEY (tenant_id, key_id) REFERENCES bob_widget_keys (tenant_id, key_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE bob_knowledge_items (
    tenant_id BLOB    NOT NULL REFERENCES bob_tenants (tenant_id),
    item_id   BLOB    NOT NULL CHECK (length(item_id) = 16),
    position  INTEGER NOT NULL, -- the order in which items were made
    PRIMARY KEY (tenant_id, item_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX bob_knowledge_items_position ON bob_knowledge_items (tenant_id, position);
CREATE INDEX bob_knowledge_items_owner ON bob_knowledge_items (item_id);

CREATE TABLE bob_knowledge_versions (
    tenant_id  BLOB    NOT NULL,
    item_id    BLOB    NOT NULL,
    number     INTEGER NOT NULL CHECK (number > 0),
    status     TEXT    NOT NULL CHECK (status IN ('draft', 'review', 'approved', 'published', 'retired')),
    language   TEXT    NOT NULL,
    audience   TEXT    NOT NULL,
    title      TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    questions  TEXT    NOT NULL, -- JSON
    url        TEXT,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, item_id, number),
    FOREIGN KEY (tenant_id, item_id) REFERENCES bob_knowledge_items (tenant_id, item_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX bob_knowledge_versions_status ON bob_knowledge_versions (tenant_id, status);

CREATE TABLE bob_synonyms (
    tenant_id BLOB    NOT NULL REFERENCES bob_tenants (tenant_id),
    position  INTEGER NOT NULL,
    language  TEXT    NOT NULL,
    words     TEXT    NOT NULL, -- JSON
    PRIMARY KEY (tenant_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE bob_accounts (
    account_id    BLOB    NOT NULL PRIMARY KEY CHECK (length(account_id) = 16),
    email_index   BLOB    NOT NULL CHECK (length(email_index) = 32),
    email         BLOB    NOT NULL, -- sealed
    name          BLOB    NOT NULL, -- sealed
    password      TEXT, -- argon2id, PHC string
    platform_role TEXT,
    disabled_at   INTEGER,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX bob_accounts_email ON bob_accounts (email_index);
CREATE INDEX bob_accounts_platform ON bob_accounts (platform_role) WHERE platform_role IS NOT NULL;

CREATE TABLE bob_memberships (
    tenant_id  BLOB    NOT NULL REFERENCES bob_tenants (tenant_id),
    account_id BLOB    NOT NULL REFERENCES bob_accounts (account_id),
    role       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX bob_memberships_account ON bob_memberships (account_id);

-- A platform person's sign-ins are kept under the nil tenant, which has no row, hence no reference to one.
CREATE TABLE bob_logins (
    tenant_id   BLOB    NOT NULL,
    login_id    BLOB    NOT NULL CHECK (length(login_id) = 16),
    account_id  BLOB    NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('platform', 'tenant')),
    cookie_hash BLOB    NOT NULL CHECK (length(cookie_hash) = 32),
    started_at  INTEGER NOT NULL,
    idle_until  INTEGER NOT NULL,
    ends_at     INTEGER NOT NULL,
    ended_at    INTEGER,
    PRIMARY KEY (tenant_id, login_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE bob_refresh_tokens (
    tenant_id  BLOB    NOT NULL,
    login_id   BLOB    NOT NULL,
    hash       BLOB    NOT NULL CHECK (length(hash) = 32),
    used_at    INTEGER,
    PRIMARY KEY (tenant_id, login_id, hash),
    FOREIGN KEY (tenant_id, login_id) REFERENCES bob_logins (tenant_id, login_id)
) STRICT, WITHOUT ROWID;

-- One row a tenant, apart from bob_tenants because every turn writes it.
CREATE TABLE bob_credits (
    tenant_id   BLOB    NOT NULL PRIMARY KEY REFERENCES bob_tenants (tenant_id),
    granted     INTEGER NOT NULL,
    reserved    INTEGER NOT NULL DEFAULT 0,
    settled     INTEGER NOT NULL DEFAULT 0,
    period_from INTEGER NOT NULL,
    period_to   INTEGER NOT NULL,
    allowance   INTEGER NOT NULL, -- of the period
    used        INTEGER NOT NULL DEFAULT 0,
    included    INTEGER NOT NULL,
    threshold   INTEGER NOT NULL DEFAULT 0, -- the highest one passed, in per cent
    entries     INTEGER NOT NULL, -- how many the ledger has, and the number of the latest
    CONSTRAINT bob_credits_reserved CHECK (reserved >= 0),
    CONSTRAINT bob_credits_settled CHECK (settled >= 0),
    CONSTRAINT bob_credits_granted CHECK (settled + reserved <= granted)
) STRICT, WITHOUT ROWID;
CREATE INDEX bob_credits_due ON bob_credits (period_to);

-- Append-only: every credit that came in or went out.
CREATE TABLE bob_ledger (
    tenant_id BLOB    NOT NULL,
    number    INTEGER NOT NULL CHECK (number > 0),
    at        INTEGER NOT NULL,
    kind      TEXT    NOT NULL,
    amount    INTEGER NOT NULL CHECK (amount <> 0),
    balance   INTEGER NOT NULL, -- the sum of all amounts up to this one
    turn_id   BLOB,
    reason    TEXT,
    change_id BLOB, -- of a change by hand
    PRIMARY KEY (tenant_id, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX bob_ledger_change ON bob_ledger (tenant_id, change_id) WHERE change_id IS NOT NULL;
CREATE TRIGGER bob_ledger_is_never_changed BEFORE UPDATE ON bob_ledger
BEGIN
    SELECT raise(ABORT, 'ledger entries are append-only');
END;
CREATE TRIGGER bob_ledger_is_never_deleted BEFORE DELETE ON bob_ledger
BEGIN
    SELECT raise(ABORT, 'ledger entries are append-only');
END;

-- What a visitor or a widget key with a daily budget used or holds, on its latest day, counted from 1970-01-01.
CREATE TABLE bob_spending (
    tenant_id  BLOB    NOT NULL,
    spender_id BLOB    NOT NULL CHECK (length(spender_id) = 16),
    day        INTEGER NOT NULL,
    spent      INTEGER NOT NULL CHECK (spent >= 0),
    PRIMARY KEY (tenant_id, spender_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX bob_spending_day ON bob_spending (day);

-- Each visitor's key. Without its row, nothing they said can be read.
CREATE TABLE bob_visitors (
    tenant_id  BLOB    NOT NULL,
    visitor_id BLOB    NOT NULL CHECK (length(visitor_id) = 16),
    key        BLOB    NOT NULL, -- wrapped under the tenant's
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, visitor_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE bob_conversations (
    tenant_id        BLOB    NOT NULL,
    conversation_id  BLOB    NOT NULL CHECK (length(conversation_id) = 16),
    door             TEXT    NOT NULL,
    session_index    BLOB    NOT NULL CHECK (length(session_index) = 32), -- of door and session
    session          BLOB    NOT NULL, -- sealed
    visitor_id       BLOB    NOT NULL CHECK (length(visitor_id) = 16),
    owner            BLOB, -- the person who speaks; none is Bob
    epoch            INTEGER NOT NULL, -- how often the owner changed
    language         TEXT,
    person_wanted_at INTEGER,
    messages         INTEGER NOT NULL, -- how many there are, and the number of the latest
    open_turn        BLOB,
    disclosed_epoch  INTEGER, -- whose speaker an answer last announced to the visitor
    started_at       INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, conversation_id)
) STRICT, WITHOUT ROWID;
-- Finds a conversation, by its first two columns also for a visitor who proves only a secret session.
CREATE UNIQUE INDEX bob_conversations_key ON bob_conversations (tenant_id, session_index, visitor_id);

-- A turn and its reservation, which is open as long as the turn is, then settled, or released where settled is null. The
-- budgets that it was taken from too stand beside it, where there are any.
CREATE TABLE bob_turns (
    tenant_id         BLOB    NOT NULL,
    turn_id           BLOB    NOT NULL CHECK (length(turn_id) = 16),
    conversation_id   BLOB    NOT NULL,
    visitor_id        BLOB    NOT NULL,
    proven            INTEGER NOT NULL CHECK (proven = 0 OR proven = 1),
    disclose          INTEGER NOT NULL CHECK (disclose = 0 OR disclose = 1),
    epoch             INTEGER NOT NULL,
    state             TEXT    NOT NULL CHECK (state = 'open' OR state = 'finished' OR state = 'abandoned'),
    lease_node        BLOB    NOT NULL,
    lease_token       INTEGER NOT NULL,
    lease_until       INTEGER NOT NULL,
    reserved          INTEGER CHECK (reserved >= 0), -- null: credits or budgets did not reach
    settled           INTEGER CHECK (settled BETWEEN 0 AND coalesce(reserved, 0)),
    budget_day        INTEGER,
    visitor_budget    INTEGER,
    key_id            BLOB,
    key_budget        INTEGER,
    answer            INTEGER, -- the number of Bob's message
    language          TEXT,
    persona           TEXT,
    persona_id        BLOB,
    persona_version   INTEGER,
    knowledge_release INTEGER,
    pricebook_version INTEGER,
    superseded        BLOB, -- the answer that came too late, as a message's content
    started_at        INTEGER NOT NULL,
    closed_at         INTEGER,
    PRIMARY KEY (tenant_id, turn_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX bob_turns_open ON bob_turns (lease_until) WHERE state = 'open';

CREATE TABLE bob_messages (
    tenant_id       BLOB    NOT NULL,
    conversation_id BLOB    NOT NULL,
    number          INTEGER NOT NULL CHECK (number > 0),
    message_id      BLOB    NOT NULL CHECK (length(message_id) = 16),
    turn_id         BLOB    NOT NULL,
    role            TEXT    NOT NULL,
    at              INTEGER NOT NULL,
    content         BLOB    NOT NULL, -- a visitor's text, or Bob's answer in JSON, sealed
    PRIMARY KEY (tenant_id, conversation_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE bob_idempotency (
    tenant_id BLOB    NOT NULL,
    scope     BLOB    NOT NULL CHECK (length(scope) = 32),
    body      BLOB    NOT NULL CHECK (length(body) = 32), -- a keyed hash
    turn_id   BLOB    NOT NULL,
    until     INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, scope)
) STRICT, WITHOUT ROWID;
CREATE INDEX bob_idempotency_until ON bob_idempotency (until);

-- Append-only: who did what, when and why, and nothing anybody said. The platform's own deeds stand under the nil tenant.
CREATE TABLE bob_audit (
    tenant_id      BLOB    NOT NULL,
    audit_id       BLOB    NOT NULL CHECK (length(audit_id) = 16),
    at             INTEGER NOT NULL,
    principal_kind TEXT    NOT NULL,
    principal_id   BLOB    NOT NULL,
    request_id     TEXT    NOT NULL,
    reason         TEXT,
    operation      TEXT    NOT NULL,
    subject        BLOB, -- what was changed,
    part_of        BLOB, -- and what that belongs to
    PRIMARY KEY (tenant_id, audit_id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER bob_audit_is_never_changed BEFORE UPDATE ON bob_audit
BEGIN
    SELECT raise(ABORT, 'audit rows are append-only');
END;
CREATE TRIGGER bob_audit_is_never_deleted BEFORE DELETE ON bob_audit
BEGIN
    SELECT raise(ABORT, 'audit rows are append-only');
END;

-- What happened, one row a transaction. Rows name things and quote nothing.
CREATE TABLE bob_outbox (
    tenant_id       BLOB    NOT NULL,
    event_id        BLOB    NOT NULL CHECK (length(event_id) = 16), -- of the row's first event
    at              INTEGER NOT NULL,
    kinds           TEXT    NOT NULL, -- by name, with a space between two
    conversation_id BLOB,
    turn_id         BLOB,
    message_id      BLOB,
    number          INTEGER,
    PRIMARY KEY (tenant_id, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX bob_outbox_at ON bob_outbox (at);

-- Versions are never changed.
CREATE TABLE bob_pricebooks (
    version      INTEGER NOT NULL PRIMARY KEY CHECK (version > 0),
    effective_at INTEGER NOT NULL,
    content      TEXT    NOT NULL -- JSON
) STRICT;

-- What health checks write.
CREATE TABLE bob_health (
    node INTEGER NOT NULL PRIMARY KEY CHECK (node = 0),
    at   INTEGER NOT NULL
) STRICT;
