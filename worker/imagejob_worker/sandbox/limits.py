"""The limits of a child process, set by the child itself before it reads a byte of an image.

They limit resources. What bounds code that an image has taken over is the wall, see wall.py.
"""

from __future__ import annotations

import fcntl
import math
import os
import resource
import select
import signal

_OPEN_FILES = 64


def set_limits(seconds: float, memory: int, file_size: int, *, parent: int) -> None:
    """Limit CPU time, memory in bytes on top of what it has now, and bytes of each file it writes.

    `parent` is a pipe that nothing is or was written to; when its other end is closed, as by that
    process's end, this process is killed.
    """
    os.setsid()  # a group of its own, so that all that it starts can be killed with it
    _die_with(parent)
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_FSIZE, file_size)
    # A second limit: the parent's deadline comes first, unless several threads use CPU at once.
    _limit(resource.RLIMIT_CPU, math.ceil(seconds), spare=1)
    _limit(resource.RLIMIT_AS, _address_space() + memory)


def _limit(kind: int, most: int, spare: int = 0) -> None:
    """Lower a limit for good. With `spare`, the soft limit comes first, and sends SIGXCPU."""
    ceiling = resource.getrlimit(kind)[1]
    hard = most + spare if ceiling == resource.RLIM_INFINITY else min(most + spare, ceiling)
    resource.setrlimit(kind, (min(most, hard), hard))


def _die_with(parent: int) -> None:
    """Have the kernel send SIGIO, which kills, when the pipe's other end is closed.

    The kernel sends SIGIO for a write, too, some time after it woke the reader.
    prctl(PR_SET_PDEATHSIG) fires when the thread that forked ends, and that may be any.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(parent, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(parent, fcntl.F_SETFL, fcntl.fcntl(parent, fcntl.F_GETFL) | os.O_ASYNC)
    poll = select.poll()
    poll.register(parent, 0)
    if poll.poll(0):  # closed before that took effect
        os.kill(os.getpid(), signal.SIGKILL)


def _address_space() -> int:
    with open("/proc/self/statm", "rb") as file:
        pages = int(file.read().split()[0])
    return pages * resource.getpagesize()
