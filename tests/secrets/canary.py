"""Plants canaries in everything that visitors and people say and are, and looks for them in every file.

Visitors ask in JSON and in streams, are answered, sent to a person and told that nothing is left; people sign in, with
right and with wrong passwords; a node is killed, a backup is made, the root key is changed while the nodes answer. The
nodes log all they can (`RUST_LOG=trace`), PostgreSQL logs every statement with its parameters. Afterwards no canary
stands in the database's files, its log, its backups or the nodes' logs, neither as it is nor in hexadecimal or base64.

What this cannot show: texts of the business (knowledge, persona, reasons for a change of credits) stand there readable,
by design, and so do hashes of passwords and tokens.

Run: python3 tests/secrets/canary.py [--database sqlite|postgres|both] [--rounds 3] [--seed N].
"""

import argparse
import contextlib
import pathlib
import random
import re
import signal
import subprocess
import sys
import threading
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from cluster import machine
from cluster.needles import Needles, address, contains, word
from cluster.nodes import Nodes
from cluster.people import send
from cluster.postgres import program
from cluster.told import check, send_politely
from cluster.visitors import BUSINESS, GONE, PAID, Turn, Visitor

SETTINGS = {"log_statement": "all", "log_connections": "on", "log_parameter_max_length": "-1", "log_parameter_max_length_on_error": "-1"}
PERSON = "Can I talk to a human please?"


class Canaries:
    """Everything that is planted, by what it is."""

    def __init__(self, chance):
        self.chance, self.needles = chance, Needles()

    def plant(self, name, text="{}"):
        return self.needles.plant(name, text.format(word(self.chance)))

    def visitor(self):
        """Somebody whose address and session are canaries."""
        visitor = Visitor()
        visitor.client.address = self.needles.plant("a visitor's address", address(self.chance))
        visitor.session = self.needles.plant("a session id", self.chance.choice([str(uuid.uuid4()), word(self.chance)]))
        return visitor

    def ask(self, node, visitor, text, outcome, streams, findings):
        """One turn with a canary in it, that must end in a way."""
        turn = Turn(visitor, f"{text} {self.plant('a message')}", streams)
        self.needles.plant("an idempotency key", turn.key)
        status, _, reply = send_politely(turn, node)
        if status != 200 or reply["outcome"] != outcome:
            findings.append(f"{text!r}: {status}: {reply}, expected {outcome}")
            return
        turn.acknowledge(reply)
        self.needles.plant("a visitor's token", visitor.token)


def sign_in(canaries, cluster, node, findings):
    """People come in with the right password, and stay out with a wrong one; what they were given are canaries too."""
    for person in (cluster.admin(), cluster.owner()):
        status, headers, body = person.sign_in(node)
        if status != 200:
            findings.append(f"signing in: {status}: {body}")
            continue
        for name in ("token", "refresh_token", "csrf_token"):
            canaries.needles.plant(f"the {name.replace('_', ' ')} of a person", body[name])
        canaries.needles.plant("a session cookie", re.search(r"=([^;]{20,});", headers["Set-Cookie"])[1])
        status, _, body = send(node, "POST", "/api/auth/refresh", {"refresh_token": body["refresh_token"]})
        if status != 200:
            findings.append(f"refreshing: {status}: {body}")
        else:
            canaries.needles.plant("a second refresh token", body["refresh_token"])
        known = (person.email, canaries.plant("a wrong password"))
        unknown = (canaries.plant("an unknown e-mail address", "{}@example.com"), person.password)
        for email, password in (known, unknown):
            status, _, body = type(person)(email, password).sign_in(node)
            if status != 401:
                findings.append(f"signing in with what is wrong: {status}: {body}")


def talk(canaries, cluster, findings):
    """Visitors with every kind of outcome, in JSON and in streams, on all nodes."""
    admin, visitors = cluster.admin(), []
    for number, node in enumerate(cluster.nodes):
        visitor = canaries.visitor()
        visitors.append(visitor)
        for streams in (False, True):
            canaries.ask(node, visitor, PAID, "answered", streams, findings)
            canaries.ask(node, visitor, PERSON, "escalated", streams, findings)
        left = admin.available(node)
        findings += admin.change_credits(node, -left, "nothing is left")
        canaries.ask(node, visitor, PAID, "limited", number % 2 == 0, findings)
        findings += admin.change_credits(node, left, "all is given back")
        # What the server refuses must not be written down either.
        too_long = canaries.plant("a refused message") * 500
        send(node, "POST", "/api/chat", {"message": too_long, "session_id": visitor.session, "business_id": BUSINESS})
        sign_in(canaries, cluster, node, findings)
    return visitors


def crash(canaries, cluster, findings):
    """A node dies in the middle of a question, and comes again."""
    node, visitor = cluster.nodes[0], canaries.visitor()

    def ask():
        with contextlib.suppress(*GONE):
            canaries.ask(node, visitor, PAID, "answered", False, [])

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    node.kill()
    try:
        asking.join(timeout=30)
    finally:
        node.start()


def change_keys(canaries, cluster, findings):
    """A new root key comes and the old one goes, while a visitor talks on."""
    key_file = cluster.folder / "bob.key"
    plant = lambda: [canaries.needles.plant("a root key", line) for line in key_file.read_text().split()]
    plant()
    over, failed = threading.Event(), []

    def ask_on():
        while not over.is_set():
            visitor = canaries.visitor()
            for node in cluster.nodes:
                canaries.ask(node, visitor, PAID, "answered", False, failed)
            check(visitor, canaries.chance, cluster.nodes, failed)

    asking = threading.Thread(target=ask_on, daemon=True)
    asking.start()
    try:
        for step in ("add", "rewrap", "forget"):
            cluster.nodes[0].run("keys", step)
            plant()
    finally:
        over.set()
        asking.join(timeout=60)
    findings += failed


def back_up(cluster, number):
    """A backup beside the database, which is looked through with everything else."""
    if cluster.kind == "sqlite":
        cluster.nodes[0].run("backup", f"backup-{number}.db")
    else:
        dump = subprocess.run([program("pg_dump"), "-h", cluster.postgres.folder, "-p", str(cluster.postgres.port), "-U", "postgres", "bob"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=60, check=True)
        (cluster.folder / f"backup-{number}.sql").write_bytes(dump.stdout)


def look(canaries, cluster, when, findings):
    """Looks through all files there are; that looking finds anything is shown by what stands there readable."""
    folders = [cluster.folder] + ([cluster.postgres.folder] if cluster.postgres else [])
    read = 0
    for folder in folders:
        found, bytes_read = canaries.needles.found_in(folder, without=("bob.key",))
        findings += [f"{when}: {what}" for what in found]
        read += bytes_read
    # What must be found: that these are the right files, and that PostgreSQL's log is as talkative as it can be.
    controls = [(folders[-1], BUSINESS)] + ([] if cluster.alive() else [(cluster.folder, "stopping: no new turns")])
    if cluster.postgres:
        controls += [(cluster.postgres.folder, "LOG:  execute"), (cluster.postgres.folder, "DETAIL:  parameters: $1 = ")]
    findings += [f"{when}: not even {text!r} was found in {folder}" for folder, text in controls if not contains(folder, text)]
    print(f"{cluster.kind}, {when}: {len(canaries.needles.names)} spellings, {read / 1e6:.0f} MB read, {len(findings)} findings", flush=True)


def watch_out(kind, options, chance):
    findings, canaries = [], Canaries(chance)
    people = {"BOB_ADMIN_PASSWORD": canaries.plant("the admin's password"), "BOB_CUSTOMER_PASSWORD": canaries.plant("the owner's password"),
              "BOB_ADMIN_EMAIL": canaries.plant("the admin's e-mail address", "{}@example.com")}
    canaries.needles.plant("the owner's e-mail address", "customer@business.com")
    canaries.needles.plant("the owner's name", "Mara Lindner")
    canaries.needles.plant("the admin's name", "Administrator")
    with Nodes(kind, 2, people | {"RUST_LOG": "trace"}, **(SETTINGS if kind == "postgres" else {})) as cluster:
        canaries.needles.plant("the database's password", (re.search(r":(\w{8,})@", cluster.url) or ["", word(chance)])[1])
        cluster.start()
        for number in range(options.rounds):
            visitors = talk(canaries, cluster, findings)
            crash(canaries, cluster, findings)
            back_up(cluster, number)
            change_keys(canaries, cluster, findings)
            for visitor in visitors:
                check(visitor, chance, cluster.nodes, findings)
        look(canaries, cluster, "while it runs", findings)
        findings += cluster.stop()
        if cluster.postgres:
            cluster.postgres.stop(signal.SIGINT)
        look(canaries, cluster, "after it was stopped", findings)
        if findings:
            cluster.keep()
            print(*findings[:20], sep="\n")
    return not findings


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--database", choices=["sqlite", "postgres", "both"], default="both")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = options.parse_args()
    machine.tell(options.seed, rounds=options.rounds)
    kinds = ["sqlite", "postgres"] if options.database == "both" else [options.database]
    held = [watch_out(kind, options, random.Random(options.seed)) for kind in kinds]
    if not all(held):
        return 1
    print("no canary stands anywhere")
    return 0


if __name__ == "__main__":
    sys.exit(main())
