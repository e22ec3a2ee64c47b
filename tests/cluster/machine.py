"""What a figure is worth nothing without: the machine and the seed."""

import os
import pathlib
import platform
import re


def tell(seed, **settings):
    """Prints where and with what a script runs; figures from elsewhere are other figures."""
    cpu = re.search(r"^model name\s*: (.+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    print(f"machine: {len(os.sched_getaffinity(0))} cores of {cpu[1] if cpu else platform.machine()}, "
          f"{platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f} at the start")
    print(f"seed {seed}" + "".join(f", {name} {value}" for name, value in settings.items()), flush=True)


def resident(pid):
    """The memory a process holds, in MB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def children(pid):
    """The processes that a process started and that are alive."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rsplit(")", 1)[1].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found
