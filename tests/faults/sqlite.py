"""Breaks what the database stands on, while visitors talk: nothing false is acknowledged, and it heals by itself.

Each fault is put on a running bob-server and taken away again. Meanwhile every message is answered with 503 and a
Retry-After (or is a reply that was stored), and afterwards with 200. In the end the server is killed with SIGKILL,
and every turn that was acknowledged must be found under its Idempotency-Key, word for word, in a database that is sound.

Run: python3 tests/faults/sqlite.py. Needs Linux, strace and the right to trace own processes.
"""

import contextlib
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from cluster import machine
from cluster.books import ALWAYS
from cluster.nodes import Nodes
from cluster.parallel import in_parallel
from cluster.visitors import Turn, Visitor

CLIENTS, MESSAGES = 4, 3  # at a time, and each of them
PATIENCE = 30.0  # seconds until it has healed
QUESTION = "What are your opening hours?"


@contextlib.contextmanager
def failing(server, call, error):
    """Every call of that kind on the log fails, as if the disk did."""
    tracer = subprocess.Popen(
        ["strace", "-f", "-q", "-p", str(server.process.pid), "-P", str(server.folder / "bob.db-wal"),
         "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error={error}"],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    traced = f"TracerPid:\t{tracer.pid}\n"
    tasks = pathlib.Path(f"/proc/{server.process.pid}/task")
    deadline = time.monotonic() + 10
    while not all(traced in (task / "status").read_text() for task in tasks.iterdir()):
        if tracer.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"strace cannot attach: {tracer.stderr.read() if tracer.poll() is not None else 'it takes too long'}")
        time.sleep(0.01)
    try:
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(timeout=10)


@contextlib.contextmanager
def locked(server):
    """Another process holds the write lock."""
    other = sqlite3.connect(server.folder / "bob.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


# What it is called, and the fault.
FAULTS = [
    ("fsync fails", lambda server: failing(server, "fdatasync,fsync", "EIO")),
    ("the disk is full", lambda server: failing(server, "pwrite64", "ENOSPC")),
    ("the disk does not write", lambda server: failing(server, "pwrite64", "EIO")),
    ("another process holds the lock", locked),
]


def send_some(server, findings, what, expected):
    """Several clients at a time, each message by a visitor of its own; gives the turns."""
    turns = [Turn(Visitor(), QUESTION) for _ in range(CLIENTS * MESSAGES)]

    def send(turn):
        status, headers, reply = turn.send(server)
        if status == 200:
            turn.acknowledge(reply)
        if status != expected:
            findings.append(f"{what}: {status} instead of {expected}: {reply}")
        elif status == 503 and int(headers.get("Retry-After", 0)) < 1:
            findings.append(f"{what}: 503 without Retry-After")
        turn.visitor.client.close()

    in_parallel([lambda turn=turn: send(turn) for turn in turns], CLIENTS)
    return turns


def disturb(server, what, fault, findings):
    """One fault, and what comes after it; gives the turns."""
    with fault(server):
        during = send_some(server, findings, what, 503)
        if (health := server.health()) is None or health[0] != 503:
            findings.append(f"{what}: health says {health}")
    ended = time.monotonic()
    while Turn(Visitor(), QUESTION).send(server)[0] != 200 and time.monotonic() < ended + PATIENCE:
        time.sleep(0.1)
    healed = time.monotonic() - ended
    after = send_some(server, findings, f"after: {what}", 200)
    print(f"{what}: {len(during)} refused, healed in {healed:.1f} s, {len(findings)} findings", flush=True)
    return during + after


def faults(cluster):
    """All faults one after the other, and a kill; gives the findings."""
    findings, [server] = [], cluster.nodes
    cluster.start()
    turns = send_some(server, findings, "before", 200)
    for what, fault in FAULTS:
        turns += disturb(server, what, fault, findings)
    acknowledged = [turn for turn in turns if turn.reply]
    server.kill()
    server.start()
    for turn in acknowledged:
        status, headers, again = turn.send(server)
        if (status, headers.get("Idempotent-Replayed"), again.get("reply")) != (200, "true", turn.reply["reply"]):
            findings.append(f"acknowledged {turn.reply}, then {status}: {again}")
    print(f"{len(acknowledged)} acknowledged turns, all asked for again after a kill")
    return findings + cluster.stop() + cluster.books.broken(ALWAYS)


def main():
    if not shutil.which("strace"):
        sys.exit("strace is needed")
    machine.tell("none")
    with Nodes("sqlite", 1) as cluster:
        findings = faults(cluster)
        if findings:
            cluster.keep()
            print(*findings[:20], f"{len(findings)} findings", sep="\n")
            return 1
    print("nothing false was acknowledged, and every fault healed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
