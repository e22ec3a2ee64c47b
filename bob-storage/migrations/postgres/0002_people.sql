-- People: who is shut out, generations of sign-ins, one-time links.

ALTER TABLE bob_accounts ADD COLUMN generation bigint NOT NULL DEFAULT 0; -- sign-ins of an earlier one do not hold
ALTER TABLE bob_accounts ADD COLUMN version bigint NOT NULL DEFAULT 1;
CREATE INDEX bob_accounts_platform_people ON bob_accounts (account_id) WHERE platform_role IS NOT NULL;

ALTER TABLE bob_memberships ADD COLUMN name bytea; -- what the business calls them, sealed; null is their own name
ALTER TABLE bob_memberships ADD COLUMN disabled_at bigint;
ALTER TABLE bob_memberships ADD COLUMN version bigint NOT NULL DEFAULT 1;

ALTER TABLE bob_logins ADD COLUMN generation bigint NOT NULL DEFAULT 0;
CREATE INDEX bob_logins_account ON bob_logins (tenant_id, account_id) WHERE ended_at IS NULL;

-- The platform's invitations, and all resets, stand under the nil tenant.
CREATE TABLE bob_links (
    tenant_id  uuid   NOT NULL,
    account_id uuid   NOT NULL REFERENCES bob_accounts (account_id),
    purpose    text   NOT NULL CHECK (purpose IN ('invitation', 'reset')),
    hash       bytea  NOT NULL CHECK (octet_length(hash) = 32),
    made_at    bigint NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, account_id, purpose)
);
ALTER TABLE bob_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE bob_links FORCE ROW LEVEL SECURITY;
CREATE POLICY bob_tenant ON bob_links USING (tenant_id = nullif(current_setting('bob.tenant', true), '')::uuid);
