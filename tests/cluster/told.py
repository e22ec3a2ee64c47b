"""Holding nodes to what they acknowledged: in the history and by repeating, on any node, word for word."""

import collections
import json
import time

OPEN_ENDS_WITHIN = 60.0  # seconds; a lease is 15, and the sweeper looks every 5


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
