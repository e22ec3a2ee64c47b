"""Kills the server under load, again and again, and holds it to what it acknowledged.

16 clients talk to a debug bob-server; at a random moment it is killed with SIGKILL and started again on the same
folder. Afterwards every acknowledged turn must be found: in its visitor's history, and by repeating its
Idempotency-Key, word for word. Turns that were open when the server died must end, too. In the end the books are
read from the database: nothing is charged twice, nothing stays reserved.

Run: python3 tests/kill/kill.py [--rounds 5] [--clients 16] [--seed N]. Needs Linux (the whole of 127/8 is loopback).
"""

import argparse
import collections
import http.client
import json
import pathlib
import random
import re
import shutil
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from bob import BUSINESS, Client, Server, addresses  # noqa: E402

QUESTIONS = [
    "How long can I return something?",
    "What are your opening hours?",
    "What about delivery?",
    "Wie lange kann ich etwas zurückgeben?",
    "What is the capital of Australia?",
    "How much does the Pro plan cost per month?",
]
# Below the server's limits for one visitor, repeats included, so that a refusal is always a finding.
TURNS_A_VISITOR = 6
MOST_TURNS_A_ROUND = 350
READY_WITHIN = 1.0  # seconds, in the median
OPEN_ENDS_WITHIN = 45.0  # seconds; a lease is 15


class Visitor:
    """Somebody with one conversation."""

    addresses = addresses()
    addresses_lock = threading.Lock()

    def __init__(self, server):
        with Visitor.addresses_lock:
            address = next(Visitor.addresses)
        self.client, self.session, self.token, self.turns = Client(address, server), str(uuid.uuid4()), None, []


class Turn:
    """One message under one Idempotency-Key, and what was acknowledged of it: nothing, or the reply."""

    def __init__(self, visitor, message, streams):
        self.visitor, self.streams, self.reply = visitor, streams, None
        self.body = json.dumps({"message": message, "session_id": visitor.session, "business_id": BUSINESS})
        self.headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        if streams:
            self.headers["Accept"] = "text/event-stream"
        if visitor.token:
            self.headers["X-Bob-Visitor"] = visitor.token

    def send(self):
        """Sends it, the first time or again: status, headers, and the reply when it is acknowledged."""
        status, headers, text = self.visitor.client.call("POST", "/api/chat", self.body, self.headers)
        if status != 200:
            return status, headers, text
        if not self.streams:
            return status, headers, json.loads(text)
        completed = re.search(r"^event: turn\.completed\ndata: (.+)$", text, re.M)
        if not completed:
            raise http.client.IncompleteRead(text.encode())
        return status, headers, json.loads(completed[1])


def load(server, number, dying, acknowledged, visitors, findings, chance):
    """One client until the server dies: visitors come, ask a few questions each, and go."""
    while not dying.is_set():
        visitor = Visitor(server)
        visitors.append(visitor)
        for _ in range(TURNS_A_VISITOR):
            turn = Turn(visitor, chance.choice(QUESTIONS), streams=number % 4 == 0)
            visitor.turns.append(turn)
            try:
                status, _, reply = turn.send()
            except (OSError, http.client.HTTPException):
                return
            if status != 200:
                findings.append(f"{status} under load: {reply}")
                return
            turn.reply = reply
            visitor.token = reply["visitor_token"]
            acknowledged.append(turn)
            time.sleep(chance.random() * 0.05)
            if dying.is_set():
                return


def check(visitor, findings):
    """Whatever this visitor was told is there, once, and word for word."""
    told = [turn for turn in visitor.turns if turn.reply]
    for turn in told:
        status, headers, again = turn.send()
        key = turn.headers["Idempotency-Key"]
        if status != 200:
            findings.append(f"{key}: acknowledged, then {status}: {again}")
        elif headers.get("Idempotent-Replayed") != "true":
            findings.append(f"{key}: acknowledged, then answered anew")
        elif (again["turn_id"], again["reply"]) != (turn.reply["turn_id"], turn.reply["reply"]):
            findings.append(f"{key}: acknowledged {turn.reply}, then {again}")
    if not told or not visitor.token:
        return
    path = f"/api/chat/history?limit=200&session_id={visitor.session}"
    status, _, text = visitor.client.call("GET", path, headers={"X-Bob-Visitor": visitor.token})
    if status != 200:
        findings.append(f"history: {status}: {text}")
        return
    said = collections.Counter((item["turn_id"], item["role"]) for item in json.loads(text)["items"])
    texts = {item["turn_id"]: item["text"] for item in json.loads(text)["items"] if item["role"] == "bot"}
    for turn in told:
        name = turn.reply["turn_id"]
        if (said[name, "visitor"], said[name, "bot"]) != (1, 1):
            findings.append(f"{name}: {said[name, 'visitor']} questions and {said[name, 'bot']} replies in the history")
        elif texts[name] != turn.reply["reply"]:
            findings.append(f"{name}: the history says {texts[name]!r}, the reply was {turn.reply['reply']!r}")


def end_open(turn, findings, ends):
    """A turn that was open when the server died: the same key must come to an answer, and to one only."""
    deadline, first = time.monotonic() + OPEN_ENDS_WITHIN, True
    while True:
        status, headers, reply = turn.send()
        if status == 200:
            replayed = headers.get("Idempotent-Replayed") == "true"
            ends["was stored" if replayed and first else "replayed later" if replayed else "answered anew"] += 1
            turn.reply = reply
            turn.visitor.token = reply.get("visitor_token", turn.visitor.token)
            ends["without a token"] += turn.visitor.token is None
            return
        if status != 409 or time.monotonic() > deadline:
            findings.append(f"{turn.headers['Idempotency-Key']}: was open at the kill, and is {status} since: {reply}")
            return
        first = False
        time.sleep(min(float(headers.get("Retry-After", 1)), 5))


def read_the_books(folder, findings):
    """The database itself: sound, every turn settled once, the sums agree."""
    database = sqlite3.connect(f"file:{folder / 'bob.db'}?mode=ro", uri=True)
    one = lambda query: database.execute(query).fetchone()
    facts = {
        "the database is sound": one("PRAGMA integrity_check") == ("ok",) and one("PRAGMA foreign_key_check") is None,
        "no turn is open": one("SELECT count(*) FROM bob_turns WHERE state = 'open'") == (0,),
        "nothing stays reserved": one("SELECT sum(reserved) FROM bob_credits") == (0,),
        "the tenants' sums are the turns' sums":
            one("SELECT coalesce(sum(settled), 0) FROM bob_credits") == one("SELECT coalesce(sum(settled), 0) FROM bob_turns"),
        "no abandoned turn is charged": one("SELECT count(*) FROM bob_turns WHERE state = 'abandoned' AND settled > 0") == (0,),
        "a finished turn has one question and one reply":
            one("""SELECT count(*) FROM bob_turns t WHERE state = 'finished' AND 2 <>
                   (SELECT count(*) FROM bob_messages m WHERE m.tenant_id = t.tenant_id AND m.turn_id = t.turn_id)""") == (0,),
    }
    findings += [f"the books: not so: {fact}" for fact, holds in facts.items() if not holds]
    states = dict(database.execute("SELECT state, count(*) FROM bob_turns GROUP BY state"))
    settled = one("SELECT coalesce(sum(settled), 0) FROM bob_turns")[0]
    database.close()
    return states, settled


def in_parallel(jobs, width):
    """Runs all jobs, `width` at a time; what one raises is raised here."""
    queue, failures = collections.deque(jobs), []

    def work():
        while True:
            try:
                job = queue.popleft()
            except IndexError:
                return
            try:
                job()
            except Exception as error:  # told by the main thread
                failures.append(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(width)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=180)
    if failures:
        raise failures[0]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--clients", type=int, default=16)
    options.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = options.parse_args()
    chance = random.Random(options.seed)
    print(f"seed {options.seed}", flush=True)

    folder = pathlib.Path(tempfile.mkdtemp(prefix="bob-kill-"))
    server, findings, everybody = Server(folder), [], []
    server.start()
    try:
        print(f"first start to ready: {server.starts[0] * 1000:.0f} ms; idle, {server.resident():.1f} MB resident", flush=True)
        for round_number in range(1, options.rounds + 1):
            dying, acknowledged, visitors = threading.Event(), [], []
            clients = [
                threading.Thread(target=load, daemon=True, args=(server, number, dying, acknowledged, visitors, findings, random.Random(chance.random())))
                for number in range(options.clients)
            ]
            for client in clients:
                client.start()
            enough, deadline = chance.randrange(options.clients, MOST_TURNS_A_ROUND), time.monotonic() + 60
            while len(acknowledged) < enough and time.monotonic() < deadline and any(client.is_alive() for client in clients):
                time.sleep(0.002)
            time.sleep(chance.random() * 0.02)
            server.kill()
            dying.set()
            for client in clients:
                client.join(timeout=30)
            server.start()
            in_parallel([lambda visitor=visitor: check(visitor, findings) for visitor in visitors], options.clients)
            everybody += visitors
            print(f"round {round_number}: killed after {len(acknowledged)} acknowledged turns of {len(visitors)} visitors, "
                  f"ready again in {server.starts[-1] * 1000:.0f} ms, {len(findings)} findings", flush=True)
            if findings:
                break

        turns = [turn for visitor in everybody for turn in visitor.turns]
        ends, left = collections.Counter(), [turn for turn in turns if not turn.reply]
        in_parallel([lambda turn=turn: end_open(turn, findings, ends) for turn in left], 64)
        for visitor in {turn.visitor for turn in left}:
            check(visitor, findings)
        print(f"open at a kill: {len(left)}; by their keys: {dict(ends)}")
        print(f"in the end: {server.resident():.1f} MB resident")
        code = server.stop()
        if code != 0:
            findings.append(f"SIGTERM ended it with {code}")
    finally:
        if server.process.poll() is None:
            server.kill()
    states, settled = read_the_books(folder, findings)
    print(f"turns in the database: {states}, settled {settled / 1000:.3f} credits")
    if states.get("finished") != sum(1 for turn in turns if turn.reply):
        findings.append(f"{sum(1 for turn in turns if turn.reply)} keys came to an answer, {states.get('finished')} turns did")
    median = statistics.median(server.starts)
    print(f"start to ready: {', '.join(f'{start * 1000:.0f}' for start in server.starts)} ms; median {median * 1000:.0f}")
    if median > READY_WITHIN:
        findings.append(f"the median start took {median:.2f} s")
    if findings:
        print(*findings[:20], f"{len(findings)} findings; the folder is kept: {folder}", sep="\n")
        return 1
    shutil.rmtree(folder)
    print("nothing that was acknowledged is lost, nothing is charged twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
