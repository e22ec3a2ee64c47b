"""Watches the server's system calls and holds it to "what was acknowledged is on disk".

Runs bob-server under strace, sends 1,000 messages over loopback and reads each JSON answer to its end. Then the trace
is read in order: when the first byte of a 200 leaves for a client, the write-ahead log must have been synced at least
twice since that client's answer before (once for each of a turn's transactions), and, while one client is alone,
nothing that was written to the log before may be unsynced.

Run: python3 tests/durability/sync_order.py [--turns 1000] [--clients 10]. Needs Linux and strace.
"""

import argparse
import collections
import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from cluster import machine
from cluster.nodes import Nodes
from cluster.parallel import in_parallel
from cluster.visitors import PAID, Turn, Visitor

TURNS_A_VISITOR = 6  # below the limits for one visitor
ALONE = 1  # the client who is alone at first; addresses begin with 127.1
CALL = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)(\(| resumed>)(.*)$")


def talk(server, number, turns, answers):
    """One client, who asks and waits, as one visitor after another; the second byte of the address tells the client."""
    for turn in range(turns):
        if turn % TURNS_A_VISITOR == 0:
            among, visitor = turn // TURNS_A_VISITOR, Visitor()
            visitor.client.address = f"127.{number}.{among // 250}.{among % 250 + 1}"
        asked = Turn(visitor, PAID)
        status, _, reply = asked.send(server)
        if status == 200:
            asked.acknowledge(reply)
        answers.append(status)


def calls(trace):
    """All calls in the order in which they began and ended: (began or ended, thread, name, arguments, result)."""
    for line in open(trace, encoding="utf-8", errors="replace"):
        if not (found := CALL.match(line.rstrip("\n"))):
            continue
        thread, name, how, rest = found.groups()
        begins, ends = how == "(", not rest.endswith("<unfinished ...>")
        result = rest.rsplit(" = ", 1)[1] if ends and " = " in rest else None
        if begins:
            yield "began", thread, name, rest, None
        if ends:
            yield "ended", thread, name, rest, result


class Order:
    """What the log was at every moment of the trace."""

    def __init__(self):
        self.written, self.synced, self.syncs = 0, 0, 0  # the log's writes so far, those on disk, and how often
        self.covers, self.seen = {}, collections.Counter()  # by thread under way; by client
        self.acknowledged, self.findings = collections.Counter(), []

    def read(self, state, thread, name, rest, result):
        log = ".db-wal>" in rest.split(",", 1)[0] or (state == "ended" and thread in self.covers)
        if name in ("pwrite64", "write") and log and state == "began":
            self.written += 1
        elif name in ("fdatasync", "fsync") and log and state == "began":
            self.covers[thread] = self.written
        elif name in ("fdatasync", "fsync") and thread in self.covers:
            covered = self.covers.pop(thread)
            if result == "0":
                self.synced, self.syncs = max(self.synced, covered), self.syncs + 1
        if state == "began" and "HTTP/1.1 200 OK" in rest:
            self.answer(rest)

    def answer(self, rest):
        client = re.search(r"->127\.(\d+)\.", rest)
        if not client or client[1] == "0":  # asks for health
            return
        client = int(client[1])
        self.acknowledged[client] += 1
        since, self.seen[client] = self.syncs - self.seen[client], self.syncs
        if since < 2:
            self.findings.append(f"client {client}, answer {self.acknowledged[client]}: {since} syncs of the log since the one before")
        if client == ALONE and self.synced < self.written:
            self.findings.append(f"answer {self.acknowledged[client]}: {self.written - self.synced} writes to the log are not synced")


def watch(cluster, trace, options):
    """Lets the server answer and reads the trace afterwards; gives the findings."""
    [server], answers, order = cluster.nodes, [], Order()
    server.under = ["strace", "-D", "-f", "-yy", "-s", "40", "-o", str(trace),
                    "-e", "trace=fdatasync,fsync,pwrite64,write,sendto,writev,sendmsg"]
    cluster.start()
    alone, together = options.turns // 2, options.turns // 2 // options.clients
    for numbers, turns in [([ALONE], alone), (range(ALONE + 1, ALONE + 1 + options.clients), together)]:
        in_parallel([lambda number=number: talk(server, number, turns, answers) for number in numbers], options.clients)
    findings = cluster.stop()
    for call in calls(trace):
        order.read(*call)
    if len(answers) != alone + together * options.clients or set(answers) != {200}:
        findings.append(f"answers: {dict(collections.Counter(answers))}")
    if sum(order.acknowledged.values()) != len(answers):
        findings.append(f"the trace shows {sum(order.acknowledged.values())} acknowledgements of {len(answers)}")
    print(f"{len(answers)} answers, {alone} of them to one client alone, the others to {options.clients}; "
          f"{order.written} writes to the log, {order.syncs} syncs of it")
    return findings + order.findings


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--turns", type=int, default=1000)
    options.add_argument("--clients", type=int, default=10)
    options = options.parse_args()
    if not shutil.which("strace"):
        sys.exit("strace is needed")
    machine.tell("none", turns=options.turns, clients=options.clients)
    with Nodes("sqlite", 1) as cluster:
        findings = watch(cluster, cluster.folder / "trace", options)
        if findings:
            cluster.keep()
            print(*findings[:20], f"{len(findings)} findings", sep="\n")
            return 1
    print("every answer left after its writes were synced")
    return 0


if __name__ == "__main__":
    sys.exit(main())
