"""Starts the built bob-server on a folder of its own, and talks to it over one connection."""

import http.client
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
SERVER = os.environ.get("BOB_SERVER") or str(TARGET / "debug" / "bob-server")
BUSINESS = "office16852-platform"


class Server:
    """One bob-server on one folder; every start takes the same port. `under` is a command to run it under."""

    def __init__(self, folder, under=()):
        self.folder, self.under, self.port, self.starts = folder, list(under), 0, []
        self.log = open(folder / "server.log", "ab")

    def start(self):
        env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        env |= {"BOB_LISTEN": f"127.0.0.1:{self.port}", "BOB_CUSTOMER_PASSWORD": "correct-horse-battery"}
        asked = time.monotonic()
        self.process = subprocess.Popen([*self.under, SERVER], cwd=self.folder, env=env, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            if found := re.search(r"^  Health +http://[^/]*:(\d+)/api/health$", line):
                self.port = int(found[1])
                break
        else:
            sys.exit(f"bob-server did not start; see {self.folder / 'server.log'}")
        while Client("127.0.0.1", self).call("GET", "/api/health")[0] != 200:
            if time.monotonic() - asked > 20:
                sys.exit("bob-server is not ready after 20 s")
            time.sleep(0.005)
        self.starts.append(time.monotonic() - asked)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=10)
        self.process.stdout.close()

    def stop(self):
        self.process.terminate()
        code = self.process.wait(timeout=40)
        self.process.stdout.close()
        self.log.close()
        return code

    def resident(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


class Client:
    """One connection from an address of its own, as limits count by address; renewed before the server lets go of it."""

    def __init__(self, address, server):
        self.address, self.server, self.connection, self.until = address, server, None, (0, 0)

    def call(self, method, path, body=None, headers=None):
        """Gives status, headers and body; raises `OSError` or `HTTPException` when the line dies."""
        life, now = len(self.server.starts), time.monotonic()
        if self.connection is None or self.until < (life, now):
            self.connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20, source_address=(self.address, 0))
        try:
            self.connection.request(method, path, body, headers or {})
            response = self.connection.getresponse()
            self.until = (life, now + 3)
            return response.status, response.headers, response.read().decode()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            raise


def addresses():
    """This machine's own addresses, one for each visitor."""
    return (f"127.{a}.{b}.{c}" for a in range(1, 200) for b in range(250) for c in range(1, 250))
