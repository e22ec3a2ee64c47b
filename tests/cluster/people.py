"""People who sign in: the platform's admin, and what they do about credits."""

import http.client
import json
import uuid

from .node import ADMIN, OWNER
from .visitors import BUSINESS


class Person:
    """Somebody with an address and a password; signs in again when a token has run out."""

    def __init__(self, path, email, password):
        self.path, self.body, self.token = path, json.dumps({"email": email, "password": password}), None

    def call(self, node, method, path, body=None, headers=None):
        """Gives status, headers and the parsed body."""
        for _ in range(2):
            if self.token is None:
                status, _, body_of_login = send(node, "POST", self.path, self.body, {"Content-Type": "application/json"})
                if status != 200:
                    return status, {}, body_of_login
                self.token = body_of_login["token"]
            sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"} | (headers or {})
            answer = send(node, method, path, body and json.dumps(body), sent)
            if answer[0] != 401:
                break
            self.token = None
        return answer


class Admin(Person):
    """The platform's admin, who grants credits and takes them back."""

    def __init__(self):
        super().__init__("/api/auth/login", *ADMIN)

    def usage(self, node):
        """What the demo tenant has, holds and has used, in thousandths of credits."""
        status, _, body = self.call(node, "GET", f"/api/tenants/{BUSINESS}/usage")
        if status != 200:
            raise RuntimeError(f"usage: {status}: {body}")
        return body

    def change_credits(self, node, amount, reason):
        """Grants or takes back, under a key of its own, so that it may be repeated."""
        body, headers = {"amount_millicredits": amount, "reason": reason}, {"Idempotency-Key": str(uuid.uuid4())}
        return self.call(node, "POST", f"/api/tenants/{BUSINESS}/credits", body, headers)


def owner():
    """The demo tenant's owner."""
    return Person("/api/customers/auth/login", *OWNER)


def send(node, method, path, body=None, headers=None, timeout=20):
    """One call on a line of its own: status, headers, and the body, parsed where it is JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        text = response.read().decode()
        is_json = "json" in response.headers.get("Content-Type", "")
        return response.status, response.headers, json.loads(text) if is_json else text
    finally:
        connection.close()
