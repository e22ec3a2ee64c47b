"""A steady load, and what came of every call: for faults through which all nodes live."""

import dataclasses
import random
import threading
import time

from .told import improper
from .visitors import GONE, QUESTIONS, Turn, Visitor

PATIENCE = 15.0  # seconds; whoever waits longer was left hanging


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
            self.findings += improper(node, status, headers, reply)
            self.over.wait(0.5)
        return status == 200

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for client in self.clients:
            client.join(timeout=PATIENCE + 10)
        self.findings += ["a client got no answer"] * sum(client.is_alive() for client in self.clients)
