"""Visitors with addresses of their own, and what they were told."""

import http.client
import json
import re
import threading
import time
import uuid

BUSINESS = "office16852-platform"
# The first is answered from the demo's texts, so it costs a credit; the others are answered, asked back or refused.
PAID = "How long can I return something?"
QUESTIONS = [
    PAID,
    "What are your opening hours?",
    "What about delivery?",
    "Wie lange kann ich etwas zurückgeben?",
    "What is the capital of Australia?",
    "How much does the Pro plan cost per month?",
]
GONE = (OSError, http.client.HTTPException)  # what a dead line raises


class Client:
    """One connection from an address of its own, as limits count by address; renewed before the server lets go of it."""

    def __init__(self, address, timeout=20):
        self.address, self.timeout, self.connection, self.until, self.to = address, timeout, None, 0, None

    def call(self, node, method, path, body=None, headers=None):
        """Gives status, headers and body; raises one of `GONE` when the line dies."""
        to, now = (node.port, node.process.pid), time.monotonic()
        if self.connection is None or self.to != to or self.until < now:
            self.close()
            self.connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=self.timeout, source_address=(self.address, 0))
            self.to = to
        try:
            self.connection.request(method, path, body, headers or {})
            response = self.connection.getresponse()
            self.until = now + 3
            return response.status, response.headers, response.read().decode()
        except GONE:
            self.close()
            raise

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


class Visitor:
    """Somebody with one conversation."""

    addresses = (f"127.{a}.{b}.{c}" for a in range(1, 200) for b in range(250) for c in range(1, 250))
    addresses_lock = threading.Lock()

    def __init__(self, timeout=20):
        with Visitor.addresses_lock:
            address = next(Visitor.addresses)
        self.client, self.session, self.token, self.turns = Client(address, timeout), str(uuid.uuid4()), None, []

    def history(self, node):
        path = f"/api/chat/history?limit=200&session_id={self.session}"
        return self.client.call(node, "GET", path, headers={"X-Bob-Visitor": self.token})


class Turn:
    """One message under one Idempotency-Key, and what was acknowledged of it: nothing, or the reply."""

    def __init__(self, visitor, message, streams=False):
        self.visitor, self.streams, self.reply = visitor, streams, None
        self.body = json.dumps({"message": message, "session_id": visitor.session, "business_id": BUSINESS})
        self.headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        if streams:
            self.headers["Accept"] = "text/event-stream"
        if visitor.token:
            self.headers["X-Bob-Visitor"] = visitor.token
        visitor.turns.append(self)

    @property
    def key(self):
        return self.headers["Idempotency-Key"]

    def send(self, node):
        """Sends it, the first time or again: status, headers, and the reply when it is acknowledged.

        A stream that ends with an error is that error; one that just ends raises one of `GONE`.
        """
        status, headers, text = self.visitor.client.call(node, "POST", "/api/chat", self.body, self.headers)
        if status != 200:
            return status, headers, text
        if not self.streams:
            return status, headers, json.loads(text)
        if completed := re.search(r"^event: turn\.completed\ndata: (.+)$", text, re.M):
            return status, headers, json.loads(completed[1])
        if failed := re.search(r"^event: error\ndata: (.+)$", text, re.M):
            return json.loads(failed[1])["status"], headers, failed[1]
        raise http.client.IncompleteRead(text.encode())

    def acknowledge(self, reply):
        self.reply = reply
        self.visitor.token = reply.get("visitor_token") or self.visitor.token
