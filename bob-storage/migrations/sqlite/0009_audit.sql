-- The audit: through what and from where. The address of a person is sealed under the tenant's key, in the platform's own
-- rows under the platform's; visitors' addresses are not kept. Rows that are there already were written before it was known.
ALTER TABLE bob_audit ADD COLUMN via TEXT NOT NULL DEFAULT 'system';
ALTER TABLE bob_audit ADD COLUMN by_platform INTEGER NOT NULL DEFAULT 0 CHECK (by_platform = 0 OR by_platform = 1);
ALTER TABLE bob_audit ADD COLUMN address BLOB;
