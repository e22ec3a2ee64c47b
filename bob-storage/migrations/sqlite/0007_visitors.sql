-- Visitors: proven identities and claims.

-- What a business decided about the identities of its visitors; sealed under the tenant's key, since shared secrets are
-- in it.
CREATE TABLE bob_identity_settings (
    tenant_id  BLOB    NOT NULL PRIMARY KEY CHECK (length(tenant_id) = 16),
    version    INTEGER NOT NULL CHECK (version > 0),
    settings   BLOB    NOT NULL, -- JSON, sealed
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who a visitor is said to be. One who has ended was claimed: no token of theirs proves anything any more.
ALTER TABLE bob_visitors ADD COLUMN trust TEXT CHECK (trust = 'identified' OR trust = 'verified'); -- null: anonymous
ALTER TABLE bob_visitors ADD COLUMN profile BLOB; -- JSON, sealed
ALTER TABLE bob_visitors ADD COLUMN ended_at INTEGER;
ALTER TABLE bob_visitors ADD COLUMN claimed_by BLOB; -- the verified visitor
ALTER TABLE bob_visitors ADD COLUMN declined_by BLOB; -- the verified visitor who said last that it is not them

-- The visitor that a proven person is.
CREATE TABLE bob_visitor_identities (
    tenant_id      BLOB    NOT NULL,
    identity_index BLOB    NOT NULL CHECK (length(identity_index) = 32), -- of issuer and subject
    visitor_id     BLOB    NOT NULL CHECK (length(visitor_id) = 16),
    created_at     INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, identity_index)
) STRICT, WITHOUT ROWID;

-- The proofs that claimed something; each counts once.
CREATE TABLE bob_identity_proofs (
    tenant_id   BLOB    NOT NULL,
    proof_index BLOB    NOT NULL CHECK (length(proof_index) = 32),
    until       INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, proof_index)
) STRICT, WITHOUT ROWID;

CREATE INDEX bob_conversations_visitor ON bob_conversations (tenant_id, visitor_id, conversation_id);
