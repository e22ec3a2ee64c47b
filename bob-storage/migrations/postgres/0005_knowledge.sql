-- Knowledge: releases that stay what they were, texts that expire, items that are removed.

-- Whether approved versions wait until they are published together.
ALTER TABLE bob_tenants ADD COLUMN gathers_releases boolean NOT NULL DEFAULT false;

ALTER TABLE bob_knowledge_items ADD COLUMN removed_at bigint;

ALTER TABLE bob_knowledge_versions ADD COLUMN expires_at bigint;
-- The first release that a version is in, and the first behind it that it is no longer in. Where it expires, the
-- second is a number that its release keeps free for that moment.
ALTER TABLE bob_knowledge_versions ADD COLUMN from_release bigint;
ALTER TABLE bob_knowledge_versions ADD COLUMN until_release bigint;

-- The fence shows this step no rows, since it names no tenant: it is lifted for the owner, within this transaction.
ALTER TABLE bob_tenants NO FORCE ROW LEVEL SECURITY;
ALTER TABLE bob_knowledge_versions NO FORCE ROW LEVEL SECURITY;
UPDATE bob_knowledge_versions v
SET from_release = (SELECT t.release FROM bob_tenants t WHERE t.tenant_id = v.tenant_id)
WHERE v.status = 'published';
ALTER TABLE bob_tenants FORCE ROW LEVEL SECURITY;
ALTER TABLE bob_knowledge_versions FORCE ROW LEVEL SECURITY;

CREATE INDEX bob_knowledge_versions_expiry ON bob_knowledge_versions (tenant_id, expires_at)
    WHERE status = 'published' AND expires_at IS NOT NULL;
CREATE INDEX bob_knowledge_versions_title ON bob_knowledge_versions (tenant_id, language, title);

-- Nobody asks whose an item is: it is named by its tenant first, as everything else.
DROP INDEX bob_knowledge_items_owner;
DROP POLICY bob_items ON bob_knowledge_items;
