-- Tenants: what they tell about themselves, whether their doors are open, and deleting them.
ALTER TABLE bob_tenants ADD COLUMN revision bigint NOT NULL DEFAULT 1; -- of what stands in the row
ALTER TABLE bob_tenants ADD COLUMN contact text; -- JSON
ALTER TABLE bob_tenants ADD COLUMN hours text; -- JSON
ALTER TABLE bob_tenants ADD COLUMN suspended_at bigint;
ALTER TABLE bob_tenants ADD COLUMN suspended_reason text;
ALTER TABLE bob_tenants ADD COLUMN deletes_at bigint;
CREATE INDEX bob_tenants_deletes ON bob_tenants (deletes_at) WHERE deletes_at IS NOT NULL;
CREATE POLICY bob_deletions ON bob_tenants FOR SELECT USING (current_setting('bob.worker', true) = 'deletions');

-- Append-only, until the tenant itself is deleted: its key goes first, and whoever has a key keeps every row. A statement
-- deletes rows of the tenant that it was set for, or none.
CREATE FUNCTION bob_deleted_with_its_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    tenant uuid := nullif(current_setting('bob.tenant', true), '')::uuid;
BEGIN
    IF TG_LEVEL = 'ROW' THEN
        IF old.tenant_id IS DISTINCT FROM tenant THEN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
        END IF;
        RETURN old;
    END IF;
    IF tenant IS NULL OR EXISTS (SELECT 1 FROM bob_keys WHERE tenant_id = tenant) THEN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END
$$;
DROP TRIGGER bob_ledger_is_never_changed ON bob_ledger;
CREATE TRIGGER bob_ledger_is_never_changed BEFORE UPDATE OR TRUNCATE ON bob_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION bob_append_only();
CREATE TRIGGER bob_ledger_is_kept BEFORE DELETE ON bob_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION bob_deleted_with_its_tenant();
CREATE TRIGGER bob_ledger_row_is_kept BEFORE DELETE ON bob_ledger
    FOR EACH ROW EXECUTE FUNCTION bob_deleted_with_its_tenant();
DROP TRIGGER bob_audit_is_never_changed ON bob_audit;
CREATE TRIGGER bob_audit_is_never_changed BEFORE UPDATE OR TRUNCATE ON bob_audit
    FOR EACH STATEMENT EXECUTE FUNCTION bob_append_only();
CREATE TRIGGER bob_audit_is_kept BEFORE DELETE ON bob_audit
    FOR EACH STATEMENT EXECUTE FUNCTION bob_deleted_with_its_tenant();
CREATE TRIGGER bob_audit_row_is_kept BEFORE DELETE ON bob_audit
    FOR EACH ROW EXECUTE FUNCTION bob_deleted_with_its_tenant();
