"""Starts three nodes at once on an empty database, and looks that they agree on what a first start makes.

Run: python3 tests/start/cluster.py [--times 3]. On SQLite (three processes on one file) and on PostgreSQL.
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from cluster import machine
from cluster.nodes import Nodes
from cluster.visitors import PAID, Turn, Visitor


def start(kind):
    """One first start of three; gives the findings."""
    findings = []
    with Nodes(kind, 3) as cluster:
        starts = cluster.start()
        if (tenants := cluster.books.tenants()) != 1:
            findings.append(f"{kind}: {tenants} tenants")
        if (admins := cluster.books.admins()) != 1:
            findings.append(f"{kind}: {admins} platform admins")
        visitor = Visitor()
        for node in cluster.nodes:
            for person in (cluster.admin(), cluster.owner()):
                status, _, body = person.me(node)
                if status != 200:
                    findings.append(f"{kind}, {node.name}: {status} for {body}")
            # One conversation through all nodes: its token is one that each of them must know.
            status, _, reply = Turn(visitor, PAID).send(node)
            if status != 200:
                findings.append(f"{kind}, {node.name}: {status}: {reply}")
            elif visitor.token and reply["disclosure"]:
                findings.append(f"{kind}, {node.name}: began the conversation anew")
            visitor.token = visitor.token or reply.get("visitor_token")
        findings += cluster.stop()
        print(f"{kind}: three nodes ready after {', '.join(f'{start * 1000:.0f}' for start in starts)} ms, "
              f"{tenants} tenant, {admins} platform admin, {len(findings)} findings", flush=True)
        if findings:
            cluster.keep()
    return findings


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--database", choices=["sqlite", "postgres", "both"], default="both")
    options.add_argument("--times", type=int, default=3)
    options = options.parse_args()
    machine.tell("none", times=options.times)
    kinds = ["sqlite", "postgres"] if options.database == "both" else [options.database]
    findings = [finding for kind in kinds for _ in range(options.times) for finding in start(kind)]
    if findings:
        print(*findings, sep="\n")
        return 1
    print("nodes that start at once agree")
    return 0


if __name__ == "__main__":
    sys.exit(main())
