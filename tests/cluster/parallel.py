"""Many jobs at once, and threads that watch."""

import collections
import threading


def in_parallel(jobs, width):
    """Runs all jobs, `width` at a time; what one raises is raised here."""
    queue, failures = collections.deque(jobs), []

    def work():
        while True:
            try:
                job = queue.popleft()
            except IndexError:
                return
            try:
                job()
            except Exception as error:  # told by the main thread
                failures.append(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(width)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=180)
        if thread.is_alive():
            raise TimeoutError("jobs are not done after 180 s")
    if failures:
        raise failures[0]


class Watch:
    """Calls `look` again and again, in a thread, as long as the block lasts; what it raises is a finding."""

    def __init__(self, look, findings, every=0.01):
        self.look, self.findings, self.every, self.looks = look, findings, every, 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.done.wait(self.every):
            try:
                self.look()
                self.looks += 1
            except Exception as error:
                self.findings.append(f"watching: {type(error).__name__}: {error}")
                return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join(timeout=60)
        if self.thread.is_alive():
            self.findings.append("watching: a look did not end within 60 s")
