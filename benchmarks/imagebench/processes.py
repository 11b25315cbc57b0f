"""What processes cost: CPU time by the kernel's clocks, memory by /proc. Linux only."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import subprocess

MIB = 1024 * 1024


def cpu_clock(pid: int) -> float:
    """User and system time of all threads of a living process so far, in seconds.

    The clock that clock_getcpuclockid(3) gives, to the nanosecond; Python has no name for it.
    Children aren't in it.
    """
    return time.clock_gettime((~pid << 3) | 2)


def peak_rss(pid: int) -> int:
    """The most memory a living process has held at once, in bytes, by the kernel's count."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"process {pid} has no memory")


def children(pid: int) -> list[int]:
    """The processes that `pid` has started and not yet reaped."""
    found: list[int] = []
    with suppress(OSError):  # a process may end while it is looked at
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def tree_pss(pid: int) -> int:
    """The proportional set size of a process and all its descendants, in bytes.

    Pages that the processes share are counted once. Processes are read one after the other, so
    one that ends meanwhile may be missed, and pages it shared be counted in part.
    """
    return _pss(pid) + sum(tree_pss(child) for child in children(pid))


def _pss(pid: int) -> int:
    with suppress(OSError), open(f"/proc/{pid}/smaps_rollup", "rb") as file:  # noqa: PTH123 (fast)
        for line in file:
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    return 0


class Ended(NamedTuple):
    """How a process ended, and the CPU seconds of it and all its reaped descendants."""

    code: int
    cpu: float


class Watched(NamedTuple):
    """The peak that sampling saw, in bytes, and how often it looked."""

    peak: int
    samples: int


def wait(process: subprocess.Popen[bytes]) -> Ended:
    """Wait for a process's end."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Ended(process.returncode, usage.ru_utime + usage.ru_stime)


def watch(process: subprocess.Popen[bytes]) -> Watched:
    """Sample a process tree's memory, as fast as can be, until its root has ended."""
    peak, samples = 0, 0
    while not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        peak = max(peak, tree_pss(process.pid))
        samples += 1
    return Watched(peak, samples)
