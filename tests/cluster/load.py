"""A steady load, and what came of every call: for faults through which all nodes live."""

import dataclasses
import json
import random
import re
import threading
import time

from .visitors import GONE, QUESTIONS, Turn, Visitor

PATIENCE = 15.0  # seconds; whoever waits longer was left hanging
# What no answer may tell about the database behind it.
INNARDS = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|ROLLBACK|COMMIT|relation|SQLSTATE|sqlx|sqlite|postgres\w*|database is|disk I/O)\b|bob_\w+|\.rs:\d", re.I)


@dataclasses.dataclass
class Call:
    """One call of a turn: when it began, how long it took, and whether it was acknowledged."""

    began: float
    took: float
    answered: bool


class Load:
    """`clients` clients that ask all nodes until they are stopped; a context.

    Every refusal must be a 503 with `Retry-After` and a problem document that tells nothing of the database.
    """

    def __init__(self, nodes, clients, chance, findings, pause=0.2):
        self.nodes, self.findings, self.pause = nodes, findings, pause
        self.over, self.visitors, self.calls = threading.Event(), [], []
        self.clients = [
            threading.Thread(target=self.ask, daemon=True, args=(number % 4 == 0, random.Random(chance.random())))
            for number in range(clients)
        ]

    def ask(self, streams, chance):
        while not self.over.is_set():
            visitor = Visitor(timeout=PATIENCE + 5)
            self.visitors.append(visitor)
            for _ in range(6):
                if self.over.is_set() or not self.was_told(Turn(visitor, chance.choice(QUESTIONS), streams), chance.choice(self.nodes)):
                    break
                self.over.wait(chance.random() * 2 * self.pause)
            visitor.client.close()

    def was_told(self, turn, node):
        began = time.monotonic()
        try:
            status, headers, reply = turn.send(node)
        except GONE as error:
            self.findings.append(f"{node.name}: no answer after {time.monotonic() - began:.1f} s: {error!r}")
            return False
        took = time.monotonic() - began
        if took > PATIENCE:
            self.findings.append(f"{node.name}: {status} only after {took:.1f} s")
        if status == 429:
            turn.visitor.turns.remove(turn)
            self.over.wait(1)
            return False
        self.calls.append(Call(began, took, status == 200))
        if status == 200:
            turn.acknowledge(reply)
        else:
            self.look_at(node, status, headers, reply)
            self.over.wait(0.1)
        return status == 200

    def look_at(self, node, status, headers, problem):
        if status != 503:
            self.findings.append(f"{node.name}: {status}: {problem}")
        elif headers.get("Content-Type") == "text/event-stream":
            pass  # the stream had begun; its last event is the problem, and there is no header left to send
        elif not (headers.get("Retry-After", "").isdigit() and headers.get("Content-Type") == "application/problem+json"):
            self.findings.append(f"{node.name}: a 503 without Retry-After or not a problem document: {dict(headers)}")
        if INNARDS.search(json.loads(problem)["detail"]):
            self.findings.append(f"{node.name}: tells of its innards: {problem}")

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for client in self.clients:
            client.join(timeout=PATIENCE + 10)
        self.findings += ["a client got no answer"] * sum(client.is_alive() for client in self.clients)
