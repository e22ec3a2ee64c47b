import base64
import hashlib
import hmac
import json
import time
import uuid


def identity_of(customer, secret, tenant):
    def part(raw):
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    now = int(time.time())
    claims = {"sub": customer["id"], "name": customer["name"], "aud": tenant, "iat": now, "exp": now + 3600, "jti": str(uuid.uuid4())}
    signed = part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()) + "." + part(json.dumps(claims).encode())
    return signed + "." + part(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())
