"""Kills nodes or their database under load, again and again, and holds them to what they acknowledged.

16 clients talk to one debug bob-server on SQLite, or with `--cluster` to three on one PostgreSQL; at a random moment
the server is killed with SIGKILL, in the cluster a node, or two, or the database server with all its sessions, and
started again. Afterwards every acknowledged turn must be found: in its visitor's history, and by repeating its
Idempotency-Key, word for word, on any node. Turns that were open at the kill must end, too. In the end the books are
read from the database: nothing is charged twice, nothing stays reserved.

Run: python3 tests/kill/kill.py [--cluster] [--rounds 20] [--clients 16] [--stored MESSAGES] [--seed N]. Needs Linux (the
whole of 127/8 is loopback).
"""

import argparse
import collections
import pathlib
import random
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from cluster import machine
from cluster.books import ALWAYS, AT_REST
from cluster.nodes import Nodes
from cluster.parallel import in_parallel
from cluster.stored import fill
from cluster.told import check, end_open, improper
from cluster.visitors import GONE, PAID, QUESTIONS, Turn, Visitor

# Below the server's limits for one visitor, repeats included.
TURNS_A_VISITOR = 6
MOST_TURNS_A_ROUND = 350
SERVING_WITHIN = 2.0  # seconds from the kill, or from when the database takes connections, to the first answer
AT_REST_WITHIN = 60.0  # seconds; a lease is 15
GOES_ON = 1.0  # how long the others are asked on after a kill


class Round:
    """One round: clients, what they were told, and what was wrong with it."""

    def __init__(self, cluster, options, chance, findings):
        self.cluster, self.chance, self.findings = cluster, chance, findings
        self.over, self.database_dies, self.acknowledged, self.visitors = threading.Event(), False, 0, []
        self.clients = [
            threading.Thread(target=self.ask, daemon=True, args=(number % 4 == 0, random.Random(chance.random())))
            for number in range(options.clients)
        ]

    def ask(self, streams, chance):
        """One client: visitors come, ask a few questions each, and go, until the round is over or nobody is there."""
        while not self.over.is_set() and self.cluster.alive():
            visitor = Visitor()
            self.visitors.append(visitor)
            for _ in range(TURNS_A_VISITOR):
                alive = self.cluster.alive()
                if not alive or self.over.is_set():
                    break
                if not self.was_told(Turn(visitor, chance.choice(QUESTIONS), streams), chance.choice(alive)):
                    break
                time.sleep(chance.random() * 0.05)
            visitor.client.close()

    def was_told(self, turn, node):
        try:
            status, headers, reply = turn.send(node)
        except GONE:
            time.sleep(0.05)
            return False
        if status == 200:
            turn.acknowledge(reply)
            self.acknowledged += 1
            return True
        if status == 429:
            # A tenant's limit counts in each node, and those that live on through all rounds come near it.
            turn.visitor.turns.remove(turn)
        elif self.database_dies:
            self.findings += improper(node, status, headers, reply)
        else:
            self.findings.append(f"{node.name}: {status} under load: {reply}")
        time.sleep(0.5)
        return False

    def play(self, die):
        """Asks until a random moment, lets `die` happen, and tells how many turns were acknowledged until then."""
        for client in self.clients:
            client.start()
        enough, deadline = self.chance.randrange(len(self.clients), MOST_TURNS_A_ROUND), time.monotonic() + 60
        while self.acknowledged < enough and time.monotonic() < deadline and not self.findings:
            time.sleep(0.002)
        time.sleep(self.chance.random() * 0.02)
        before, told = self.acknowledged, die(self)
        self.over.set()
        for client in self.clients:
            client.join(timeout=30)
        self.findings += ["a client got no answer within 30 s"] * sum(client.is_alive() for client in self.clients)
        return f"{told} killed after {before} acknowledged turns, {self.acknowledged} in all"


def first_answer(node, since, visitors, serving, what):
    """Asks until a first answer comes, and notes how long that took."""
    turn = Turn(Visitor(), PAID)
    visitors.append(turn.visitor)
    while time.monotonic() - since < 60:
        try:
            status, _, reply = turn.send(node)
        except GONE:
            status = None
        if status == 200:
            serving[what].append(time.monotonic() - since)
            turn.acknowledge(reply)
            return
        time.sleep(0.01)


def one_server(cluster, serving):
    """The only server dies and is started again at once."""
    [node] = cluster.nodes

    def die(round_):
        node.kill()
        killed = time.monotonic()
        round_.over.set()
        node.start()
        first_answer(node, killed, round_.visitors, serving, "a server on SQLite")
        return "server"

    return [die]


def some_of_a_cluster(cluster, serving):
    """One or two nodes die while the others go on, or the database does while all nodes go on."""

    def nodes_die(count, round_):
        dead = round_.chance.sample(cluster.nodes, count)
        for node in dead:
            node.kill()
        time.sleep(GOES_ON)
        round_.over.set()
        again = time.monotonic()
        for node in dead:
            node.launch()
        for node in dead:
            node.wait()
        for node in dead:
            first_answer(node, again, round_.visitors, serving, "a node on PostgreSQL")
        return " and ".join(node.name for node in dead)

    def database_dies(round_):
        round_.database_dies = True
        cluster.postgres.kill()
        time.sleep(GOES_ON)
        cluster.postgres.start()
        again = time.monotonic()
        in_parallel([lambda node=node: first_answer(node, again, round_.visitors, serving, "the database's nodes") for node in cluster.nodes], 3)
        return "database"

    return [lambda round_: nodes_die(1, round_), lambda round_: nodes_die(2, round_), database_dies]


def store(cluster, messages):
    """Gives the database a past, while its nodes are stopped."""
    turn = Turn(Visitor(), PAID)
    status, _, reply = turn.send(cluster.nodes[0])
    if status != 200:
        raise RuntimeError(f"{status}: {reply}")
    turn.acknowledge(reply)
    cluster.stop()
    print(f"{fill(cluster.kind, cluster.books, messages)} messages are stored")
    cluster.start()
    return turn.visitor


def told_in_milliseconds(times):
    return (f"{len(times)} times, median {statistics.median(times) * 1000:.0f} ms, the slowest {max(times) * 1000:.0f} ms")


def kill(cluster, options, chance):
    """All rounds and what is asked of them afterwards; gives the findings."""
    findings, everybody, serving, chat = [], [], collections.defaultdict(list), cluster.nodes
    starts = cluster.start()
    print(f"first start to ready: {', '.join(f'{start * 1000:.0f}' for start in starts)} ms; idle, {chat[0].resident():.1f} MB resident", flush=True)
    if options.stored:
        everybody.append(store(cluster, options.stored))
    deaths = (some_of_a_cluster if options.cluster else one_server)(cluster, serving)
    for number in range(1, options.rounds + 1):
        round_ = Round(cluster, options, chance, findings)
        told = round_.play(chance.choice(deaths))
        in_parallel([lambda visitor=visitor: check(visitor, random.Random(visitor.session), chat, findings) for visitor in round_.visitors], options.clients)
        everybody += round_.visitors
        findings += cluster.books.broken(ALWAYS)
        print(f"round {number}: {told} of {len(round_.visitors)} visitors, {len(findings)} findings", flush=True)
        if findings:
            return findings

    rested, deadline = time.monotonic(), time.monotonic() + AT_REST_WITHIN
    while cluster.books.open_turns() and time.monotonic() < deadline:
        time.sleep(0.1)
    print(f"no turn was open {time.monotonic() - rested:.1f} s after the last kill was over")
    findings += cluster.books.broken(ALWAYS | {fact: AT_REST[fact] for fact in ("no turn is open", "nothing stays reserved")})

    turns = [turn for visitor in everybody for turn in visitor.turns]
    ends, left = collections.Counter(), [turn for turn in turns if not turn.reply]
    in_parallel([lambda turn=turn: end_open(turn, random.Random(turn.key), chat, findings, ends) for turn in left], 32)
    in_parallel([lambda visitor=visitor: check(visitor, random.Random(visitor.session), chat, findings) for visitor in {turn.visitor for turn in left}], options.clients)
    print(f"never acknowledged at first: {len(left)}; by their keys: {dict(ends)}")
    print(f"in the end: {', '.join(f'{node.resident():.1f}' for node in chat)} MB resident")
    findings += cluster.stop() + cluster.books.broken(ALWAYS | AT_REST)

    states, told = cluster.books.states(), sum(1 for turn in turns if turn.reply)
    copied = max(0, options.stored // 2)
    print(f"turns in the database: {states}, settled {cluster.books.settled() / 1000:.3f} credits")
    if states.get("finished") != told + copied:
        findings.append(f"{told} keys came to an answer, {states.get('finished', 0) - copied} turns did")
    for what, times in serving.items():
        print(f"{what}: serving again {told_in_milliseconds(times)}")
        if max(times) > SERVING_WITHIN:
            findings.append(f"{what}: serving again only after {max(times):.2f} s")
    return findings


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--cluster", action="store_true", help="three nodes on PostgreSQL instead of one on SQLite")
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--clients", type=int, default=16)
    options.add_argument("--stored", type=int, default=0, help="messages that are in the database beforehand")
    options.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = options.parse_args()
    machine.tell(options.seed, rounds=options.rounds, clients=options.clients, stored=options.stored)
    with Nodes("postgres", 3) if options.cluster else Nodes("sqlite", 1) as cluster:
        findings = kill(cluster, options, random.Random(options.seed))
        if findings:
            cluster.keep()
            print(*findings[:20], f"{len(findings)} findings", sep="\n")
            return 1
    print("nothing that was acknowledged is lost, nothing is charged twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
