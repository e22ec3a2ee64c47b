"""People who sign in, and what the platform's admin does about credits."""

import http.client
import json
import uuid

from .visitors import BUSINESS


def send(node, method, path, body=None, headers=None, timeout=20):
    """One call on a line of its own: status, headers, and the body, parsed where it is JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=timeout)
    try:
        connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"} | (headers or {}))
        response = connection.getresponse()
        text = response.read().decode()
        is_json = "json" in response.headers.get("Content-Type", "")
        return response.status, response.headers, json.loads(text) if is_json else text
    finally:
        connection.close()


class Person:
    """Somebody with an address and a password; signs in again when a token has run out."""

    def __init__(self, path, email, password):
        self.path, self.email, self.password, self.token = path, email, password, None

    def sign_in(self, node):
        """Signs in, and gives the whole answer."""
        answer = send(node, "POST", self.path, {"email": self.email, "password": self.password})
        self.token = answer[2]["token"] if answer[0] == 200 else None
        return answer

    def call(self, node, method, path, body=None, headers=None):
        """Gives status, headers and the parsed body."""
        answer = None
        if self.token:
            answer = send(node, method, path, body, {"Authorization": f"Bearer {self.token}"} | (headers or {}))
        if answer is None or answer[0] == 401:
            answer = self.sign_in(node)
            if answer[0] == 200:
                answer = send(node, method, path, body, {"Authorization": f"Bearer {self.token}"} | (headers or {}))
        return answer

    def me(self, node):
        return self.call(node, "GET", "/api/auth/me")


class Admin(Person):
    """The platform's admin, who grants credits and takes them back."""

    def __init__(self, email, password):
        super().__init__("/api/auth/login", email, password)

    def available(self, node):
        """What the demo tenant has left to spend, in thousandths of credits."""
        status, _, usage = self.call(node, "GET", f"/api/tenants/{BUSINESS}/usage")
        if status != 200:
            raise RuntimeError(f"usage: {status}: {usage}")
        balance = usage["balance"]
        return balance["granted_millicredits"] - balance["reserved_millicredits"] - balance["settled_millicredits"]

    def change_credits(self, node, amount, reason):
        """Grants or takes back, under a key of its own, so that it may be repeated; gives what is wrong."""
        body, headers = {"amount_millicredits": amount, "reason": reason}, {"Idempotency-Key": str(uuid.uuid4())}
        status, _, answer = self.call(node, "POST", f"/api/tenants/{BUSINESS}/credits", body, headers)
        return [] if status in (200, 201) else [f"changing the credits by {amount}: {status}: {answer}"]


class Owner(Person):
    """The demo tenant's owner."""

    def __init__(self, email, password):
        super().__init__("/api/customers/auth/login", email, password)
