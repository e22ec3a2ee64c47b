-- Personas: versions, of which one is published. Until now each was a business's first one, which was published at once.
ALTER TABLE bob_personas ADD COLUMN published boolean NOT NULL DEFAULT true;
ALTER TABLE bob_personas ADD COLUMN deleted_at bigint; -- of all its versions; turns still name them
CREATE UNIQUE INDEX bob_personas_published ON bob_personas (tenant_id, persona_id) WHERE published;
ALTER TABLE bob_outbox ADD COLUMN persona_id uuid;
