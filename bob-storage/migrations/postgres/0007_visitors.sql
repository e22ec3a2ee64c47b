-- Visitors: proven identities and claims.

-- What a business decided about the identities of its visitors; sealed under the tenant's key, since shared secrets are
-- in it.
CREATE TABLE bob_identity_settings (
    tenant_id  uuid   NOT NULL PRIMARY KEY,
    version    bigint NOT NULL CHECK (version > 0),
    settings   bytea  NOT NULL, -- JSON, sealed
    changed_at bigint NOT NULL
);

-- Who a visitor is said to be. One who has ended was claimed: no token of theirs proves anything any more.
ALTER TABLE bob_visitors ADD COLUMN trust text CHECK (trust = 'identified' OR trust = 'verified'); -- null: anonymous
ALTER TABLE bob_visitors ADD COLUMN profile bytea; -- JSON, sealed
ALTER TABLE bob_visitors ADD COLUMN ended_at bigint;
ALTER TABLE bob_visitors ADD COLUMN claimed_by uuid; -- the verified visitor
ALTER TABLE bob_visitors ADD COLUMN declined_by uuid; -- the verified visitor who said last that it is not them

-- The visitor that a proven person is.
CREATE TABLE bob_visitor_identities (
    tenant_id      uuid   NOT NULL,
    identity_index bytea  NOT NULL CHECK (octet_length(identity_index) = 32), -- of issuer and subject
    visitor_id     uuid   NOT NULL,
    created_at     bigint NOT NULL,
    PRIMARY KEY (tenant_id, identity_index)
);

-- The proofs that claimed something; each counts once.
CREATE TABLE bob_identity_proofs (
    tenant_id   uuid   NOT NULL,
    proof_index bytea  NOT NULL CHECK (octet_length(proof_index) = 32),
    until       bigint NOT NULL,
    PRIMARY KEY (tenant_id, proof_index)
);

CREATE INDEX bob_conversations_visitor ON bob_conversations (tenant_id, visitor_id, conversation_id);

DO $$
DECLARE
    fenced text;
BEGIN
    FOREACH fenced IN ARRAY ARRAY['bob_identity_settings', 'bob_visitor_identities', 'bob_identity_proofs']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', fenced);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', fenced);
        EXECUTE format('CREATE POLICY bob_tenant ON %I
            USING (tenant_id = nullif(current_setting(''bob.tenant'', true), '''')::uuid)', fenced);
    END LOOP;
END
$$;
