"""Numbers of system calls, for the architectures that the filter knows.

From asm/unistd_64.h and asm-generic/unistd.h. To allow another call, add it here first.
"""

from __future__ import annotations

import os
from typing import Final, NamedTuple

CALLS: Final[dict[str, tuple[int, int | None]]] = {
    "read": (0, 63),
    "write": (1, 64),
    "open": (2, None),
    "close": (3, 57),
    "stat": (4, None),
    "fstat": (5, 80),
    "lstat": (6, None),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigprocmask": (14, 135),
    "ioctl": (16, 29),
    "pread64": (17, 67),
    "writev": (20, 66),
    "access": (21, None),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "getpid": (39, 172),
    "clone": (56, 220),
    "fcntl": (72, 25),
    "ftruncate": (77, 46),
    "getcwd": (79, 17),
    "readlink": (89, None),
    "gettimeofday": (96, 169),
    "sysinfo": (99, 179),
    "prctl": (157, 167),
    "gettid": (186, 178),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "exit_group": (231, 94),
    "tgkill": (234, 131),
    "openat": (257, 56),
    "newfstatat": (262, 79),
    "readlinkat": (267, 78),
    "faccessat": (269, 48),
    "prlimit64": (302, 261),
    "seccomp": (317, 277),
    "getrandom": (318, 278),
    "statx": (332, 291),
    "clone3": (435, 435),
    "openat2": (437, 437),
    "faccessat2": (439, 439),
}
"""Each call on x86-64 and on arm64; None where there is none of that name."""


class Machine(NamedTuple):
    """A processor architecture, by its number in linux/audit.h."""

    audit: int
    calls: dict[str, int]


X86_64: Final = Machine(0xC000_003E, {name: numbers[0] for name, numbers in CALLS.items()})
AARCH64: Final = Machine(
    0xC000_00B7,
    {name: numbers[1] for name, numbers in CALLS.items() if numbers[1] is not None},
)


def machine() -> Machine | None:
    """Return this processor's architecture; None for one that isn't known here."""
    return {"x86_64": X86_64, "aarch64": AARCH64}.get(os.uname().machine)
