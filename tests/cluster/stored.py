"""Filling a database with a past: many conversations, copied from one turn that was really asked.

The copies keep the sealed contents of their model, which nobody can open under another name; nobody asks for them. They
are there for their weight. They are free of charge, so that the books stay right.
"""

TURNS_A_CONVERSATION = 10
RANDOM_ID = {"sqlite": "randomblob(16)", "postgres": "gen_random_uuid()"}
COLUMNS = {
    "sqlite": "SELECT name FROM pragma_table_info('{}') ORDER BY cid",
    "postgres": "SELECT column_name FROM information_schema.columns WHERE table_name = '{}' ORDER BY ordinal_position",
}
SERIES = "WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < {} - 1)"


def fill(kind, books, messages):
    """Adds `messages` messages in finished turns; at least one turn must have been answered before. Gives how many there are."""
    turns = messages // 2
    conversations = -(-turns // TURNS_A_CONVERSATION)
    random_id = RANDOM_ID[kind]

    def copy(table, source, changed):
        columns = [name for (name,) in books.query(COLUMNS[kind].format(table))]
        values = ", ".join(changed.get(name, f"s.{name}") for name in columns)
        return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {source};"

    place = f"f.n % {TURNS_A_CONVERSATION} * 2"
    books.write(f"""
        BEGIN;
        CREATE TEMP TABLE model AS SELECT * FROM bob_turns WHERE state = 'finished' AND settled > 0 ORDER BY turn_id LIMIT 1;
        CREATE TEMP TABLE past_conversations AS {SERIES.format(conversations)}
            SELECT n, {random_id} AS conversation_id, {random_id} AS visitor_id FROM n;
        CREATE TEMP TABLE past_turns AS {SERIES.format(turns)}
            SELECT n.n, {random_id} AS turn_id, c.conversation_id, c.visitor_id
            FROM n JOIN past_conversations c ON c.n = n.n / {TURNS_A_CONVERSATION};
        {copy("bob_visitors", "past_conversations f, model m JOIN bob_visitors s ON s.visitor_id = m.visitor_id AND s.tenant_id = m.tenant_id",
              {"visitor_id": "f.visitor_id"})}
        {copy("bob_conversations", "past_conversations f, model m JOIN bob_conversations s ON s.conversation_id = m.conversation_id AND s.tenant_id = m.tenant_id",
              {"conversation_id": "f.conversation_id", "visitor_id": "f.visitor_id", "open_turn": "NULL", "messages": str(2 * TURNS_A_CONVERSATION)})}
        {copy("bob_turns", "past_turns f, model s",
              {"turn_id": "f.turn_id", "conversation_id": "f.conversation_id", "visitor_id": "f.visitor_id", "settled": "0", "answer": f"{place} + 2"})}
        {copy("bob_messages", "past_turns f, model m JOIN bob_messages s ON s.turn_id = m.turn_id AND s.tenant_id = m.tenant_id",
              {"turn_id": "f.turn_id", "conversation_id": "f.conversation_id", "message_id": random_id,
               "number": f"{place} + CASE s.role WHEN 'visitor' THEN 1 ELSE 2 END"})}
        COMMIT;""")
    return books.number("SELECT count(*) FROM bob_messages")
