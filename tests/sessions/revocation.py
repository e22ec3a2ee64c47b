"""Ends sign-ins on one node, withdraws signing keys, and measures how long another node goes on believing.

In each round people sign in on the first node and are known to the second one by token and by cookie at that moment; then
they sign out on the first. The second must refuse token, cookie and refresh token within 5 seconds. After the rounds the
signing keys are rotated, which nobody may feel, and then withdrawn (`bob-server keys rotate-signing --now`): what they
signed must be refused on both nodes within 5 seconds, while cookies and refresh tokens go on.

Run: python3 tests/sessions/revocation.py [--database sqlite|postgres|both] [--rounds 5] [--people 4]. On SQLite (two
processes on one file) and on PostgreSQL.
"""

import argparse
import base64
import json
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from cluster import machine
from cluster.nodes import Nodes
from cluster.people import send

ME = "/api/auth/me"
WITHIN = 5.0
# What a question takes on a busy machine comes on top of what a node may believe.
ANSWERED_IN = 1.0


class SignedIn:
    """What somebody holds after their password."""

    def __init__(self, answer):
        status, headers, body = answer
        if status != 200:
            raise RuntimeError(f"sign-in: {status}: {body}")
        self.cookie = headers["Set-Cookie"].split(";")[0]
        self.take(body)

    def take(self, body):
        self.token, self.refresh_token = body["token"], body["refresh_token"]

    def kid(self):
        head = self.token.split(".")[0]
        return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]

    def by_token(self, node):
        return send(node, "GET", ME, headers={"Authorization": f"Bearer {self.token}"})[0]

    def by_cookie(self, node):
        return send(node, "GET", ME, headers={"Cookie": self.cookie})[0]

    def refresh(self, node):
        status, _, body = send(node, "POST", "/api/auth/refresh", {"refresh_token": self.refresh_token})
        if status == 200:
            self.take(body)
        return status

    def sign_out(self, node):
        return send(node, "POST", "/api/auth/logout", headers={"Authorization": f"Bearer {self.token}"})[0]


class Watch:
    """Asks until nobody is let in any more, and knows the longest time that took."""

    def __init__(self):
        self.longest, self.findings = 0.0, []

    def until_refused(self, what, asks, since):
        """`asks` are functions that answer a status; `since` is when the end was acknowledged."""
        asks = list(asks)
        while asks:
            asked = time.monotonic()
            asks = [ask for ask in asks if ask() != 401]
            if asks:
                self.longest = max(self.longest, asked - since)
                if asked - since > WITHIN + ANSWERED_IN:
                    self.findings.append(f"{what}: {len(asks)} still let in after {asked - since:.1f} s")
                    return
                time.sleep(0.02)

    def expect(self, what, found, wanted):
        if found != wanted:
            self.findings.append(f"{what}: {found}, not {wanted}")


def share_an_address(nodes):
    """Tokens are for one address, which the nodes of a cluster share; so their ports are chosen before they start."""
    for node in nodes:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            node.port = probe.getsockname()[1]
    for node in nodes:
        node.env["BOB_PUBLIC_URL"] = f"http://127.0.0.1:{nodes[0].port}"


def ended(cluster, watch, people):
    """One round of ends."""
    here, there = cluster.nodes
    signed_in = [SignedIn(cluster.owner().sign_in(here)) for _ in range(people)]
    for person in signed_in:
        watch.expect("a sign-in on the other node", (person.by_token(there), person.by_cookie(there)), (200, 200))
    for person in signed_in:
        watch.expect("signing out", person.sign_out(here), 204)
        since = time.monotonic()
    asks = [ask for person in signed_in for ask in
            (lambda person=person: person.by_token(there), lambda person=person: person.by_cookie(there))]
    watch.until_refused("sign-ins that ended", asks, since)
    for person in signed_in:
        # Not before: a refresh asks the database, and what it finds is known from then on.
        watch.expect("a refresh token on the other node", person.refresh(there), 401)
        watch.expect("a token on the same node", person.by_token(here), 401)


def keys_of(node):
    return [key["kid"] for key in send(node, "GET", "/.well-known/jwks.json")[2]["keys"]]


def wait_for_keys(watch, what, cluster, count):
    """Waits until every node publishes so many keys."""
    since = time.monotonic()
    while any(len(keys_of(node)) != count for node in cluster.nodes):
        if time.monotonic() - since > WITHIN + ANSWERED_IN:
            watch.findings.append(f"{what}: {[len(keys_of(node)) for node in cluster.nodes]} keys, not {count}")
            return
        time.sleep(0.02)


def rotated(cluster, watch):
    """Keys that change in peace, and in an emergency."""
    here, there = cluster.nodes
    person = SignedIn(cluster.admin().sign_in(here))
    told = [cluster.nodes[0].run("keys", "rotate-signing") for _ in range(2)]
    watch.expect("rotating twice", told[1], told[0])
    wait_for_keys(watch, "after a rotation", cluster, 2)
    watch.expect("keys on both nodes", keys_of(there), keys_of(here))
    watch.expect("a token after a rotation", (person.by_token(here), person.by_token(there)), (200, 200))
    watch.expect("the key that signs", person.kid(), keys_of(here)[0])

    before = keys_of(here)
    cluster.nodes[0].run("keys", "rotate-signing", "--now")
    since = time.monotonic()
    asks = [lambda node=node: person.by_token(node) for node in cluster.nodes]
    watch.until_refused("tokens of a withdrawn key", asks, since)
    wait_for_keys(watch, "after an emergency", cluster, 1)
    watch.expect("withdrawn keys that are published", [kid for kid in keys_of(there) if kid in before], [])
    watch.expect("a cookie after an emergency", (person.by_cookie(here), person.by_cookie(there)), (200, 200))
    watch.expect("a refresh after an emergency", person.refresh(here), 200)
    watch.expect("a token of the new key", (person.by_token(here), person.by_token(there)), (200, 200))


def run(kind, rounds, people):
    """All of it on one kind of database; gives the findings."""
    watch, emergency = Watch(), Watch()
    with Nodes(kind, 2) as cluster:
        share_an_address(cluster.nodes)
        cluster.start()
        for _ in range(rounds):
            ended(cluster, watch, people)
        rotated(cluster, emergency)
        findings = watch.findings + emergency.findings + cluster.stop()
        print(f"{kind}: {rounds * people} sign-ins ended on one node, believed on the other for {watch.longest:.2f} s at most; "
              f"withdrawn keys for {emergency.longest:.2f} s; {len(findings)} findings", flush=True)
        if findings:
            cluster.keep()
    return findings


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--database", choices=["sqlite", "postgres", "both"], default="both")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--people", type=int, default=4)
    options = options.parse_args()
    machine.tell("none", rounds=options.rounds, people=options.people)
    kinds = ["sqlite", "postgres"] if options.database == "both" else [options.database]
    findings = [finding for kind in kinds for finding in run(kind, options.rounds, options.people)]
    if findings:
        print(*findings, sep="\n")
        return 1
    print("an end on one node is an end on all of them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
