"""Disturbs the PostgreSQL of three nodes under steady load: restarts, kills, sessions ended, no connections left, a pause.

Through all of it every call is answered within 15 s, an error is a 503 that says when to come again and nothing about the
database, and health says that turns are not taken. 5 s after the fault all is well again, without anybody's help, and
whatever was acknowledged is found, word for word.

Run: python3 tests/faults/postgres.py [--faults NAME,…] [--clients 8] [--sessions-for 60] [--pause-for 5] [--seed N].
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
from cluster.load import PATIENCE, Load
from cluster.nodes import Nodes
from cluster.parallel import Watch, in_parallel
from cluster.told import check, end_open

CALM_BEFORE = 2.0
HEALS_WITHIN = 5.0
CALM_AFTER = HEALS_WITHIN + 4.0
# Whoever could not answer for so long must have said so when asked for its health.
NOTICED_AFTER = 3.0
END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bob'"


def restarted(postgres, _):
    postgres.stop()
    postgres.start()


def killed(postgres, _):
    postgres.kill()
    time.sleep(2)
    postgres.start()


def sessions(postgres, options):
    until = time.monotonic() + options.sessions_for
    while time.monotonic() < until:
        postgres.query(END_SESSIONS)
        time.sleep(2)


def connections(postgres, _):
    """Strangers take every connection, those of the nodes too, and hold them for 10 s."""
    held, until = [], time.monotonic() + 10
    try:
        while time.monotonic() < until:
            if (session := postgres.connect()) is not None:
                held.append(session)
                continue
            # Nodes that knock at the same moment may take even the places that are kept for the superuser.
            with contextlib.suppress(RuntimeError):
                postgres.query(END_SESSIONS)
            time.sleep(0.02)
    finally:
        for session in held:
            session.close()


def paused(postgres, options):
    stopped = postgres.pause()
    try:
        time.sleep(options.pause_for)
    finally:
        postgres.resume(stopped)


FAULTS = {fault.__name__: fault for fault in (restarted, killed, sessions, connections, paused)}


class Health:
    """Asks every node how it is, again and again."""

    def __init__(self, nodes, findings):
        self.nodes, self.findings, self.said, self.slowest = nodes, findings, [], 0

    def look(self):
        for node in self.nodes:
            began = time.monotonic()
            answer = node.health(PATIENCE + 5)
            if answer is None or time.monotonic() - began > PATIENCE:
                self.findings.append(f"{node.name}: no word about its health within {PATIENCE:.0f} s")
            self.said.append((began, answer is not None and answer[0] == 200))
            self.slowest = max(self.slowest, time.monotonic() - began)


def disturb(cluster, name, options, chance, findings):
    """One fault under load; gives everybody who asked."""
    health = Health(cluster.nodes, findings)
    with Load(cluster.nodes, options.clients, chance, findings) as load, Watch(health.look, findings, every=0.2):
        time.sleep(CALM_BEFORE)
        began = time.monotonic()
        FAULTS[name](cluster.postgres, options)
        ended = time.monotonic()
        time.sleep(CALM_AFTER)
    failed = [call for call in load.calls if not call.answered]
    late = [call.began - ended for call in failed if call.began > ended]
    unwell = [at for at, well in health.said if not well]
    if any(call.began < began and call.began + call.took < began for call in failed):
        findings.append(f"{name}: turns failed before the fault")
    if late and max(late) > HEALS_WITHIN:
        findings.append(f"{name}: turns still failed {max(late):.1f} s after the fault")
    if any(at > ended + HEALS_WITHIN for at in unwell):
        findings.append(f"{name}: health still complained {max(unwell) - ended:.1f} s after the fault")
    silent = max((call.began for call in failed), default=0) - min((call.began for call in failed), default=0)
    if name != "sessions" and silent > NOTICED_AFTER and not unwell:
        findings.append(f"{name}: turns failed for {silent:.1f} s and health never said so")
    during = [call for call in load.calls if began <= call.began <= ended]
    print(f"{name}: {ended - began:.1f} s; {len(during)} calls meanwhile, {sum(call.answered for call in during)} answered; "
          f"of all {len(load.calls)} the slowest took {max(call.took for call in load.calls):.1f} s; "
          f"the last to fail began {max([0, *late]):.1f} s after the fault; health complained {len(unwell)} of {len(health.said)} times, "
          f"after {health.slowest:.1f} s at most; {len(findings)} findings", flush=True)
    return load.visitors


def faults(cluster, options, chance):
    findings, everybody = [], []
    cluster.start()
    for name in options.faults.split(","):
        everybody += disturb(cluster, name, options, chance, findings)
        findings += cluster.books.broken(ALWAYS)
        if findings:
            return findings
    turns = [turn for visitor in everybody for turn in visitor.turns]
    ends, left = collections.Counter(), [turn for turn in turns if not turn.reply]
    in_parallel([lambda turn=turn: end_open(turn, random.Random(turn.key), cluster.nodes, findings, ends) for turn in left], 32)
    in_parallel([lambda visitor=visitor: check(visitor, random.Random(visitor.session), cluster.nodes, findings) for visitor in everybody], 16)
    print(f"acknowledged: {len(turns) - len(left)}, all asked for again; never acknowledged at first: {len(left)}; by their keys: {dict(ends)}")
    findings += cluster.stop() + cluster.books.broken(ALWAYS | AT_REST)
    return findings


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--faults", default=",".join(FAULTS), help=f"of {', '.join(FAULTS)}")
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--sessions-for", type=float, default=60, help="seconds")
    options.add_argument("--pause-for", type=float, default=5, help="seconds")
    options.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = options.parse_args()
    machine.tell(options.seed, clients=options.clients, faults=options.faults)
    with Nodes("postgres", 3, max_connections="60") as cluster:
        findings = faults(cluster, options, random.Random(options.seed))
        if findings:
            cluster.keep()
            print(*findings[:20], f"{len(findings)} findings", sep="\n")
            return 1
    print("every fault was told, survived and lost nothing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
