-- The inbox: conversations that people answer.

ALTER TABLE bob_conversations ADD COLUMN assigned_at INTEGER; -- since when the person who speaks does
ALTER TABLE bob_conversations ADD COLUMN closed_at INTEGER; -- until the visitor writes again
-- When its visitor, or a person, last wrote.
ALTER TABLE bob_conversations ADD COLUMN active_at INTEGER NOT NULL DEFAULT 0;

UPDATE bob_conversations
SET active_at = coalesce((SELECT m.at FROM bob_messages m
                          WHERE m.tenant_id = bob_conversations.tenant_id
                            AND m.conversation_id = bob_conversations.conversation_id
                            AND m.number = bob_conversations.messages), started_at);

-- Lists in the order in which people read them. The first is written by every turn, the others by few.
CREATE INDEX bob_conversations_active ON bob_conversations (tenant_id, active_at, conversation_id);
CREATE INDEX bob_conversations_waiting ON bob_conversations (tenant_id, person_wanted_at, conversation_id)
    WHERE person_wanted_at IS NOT NULL;
CREATE INDEX bob_conversations_owned ON bob_conversations (tenant_id, owner, active_at, conversation_id)
    WHERE owner IS NOT NULL;
CREATE INDEX bob_conversations_closed ON bob_conversations (tenant_id, active_at, conversation_id)
    WHERE closed_at IS NOT NULL;

-- The person who said a message; it belongs to no turn, hence to the nil one.
ALTER TABLE bob_messages ADD COLUMN author BLOB;
-- A person's message is stored once under its identifier.
CREATE UNIQUE INDEX bob_messages_person ON bob_messages (tenant_id, conversation_id, message_id) WHERE role = 'person';
