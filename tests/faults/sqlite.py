"""Breaks what the database stands on, while visitors talk: nothing false is acknowledged, and it heals by itself.

Each fault is put on a running bob-server and taken away again. Meanwhile every message is answered with 503 and a
Retry-After (or is a reply that was stored), and afterwards with 200. In the end the server is killed with SIGKILL,
and every turn that was acknowledged must be found under its Idempotency-Key, word for word, in a database that is sound.

Run: python3 tests/faults/sqlite.py. Needs Linux, strace and the right to trace own processes.
"""

import contextlib
import json
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from bob import BUSINESS, Client, Server, addresses  # noqa: E402

CLIENTS, MESSAGES = 4, 3  # at a time, and each of them
PATIENCE = 30.0  # seconds until it has healed


class Message:
    """One message of a visitor of its own, under one Idempotency-Key."""

    def __init__(self, server, address):
        self.client, self.reply = Client(address, server), None
        self.body = json.dumps({"message": "What are your opening hours?", "session_id": str(uuid.uuid4()), "business_id": BUSINESS})
        self.headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}

    def send(self):
        status, headers, text = self.client.call("POST", "/api/chat", self.body, self.headers)
        return status, headers, json.loads(text)


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


def send_some(server, visitors, findings, what, expected):
    """Several clients at a time; gives the messages."""
    lock, sent = threading.Lock(), []

    def client():
        for _ in range(MESSAGES):
            with lock:
                message = Message(server, next(visitors))
            status, headers, reply = message.send()
            with lock:
                sent.append((status, message))
                if status == 200:
                    message.reply = reply
                if status != expected:
                    findings.append(f"{what}: {status} instead of {expected}: {reply}")
                elif status == 503 and int(headers.get("Retry-After", 0)) < 1:
                    findings.append(f"{what}: 503 without Retry-After")

    clients = [threading.Thread(target=client, daemon=True) for _ in range(CLIENTS)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join(timeout=180)
    return [message for _, message in sent]


def main():
    if not shutil.which("strace"):
        sys.exit("strace is needed")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bob-faults-"))
    server, visitors, findings, messages = Server(folder), addresses(), [], []
    server.start()
    try:
        messages += send_some(server, visitors, findings, "before", 200)
        for what, fault in FAULTS:
            with fault(server):
                during = send_some(server, visitors, findings, what, 503)
                health = Client("127.0.0.1", server).call("GET", "/api/health")[0]
                if health != 503:
                    findings.append(f"{what}: health says {health}")
            healed, deadline = time.monotonic(), time.monotonic() + PATIENCE
            while Message(server, next(visitors)).send()[0] != 200 and time.monotonic() < deadline:
                time.sleep(0.1)
            healed = time.monotonic() - healed
            after = send_some(server, visitors, findings, f"after: {what}", 200)
            messages += during + after
            print(f"{what}: {len(during)} refused, healed in {healed:.1f} s, {len(findings)} findings", flush=True)
        acknowledged = [message for message in messages if message.reply]
        server.kill()
        server.start()
        for message in acknowledged:
            status, headers, again = message.send()
            if (status, headers.get("Idempotent-Replayed"), again.get("reply")) != (200, "true", message.reply["reply"]):
                findings.append(f"acknowledged {message.reply}, then {status}: {again}")
        if server.stop() != 0:
            findings.append("SIGTERM did not end it well")
    finally:
        if server.process.poll() is None:
            server.kill()
    database = sqlite3.connect(f"file:{folder / 'bob.db'}?mode=ro", uri=True)
    if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
        findings.append("the database is damaged")
    database.close()
    print(f"{len(acknowledged)} acknowledged turns, all asked for again after a kill")
    if findings:
        print(*findings[:20], f"{len(findings)} findings; the folder is kept: {folder}", sep="\n")
        return 1
    shutil.rmtree(folder)
    print("nothing false was acknowledged, and every fault healed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
