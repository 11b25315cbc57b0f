"""The operator, under a hard limit of memory: more is killed, as in a pod, or fails.

    python limited.py BYTES

In a cgroup of its own where we may make one, else by RLIMIT_DATA.
"""

from __future__ import annotations

import os
import resource
import runpy
import sys
from pathlib import Path

V2, V1 = Path("/sys/fs/cgroup/cgroup.controllers"), Path("/sys/fs/cgroup/memory")


def limit(size: int) -> str:
    """Of this process; says how."""
    name = f"imagejob-proof-{os.getpid()}"
    try:
        if V2.exists():
            group, file = V2.parent / name, "memory.max"
        else:
            group, file = V1 / name, "memory.limit_in_bytes"
        group.mkdir()
        (group / file).write_text(str(size))
        (group / "cgroup.procs").write_text(str(os.getpid()))
    except OSError:
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
        return "RLIMIT_DATA"
    return f"cgroup {group}"


if __name__ == "__main__":
    print(f"limited by {limit(int(sys.argv.pop(1)))}", file=sys.stderr, flush=True)
    runpy.run_module("imagejob_operator", run_name="__main__", alter_sys=True)
