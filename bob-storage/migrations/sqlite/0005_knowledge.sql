-- Knowledge: releases that stay what they were, texts that expire, items that are removed.

-- Whether approved versions wait until they are published together.
ALTER TABLE bob_tenants ADD COLUMN gathers_releases INTEGER NOT NULL DEFAULT 0 CHECK (gathers_releases IN (0, 1));

ALTER TABLE bob_knowledge_items ADD COLUMN removed_at INTEGER;

ALTER TABLE bob_knowledge_versions ADD COLUMN expires_at INTEGER;
-- The first release that a version is in, and the first behind it that it is no longer in. Where it expires, the
-- second is a number that its release keeps free for that moment.
ALTER TABLE bob_knowledge_versions ADD COLUMN from_release INTEGER;
ALTER TABLE bob_knowledge_versions ADD COLUMN until_release INTEGER;

UPDATE bob_knowledge_versions
SET from_release = (SELECT t.release FROM bob_tenants t WHERE t.tenant_id = bob_knowledge_versions.tenant_id)
WHERE status = 'published';

CREATE INDEX bob_knowledge_versions_expiry ON bob_knowledge_versions (tenant_id, expires_at)
    WHERE status = 'published' AND expires_at IS NOT NULL;
CREATE INDEX bob_knowledge_versions_title ON bob_knowledge_versions (tenant_id, language, title);

-- Nobody asks whose an item is: it is named by its tenant first, as everything else.
DROP INDEX bob_knowledge_items_owner;
