"""A PostgreSQL server of one's own: made empty, with fsync on, and killed, paused and started again at will."""

import csv
import glob
import io
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

from .machine import children

SETTINGS = {
    "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "listen_addresses": "127.0.0.1",
    "logging_collector": "off", "log_min_messages": "warning", "max_connections": "100",
}


def program(name):
    """A program of PostgreSQL: of the newest version that Debian put aside, else from the path."""
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), key=lambda path: int(path.split("/")[4]))
    return found[-1] if found else shutil.which(name) or name


class Postgres:
    """A server on a folder, a socket and a port of its own; run by somebody who may not do everything."""

    def __init__(self, **settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bob-pg-"))
        self.data, self.log = self.folder / "data", self.folder / "postgres.log"
        self.user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        if self.user:
            person = pwd.getpwnam("postgres")
            os.chown(self.folder, person.pw_uid, person.pw_gid)
        self.run("initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D", self.data)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.settings = SETTINGS | {"port": str(self.port), "unix_socket_directories": str(self.folder)} | settings
        self.process = None

    def run(self, name, *arguments):
        # What is looked up from here is no part of what a test finds in the log.
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PGOPTIONS": "-c log_statement=none"}
        done = subprocess.run([program(name), *map(str, arguments)], env=environment, cwd=self.folder, text=True, timeout=120,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **self.user)
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stderr.strip()}")
        return done.stdout

    def start(self, within=60):
        """Starts it, and answers after how many seconds it takes connections."""
        asked = time.monotonic()
        settings = [text for name, value in self.settings.items() for text in ("-c", f"{name}={value}")]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([program("postgres"), "-D", str(self.data), *settings], cwd=self.folder, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, **self.user)
        while not self.takes_connections():
            if self.process.poll() is not None or time.monotonic() - asked > within:
                raise RuntimeError(f"PostgreSQL did not start: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.01)
        return time.monotonic() - asked

    def takes_connections(self):
        arguments = ["-q", "-h", str(self.folder), "-p", str(self.port), "-t", "5"]
        return subprocess.run([program("pg_isready"), *arguments], stdin=subprocess.DEVNULL, timeout=10).returncode == 0

    def stop(self, how=signal.SIGINT):
        """Stops it: fast by default, which ends all sessions and writes what is to be written."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=60)

    def kill(self):
        """Ends it and all its sessions with SIGKILL, the server first, so that it starts no others."""
        sessions = children(self.process.pid)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=10)
        for pid in sessions:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        deadline = time.monotonic() + 10
        while any(pathlib.Path(f"/proc/{pid}").exists() for pid in sessions) and time.monotonic() < deadline:
            time.sleep(0.001)

    def pause(self):
        """Stops it and its sessions where they are; answers what `resume` needs."""
        os.kill(self.process.pid, signal.SIGSTOP)
        stopped = children(self.process.pid)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        return stopped

    def resume(self, stopped):
        for pid in [*stopped, self.process.pid]:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass

    def make_database(self, name="bob"):
        """An empty database that belongs to somebody without rights beyond it; answers where nodes find it."""
        password = secrets.token_hex(12)
        self.query(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        self.query(f"CREATE DATABASE {name} OWNER {name}")
        self.query("CREATE ROLE stranger LOGIN")
        hba = self.data / "pg_hba.conf"
        hba.write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        self.query("SELECT pg_reload_conf()")
        return f"postgres://{name}:{password}@127.0.0.1:{self.port}/{name}"

    def connect(self, database="bob"):
        """A session that does nothing, of somebody without rights; `None` when the server has no place for another."""
        session = socket.socket(socket.AF_UNIX)
        session.settimeout(10)
        session.connect(str(self.folder / f".s.PGSQL.{self.port}"))
        words = f"user\0stranger\0database\0{database}\0\0".encode()
        session.sendall(struct.pack("!ii", 8 + len(words), 196_608) + words)
        heard = b""
        while not heard.endswith(b"Z\0\0\0\5I"):
            more = session.recv(4096)
            heard += more
            if not more or heard[:1] == b"E":
                session.close()
                return None
        return session

    def query(self, sql, database="postgres"):
        """Runs SQL as the server's own superuser, whom no fence holds, and gives the rows as texts."""
        text = self.run("psql", "-X", "-q", "--csv", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", self.port,
                        "-U", "postgres", "-d", database, "-c", sql)
        return list(csv.reader(io.StringIO(text)))

    def close(self):
        """Ends it for good and removes its folder."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            try:
                self.stop(signal.SIGQUIT)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
