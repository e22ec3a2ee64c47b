-- The inbox: conversations that people answer.

ALTER TABLE bob_conversations ADD COLUMN assigned_at bigint; -- since when the person who speaks does
ALTER TABLE bob_conversations ADD COLUMN closed_at bigint; -- until the visitor writes again
-- When its visitor, or a person, last wrote.
ALTER TABLE bob_conversations ADD COLUMN active_at bigint NOT NULL DEFAULT 0;

-- This is about all tenants' rows, which their owner sees only while the fence does not hold for it.
ALTER TABLE bob_conversations NO FORCE ROW LEVEL SECURITY;
ALTER TABLE bob_messages NO FORCE ROW LEVEL SECURITY;
UPDATE bob_conversations c
SET active_at = coalesce((SELECT m.at FROM bob_messages m
                          WHERE m.tenant_id = c.tenant_id AND m.conversation_id = c.conversation_id
                            AND m.number = c.messages), c.started_at);
ALTER TABLE bob_conversations FORCE ROW LEVEL SECURITY;
ALTER TABLE bob_messages FORCE ROW LEVEL SECURITY;

-- Lists in the order in which people read them. The first is written by every turn, the others by few.
CREATE INDEX bob_conversations_active ON bob_conversations (tenant_id, active_at, conversation_id);
CREATE INDEX bob_conversations_waiting ON bob_conversations (tenant_id, person_wanted_at, conversation_id)
    WHERE person_wanted_at IS NOT NULL;
CREATE INDEX bob_conversations_owned ON bob_conversations (tenant_id, owner, active_at, conversation_id)
    WHERE owner IS NOT NULL;
CREATE INDEX bob_conversations_closed ON bob_conversations (tenant_id, active_at, conversation_id)
    WHERE closed_at IS NOT NULL;

-- The person who said a message; it belongs to no turn, hence to the nil one.
ALTER TABLE bob_messages ADD COLUMN author uuid;
-- A person's message is stored once under its identifier.
CREATE UNIQUE INDEX bob_messages_person ON bob_messages (tenant_id, conversation_id, message_id) WHERE role = 'person';
