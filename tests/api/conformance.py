"""Holds the served openapi.json against the server itself: thousands of calls that Schemathesis makes up from it.

Asked as a platform owner, as a business's owner, and from a page with its widget key. Nothing may fail inside the server,
answer what is not described, or be answered without the sign-in it says it needs. Ends with 1 and what did not hold.
"""

import argparse
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from cluster.machine import tell  # noqa: E402
from cluster.node import PEOPLE, Node  # noqa: E402
from cluster.visitors import BUSINESS  # noqa: E402

CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
          "response_headers_conformance", "ignored_auth", "unsupported_method", "missing_required_header")


def callers(node):
    """Each kind of caller, and the parts of the API that it is about."""
    url = f"http://127.0.0.1:{node.port}"
    admin = {"login": f"{url}/api/auth/login", "email": PEOPLE["BOB_ADMIN_EMAIL"], "password": PEOPLE["BOB_ADMIN_PASSWORD"]}
    owner = {"login": f"{url}/api/customers/auth/login", "email": "customer@business.com", "password": PEOPLE["BOB_CUSTOMER_PASSWORD"]}
    page = {"X-Widget-Key": widget_key(url, owner), "Origin": url}
    return {
        "a platform owner": ({"person": admin}, ["Operations", "Account", "Portal", "Control", "Chat"]),
        "a business's owner": ({"person": owner}, ["Account", "Portal", "Control", "Chat"]),
        "a page with its key": ({"headers": page}, ["Widget"]),
    }


def widget_key(url, owner):
    """The demo's key, as its pages get it."""
    body = json.dumps({"email": owner["email"], "password": owner["password"]}).encode()
    login = urllib.request.Request(owner["login"], body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(login, timeout=30) as answer:
        tenant = json.load(answer)["user"]["tenant_id"]
    with urllib.request.urlopen(f"{url}/widget/{tenant}/widget.js", timeout=30) as script:
        return re.search(r"pk_live_[a-z0-9_]+", script.read().decode())[0]


def ask(node, who, tags, examples, seed, folder):
    """Lets Schemathesis ask, and gives what it printed and how many calls it made."""
    report = folder / "report.ndjson"
    report.unlink(missing_ok=True)
    tool = shutil.which("schemathesis", path=f"{pathlib.Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    if tool is None:
        sys.exit("schemathesis is not there: pip install -r tests/api/requirements.txt")
    command = [tool, "run", f"http://127.0.0.1:{node.port}/openapi.json", "--checks", ",".join(CHECKS), "--seed", str(seed),
               "--max-examples", str(examples), "--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all",
               "--warnings", "off", "--continue-on-failure", "--request-timeout", "30", "--no-color",
               "--report", "ndjson", "--report-ndjson-path", str(report)]
    for tag in tags:
        command += ["--include-tag", tag]
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env |= {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE), "BOB_CONFORMANCE_CALLER": json.dumps(who)}
    done = subprocess.run(command, cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=3000)
    return done.returncode, done.stdout


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--examples", type=int, default=25, help="made-up calls for each operation and caller")
    arguments.add_argument("--seed", type=int, default=random.randrange(2**32))
    given = arguments.parse_args()
    tell(given.seed, examples=given.examples)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bob-api-"))
    node = Node(folder, "node", {"BOB_DATABASE_URL": f"sqlite://{folder}/bob.db", "BOB_TRUSTED_PROXIES": "127.0.0.1/32"})
    failed = False
    try:
        node.start()
        for name, (who, tags) in callers(node).items():
            code, printed = ask(node, who, tags, given.examples, given.seed, folder)
            summary = re.findall(r"^(?:Test cases|  \d+ generated.*|API Links|Operations|.*Tested: .*)$", printed, re.M)
            print(f"as {name}: {'; '.join(line.strip() for line in summary)}")
            if code != 0:
                failed = True
                print(printed)
    finally:
        if node.is_alive():
            node.stop()
    if failed:
        sys.exit(f"something does not hold; the folder is kept: {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
