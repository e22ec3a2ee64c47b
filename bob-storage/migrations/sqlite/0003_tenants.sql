-- Tenants: what they tell about themselves, whether their doors are open, and deleting them.
ALTER TABLE bob_tenants ADD COLUMN revision INTEGER NOT NULL DEFAULT 1; -- of what stands in the row
ALTER TABLE bob_tenants ADD COLUMN contact TEXT; -- JSON
ALTER TABLE bob_tenants ADD COLUMN hours TEXT; -- JSON
ALTER TABLE bob_tenants ADD COLUMN suspended_at INTEGER;
ALTER TABLE bob_tenants ADD COLUMN suspended_reason TEXT;
ALTER TABLE bob_tenants ADD COLUMN deletes_at INTEGER;
CREATE INDEX bob_tenants_deletes ON bob_tenants (deletes_at) WHERE deletes_at IS NOT NULL;

-- Append-only, until the tenant itself is deleted: its key goes first, and whoever has a key keeps every row.
DROP TRIGGER bob_ledger_is_never_deleted;
CREATE TRIGGER bob_ledger_is_never_deleted BEFORE DELETE ON bob_ledger
WHEN EXISTS (SELECT 1 FROM bob_keys WHERE tenant_id = old.tenant_id)
BEGIN
    SELECT raise(ABORT, 'ledger entries are append-only');
END;
DROP TRIGGER bob_audit_is_never_deleted;
CREATE TRIGGER bob_audit_is_never_deleted BEFORE DELETE ON bob_audit
WHEN EXISTS (SELECT 1 FROM bob_keys WHERE tenant_id = old.tenant_id)
BEGIN
    SELECT raise(ABORT, 'audit rows are append-only');
END;
