"""A node: one bob-server process."""

import http.client
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

from .machine import resident

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
SERVER = os.environ.get("BOB_SERVER") or str(TARGET / "debug" / "bob-server")
PEOPLE = {
    "BOB_ADMIN_EMAIL": "admin@office16852.com", "BOB_ADMIN_PASSWORD": "battery-staple-correct",
    "BOB_CUSTOMER_PASSWORD": "correct-horse-battery",
}


class Node:
    """One bob-server; every start takes the same port. Only what is in `env` reaches it of anybody's environment.

    `under` is a command to run it under, one that becomes the server.
    """

    def __init__(self, folder, name, env, under=()):
        self.folder, self.name, self.under, self.port, self.starts, self.process = folder, name, list(under), 0, [], None
        self.log = folder / f"{name}.log"
        self.env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.env |= PEOPLE | env

    def launch(self):
        """Starts the process and does not wait for anything."""
        self.asked, self.greeting, self.greeted = time.monotonic(), [], threading.Event()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.under, SERVER], cwd=self.folder, env=self.env | {"BOB_LISTEN": f"127.0.0.1:{self.port}"},
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
        threading.Thread(target=self.listen, args=(self.process.stdout,), daemon=True).start()

    def listen(self, stdout):
        for line in stdout:
            self.greeting.append(line)
            if found := re.search(r"^  Health +http://[^/]*:(\d+)/api/health$", line):
                # A port that was chosen before stays: what is greeted with is the address that all nodes share.
                self.port = self.port or int(found[1])
                self.greeted.set()
        self.greeted.set()
        stdout.close()

    def wait(self, within=20):
        """Waits until it takes turns, and answers after how many seconds it did."""
        deadline = self.asked + within
        while not (self.greeted.wait(max(0, deadline - time.monotonic())) and self.is_ready()):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"{self.name} is not ready: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.005)
        self.starts.append(time.monotonic() - self.asked)
        return self.starts[-1]

    def start(self, within=20):
        self.launch()
        return self.wait(within)

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def health(self, timeout=15):
        """Its own word: status and body, or `None` when it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", "/api/health")
            response = connection.getresponse()
            return response.status, response.read().decode()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def is_ready(self):
        answer = self.health()
        return answer is not None and answer[0] == 200

    def run(self, *arguments):
        """Runs another command of the server with this node's settings, and gives what it printed."""
        done = subprocess.run([SERVER, *arguments], cwd=self.folder, env=self.env, text=True, timeout=60, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise RuntimeError(f"bob-server {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=10)

    def stop(self):
        """Stops it in peace, and gives its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=40)

    def resident(self):
        return resident(self.process.pid)
