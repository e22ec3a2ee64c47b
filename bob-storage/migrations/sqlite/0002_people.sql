-- People: who is shut out, generations of sign-ins, one-time links.

ALTER TABLE bob_accounts ADD COLUMN generation INTEGER NOT NULL DEFAULT 0; -- sign-ins of an earlier one do not hold
ALTER TABLE bob_accounts ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
CREATE INDEX bob_accounts_platform_people ON bob_accounts (account_id) WHERE platform_role IS NOT NULL;

ALTER TABLE bob_memberships ADD COLUMN name BLOB; -- what the business calls them, sealed; null is their own name
ALTER TABLE bob_memberships ADD COLUMN disabled_at INTEGER;
ALTER TABLE bob_memberships ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

ALTER TABLE bob_logins ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
CREATE INDEX bob_logins_account ON bob_logins (tenant_id, account_id) WHERE ended_at IS NULL;

-- The platform's invitations, and all resets, stand under the nil tenant.
CREATE TABLE bob_links (
    tenant_id  BLOB    NOT NULL,
    account_id BLOB    NOT NULL REFERENCES bob_accounts (account_id),
    purpose    TEXT    NOT NULL CHECK (purpose IN ('invitation', 'reset')),
    hash       BLOB    NOT NULL CHECK (length(hash) = 32),
    made_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, account_id, purpose)
) STRICT, WITHOUT ROWID;
