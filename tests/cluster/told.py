"""Holding nodes to what they acknowledged: in the history and by repeating, on any node, word for word."""

import collections
import json
import re
import time

OPEN_ENDS_WITHIN = 60.0  # seconds; a lease is 15, and the sweeper looks every 5

# What no answer may tell about the database behind it.
INNARDS = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|ROLLBACK|COMMIT|relation|SQLSTATE|sqlx|sqlite|postgres\w*|database|disk I/O)\b|bob_\w+|\.rs:\d", re.I)


def improper(node, status, headers, problem):
    """What is wrong with how a node says that it cannot: it must be a 503 that tells when to come again, and nothing else.

    A stream had begun already and has no header left for that; its last event is the problem.
    """
    if status != 503:
        yield f"{node.name}: {status}: {problem}"
    elif headers.get("Content-Type") not in ("application/problem+json", "text/event-stream"):
        yield f"{node.name}: a 503 that is no problem document: {problem}"
    elif headers["Content-Type"] != "text/event-stream" and not headers.get("Retry-After", "").isdigit():
        yield f"{node.name}: a 503 without Retry-After: {problem}"
    elif INNARDS.search(json.loads(problem)["detail"]):
        yield f"{node.name}: tells of its innards: {problem}"


def send_politely(turn, node, within=60):
    """Sends a turn and waits as it is told to where limits or the database ask for it (429, 503)."""
    deadline = time.monotonic() + within
    while True:
        answer = turn.send(node)
        if answer[0] not in (429, 503) or time.monotonic() > deadline:
            return answer
        time.sleep(min(float(answer[1].get("Retry-After", 1)), 5))


def check(visitor, chance, nodes, findings):
    """Whatever this visitor was told is there, once, and word for word."""
    told = [turn for turn in visitor.turns if turn.reply]
    for turn in told:
        status, headers, again = send_politely(turn, chance.choice(nodes))
        if status != 200:
            findings.append(f"{turn.key}: acknowledged, then {status}: {again}")
        elif headers.get("Idempotent-Replayed") != "true":
            findings.append(f"{turn.key}: acknowledged, then answered anew")
        elif (again["turn_id"], again["reply"]) != (turn.reply["turn_id"], turn.reply["reply"]):
            findings.append(f"{turn.key}: acknowledged {turn.reply}, then {again}")
    if not told or not visitor.token:
        return
    status, _, text = visitor.history(chance.choice(nodes))
    if status != 200:
        findings.append(f"history: {status}: {text}")
        return
    items = json.loads(text)["items"]
    said = collections.Counter((item["turn_id"], item["role"]) for item in items)
    texts = {item["turn_id"]: item["text"] for item in items if item["role"] == "bot"}
    for turn in told:
        name = turn.reply["turn_id"]
        if (said[name, "visitor"], said[name, "bot"]) != (1, 1):
            findings.append(f"{name}: {said[name, 'visitor']} questions and {said[name, 'bot']} replies in the history")
        elif texts[name] != turn.reply["reply"]:
            findings.append(f"{name}: the history says {texts[name]!r}, the reply was {turn.reply['reply']!r}")


def end_open(turn, chance, nodes, findings, ends):
    """A turn that was open at a fault: the same key must come to an answer on any node, and to one only."""
    deadline, first = time.monotonic() + OPEN_ENDS_WITHIN, True
    while True:
        status, headers, reply = send_politely(turn, chance.choice(nodes))
        if status == 200:
            replayed = headers.get("Idempotent-Replayed") == "true"
            ends["was stored" if replayed and first else "replayed later" if replayed else "answered anew"] += 1
            turn.acknowledge(reply)
            ends["without a token"] += turn.visitor.token is None
            return
        if status != 409 or time.monotonic() > deadline:
            findings.append(f"{turn.key}: was open at a fault, and is {status} since: {reply}")
            return
        first = False
        time.sleep(min(float(headers.get("Retry-After", 1)), 5))
