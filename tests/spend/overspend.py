"""Asks for more than there are credits for, from all sides at once, and looks that no more are spent.

In each round a tenant has credit for exactly 10 answers, and 200 visitors ask at the same moment through three nodes:
10 are answered, all others are told politely that nothing is left. Meanwhile the balance is read all the time, through
the API and in the database: it is never below zero, and what is settled and reserved never more than what was granted.

Run: python3 tests/spend/overspend.py [--database sqlite|postgres|both] [--rounds 20] [--turns 200] [--credit 10] [--seed N].
"""

import argparse
import collections
import contextlib
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from cluster import machine
from cluster.books import ALWAYS, AT_REST
from cluster.nodes import Nodes
from cluster.parallel import Watch, in_parallel
from cluster.told import send_politely
from cluster.visitors import PAID, Turn, Visitor

CREDIT = 1_000  # thousandths; what an answer from approved texts costs in the first pricebook
CLIENTS = 200
AT_REST_WITHIN = 5.0


class Sampler:
    """Reads the balance through every node and in the database, all the time."""

    def __init__(self, cluster, findings):
        self.findings, self.balances, self.stack = findings, [], contextlib.ExitStack()
        self.books = Watch(lambda: findings.extend(cluster.books.broken(ALWAYS)), findings)
        self.nodes = [Watch(self.look(node, cluster.admin()), findings) for node in cluster.nodes]

    def look(self, node, admin):
        def look():
            self.balances.append(left := admin.available(node))
            if left < 0:
                self.findings.append(f"{node.name} says that {left} thousandths are left")

        return look

    def __enter__(self):
        for watch in (self.books, *self.nodes):
            self.stack.enter_context(watch)
        return self

    def __exit__(self, *error):
        self.stack.__exit__(*error)

    def told(self):
        return (f"the balance was read {len(self.balances)} times through the nodes, never below {min(self.balances)}, "
                f"and the books {self.books.looks} times")


def set_balance(admin, node, amount, findings):
    """Grants or takes back what makes the balance exactly `amount`."""
    if change := amount - admin.available(node):
        findings += admin.change_credits(node, change, "a round of the overspend test")
    if (left := admin.available(node)) != amount:
        findings.append(f"{left} thousandths are left, not {amount}")


def play(cluster, options, chance, findings):
    """One round: what came back, by outcome, and how long all of it took."""
    admin, nodes = cluster.admin(), cluster.nodes
    set_balance(admin, chance.choice(nodes), options.credit * CREDIT, findings)
    turns = [Turn(Visitor(), PAID, streams=number % 4 == 0) for number in range(options.turns)]
    outcomes = collections.Counter()

    def ask(turn, node):
        status, _, reply = send_politely(turn, node)
        outcomes[reply["outcome"] if status == 200 else status] += 1
        turn.visitor.client.close()

    began = time.monotonic()
    in_parallel([lambda turn=turn, node=nodes[number % len(nodes)]: ask(turn, node) for number, turn in enumerate(turns)], CLIENTS)
    took = time.monotonic() - began
    if outcomes != {"answered": options.credit, "limited": options.turns - options.credit}:
        findings.append(f"credit for {options.credit}, and {dict(outcomes)}")
    deadline = time.monotonic() + AT_REST_WITHIN
    while cluster.books.open_turns() and time.monotonic() < deadline:
        time.sleep(0.05)
    left = [admin.available(node) for node in nodes]
    if any(left):
        findings.append(f"{left} thousandths are left at the nodes, all should be spent")
    return outcomes, took


def overspend(kind, options, chance):
    findings = []
    with Nodes(kind, options.nodes) as cluster:
        cluster.start()
        spent, times = collections.Counter(), []
        with Sampler(cluster, findings) as sampler:
            for _ in range(options.rounds):
                outcomes, took = play(cluster, options, chance, findings)
                spent, times = spent + outcomes, [*times, took]
                if findings:
                    break
        findings += cluster.books.broken(ALWAYS | AT_REST) + cluster.stop()
        print(f"{kind}, {options.nodes} nodes: {len(times)} rounds of {options.turns} turns at once in {sum(times):.1f} s "
              f"(the slowest {max(times):.1f}): {dict(spent)}; {sampler.told()}; {len(findings)} findings", flush=True)
        if findings:
            cluster.keep()
            print(*findings[:20], sep="\n")
    return not findings


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--database", choices=["sqlite", "postgres", "both"], default="both")
    options.add_argument("--nodes", type=int, default=3)
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--turns", type=int, default=200)
    options.add_argument("--credit", type=int, default=10)
    options.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = options.parse_args()
    machine.tell(options.seed, rounds=options.rounds, turns=options.turns, credit=options.credit)
    kinds = ["sqlite", "postgres"] if options.database == "both" else [options.database]
    held = [overspend(kind, options, random.Random(options.seed)) for kind in kinds]
    if not all(held):
        return 1
    print("nobody spent what was not there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
