"""Ends what a process started, however that process ends.

A guard is a small process of its own session that reads from its owner's pipe which processes live.
When the owner dies, even by SIGKILL, the pipe closes and the guard kills what is left. The kernel's
PR_SET_PDEATHSIG would not do: it fires when the *thread* that started the child ends, and it misses
the child's children, whom the guard reaches through their process group.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from contextlib import suppress


class Guard:
    """The owner's side. Every guarded process leads a process group of its own; any thread may have
    started it."""

    def __init__(self) -> None:
        # -S -E and no package: it starts in 15 ms, and its import can't fail for the caller's sake.
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-E", __file__],
            stdin=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        self._one_at_a_time = threading.Lock()

    def watch(self, pid: int) -> None:
        self._tell(f"+{pid}")

    def forget(self, pid: int) -> None:
        """To be called once `pid` is reaped, before the number can belong to another process."""
        self._tell(f"-{pid}")

    def close(self) -> None:
        """Kill what is still watched, and end."""
        with self._process:
            if self._process.stdin:
                self._process.stdin.close()

    def _tell(self, line: str) -> None:
        with self._one_at_a_time:
            if self._process.stdin:
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()


def main() -> None:
    """The guard's side: keep a pidfd for each process, for a bare number could be reused."""
    watched: dict[int, int] = {}
    for line in sys.stdin:
        pid = int(line[1:])
        if line[0] == "+":
            with suppress(ProcessLookupError):
                watched[pid] = os.pidfd_open(pid)
        elif (pidfd := watched.pop(pid, None)) is not None:
            os.close(pidfd)
    for pid, pidfd in watched.items():
        ended, _, _ = select.select([pidfd], [], [], 0)
        if not ended:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
