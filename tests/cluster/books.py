"""The books: what the database itself says of turns and credits. Contents are sealed, so only columns are read."""

import contextlib
import sqlite3

# What must hold at every moment, also in the middle of everything. Each counts what breaks it; all of them are read in one
# statement, so of one moment.
ALWAYS = {
    "settled + reserved are within what was granted":
        "SELECT count(*) FROM bob_credits WHERE settled < 0 OR reserved < 0 OR settled + reserved > granted",
    "the ledger's sum is the balance":
        """SELECT count(*) FROM bob_credits c WHERE c.granted - c.settled <>
           (SELECT coalesce(sum(l.amount), 0) FROM bob_ledger l WHERE l.tenant_id = c.tenant_id)""",
    "what is reserved is what open turns hold":
        """SELECT count(*) FROM bob_credits c WHERE c.reserved <>
           (SELECT coalesce(sum(t.reserved), 0) FROM bob_turns t WHERE t.tenant_id = c.tenant_id AND t.state = 'open')""",
    "no turn is charged more than it reserved": "SELECT count(*) FROM bob_turns WHERE settled > coalesce(reserved, 0)",
}

# What must hold besides when all turns have ended.
AT_REST = {
    "no turn is open": "SELECT count(*) FROM bob_turns WHERE state = 'open'",
    "nothing stays reserved": "SELECT count(*) FROM bob_credits WHERE reserved <> 0",
    "the tenants' sums are the turns' sums":
        """SELECT count(*) FROM bob_credits c WHERE c.settled <>
           (SELECT coalesce(sum(t.settled), 0) FROM bob_turns t WHERE t.tenant_id = c.tenant_id)""",
    "a turn that was charged has one entry in the ledger, of its amount":
        """SELECT count(*) FROM (SELECT tenant_id, turn_id, settled FROM bob_turns WHERE settled > 0) t FULL JOIN
           (SELECT tenant_id, turn_id, count(*) AS entries, -sum(amount) AS spent FROM bob_ledger
            WHERE turn_id IS NOT NULL GROUP BY tenant_id, turn_id) l ON l.tenant_id = t.tenant_id AND l.turn_id = t.turn_id
           WHERE coalesce(l.entries, 0) <> 1 OR coalesce(t.settled, 0) <> l.spent""",
    "the ledger's numbers have no gaps":
        "SELECT count(*) FROM (SELECT 1 AS gap FROM bob_ledger GROUP BY tenant_id HAVING count(*) <> max(number)) gaps",
    "no abandoned turn is charged": "SELECT count(*) FROM bob_turns WHERE state = 'abandoned' AND settled > 0",
    "a finished turn has one question and one reply":
        """SELECT count(*) FROM bob_turns t LEFT JOIN
           (SELECT tenant_id, turn_id, count(*) AS messages FROM bob_messages GROUP BY tenant_id, turn_id) m
           ON m.tenant_id = t.tenant_id AND m.turn_id = t.turn_id
           WHERE t.state = 'finished' AND coalesce(m.messages, 0) <> 2""",
}


class Books:
    """A database that is read beside its nodes."""

    def __init__(self, query):
        self.query = query

    def number(self, sql):
        return int(self.query(sql)[0][0])

    def pairs(self, sql):
        return {key: int(value) for key, value in self.query(sql)}

    def broken(self, facts=ALWAYS):
        [counts] = self.query("SELECT " + ", ".join(f"({sql})" for sql in facts.values()))
        return [f"the books: not so: {fact} ({count})" for fact, count in zip(facts, counts) if int(count)]

    def open_turns(self):
        return self.number("SELECT count(*) FROM bob_turns WHERE state = 'open'")

    def settled(self):
        return self.number("SELECT coalesce(sum(settled), 0) FROM bob_turns")

    def states(self):
        return self.pairs("SELECT state, count(*) FROM bob_turns GROUP BY state ORDER BY state")

    def tenants(self):
        return self.number("SELECT count(*) FROM bob_tenants")

    def admins(self):
        return self.number("SELECT count(*) FROM bob_accounts WHERE platform_role IS NOT NULL")


class SqliteBooks(Books):
    """A SQLite file."""

    def __init__(self, path):
        self.path = path
        super().__init__(self.read)

    def read(self, sql):
        with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=20)) as database:
            return database.execute(sql).fetchall()

    def write(self, sql):
        """Changes it behind the nodes' backs, to prepare a test."""
        with contextlib.closing(sqlite3.connect(self.path, timeout=20)) as database:
            database.executescript(sql)

    def broken(self, facts=ALWAYS):
        sound = self.read("PRAGMA integrity_check") == [("ok",)] and not self.read("PRAGMA foreign_key_check")
        return super().broken(facts) + ([] if sound else ["the database file is not sound"])


class PostgresBooks(Books):
    """A database of a PostgreSQL server."""

    def __init__(self, postgres, database="bob"):
        super().__init__(lambda sql: postgres.query(sql, database))
        self.write = self.query
