"""Runs docs/onboarding.sh as a reader would: against a server on an empty folder whose mails go into another one."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from cluster.node import PEOPLE, ROOT, Node  # noqa: E402


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bob-onboarding-"))
    mails = folder / "mails"
    settings = {"BOB_DATABASE_URL": f"sqlite://{folder}/bob.db", "BOB_MAIL_DIR": str(mails), "BOB_MAIL_FROM": "bob@example.com"}
    node = Node(folder, "node", settings)
    try:
        node.start()
        env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        env |= PEOPLE | {"BOB": f"http://127.0.0.1:{node.port}", "BOB_MAIL_DIR": str(mails)}
        script = ROOT / "docs" / "onboarding.sh"
        done = subprocess.run(["bash", str(script), "bakery"], env=env, text=True, timeout=120, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print(done.stdout)
        if done.returncode != 0 or "answered: The bakery is open" not in done.stdout:
            sys.exit(f"{script.name} did not come to its end; the folder is kept: {folder}")
    finally:
        if node.is_alive():
            node.stop()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
