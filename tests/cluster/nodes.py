"""Several nodes on one database, SQLite or PostgreSQL, with all they need; gone afterwards."""

import pathlib
import shutil
import sys
import tempfile

from .books import PostgresBooks, SqliteBooks
from .node import Node
from .people import Admin, Owner
from .postgres import Postgres


class Nodes:
    """`count` nodes on an empty database of the kind `sqlite` or `postgres`; a context that cleans up.

    When a script says `keep()`, the folder with logs and, of SQLite, the database stays for whoever wants to look.
    """

    def __init__(self, kind, count, env=None, **settings):
        self.kind, self.kept, self.postgres = kind, False, None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"bob-{kind}-"))
        self.nodes = []
        try:
            if kind == "postgres":
                self.postgres = Postgres(**settings)
                self.postgres.start()
                self.url = self.postgres.make_database()
                self.books = PostgresBooks(self.postgres)
            else:
                self.url = "sqlite://bob.db"
                self.books = SqliteBooks(self.folder / "bob.db")
            env = {"BOB_DATABASE_URL": self.url, "BOB_KEY_FILE": str(self.folder / "bob.key")} | (env or {})
            self.nodes = [Node(self.folder, f"node-{number}", env) for number in range(1, count + 1)]
            if kind == "postgres":
                self.nodes[0].run("keys", "add")
        except BaseException:
            self.close()
            raise

    def start(self):
        """Starts all of them at once."""
        for node in self.nodes:
            node.launch()
        return [node.wait(60) for node in self.nodes]

    def admin(self):
        """The platform's admin."""
        env = self.nodes[0].env
        return Admin(env["BOB_ADMIN_EMAIL"], env["BOB_ADMIN_PASSWORD"])

    def owner(self):
        """The demo tenant's owner."""
        return Owner("customer@business.com", self.nodes[0].env["BOB_CUSTOMER_PASSWORD"])

    def alive(self):
        return [node for node in self.nodes if node.is_alive()]

    def stop(self):
        """Stops all of them in peace; what does not end well is told."""
        codes = {node.name: node.stop() for node in self.alive()}
        return [f"SIGTERM ended {name} with {code}" for name, code in codes.items() if code != 0]

    def keep(self):
        self.kept = True

    def close(self):
        for node in self.alive():
            node.kill()
        if self.postgres:
            if self.kept and self.postgres.log.exists():
                shutil.copy(self.postgres.log, self.folder)
            self.postgres.close()
        if self.kept:
            print(f"the folder is kept: {self.folder}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.kept |= kind is not None
        self.close()
